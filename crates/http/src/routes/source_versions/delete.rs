use prediction_domain::model::{Permission, Revision, SourceVersionId};
use prediction_domain::use_cases::delete_source_version;

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, deleted};
use crate::wire::source_version::SourceVersionBody;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(SourceVersionId::parse)?;
    let mut query = call.query();
    let effect = query.effect();
    query.finish()?;
    let precondition = call.lock(&caller, Permission::CatalogWrite).await?;

    let version =
        call.api().write(move |ports| delete_source_version(ports, &caller, id, &precondition, effect)).await?;
    deleted(&call, effect, &entity_tag(Revision::FIRST), SourceVersionBody::from(version)).await
}
