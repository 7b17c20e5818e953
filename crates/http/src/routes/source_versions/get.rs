use prediction_domain::model::{Revision, SourceVersionId};
use prediction_domain::use_cases::get_source_version;

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, fresh};
use crate::wire::source_version::SourceVersionBody;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    call.caller().await?;
    let id = call.id(SourceVersionId::parse)?;
    call.no_query()?;

    let version = call.api().read(move |ports| get_source_version(ports, id)).await?;
    fresh(&call, &entity_tag(Revision::FIRST), SourceVersionBody::from(version)).await
}
