use prediction_domain::model::{JobId, RunId};
use prediction_domain::use_cases::get_run;

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, fresh};
use crate::wire::run::RunBody;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let run_id = call.part("run_id", RunId::parse)?;
    call.no_query()?;

    let run = call.api().read(move |ports| get_run(ports, &caller, id, run_id)).await?;
    let tag = entity_tag(run.revision());
    fresh(&call, &tag, RunBody::from(run)).await
}
