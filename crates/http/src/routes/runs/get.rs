use crate::document::{Access, Body, Operation, if_none_match, tags};
use crate::routes::Endpoint;
use prediction_domain::model::Permission;
use prediction_domain::model::{JobId, RunId};
use prediction_domain::use_cases::get_run;

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, fresh};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/jobs/{id}/runs/{run_id}", "get_run")
        .tag(tags::RUNS)
        .summary("Read a run")
        .text("Also a run that failed and was replaced: it has replaced_by.")
        .access(Access::Scope(Permission::PredictionsRead))
        .parameters(vec![if_none_match()])
        .answer(200, "The run", Body::One("Run"))
        .answer(304, "The reader has it already", Body::None)
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let run_id = call.part("run_id", RunId::parse)?;
    call.no_query()?;

    let run = call.service().read(move |ports| get_run(ports, &caller, id, run_id)).await?;
    let tag = entity_tag(run.revision());
    fresh(&call, &tag, wire::Run::from(run)).await
}
