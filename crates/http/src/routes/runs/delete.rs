use prediction_domain::model::{JobId, Permission, RunId};
use prediction_domain::use_cases::delete_run;

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, deleted};
use crate::wire::run::RunBody;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let run_id = call.part("run_id", RunId::parse)?;
    let mut query = call.query();
    let effect = query.effect();
    query.finish()?;
    let precondition = call.lock(&caller, Permission::JobsWrite).await?;

    let run = call.api().write(move |ports| delete_run(ports, &caller, id, run_id, &precondition, effect)).await?;
    deleted(&call, effect, &entity_tag(run.revision()), RunBody::from(run)).await
}
