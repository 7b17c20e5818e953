//! What goes over the wire: requests, answers and problems of the Prediction API as JSON.
//!
//! Answers are read and written by the same types. A member that this release does not know is skipped when an answer
//! is read, so that a client outlives the release it was made for. What a version's answer says of its contract is the
//! domain's [`Contract`](prediction_domain::model::Contract), with the same digest:
//!
//! ```
//! # let answer = include_str!("../tests/answers/source-version.json");
//! let version: prediction_wire::SourceVersion = serde_json::from_str(answer)?;
//! let contract = version.contract()?;
//! assert_eq!(contract.digest(), version.contract_digest());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Requests are decoded strictly: [`Shape::decode`] notes every member of the wrong type and every unknown one, and
//! gives what it could read as a draft that the domain judges. The code that decodes a request also describes it in
//! OpenAPI.

mod apply;
mod candidate;
mod comparison;
mod export;
mod fields;
mod health;
mod impact;
mod input;
mod job;
mod job_revision;
mod lifecycle;
mod lineage;
mod organisation;
mod output;
mod page;
mod problem;
mod provenance;
mod rules;
mod run;
mod schemas;
mod setup;
mod setup_schema;
mod source;
mod source_version;
mod texts;
mod upgrade;
mod upgrade_many;
mod warning;

pub use apply::{APPLY, ApplyChange, ApplyCounts, ApplyDifference, ApplyResult, ChangedOutside};
pub use candidate::{Candidate, CandidateFit};
pub use comparison::{MemberDifference, RoleComparison, SourceVersionComparison, SourceVersionReference};
pub use export::{
    Export, ExportedDocument, ExportedInput, ExportedJob, ExportedOutputName, ExportedRoleBinding, ExportedSource,
    ExportedSourceName, ExportedSourceVersion, ExportedVersionName,
};
pub use fields::{BodyError, Described, Fields, List, Part, ReadOnly, Schemas, Shape};
pub use health::{
    JobHealth, JobHealthCounts, JobHealthCountsByStatus, JobHealthGroup, ServiceDegradation, ServiceHealth,
};
pub use impact::{ImpactCounts, JobImpact, SourceVersionImpact};
pub use input::{
    IMPORT_INPUTS, Input, InputImport, InputImportCounts, InputImportResult, InputOutcome, InputUse, PUT_INPUT,
    UpdatedInput,
};
pub use job::{Job, Output, RoleBinding, UPDATE_JOB, UnitConversion, UpdatedJob};
pub use job_revision::{JobDifference, JobRevision, JobRevisionComparison, JobRevisionReference};
pub use lifecycle::{Lifecycle, UPDATE_LIFECYCLE};
pub use lineage::{Lineage, LineageEdge, LineageNode, SourceReference};
pub use organisation::{NAME_ORGANISATION, Organisation};
pub use output::JobOutput;
pub use page::{DELETE, Page};
pub use problem::{PROBLEM_MEDIA_TYPE, Problem, ProblemCode, ProblemEntry, ProblemMember};
pub use provenance::Provenance;
pub use rules::{
    ANY_TEXT, FLAG, ID, IMPACT_OUTCOME, INTERVAL, LABEL, NAME, NUMBER, PROSE, RETENTION, REVISION, RUN_STATUS, Rule,
    STAGE, TIME, WORD,
};
pub use run::{Prediction, REPORT_RUN, ReportedRun, Run};
pub use schemas::schemas;
pub use setup::{JobSetup, JobSetupOutcome, Outcome, SET_UP_JOB};
pub use setup_schema::setup_schema;
pub use source::{CREATE_SOURCE, Source, UPDATE_SOURCE, UpdatedSource, ValueCount};
pub use source_version::{CREATE_SOURCE_VERSION, InputRole, OutputRole, SourceVersion, SourceVersionItem};
pub use texts::{entity_tags, trimmed};
pub use upgrade::{JobUpgrade, RESTORE_JOB, UPGRADE_JOB, UpgradeInput, UpgradeOutput, UpgradePlan};
pub use upgrade_many::{JobUpgradeCounts, JobUpgradeResult, JobUpgrades, UPGRADE_JOBS, UpgradeOutcome};
pub use warning::Warning;
