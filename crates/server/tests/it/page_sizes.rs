//! No list is larger than 4 MiB, whatever is on it: a page ends by bytes, and the cursor goes on.

use serde_json::{Value, json};

use crate::harness::{Client, Model, ORGANISATION_A, Server, on_both_databases};

on_both_databases!(pages_of_large_versions_and_of_jobs_with_them_end_by_bytes);

const MOST: usize = 4 << 20;
const VERSIONS: usize = 9;

/// Some 500 KiB of roles that a job may leave unbound.
fn large_contract() -> Value {
    let inputs: Vec<Value> = (0..200)
        .map(|number| {
            json!({"role": format!("input {number}"), "input_kind": "sensor", "metric": "celsius", "required": false,
                "description": "x".repeat(2_500)})
        })
        .collect();
    json!({"input_roles": inputs, "output_roles": [{"role": "risk", "metric": "probability"}]})
}

/// All items, and on how many pages they were.
fn walk(client: &Client, path: &str) -> (Vec<Value>, usize) {
    let (mut items, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = client.get(&format!("{path}limit=200{cursor}")).expect(200);
        assert!(page.to_string().len() <= MOST, "{path}: {} bytes", page.to_string().len());
        let on_page = page["items"].as_array().unwrap();
        assert!(!on_page.is_empty(), "a page has an item at the least");
        items.extend(on_page.iter().cloned());
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (items, pages),
        }
    }
}

fn pages_of_large_versions_and_of_jobs_with_them_end_by_bytes(server: &Server) {
    let model = Model::publish(server, "mildew");
    let client = server.operator();
    let versions: Vec<String> =
        (0..VERSIONS).map(|number| model.publish_version(server, &format!("2.{number}.0"), large_contract())).collect();
    for (number, version) in versions.iter().enumerate() {
        for of_version in 0..2 {
            let setup = json!({
                "organisation_id": ORGANISATION_A,
                "job": {"name": format!("Job {number}.{of_version}"), "source_version_id": version},
                "role_bindings": [],
            });
            client.post("/api/v1/jobs/setup", &setup).expect(201);
        }
    }
    let ids = |items: &[Value]| -> Vec<Value> { items.iter().map(|item| item["id"].clone()).collect() };

    let (heads, pages) = walk(&client, "/api/v1/source_versions?");
    assert_eq!((heads.len(), pages), (VERSIONS + 1, 1), "without their roles, they are small");
    assert!(heads.iter().all(|head| head.get("input_roles").is_none() && head["contract_digest"].is_string()));
    let (whole, pages) = walk(&client, "/api/v1/source_versions?expand=contract&");
    assert_eq!(ids(&whole), ids(&heads));
    assert!(whole.iter().all(|version| version["input_roles"].is_array() && version["output_roles"].is_array()));
    assert!(pages >= VERSIONS / 2, "{pages} pages");

    let (jobs, pages) = walk(&client, "/api/v1/jobs?");
    assert_eq!((jobs.len(), pages), (2 * VERSIONS, 1));
    let (expanded, pages) = walk(&client, "/api/v1/jobs?expand=source,source_version&");
    assert_eq!(ids(&expanded), ids(&jobs));
    assert!(expanded.iter().all(|job| job["source_version"]["input_roles"].as_array().unwrap().len() == 200));
    assert!(pages >= VERSIONS, "{pages} pages");
}
