use prediction_domain::model::SourceId;
use prediction_domain::use_cases::get_source;

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, fresh};
use crate::wire::source::SourceBody;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    call.caller().await?;
    let id = call.id(SourceId::parse)?;
    call.no_query()?;

    let source = call.api().read(move |ports| get_source(ports, id)).await?;
    fresh(&call, &entity_tag(source.revision), SourceBody::from(source)).await
}
