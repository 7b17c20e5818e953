//! Problems as requests provoke them, whole: with their headers and everything they tell. A change of these files is a
//! change of the API.

use prediction_domain::ports::{MockStore, StoreFailure};
use serde_json::{Value, json};

use crate::service::{Answer, ORGANISATION, Request, Service, service_of};

const OTHER_ORGANISATION: &str = "88888888-8888-8888-8888-888888888888";

/// Status, headers that matter, and body.
fn told(answer: &Answer) -> String {
    let mut text = format!("{}\n", answer.status);
    for name in ["content-type", "allow", "retry-after", "www-authenticate"] {
        if let Some(value) = answer.header(name) {
            text.push_str(&format!("{name}: {value}\n"));
        }
    }
    text.push('\n');
    text.push_str(&serde_json::to_string_pretty(&answer.body).unwrap());
    text
}

/// A service with the job of the example that describes everything, which runs version 1.0.0 of "mildew-predictor".
async fn with_job() -> (Service, Value) {
    let service = Service::in_memory();
    let everything: Value =
        serde_json::from_str(include_str!("../../../../docs/examples/setup-job-with-everything.json")).unwrap();
    let answer = service.send(Request::new("POST", "/api/v1/jobs/setup").json(&everything)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    (service, answer.body)
}

fn path(kind: &str, thing: &Value) -> String {
    format!("/api/v1/{kind}/{}", thing["id"].as_str().unwrap())
}

#[actix_web::test]
async fn many_mistakes_in_a_setup() {
    let (service, stored) = with_job().await;
    let body = json!({
        "organisation_id": ORGANISATION,
        "source": {"id": stored["source"]["id"], "name": "x".repeat(201), "retention_hours": "720", "nam": "rust"},
        "job": {
            "name": 7,
            "actve": true,
            "source_id": ORGANISATION,
            "organisation_id": OTHER_ORGANISATION,
        },
        "role_bindings": [
            {"role": "temprature", "input_id": "nope", "input_type": "sensor"},
            {"role": "temperature", "input_id": "00000000-0000-0000-0000-000000000000", "input_type": "gateway"},
            {"role": "temperature", "input_type": "sensor"},
            {"role": "a\u{0}b", "input_id": ORGANISATION},
            [],
        ],
        "rolebindings": [],
    });
    let answer = service.send(Request::new("POST", "/api/v1/jobs/setup").json(&body)).await;
    insta::assert_snapshot!(told(&answer));
}

#[actix_web::test]
async fn a_required_role_that_is_not_bound() {
    let (service, stored) = with_job().await;
    let body = json!({
        "organisation_id": ORGANISATION,
        "source": {"id": stored["source"]["id"]},
        "job": {"name": "Job B"},
        "role_bindings": [],
    });
    let answer = service.send(Request::new("POST", "/api/v1/jobs/setup").json(&body)).await;
    insta::assert_snapshot!(told(&answer));
}

#[actix_web::test]
async fn a_source_with_other_content() {
    let (service, _) = with_job().await;
    let body = json!({"name": "MILDEW-predictor", "retention_hours": null, "description": "Another one"});
    let answer = service.send(Request::new("POST", "/api/v1/sources").json(&body)).await;
    insta::assert_snapshot!(told(&answer));
}

#[actix_web::test]
async fn a_version_with_another_contract() {
    let (service, stored) = with_job().await;
    let body = json!({
        "source_id": stored["source"]["id"],
        "version": "v1.0.0",
        "input_roles": [
            {"role": "temperature", "input_kind": "gateway", "metric": "celsius"},
            {"role": "humidity", "input_kind": "sensor", "metric": "percent", "required": false},
        ],
        "output_roles": [{"role": "risk", "metric": "percent", "unit": "%"}],
    });
    let answer = service.send(Request::new("POST", "/api/v1/source_versions").json(&body)).await;
    insta::assert_snapshot!(told(&answer));
}

#[actix_web::test]
async fn a_job_with_other_content() {
    let (service, stored) = with_job().await;
    let body = json!({
        "organisation_id": ORGANISATION,
        "job": {"name": "Job A", "active": false, "source_version_id": stored["source_version"]["id"]},
        "role_bindings": [{"role": "temperature", "input_id": OTHER_ORGANISATION}],
    });
    let answer = service.send(Request::new("POST", "/api/v1/jobs/setup").json(&body)).await;
    insta::assert_snapshot!(told(&answer));
}

#[actix_web::test]
async fn members_that_never_change() {
    let (service, stored) = with_job().await;
    let body =
        json!({"id": ORGANISATION, "organisation_id": OTHER_ORGANISATION, "source_id": ORGANISATION, "name": null});
    let answer = service.send(Request::new("PUT", path("jobs", &stored["job"])).json(&body)).await;
    insta::assert_snapshot!(told(&answer));
}

#[actix_web::test]
async fn a_version_that_jobs_use() {
    let (service, stored) = with_job().await;
    let answer = service.send(Request::new("DELETE", path("source_versions", &stored["source_version"]))).await;
    insta::assert_snapshot!(told(&answer));
}

#[actix_web::test]
async fn a_source_that_has_versions() {
    let (service, stored) = with_job().await;
    let answer = service.send(Request::new("DELETE", path("sources", &stored["source"]))).await;
    insta::assert_snapshot!(told(&answer));
}

#[actix_web::test]
async fn a_stale_revision() {
    let (service, stored) = with_job().await;
    let request = Request::new("DELETE", path("jobs", &stored["job"])).header("if-match", "\"7\"");
    insta::assert_snapshot!(told(&service.send(request).await));
}

#[actix_web::test]
async fn a_version_that_is_to_be_changed() {
    let (service, stored) = with_job().await;
    let path = path("source_versions", &stored["source_version"]);
    let answer = service.send(Request::new("PATCH", path).json(&json!({"version": "2.0.0"}))).await;
    insta::assert_snapshot!(told(&answer));
}

#[actix_web::test]
async fn a_bad_query() {
    let service = Service::in_memory();
    let path = "/api/v1/jobs?limit=0&organization_id=x&active=yes&expand=source,version";
    insta::assert_snapshot!(told(&service.send(Request::new("GET", path)).await));
}

#[actix_web::test]
async fn no_token_a_refused_token_and_one_that_lacks_the_scope() {
    let service = Service::in_memory();
    let list = || Request::new("GET", "/api/v1/jobs");
    insta::assert_snapshot!("no_token", told(&service.send(list().token(None)).await));
    insta::assert_snapshot!("an_expired_token", told(&service.send(list().token(Some("expired"))).await));
    insta::assert_snapshot!("a_token_without_the_scope", told(&service.send(list().token(Some("reader"))).await));
    insta::assert_snapshot!("no_keys_at_the_moment", told(&service.send(list().token(Some("keyless"))).await));
    let basic = list().token(None).header("authorization", "Basic YTpi");
    insta::assert_snapshot!("another_scheme", told(&service.send(basic).await));
    let foreign = format!("/api/v1/jobs?organisation_id={OTHER_ORGANISATION}");
    let foreign = service.send(Request::new("GET", foreign).token(Some("customer"))).await;
    insta::assert_snapshot!("an_organisation_of_others", told(&foreign));
}

#[actix_web::test]
async fn a_body_that_is_not_json() {
    let service = Service::in_memory();
    let request = Request { body: Some(b"{\"name\": mildew}".to_vec()), ..Request::new("POST", "/api/v1/sources") };
    insta::assert_snapshot!(told(&service.send(request).await));
}

#[actix_web::test]
async fn another_method() {
    let answer = Service::in_memory().send(Request::new("PATCH", "/api/v1/jobs/setup")).await;
    insta::assert_snapshot!(told(&answer));
}

#[actix_web::test]
async fn a_store_that_is_not_available_and_one_that_fails() {
    let mut mocks = MockStore::default();
    mocks.sources.expect_list().returning(|_, _| Err(StoreFailure::Unavailable("no connection".into())));
    mocks.source_versions.expect_list_heads().returning(|_, _| Err(StoreFailure::Internal("disk full".into())));
    let service = service_of(mocks);
    let unavailable = service.send(Request::new("GET", "/api/v1/sources")).await;
    insta::assert_snapshot!("a_store_that_is_not_available", told(&unavailable));
    let failed = service.send(Request::new("GET", "/api/v1/source_versions")).await;
    insta::assert_snapshot!("a_store_that_fails", told(&failed));
}

/// A job of another organisation and one that does not exist are told apart by nothing.
#[actix_web::test]
async fn a_job_of_others_and_no_job_are_answered_the_same() {
    let (service, stored) = with_job().await;
    let theirs = path("jobs", &stored["job"]);
    for method in ["GET", "PUT", "DELETE"] {
        let ask = |path: &str| {
            let request = Request::new(method, path).token(Some("stranger"));
            service.send(if method == "GET" { request } else { request.json(&json!({})) })
        };
        let (theirs, missing) = (ask(&theirs).await, ask(&format!("/api/v1/jobs/{OTHER_ORGANISATION}")).await);
        assert_eq!(theirs, missing, "{method}");
        assert_eq!(theirs.code(), "not_found");
    }
}
