//! Lists are walked from cursor to cursor.

use serde_json::{Value, json};

use crate::service::{ORGANISATION, Request, Service};

async fn service_with_jobs(count: usize) -> (Service, Vec<String>) {
    let service = Service::in_memory();
    let everything = include_str!("../../../../docs/examples/setup-job-with-everything.json");
    let mut body: Value = serde_json::from_str(everything).unwrap();
    let mut ids = Vec::new();
    for number in 0..count {
        body["job"]["name"] = json!(format!("Job {number}"));
        let answer = service.send(Request::new("POST", "/api/v1/jobs/setup").json(&body)).await;
        ids.push(answer.body["job"]["id"].as_str().unwrap().to_owned());
    }
    (service, ids)
}

/// All ids that a walk over the list gives.
async fn walk(service: &Service, query: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = service.send(Request::new("GET", format!("/api/v1/jobs?{query}{cursor}"))).await;
        assert_eq!(page.status, 200, "{query}{cursor}: {}", page.body);
        ids.extend(page.body["items"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()));
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

#[actix_web::test]
async fn a_walk_gives_everything_once_with_whatever_is_shown_beside() {
    let (service, ids) = service_with_jobs(5).await;
    for query in [
        "limit=1",
        "limit=2",
        "limit=5",
        "limit=2&expand=source",
        "expand=source,source_version&limit=3",
        "limit=2&active=true&expand=source_version",
        &format!("organisation_id={ORGANISATION}&limit=4"),
        "order=created&limit=3",
        "order=health&limit=1",
        "order=health&limit=2&expand=source,last_run",
        "order=health&limit=5&q=JOB",
        "q=ob&limit=2",
    ] {
        assert_eq!(walk(&service, query).await, ids, "{query}");
    }
}

#[actix_web::test]
async fn a_cursor_is_good_for_its_own_list_only() {
    let (service, _) = service_with_jobs(2).await;
    let page = service.send(Request::new("GET", "/api/v1/jobs?limit=1&active=true")).await;
    let cursor = page.body["next_cursor"].as_str().unwrap();
    for path in [
        "jobs?active=false",
        "jobs?limit=1",
        "jobs?order=health&active=true",
        "jobs?active=true&q=job",
        "sources?limit=1",
        "source_versions?limit=1",
    ] {
        let answer = service.send(Request::new("GET", format!("/api/v1/{path}&cursor={cursor}"))).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "invalid_cursor"), "{path}");
    }
    let damaged = format!("{}A", &cursor[..cursor.len() - 1]);
    let answer = service.send(Request::new("GET", format!("/api/v1/jobs?active=true&cursor={damaged}"))).await;
    assert!(damaged == cursor || answer.code() == "invalid_cursor", "{}", answer.body);
}
