use serde_json::json;

use super::*;

const ONE: &str = "77777777-7777-7777-7777-777777777777";

fn mistakes(table: &Value) -> Vec<String> {
    match OrganisationTable::parse(table.to_string().as_bytes()) {
        Err(TableError::Mistakes(mistakes)) => mistakes.iter().map(ToString::to_string).collect(),
        other => panic!("{table}: {other:?}"),
    }
}

#[test]
fn a_table_is_read() {
    let table =
        json!({"tid": {"a": [ONE]}, "https://example.com/groups": {"b": "*", "": [ONE]}, "/app/group": {"c": "*"}});
    assert!(OrganisationTable::parse(table.to_string().as_bytes()).is_ok());
}

#[test]
fn all_that_is_wrong_in_a_table_is_told_with_its_place() {
    let table = json!({
        "tid": {"a": ONE, "b": [ONE, ONE, "x", 7], "c": [], "d": "**", "e": null},
        "/a~2": {"a": "*"},
        "": {"a": "*"},
        "empty": {},
        "a/b": [],
        "name": {"a": "*"},
        "/name": {"a": "*"},
    });
    assert_eq!(
        mistakes(&table),
        [
            "/tid/a is neither a list of 1 to 1000 UUIDs nor \"*\"",
            "/tid/b/1 stands in the list before it",
            "/tid/b/2 is not a UUID",
            "/tid/b/3 is not a text",
            "/tid/c is neither a list of 1 to 1000 UUIDs nor \"*\"",
            "/tid/d is neither a list of 1 to 1000 UUIDs nor \"*\"",
            "/tid/e is neither a list of 1 to 1000 UUIDs nor \"*\"",
            "/~1a~02 is not a JSON pointer: after a tilde only 0 or 1 can follow",
            "/ is the name of no claim",
            "/empty is not an object with at least one value of the claim in it",
            "/a~1b is not an object with at least one value of the claim in it",
            "/~1name is a claim that stands there in another way, too",
        ]
    );
    assert_eq!(mistakes(&json!([])), ["the whole is not an object with at least one claim in it"]);
    assert_eq!(mistakes(&json!({})), ["the whole is not an object with at least one claim in it"]);
}

#[test]
fn what_is_no_table_is_told_in_plain_words() {
    let refused = |text: &str| OrganisationTable::parse(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        refused(r#"{"tid": {"a": "*", "a": ["x"]}}"#),
        "/tid/a stands there more than once; /tid/a/0 is not a UUID"
    );
    assert!(
        refused("{\n  \"tid\": {\n").contains("it is not JSON: ") && refused("{\n  \"tid\": {\n").contains("line 3")
    );
    assert!(refused("tid: {}").contains("it is not JSON: "));
    assert_eq!(refused(&" ".repeat(MAX_TABLE_BYTES + 1)), "it is longer than 1024 KiB");
    let many: serde_json::Map<String, Value> = (0..100).map(|number| (number.to_string(), json!(7))).collect();
    assert!(refused(&json!({ "tid": many }).to_string()).ends_with("; and 80 more"));
}
