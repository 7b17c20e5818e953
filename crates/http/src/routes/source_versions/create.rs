use actix_web::http::StatusCode;
use prediction_domain::model::{Permission, Revision};
use prediction_domain::use_cases::{Outcome, publish_source_version};

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, created, single};
use crate::wire::source_version::{SourceVersionBody, decode_source_version};

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    call.no_query()?;
    let body = call.body(&caller, Permission::CatalogCreate).await?;
    let submission = body.decode(&call.api(), decode_source_version).await?;

    let (version, outcome) = call.api().write(move |ports| publish_source_version(ports, &caller, &submission)).await?;
    let tag = entity_tag(Revision::FIRST);
    let location = format!("/api/v1/source_versions/{}", version.id);
    let body = SourceVersionBody::from(version);
    match outcome {
        Outcome::Created => created(&call, &location, &tag, body).await,
        Outcome::Reused => single(&call, StatusCode::OK, &tag, body).await,
    }
}
