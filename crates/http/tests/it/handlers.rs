//! What each handler asks of the ports, and what it makes of the answer.

use actix_web::http::StatusCode;
use prediction_domain::model::{Page, Permission, Scope};
use prediction_domain::ports::{
    InsertSourceError, InsertSourceVersionError, JobSetUpOutcome, JobSetUpRejected, MockStore,
};
use prediction_domain_testkit::builders::{a_job_of, a_source, a_version_of};
use serde_json::json;

use crate::service::{ORGANISATION, Request, Service, monitored, service_of};

#[actix_web::test]
async fn an_unknown_caller_reaches_no_port() {
    let service = service_of(MockStore::default());
    for operation in prediction_http::openapi::operations().iter().filter(|operation| operation.needs_token()) {
        let path = operation.path_to(ORGANISATION);
        for (token, code) in
            [(None, "unauthorized"), (Some("forged"), "invalid_token"), (Some("expired"), "invalid_token")]
        {
            let answer = service.send(Request::new(operation.method, path.clone()).token(token)).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", operation.id);
            assert_eq!(answer.code(), code, "{}", operation.id);
            assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer "), "{}", operation.id);
        }
        let answer = service.send(Request::new(operation.method, path).token(Some("keyless"))).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "keys_unavailable"));
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
}

#[actix_web::test]
async fn a_caller_without_the_scope_reaches_no_port() {
    use prediction_http::openapi::Access;
    let service = service_of(MockStore::default());
    for operation in prediction_http::openapi::operations() {
        let Access::Scope(permission) = operation.access else { continue };
        let path = match operation.id {
            "list_candidates" => {
                format!("{}?organisation_id={ORGANISATION}&role=air", operation.path_to(ORGANISATION))
            }
            "trace_prediction" => format!("{}?role=risk&at=2026-06-01T12:00:00Z", operation.path_to(ORGANISATION)),
            _ => operation.path_to(ORGANISATION),
        };
        let request = Request::new(operation.method, path).token(Some("reader"));
        let request = if operation.request.is_some() { request.json(&json!({})) } else { request };
        let answer = service.send(request).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "insufficient_scope"), "{}", operation.id);
        assert_eq!(answer.body["required_scope"], permission.as_str());
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains(&format!("scope=\"{permission}\"")), "{challenge}");
    }
    assert_eq!(Permission::ALL.len(), 8);
}

#[actix_web::test]
async fn a_source_is_inserted_once_and_answered_with_its_place() {
    let mut mocks = MockStore::default();
    mocks.sources.expect_insert().times(1).withf(|source, _| source.name.as_str() == "mildew").returning(|_, _| Ok(()));
    let answer =
        service_of(mocks).send(Request::new("POST", "/api/v1/sources").json(&json!({"name": " mildew "}))).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let location = format!("/api/v1/sources/{}", answer.body["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), Some(location.as_str()));
    assert_eq!(answer.body["expected_interval_minutes"], json!(null));
}

#[actix_web::test]
async fn a_taken_source_is_answered_if_it_is_the_same_and_a_conflict_if_not() {
    let stored = a_source();
    for (body, status) in [
        (json!({"name": stored.name.as_str().to_uppercase()}), StatusCode::OK),
        (json!({"name": stored.name.as_str(), "retention_hours": 1}), StatusCode::CONFLICT),
    ] {
        let mut mocks = MockStore::default();
        let taken = stored.clone();
        mocks.sources.expect_insert().returning(move |_, _| Err(InsertSourceError::Taken(Box::new(taken.clone()))));
        let answer = service_of(mocks).send(Request::new("POST", "/api/v1/sources").json(&body)).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        if status == StatusCode::CONFLICT {
            assert_eq!(answer.body["existing_id"], json!(stored.id));
            assert_eq!(answer.body["errors"][0]["pointer"], "/retention_hours");
            assert_eq!(answer.body["errors"][0]["actual"], 1);
        }
    }
}

#[actix_web::test]
async fn a_version_whose_source_goes_away_meanwhile_is_refused() {
    let mut mocks = MockStore::default();
    let source = a_source();
    let id = source.id;
    mocks.sources.expect_find_many().returning(move |_| Ok(vec![Some(source.clone())]));
    mocks.source_versions.expect_insert().returning(|_, _| Err(InsertSourceVersionError::SourceMissing));
    let body =
        json!({"source_id": id, "version": "1", "input_roles": [], "output_roles": [{"role": "p", "metric": "m"}]});
    let answer = service_of(mocks).send(Request::new("POST", "/api/v1/source_versions").json(&body)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.body["errors"][0]["code"], "unknown_source");
}

#[actix_web::test]
async fn a_job_is_asked_for_in_the_callers_scope() {
    let version = a_version_of(a_source().id);
    let job = a_job_of(&version);
    let id = job.id;
    let mut mocks = MockStore::default();
    mocks
        .jobs
        .expect_find_monitored()
        .withf(move |wanted| wanted.len() == 1 && wanted[0].1 == id && matches!(wanted[0].0, Scope::Organisations(_)))
        .returning(move |_| Ok(vec![Some(monitored(&job))]));
    let request = Request::new("GET", format!("/api/v1/jobs/{id}")).token(Some("customer"));
    let answer = service_of(mocks).send(request).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["id"], json!(id));
    assert_eq!(answer.tagged_revision(), Some("1"));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
}

#[actix_web::test]
async fn a_list_passes_filters_on_and_gives_no_cursor_on_the_last_page() {
    let mut mocks = MockStore::default();
    mocks
        .jobs
        .expect_list()
        .withf(|scope, filter, page| {
            matches!(scope, Scope::Organisations(_)) && filter.active == Some(false) && page.limit() == 7
        })
        .returning(|_, _, _| Ok(Page { items: vec![], next: None }));
    let request = Request::new("GET", "/api/v1/jobs?active=false&limit=7").token(Some("customer"));
    let answer = service_of(mocks).send(request).await;
    assert_eq!(answer.body, json!({"items": [], "next_cursor": null}));
}

#[actix_web::test]
async fn naming_a_foreign_organisation_asks_no_port() {
    let service = service_of(MockStore::default());
    let foreign = "88888888-8888-8888-8888-888888888888";
    let list = Request::new("GET", format!("/api/v1/jobs?organisation_id={foreign}")).token(Some("customer"));
    let set_up = Request::new("POST", "/api/v1/jobs/setup")
        .token(Some("customer"))
        .json(&json!({"organisation_id": foreign, "job": {"name": 5}, "nonsense": true}));
    for request in [list, set_up] {
        let answer = service.send(request).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "organisation_out_of_scope"));
    }
}

#[actix_web::test]
async fn a_setup_that_is_overtaken_is_planned_anew() {
    let source = a_source();
    let version = a_version_of(source.id);
    let mut mocks = MockStore::default();
    mocks.source_versions.expect_find_many().returning({
        let version = version.clone();
        move |ids| Ok(ids.iter().map(|_| Some(version.clone())).collect())
    });
    mocks.sources.expect_find_many().returning(move |ids| Ok(ids.iter().map(|_| Some(source.clone())).collect()));
    mocks.inputs.expect_find_many().returning(|wanted| Ok(vec![None; wanted.len()]));
    let mut attempts = 0;
    mocks.jobs.expect_set_up_many().times(2).returning(move |plans| {
        attempts += 1;
        plans
            .iter()
            .map(|_| if attempts == 1 { Err(JobSetUpRejected::ReferenceMissing) } else { Ok(JobSetUpOutcome::Created) })
            .collect()
    });
    let bindings: Vec<_> = version
        .contract
        .input_roles()
        .iter()
        .map(|role| json!({"role": role.role, "input_id": ORGANISATION}))
        .collect();
    let body = json!({
        "organisation_id": ORGANISATION,
        "job": {"name": "Job A", "source_version_id": version.id},
        "role_bindings": bindings,
    });
    let answer = service_of(mocks).send(Request::new("POST", "/api/v1/jobs/setup").json(&body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert_eq!(answer.body["outcome"], json!({"source": "reused", "source_version": "reused", "job": "created"}));
}

#[actix_web::test]
async fn the_service_is_ready_when_its_store_is() {
    let mut mocks = MockStore::default();
    mocks.health.expect_check().returning(|| Ok(()));
    let answer = service_of(mocks).send(Request::new("GET", "/health/ready").token(None)).await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!({"status": "ready"})));
}

#[actix_web::test]
async fn a_request_id_is_echoed_and_told_in_errors() {
    let answer = Service::in_memory().send(Request::new("GET", "/nowhere").token(None)).await;
    assert_eq!(answer.header("x-request-id"), Some("the-request"));
    assert_eq!(answer.body["request_id"], "the-request");
    assert_eq!(answer.code(), "unknown_route");
}
