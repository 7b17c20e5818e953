//! Who may call: bearers of local tokens, whose secret is in the data folder, or of an issuer's, whose keys are in a file.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use prediction_domain::model::{Permission, Scope};
use prediction_http::auth::TokenVerifier;
use prediction_http::auth::claims::ClaimRules;
use prediction_http::auth::issuer::IssuerIdentity;
use prediction_http::auth::key_set::{KeySet, MAX_KEY_SET_BYTES};
use prediction_http::auth::local::{LocalIdentity, TokenRequest};

use crate::command_line::{DataFolder, IdentityOptions, IssuerOptions, ServeOptions, TokenOptions};
use crate::data_folder;
use crate::system::{SystemClock, TimeOrderedIds};

/// Whose tokens a server accepts: never both, or who can read the data folder could pass for the issuer.
pub(crate) enum Identity {
    /// Its own.
    Local(Arc<LocalIdentity>),
    /// Those of another system.
    Issuer {
        /// What verifies them.
        verifier: Arc<IssuerIdentity>,
        /// Who issues them (`iss`).
        issuer: String,
        /// What they call this service (`aud`).
        audience: String,
    },
}

impl Identity {
    /// What verifies the tokens.
    pub(crate) fn verifier(&self) -> Arc<dyn TokenVerifier> {
        match self {
            Self::Local(verifier) => Arc::<LocalIdentity>::clone(verifier),
            Self::Issuer { verifier, .. } => Arc::<IssuerIdentity>::clone(verifier),
        }
    }
}

/// The identity that the options of a server ask for.
pub(crate) fn of_server(options: &ServeOptions) -> anyhow::Result<Identity> {
    match &options.issuer {
        IssuerOptions { jwks_file: Some(file), issuer: Some(issuer), audience: Some(audience) } => {
            of_issuer(file, issuer, audience, &options.identity)
        }
        IssuerOptions { jwks_file: None, issuer: None, audience: None } => {
            Ok(Identity::Local(Arc::new(local(&options.database.data, &options.identity)?)))
        }
        // The command line refuses it too. Nobody who names an issuer gets a server that believes local tokens.
        _ => Err(anyhow!("--jwks-file, --issuer and --audience are needed together")),
    }
}

fn of_issuer(file: &Path, issuer: &str, audience: &str, options: &IdentityOptions) -> anyhow::Result<Identity> {
    let keys = key_set(file)?;
    for skipped in keys.skipped() {
        tracing::info!(key = skipped.number, reason = skipped.reason, "a key of the issuer is left out");
    }
    tracing::info!(issuer, audience, keys = keys.names().count(), "only tokens of this issuer are accepted");
    let claims = ClaimRules {
        issuer: issuer.to_owned(),
        audience: audience.to_owned(),
        organisations_claim: options.organisations_claim.clone(),
    };
    let verifier = Arc::new(IssuerIdentity::new(keys, claims, Arc::new(SystemClock)));
    Ok(Identity::Issuer { verifier, issuer: issuer.to_owned(), audience: audience.to_owned() })
}

/// The keys in a file. Of one that is too long no more is read than tells so.
fn key_set(path: &Path) -> anyhow::Result<KeySet> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_KEY_SET_BYTES as u64 + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read the key file {}", path.display()))?;
    KeySet::parse(&bytes).with_context(|| format!("cannot use the key file {}", path.display()))
}

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
