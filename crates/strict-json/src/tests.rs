use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn value(text: &str) -> Value {
    let parsed = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(parsed.duplicates, [], "{text}");
    parsed.value().into()
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
    assert_eq!(value(r#""\u0000""#), json!("\0"), "an escaped NUL is JSON; whether text may hold one is for others");
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
    assert_eq!(duplicates(r#"{"a": [{"b": 1}, {"b": 1, "b": 2}], "c": {"d": {"e": 1, "e": 1}}}"#), ["a[1].b", "c.d.e"]);
    assert_eq!(duplicates(r#"{"a": 1, "\u0061": 2}"#), ["a"], "names are compared as they are read");
    assert_eq!(duplicates(r#"{"": 1, "": 2}"#), [""]);
    assert_eq!(duplicates(r#"{"a": 1, "A": 2}"#), [""; 0]);
    assert_eq!(duplicates(r#"[{"a": 1}, {"a": 1}]"#), [""; 0]);
    assert_eq!(Value::from(parse(br#"{"a": 1, "a": 2}"#).unwrap().value()), json!({"a": 2}));
}

#[test]
fn members_of_large_objects_are_told_apart() {
    let name = |number: usize| format!("m{number}");
    let text = |repeated: &str| {
        let members: Vec<String> = (0..1_000).map(|number| format!("\"{}\": {number}", name(number))).collect();
        format!("{{{}{repeated}}}", members.join(", "))
    };
    let read = text("");
    let parsed = parse(read.as_bytes()).unwrap();
    let Json::Object(members) = parsed.value() else { panic!("it is an object") };
    let number = |name: &str| members.get(name).map(Value::from);
    assert!((0..1_000).all(|index| number(&name(index)) == Some(Value::from(index))));
    assert_eq!(members.names().count(), 1_000);
    for repeated in [0, 15, 16, 17, 999] {
        let text = text(&format!(", \"{}\": true", name(repeated)));
        let parsed = parse(text.as_bytes()).unwrap();
        assert_eq!(parsed.duplicates, [Path::root().member(name(repeated))]);
        let Json::Object(members) = parsed.value() else { panic!("it is an object") };
        assert_eq!(members.get(&name(repeated)).and_then(|value| value.as_bool()), Some(true), "the last one counts");
        assert_eq!(members.names().count(), 1_000);
    }
}

#[test]
fn what_is_kept_is_bounded_and_lists_are_counted() {
    let items = |text: &str, most: usize| {
        let parsed = parse_some(text.as_bytes(), most).unwrap();
        let Json::Object(members) = parsed.value() else { panic!("it is an object") };
        let Some(Json::Array(items)) = members.get("list") else { panic!("it is a list") };
        (parsed.is_cut(), items.count(), items.iter().count())
    };
    let list = |item: &str| format!(r#"{{"list": [{}]}}"#, vec![item; 100].join(","));
    assert_eq!(items(&list("1"), 102), (false, 100, 100));
    assert_eq!(items(&list("1"), 101), (true, 100, 99));
    assert_eq!(items(&list(r#"{"a": 1}"#), 11), (true, 100, 5));
    assert_eq!(items(&list("[[1, 2, 3], []]"), 2), (true, 100, 0));
    // What is not kept is still read as strictly.
    for text in ["[1, 2, 3, ]", r#"[1, "\ud800"]"#, "[1, 1e400]", "[1, 2] 3"] {
        assert!(parse_some(text.as_bytes(), 1).is_err(), "{text}");
    }
    assert!(parse_some(br#"["\u0061", {"\u0061": "\u0061"}]"#, 1).unwrap().is_cut());
    assert!(parse_some("[".repeat(2_000).as_bytes(), 1).is_err());
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
    fn a_number_is_read_as_the_nearest_double(bits in any::<u64>(), digits in 0_usize..30) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        for text in [format!("{number:?}"), format!("{number:e}"), format!("{number:.digits$e}")] {
            let read = parse(text.as_bytes()).unwrap().value().as_f64().map(f64::to_bits);
            // JSON has no -0 that is a whole number.
            let expected = text.parse::<f64>().ok().map(f64::to_bits);
            prop_assert_eq!(read, expected, "{}", text);
        }
    }

    #[test]
    fn what_is_read_is_what_serde_json_reads(text in r#"[\[\]{},:"\\a0-9eu. +-]{0,40}"#) {
        let expected = serde_json::from_str::<Value>(&text).ok();
        prop_assert_eq!(parse(text.as_bytes()).ok().map(|parsed| Value::from(parsed.value())), expected);
    }
}
