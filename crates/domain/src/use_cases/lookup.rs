//! Jobs that use cases work on, and what is wrong with what requests name.

use serde_json::json;

use super::{Ports, UseCaseError, Warning};
use crate::model::{
    Caller, Diagnostics, Job, JobId, JobRevision, Lifecycle, LifecycleStage, MonitoredJob, OrganisationId, Path,
    Revision, SourceId, SourceVersion, SourceVersionId, ValueProblem, ViolationCode,
};
use crate::requests::Sent;

/// How many jobs are read at once, where a request may concern many: each may have 200 bindings.
pub(crate) const JOBS_AT_ONCE: usize = 100;
/// How many versions are read at once: each may be as large as a request.
pub(crate) const VERSIONS_AT_ONCE: usize = 8;

/// The job to be changed, for a caller who was allowed to change it: that needs no permission to read.
pub(crate) fn find_monitored_job(ports: &Ports, caller: &Caller, id: JobId) -> Result<MonitoredJob, UseCaseError> {
    ports.jobs.find_monitored(&[(caller.scope.clone(), id)])?.pop().flatten().ok_or(UseCaseError::NotFound)
}

/// The same, without what is needed to judge its health.
pub(crate) fn find_job(ports: &Ports, caller: &Caller, id: JobId) -> Result<Job, UseCaseError> {
    ports.jobs.find_many(&[(caller.scope.clone(), id)])?.pop().flatten().ok_or(UseCaseError::NotFound)
}

/// What a job was, or is, at a revision, if that is kept.
pub(crate) fn find_revision(ports: &Ports, job: &Job, revision: Revision) -> Result<Option<JobRevision>, UseCaseError> {
    if job.revision == revision {
        return Ok(Some(job.clone().into()));
    }
    Ok(ports.jobs.revision(job.organisation_id, job.id, revision)?)
}

/// Refuses an identity that is sent and is not the stored one.
pub(crate) fn never_changes<Id: Copy + PartialEq + std::fmt::Display>(
    diagnostics: &mut Diagnostics,
    path: &Path,
    sent: &Sent<String>,
    stored: Id,
    parse: fn(&str) -> Result<Id, ValueProblem>,
) {
    let read = diagnostics.read(path, sent, |text| parse(text));
    if let Some(id) = diagnostics.not_null(path, read)
        && id != stored
    {
        diagnostics.report(
            path.clone(),
            ValueProblem::new(ViolationCode::ImmutableField, "never changes")
                .expected(stored.to_string())
                .actual(id.to_string()),
        );
    }
}

/// The caller has to say which of several organisations is meant. So many of them are listed at the most.
pub(crate) fn one_of_organisations<'a>(
    organisations: impl IntoIterator<Item = &'a OrganisationId>,
    hint: &'static str,
) -> ValueProblem {
    const MOST_LISTED: usize = 100;
    let listed: Vec<String> = organisations.into_iter().take(MOST_LISTED).map(ToString::to_string).collect();
    ValueProblem::new(ViolationCode::MissingMember, "is missing").expected(listed).hint(hint)
}

/// There is no such version.
pub(crate) fn unknown_source_version(id: SourceVersionId) -> ValueProblem {
    ValueProblem::new(ViolationCode::UnknownSourceVersion, "is not the id of a source version").actual(id.to_string())
}

/// The version is one of another source than the request is about, as far as a caller can know that one.
pub(crate) fn version_of_other_source(
    message: &'static str,
    expected: Option<SourceId>,
    actual: SourceId,
) -> ValueProblem {
    let problem = ValueProblem::new(ViolationCode::SourceVersionOfOtherSource, message);
    let problem = problem.actual(json!({ "source_id": actual }));
    match expected {
        Some(id) => problem.expected(json!({ "source_id": id })),
        None => problem,
    }
}

/// Why no job comes to a version, if it is withdrawn.
pub(crate) fn withdrawal(version: &SourceVersion) -> Option<ValueProblem> {
    if version.lifecycle.stage != LifecycleStage::Withdrawn {
        return None;
    }
    let problem = ValueProblem::new(ViolationCode::VersionWithdrawn, reasoned("is withdrawn", &version.lifecycle));
    let problem = problem.actual(version.id.to_string());
    Some(match version.lifecycle.replaced_by {
        Some(id) => problem.hint(format!("it is replaced by source version {id}")),
        None => problem,
    })
}

/// What a caller should know who has a job come to a version, if it is deprecated.
pub(crate) fn deprecation(version: &SourceVersion) -> Option<Warning> {
    let Lifecycle { stage, reason, replaced_by, end_of_life_at, .. } = &version.lifecycle;
    (*stage == LifecycleStage::Deprecated).then(|| Warning {
        code: "version_deprecated",
        message: reasoned(&format!("version {} is deprecated", version.version), &version.lifecycle),
        details: json!({
            "source_version_id": version.id,
            "version": version.version,
            "reason": reason,
            "replaced_by": replaced_by,
            "end_of_life_at": end_of_life_at,
        }),
    })
}

fn reasoned(what: &str, lifecycle: &Lifecycle) -> String {
    match &lifecycle.reason {
        Some(reason) => format!("{what}: {reason}"),
        None => what.to_owned(),
    }
}
