//! `/api/v1/jobs/{id}/revisions`

pub(super) mod compare;
pub(super) mod get;
pub(super) mod list;

use prediction_domain::model::{Revision, ValueProblem, ViolationCode};

/// The number of a revision, in a path or a query.
fn revision(text: &str) -> Result<Revision, ValueProblem> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_plain);
    number
        .and_then(Revision::new)
        .ok_or_else(|| ValueProblem::new(ViolationCode::OutOfRange, "is not a whole number of at least 1"))
}
