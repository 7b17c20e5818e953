//! Jobs, and whether they deliver.

mod blocking;
pub(in crate::use_cases) mod change_job;
mod delete_job;
mod expand_jobs;
mod judge_health;
mod judge_impact;
mod list_jobs;
mod read_jobs;
mod read_lineage;
pub(crate) mod read_outputs;
pub(in crate::use_cases) mod readers;
mod restore_job;
mod set_up_job;
mod sift;
mod store_change;
mod upgrade_job;
mod upgrade_jobs;

pub use change_job::{JobChanged, change_job};
pub use delete_job::delete_job;
pub use expand_jobs::{BoundInput, Expanded, Expansion, expand_jobs};
pub use judge_health::HealthJudge;
pub use judge_impact::{Impact, ImpactFilter, judge_impact};
pub use list_jobs::{HealthPosition, JobQuestion, list_jobs, list_jobs_worst_first};
pub use read_jobs::{
    ComparedRevisions, GroupedHealth, JobQuery, MAX_HEALTH_GROUPS, compare_job_revisions, count_all_jobs_by_health,
    count_all_jobs_by_stage, count_jobs_by_health, count_jobs_in_groups, get_job_revision, get_jobs,
    list_job_revisions,
};
pub use read_lineage::{Lineage, LineageEdge, LineageNode, MAX_LINEAGE_DEPTH, read_lineage};
pub use read_outputs::get_output;
pub use restore_job::restore_job;
pub use set_up_job::{Outcomes, PreparedSetUp, SetUpDone, Warning, prepare_set_up, set_up_jobs};
pub use upgrade_job::{JobUpgraded, upgrade_job};
pub use upgrade_jobs::{
    JobUpgradeOutcome, JobUpgradeResult, JobsUpgraded, PreparedUpgrades, prepare_upgrades, upgrade_jobs,
};
