use crate::document::{Access, Body, Operation, dry_run, if_match, tags};
use crate::problem::ProblemCode::InUse;
use crate::routes::Endpoint;
use prediction_domain::model::{JobId, Permission};
use prediction_domain::use_cases::delete_job;

use super::tag_of;
use crate::request::Call;
use crate::routes::{Answer, deleted};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::delete("/api/v1/jobs/{id}", "delete_job")
        .tag(tags::JOBS)
        .summary("Delete a job")
        .text("Not while other jobs read its outputs.")
        .access(Access::Scope(Permission::JobsWrite))
        .parameters(vec![dry_run(), if_match()])
        .request(&wire::DELETE, &[])
        .answer(200, "With dry_run: what would be deleted", Body::One("Job"))
        .answer(204, "It was deleted", Body::None)
        .problems(&[InUse])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let mut query = call.query();
    let mode = query.mode();
    query.finish()?;
    let precondition = call.lock(&caller, Permission::JobsWrite).await?;

    let judged = call.service().write(move |ports| delete_job(ports, &caller, id, &precondition, mode)).await?;
    deleted(&call, mode, &tag_of(&judged), wire::Job::from(judged)).await
}
