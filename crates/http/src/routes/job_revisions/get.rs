use crate::document::{Access, Body, Operation, if_none_match, tags};
use crate::routes::Endpoint;
use prediction_domain::model::JobId;
use prediction_domain::model::Permission;
use prediction_domain::use_cases::get_job_revision;

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, fresh};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/jobs/{id}/revisions/{revision}", "get_job_revision")
        .tag(tags::JOBS)
        .summary("Read what a job was")
        .text("The job at that revision. The service keeps a revision as long as the job, and so the source version that it had.")
        .access(Access::Scope(Permission::JobsRead))
        .parameters(vec![if_none_match()])
        .answer(200, "What the job was", Body::One("JobRevision"))
        .answer(304, "The reader has it already", Body::None)
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let revision = call.part("revision", super::revision)?;
    call.no_query()?;

    let kept = call.service().read(move |ports| get_job_revision(ports, &caller, id, revision)).await?;
    fresh(&call, &entity_tag(kept.revision), wire::JobRevision::from(kept)).await
}
