//! Who may call: bearers of local tokens, whose secret is in the data folder, or bearers of an issuer's tokens.

mod rules;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use prediction_adapters_web::{AddressError, Place, PublishedKeys};
use prediction_domain::model::{Permission, Scope};
use prediction_identity::TokenVerifier;
use prediction_identity::issuer::IssuerIdentity;
use prediction_identity::key_set::{KeySet, MAX_KEY_SET_BYTES};
use prediction_identity::keys::IssuerKeys;
use prediction_identity::local::{DEFAULT_ORGANISATIONS_CLAIM, LocalIdentity, TokenRequest};
use prediction_identity::local_secret;

use crate::command_line::{IdentityOptions, IssuerOptions, ServeOptions, TokenOptions};
use crate::data_folder;
use prediction_adapters_system::{SystemClock, TimeOrderedIds};

/// Whose tokens a server accepts: never both kinds, or a user who can read the data folder could pass for the issuer.
pub(crate) enum Identity {
    /// Its own.
    Local(Arc<LocalIdentity>),
    /// Those of another system.
    Issuer {
        /// What verifies them.
        verifier: Arc<IssuerIdentity>,
        /// The issuer (`iss`).
        issuer: String,
        /// What they call this service (`aud`): for people.
        audience: String,
        /// Where the keys come from while the server runs, unless they are from a file.
        feed: Option<KeyFeed>,
    },
}

/// Keys of an issuer that have to be fetched, and where from.
pub(crate) struct KeyFeed {
    pub(crate) keys: Arc<IssuerKeys>,
    pub(crate) source: PublishedKeys,
    pub(crate) max_age: Duration,
}

impl Identity {
    /// What verifies the tokens.
    pub(crate) fn verifier(&self) -> Arc<dyn TokenVerifier> {
        match self {
            Self::Local(verifier) => Arc::<LocalIdentity>::clone(verifier),
            Self::Issuer { verifier, .. } => Arc::<IssuerIdentity>::clone(verifier),
        }
    }

    /// What fetches the keys, if anything does.
    pub(crate) fn into_feed(self) -> Option<KeyFeed> {
        match self {
            Self::Local(_) => None,
            Self::Issuer { feed, .. } => feed,
        }
    }
}

/// The identity that the options of a server ask for.
pub(crate) fn of_server(options: &ServeOptions) -> anyhow::Result<Identity> {
    match &options.issuer {
        IssuerOptions { issuer: Some(issuer), audience, .. } if !audience.is_empty() => {
            of_issuer(issuer, &options.issuer, &options.identity)
        }
        IssuerOptions { issuer: None, audience, jwks_url: None, jwks_file: None, .. } if audience.is_empty() => {
            rules::check_local(&options.issuer)?;
            let secret = data_folder::secret(&options.database.data.data_dir)?;
            Ok(Identity::Local(Arc::new(local(&secret, &options.identity)?)))
        }
        // The command line refuses it too. An operator who names an issuer never gets a server that believes local
        // tokens.
        _ => Err(anyhow!("--issuer and --audience are needed together")),
    }
}

fn of_issuer(issuer: &str, options: &IssuerOptions, identity: &IdentityOptions) -> anyhow::Result<Identity> {
    let (profile, claims) = rules::of_issuer(issuer, options, identity)?;
    let (keys, feed) = match &options.jwks_file {
        Some(file) => (Arc::new(IssuerKeys::fixed(key_set(file)?)), None),
        None => {
            let source = published_keys(issuer, options)?;
            let keys = Arc::new(IssuerKeys::awaited());
            (Arc::clone(&keys), Some(KeyFeed { keys, source, max_age: options.jwks_max_age }))
        }
    };
    let audience = options.audience.join(", ");
    tracing::info!(issuer, audience, profile = ?profile, "only tokens of this issuer are accepted");
    let verifier = Arc::new(IssuerIdentity::new(keys, profile, claims, Arc::new(SystemClock)));
    Ok(Identity::Issuer { verifier, issuer: issuer.to_owned(), audience, feed })
}

fn published_keys(issuer: &str, options: &IssuerOptions) -> anyhow::Result<PublishedKeys> {
    let (place, option) = match &options.jwks_url {
        Some(url) => (Place::At(url.clone()), "--jwks-url"),
        None => (Place::Discovered(issuer.to_owned()), "--issuer"),
    };
    PublishedKeys::new(place, options.transport()).map_err(|error| match error {
        AddressError::NotHttps => {
            anyhow!("cannot use {option}: {error}; --issuer-over-http allows http on this machine")
        }
        error => anyhow!("cannot use {option}: {error}"),
    })
}

/// The keys in a file. Of one that is too long no more is read than tells so.
fn key_set(path: &Path) -> anyhow::Result<KeySet> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_KEY_SET_BYTES as u64 + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read the key file {}", path.display()))?;
    KeySet::parse(&bytes)
        .and_then(KeySet::with_a_key)
        .with_context(|| format!("cannot use the key file {}", path.display()))
}

/// The identity that signs with that secret.
pub(crate) fn local(secret: &[u8], options: &IdentityOptions) -> anyhow::Result<LocalIdentity> {
    let claim = options.organisations_claim.as_deref().unwrap_or(DEFAULT_ORGANISATIONS_CLAIM);
    if claim.starts_with('/') {
        bail!(
            "--organisations-claim can be a JSON pointer only for tokens of an issuer; local tokens have a claim of a name"
        );
    }
    Ok(LocalIdentity::new(secret, claim, Arc::new(SystemClock), Arc::new(TimeOrderedIds))?)
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
    let secret = local_secret::of_server(&options.data.data_dir)?;
    local(&secret, &options.identity)?.mint(&request).context("the token would not be accepted")
}

/// A token for a user who starts a server at a terminal and opens the console: everything, for a day.
pub(crate) fn mint_for_console(identity: &LocalIdentity) -> anyhow::Result<String> {
    let request = TokenRequest {
        subject: "local".to_owned(),
        permissions: Permission::ALL.to_vec(),
        scope: Scope::Platform,
        expires_in: Duration::from_hours(24),
    };
    identity.mint(&request).context("the token would not be accepted")
}
