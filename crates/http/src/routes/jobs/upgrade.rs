use crate::document::{Access, Body, Operation, dry_run, if_match, tags};
use crate::problem::ProblemCode::{InUse, QuotaOfDayExceeded};
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::{JobId, Permission};
use prediction_domain::use_cases::upgrade_job;

use super::tag_of;
use crate::request::{Call, Change};
use crate::routes::{Answer, single};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::post("/api/v1/jobs/{id}/upgrade", "upgrade_job")
        .tag(tags::JOBS)
        .summary("Have a job run another version")
        .text(
            "What the job has bound is carried over: by `role_mapping`, by equal names of roles, by aliases of roles. \
             `role_bindings` has what is to be bound anew, and nothing else. The answer says what was done with each role; a \
             refusal says everything that is in the way, and has the plan, too. The job keeps its id, its runs and its history, \
             and its outputs keep theirs. A job that runs the version already is not changed.",
        )
        .access(Access::Scope(Permission::JobsWrite))
        .parameters(vec![dry_run(), if_match()])
        .request(&wire::UPGRADE_JOB, &[("upgrade", include_str!("../../../../../docs/examples/upgrade-job.json"))])
        .answer(200, "The job as it is now, and what was done", Body::One("JobUpgrade"))
        .problems(&[InUse, QuotaOfDayExceeded])
}

async fn handle(call: Call) -> Answer {
    let Change { caller, id, mode, precondition, submission } =
        call.change(JobId::parse, Permission::JobsWrite, &wire::UPGRADE_JOB).await?;
    let upgraded =
        call.service().write(move |ports| upgrade_job(ports, &caller, id, &submission, &precondition, mode)).await?;
    single(&call, StatusCode::OK, &tag_of(&upgraded.job), wire::JobUpgrade::from(upgraded)).await
}
