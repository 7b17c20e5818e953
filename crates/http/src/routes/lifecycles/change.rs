use crate::document::{Access, Body, Operation, dry_run, if_match, tags};
use crate::problem::ProblemCode::NotTheOwner;
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::{Permission, SourceVersionId};
use prediction_domain::use_cases::change_lifecycle;

use crate::request::{Call, Change, entity_tag};
use crate::routes::{Answer, single};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::put("/api/v1/source_versions/{id}/lifecycle", "change_lifecycle")
        .tag(tags::SOURCE_VERSIONS)
        .summary("Deprecate or withdraw a source version, or make it active again")
        .text(
            "For the owner of its source. What is left out stays, null clears. Jobs that run the version are not touched, and \
             its contract never changes.",
        )
        .access(Access::Scope(Permission::CatalogWrite))
        .parameters(vec![dry_run(), if_match()])
        .request(
            &wire::UPDATE_LIFECYCLE,
            &[("deprecate", include_str!("../../../../../docs/examples/deprecate-source-version.json"))],
        )
        .answer(200, "Its lifecycle as it is now", Body::One("Lifecycle"))
        .problems(&[NotTheOwner])
}

async fn handle(call: Call) -> Answer {
    let Change { caller, id, mode, precondition, submission } =
        call.change(SourceVersionId::parse, Permission::CatalogWrite, &wire::UPDATE_LIFECYCLE).await?;
    let changed = call
        .service()
        .write(move |ports| change_lifecycle(ports, &caller, id, &submission, &precondition, mode))
        .await?;
    single(&call, StatusCode::OK, &entity_tag(changed.revision), wire::Lifecycle::from(changed)).await
}
