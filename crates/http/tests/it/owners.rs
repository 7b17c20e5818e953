//! What is only for the owner of a source, on mocked ports: a caller that is not the owner reaches no port that writes.

use actix_web::http::StatusCode;
use prediction_domain::model::{OrganisationId, Page, Source, ValueCount};
use prediction_domain::ports::{MockStore, OwnerFilter, WriteMode};
use prediction_domain_testkit::builders::{a_source, a_version_of};
use serde_json::{Value, json};

use crate::service::{ORGANISATION, Request, service_of};

const OTHER_ORGANISATION: &str = "88888888-8888-8888-8888-888888888888";

/// The requests that only the owner may make, with everything that they need.
fn owners_requests(source: &Source, version_id: &str) -> Vec<Request> {
    let path = format!("/api/v1/sources/{}", source.id);
    let version = json!({
        "source_id": source.id, "version": "9", "input_roles": [], "output_roles": [{"role": "p", "metric": "m"}]
    });
    let mut described = version.clone();
    described["source_id"] = Value::Null;
    let set_up = json!({
        "organisation_id": ORGANISATION,
        "source": {"id": source.id},
        "source_version": described,
        "job": {"name": "Job A"},
        "role_bindings": [],
    });
    vec![
        Request::new("PUT", path.clone()).json(&json!({"name": "mine"})),
        Request::new("PUT", format!("{path}?dry_run=true")).json(&json!({"retention_hours": 1})),
        Request::new("DELETE", path.clone()),
        Request::new("DELETE", format!("{path}?dry_run=true")).json(&json!({"revision": 99})),
        Request::new("POST", "/api/v1/source_versions").json(&version),
        Request::new("DELETE", format!("/api/v1/source_versions/{version_id}")),
        Request::new("POST", "/api/v1/jobs/setup").json(&set_up),
        Request::new("POST", "/api/v1/jobs/setup?dry_run=true").json(&set_up),
    ]
}

#[actix_web::test]
async fn a_caller_that_is_not_the_owner_reaches_no_port_that_writes() {
    for owner in [None, Some(OrganisationId::parse(OTHER_ORGANISATION).unwrap())] {
        let source = Source { owner_organisation_id: owner, ..a_source() };
        let version = a_version_of(source.id);
        let id = version.id.to_string();
        for request in owners_requests(&source, &id) {
            let what = format!("{} {}", request.method, request.path);
            let mut mocks = MockStore::default();
            let (found, of_it) = (source.clone(), version.clone());
            mocks.sources.expect_find_many().returning(move |_| Ok(vec![Some(found.clone())]));
            mocks.source_versions.expect_find_many().returning(move |_| Ok(vec![Some(of_it.clone())]));
            mocks.source_versions.expect_find_by_label().returning(|_, _| Ok(None));
            let answer = service_of(mocks).send(request.token(Some("customer"))).await;
            assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "not_the_owner"), "{what}");
            assert_eq!(answer.body["source_id"], json!(source.id), "{what}");
            assert_eq!(answer.body["owner_organisation_id"], json!(owner), "{what}");
            assert_eq!(answer.header("www-authenticate"), None, "{what}: no other scope would do");
            let whose = owner.map_or_else(|| "the platform".to_owned(), |owner| owner.to_string());
            assert!(answer.body["detail"].as_str().unwrap().contains(&whose), "{what}: {}", answer.body);
        }
    }
}

#[actix_web::test]
async fn a_new_source_is_stored_as_that_of_the_callers_organisation() {
    let own = OrganisationId::parse(ORGANISATION).unwrap();
    for (token, sent, owner) in [
        ("customer", None, Some(own)),
        ("customer", Some(json!(ORGANISATION)), Some(own)),
        ("operator", None, None),
        ("operator", Some(json!(null)), None),
        ("operator", Some(json!(ORGANISATION)), Some(own)),
    ] {
        let mut mocks = MockStore::default();
        let is_so = move |source: &Source, _: &WriteMode| source.owner_organisation_id == owner;
        mocks.sources.expect_insert().times(1).withf(is_so).returning(|_, _| Ok(()));
        let mut body = json!({"name": "mildew"});
        if let Some(sent) = sent {
            body["owner_organisation_id"] = sent;
        }
        let request = Request::new("POST", "/api/v1/sources").token(Some(token)).json(&body);
        let answer = service_of(mocks).send(request).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        assert_eq!(answer.body["owner_organisation_id"], json!(owner));
    }
}

#[actix_web::test]
async fn a_source_that_cannot_be_the_callers_own_reaches_no_port() {
    for (token, sent, code) in [
        ("customer", json!(OTHER_ORGANISATION), "organisation_out_of_scope"),
        ("customer", json!(null), "not_the_owner"),
        ("stranger", json!(ORGANISATION), "organisation_out_of_scope"),
    ] {
        let body = json!({"name": "mildew", "owner_organisation_id": sent});
        let request = Request::new("POST", "/api/v1/sources").token(Some(token)).json(&body);
        let answer = service_of(MockStore::default()).send(request).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, code), "{}", answer.body);
    }
    let request = Request::new("POST", "/api/v1/sources").token(Some("stranger")).json(&json!({"name": "mildew"}));
    let answer = service_of(MockStore::default()).send(request).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "organisation_out_of_scope"));
}

#[actix_web::test]
async fn sources_are_asked_for_by_their_owner() {
    let of = |text| OwnerFilter::Organisation(OrganisationId::parse(text).unwrap());
    let spelt = "7777ABCD-7777-7777-7777-777777777777";
    for (value, expected) in [("null", OwnerFilter::Platform), (ORGANISATION, of(ORGANISATION)), (spelt, of(spelt))] {
        let mut mocks = MockStore::default();
        let is_so = move |filter: &prediction_domain::ports::SourceFilter, _: &_| filter.owner == Some(expected);
        mocks.sources.expect_list().withf(is_so).returning(|_, _| Ok(Page { items: Vec::new(), next: None }));
        let path = format!("/api/v1/sources?owner_organisation_id={value}");
        let answer = service_of(mocks).send(Request::new("GET", path).token(Some("reader"))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
    for value in ["", "NULL", "platform", "00000000-0000-0000-0000-000000000000"] {
        let path = format!("/api/v1/sources?owner_organisation_id={value}");
        let answer = service_of(MockStore::default()).send(Request::new("GET", path)).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "invalid_query"));
        assert!(answer.body["errors"][0]["hint"].as_str().unwrap().contains("null"), "{}", answer.body);
    }
}

#[actix_web::test]
async fn what_a_change_would_delete_is_told_and_waits_for_a_confirmation() {
    let source = a_source();
    let counted = ValueCount { values: 10_000, jobs: 1, is_at_least: true };
    let deletes = json!({"values": 10_000, "jobs": 1, "at_least": true});
    for (query, body, status) in [
        ("", json!({"retention_hours": 1}), StatusCode::CONFLICT),
        ("?dry_run=true", json!({"retention_hours": 1}), StatusCode::CONFLICT),
        ("?dry_run=true", json!({"retention_hours": 1, "confirm_deletion": true}), StatusCode::OK),
        ("", json!({"retention_hours": 1, "confirm_deletion": true}), StatusCode::OK),
    ] {
        let mut mocks = MockStore::default();
        let found = source.clone();
        mocks.sources.expect_find_many().returning(move |_| Ok(vec![Some(found.clone())]));
        mocks.runs.expect_count_values().times(1).returning(move |_| Ok(counted));
        mocks.sources.expect_update().times(usize::from(status == StatusCode::OK)).returning(|_, _, _| Ok(()));
        let path = format!("/api/v1/sources/{}{query}", source.id);
        let answer = service_of(mocks).send(Request::new("PUT", path).json(&body)).await;
        assert_eq!((answer.status, &answer.body["deletes"]), (status, &deletes), "{}", answer.body);
        if status == StatusCode::CONFLICT {
            assert_eq!(answer.code(), "would_delete_values");
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(detail.starts_with("at least 10000 values of 1 job would be deleted"), "{detail}");
        } else {
            assert_eq!((answer.header("etag"), &answer.body["id"]), (Some("\"2\""), &json!(source.id)));
        }
    }
}
