//! Documents as YAML.

use prediction_manifest::{to_yaml, to_yaml_in_order};
use serde_json::json;

use crate::support::document;

#[test]
fn a_document_is_pretty() {
    let value = json!({
        "set": "farm",
        "jobs": [
            {"name": "rain in Köln 🌧️", "inputs": [{"role": "temperature"}, {}], "empty": []},
            [["a", ["b"]], 1],
        ],
        "numbers": [1, -1, 1.0, 1e300, 18_446_744_073_709_551_615_u64, -0.0],
        "words": [null, true, "true", "no", "null", "~", "", "y"],
        "texts": ["1.10", "2026-01-01", "12:30", " a", "a ", "a #b", "a: b", "a\nb", "\u{1b}", "- a", "<<", "3d"],
        "plain": ["a/b", "_a", "気温", "x-1.2+3"],
        "12": {"": {"a: b": "\u{202e}"}},
    });
    insta::assert_snapshot!(to_yaml(&value));
}

#[test]
fn members_stand_in_the_order_that_is_asked_for() {
    let value = json!({"jobs": [{"a": 1, "name": "b"}], "other": 1, "set": "s"});
    let yaml = "set: s\njobs:\n  - name: b\n    a: 1\nother: 1\n";
    assert_eq!(to_yaml_in_order(&value, &["set", "name", "jobs"]), yaml);
}

#[test]
fn a_value_alone_is_a_document() {
    assert_eq!([json!(null), json!("1"), json!([])].map(|value| to_yaml(&value)), ["null\n", "\"1\"\n", "[]\n"]);
}

#[test]
fn long_keys_and_texts_read_back() {
    let long = "é \u{1b}".repeat(2000);
    let inner = json!({ (long.clone()): long, (format!("{long}2")): [1], (format!("{long}3")): {"a": []}, "b": 1 });
    let value = json!({"anything": [inner, inner]});
    assert_eq!(document(&to_yaml(&value)), value);
}

#[test]
fn every_character_is_written_such_that_it_reads_back() {
    let characters: Vec<char> = (0..=u32::from(char::MAX)).filter_map(char::from_u32).collect();
    // All of the basic plane, and a part of the others, which are alike.
    let is_tried = |character: &char| u32::from(*character) < 0x1_0000 || u32::from(*character) % 251 == 0;
    let tried: Vec<_> = characters.into_iter().filter(is_tried).chain(['\u{1f600}', '\u{e0041}']).collect();
    for part in tried.chunks(8_192) {
        let texts: Vec<_> = part.iter().flat_map(|sign| [sign.to_string(), format!("a{sign}b")]).collect();
        let document = json!({ "anything": texts });
        assert_eq!(crate::support::document(&to_yaml(&document)), document);
    }
    // No program but those of JSON reads a pair of escapes as one character.
    assert_eq!(to_yaml(&json!(["\u{1f600}", "\u{e0041}"])), "- 😀\n- \"\\U000e0041\"\n");
}
