//! Jobs and their bindings, as callers describe them.

mod binding;
mod change;
mod known_inputs;
mod known_outputs;
mod measured;
mod restore;
mod set_up;
mod upgrade;
mod upgrade_many;

pub use binding::{BindingDraft, check_bindings, validate_bindings};
pub use change::JobChangeDraft;
pub use known_inputs::{KnownInputs, UnitComparison};
pub(crate) use known_outputs::named_outputs;
pub use known_outputs::{Cycle, KnownOutput};
pub use restore::RestoreDraft;
pub use set_up::{SetUpDraft, SetUpJobDraft};
pub use upgrade::{MAPPED_ROLES, UpgradeDraft};
pub(crate) use upgrade::{UpgradeOutlook, UpgradedBindings, upgrade_outlook, validate_upgrade};
pub use upgrade_many::{SelectedJobs, UPGRADES, UpgradeFilterDraft, UpgradeManyDraft, UpgradeSelection};
