use crate::document::{Access, Body, Operation, dry_run, if_match, tags};
use crate::problem::ProblemCode::{Conflict, InUse, QuotaOfDayExceeded};
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::{JobId, Permission};
use prediction_domain::use_cases::change_job;

use crate::request::{Call, Change, Shown, job_tag};
use crate::routes::{Answer, single};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::put("/api/v1/jobs/{id}", "change_job")
        .tag(tags::JOBS)
        .summary("Change a job")
        .text(
            "Its name, whether it is active, its version and its bindings; the result is judged like a setup. What \
             is left out stays. What GET returned can be sent back.",
        )
        .access(Access::Scope(Permission::JobsWrite))
        .parameters(vec![dry_run(), if_match()])
        .request(&wire::UPDATE_JOB, &[("change", include_str!("../../../../../docs/examples/change-job.json"))])
        .answer(200, "The job as it is now", Body::One("UpdatedJob"))
        .problems(&[Conflict, InUse, QuotaOfDayExceeded])
}

async fn handle(call: Call) -> Answer {
    let Change { caller, id, mode, precondition, submission } =
        call.change(JobId::parse, Permission::JobsWrite, &wire::UPDATE_JOB).await?;
    let changed =
        call.service().write(move |ports| change_job(ports, &caller, id, &submission, &precondition, mode)).await?;
    let tag = job_tag(changed.job.revision, &changed.health, Shown::default());
    single(&call, StatusCode::OK, &tag, wire::UpdatedJob::from(changed)).await
}
