//! JSON read strictly (RFC 8259), for request bodies and for the parts of a token.
//!
//! What lenient readers let pass in silence is where two programs come to read one text differently. So the text is
//! UTF-8 without a byte order mark, is one value and nothing after it, has no number that a double cannot hold, and is
//! nested to a bounded depth; and a member that stands twice in one object is noticed, together with its place, so that
//! the caller can refuse it as it sees fit.

use std::collections::BTreeSet;
use std::fmt;

use prediction_domain::model::Path;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, de};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

/// How many objects and arrays can be nested in each other: `serde_json`'s limit, which keeps its recursion off the
/// end of the stack.
pub const MAX_DEPTH: usize = 127;

/// The most repeated members that are reported. More of them tell nobody more, and each costs the length of its path.
pub const MAX_REPORTED_DUPLICATES: usize = 100;

/// The most bytes of member names in a reported path. Without it, a body of a megabyte that nests many duplicates below
/// one very long name would be answered with gigabytes.
const MAX_PATH_BYTES: usize = 1024;

/// A JSON text that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The value. Of a repeated member it has the last occurrence.
    pub value: Value,
    /// Where a member stands more than once in its object: each place once, in the order of the text, from at most
    /// [`MAX_REPORTED_DUPLICATES`] repetitions. A place whose path would be very long is given as that of the object
    /// around it.
    pub duplicates: Vec<Path>,
}

/// A text that is not JSON, or not JSON that can be accepted. The message quotes nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line}, column {column}")]
pub struct StrictJsonError {
    /// What is wrong.
    pub message: String,
    /// The line where it was noticed, counted from 1.
    pub line: usize,
    /// The byte in that line where it was noticed, counted from 1; 0 stands for the end of the line before.
    pub column: usize,
}

/// Reads one JSON value.
///
/// ```
/// use prediction_domain::model::Path;
/// use prediction_http::strict_json;
///
/// let parsed = strict_json::parse(br#"{"job": {"name": "a", "name": "b"}}"#)?;
/// assert_eq!(parsed.duplicates, [Path::of("job").member("name")]);
///
/// assert_eq!(strict_json::parse(b"[1,]").unwrap_err().to_string(), "trailing comma at line 1, column 4");
/// # Ok::<(), strict_json::StrictJsonError>(())
/// ```
pub fn parse(bytes: &[u8]) -> Result<Parsed, StrictJsonError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| StrictJsonError::after(&bytes[..error.valid_up_to()], "the text is not UTF-8"))?;
    if text.starts_with('\u{feff}') {
        return Err(StrictJsonError::after(&[], "the text begins with a byte order mark"));
    }
    let mut duplicates = Duplicates::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Node { place: &Place::Root, duplicates: &mut duplicates }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(Parsed { value, duplicates: duplicates.into_paths() })
}

impl StrictJsonError {
    /// An error at the byte that follows these.
    fn after(accepted: &[u8], message: &str) -> Self {
        let line = accepted.split(|byte| *byte == b'\n');
        let (lines, last) = line.fold((0, 0), |(lines, _), line| (lines + 1, line.len()));
        Self { message: message.to_owned(), line: lines, column: last + 1 }
    }
}

impl From<serde_json::Error> for StrictJsonError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let message = match text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text) {
            _ if error.is_eof() => "the text ends before its value does".to_owned(),
            "recursion limit exceeded" => format!("the value is nested deeper than {MAX_DEPTH} levels"),
            message => message.to_owned(),
        };
        Self { message, line, column }
    }
}

/// The place of a value, as a list on the stack from the value outwards: a path is only built for a duplicate.
enum Place<'a> {
    Root,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// As much of the path as fits.
    fn path(&self) -> Path {
        self.path_within(&mut { MAX_PATH_BYTES })
    }

    fn path_within(&self, budget: &mut usize) -> Path {
        match self {
            Self::Root => Path::root(),
            Self::Item(parent, index) => {
                let path = parent.path_within(budget);
                if *budget == 0 { path } else { path.index(*index) }
            }
            Self::Member(parent, name) => {
                let path = parent.path_within(budget);
                match budget.checked_sub(name.len()) {
                    Some(rest) if *budget > 0 => {
                        *budget = rest;
                        path.member((*name).to_owned())
                    }
                    _ => {
                        *budget = 0;
                        path
                    }
                }
            }
        }
    }
}

#[derive(Default)]
struct Duplicates(Vec<Path>);

impl Duplicates {
    fn report(&mut self, place: &Place<'_>) {
        if self.0.len() < MAX_REPORTED_DUPLICATES {
            self.0.push(place.path());
        }
    }

    fn into_paths(mut self) -> Vec<Path> {
        let mut seen = BTreeSet::new();
        self.0.retain(|path| seen.insert(path.clone()));
        self.0
    }
}

/// Reads the value at a place.
struct Node<'a> {
    place: &'a Place<'a>,
    duplicates: &'a mut Duplicates,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let place = Place::Item(self.place, items.len());
            match access.next_element_seed(Node { place: &place, duplicates: self.duplicates })? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let place = Place::Member(self.place, &name);
            let value = access.next_value_seed(Node { place: &place, duplicates: self.duplicates })?;
            match members.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                Entry::Occupied(mut entry) => {
                    self.duplicates.report(&Place::Member(self.place, entry.key()));
                    entry.insert(value);
                }
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Value {
        let parsed = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(parsed.duplicates, [], "{text}");
        parsed.value
    }

    fn duplicates(text: &str) -> Vec<String> {
        parse(text.as_bytes()).unwrap().duplicates.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_kind_of_value_is_read() {
        assert_eq!(
            value(r#" {"a": [null, true, -1, 18446744073709551615, 1.5, "é\n"], "b": {}} "#),
            json!({"a": [null, true, -1, u64::MAX, 1.5, "é\n"], "b": {}})
        );
        assert_eq!(value("0"), json!(0));
        assert_eq!(
            value(r#""\u0000""#),
            json!("\0"),
            "an escaped NUL is JSON; whether text may hold one is for others"
        );
        assert_eq!(value(r#""\ud83c\udf3e""#), json!("🌾"));
    }

    #[test]
    fn numbers_are_limited_by_what_a_double_holds() {
        assert_eq!(value("1000000000000000000000000000000"), json!(1e30));
        for text in ["1e400", "-1e400", &format!("1{}", "0".repeat(400))] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().message, "number out of range", "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            " ",
            "\n\t",
            "{",
            "[",
            "\"",
            "\"\\",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\"}",
            "{a:1}",
            "{1:1}",
            "{null:1}",
            "'a'",
            "NaN",
            "Infinity",
            "-Infinity",
            "-",
            "+1",
            "01",
            "1.",
            ".5",
            "0x10",
            "1e",
            "nul",
            "True",
            "1 2",
            "{} {}",
            "{}x",
            "[]]",
            "null\0",
            "\0",
            "// a\n1",
            "/* a */ 1",
            "\"\t\"",
            "\"\n\"",
            "\"\0\"",
            r#""\x41""#,
            r#""\u12""#,
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800\ud800""#,
            r#""\ud800x""#,
            r#"{"\ud800": 1}"#,
            "\u{feff}",
            "\u{feff}{}",
            "{}\u{feff}",
            "\u{a0}1",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused_with_its_place() {
        for bytes in [&b"{\n \"\xff\": 1}"[..], b"{\n \"\xc3\"", b"{\n \"\xed\xa0\x80\"}", b"{\n \"\xc0\xaf\"}"] {
            let error = parse(bytes).unwrap_err();
            assert_eq!(error.to_string(), "the text is not UTF-8 at line 2, column 3", "{bytes:?}");
        }
        assert_eq!(parse(b"\xff\xfe{\0}\0").unwrap_err().to_string(), "the text is not UTF-8 at line 1, column 1");
    }

    #[test]
    fn messages_are_plain_and_have_a_place() {
        for (text, message) in [
            ("", "the text ends before its value does at line 1, column 0"),
            ("{\"a\": [1, 2", "the text ends before its value does at line 1, column 11"),
            ("{\n  \"a\": nope\n}", "expected ident at line 2, column 9"),
            ("{} {}", "trailing characters at line 1, column 4"),
            ("\u{feff}{}", "the text begins with a byte order mark at line 1, column 1"),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().to_string(), message, "{text:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            for depth in [2_000, 200_000] {
                let error = parse(nested(open, close, depth).as_bytes()).unwrap_err();
                assert_eq!(error.message, "the value is nested deeper than 127 levels", "{open} {depth}");
            }
        }
        assert!(parse(nested("[", "]", MAX_DEPTH).as_bytes()).is_ok());
        assert!(parse(nested("[", "]", MAX_DEPTH + 1).as_bytes()).is_err());
        assert!(parse("[".repeat(2_000).as_bytes()).is_err());
    }

    #[test]
    fn duplicates_are_found_at_every_level_and_named_once() {
        assert_eq!(duplicates(r#"{"a": 1, "b": 2, "a": 3, "a": 4}"#), ["a"]);
        assert_eq!(
            duplicates(r#"{"a": [{"b": 1}, {"b": 1, "b": 2}], "c": {"d": {"e": 1, "e": 1}}}"#),
            ["a[1].b", "c.d.e"]
        );
        assert_eq!(duplicates(r#"{"a": 1, "\u0061": 2}"#), ["a"], "names are compared as they are read");
        assert_eq!(duplicates(r#"{"": 1, "": 2}"#), [""]);
        assert_eq!(duplicates(r#"{"a": 1, "A": 2}"#), [""; 0]);
        assert_eq!(duplicates(r#"[{"a": 1}, {"a": 1}]"#), [""; 0]);
        assert_eq!(parse(br#"{"a": 1, "a": 2}"#).unwrap().value, json!({"a": 2}));
    }

    #[test]
    fn reports_of_duplicates_are_bounded() {
        let many = format!("[{}]", vec![r#"{"a":1,"a":2}"#; 50_000].join(","));
        assert_eq!(duplicates(&many).len(), MAX_REPORTED_DUPLICATES);

        let long = "x".repeat(MAX_PATH_BYTES + 1);
        assert_eq!(duplicates(&format!(r#"{{"a": {{"{long}": [{{"b": 1, "b": 2}}]}}}}"#)), ["a"]);
        assert_eq!(duplicates(&format!(r#"{{"{long}": 1, "{long}": 2}}"#)), [""]);
    }

    proptest! {
        #[test]
        fn no_bytes_cause_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn what_is_read_is_what_serde_json_reads(text in r#"[\[\]{},:"\\a0-9eu. +-]{0,40}"#) {
            let expected = serde_json::from_str::<Value>(&text).ok();
            prop_assert_eq!(parse(text.as_bytes()).ok().map(|parsed| parsed.value), expected);
        }
    }
}
