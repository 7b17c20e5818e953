//! Jobs, their bindings, and whether they deliver.

mod binding;
mod carry_over;
mod chain;
mod health;
mod impact;
mod job;
mod listing;
mod revision_comparison;
mod upgrade;

pub use binding::{BINDINGS, CheckedBindings, MAX_BINDINGS, RoleBinding};
pub(crate) use carry_over::CarryOver;
pub use chain::{ChainLink, JobsInUse, LineageDirection, Readers, Way, ways_upstream};
pub use health::{
    Health, HealthCounts, HealthFilter, HealthStatus, JobWithHealth, MIN_GRACE_MINUTES, MonitoredJob, Monitoring,
    RunOutcome, RunSummary,
};
pub use impact::{BoundJobs, ImpactCounts, ImpactOutcome, JobImpact};
pub use job::{Job, JobOutput, JobRevision, Output};
pub use listing::{JobGrouping, JobOrder};
pub use revision_comparison::JobDifference;
pub use upgrade::{InputAction, InputStep, OutputAction, OutputStep, UpgradePlan, VersionReference};
