use prediction_domain::model::{JobId, Permission};
use prediction_domain::use_cases::delete_job;

use super::tag_of;
use crate::request::Call;
use crate::routes::{Answer, deleted};
use crate::wire::job::JobBody;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let mut query = call.query();
    let effect = query.effect();
    query.finish()?;
    let precondition = call.lock(&caller, Permission::JobsWrite).await?;

    let judged = call.api().write(move |ports| delete_job(ports, &caller, id, &precondition, effect)).await?;
    deleted(&call, effect, &tag_of(&judged), JobBody::from(judged)).await
}
