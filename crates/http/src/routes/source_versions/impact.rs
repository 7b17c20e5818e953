use crate::document::{Access, Body, Operation, id_filter, paged, query, tags};
use crate::problem::ProblemCode::OrganisationOutOfScope;
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::{ImpactOutcome, OrganisationId, Permission, SourceVersionId};
use prediction_domain::use_cases::{ImpactFilter, judge_impact};

use crate::request::{Call, Query};
use crate::routes::{Answer, TYPICAL_BODY, json};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/source_versions/{id}/impact", "judge_impact")
        .tag(tags::SOURCE_VERSIONS)
        .summary("Ask what an upgrade would do")
        .text(
            "What an upgrade to this version would do to every job of its source that runs another one, of the token's \
             organisations, without help: what a dry run of each upgrade would say.",
        )
        .access(Access::Scope(Permission::JobsRead))
        .parameters(paged(vec![
            id_filter("organisation_id", "Only jobs of this organisation."),
            id_filter("source_version_id", "Only jobs that run this version."),
            query("outcome", "List only jobs of this outcome. All are counted.", wire::IMPACT_OUTCOME.schema()),
        ]))
        .answer(
            200,
            "How many jobs there are of each outcome, and a page of them",
            Body::Untagged("SourceVersionImpact"),
        )
        .problems(&[OrganisationOutOfScope])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(SourceVersionId::parse)?;
    let mut query = call.query();
    let filter = ImpactFilter {
        organisation_id: query.read("organisation_id", OrganisationId::parse),
        source_version_id: query.read("source_version_id", SourceVersionId::parse),
        outcome: query.read("outcome", ImpactOutcome::parse),
    };
    let page = query.page(&format!("impact of {id}"));
    let list = query.finish_list()?;

    let found = call.service().read(move |ports| judge_impact(ports, &caller, id, &filter, &page)).await?;
    let about = TYPICAL_BODY * (found.items.len() + 1);
    let body = wire::SourceVersionImpact {
        counts: found.counts.as_ref().map(wire::ImpactCounts::from),
        next_cursor: Query::cursor(&list, found.next.as_ref()),
        items: found.items.into_iter().map(wire::JobImpact::from).collect(),
    };
    json(&call, StatusCode::OK, about, body).await
}
