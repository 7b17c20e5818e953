use actix_web::http::StatusCode;
use prediction_domain::model::Permission;
use prediction_domain::ports::Effect;
use prediction_domain::use_cases::{Outcome, prepare_set_up};

use crate::request::{Call, job_tag};
use crate::routes::{Answer, created, single};
use crate::wire::set_up::{SetUpBody, decode_set_up};

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let mut query = call.query();
    let effect = query.effect();
    query.finish()?;
    let body = call.body(&caller, Permission::JobsWrite).await?;
    let prepare = move |submission| prepare_set_up(&caller, submission, effect);
    let prepared = body.decode_and(&call.api(), decode_set_up, prepare).await?;

    let done = call.api().set_up(prepared).await?;
    let tag = job_tag(done.job.revision, &done.health, None);
    let location = format!("/api/v1/jobs/{}", done.job.id);
    let is_new = done.outcomes.job == Outcome::Created && effect == Effect::Commit;
    let body = SetUpBody::from(done);
    if is_new { created(&call, &location, &tag, body).await } else { single(&call, StatusCode::OK, &tag, body).await }
}
