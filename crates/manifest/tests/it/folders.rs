//! Folders, and what cannot be read.

use std::path::Path;

use prediction_manifest::{Input, read};
use serde_json::json;

use crate::support::{SHAPE, codes, folder, write};

fn path(path: &Path) -> Input {
    Input::Path(path.to_owned())
}

#[test]
fn a_folder_is_read_in_the_order_of_names() {
    let item = |name: &str| format!("jobs: [{{name: {name}}}]");
    let folder = folder(&[
        ("b/z.yml", &item("2")[..0]),
        ("b.yaml", "jobs: [{name: c}]"),
        ("b/y.yml", "jobs: [{name: b}]"),
        ("a.JSON", "{\"jobs\": [{\"name\": \"a\"}]}"),
        ("c.txt", "not: read"),
        ("README", "not: read"),
        (".hidden.yaml", "not: read"),
        (".git/a.yaml", "not: read"),
    ]);
    let manifest = read(&[path(folder.path())], &SHAPE).unwrap();
    assert_eq!(*manifest.document(), json!({"jobs": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}));
}

#[test]
fn files_keep_the_order_in_which_they_are_named() {
    let folder = folder(&[("a.yaml", "jobs: [{name: a}]"), ("b.txt", "jobs: [{name: b}]")]);
    let files = ["b.txt", "a.yaml"].map(|name| path(&folder.path().join(name)));
    let manifest = read(&files, &SHAPE).unwrap();
    assert_eq!(*manifest.document(), json!({"jobs": [{"name": "b"}, {"name": "a"}]}));
}

#[test]
fn what_cannot_be_read_is_told_with_the_rest() {
    let folder = folder(&[("empty/notes.txt", ""), ("a.yaml", "sett: a")]);
    let at = |name: &str| path(&folder.path().join(name));
    let mistakes = read(&[at("absent.yaml"), at("empty"), at("a.yaml")], &SHAPE).unwrap_err();
    let expected = [("unreadable", "absent.yaml"), ("no_files", "empty"), ("unknown_member", "a.yaml")];
    assert_eq!(codes(&mistakes), expected.map(|(code, name)| (code.to_owned(), name.to_owned())));
    assert_eq!(mistakes[0].message, "there is no such file or folder");
    assert_eq!(read(&[], &SHAPE).unwrap_err()[0].code, "no_files");
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    use std::os::unix::fs::symlink;
    let folder = folder(&[("a/a.yaml", "jobs: [{name: a}]"), ("elsewhere/b.yaml", "jobs: [{name: b}]")]);
    symlink(folder.path().join("elsewhere"), folder.path().join("a/b")).unwrap();
    symlink(folder.path().join("a/a.yaml"), folder.path().join("a/same.yaml")).unwrap();
    let manifest = read(&[path(&folder.path().join("a"))], &SHAPE).unwrap();
    assert_eq!(*manifest.document(), json!({"jobs": [{"name": "a"}, {"name": "b"}]}));
    symlink(folder.path().join("a"), folder.path().join("a/loop")).unwrap();
    symlink("broken", folder.path().join("a/broken.yaml")).unwrap();
    symlink("circle", folder.path().join("a/circle")).unwrap();
    let mistakes = read(&[path(&folder.path().join("a"))], &SHAPE).unwrap_err();
    let expected = [("unreadable", "broken.yaml"), ("folder_in_itself", "loop")];
    assert_eq!(codes(&mistakes), expected.map(|(code, name)| (code.to_owned(), name.to_owned())));
}

#[test]
fn a_folder_beside_a_file_of_it_has_files() {
    let folder = folder(&[("a.yaml", "set: a")]);
    write(&folder.path().join("b/c.yaml"), "prune: true");
    let inputs = [path(&folder.path().join("a.yaml")), path(folder.path()), path(&folder.path().join("b"))];
    assert_eq!(*read(&inputs, &SHAPE).unwrap().document(), json!({"set": "a", "prune": true}));
}
