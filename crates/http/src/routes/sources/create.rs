use actix_web::http::StatusCode;
use prediction_domain::model::Permission;
use prediction_domain::use_cases::{Outcome, create_source};

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, created, single};
use crate::wire::source::{SourceBody, decode_source};

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    call.no_query()?;
    let body = call.body(&caller, Permission::CatalogCreate).await?;
    let submission = body.decode(&call.api(), decode_source).await?;

    let (source, outcome) = call.api().write(move |ports| create_source(ports, &caller, &submission)).await?;
    let tag = entity_tag(source.revision);
    let location = format!("/api/v1/sources/{}", source.id);
    let body = SourceBody::from(source);
    match outcome {
        Outcome::Created => created(&call, &location, &tag, body).await,
        Outcome::Reused => single(&call, StatusCode::OK, &tag, body).await,
    }
}
