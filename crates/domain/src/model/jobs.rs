//! Jobs, their bindings, and whether they deliver.

mod binding;
mod health;
mod job;

pub use binding::{BINDINGS, CheckedBindings, MAX_BINDINGS, RoleBinding};
pub use health::{
    Health, HealthCounts, HealthFilter, HealthStatus, JobWithHealth, MIN_GRACE_MINUTES, MonitoredJob, Monitoring,
    RunOutcome, RunSummary,
};
pub use job::{Job, JobRevision, Output};
