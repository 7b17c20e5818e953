use prediction_domain::model::{Permission, SourceId};
use prediction_domain::use_cases::delete_source;

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, deleted};
use crate::wire::source::SourceBody;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(SourceId::parse)?;
    let mut query = call.query();
    let effect = query.effect();
    query.finish()?;
    let precondition = call.lock(&caller, Permission::CatalogWrite).await?;

    let source = call.api().write(move |ports| delete_source(ports, &caller, id, &precondition, effect)).await?;
    deleted(&call, effect, &entity_tag(source.revision), SourceBody::from(source)).await
}
