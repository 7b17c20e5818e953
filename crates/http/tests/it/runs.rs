//! Runs and predictions on the in-memory store: what can be reported, read back, and traced.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use crate::service::{Answer, Request, Service};

/// A service with a job that has two output roles, of which one is required; the path of the job.
pub(crate) async fn with_job() -> (Service, String) {
    let service = Service::in_memory();
    let body = json!({
        "organisation_id": crate::service::ORGANISATION,
        "source": {"name": "Mildew", "retention_hours": 1},
        "source_version": {
            "version": "1",
            "input_roles": [],
            "output_roles": [
                {"role": "risk", "metric": "probability"},
                {"role": "wetness, \"leaf\"", "metric": "minutes", "required": false},
            ],
        },
        "job": {"name": "Vineyard"},
        "role_bindings": [],
    });
    let answer = service.send(Request::new("POST", "/api/v1/jobs/setup").json(&body)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let path = format!("/api/v1/jobs/{}", answer.body["job"]["id"].as_str().unwrap());
    (service, path)
}

pub(crate) async fn post(service: &Service, path: &str, body: &Value) -> Answer {
    service.send(Request::new("POST", path).json(body)).await
}

pub(crate) async fn get(service: &Service, path: &str) -> Answer {
    let answer = service.send(Request::new("GET", path)).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer
}

/// The service's clock stands at 2027-01-15T08:00:00Z.
pub(crate) fn report(minute: u32, values: &[(&str, u32, f64)]) -> Value {
    let values = values.iter().map(|(role, hour, value)| json!({"role": role, "at": at(*hour), "value": value}));
    json!({
        "issued_at": format!("2027-01-15T07:{minute:02}:00Z"),
        "status": "succeeded",
        "predictions": values.collect::<Vec<_>>(),
    })
}

pub(crate) fn at(hour: u32) -> String {
    format!("2027-01-16T{hour:02}:00:00Z")
}

pub(crate) fn pointers(answer: &Answer) -> Vec<(String, String)> {
    let entries = answer.body["errors"].as_array().unwrap_or_else(|| panic!("{}", answer.body));
    let text = |entry: &Value, member: &str| entry[member].as_str().unwrap().to_owned();
    entries.iter().map(|entry| (text(entry, "pointer"), text(entry, "code"))).collect()
}

pub(crate) fn rows(answer: &Answer) -> Vec<(String, String, f64)> {
    let items = answer.body["items"].as_array().unwrap().iter();
    let text = |item: &Value, member: &str| item[member].as_str().unwrap().to_owned();
    items.map(|item| (text(item, "role"), text(item, "at"), item["value"].as_f64().unwrap())).collect()
}

#[actix_web::test]
async fn a_report_is_stored_once_and_read_back() {
    let (service, job) = with_job().await;
    let runs = format!("{job}/runs");
    let body = report(30, &[("risk", 1, 0.25), ("risk", 2, 0.5)]);
    let created = post(&service, &runs, &body).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
    assert_eq!(created.body["prediction_count"], 2);
    assert_eq!((&created.body["job_revision"], &created.body["warnings"]), (&json!(1), &json!([])));

    let mut shuffled = body.clone();
    shuffled["predictions"].as_array_mut().unwrap().reverse();
    for same in [&body, &shuffled] {
        let again = post(&service, &runs, same).await;
        assert_eq!((again.status, &again.body), (StatusCode::OK, &created.body));
    }
    let other = post(&service, &runs, &report(30, &[("risk", 1, 0.25), ("risk", 2, 0.75)])).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert_eq!(other.body["existing_id"], created.body["id"]);
    assert_eq!(pointers(&other), [("/predictions".to_owned(), "differs".to_owned())]);

    let listed = get(&service, &runs).await;
    let mut run = created.body.clone();
    run.as_object_mut().unwrap().remove("warnings");
    assert_eq!(listed.body, json!({"items": [run], "next_cursor": null}));
    let single = get(&service, created.header("location").unwrap()).await;
    assert_eq!(single.body, run);
}

#[actix_web::test]
async fn what_was_issued_last_is_read_as_of_any_time_and_by_run() {
    let (service, job) = with_job().await;
    let mut ids = Vec::new();
    for (minute, value) in [(10, 0.1), (30, 0.3), (20, 0.2)] {
        let answer = post(&service, &format!("{job}/runs"), &report(minute, &[("risk", 1, value)])).await;
        ids.push(answer.body["id"].as_str().unwrap().to_owned());
    }
    let values = async |query: String| rows(&get(&service, &format!("{job}/predictions{query}")).await);
    let one = |value| vec![("risk".to_owned(), "2027-01-16T01:00:00.000000Z".to_owned(), value)];
    assert_eq!(values(String::new()).await, one(0.3));
    assert_eq!(values("?as_of=2027-01-15T07:29:59.999999Z".to_owned()).await, one(0.2));
    assert_eq!(values("?as_of=2027-01-15T08:10:00%2B01:00".to_owned()).await, one(0.1));
    assert_eq!(values("?as_of=2027-01-15T07:09:00Z".to_owned()).await, []);
    assert_eq!(values(format!("?run_id={}", ids[2])).await, one(0.2));
    assert_eq!(values("?role=wetness".to_owned()).await, []);
    assert_eq!(values("?from=2027-01-16T01:00:00Z&to=2027-01-16T01:00:00.000001Z".to_owned()).await, one(0.3));
    let unknown = format!("{job}/predictions?run_id={}", crate::service::ORGANISATION);
    assert_eq!(service.send(Request::new("GET", unknown)).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn values_are_paged_and_written_as_csv() {
    let (service, job) = with_job().await;
    let values: Vec<(&str, u32, f64)> = (0..5).map(|hour| ("risk", hour, 0.1)).collect();
    let body = report(30, &[&values[..], &[("wetness, \"leaf\"", 0, 1e21)]].concat());
    let run = post(&service, &format!("{job}/runs"), &body).await;
    let whole = rows(&get(&service, &format!("{job}/predictions")).await);
    assert_eq!(whole.len(), 6);
    let mut paged = Vec::new();
    let mut path = format!("{job}/predictions?limit=4");
    loop {
        let page = get(&service, &path).await;
        paged.extend(rows(&page));
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        path = format!("{job}/predictions?cursor={cursor}");
    }
    assert_eq!(paged, whole);

    let csv = async |query: &str| {
        let request = Request::new("GET", format!("{job}/predictions{query}")).header("accept", "text/csv");
        let answer = service.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    };
    let answer = csv("").await;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let run_id = run.body["id"].as_str().unwrap();
    let line = |role: &str, hour: u32, value: &str| {
        format!("{role},2027-01-16T{hour:02}:00:00.000000Z,{value},2027-01-15T07:30:00.000000Z,{run_id}\r\n")
    };
    let lines: String = (0..5).map(|hour| line("risk", hour, "0.1")).collect();
    let last = line("\"wetness, \"\"leaf\"\"\"", 0, "1e+21");
    let header = "role,at,value,issued_at,run_id\r\n";
    assert_eq!(answer.body, Value::String(format!("{header}{lines}{last}")));
    assert_eq!(answer.header("link"), None);

    let first = csv("?role=risk&limit=3").await;
    assert_eq!(first.body.as_str().unwrap().lines().count(), 4);
    let link = first.header("link").unwrap();
    let next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap();
    let rest = csv(next).await;
    assert_eq!(rest.body, Value::String(format!("{header}{}{}", line("risk", 3, "0.1"), line("risk", 4, "0.1"))));
    assert_eq!(rest.header("link"), None);
}

#[actix_web::test]
async fn what_is_older_than_its_retention_is_not_shown() {
    let (service, job) = with_job().await;
    let expired = json!({"issued_at": "2027-01-15T07:00:00Z", "status": "succeeded", "predictions": [
        {"role": "risk", "at": at(1), "value": 0.5}]});
    let run = post(&service, &format!("{job}/runs"), &expired).await;
    assert_eq!(run.status, 201, "{}", run.body);
    let by_run = format!("{job}/predictions?run_id={}", run.body["id"].as_str().unwrap());
    for path in [format!("{job}/predictions"), by_run] {
        assert_eq!(rows(&get(&service, &path).await), [], "issued exactly an hour ago");
    }
    let visible = json!({"issued_at": "2027-01-15T07:00:00.000001Z", "status": "succeeded", "predictions": [
        {"role": "risk", "at": at(1), "value": 0.5}]});
    post(&service, &format!("{job}/runs"), &visible).await;
    assert_eq!(rows(&get(&service, &format!("{job}/predictions")).await).len(), 1);
}

#[actix_web::test]
async fn everything_that_is_wrong_with_a_report_is_told() {
    let (service, job) = with_job().await;
    let body = json!({
        "issued_at": "2027-01-15T08:05:00.000001Z",
        "status": "done",
        "job_revision": 2,
        "message": 7,
        "prediction": [],
        "predictions": [],
    });
    let answer = post(&service, &format!("{job}/runs"), &body).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let expected = [
        ("/issued_at", "in_the_future"),
        ("/job_revision", "unknown_revision"),
        ("/message", "wrong_type"),
        ("/prediction", "unknown_member"),
        ("/status", "unknown_word"),
    ];
    assert_eq!(pointers(&answer), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));

    let values = json!([
        {"role": "rsk", "at": at(1), "value": 0.5},
        {"role": "wetness, \"leaf\"", "at": at(1), "value": "0.5"},
        {"role": "wetness, \"leaf\"", "at": "2027-01-16T02:00:00+01:00", "value": 1},
        {"role": "wetness, \"leaf\"", "at": "tomorrow", "value": null},
        {"role": "wetness, \"leaf\"", "at": at(2)},
    ]);
    let answer = post(&service, &format!("{job}/runs"), &json!({"status": "succeeded", "predictions": values})).await;
    let expected = [
        ("/predictions", "missing_required_role"),
        ("/predictions/0/role", "unknown_role"),
        ("/predictions/1/value", "wrong_type"),
        ("/predictions/2", "duplicate_value"),
        ("/predictions/3/at", "invalid_time"),
        ("/predictions/3/value", "wrong_type"),
        ("/predictions/4/value", "missing_member"),
    ];
    assert_eq!(pointers(&answer), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));

    let typo = json!({"status": "succeded", "predictions": [{"role": "rsk", "at": at(1), "value": 0.5}]});
    let answer = post(&service, &format!("{job}/runs"), &typo).await;
    let expected = [
        ("/predictions", "missing_required_role"),
        ("/predictions/0/role", "unknown_role"),
        ("/status", "unknown_word"),
    ];
    assert_eq!(pointers(&answer), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    assert_eq!(answer.body["errors"][2]["hint"], "did you mean \"succeeded\"?");

    let failed = json!({"status": "failed", "predictions": [{"role": "risk", "at": at(1), "value": 0.5}]});
    let answer = post(&service, &format!("{job}/runs"), &failed).await;
    let expected = [("/message", "missing_member"), ("/predictions", "not_allowed_here")];
    assert_eq!(pointers(&answer), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));

    let too_many: Vec<Value> = (0..10_001).map(|_| json!(7)).collect();
    let answer = post(&service, &format!("{job}/runs"), &json!({"status": "succeeded", "predictions": too_many})).await;
    assert_eq!(pointers(&answer), [("/predictions".to_owned(), "too_many_items".to_owned())]);
    assert_eq!(get(&service, &format!("{job}/runs")).await.body["items"], json!([]), "nothing was stored");
}

#[actix_web::test]
async fn a_report_may_come_for_an_inactive_job_and_for_the_revision_that_was_read() {
    let (service, job) = with_job().await;
    let change = json!({"active": false, "name": "Renamed"});
    let changed = service.send(Request::new("PUT", job.clone()).json(&change)).await;
    assert_eq!(changed.body["revision"], 2, "{}", changed.body);
    let mut body = report(30, &[("risk", 1, 0.25)]);
    body["job_revision"] = json!(1);
    let answer = post(&service, &format!("{job}/runs"), &body).await;
    assert_eq!((answer.status, &answer.body["job_revision"]), (StatusCode::CREATED, &json!(1)));
    assert_eq!(answer.body["warnings"][0]["code"], "job_inactive");
    body.as_object_mut().unwrap().remove("job_revision");
    assert_eq!(post(&service, &format!("{job}/runs"), &body).await.status, StatusCode::OK, "it is not compared");
    body["job_revision"] = json!(2);
    let answer = post(&service, &format!("{job}/runs"), &body).await;
    assert_eq!(pointers(&answer), [("/job_revision".to_owned(), "differs".to_owned())]);

    let revisions = get(&service, &format!("{job}/revisions?limit=1")).await;
    assert_eq!(
        (&revisions.body["items"][0]["revision"], &revisions.body["items"][0]["name"]),
        (&json!(1), &json!("Vineyard"))
    );
    let cursor = revisions.body["next_cursor"].as_str().unwrap();
    let rest = get(&service, &format!("{job}/revisions?cursor={cursor}")).await;
    assert_eq!((&rest.body["items"][0]["revision"], &rest.body["next_cursor"]), (&json!(2), &Value::Null));
    assert_eq!(rest.body["items"][0]["changed_by"], "operator");
    let first = get(&service, &format!("{job}/revisions/1")).await;
    assert_eq!((&first.body, first.header("etag")), (&revisions.body["items"][0], Some("\"1\"")));
    for (path, status) in [("/revisions/3", 404), ("/revisions/0", 400), ("/revisions/+1", 400), ("/revisions/x", 400)]
    {
        assert_eq!(service.send(Request::new("GET", format!("{job}{path}"))).await.status, status, "{path}");
    }
}

#[actix_web::test]
async fn jobs_of_others_have_no_runs_and_take_none() {
    let (service, job) = with_job().await;
    let run = post(&service, &format!("{job}/runs"), &report(30, &[("risk", 1, 0.5)])).await;
    let run = format!("{job}/runs/{}", run.body["id"].as_str().unwrap());
    for path in [&run, &format!("{job}/runs"), &format!("{job}/predictions"), &format!("{job}/revisions")] {
        let answer = service.send(Request::new("GET", path).token(Some("stranger"))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        let answer = service.send(Request::new("GET", path).token(Some("reader"))).await;
        assert_eq!(answer.code(), "insufficient_scope", "{path}");
        assert_eq!(service.send(Request::new("GET", path).token(Some("customer"))).await.status, 200, "{path}");
    }
    let body = json!({"status": "nonsense"});
    let request = Request::new("POST", format!("{job}/runs")).token(Some("stranger")).json(&body);
    assert_eq!(service.send(request).await.status, StatusCode::NOT_FOUND, "whatever is wrong with it");
}
