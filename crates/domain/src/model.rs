//! What the service knows about, with the rules that make a value valid.
//!
//! **Architecture invariant:** nothing in here refers to [`ports`](crate::ports) or [`use_cases`](crate::use_cases).

mod access;
mod binding;
mod contract;
mod draft;
mod from_text;
mod health;
mod id;
mod job;
mod kept_history;
mod message;
mod page;
mod quota;
mod revision;
mod run;
mod run_number;
mod source;
mod source_version;
mod text;
mod timestamp;
mod trusted_time;
mod value_count;
mod violation;
mod weight;

pub use access::{AccessDenied, Caller, OwnersRight, Permission, Scope, Subject};
pub use binding::{
    BINDINGS, BindingDraft, CheckedBindings, MAX_BINDINGS, RoleBinding, check_bindings, validate_bindings,
};
pub use contract::{
    Contract, ContractDigest, DeclaredInput, DeclaredInputs, InputRole, InputRoleDraft, MAX_ROLES, OutputRole,
    OutputRoleDraft, ROLES, declared_inputs,
};
pub use draft::{Sent, Submission};
pub use health::{
    Health, HealthCounts, HealthFilter, HealthStatus, JobWithHealth, MIN_GRACE_MINUTES, MonitoredJob, Monitoring,
    RunOutcome, RunSummary,
};
pub use id::{InputId, JobId, OrganisationId, OutputId, ReplicaId, RunId, SourceId, SourceVersionId};
pub use job::{Job, JobChangeDraft, JobRevision, Output};
pub use kept_history::{JobPlace, Keep, KeptHistory, LEAST_KEPT_RUNS};
pub use message::{Message, REPLACEMENT};
pub use page::{Page, PageRequest, Position};
pub use quota::{Allowance, Day, Quota, QuotaExceeded, report_amount};
pub use revision::{Precondition, Revision};
pub use run::{
    MAX_PREDICTIONS, MAX_SECONDS_AHEAD, PREDICTIONS, Prediction, PredictionDraft, PredictionPosition,
    PredictionsDigest, Run, RunDraft, RunPosition, RunStatus, latest_issue, validate_predictions,
};
pub use run_number::{ReadingPosition, RunNumber};
pub use source::{
    ExpectedIntervalMinutes, MAX_PERIOD_DAYS, RetentionHours, Source, SourceChangeDraft, SourceDraft, SourceSpec,
    name_keys,
};
pub use source_version::{SourceVersion, SourceVersionDraft, SourceVersionHead, SourceVersionSpec};
pub use text::{
    Description, InputKind, JobName, MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_WORD_CHARS, Metric, RoleName,
    SourceName, Unit, VersionLabel,
};
pub use timestamp::Timestamp;
pub use trusted_time::TrustedTime;
pub use value_count::ValueCount;
pub use violation::{
    Diagnostics, ListLimit, MAX_VIOLATIONS, Path, Segment, ValueProblem, Violation, ViolationCode, Violations, nearest,
};
pub use weight::Weight;
