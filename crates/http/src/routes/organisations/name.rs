use crate::document::{Access, Body, Operation, dry_run, tags};
use crate::problem::ProblemCode::OrganisationOutOfScope;
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::{OrganisationId, Permission};
use prediction_domain::use_cases::name_organisation;

use crate::request::Call;
use crate::routes::{Answer, TYPICAL_BODY, json};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::put("/api/v1/organisations/{id}", "name_organisation")
        .tag(tags::INPUTS)
        .summary("Say what an organisation is called")
        .text(
            "A label, so that people see a name where there was an id: the organisation itself belongs to another system. The last \
             name that was sent is kept.",
        )
        .takes_any_id()
        .access(Access::Scope(Permission::InputsWrite))
        .parameters(vec![dry_run()])
        .request(
            &wire::NAME_ORGANISATION,
            &[("tutorial", include_str!("../../../../../docs/examples/name-organisation.json"))],
        )
        .answer(200, "The organisation", Body::Untagged("Organisation"))
        .problems(&[OrganisationOutOfScope])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(OrganisationId::parse)?;
    let mut query = call.query();
    let mode = query.mode();
    query.finish()?;
    let body = call.body(&caller, Permission::InputsWrite).await?;
    let submission = body.decode(&call.service(), &wire::NAME_ORGANISATION).await?;

    let named = call.service().write(move |ports| name_organisation(ports, &caller, id, &submission, mode)).await?;
    json(&call, StatusCode::OK, TYPICAL_BODY, wire::Organisation::from(named)).await
}
