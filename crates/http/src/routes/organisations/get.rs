use crate::document::{Access, Body, Operation, tags};
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::OrganisationId;
use prediction_domain::use_cases::get_organisation;

use crate::request::Call;
use crate::routes::{Answer, TYPICAL_BODY, json};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/organisations/{id}", "get_organisation")
        .tag(tags::INPUTS)
        .summary("Read what an organisation is called")
        .text("404 unless the organisation is one of the token's, and has a name, an input or a job.")
        .access(Access::Token)
        .answer(200, "The organisation", Body::Untagged("Organisation"))
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(OrganisationId::parse)?;
    call.no_query()?;

    let organisation = call.service().read(move |ports| get_organisation(ports, &caller, id)).await?;
    json(&call, StatusCode::OK, TYPICAL_BODY, wire::Organisation::from(organisation)).await
}
