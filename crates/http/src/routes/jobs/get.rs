use crate::document::{Access, Body, Operation, if_none_match, tags};
use crate::routes::Endpoint;
use prediction_domain::model::JobId;
use prediction_domain::model::Permission;
use prediction_domain::use_cases::{Expanded, Expansion, JobQuery, UseCaseError, expand_jobs};

use super::{expansion, tag_of_expanded, with_expanded};
use crate::request::Call;
use crate::routes::{Answer, fresh};

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/jobs/{id}", "get_job")
        .tag(tags::JOBS)
        .summary("Read a job")
        .text("A job of another organisation is answered with 404.")
        .access(Access::Scope(Permission::JobsRead))
        .parameters(vec![super::expand(), if_none_match()])
        .answer(200, "The job", Body::One("Job"))
        .answer(304, "It has not changed", Body::None)
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let mut query = call.query();
    let expansion = expansion(&mut query);
    query.finish()?;

    let api = call.service();
    let judged = api.read_job(JobQuery::new(&caller, id)?).await?.ok_or(UseCaseError::NotFound)?;
    let (judged, expanded) = if expansion == Expansion::default() {
        (judged, Expanded::default())
    } else {
        api.read(move |ports| {
            let expanded = expand_jobs(ports, &caller, [&judged.job], expansion)?;
            Ok((judged, expanded))
        })
        .await?
    };
    let tag = tag_of_expanded(&judged, &expanded);
    fresh(&call, &tag, with_expanded(judged, &expanded)).await
}
