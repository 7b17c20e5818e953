use crate::document::{Access, Body, Operation, dry_run, if_match, tags};
use crate::problem::ProblemCode::{InUse, OrganisationOutOfScope};
use crate::routes::Endpoint;
use prediction_domain::model::{InputId, OrganisationId, Permission};
use prediction_domain::use_cases::delete_input;

use crate::request::{Call, input_tag};
use crate::routes::{Answer, deleted};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::delete("/api/v1/inputs/{id}", "delete_input")
        .tag(tags::INPUTS)
        .summary("Delete an input")
        .text("Refused while a job of its organisation has it bound.")
        .access(Access::Scope(Permission::InputsWrite))
        .parameters(vec![super::whose(), dry_run(), if_match()])
        .request(&wire::DELETE, &[])
        .answer(200, "With dry_run: what would be deleted", Body::One("Input"))
        .answer(204, "It was deleted", Body::None)
        .problems(&[InUse, OrganisationOutOfScope])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(InputId::parse)?;
    let mut query = call.query();
    let organisation_id = query.read("organisation_id", OrganisationId::parse);
    let mode = query.mode();
    query.finish()?;
    let precondition = call.lock(&caller, Permission::InputsWrite).await?;

    let input = call
        .service()
        .write(move |ports| delete_input(ports, &caller, id, organisation_id, &precondition, mode))
        .await?;
    deleted(&call, mode, &input_tag(&input), wire::Input::from(input)).await
}
