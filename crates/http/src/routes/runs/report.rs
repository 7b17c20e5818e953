use actix_web::http::StatusCode;
use prediction_domain::model::{JobId, Permission};
use prediction_domain::use_cases::{Outcome, Ports, report_run};

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, created, single};
use crate::wire::run::{RunReportedBody, decode_run};

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    call.no_query()?;
    let body = call.report(&caller, Permission::PredictionsWrite).await?;
    let (submission, held) = body.decode(&call.api(), decode_run).await?.into_parts();

    let work = move |ports: &Ports| {
        let _held = held;
        report_run(ports, &caller, id, submission)
    };
    let reported = call.api().write(work).await?;
    let tag = entity_tag(reported.run.revision());
    let location = format!("/api/v1/jobs/{id}/runs/{}", reported.run.id);
    let is_new = reported.outcome == Outcome::Created;
    let body = RunReportedBody::from(reported);
    if is_new { created(&call, &location, &tag, body).await } else { single(&call, StatusCode::OK, &tag, body).await }
}
