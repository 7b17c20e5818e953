//! `/api/v1/jobs`

pub(super) mod change;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod health;
pub(super) mod lineage;
pub(super) mod list;
pub(super) mod restore;
pub(super) mod set_up;
pub(super) mod upgrade;
pub(super) mod upgrade_many;

use prediction_domain::model::JobWithHealth;
use prediction_domain::use_cases::{Expanded, Expansion};

use crate::document::{Parameter, words};
use crate::request::{Query, Shown, inputs_digest, job_tag, keeper_digest, organisation_digest, run_digest};
use prediction_wire as wire;

const EXPANDABLE: [&str; 5] = ["source", "source_version", "inputs", "organisation", "last_run"];

/// Describes `expand=source,source_version,inputs,organisation,last_run`.
fn expand() -> Parameter {
    words(
        "expand",
        "What to show whole beside its id: source, source_version, organisation, inputs (in role_bindings, with the conversion of \
         their units), last_run (the run that was issued last; it needs the scope `predictions:read`, too), or several with commas.",
        &EXPANDABLE,
    )
}

/// Reads it.
fn expansion(query: &mut Query) -> Expansion {
    let words = query.words("expand", &EXPANDABLE);
    Expansion {
        source: words.contains(&"source"),
        source_version: words.contains(&"source_version"),
        inputs: words.contains(&"inputs"),
        organisation: words.contains(&"organisation"),
        last_run: words.contains(&"last_run"),
    }
}

/// The body of a job with what is shown beside it.
fn with_expanded(judged: JobWithHealth, expanded: &Expanded) -> wire::Job {
    let source = expanded.sources.get(&judged.job.source_id).cloned();
    let version = expanded.source_versions.get(&judged.job.source_version_id).cloned();
    let bound = expanded.inputs.get(&judged.job.id).cloned();
    let mut body = wire::Job::from(judged);
    if let Some(bound) = bound {
        let bindings = std::mem::take(&mut body.role_bindings).into_iter().zip(bound);
        body.role_bindings = bindings.map(|(binding, bound)| binding.expanded(bound)).collect();
    }
    body.organisation = expanded.organisations.get(&body.organisation_id).cloned().map(wire::Organisation::from);
    let last_run = expanded.last_runs.get(&body.id).cloned().flatten();
    body.last_run = last_run.map(|run| Box::new(wire::Run::from(run)));
    body.source = source.map(|source| Box::new(source.into()));
    body.source_version = version.map(|version| Box::new(version.into()));
    body
}

/// The entity tag of a job that is shown without anything beside it.
fn tag_of(judged: &JobWithHealth) -> String {
    job_tag(judged.job.revision, &judged.health, Shown::default())
}

/// The entity tag of that body.
fn tag_of_expanded(judged: &JobWithHealth, expanded: &Expanded) -> String {
    let version = expanded.source_versions.get(&judged.job.source_version_id);
    let shown = Shown {
        source: expanded.sources.get(&judged.job.source_id).map(|source| source.revision),
        lifecycle: version.map(|version| version.lifecycle.revision),
        keeper: version.and_then(keeper_digest),
        inputs: expanded.inputs.get(&judged.job.id).map(|bound| inputs_digest(bound)),
        organisation: expanded.organisations.get(&judged.job.organisation_id).map(organisation_digest),
        last_run: expanded.last_runs.get(&judged.job.id).map(|run| run_digest(run.as_ref())),
    };
    job_tag(judged.job.revision, &judged.health, shown)
}
