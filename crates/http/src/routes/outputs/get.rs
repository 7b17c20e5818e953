use crate::document::{Access, Body, Operation, tags};
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::{OutputId, Permission};
use prediction_domain::use_cases::get_output;

use crate::request::Call;
use crate::routes::{Answer, TYPICAL_BODY, json};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/outputs/{id}", "get_output")
        .tag(tags::JOBS)
        .summary("Read an output")
        .text(
            "Which job predicts it, in which role. Its id stands in the outputs of that job, and in role_bindings of the jobs that are \
             bound to it. An output of another organisation is answered with 404.",
        )
        .access(Access::Scope(Permission::JobsRead))
        .answer(200, "The output, and its job", Body::Untagged("JobOutput"))
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(OutputId::parse)?;
    call.query().finish()?;

    let found = call.service().read(move |ports| get_output(ports, &caller, id)).await?;
    json(&call, StatusCode::OK, TYPICAL_BODY, wire::JobOutput::from(found)).await
}
