use crate::document::{Access, Body, Operation, dry_run, tags};
use crate::problem::ProblemCode::{
    InUse, NotOfTheSet, NotTheOwner, OrganisationOutOfScope, PlanOutdated, PruneLimitExceeded, QuotaExceeded,
    QuotaOfDayExceeded, WouldDeleteValues,
};
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::use_cases::{APPLY_PERMISSIONS, Ports, apply};

use crate::request::Call;
use crate::routes::{Answer, TYPICAL_BODY, json};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::post("/api/v1/apply", "apply")
        .tag(tags::DOCUMENTS)
        .summary("Make of what is stored what a document describes")
        .text(
            "All of it is stored or nothing, and everything that is wrong with the document is told at once, each with its pointer. \
             Applying it again changes nothing. Things are known by their natural keys: sources by name, versions by source and \
             version, inputs by organisation and id, jobs by organisation and name. What is left out of a thing that is there stays \
             as it is. What a document creates or adopts is `managed_by` its set; things that others changed by hand since then are \
             told as `changed_outside`. With `prune`, things of the set that the document does not have any more are paused or \
             deleted, as far as the token may. A dry run gives the plan, and `expect_plan` carries out that plan or none. At most \
             1,000 things and 4 MiB. Sources and versions need `catalog:create`, changed sources `catalog:write`, inputs \
             `inputs:write`, jobs `jobs:write`.",
        )
        .access(Access::AnyScope(&APPLY_PERMISSIONS))
        .parameters(vec![dry_run()])
        .request(&wire::APPLY, &[("orchard", include_str!("../../../../../docs/examples/apply.json"))])
        .answer(200, "What became of each thing", Body::Untagged("ApplyResult"))
        .problems(&[
            InUse,
            NotOfTheSet,
            NotTheOwner,
            OrganisationOutOfScope,
            PlanOutdated,
            PruneLimitExceeded,
            QuotaExceeded,
            QuotaOfDayExceeded,
            WouldDeleteValues,
        ])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let mut query = call.query();
    let mode = query.mode();
    query.finish()?;
    let body = call.described(&caller, &APPLY_PERMISSIONS).await?;
    let (submission, held) = body.decode(&call.service(), &wire::APPLY).await?.into_parts();

    let work = move |ports: &Ports| {
        let _held = held;
        apply(ports, &caller, &submission, mode).map(wire::ApplyResult::from)
    };
    let applied = call.service().apply(work).await?;
    let about = TYPICAL_BODY + applied.changes.len() * 400;
    json(&call, StatusCode::OK, about, applied).await
}
