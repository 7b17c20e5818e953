//! The catalog: sources, their versions, and the contracts of these.

mod comparison;
mod contract;
mod declared_inputs;
mod lifecycle;
mod source;
mod source_version;

pub use comparison::{Compatibility, ContractComparison, MemberDifference, RoleChange, RoleComparison};
pub(crate) use comparison::{RoleNames, are_one};
pub use contract::{ALIASES, Contract, ContractDigest, InputRole, MAX_ALIASES, MAX_ROLES, OutputRole, ROLES};
pub(crate) use contract::{validate_aliases, validate_roles};
pub use declared_inputs::{DeclaredInput, DeclaredInputs};
pub use lifecycle::{Lifecycle, LifecycleStage};
pub use source::{ExpectedIntervalMinutes, MAX_PERIOD_DAYS, RetentionHours, Source, name_keys};
pub use source_version::{SourceVersion, SourceVersionHead};
