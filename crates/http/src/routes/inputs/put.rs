use crate::document::{Access, Body, Operation, dry_run, if_match, tags};
use crate::problem::ProblemCode::OrganisationOutOfScope;
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::{InputId, Permission};
use prediction_domain::use_cases::{InputOutcome, put_input};

use crate::request::{Call, Change, input_tag};
use crate::routes::{Answer, created, single};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::put("/api/v1/inputs/{id}", "put_input")
        .tag(tags::INPUTS)
        .summary("Register an input, or change it")
        .text(
            "What is left out of an input that is there stays, null clears. What changes nothing leaves the revision. Each \
             organisation has a directory of its own.",
        )
        .access(Access::Scope(Permission::InputsWrite))
        .parameters(vec![dry_run(), if_match()])
        .request(&wire::PUT_INPUT, &[("sensor", include_str!("../../../../../docs/examples/put-input.json"))])
        .answer(200, "The input as it is now", Body::One("UpdatedInput"))
        .answer(201, "It is new", Body::One("UpdatedInput"))
        .problems(&[OrganisationOutOfScope])
}

async fn handle(call: Call) -> Answer {
    let Change { caller, id, mode, precondition, submission } =
        call.change(InputId::parse, Permission::InputsWrite, &wire::PUT_INPUT).await?;
    let put =
        call.service().write(move |ports| put_input(ports, &caller, id, &submission, &precondition, mode)).await?;
    let tag = input_tag(&put.input);
    let outcome = put.outcome;
    let body = wire::UpdatedInput::from(put);
    match outcome {
        InputOutcome::Created => created(&call, &format!("/api/v1/inputs/{id}"), &tag, body).await,
        InputOutcome::Changed | InputOutcome::Unchanged => single(&call, StatusCode::OK, &tag, body).await,
    }
}
