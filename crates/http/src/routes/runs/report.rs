use actix_web::http::StatusCode;
use prediction_domain::model::JobId;
use prediction_domain::use_cases::{Outcome, report_run};

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, created, single};
use crate::wire::fields::decode;
use crate::wire::run::{RunReportedBody, decode_run};

/// The most bytes of a report: room for as many values as it may have.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

pub(in crate::routes) async fn handle(mut call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    call.no_query()?;
    let (body, _room) = call.large_body(BODY_LIMIT).await?;
    let submission = decode(&body, decode_run)?;
    // Its memory is of use to the next one while this one is stored.
    drop(body);

    let reported = call.api().write(move |ports| report_run(ports, &caller, id, submission)).await?;
    let tag = entity_tag(reported.run.revision());
    let location = format!("/api/v1/jobs/{id}/runs/{}", reported.run.id);
    let is_new = reported.outcome == Outcome::Created;
    let body = RunReportedBody::from(reported);
    Ok(if is_new { created(&location, &tag, &body) } else { single(StatusCode::OK, &tag, &body) })
}
