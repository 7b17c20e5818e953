//! What people who look after many jobs ask: which are the worst, which has this in its name, what its last run said,
//! and where most of them are.

use serde_json::{Value, json};

use crate::harness::{
    Client, Model, ORGANISATION_A, ORGANISATION_B, Server, errors, example, insert, on_both_databases, path_of,
};

on_both_databases!(
    the_worst_jobs_come_first_page_by_page,
    a_part_of_a_name_is_found_without_case_in_any_script,
    the_last_run_is_shown_beside_a_job,
    jobs_are_counted_in_groups,
    a_rehearsal_of_what_is_published_stores_nothing,
);

/// A source whose jobs are to run each hour, and jobs in several states, in an order that is not that of their health.
fn jobs_in_many_states(server: &Server) -> Vec<(&'static str, Value)> {
    let model = Model::publish(server, "mildew");
    let watched = json!({"expected_interval_minutes": 60});
    server.operator().put(&model.source_path(), &watched).expect(200);
    let client = server.operator();
    let values = json!([{"role": "mildew", "at": "2026-06-01T13:00:00Z", "value": 12.5}]);
    let mut jobs = Vec::new();
    for (number, status) in ["on_time", "new", "paused", "failing", "new", "failing"].into_iter().enumerate() {
        let organisation = if number < 4 { ORGANISATION_A } else { ORGANISATION_B };
        let job = model.job(server, organisation, &format!("{status} {number}"));
        let run = |body: Value| client.post(&format!("{}/runs", path_of(&job)), &body).expect(201);
        match status {
            "on_time" => drop(run(json!({"status": "succeeded", "message": "all is well", "predictions": values}))),
            "failing" => drop(run(json!({"status": "failed", "message": format!("no data {number}")}))),
            "paused" => drop(client.put(&path_of(&job), &json!({"active": false})).expect(200)),
            _ => {}
        }
        jobs.push((status, job["id"].clone()));
    }
    jobs
}

/// What is in all pages of a list.
fn walk(client: &Client, query: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/api/v1/jobs?{query}{cursor}")).expect(200);
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { return items };
        cursor = format!("&cursor={next}");
    }
}

fn ids(jobs: &[Value]) -> Vec<Value> {
    jobs.iter().map(|job| job["id"].clone()).collect()
}

fn the_worst_jobs_come_first_page_by_page(server: &Server) {
    let jobs = jobs_in_many_states(server);
    let of = |wanted: &[&str]| -> Vec<Value> {
        let found = wanted.iter().flat_map(|status| jobs.iter().filter(move |(own, _)| own == status));
        found.map(|(_, id)| id.clone()).collect()
    };
    let order = ["failing", "new", "on_time", "paused"];
    for limit in [1, 2, 3, 6, 200] {
        let listed = walk(&server.operator(), &format!("order=health&limit={limit}"));
        assert_eq!(ids(&listed), of(&order), "{limit} a page");
    }
    let some = walk(&server.operator(), "order=health&limit=1&health=paused,failing");
    assert_eq!(ids(&some), of(&["failing", "paused"]));
    let own = walk(&server.member(ORGANISATION_B), "order=health");
    assert_eq!(ids(&own), [jobs[5].1.clone(), jobs[4].1.clone()]);
    let client = server.operator();
    let problem = client.get("/api/v1/jobs?order=worst").problem(400, "invalid_query");
    assert_eq!(problem["errors"][0]["parameter"], "order", "{problem}");
}

fn a_part_of_a_name_is_found_without_case_in_any_script(server: &Server) {
    let model = Model::publish(server, "mildew");
    let names =
        ["Rebberg S\u{fc}d", "REBBERG NORD", "Stra\u{df}e 7", "\u{645}\u{632}\u{631}\u{639}\u{629}", "100%_?* rebe"];
    let jobs = names.map(|name| model.job(server, ORGANISATION_A, name)["id"].clone());
    let client = server.operator();
    for (part, found) in [
        ("rebberg", &[0, 1][..]),
        ("SU%CC%88D", &[0]),
        ("strasse", &[2]),
        ("%D8%B2%D8%B1", &[3]),
        ("%25_%3F*", &[4]),
        ("%25", &[4]),
        ("RE", &[0, 1, 4]),
        ("nowhere", &[]),
    ] {
        let expected: Vec<Value> = found.iter().map(|number: &usize| jobs[*number].clone()).collect();
        for order in ["created", "health"] {
            let listed = walk(&client, &format!("q={part}&order={order}&limit=1"));
            assert_eq!(ids(&listed), expected, "{part} in the order of {order}");
        }
    }
    client.get("/api/v1/jobs?q=").problem(400, "invalid_query");
}

fn the_last_run_is_shown_beside_a_job(server: &Server) {
    let jobs = jobs_in_many_states(server);
    let client = server.operator();
    let listed = walk(&client, "order=health&expand=last_run&limit=4");
    let messages: Vec<&Value> = listed.iter().map(|job| &job["last_run"]["message"]).collect();
    let null = Value::Null;
    assert_eq!(messages, [&json!("no data 3"), &json!("no data 5"), &null, &null, &json!("all is well"), &null]);
    assert!(listed.iter().all(|job| job.get("last_run").is_none() == job["health"]["last_run_at"].is_null()));

    // It is the one that the list of its runs begins with; and the entity tag tells when it is another one.
    let path = format!("/api/v1/jobs/{}", jobs[3].1.as_str().unwrap());
    let expanded = format!("{path}?expand=last_run");
    let shown = client.get(&expanded);
    let tag = shown.header("ETag").unwrap().to_owned();
    let runs = client.get(&format!("{path}/runs?limit=1")).expect(200);
    assert_eq!(shown.expect(200)["last_run"], runs["items"][0]);
    let again = |tag: &str| client.call("GET", &expanded).header("If-None-Match", tag).send().status;
    assert_eq!(again(&tag), 304);
    let run = format!("{path}/runs/{}", runs["items"][0]["id"].as_str().unwrap());
    assert_eq!(client.delete(&run).status, 204);
    assert_eq!(again(&tag), 200);

    let reader = server.scoped(ORGANISATION_A, "jobs:read");
    for path in [expanded.as_str(), "/api/v1/jobs?expand=last_run"] {
        let problem = reader.get(path).problem(403, "insufficient_scope");
        assert!(problem["detail"].as_str().unwrap().contains("predictions:read"), "{problem}");
    }
}

fn jobs_are_counted_in_groups(server: &Server) {
    jobs_in_many_states(server);
    let client = server.operator();
    let counted = client.get("/api/v1/jobs/health?group_by=organisation").expect(200);
    let groups = counted["groups"].as_array().unwrap();
    // Two of each fail once, so what comes next decides: one waits for its first run in both.
    assert_eq!(groups.len(), 2, "{counted}");
    assert_eq!(counted["groups_omitted"], 0);
    for group in groups {
        let organisation = group["organisation_id"].as_str().unwrap();
        let own = client.get(&format!("/api/v1/jobs/health?organisation_id={organisation}")).expect(200);
        assert_eq!(group["counts"], own["counts"]);
    }
    let plain = client.get("/api/v1/jobs/health").expect(200);
    assert_eq!((plain.get("groups"), &plain["counts"]), (None, &counted["counts"]));
    let of_source = client.get("/api/v1/jobs/health?group_by=source").expect(200);
    let source = of_source["groups"][0]["source_id"].as_str().unwrap();
    let filtered = client.get(&format!("/api/v1/jobs/health?group_by=source_version&source_id={source}")).expect(200);
    assert_eq!(filtered["groups"][0]["counts"], counted["counts"], "one version has all of them");
    client.get("/api/v1/jobs/health?group_by=health").problem(400, "invalid_query");
}

fn a_rehearsal_of_what_is_published_stores_nothing(server: &Server) {
    let client = server.operator();
    let rows = server.database().rows();
    let source = example("create-source.json");
    let rehearsed = client.post("/api/v1/sources?dry_run=true", &source).expect(200);
    assert_eq!(rehearsed["name"], source["name"]);
    client.post("/api/v1/sources?dry_run=maybe", &source).problem(400, "invalid_query");
    assert_eq!(server.database().rows(), rows);
    let stored = client.post("/api/v1/sources", &source).expect(201);
    // What is there is told as without a rehearsal: the same, or what is different.
    assert_eq!(client.post("/api/v1/sources?dry_run=true", &source).expect(200), stored);
    let mut other = source;
    insert(&mut other, "/expected_interval_minutes", 77);
    client.post("/api/v1/sources?dry_run=true", &other).problem(409, "conflict");

    let rows = server.database().rows();
    let mut version = example("create-source-version.json");
    insert(&mut version, "/source_id", stored["id"].clone());
    let rehearsed = client.post("/api/v1/source_versions?dry_run=true", &version).expect(200);
    assert_eq!(rehearsed["input_roles"][0]["role"], version["input_roles"][0]["role"]);
    assert_eq!(server.database().rows(), rows);
    let mut wrong = version.clone();
    insert(&mut wrong, "/version", "");
    insert(&mut wrong, "/input_roles/0/role", "");
    let problem = client.post("/api/v1/source_versions?dry_run=true", &wrong).problem(422, "invalid");
    assert_eq!(errors(&problem).len(), 2, "{problem}");
    client.post("/api/v1/source_versions", &version).expect(201);
    client.post("/api/v1/source_versions?dry_run=true", &version).expect(200);
}
