use std::sync::Arc;

use crate::document::{
    Access, Body, Operation, flag, id_filter, name_filter, paged, query, set_filter, tags, word, words,
};
use crate::problem::ProblemCode::OrganisationOutOfScope;
use crate::routes::Endpoint;
use prediction_domain::model::Permission;
use prediction_domain::model::{
    Caller, HealthStatus, InputId, JobName, JobOrder, JobWithHealth, LifecycleStage, NamePart, OrganisationId, Page,
    PageRequest, SetName, SourceId, SourceVersionId,
};
use prediction_domain::ports::JobFilter;
use prediction_domain::use_cases::{
    Expanded, Expansion, JobQuestion, Ports, UseCaseError, list_jobs, list_jobs_worst_first,
};

use super::{expansion, with_expanded};
use crate::request::{Call, Place, Query};
use crate::routes::{Answer, shared_page};
use prediction_wire::{self as wire, NAME};

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/jobs", "list_jobs")
        .tag(tags::JOBS)
        .summary("List jobs")
        .text(
            "The jobs of the token's organisations. input_id answers which jobs use an input. In the order of health, overdue jobs \
             come first, then failing, late, new, on_time, paused and unmonitored ones, those of a status in creation order; a job \
             whose health changes between two pages may be listed twice or not at all. With q or bindings, where few jobs are \
             wanted of many, a page may have fewer jobs than its limit, or none, and be followed by others: it is the last one if \
             it has no next_cursor.",
        )
        .access(Access::Scope(Permission::JobsRead))
        .parameters(paged(vec![
            id_filter("organisation_id", "Only jobs of this organisation."),
            id_filter("source_id", "Only jobs of this source."),
            id_filter("source_version_id", "Only jobs that run this version."),
            words(
                "version_stage",
                "Only jobs that run a version in one of these stages of its life, separated by commas.",
                &LifecycleStage::ALL.map(LifecycleStage::as_str),
            ),
            flag("active", "Only active jobs, or only inactive jobs."),
            name_filter("Only jobs with this name."),
            query("q", "Only jobs with this in their name, without case.", NAME.schema()),
            id_filter("input_id", "Only jobs with this input bound to some role."),
            words(
                "health",
                "Only jobs with one of these health statuses, judged now: separated by commas, such as overdue,failing.",
                &HealthStatus::ALL.map(HealthStatus::as_str),
            ),
            words(
                "bindings",
                "With unfit: only jobs with inputs bound that do not fit as they are registered now.",
                &["unfit"],
            ),
            set_filter(),
            word(
                "order",
                "That in which they were set up, or the worst first.",
                &JobOrder::ALL.map(JobOrder::as_str),
                Some(JobOrder::Created.as_str()),
            ),
            super::expand(),
        ]))
        .answer(200, "A page of jobs", Body::Page("Job"))
        .problems(&[OrganisationOutOfScope])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let mut query = call.query();
    let filter = JobFilter {
        organisation_id: query.read("organisation_id", OrganisationId::parse),
        source_id: query.read("source_id", SourceId::parse),
        source_version_id: query.read("source_version_id", SourceVersionId::parse),
        version_stages: query.read("version_stage", |text| text.split(',').map(LifecycleStage::parse).collect()),
        active: query.flag("active"),
        name: query.read("name", JobName::parse),
        input_id: query.read("input_id", InputId::parse),
        health: None,
        managed_by: query.read("managed_by", SetName::restore),
    };
    let healths = query.read("health", |text| text.split(',').map(HealthStatus::parse).collect());
    let unfit = !query.words("bindings", &["unfit"]).is_empty();
    let name_part = query.read("q", NamePart::parse);
    let question = JobQuestion { filter, healths, name_part, unfit };
    match query.read("order", JobOrder::parse) {
        Some(JobOrder::Health) => {
            page_with(&call, caller, query, move |ports, caller, expansion, page| {
                list_jobs_worst_first(ports, caller, &question, expansion, page)
            })
            .await
        }
        _ => {
            let list = move |ports: &Ports, caller: &Caller, expansion, page: &PageRequest| {
                list_jobs(ports, caller, &question, expansion, page)
            };
            page_with(&call, caller, query, list).await
        }
    }
}

/// Answers with the page that the rest of the query asks for.
async fn page_with<At: Place + Copy + Send + 'static>(
    call: &Call,
    caller: Arc<Caller>,
    mut query: Query,
    list: impl FnOnce(
        &Ports,
        &Caller,
        Expansion,
        &PageRequest<At>,
    ) -> Result<(Page<JobWithHealth, At>, Expanded), UseCaseError>
    + Send
    + 'static,
) -> Answer {
    let page = query.page("jobs");
    let expansion = expansion(&mut query);
    let name = query.finish_list()?;
    shared_page(call, caller, move |ports, caller| {
        let (found, expanded) = list(ports, caller, expansion, &page)?;
        let next_cursor = Query::cursor(&name, found.next.as_ref());
        let items = found.items.into_iter().map(|job| with_expanded(job, &expanded)).collect();
        Ok(wire::Page { items, next_cursor })
    })
    .await
}
