use crate::document::{Access, Body, Operation, paged_by, tags};
use crate::routes::Endpoint;
use prediction_domain::model::{OutputId, Permission};
use prediction_domain::use_cases::PredictionFilter;

use crate::request::Call;
use crate::routes::Answer;
use crate::routes::predictions::predicted::Predicted;
use crate::routes::predictions::{csv, list};

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/outputs/{id}/predictions", "list_output_predictions")
        .tag(tags::RUNS)
        .summary("Read what is predicted in an output")
        .text(
            "The values of one output role of a job, by the id of the output alone: what a runner reads whose job is bound to it. \
             Everything else is as with the predictions of a job, CSV included.",
        )
        .access(Access::Scope(Permission::PredictionsRead))
        .parameters(paged_by(list::filters(), PredictionFilter::MAX_LIMIT, PredictionFilter::DEFAULT_LIMIT))
        .answer(200, "A page of values", Body::PageOrCsv("Prediction", csv::ABOUT))
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(OutputId::parse)?;
    list::answer(&call, caller, Predicted::In(id)).await
}
