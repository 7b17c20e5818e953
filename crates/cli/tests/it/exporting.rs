//! Documents that are exported.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::canned::{ORGANISATION, Server, Told, told};

const OTHER: &str = "88888888-8888-8888-8888-888888888888";

fn exported(organisations: &[&str]) -> Value {
    let job = |organisation: &&str| {
        json!({ "name": "\u{202e}evil", "organisation_id": organisation, "active": true, "role_bindings": [],
                "source": { "name": "a" }, "source_version": { "version": "1.0.0" } })
    };
    let jobs: Vec<_> = organisations.iter().map(job).collect();
    let source = json!({ "name": "a", "owner_organisation_id": null, "description": null,
                         "expected_interval_minutes": null, "retention_hours": null });
    json!({ "document": { "sources": [source], "jobs": jobs }, "next_cursor": null })
}

fn export(organisations: &[&str], folder: &Path, more: &[&str]) -> Told {
    let server = Server::start(vec![("GET /api/v1/export", exported(organisations))]);
    told(&server, None, &[&["export", "-d", folder.to_str().unwrap()], more].concat())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_is_what_was_exported_last() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let file = |name: &str| format!("{name}.yaml");
    assert_eq!(export(&[ORGANISATION, OTHER], path, &[]).code, 0);
    assert_eq!(names(path), [file(ORGANISATION), file(OTHER), file("sources")]);
    fs::write(path.join("mine.yaml"), "set: a\n").unwrap();

    let refused = export(&[ORGANISATION], path, &[]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.err.contains("--force replaces it"), "{}", refused.err);
    let forced = export(&[ORGANISATION], path, &["--force"]);
    assert_eq!(forced.code, 0, "{}", forced.err);
    assert_eq!(names(path), [file(ORGANISATION), file("mine"), file("sources")], "a file of the user's stays");
    assert!(forced.err.contains(&format!("{OTHER}.yaml: removed")), "{}", forced.err);

    // In the other form the same things would be there twice.
    let refused = export(&[ORGANISATION], path, &["-o", "json"]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.err.contains("is of an earlier export"), "{}", refused.err);
    assert_eq!(export(&[ORGANISATION], path, &["-o", "json", "--force"]).code, 0);
    assert_eq!(names(path), [format!("{ORGANISATION}.json"), file("mine"), "sources.json".to_owned()]);
}

#[test]
fn an_export_of_one_organisation_says_nothing_about_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert_eq!(export(&[OTHER], path, &[]).code, 0);
    let forced = export(&[ORGANISATION], path, &["--organisation", ORGANISATION, "--force"]);
    assert_eq!((forced.code, forced.err.as_str()), (0, ""));
    assert_eq!(names(path).len(), 3);
}

#[test]
fn no_form_of_a_document_steers_a_terminal_or_loses_a_character() {
    let server = Server::start(vec![("GET /api/v1/export", exported(&[ORGANISATION]))]);
    let json = told(&server, None, &["export", "-o", "json"]).out;
    let yaml = told(&server, None, &["export"]).out;
    for text in [&json, &yaml] {
        assert!(!text.contains('\u{202e}'), "{text:?}");
        assert!(text.contains("\\u202eevil"), "{text}");
    }
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), exported(&[ORGANISATION])["document"]);
}
