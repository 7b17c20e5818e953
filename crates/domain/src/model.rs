//! What the service knows about, with the rules that make a value valid.
//!
//! The files are ordered by subject: `catalog` (sources, their versions and contracts), `inputs` (what jobs are bound
//! to), `jobs` (with their bindings and their health) and `results` (runs and what they predict). What all of them use
//! is beside these folders.
//!
//! **Architecture invariant:** nothing in here refers to [`requests`](crate::requests), [`ports`](crate::ports) or
//! [`use_cases`](crate::use_cases).

mod access;
mod apply;
mod catalog;
mod from_text;
mod id;
mod inputs;
mod jobs;
mod management;
mod message;
mod page;
mod quota;
mod results;
mod revision;
mod text;
mod timestamp;
mod trusted_time;
mod violation;
mod weight;

pub use access::{AccessDenied, Caller, OwnersRight, Permission, Scope, Subject};
pub use apply::{ApplyAction, DEFAULT_PRUNE_LIMIT, MAX_APPLIED, Prune};
pub use catalog::{
    ALIASES, Compatibility, Contract, ContractComparison, ContractDigest, DeclaredInput, DeclaredInputs,
    ExpectedIntervalMinutes, InputRole, Lifecycle, LifecycleStage, MAX_ALIASES, MAX_PERIOD_DAYS, MAX_ROLES,
    MemberDifference, OutputRole, ROLES, RetentionHours, RoleChange, RoleComparison, Source, SourceVersion,
    SourceVersionHead, name_keys,
};
pub use id::{InputId, JobId, OrganisationId, OutputId, ReplicaId, RunId, SourceId, SourceVersionId};
pub use inputs::{Conversion, Input, InputPosition, Organisation, UnitFit, Units, UnreadUnits};
pub use jobs::{
    BINDINGS, BoundJobs, ChainLink, CheckedBindings, Health, HealthCounts, HealthFilter, HealthStatus, ImpactCounts,
    ImpactOutcome, InputAction, InputStep, Job, JobDifference, JobGrouping, JobImpact, JobOrder, JobOutput,
    JobRevision, JobWithHealth, JobsInUse, LineageDirection, MAX_BINDINGS, MIN_GRACE_MINUTES, MonitoredJob, Monitoring,
    Output, OutputAction, OutputStep, Readers, RoleBinding, RunOutcome, RunSummary, UpgradePlan, VersionReference, Way,
    ways_upstream,
};
pub use management::Management;
pub use message::{Message, REPLACEMENT};
pub use page::{Page, PageRequest, Position};
pub use quota::{Allowance, Day, Quota, QuotaExceeded, report_amount};
pub use results::{
    JobPlace, Keep, KeptHistory, LEAST_KEPT_RUNS, MAX_PREDICTIONS, MAX_SECONDS_AHEAD, PREDICTIONS, Prediction,
    PredictionPosition, PredictionsDigest, ReadingPosition, Run, RunNumber, RunPosition, RunStatus, ValueCount,
    latest_issue,
};
pub use revision::Revision;
pub use text::{
    Description, InputKind, InputName, JobName, MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_WORD_CHARS, Metric,
    NamePart, OrganisationName, RoleName, SetName, SourceName, Unit, VersionLabel,
};
pub use timestamp::Timestamp;
pub use trusted_time::TrustedTime;
pub use violation::{
    Diagnostics, ListLimit, MAX_VIOLATIONS, Path, Segment, ValueProblem, Violation, ViolationCode, Violations, nearest,
};
pub use weight::Weight;

pub(crate) use catalog::{RoleNames, are_one, validate_aliases, validate_roles};
pub(crate) use jobs::CarryOver;
pub(crate) use text::ComposedRoles;
