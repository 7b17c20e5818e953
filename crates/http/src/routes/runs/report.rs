use crate::document::{Access, Body, Operation, dry_run, tags};
use crate::problem::ProblemCode::{Conflict, QuotaExceeded, QuotaOfDayExceeded};
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::{JobId, Permission};
use prediction_domain::ports::WriteMode;
use prediction_domain::use_cases::{Outcome, Ports, report_run};

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, created, single};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::post("/api/v1/jobs/{id}/runs", "report_run")
        .tag(tags::RUNS)
        .summary("Report a run")
        .text(
            "With everything that it predicted: all of it is stored, or nothing. Can be sent again safely: the same \
             report for one issued_at answers 200, another one 409. A success takes the place of a failure that was \
             issued at the same time. A report of at most 4 MiB. A dry run judges the contract, and what is stored by then; it \
             does not count for quotas, and is not judged by them.",
        )
        .access(Access::Scope(Permission::PredictionsWrite))
        .parameters(vec![dry_run()])
        .request(
            &wire::REPORT_RUN,
            &[
                ("succeeded", include_str!("../../../../../docs/examples/report-run.json")),
                ("failed", include_str!("../../../../../docs/examples/report-failed-run.json")),
            ],
        )
        .answer(200, "The same report was there already, or with dry_run: what would be stored", Body::One("ReportedRun"))
        .answer(201, "It was stored", Body::One("ReportedRun"))
        .problems(&[Conflict, QuotaExceeded, QuotaOfDayExceeded])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let mut query = call.query();
    let mode = query.mode();
    query.finish()?;
    let body = call.report(&caller, Permission::PredictionsWrite).await?;
    let (submission, held) = body.decode(&call.service(), &wire::REPORT_RUN).await?.into_parts();

    let work = move |ports: &Ports| {
        let _held = held;
        report_run(ports, &caller, id, submission, mode)
    };
    let reported = call.service().write(work).await?;
    let tag = entity_tag(reported.run.revision());
    let location = format!("/api/v1/jobs/{id}/runs/{}", reported.run.id);
    let is_new = reported.outcome == Outcome::Created && mode == WriteMode::Commit;
    let body = wire::ReportedRun::from(reported);
    if is_new { created(&call, &location, &tag, body).await } else { single(&call, StatusCode::OK, &tag, body).await }
}
