//! What surrounds the API: health, its description, and the texts about its problems.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::web::{Bytes, Path};
use prediction_domain::model::ViolationCode;
use prediction_wire::ServiceHealth;

use super::{Answer, Endpoint};
use crate::document::{Body, Operation};
use crate::problem::{Problem, ProblemCode};
use crate::request::Call;

pub(super) const LIVE: Endpoint = Endpoint {
    describe: || {
        Operation::get("/health/live", "live").summary("The process runs").answer(
            200,
            "It does",
            Body::Untagged("ServiceHealth"),
        )
    },
    handler: |route| route.to(live),
};

pub(super) const READY: Endpoint = Endpoint {
    describe: || {
        Operation::get("/health/ready", "ready")
            .summary("The service can do its work")
            .answer(200, "It can", Body::Untagged("ServiceHealth"))
            .problems(&[ProblemCode::NotReady])
    },
    handler: |route| route.to(ready),
};

fn describe_metrics() -> Operation {
    Operation::get("/metrics", "metrics")
        .summary("What the service measures, for Prometheus")
        .answer(200, "Metrics", Body::Text("text/plain"))
        .problems(&[ProblemCode::RateLimited])
}

pub(super) const METRICS: Endpoint = Endpoint { describe: describe_metrics, handler: |route| route.to(metrics) };

/// The same where only the operator can ask.
pub(super) const INTERNAL_METRICS: Endpoint =
    Endpoint { describe: describe_metrics, handler: |route| route.to(internal_metrics) };

pub(super) const OPENAPI: Endpoint = Endpoint {
    describe: || {
        Operation::get("/openapi.json", "openapi")
            .summary("This document")
            .answer(200, "The document", Body::AnyObject)
            .problems(&[ProblemCode::RateLimited])
    },
    handler: |route| route.to(openapi),
};

pub(super) const PROBLEMS: Endpoint = Endpoint {
    describe: || {
        Operation::get("/problems", "list_problems")
            .summary("The texts about all problems")
            .answer(200, "A page for people", Body::Text("text/html"))
            .problems(&[ProblemCode::RateLimited])
    },
    handler: |route| route.to(problems),
};

pub(super) const PROBLEM: Endpoint = Endpoint {
    describe: || {
        Operation::get("/problems/{code}", "get_problem")
            .summary("The text about a problem")
            .answer(200, "A page for people", Body::Text("text/html"))
            .problems(&[ProblemCode::NotFound, ProblemCode::RateLimited])
    },
    handler: |route| route.to(problem),
};

/// The process runs. Nothing else is looked at: a restart would not help the database.
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(ServiceHealth { status: "live".to_owned(), degraded: None })
}

/// The service can do its work, or a useful part of it: clients that read are not to be sent away because writes fail.
async fn ready(call: Call) -> Answer {
    let degraded = call.api().ready().await?;
    let status = if degraded.is_empty() { "ready" } else { "degraded" };
    let degraded = (!degraded.is_empty()).then_some(degraded);
    Ok(HttpResponse::Ok().json(ServiceHealth { status: status.to_owned(), degraded }))
}

/// The metrics, for Prometheus.
async fn metrics(call: Call) -> Answer {
    call.admit()?;
    Ok(internal_metrics(call).await)
}

async fn internal_metrics(call: Call) -> HttpResponse {
    let text = call.api().metrics().await;
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")).body(text)
}

/// What is not there.
pub(super) async fn unknown(call: Call) -> Answer {
    call.admit()?;
    Err(Problem::new(ProblemCode::UnknownRoute))
}

/// The OpenAPI document.
async fn openapi(call: Call) -> Answer {
    call.admit()?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(super::document_json()))
}

/// Where the description for people is.
pub(super) async fn to_docs(call: Call) -> Answer {
    call.admit()?;
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, "/docs/")).finish())
}

/// All problems.
async fn problems(call: Call) -> Answer {
    static PAGE: LazyLock<Bytes> = LazyLock::new(|| page("Problems", &list_of_problems()).into());
    call.admit()?;
    Ok(html(PAGE.clone()))
}

fn list_of_problems() -> String {
    let mut list = String::from("<h1>Problems</h1>\n<p>What an error answer can be about.</p>\n<table>\n");
    for code in ProblemCode::ALL {
        list.push_str(&format!(
            "<tr><td>{}</td><td><a href=\"{}\">{}</a></td><td>{}</td></tr>\n",
            code.status(),
            code.type_uri(),
            code.as_str(),
            code.title()
        ));
    }
    list.push_str("</table>\n<h2>What an entry in errors can be about</h2>\n<table>\n");
    for code in ViolationCode::ALL {
        list.push_str(&format!("<tr><td><code>{}</code></td><td>{}</td></tr>\n", code.as_str(), code.meaning()));
    }
    list.push_str("</table>\n");
    list
}

/// The text about one problem: what its `type` refers to.
async fn problem(call: Call, code: Path<String>) -> Answer {
    call.admit()?;
    let same: Vec<&ProblemCode> = ProblemCode::ALL.iter().filter(|problem| problem.as_str() == code.as_str()).collect();
    let code =
        same.first().ok_or_else(|| Problem::new(ProblemCode::NotFound).detail("there is no problem of that code"))?;
    let statuses: Vec<String> = same.iter().map(|problem| problem.status().to_string()).collect();
    let text = format!(
        "<h1>{}</h1>\n<p><code>{}</code>, status {}</p>\n<p>{}</p>\n<p><a href=\"/problems\">All problems</a></p>\n",
        code.title(),
        code.as_str(),
        statuses.join(" or "),
        code.meaning()
    );
    Ok(html(page(code.title(), &text).into()))
}

fn page(title: &str, text: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title} - Prediction API</title>\n\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}}\
         td{{padding:.2rem 1rem .2rem 0;vertical-align:top}}</style>\n</head>\n<body>\n{text}</body>\n</html>\n"
    )
}

fn html(page: Bytes) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(page)
}
