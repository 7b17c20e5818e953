//! What a plain text of YAML is.

use serde_json::{Number, Value};

use crate::node::{Content, Refusal};

/// Reads a scalar without quotes by the core schema of YAML 1.2.
pub(crate) fn resolve(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Content::Scalar(Value::Null),
        "true" | "True" | "TRUE" => return Content::Scalar(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Content::Scalar(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return Content::Refused(Refusal::NotFinite),
        _ => (),
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Content::Refused(Refusal::NotFinite);
    }
    if is_number_with_underscores(unsigned) {
        return Content::Refused(Refusal::Underscore);
    }
    if is_date(text) {
        return Content::Date(text.to_owned());
    }
    match number(text, unsigned) {
        None => Content::Scalar(Value::from(text)),
        Some(Ok(number)) => Content::Scalar(Value::Number(number)),
        Some(Err(refusal)) => Content::Refused(refusal),
    }
}

fn number(text: &str, unsigned: &str) -> Option<Result<Number, Refusal>> {
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
                return None;
            }
            return Some(u64::from_str_radix(digits, radix).map(Number::from).map_err(|_| Refusal::TooLarge));
        }
    }
    if is_digits(unsigned) {
        if unsigned.len() > 1 && unsigned.starts_with('0') {
            return Some(Err(Refusal::LeadingZero));
        }
        return Some(integer(text).ok_or(Refusal::TooLarge));
    }
    is_float(unsigned).then(|| float(text))
}

/// An integer that 64 bits hold.
pub(crate) fn integer(text: &str) -> Option<Number> {
    let text = text.strip_prefix('+').unwrap_or(text);
    text.parse::<u64>().map(Number::from).or_else(|_| text.parse::<i64>().map(Number::from)).ok()
}

/// The double nearest to a number, if one is near.
pub(crate) fn float(text: &str) -> Result<Number, Refusal> {
    let float = text.parse::<f64>().ok().and_then(Number::from_f64).ok_or(Refusal::TooLarge)?;
    let digits = text.split(['e', 'E']).next().unwrap_or_default();
    if float.as_f64() == Some(0.0) && digits.contains(|digit: char| matches!(digit, '1'..='9')) {
        return Err(Refusal::TooSmall);
    }
    Ok(float)
}

/// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let (digits, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(digits, e)| (digits, Some(e)));
    let (whole, fraction) = digits.split_once('.').map_or((digits, ""), |(whole, fraction)| (whole, fraction));
    let is_digits_or_nothing = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits_or_nothing(whole)
        && is_digits_or_nothing(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number as YAML 1.1 had it. It is a text in YAML 1.2.
fn is_number_with_underscores(unsigned: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'_' | b'.');
    unsigned.starts_with(|first: char| first.is_ascii_digit())
        && unsigned.contains('_')
        && unsigned.bytes().all(is_allowed)
        && unsigned.matches('.').count() <= 1
}

/// A date, or a time on a date, as YAML 1.1 had it. It is a text in YAML 1.2.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut parts = text.get(..10.min(text.len())).unwrap_or_default().splitn(3, '-');
    let mut has = |lengths: &[usize]| parts.next().is_some_and(|part| lengths.contains(&part.len()) && is_digits(part));
    if bytes.len() >= 10 {
        has(&[4]) && has(&[2]) && has(&[2]) && bytes.get(10).is_none_or(|next| matches!(next, b'T' | b't' | b' '))
    } else {
        has(&[4]) && has(&[1, 2]) && has(&[1, 2])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_words_are_those_of_yaml_1_2() {
        let cases = [
            ("5", json!(5)),
            ("+5", json!(5)),
            ("-5", json!(-5)),
            ("0", json!(0)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("1.10", json!(1.1)),
            ("1.", json!(1.0)),
            (".5", json!(0.5)),
            ("-1e3", json!(-1000.0)),
            ("1E+3", json!(1000.0)),
            ("18446744073709551615", json!(u64::MAX)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("20260101", json!(20_260_101)),
            ("TRUE", json!(true)),
            ("~", json!(null)),
            ("", json!(null)),
        ];
        for (text, value) in cases {
            assert!(matches!(resolve(text), Content::Scalar(read) if read == value), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_number_is_a_text() {
        let texts = [
            "no", "yes", "on", "y", "12:30", "1.2.3", "e3", "1e", ".", "+", "-", "0x", "0xg", "0b1", "tRUE", "_1",
            "1a", "--1", "+.e1", ".e1", "NaN", "inf", "१२", "1 000", "a_1", "2026-01",
        ];
        for text in texts {
            assert!(matches!(resolve(text), Content::Scalar(Value::String(read)) if read == text), "{text}");
        }
    }

    #[test]
    fn what_would_change_is_refused() {
        let cases = [
            ("0777", Refusal::LeadingZero),
            ("-00", Refusal::LeadingZero),
            ("1_000", Refusal::Underscore),
            ("1_0.5", Refusal::Underscore),
            ("18446744073709551616", Refusal::TooLarge),
            ("-9223372036854775809", Refusal::TooLarge),
            ("0xFFFFFFFFFFFFFFFFF", Refusal::TooLarge),
            ("1e400", Refusal::TooLarge),
            ("1e-400", Refusal::TooSmall),
            ("-.inf", Refusal::NotFinite),
            (".NaN", Refusal::NotFinite),
        ];
        for (text, why) in cases {
            assert!(matches!(resolve(text), Content::Refused(refusal) if refusal == why), "{text}");
        }
    }

    #[test]
    fn dates_are_noticed() {
        for text in ["2026-01-01", "2026-1-1", "2026-01-1", "2026-01-01T10:00:00Z", "2026-01-01 10:00:00"] {
            assert!(matches!(resolve(text), Content::Date(_)), "{text}");
        }
        for text in ["2026-01-01x", "26-01-01", "2026-001-01", "2026-01", "2026-01-", "a026-01-01"] {
            assert!(matches!(resolve(text), Content::Scalar(Value::String(_))), "{text}");
        }
    }
}
