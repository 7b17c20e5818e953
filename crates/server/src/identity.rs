//! Who may call: the local identity, whose secret is in the data folder.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use prediction_domain::model::{Permission, Scope};
use prediction_http::auth::local::{LocalIdentity, TokenRequest};

use crate::command_line::{DataFolder, IdentityOptions, TokenOptions};
use crate::data_folder;
use crate::system::{SystemClock, TimeOrderedIds};

/// The identity of the data folder.
pub(crate) fn local(data: &DataFolder, options: &IdentityOptions) -> anyhow::Result<LocalIdentity> {
    let secret = data_folder::secret(&data.data_dir)?;
    Ok(LocalIdentity::new(
        &secret,
        options.organisations_claim.clone(),
        Arc::new(SystemClock),
        Arc::new(TimeOrderedIds),
    )?)
}

/// The token that the `token` command prints.
pub(crate) fn mint(options: &TokenOptions) -> anyhow::Result<String> {
    let scope =
        if options.all_organisations { Scope::Platform } else { Scope::of(options.organisations.iter().copied()) };
    let request = TokenRequest {
        subject: options.subject.clone(),
        permissions: options.scope.0.clone(),
        scope,
        expires_in: options.expires_in,
    };
    local(&options.data, &options.identity)?.mint(&request).context("the token would not be accepted")
}

/// A token for whoever starts a server at a terminal: everything, for a day.
pub(crate) fn mint_for_greeting(identity: &LocalIdentity) -> anyhow::Result<String> {
    let request = TokenRequest {
        subject: "local".to_owned(),
        permissions: Permission::ALL.to_vec(),
        scope: Scope::Platform,
        expires_in: Duration::from_hours(24),
    };
    identity.mint(&request).context("the token would not be accepted")
}
