use crate::document::{Access, Body, Operation, required, tags, time_filter};
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::{JobId, Permission, RoleName, Timestamp};
use prediction_domain::use_cases::{PredictionQuestion, trace_prediction};
use prediction_wire::{TIME, WORD};

use crate::request::Call;
use crate::routes::{Answer, TYPICAL_BODY, json};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/jobs/{id}/provenance", "trace_prediction")
        .tag(tags::RUNS)
        .summary("Trace a value")
        .text(
            "Where a value comes from: the run that predicted it, what the job was then, and the version with its contract. It is \
             the value that reading the predictions with the same times gives. The scope `jobs:read` is needed, too.",
        )
        .access(Access::Scope(Permission::PredictionsRead))
        .parameters(vec![
            required("role", "The output role.", WORD.schema()),
            required("at", "The time that the value is about.", TIME.schema()),
            time_filter("as_of", "The value of a run issued at this time or before, whenever it was received."),
            time_filter("known_at", "The value of a run that the service had received by this time."),
        ])
        .answer(200, "The value, and all that it rests on", Body::Untagged("Provenance"))
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let mut query = call.query();
    let role = query.require("role", RoleName::parse);
    let at = query.require("at", Timestamp::parse);
    let as_of = query.read("as_of", Timestamp::parse);
    let known_at = query.read("known_at", Timestamp::parse);
    let (role, at) = query.finish_with(role.zip(at))?;
    let question = PredictionQuestion { role, at, as_of, known_at };

    let found = call.service().read(move |ports| trace_prediction(ports, &caller, id, &question)).await?;
    json(&call, StatusCode::OK, TYPICAL_BODY, wire::Provenance::from(found)).await
}
