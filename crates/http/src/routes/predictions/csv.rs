//! Values as CSV (RFC 4180), page by page as the reader takes them.

use std::sync::Arc;
use std::{io, thread};

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, http::header};
use futures_util::stream;
use prediction_domain::model::{Caller, ReadingPosition};
use prediction_domain::use_cases::{PredictionFilter, PredictionPage};

use crate::api::ServiceForTenant;
use crate::problem::{Problem, ProblemCode};
use crate::routes::Answer;
use crate::routes::predictions::predicted::Predicted;

/// How many values are read at once, and are in memory until the reader has taken them.
const PAGE: usize = 2_000;
/// How many rows are written at a time, some microseconds.
const ROWS_AT_ONCE: usize = 32;
/// What the rows are.
pub(in crate::routes) const ABOUT: &str =
    "Rows with the header `role,at,value,issued_at,run_id`, ended by CRLF (RFC 4180).";
const HEADER: [&str; 5] = ["role", "at", "value", "issued_at", "run_id"];

/// Which values are wanted, or are still to come.
pub(super) struct Rows {
    pub(super) caller: Arc<Caller>,
    pub(super) of: Predicted,
    pub(super) filter: PredictionFilter,
    pub(super) after: Option<ReadingPosition>,
    /// How many; all of them when the request does not say.
    pub(super) limit: Option<usize>,
}

/// The first page is read before the answer begins, so that what is wrong is told by its status. The others tell what
/// was known by then.
pub(super) async fn answer(
    api: ServiceForTenant,
    rows: Rows,
    link_to: impl FnOnce(&ReadingPosition) -> Option<String>,
) -> Answer {
    let stream = api.stream()?;
    let Part { rows: first, next, rest } = rows.next(&api, Some(&HEADER)).await?;
    let first = first.map_err(|error| Problem::new(ProblemCode::InternalError).caused_by(error))?;
    // There is no place for a cursor among the rows, so the next part is linked to (RFC 8288).
    let next = next.as_ref().filter(|_| rest.is_none()).and_then(link_to);
    // What is complete needs no place among the streams.
    let stream = rest.is_some().then_some(stream);
    let pages = stream::unfold((Some(first), rest, (api, stream)), async |(ready, rest, (api, stream))| {
        if let Some(bytes) = ready {
            return Some((Ok(bytes), (None, rest, (api, stream))));
        }
        let part = match rest?.next(&api, None).await {
            Ok(part) => part,
            // The answer ends early, which its reader notices: the last chunk is missing (RFC 9112, section 8).
            Err(problem) => return Some((Err(io::Error::other(problem.to_string())), (None, None, (api, stream)))),
        };
        Some((part.rows, (None, part.rest, (api, stream))))
    });
    let mut answer = HttpResponse::build(StatusCode::OK);
    answer.insert_header((header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"));
    answer.insert_header((header::VARY, "Accept"));
    if let Some(next) = next {
        answer.insert_header((header::LINK, format!("<{next}>; rel=\"next\"")));
    }
    Ok(answer.streaming(Box::pin(pages)))
}

/// A page, as text.
struct Part {
    rows: io::Result<Bytes>,
    /// Where the values go on, if there are more.
    next: Option<ReadingPosition>,
    /// What is still to come of those that are wanted.
    rest: Option<Rows>,
}

impl Rows {
    /// The next page. It is written where it is read: that takes longer than an event loop is to be busy.
    async fn next(self, api: &ServiceForTenant, header: Option<&'static [&'static str]>) -> Result<Part, Problem> {
        let count = self.limit.map_or(PAGE, |limit| limit.min(PAGE));
        let (caller, filter, after, of) = (Arc::clone(&self.caller), self.filter.clone(), self.after, self.of);
        let read = api.read(move |ports| {
            let page = of.read(ports, &caller, &filter, after, count)?;
            Ok((write(header, &page), page.items.len(), page.next))
        });
        let (rows, count, next) = read.await?;
        let limit = self.limit.map(|limit| limit.saturating_sub(count));
        let rest = match (next.clone(), limit) {
            (None, _) | (_, Some(0)) => None,
            (after, limit) => Some(Self { after, limit, caller: self.caller, filter: self.filter, of }),
        };
        Ok(Part { rows, next, rest })
    }
}

fn write(header: Option<&[&str]>, page: &PredictionPage) -> io::Result<Bytes> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    if let Some(header) = header {
        writer.write_record(header)?;
    }
    for (number, value) in page.items.iter().enumerate() {
        if number % ROWS_AT_ONCE == 0 {
            // Others that wait for this processor wait no longer than a small request takes.
            thread::yield_now();
        }
        let prediction = &value.prediction;
        writer.write_record([
            prediction.role.as_str(),
            &prediction.at.to_string(),
            // As in JSON: the shortest text that reads back as the same number.
            &serde_json::Number::from_f64(prediction.value).map(|number| number.to_string()).unwrap_or_default(),
            &value.issued_at.to_string(),
            &value.run_id.to_string(),
        ])?;
    }
    writer.into_inner().map(Bytes::from).map_err(|error| io::Error::other(error.to_string()))
}
