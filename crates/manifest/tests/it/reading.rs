//! Files that are well.

use prediction_manifest::{Input, read};
use serde_json::json;

use crate::support::{SHAPE, bytes, document, plain, read_text};

#[test]
fn files_become_one_document() {
    let files = [
        bytes("a.yaml", "set: farm\njobs:\n  - name: a\n---\njobs:\n  - name: b\nprune: true\n"),
        bytes("b.json", r#"{"jobs": [{"name": "c"}], "set": "farm", "sources": []}"#),
        bytes("empty.yaml", "# nothing\n"),
        bytes("empty.json", "\n"),
    ];
    let manifest = read(&files, &SHAPE).unwrap();
    let expected =
        json!({"set": "farm", "jobs": [{"name": "a"}, {"name": "b"}, {"name": "c"}], "prune": true, "sources": []});
    assert_eq!(*manifest.document(), expected);
    let place = manifest.locate("/jobs/2/name").place;
    assert_eq!((place.file.name(), place.text()), ("b.json", Some("\"c\"")));
    let place = manifest.locate("/jobs/1/name").place;
    assert_eq!((place.file.name(), place.line(), place.column()), ("a.yaml", Some(6), Some(11)));
}

#[test]
fn nothing_is_an_empty_document() {
    for text in ["", "\n", "# comment", "---\n", "---\n---\n", "\u{feff}", "{}"] {
        assert_eq!(document(text), json!({}), "{text:?}");
    }
}

#[test]
fn texts_keep_their_value_in_every_style() {
    let yaml = concat!(
        "anything:\n  literal: |\n    a\n     b\n\n  folded: >-\n    a\n    b\n",
        "  single: 'it''s'\n  double: \"\\u00e9\\n\"\n  plain: a b # comment\n",
    );
    let expected = json!({"anything": {
        "literal": "a\n b\n", "folded": "a b", "single": "it's", "double": "é\n", "plain": "a b"
    }});
    assert_eq!(document(yaml), expected);
    assert_eq!(document(&yaml.replace('\n', "\r\n")), expected);
    assert_eq!(document(&format!("\u{feff}{yaml}")), expected);
    let place = |pointer: &str| read_text(yaml).unwrap().locate(pointer).place.text().unwrap().to_owned();
    assert_eq!(place("/anything/literal"), "a\n     b");
    assert_eq!(place("/anything/folded"), "a\n    b");
    assert_eq!(place("/anything/single"), "'it''s'");
    assert_eq!(place("/anything/double"), "\"\\u00e9\\n\"");
    assert_eq!(place("/anything/plain"), "a b");
}

#[test]
fn what_yaml_1_1_took_for_booleans_is_text() {
    assert_eq!(
        document("anything: [no, yes, on, off, y, NO]"),
        json!({"anything": ["no", "yes", "on", "off", "y", "NO"]})
    );
}

#[test]
fn json_is_read_by_its_own_rules() {
    let text = "{\n\t\"anything\":\t[\"\\ud83d\\ude00\", 1e3, -0, 0.1, 18446744073709551615, \"a\\u0000\\/\", null]}";
    let expected = json!({"anything": ["😀", 1000.0, -0.0, 0.1, u64::MAX, "a\u{0}/", null]});
    let read = read(&[bytes("a", text)], &SHAPE).unwrap_or_else(|mistakes| panic!("{}", plain(&mistakes)));
    assert_eq!(*read.document(), expected);
    assert_eq!(read.locate("/anything/0").place.text(), Some("\"\\ud83d\\ude00\""));
}

#[test]
fn null_is_allowed_where_it_is_expected() {
    assert_eq!(
        document("jobs:\n- unit: null\n- unit: ~\n- unit:\n"),
        json!({"jobs": [{"unit": null}, {"unit": null}, {"unit": null}]})
    );
}

#[test]
fn the_same_scalar_may_stand_in_several_files() {
    assert_eq!(document("prune: true\n---\nprune: True\n"), json!({"prune": true}));
}

#[test]
fn the_key_of_an_item_may_come_from_the_document() {
    let inputs = "inputs:\n- input_id: a\n  organisation_id: x\n- input_id: a\n";
    assert!(read_text(&format!("organisation_id: y\n{inputs}")).is_ok());
    assert!(read_text(&format!("{inputs}organisation_id: x\n")).is_err());
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let folder = crate::support::folder(&[("a.yaml", "jobs: [{name: a}]")]);
    let file = Input::Path(folder.path().join("a.yaml"));
    let manifest = read(&[file.clone(), Input::Path(folder.path().to_owned()), file], &SHAPE).unwrap();
    assert_eq!(*manifest.document(), json!({"jobs": [{"name": "a"}]}));
}

#[test]
fn json_may_stand_in_a_file_for_yaml() {
    let folder = crate::support::folder(&[("a.yaml", r#"{"set": "\ud83d\ude00"}"#)]);
    let manifest = read(&[Input::Path(folder.path().to_owned())], &SHAPE).unwrap();
    assert_eq!(*manifest.document(), json!({"set": "😀"}));
}
