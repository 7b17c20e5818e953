use actix_web::http::StatusCode;
use prediction_domain::model::{JobId, Permission};
use prediction_domain::use_cases::change_job;

use super::tag_of;
use crate::request::Call;
use crate::routes::{Answer, single};
use crate::wire::job::{JobBody, decode_job_change};

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let mut query = call.query();
    let effect = query.effect();
    query.finish()?;
    let precondition = call.precondition()?;
    let body = call.body(&caller, Permission::JobsWrite).await?;
    let submission = body.decode(&call.api(), decode_job_change).await?;

    let judged =
        call.api().write(move |ports| change_job(ports, &caller, id, &submission, &precondition, effect)).await?;
    single(&call, StatusCode::OK, &tag_of(&judged), JobBody::from(judged)).await
}
