use crate::document::{Access, Body, Operation, dry_run, if_match, tags};
use crate::routes::Endpoint;
use prediction_domain::model::{JobId, Permission, RunId};
use prediction_domain::use_cases::delete_run;

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, deleted};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::delete("/api/v1/jobs/{id}/runs/{run_id}", "delete_run")
        .tag(tags::RUNS)
        .summary("Delete a run")
        .text(
            "With its values, as if it had never been reported: health is judged without it, and a failed run that it \
             replaced is in its place again.",
        )
        .access(Access::Scope(Permission::JobsWrite))
        .parameters(vec![dry_run(), if_match()])
        .request(&wire::DELETE, &[])
        .answer(200, "With dry_run: what would be deleted", Body::One("Run"))
        .answer(204, "It was deleted", Body::None)
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let run_id = call.part("run_id", RunId::parse)?;
    let mut query = call.query();
    let mode = query.mode();
    query.finish()?;
    let precondition = call.lock(&caller, Permission::JobsWrite).await?;

    let run = call.service().write(move |ports| delete_run(ports, &caller, id, run_id, &precondition, mode)).await?;
    deleted(&call, mode, &entity_tag(run.revision()), wire::Run::from(run)).await
}
