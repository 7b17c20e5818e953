use crate::document::{Access, Body, Operation, dry_run, if_match, tags};
use crate::problem::ProblemCode::{Conflict, InUse, QuotaOfDayExceeded};
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::{JobId, Permission};
use prediction_domain::use_cases::restore_job;

use crate::request::{Call, Change, Shown, job_tag};
use crate::routes::{Answer, single};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::post("/api/v1/jobs/{id}/restore", "restore_job")
        .tag(tags::JOBS)
        .summary("Make a job what it was")
        .text(
            "Makes what the job was at a revision its next revision: its name, whether it is active, its version, its \
             bindings and its outputs with their ids. It is judged like any change. What it is already is not changed.",
        )
        .access(Access::Scope(Permission::JobsWrite))
        .parameters(vec![dry_run(), if_match()])
        .request(&wire::RESTORE_JOB, &[("restore", include_str!("../../../../../docs/examples/restore-job.json"))])
        .answer(200, "The job as it is now", Body::One("UpdatedJob"))
        .problems(&[Conflict, InUse, QuotaOfDayExceeded])
}

async fn handle(call: Call) -> Answer {
    let Change { caller, id, mode, precondition, submission } =
        call.change(JobId::parse, Permission::JobsWrite, &wire::RESTORE_JOB).await?;
    let restored =
        call.service().write(move |ports| restore_job(ports, &caller, id, &submission, &precondition, mode)).await?;
    let tag = job_tag(restored.job.revision, &restored.health, Shown::default());
    single(&call, StatusCode::OK, &tag, wire::UpdatedJob::from(restored)).await
}
