//! From pointers to places.

use prediction_manifest::{Manifest, Style, Violation, read, render};
use serde_json::json;

use crate::support::{SHAPE, bytes, plain};

fn manifest() -> Manifest {
    let yaml = concat!(
        "set: farm\njobs:\n  - name: rain\n    inputs:\n      - role: temperature\n        a/b~c: 1\n    empty:\n",
        "  - {name: wind}\n  - inputs:\n      - role: x\n",
    );
    read(&[bytes("jobs.yaml", yaml), bytes("b.json", r#"{"sources": [{"name": "s"}]}"#)], &SHAPE).unwrap()
}

#[test]
fn a_pointer_finds_its_value() {
    let manifest = manifest();
    let cases = [
        ("/set", true, "farm"),
        ("/jobs", true, "jobs"),
        ("/jobs/0", true, "name: rain"),
        ("/jobs/0/name", true, "rain"),
        ("/jobs/0/inputs", true, "inputs"),
        ("/jobs/0/inputs/0", true, "role: temperature"),
        ("/jobs/0/inputs/0/a~1b~0c", true, "1"),
        ("/jobs/0/empty", true, "empty"),
        ("/jobs/1", true, "name: wind"),
        ("/jobs/2", true, "inputs"),
        ("/sources/0", true, "\"name\": \"s\""),
        ("/jobs/0/version", false, "name: rain"),
        ("/jobs/0/version/deep/er", false, "name: rain"),
        ("/jobs/0/inputs/7/role", false, "inputs"),
        ("/jobs/9", false, "jobs"),
        ("/jobs/00", false, "jobs"),
        ("/jobs/+1", false, "jobs"),
        ("/set/x", false, "farm"),
    ];
    for (pointer, is_there, text) in cases {
        let located = manifest.locate(pointer);
        assert_eq!((located.absent.is_none(), located.place.text()), (is_there, Some(text)), "{pointer}");
    }
}

#[test]
fn the_document_itself_is_the_first_file() {
    let manifest = manifest();
    for (pointer, is_there) in [("", true), ("/organisation_id", false), ("no pointer", false)] {
        let located = manifest.locate(pointer);
        assert_eq!(
            (located.absent.is_none(), located.place.span, located.place.file.name()),
            (is_there, None, "jobs.yaml")
        );
    }
}

#[test]
fn what_is_absent_is_named_by_the_first_step_to_it() {
    let manifest = manifest();
    let absent = |pointer: &str| manifest.locate(pointer).absent;
    assert_eq!(absent("/jobs/0/a~1b/c").as_deref(), Some("a/b"));
    assert_eq!(absent("/jobs/7/name").as_deref(), Some("7"));
    assert_eq!(absent("/jobs/0/name"), None);
}

#[test]
fn a_key_is_located() {
    let manifest = manifest();
    for (pointer, text) in [("/jobs/0/name", "name"), ("/jobs/0/inputs/0/role", "role"), ("/jobs/1", "name: wind")] {
        assert_eq!(manifest.locate_key(pointer).place.text(), Some(text), "{pointer}");
    }
}

#[test]
fn what_a_service_found_is_shown_in_the_file() {
    let violation = |pointer: &str, code: &str, message: &str| Violation {
        pointer: Some(pointer.to_owned()),
        code: code.to_owned(),
        message: message.to_owned(),
        ..Violation::default()
    };
    let expected = Violation {
        expected: Some(json!(["temperature", "humidity"])),
        actual: Some(json!("temprature")),
        hint: Some("did you mean \"temperature\"?".to_owned()),
        ..violation("/jobs/0/inputs/0/role", "unknown_role", "is not a role of the version")
    };
    let manifest = manifest();
    let mistakes = [
        violation("/jobs/0/inputs/0/a~1b~0c", "unknown_member", "is not a member of an input"),
        expected,
        violation("/jobs/1/version", "required", "is required"),
        violation("/organisation_id", "required", "is required"),
        Violation { pointer: None, ..violation("", "busy", "try again") },
    ];
    let mistakes: Vec<_> = mistakes.iter().map(|violation| manifest.mistake(violation)).collect();
    insta::assert_snapshot!(plain(&mistakes));
    insta::assert_snapshot!("forty_columns", render(&mistakes, &Style { width: 40, color: false }));
}
