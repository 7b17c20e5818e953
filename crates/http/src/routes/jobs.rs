//! `/api/v1/jobs`

pub(super) mod change;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod set_up;

use prediction_domain::model::{Job, Revision};
use prediction_domain::use_cases::{Expanded, Expansion};

use crate::request::{Query, entity_tag};
use crate::wire::job::JobBody;

/// Reads `expand=source,source_version`.
fn expansion(query: &mut Query) -> Expansion {
    let words = query.words("expand", &["source", "source_version"]);
    Expansion { source: words.contains(&"source"), source_version: words.contains(&"source_version") }
}

/// The body of a job with what is shown beside it.
fn with_expanded(job: Job, expanded: &Expanded) -> JobBody {
    let source = expanded.sources.get(&job.source_id).cloned();
    let version = expanded.source_versions.get(&job.source_version_id).cloned();
    let mut body = JobBody::from(job);
    body.source = source.map(|source| Box::new(source.into()));
    body.source_version = version.map(|version| Box::new(version.into()));
    body
}

/// The entity tag of that body.
fn tag_of_expanded(job: &Job, expanded: &Expanded) -> String {
    let beside: Vec<Revision> =
        expanded.sources.get(&job.source_id).map(|source| source.revision).into_iter().collect();
    entity_tag(job.revision, &beside)
}
