use crate::document::{Access, Body, Operation, if_none_match, tags};
use crate::problem::ProblemCode::{Invalid, OrganisationOutOfScope};
use crate::routes::Endpoint;
use prediction_domain::model::{InputId, OrganisationId, Permission};
use prediction_domain::use_cases::get_input;

use crate::request::{Call, input_tag};
use crate::routes::{Answer, fresh};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/inputs/{id}", "get_input")
        .tag(tags::INPUTS)
        .summary("Read an input")
        .access(Access::Scope(Permission::InputsRead))
        .parameters(vec![super::whose(), if_none_match()])
        .answer(200, "The input", Body::One("Input"))
        .answer(304, "It has not changed", Body::None)
        .problems(&[Invalid, OrganisationOutOfScope])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(InputId::parse)?;
    let mut query = call.query();
    let organisation_id = query.read("organisation_id", OrganisationId::parse);
    query.finish()?;

    let input = call.service().read(move |ports| get_input(ports, &caller, id, organisation_id)).await?;
    fresh(&call, &input_tag(&input), wire::Input::from(input)).await
}
