use actix_web::http::StatusCode;
use prediction_domain::model::{Permission, SourceId};
use prediction_domain::use_cases::change_source;

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, single};
use crate::wire::source::{SourceChangedBody, decode_source_change};

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(SourceId::parse)?;
    let mut query = call.query();
    let effect = query.effect();
    query.finish()?;
    let precondition = call.precondition()?;
    let body = call.body(&caller, Permission::CatalogWrite).await?;
    let submission = body.decode(&call.api(), decode_source_change).await?;

    let changed =
        call.api().write(move |ports| change_source(ports, &caller, id, &submission, &precondition, effect)).await?;
    single(&call, StatusCode::OK, &entity_tag(changed.source.revision), SourceChangedBody::from(changed)).await
}
