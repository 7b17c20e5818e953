//! What callers send, before it is checked, and how it is checked.
//!
//! A draft holds the members of a request as they were sent, each a [`Sent`]. The checks make values of the
//! [`model`](crate::model) of it, or tell everything that is wrong with it at once. A value of the model is always
//! valid; a draft says nothing about that.
//!
//! **Architecture invariant:** nothing in here refers to [`ports`](crate::ports) or [`use_cases`](crate::use_cases).

mod apply;
mod catalog;
mod inputs;
mod jobs;
mod precondition;
mod results;
mod sent;

pub use apply::{
    APPLIED_THINGS, ApplyDraft, DescribedJobDraft, DescribedVersionDraft, NamedBindingDraft, OutputNameDraft,
    SourceNameDraft, VersionNameDraft,
};
pub use catalog::{
    InputRoleDraft, LifecycleChangeDraft, OutputRoleDraft, SourceChangeDraft, SourceDraft, SourceSpec,
    SourceVersionDraft, SourceVersionSpec, declared_inputs,
};
pub(crate) use catalog::{of_another, validate_lifecycle_change};
pub(crate) use inputs::InputSpec;
pub use inputs::{IMPORTED_INPUTS, ImportDraft, InputDraft, OrganisationDraft};
pub use jobs::{
    BindingDraft, Cycle, JobChangeDraft, KnownInputs, KnownOutput, MAPPED_ROLES, RestoreDraft, SelectedJobs,
    SetUpDraft, SetUpJobDraft, UPGRADES, UnitComparison, UpgradeDraft, UpgradeFilterDraft, UpgradeManyDraft,
    UpgradeSelection, check_bindings, validate_bindings,
};
pub(crate) use jobs::{UpgradeOutlook, UpgradedBindings, named_outputs, upgrade_outlook, validate_upgrade};
pub use precondition::Precondition;
pub use results::{PredictionDraft, RunDraft, validate_predictions};
pub use sent::{Sent, Submission};
