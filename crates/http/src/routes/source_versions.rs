//! `/api/v1/source_versions`

pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;

use actix_web::http::header::ALLOW;

use super::Answer;
use crate::problem::{Problem, ProblemCode};

/// Where one version is.
pub(super) const ONE: &str = "/api/v1/source_versions/{id}";

/// A version never changes.
pub(super) async fn refuse_change() -> Answer {
    Err(Problem::new(ProblemCode::VersionImmutable).header(ALLOW, "GET, DELETE, HEAD"))
}
