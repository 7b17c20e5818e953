use crate::document::{Access, Body, Operation, dry_run, tags};
use crate::problem::ProblemCode::OrganisationOutOfScope;
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::Permission;
use prediction_domain::use_cases::import_inputs;

use crate::request::Call;
use crate::routes::{Answer, TYPICAL_BODY, json};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::post("/api/v1/inputs/import", "import_inputs")
        .tag(tags::INPUTS)
        .summary("Register and change many inputs")
        .text(
            "All of it is stored or nothing, and everything that is wrong is told at once. Inputs that are there like that keep \
             their revision, so that a nightly job can send everything. What is left out of an input that is there stays; what is \
             not in the import is not touched.",
        )
        .access(Access::Scope(Permission::InputsWrite))
        .parameters(vec![dry_run()])
        .request(&wire::IMPORT_INPUTS, &[("sensors", include_str!("../../../../../docs/examples/import-inputs.json"))])
        .answer(200, "What became of each input", Body::Untagged("InputImport"))
        .problems(&[OrganisationOutOfScope])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let mut query = call.query();
    let mode = query.mode();
    query.finish()?;
    let body = call.body(&caller, Permission::InputsWrite).await?;
    let submission = body.decode(&call.service(), &wire::IMPORT_INPUTS).await?;

    let imported = call.service().write(move |ports| import_inputs(ports, &caller, &submission, mode)).await?;
    let about = TYPICAL_BODY + imported.inputs.len() * 150;
    json(&call, StatusCode::OK, about, wire::InputImport::from(imported)).await
}
