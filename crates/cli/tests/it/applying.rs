//! Documents that are planned and applied.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::canned::{Server, Told, problem, told};

/// A folder with a file, and the path of the file.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// What the service answers to a document; so many things are to be deleted.
fn plan(deletions: u64) -> Value {
    let removed = json!({ "resource": "job", "key": { "name": "Job A" }, "id": null, "action": "delete", "revision": null,
                          "differences": [] });
    json!({
        "plan_digest": "sha256:1", "changes": vec![removed; usize::try_from(deletions).unwrap()],
        "counts": { "create": 0, "update": 0, "unchanged": 1, "adopt": 0, "pause": 0, "delete": deletions },
    })
}

/// A plan in which a source keeps its values for another time.
fn shorter_retention() -> Value {
    let difference = json!({ "pointer": "/retention_hours", "stored": 720, "wanted": 1 });
    let mut plan = plan(0);
    plan["changes"] = json!([{ "resource": "source", "key": { "name": "a" }, "id": null, "action": "update", "revision": 2,
                               "differences": [difference] }]);
    plan["counts"]["update"] = json!(1);
    plan
}

const APPLY: &str = "POST /api/v1/apply";

fn apply(server: &Server, person: Option<&'static str>, text: &str, more: &[&str]) -> Told {
    let (_folder, path) = file(text);
    told(server, person, &[&["apply", "-f", path.to_str().unwrap()], more].concat())
}

/// The requests that were not only tried.
fn carried_out(server: &Server) -> Vec<String> {
    let asked = server.asked.lock().unwrap();
    asked.iter().filter(|line| !line.contains("dry_run=true")).cloned().collect()
}

#[test]
fn a_deletion_is_asked_for_wherever_it_was_said() {
    let in_file = ("set: a\nprune: delete\n", &[][..]);
    let on_command_line = ("set: a\n", &["--prune=delete"][..]);
    for (text, more) in [in_file, on_command_line] {
        let server = Server::start(vec![(APPLY, plan(2))]);
        let refused = apply(&server, Some("n\n"), text, more);
        assert_eq!(refused.code, 1, "{}", refused.err);
        assert_eq!(refused.err, "Delete 2 things? [y/N] prediction: nothing was done\n");
        assert!(carried_out(&server).is_empty());

        let agreed = apply(&server, Some("y\n"), text, more);
        assert_eq!(agreed.code, 0, "{}", agreed.err);
        let carried_out = carried_out(&server);
        assert!(carried_out[0].contains(r#""expect_plan":"sha256:1""#), "what was agreed to: {carried_out:?}");

        // Where nobody can be asked it has to be said, before anything is.
        let server = Server::start(vec![(APPLY, plan(2))]);
        let unsaid = apply(&server, None, text, more);
        assert_eq!(unsaid.code, 64, "{}", unsaid.err);
        assert!(unsaid.err.contains("prune: delete") && unsaid.err.contains("--yes"), "{}", unsaid.err);
        assert!(server.asked.lock().unwrap().is_empty());
        let said = apply(&server, None, text, &[more, &["--yes"]].concat());
        assert_eq!((said.code, server.asked.lock().unwrap().len()), (0, 1), "{}", said.err);
    }
}

#[test]
fn nobody_is_asked_where_nothing_is_deleted() {
    for (text, more) in
        [("set: a\nprune: pause\n", &[][..]), ("set: a\nprune: delete\n", &["--prune=pause"]), ("set: a", &[])]
    {
        let server = Server::start(vec![(APPLY, plan(0))]);
        assert_eq!(apply(&server, None, text, more).code, 0);
        assert_eq!(server.asked.lock().unwrap().len(), 1);
    }
    let server = Server::start(vec![(APPLY, plan(0))]);
    let ended = apply(&server, Some(""), "set: a\nprune: delete\n", &[]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert!(carried_out(&server)[0].contains("expect_plan"), "what comes to be deleted meanwhile was not agreed to");
}

#[test]
fn values_are_not_deleted_because_a_file_says_so_each_time() {
    let text = "set: a\nconfirm_deletion: true\n";
    let server = Server::start(vec![(APPLY, shorter_retention())]);
    let refused = apply(&server, Some("n\n"), text, &[]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.err.starts_with("Delete values that other retentions do not keep? [y/N]"), "{}", refused.err);
    assert_eq!(apply(&server, None, text, &[]).code, 64);
    assert!(carried_out(&server).is_empty());
    assert_eq!(apply(&server, None, text, &["--confirm-deletion"]).code, 0, "it is said on the command line");
}

#[test]
fn a_plan_that_was_kept_is_not_asked_for_again() {
    let (_folder, path) = file("set: a\nprune: delete\n");
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("plan.json");
    let (path, kept) = (path.to_str().unwrap(), kept.to_str().unwrap());
    let server = Server::start(vec![(APPLY, plan(2))]);
    assert_eq!(told(&server, None, &["plan", "-f", path, "--plan", kept]).code, 2);
    assert_eq!(told(&server, None, &["plan", "-f", path, "--plan", kept]).code, 2, "a plan replaces a plan");
    let ended = told(&server, None, &["apply", "-f", path, "--plan", kept]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(carried_out(&server)[0].contains(r#""expect_plan":"sha256:1""#));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_plan_replaces_no_file_that_is_none() {
    let (_folder, path) = file("set: a\n");
    let path = path.to_str().unwrap();
    let server = Server::start(vec![(APPLY, plan(2))]);
    for text in ["set: a\n", "{}", "[\"plan_digest\"]", "{\"plan_digest\": 1}"] {
        let (_folder, other) = file(text);
        let refused = told(&server, None, &["plan", "-f", path, "--plan", other.to_str().unwrap()]);
        assert_eq!(refused.code, 64, "{}", refused.err);
        assert!(refused.err.contains("is no plan: it is not replaced"), "{}", refused.err);
        assert_eq!(std::fs::read_to_string(other).unwrap(), text);
    }
    // The user's own file, by another option.
    assert_eq!(told(&server, None, &["plan", "-f", path, "--plan", path]).code, 64);
    assert!(server.asked.lock().unwrap().is_empty());
    // What mktemp makes, and what is no file.
    let (_folder, empty) = file("");
    assert_eq!(told(&server, None, &["plan", "-f", path, "--plan", empty.to_str().unwrap()]).code, 2);
    assert_eq!(told(&server, None, &["plan", "-f", path, "--plan", "/dev/null"]).code, 2);
}

#[test]
fn an_answer_that_was_lost_is_not_told_as_a_refusal() {
    let outdated = |plan: Value| {
        let mut problem = problem(412, "plan_outdated");
        problem["new_plan"] = plan;
        problem
    };
    let (_folder, path) = file("set: a\n");
    let path = path.to_str().unwrap();
    let (_other, kept) = file(r#"{"plan_digest": "sha256:1"}"#);
    let apply = ["apply", "-f", path, "--plan", kept.to_str().unwrap()];
    // The first attempt was carried out: now there is nothing to do.
    let server = Server::start(vec![(APPLY, Value::Null), (APPLY, outdated(plan(0)))]);
    let ended = told(&server, None, &apply);
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (0, "The answer was lost; what is stored now is what the files describe.\n")
    );
    assert_eq!(ended.out, "Done: nothing to change; 1 unchanged.\n");

    let server = Server::start(vec![(APPLY, Value::Null), (APPLY, outdated(plan(1)))]);
    let ended = told(&server, None, &apply);
    assert_eq!(ended.code, 3, "{}", ended.err);
    assert!(ended.err.contains("it is not known whether the request was carried out"), "{}", ended.err);
    assert!(ended.out.starts_with("delete    job Job A\n"), "{}", ended.out);

    let server = Server::start(vec![(APPLY, outdated(plan(0)))]);
    assert_eq!(told(&server, None, &apply).code, 1, "it was refused at once");
}

/// A refusal names what the command line has for it.
#[test]
fn a_refusal_names_the_option_that_helps() {
    let mut limited = problem(409, "prune_limit_exceeded");
    limited["new_plan"] = plan(2);
    let mut unnamed = problem(422, "invalid");
    unnamed["errors"] = json!([{ "pointer": "/set", "code": "missing_member", "message": "set is missing" }]);
    for (answer, text, option, shown) in
        [(limited, "set: a\n", "--prune-limit N", "delete    job Job A"), (unnamed, "sources: []\n", "--set NAME", "")]
    {
        let server = Server::start(vec![(APPLY, answer)]);
        let refused = apply(&server, None, text, &["--prune=delete", "--yes"]);
        assert_eq!(refused.code, 1, "{}", refused.err);
        assert!(refused.err.contains(option) && refused.out.contains(shown), "{}{}", refused.out, refused.err);
    }
}
