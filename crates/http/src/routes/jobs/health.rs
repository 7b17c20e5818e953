use crate::document::{Access, Body, Operation, id_filter, tags, word};
use crate::problem::ProblemCode::OrganisationOutOfScope;
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::Permission;
use prediction_domain::model::{JobGrouping, OrganisationId, SourceId};
use prediction_domain::ports::JobFilter;
use prediction_domain::use_cases::{count_jobs_by_health, count_jobs_in_groups};

use crate::request::Call;
use crate::routes::{Answer, TYPICAL_BODY, json};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/jobs/health", "count_jobs_by_health")
        .tag(tags::JOBS)
        .summary("Count jobs by their health")
        .text("Counts the jobs of the token's organisations, judged now; with group_by those of each group beside all of them.")
        .access(Access::Scope(Permission::JobsRead))
        .parameters(vec![
            id_filter("organisation_id", "Only jobs of this organisation."),
            id_filter("source_id", "Only jobs of this source."),
            word("group_by", "Beside all of them, those of each of these.", &JobGrouping::ALL.map(JobGrouping::as_str), None),
        ])
        .answer(200, "How many jobs have each status", Body::Untagged("JobHealthCounts"))
        .problems(&[OrganisationOutOfScope])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let mut query = call.query();
    let filter = JobFilter {
        organisation_id: query.read("organisation_id", OrganisationId::parse),
        source_id: query.read("source_id", SourceId::parse),
        ..JobFilter::default()
    };
    let grouping = query.read("group_by", JobGrouping::parse);
    query.finish()?;

    let api = call.service();
    let counted = api.read(move |ports| match grouping {
        None => {
            let (counts, judged_at) = count_jobs_by_health(ports, &caller, &filter)?;
            Ok(wire::JobHealthCounts::new(&counts, judged_at))
        }
        Some(grouping) => count_jobs_in_groups(ports, &caller, &filter, grouping).map(wire::JobHealthCounts::from),
    });
    json(&call, StatusCode::OK, TYPICAL_BODY, counted.await?).await
}
