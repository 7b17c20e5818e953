use actix_web::http::StatusCode;
use prediction_domain::model::{OrganisationId, SourceId};
use prediction_domain::ports::JobFilter;
use prediction_domain::use_cases::count_jobs_by_health;

use crate::request::Call;
use crate::routes::{Answer, TYPICAL_BODY, json};
use crate::wire::health::HealthCountsBody;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let mut query = call.query();
    let filter = JobFilter {
        organisation_id: query.read("organisation_id", OrganisationId::parse),
        source_id: query.read("source_id", SourceId::parse),
        ..JobFilter::default()
    };
    query.finish()?;

    let (counts, judged_at) = call.api().read(move |ports| count_jobs_by_health(ports, &caller, &filter)).await?;
    json(&call, StatusCode::OK, TYPICAL_BODY, HealthCountsBody::new(&counts, judged_at)).await
}
