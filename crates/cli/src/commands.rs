//! A file for each verb.

pub(crate) mod api;
pub(crate) mod apply;
pub(crate) mod completions;
pub(crate) mod context;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod impact;
pub(crate) mod login;
pub(crate) mod new;
pub(crate) mod predictions;
pub(crate) mod restore;
pub(crate) mod set;
pub(crate) mod status;
pub(crate) mod upgrade;
pub(crate) mod wait;
pub(crate) mod whoami;

use prediction_client::printable;
use prediction_client::wire::{SourceVersion, Warning};
use prediction_domain::model::Contract;

use crate::console::Console;
use crate::failure::Failure;

/// Tells what was done and may not have been meant.
fn warn(console: &mut Console<'_>, warnings: &[Warning]) -> Result<(), Failure> {
    for warning in warnings {
        console.note(&format!("warning: {}", printable(&warning.message)))?;
    }
    Ok(())
}

/// What a version asks for and promises.
fn contract(version: &SourceVersion) -> Result<Contract, Failure> {
    version.contract().map_err(|violations| {
        Failure::Refused(format!("this release cannot read the contract of the version: {violations:?}"))
    })
}
