//! What is not read, and what is said about it.

use prediction_manifest::{MAX_BYTES, MAX_MISTAKES, read};

use crate::support::{SHAPE, bytes, codes, mistake, plain, read_text};

/// What a mistake is: its code, the underlined text, the hint.
fn assert_mistakes(cases: &[(&str, &str, &str, Option<&str>)]) {
    for (text, code, underlined, hint) in cases {
        let found = mistake(text);
        assert_eq!((&*found.0, &*found.1, found.2.as_deref()), (*code, *underlined, *hint), "{text:?}");
    }
}

#[test]
fn a_text_that_yaml_takes_for_something_else() {
    assert_mistakes(&[
        ("jobs: [{version: 1.10}]", "not_text", "1.10", Some("quote it: \"1.10\"")),
        ("jobs: [{version: 0777}]", "not_text", "0777", Some("quote it: \"0777\"")),
        ("jobs: [{version: .inf}]", "not_text", ".inf", Some("quote it: \".inf\"")),
        ("jobs: [{version: 2026-01-01}]", "not_text", "2026-01-01", Some("quote it: \"2026-01-01\"")),
        ("jobs:\n- name: TRUE", "not_text", "TRUE", Some("quote it: \"TRUE\"")),
        ("jobs:\n- name: ~ # none", "not_text", "~", Some("quote it: \"~\"")),
        ("jobs:\n- name:\n", "not_text", "name", None),
        ("{\"jobs\": [{\"unit\": 1.0}]}", "not_text", "1.0", Some("quote it: \"1.0\"")),
        ("jobs: [{version: [{role: 1}]}]", "not_text", "1", Some("quote it: \"1\"")),
    ]);
    let message = |text: &str| read_text(text).unwrap_err().remove(0).message;
    assert_eq!(message("jobs: [{version: 1.10}]"), "`version` is a text, and 1.10 is the number 1.1");
    assert_eq!(message("jobs: [{version: 2}]"), "`version` is a text, and 2 is a number");
    assert!(read_text("jobs: [{version: '1.10', name: !x}]").is_err());
    assert!(read_text("jobs:\n- version: '1.10'\n  name: |-\n    5\n").is_ok());
}

#[test]
fn numbers_that_would_change() {
    assert_mistakes(&[
        (
            "anything: 0777",
            "ambiguous_number",
            "0777",
            Some("write 777 for the number, 0o… for octal, or \"0777\" for the text"),
        ),
        ("anything: 1_000", "ambiguous_number", "1_000", Some("write 1000 for the number, or \"1_000\" for the text")),
        ("anything: -.inf", "not_a_number", "-.inf", Some("quote it, if it is a text: \"-.inf\"")),
        ("anything: .nan", "not_a_number", ".nan", Some("quote it, if it is a text: \".nan\"")),
        (
            "{\"anything\": 18446744073709551616}",
            "number_out_of_range",
            "18446744073709551616",
            Some("quote it, if it is a text: \"18446744073709551616\""),
        ),
    ]);
}

#[test]
fn parts_of_yaml_that_are_not_read() {
    const OUT: Option<&str> = Some("write the value out");
    assert_mistakes(&[
        ("anything: !!str 1.10", "tag", "!!str", Some("quote the value if it is a text, and leave the tag out")),
        ("anything: &a x", "alias", "&a", Some("leave the anchor out")),
        ("anything: &a\n  x: 1", "alias", "&a", Some("leave the anchor out")),
        ("anything: {<<: {a: 1}}", "merge_key", "<<", Some("write the members out")),
        ("anything: {1: a}", "key_not_text", "1", Some("quote it: \"1\"")),
        ("anything: {~: a}", "key_not_text", "~", Some("quote it: \"~\"")),
        ("anything:\n  ? [a, b]\n  : c\nset: x", "key_not_text", "[", Some("a key is a text")),
        ("anything: {a: 1, 'a': 2}", "duplicate_member", "'a'", None),
        ("{\"anything\": {\"a\": 1, \"\\u0061\": 2}}", "duplicate_member", "\"\\u0061\"", None),
    ]);
    let aliases = read_text("anything: &a x\nset: *a\nprune:\n  <<: *a\n  k: *a\n").unwrap_err();
    let underlined: Vec<_> = aliases.iter().map(|mistake| mistake.place.as_ref().unwrap().text().unwrap()).collect();
    assert_eq!(underlined, ["&a", "*a", "<<", "*a"]);
    assert_eq!(mistake("anything: *a").2, None);
    assert_eq!(OUT, aliases[1].hint.as_deref());
}

#[test]
fn few_lines_cannot_stand_for_gigabytes() {
    let mut bomb = "anything:\n  a0: &a0 x\n".to_owned();
    for level in 1..40 {
        bomb.push_str(&format!("  a{level}: &a{level} [*a{0}, *a{0}, *a{0}]\n", level - 1));
    }
    assert!(read_text(&bomb).unwrap_err().iter().all(|mistake| ["alias", "more_mistakes"].contains(&&*mistake.code)));
}

#[test]
fn syntax_is_told_at_its_place() {
    assert_mistakes(&[
        ("anything: [|-\n  a\n]", "yaml_syntax", "|", Some("write the text in double quotes")),
        ("set: 'a\n", "yaml_syntax", "'", None),
        (
            "set: \"é\\u00e9\\uD83D\\uDE00\"",
            "yaml_syntax",
            "\"",
            Some("\\uD83D\\uDE00 is a character in JSON only; in YAML it is \\U0001f600"),
        ),
        ("set: \"\\ud83d\"", "yaml_syntax", "\"", None),
        ("set: a\n\tprune: true\n", "tab", "\t", Some("YAML is indented by spaces")),
        ("jobs:\n\t- name: a\n", "tab", "\t", Some("YAML is indented by spaces")),
        ("jobs:\r\n  - name: a\r\n\t  version: b\r\n", "tab", "\t", Some("YAML is indented by spaces")),
        ("set: a\u{7}b", "control_character", "\u{7}", Some("in double quotes it can be written \\u0007")),
        ("set: a\u{0}b", "control_character", "\u{0}", Some("in double quotes it can be written \\u0000")),
        ("set: a\nset: \u{feff}b", "control_character", "\u{feff}", Some("in double quotes it can be written \\ufeff")),
        ("[1, 2]", "not_an_object", "[", Some(MEMBERS)),
        ("- a\n- b\n", "not_an_object", "-", Some(MEMBERS)),
        ("just text", "not_an_object", "just text", Some(MEMBERS)),
    ]);
    let json = read(&[bytes("a.json", "{\"set\": [1,\n  }")], &SHAPE);
    assert!(json.is_err());
}

const MEMBERS: &str = "its members may be `set`, `organisation_id`, `prune`, `anything`, `sources`, `inputs`, `jobs`";

#[test]
fn json_syntax_is_told_at_its_place() {
    let folder =
        crate::support::folder(&[("a.json", "{\"set\": \"é\",\n  \"prune\": tru\n}"), ("b.json", "{\"set\": \"x")]);
    let mistakes = read(&[prediction_manifest::Input::Path(folder.path().to_owned())], &SHAPE).unwrap_err();
    assert_eq!(codes(&mistakes).len(), 2);
    let place = mistakes[0].place.as_ref().unwrap();
    assert_eq!(place.line(), Some(2));
    assert_eq!(mistakes[0].message, "is not JSON: expected ident");
}

#[test]
fn deep_nesting_is_refused() {
    let nested = |open: &str, close: &str, times: usize| format!("{}1{}", open.repeat(times), close.repeat(times));
    let blocks: Vec<_> = (0..300).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    for text in [
        format!("anything: {}", nested("[", "]", 300)),
        format!("anything:\n{}", "- ".repeat(300)),
        nested("{\"anything\":", "}", 300),
        "[".repeat(MAX_BYTES),
        blocks.concat(),
    ] {
        assert_eq!(mistake(&text).0, "too_deep", "{}", text.get(..20).unwrap_or(&text));
    }
    let keys = read_text(&format!("anything:\n{}", "? ".repeat(100_000))).unwrap_err();
    assert_eq!(keys.iter().map(|mistake| &*mistake.code).collect::<Vec<_>>(), ["key_not_text", "too_deep"]);
    assert!(read_text(&format!("anything: {}", nested("[", "]", 126))).is_ok());
    assert!(read_text(&format!("{{\"anything\": {}}}", nested("[", "]", 126))).is_ok());
}

#[test]
fn too_many_bytes_are_refused_by_name() {
    let large = " ".repeat(MAX_BYTES + 1);
    let mistakes = read(&[bytes("a", "x: 1"), bytes("large", &large), bytes("b", "y: 1")], &SHAPE).unwrap_err();
    let found = codes(&mistakes);
    let names: Vec<_> = found.iter().map(|(code, name)| (&**code, &**name)).collect();
    assert_eq!(names, [("unknown_member", "a"), ("too_large", "large"), ("unknown_member", "b")]);
    let half = &large[..=MAX_BYTES / 2];
    let mistakes = read(&[bytes("a", half), bytes("b", half), bytes("c", "x: 1")], &SHAPE).unwrap_err();
    assert_eq!(codes(&mistakes), [("too_large".to_owned(), "b".to_owned())]);
}

#[test]
fn bytes_that_are_no_text_are_told_by_number_and_line() {
    let mistakes = read(&[bytes("a.yaml", b"set: \xc3\xa9\njobs: \xff\n")], &SHAPE).unwrap_err();
    assert_eq!(mistakes[0].message, "the byte 0xFF, number 15 of the file, is not UTF-8");
    let place = mistakes[0].place.as_ref().unwrap();
    assert_eq!((place.line(), place.column()), (Some(2), Some(7)));
}

#[test]
fn members_of_the_document() {
    assert_mistakes(&[
        ("job: []", "unknown_member", "job", Some("did you mean `jobs`?")),
        ("zzz: []", "unknown_member", "zzz", None),
        ("jobs:\n", "not_a_list", "jobs", Some("an empty one is written `jobs: []`")),
        ("jobs:\n  name: a\n", "not_a_list", "jobs", None),
        ("set: a\n---\nset: b\n", "conflict", "b", None),
        ("jobs:\n- name: a\n- name: a\n", "duplicate_item", "name: a", None),
    ]);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let files = [
        bytes("a.yaml", "jobs:\n- version: 1.10\n  version: '2'\n- name: 5\nsett: x\nanything: 0777\n"),
        bytes("b.yaml", "jobs: [\n"),
        bytes("c.yaml", "jobs: {}\n"),
    ];
    let mistakes = read(&files, &SHAPE).unwrap_err();
    let found: Vec<_> = mistakes.iter().map(|mistake| &*mistake.code).collect();
    let expected =
        ["not_text", "duplicate_member", "not_text", "unknown_member", "ambiguous_number", "yaml_syntax", "not_a_list"];
    assert_eq!(found, expected, "{}", plain(&mistakes));
}

#[test]
fn too_many_mistakes_are_counted() {
    let text = format!("jobs:\n{}", "- name: 1\n".repeat(MAX_MISTAKES + 7));
    let mistakes = read_text(&text).unwrap_err();
    assert_eq!(mistakes.len(), MAX_MISTAKES + 1);
    assert_eq!(mistakes.last().unwrap().message, "7 more mistakes in this file");
}
