//! What the service does. Use cases are the only callers of [`ports`](crate::ports), and each begins with the
//! permission that it needs.
//!
//! All of them end in a value or in one [`UseCaseError`]: the vocabulary is closed and shared, so that a front end maps
//! it in one place.

mod apply;
mod catalog;
mod clock_watch;
mod error;
mod inputs;
mod jobs;
mod lookup;
mod quotas;
mod results;

use std::sync::Arc;

use crate::model::{Revision, Units, UnreadUnits};
use crate::ports::{
    ApplyRepository, ChainRepository, Clock, IdGenerator, InputRepository, JobRepository, RunRepository,
    SourceRepository, SourceVersionRepository, StoreFailure, StorePorts,
};
use crate::requests::{Precondition, Sent};

pub use apply::{
    APPLY_PERMISSIONS, Applied, AppliedChange, AppliedKey, ChangedOutside, Difference, ExportFilter, ExportPosition,
    Exported, ExportedBinding, ExportedBound, ExportedJob, apply, export,
};
pub use catalog::{
    ComparedVersions, SourceChanged, change_lifecycle, change_source, compare_source_versions, create_source,
    delete_source, delete_source_version, get_source, get_source_version, list_source_version_heads,
    list_source_versions, list_sources, publish_source_version,
};
pub use clock_watch::ClockWatch;
pub use error::{Conflict, InUse, Resource, UseCaseError};
pub use inputs::{
    Candidate, CandidateFit, CandidatePlace, CandidatePosition, CandidateQuestion, CandidateSubject, ImportedInput,
    InputOutcome, InputPut, InputUse, InputsImported, delete_input, get_input, get_organisation, import_inputs,
    list_candidates, list_input_uses, list_inputs, list_organisations, name_organisation, put_input,
};
pub use jobs::{
    BoundInput, ComparedRevisions, Expanded, Expansion, GroupedHealth, HealthJudge, HealthPosition, Impact,
    ImpactFilter, JobChanged, JobQuery, JobQuestion, JobUpgradeOutcome, JobUpgradeResult, JobUpgraded, JobsUpgraded,
    Lineage, LineageEdge, LineageNode, MAX_HEALTH_GROUPS, MAX_LINEAGE_DEPTH, Outcomes, PreparedSetUp, PreparedUpgrades,
    SetUpDone, Warning, change_job, compare_job_revisions, count_all_jobs_by_health, count_all_jobs_by_stage,
    count_jobs_by_health, count_jobs_in_groups, delete_job, expand_jobs, get_job_revision, get_jobs, get_output,
    judge_impact, list_job_revisions, list_jobs, list_jobs_worst_first, prepare_set_up, prepare_upgrades, read_lineage,
    restore_job, set_up_jobs, upgrade_job, upgrade_jobs,
};
pub use quotas::Quotas;
pub use results::{
    Backlog, PredictionFilter, PredictionPage, PredictionQuestion, Provenance, PurgeStep, Purger, RunReported,
    SweptHistory, delete_run, get_run, list_output_predictions, list_predictions, list_runs, report_run,
    trace_prediction,
};

/// Everything that the use cases need of the outside world.
#[derive(Clone)]
pub struct Ports {
    /// Stores sources.
    pub sources: Arc<dyn SourceRepository>,
    /// Stores source versions.
    pub source_versions: Arc<dyn SourceVersionRepository>,
    /// Stores the directory of inputs.
    pub inputs: Arc<dyn InputRepository>,
    /// Stores jobs.
    pub jobs: Arc<dyn JobRepository>,
    /// Knows which jobs read outputs of which others.
    pub chains: Arc<dyn ChainRepository>,
    /// Stores many of all of these at once.
    pub apply: Arc<dyn ApplyRepository>,
    /// Stores runs.
    pub runs: Arc<dyn RunRepository>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes identities.
    pub ids: Arc<dyn IdGenerator>,
    /// What organisations may have, and do in a day.
    pub quotas: Quotas,
    /// Compares units.
    pub units: Arc<dyn Units>,
    /// Whether a job may be bound to an input that is not registered.
    pub unknown_inputs: UnknownInputs,
}

/// What becomes of a binding to an input that is not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownInputs {
    /// It is accepted as it is.
    #[default]
    Accepted,
    /// It is refused.
    Refused,
}

impl Ports {
    /// What use cases need of a store, with a clock and a maker of identities, without quotas, and without
    /// knowing units.
    #[must_use]
    pub fn of_store(store: &StorePorts, clock: Arc<dyn Clock>, ids: Arc<dyn IdGenerator>) -> Self {
        Self {
            sources: Arc::clone(&store.sources),
            source_versions: Arc::clone(&store.source_versions),
            inputs: Arc::clone(&store.inputs),
            jobs: Arc::clone(&store.jobs),
            chains: Arc::clone(&store.chains),
            apply: Arc::clone(&store.apply),
            runs: Arc::clone(&store.runs),
            clock,
            ids,
            quotas: Quotas::default(),
            units: Arc::new(UnreadUnits),
            unknown_inputs: UnknownInputs::default(),
        }
    }
}

/// Whether something was created, or was there already with the same content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was created.
    Created,
    /// It was there.
    Reused,
}

/// How often a use case looks again when what it read was changed before it could write. Writers of one thing that keep
/// meeting lose more often than not, so with a few attempts some of them would be turned away.
const MAX_ATTEMPTS: usize = 64;

/// Other callers were faster, [`MAX_ATTEMPTS`] times in a row.
fn contended() -> UseCaseError {
    UseCaseError::Store(StoreFailure::Unavailable("too many concurrent changes of the same thing".into()))
}

/// Refuses unless the current revision is the one that the caller wants to change, as said by a precondition or by the
/// revision in what is sent.
fn require_revision(precondition: &Precondition, sent: &Sent<i128>, current: Revision) -> Result<(), UseCaseError> {
    let sent_agrees = sent.given().is_none_or(|number| *number == i128::from(current.as_i64()));
    match precondition {
        Precondition::WeaklyTagged => Err(UseCaseError::WeaklyTagged { current }),
        _ if precondition.allows(current) && sent_agrees => Ok(()),
        _ => Err(UseCaseError::Stale { current }),
    }
}

/// Whether the caller leaves it to the service which revision is changed: then it may look again after a race.
fn last_write_wins(precondition: &Precondition, sent: &Sent<i128>) -> bool {
    matches!(precondition, Precondition::None) && sent.given().is_none()
}
