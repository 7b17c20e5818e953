//! Who may call: bearers of local tokens, whose secret is in the data folder, or of an issuer's.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use prediction_adapters_oidc::{AddressError, Place, PublishedKeys, Transport};
use prediction_domain::model::{Permission, Scope};
use prediction_http::auth::TokenVerifier;
use prediction_http::auth::claims::ClaimRules;
use prediction_http::auth::issuer::{IssuerIdentity, TokenProfile};
use prediction_http::auth::key_set::{KeySet, MAX_KEY_SET_BYTES};
use prediction_http::auth::keys::IssuerKeys;
use prediction_http::auth::local::{LocalIdentity, TokenRequest};

use crate::command_line::{DataFolder, IdentityOptions, IssuerOptions, Profile, ServeOptions, TokenOptions};
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
        IssuerOptions { issuer: Some(issuer), audience: Some(audience), .. } => {
            of_issuer(issuer, audience, &options.issuer, &options.identity)
        }
        IssuerOptions { issuer: None, audience: None, jwks_url: None, jwks_file: None, .. } => {
            Ok(Identity::Local(Arc::new(local(&options.database.data, &options.identity)?)))
        }
        // The command line refuses it too. Nobody who names an issuer gets a server that believes local tokens.
        _ => Err(anyhow!("--issuer and --audience are needed together")),
    }
}

fn of_issuer(
    issuer: &str,
    audience: &str,
    options: &IssuerOptions,
    identity: &IdentityOptions,
) -> anyhow::Result<Identity> {
    let (keys, feed) = match &options.jwks_file {
        Some(file) => (Arc::new(IssuerKeys::fixed(key_set(file)?)), None),
        None => {
            let source = published_keys(issuer, options)?;
            let keys = Arc::new(IssuerKeys::awaited());
            (Arc::clone(&keys), Some(KeyFeed { keys, source, max_age: options.jwks_max_age }))
        }
    };
    tracing::info!(issuer, audience, "only tokens of this issuer are accepted");
    let claims = ClaimRules {
        issuer: issuer.to_owned(),
        audience: audience.to_owned(),
        organisations_claim: identity.organisations_claim.clone(),
    };
    let profile = match options.token_profile {
        Profile::Rfc9068 => TokenProfile::Rfc9068,
        Profile::Keycloak => TokenProfile::Keycloak,
    };
    let verifier = Arc::new(IssuerIdentity::new(keys, profile, claims, Arc::new(SystemClock)));
    Ok(Identity::Issuer { verifier, issuer: issuer.to_owned(), audience: audience.to_owned(), feed })
}

fn published_keys(issuer: &str, options: &IssuerOptions) -> anyhow::Result<PublishedKeys> {
    let transport = if options.issuer_over_http { Transport::HttpToThisMachine } else { Transport::Https };
    let (place, option) = match &options.jwks_url {
        Some(url) => (Place::At(url.clone()), "--jwks-url"),
        None => (Place::Discovered(issuer.to_owned()), "--issuer"),
    };
    PublishedKeys::new(place, transport).map_err(|error| match error {
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
