use actix_web::http::header;
use prediction_domain::model::{JobId, RoleName, RunId, Timestamp};
use prediction_domain::use_cases::{PredictionFilter, list_predictions};

use super::csv;
use crate::request::{Call, Query};
use crate::routes::{Answer, insert, page as page_of};
use crate::wire::list::List;
use crate::wire::run::PredictionBody;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let mut query = call.query();
    let filter = PredictionFilter {
        role: query.read("role", RoleName::parse),
        from: query.read("from", Timestamp::parse),
        to: query.read("to", Timestamp::parse),
        as_of: query.read("as_of", Timestamp::parse),
        known_at: query.read("known_at", Timestamp::parse),
        run_id: query.read("run_id", RunId::parse),
    };
    let (limit, after) = query.prediction_page(&format!("predictions of {id}"));
    let list = query.finish_list()?;

    if call.wants_csv() {
        let rows = csv::Rows { caller, job_id: id, filter, after, limit };
        return csv::answer(call.api(), rows, |next| {
            let cursor = Query::prediction_cursor(&list, Some(next))?;
            Some(call.query().with("cursor", &cursor))
        })
        .await;
    }
    let limit = limit.unwrap_or(PredictionFilter::DEFAULT_LIMIT);
    let found = call.api().read(move |ports| list_predictions(ports, &caller, id, &filter, after, limit)).await?;
    let next_cursor = Query::prediction_cursor(&list, found.next.as_ref());
    let items = found.items.into_iter().map(PredictionBody::from).collect();
    let mut answer = page_of(&call, List { items, next_cursor }).await?;
    insert(&mut answer, header::VARY, "Accept");
    Ok(answer)
}
