use crate::document::{Access, Body, Operation, number, tags, word};
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::{JobId, LineageDirection, Permission};
use prediction_domain::use_cases::{MAX_LINEAGE_DEPTH, read_lineage};

use crate::request::Call;
use crate::routes::{Answer, TYPICAL_BODY, json};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/jobs/{id}/lineage", "get_job_lineage")
        .tag(tags::JOBS)
        .summary("Follow what a job reads, and what reads it")
        .text(
            "The jobs upstream, whose outputs it is bound to, and downstream, which are bound to its outputs; over each other, so many \
             steps far. With each job whether it delivers.",
        )
        .access(Access::Scope(Permission::JobsRead))
        .parameters(vec![
            word(
                "direction",
                "Which way to go.",
                &LineageDirection::ALL.map(LineageDirection::as_str),
                Some(LineageDirection::Both.as_str()),
            ),
            number("depth", "How many steps far.", MAX_LINEAGE_DEPTH.into(), MAX_LINEAGE_DEPTH.into()),
        ])
        .answer(200, "The jobs, and how they hang together", Body::Untagged("Lineage"))
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let mut query = call.query();
    let direction = query.read("direction", LineageDirection::parse).unwrap_or(LineageDirection::Both);
    let depth = query.number("depth", MAX_LINEAGE_DEPTH.into()).and_then(|depth| u8::try_from(depth).ok());
    query.finish()?;

    let depth = depth.unwrap_or(MAX_LINEAGE_DEPTH);
    let found = call.service().read(move |ports| read_lineage(ports, &caller, id, direction, depth)).await?;
    json(&call, StatusCode::OK, TYPICAL_BODY * found.nodes.len(), wire::Lineage::from(found)).await
}
