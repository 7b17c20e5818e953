use crate::document::{Access, Body, Operation, if_none_match, query, tags};
use crate::problem::{Problem, ProblemCode};
use crate::routes::Endpoint;
use prediction_domain::model::{JobId, Permission};
use prediction_domain::use_cases::compare_job_revisions;
use prediction_wire::REVISION;

use super::revision;
use crate::request::{Call, entity_tag};
use crate::routes::{Answer, fresh};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/jobs/{id}/revisions/{revision}/comparison", "compare_job_revisions")
        .tag(tags::JOBS)
        .summary("Compare what a job was")
        .text("What changed from the revision `with` to this one. Bindings and outputs are compared role by role.")
        .access(Access::Scope(Permission::JobsRead))
        .parameters(vec![
            query("with", "The revision to compare with; the one before when left out.", REVISION.schema()),
            if_none_match(),
        ])
        .answer(200, "What changed", Body::One("JobRevisionComparison"))
        .answer(304, "The reader has it already", Body::None)
        .problems(&[ProblemCode::Invalid])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let to = call.part("revision", revision)?;
    let mut query = call.query();
    let with = query.read("with", revision);
    query.finish()?;

    let compared = call.service().read(move |ports| compare_job_revisions(ports, &caller, id, to, with)).await;
    let compared = compared.map_err(Problem::about_parameters)?;
    // No revision ever changes.
    fresh(&call, &entity_tag(to), wire::JobRevisionComparison::from(compared)).await
}
