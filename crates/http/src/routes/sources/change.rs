use crate::document::{Access, Body, Operation, dry_run, if_match, tags};
use crate::problem::ProblemCode::{Conflict, NotTheOwner, WouldDeleteValues};
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::{Permission, SourceId};
use prediction_domain::use_cases::change_source;

use crate::request::{Call, Change, entity_tag};
use crate::routes::{Answer, single};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::put("/api/v1/sources/{id}", "change_source")
        .tag(tags::SOURCES)
        .summary("Change a source")
        .text(
            "For its owner. What is left out stays, null clears. What GET returned can be sent back. A shorter retention \
             that deletes values at once, of any organisation that has jobs of the source, is 409 without confirm_deletion: true; \
             deletes says how many values of how many jobs.",
        )
        .access(Access::Scope(Permission::CatalogWrite))
        .parameters(vec![dry_run(), if_match()])
        .request(&wire::UPDATE_SOURCE, &[("change", include_str!("../../../../../docs/examples/change-source.json"))])
        .answer(200, "The source as it is now", Body::One("UpdatedSource"))
        .problems(&[Conflict, NotTheOwner, WouldDeleteValues])
}

async fn handle(call: Call) -> Answer {
    let Change { caller, id, mode, precondition, submission } =
        call.change(SourceId::parse, Permission::CatalogWrite, &wire::UPDATE_SOURCE).await?;
    let changed =
        call.service().write(move |ports| change_source(ports, &caller, id, &submission, &precondition, mode)).await?;
    single(&call, StatusCode::OK, &entity_tag(changed.source.revision), wire::UpdatedSource::from(changed)).await
}
