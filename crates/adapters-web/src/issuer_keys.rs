//! The keys of an issuer, fetched over HTTP.
//!
//! An issuer describes itself at a well-known address below its name, and says there where its keys are ([OpenID
//! Connect Discovery 1.0](https://openid.net/specs/openid-connect-discovery-1_0.html), sections 3 and 4). A
//! [`PublishedKeys`] fetches both each time, so that an issuer can move its keys. What it asks for is configured, never
//! named by a token; what it gets is bounded in time and length; and it goes where it was sent, past no redirection and
//! no proxy.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use prediction_identity::key_set::MAX_KEY_SET_BYTES;
use prediction_identity::keys::{KeySource, KeySourceError};
use prediction_strict_json::{self as strict_json, Json, StrictJsonError};
use ureq::Agent;

use crate::address::{Address, AddressError, Transport};
use crate::client;

/// How long fetching may take, from the look-up of the host to the last byte of the keys.
pub const TIME_OUT: Duration = Duration::from_secs(3);

/// What follows the name of an issuer in the address of its description.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Where the keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Where the issuer of that name says.
    Discovered(String),
    /// At this address.
    At(String),
}

/// The keys of an issuer, as it publishes them.
#[derive(Clone)]
pub struct PublishedKeys {
    agent: Agent,
    source: Source,
    transport: Transport,
    time_out: Duration,
}

#[derive(Clone)]
enum Source {
    Discovered { issuer: String, description: Address },
    At(Address),
}

/// Why there were no keys.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No answer came, or not all of it.
    #[error("{address}: {cause}")]
    NoAnswer {
        /// The address that was asked.
        address: Address,
        /// What went wrong.
        cause: ureq::Error,
    },
    /// Something else than success.
    #[error("{address} answers with the status {status}")]
    Status {
        /// The address that was asked.
        address: Address,
        /// What was answered.
        status: u16,
    },
    /// The description is not JSON.
    #[error("the description of the issuer at {address} is not JSON: {cause}")]
    NotJson {
        /// The address that was asked.
        address: Address,
        /// Where it is wrong.
        cause: StrictJsonError,
    },
    /// The description is not one, or the same member stands in it twice.
    #[error("what is at {address} is not the description of an issuer")]
    NotADescription {
        /// The address that was asked.
        address: Address,
    },
    /// The description is that of another issuer (OpenID Connect Discovery 1.0, section 4.3).
    #[error("what is at {address} describes another issuer")]
    OtherIssuer {
        /// The address that was asked.
        address: Address,
    },
    /// The description sends elsewhere than keys may be fetched from.
    #[error("the issuer names an address of its keys that is not used: {0}")]
    KeyAddress(AddressError),
}

impl PublishedKeys {
    /// The keys at that place. Nothing is fetched yet.
    pub fn new(place: Place, transport: Transport) -> Result<Self, AddressError> {
        Self::within(place, transport, TIME_OUT)
    }

    /// The same with another time-out.
    pub fn within(place: Place, transport: Transport, time_out: Duration) -> Result<Self, AddressError> {
        let source = match place {
            Place::Discovered(issuer) => {
                let description = format!("{}{WELL_KNOWN}", issuer.trim_end_matches('/'));
                Source::Discovered { issuer, description: Address::parse(&description, transport)? }
            }
            Place::At(address) => Source::At(Address::parse(&address, transport)?),
        };
        let agent = client::config().http_status_as_error(false).build();
        Ok(Self { agent: agent.into(), source, transport, time_out })
    }

    /// Fetches the key set, and waits for it.
    pub fn fetch_now(&self) -> Result<Vec<u8>, FetchError> {
        let end = Instant::now() + self.time_out;
        match &self.source {
            Source::At(address) => self.get(address, end),
            Source::Discovered { issuer, description } => self.get(&self.key_address(issuer, description, end)?, end),
        }
    }

    fn key_address(&self, issuer: &str, address: &Address, end: Instant) -> Result<Address, FetchError> {
        let text = self.get(address, end)?;
        let parsed =
            strict_json::parse(&text).map_err(|cause| FetchError::NotJson { address: address.clone(), cause })?;
        let member = |name| match parsed.value() {
            Json::Object(members) if parsed.duplicates.is_empty() => members.get(name).and_then(|value| value.as_str()),
            _ => None,
        };
        let (Some(described), Some(keys)) = (member("issuer"), member("jwks_uri")) else {
            return Err(FetchError::NotADescription { address: address.clone() });
        };
        if described != issuer {
            return Err(FetchError::OtherIssuer { address: address.clone() });
        }
        Address::parse(keys, self.transport).map_err(FetchError::KeyAddress)
    }

    fn get(&self, address: &Address, end: Instant) -> Result<Vec<u8>, FetchError> {
        let no_answer = |cause| FetchError::NoAnswer { address: address.clone(), cause };
        let left = end.saturating_duration_since(Instant::now());
        let request = self.agent.get(address.as_str()).config().timeout_global(Some(left)).build();
        let mut answer = request.header("accept", "application/json").call().map_err(no_answer)?;
        if answer.status() != 200 {
            return Err(FetchError::Status { address: address.clone(), status: answer.status().as_u16() });
        }
        answer.body_mut().with_config().limit(MAX_KEY_SET_BYTES as u64).read_to_vec().map_err(no_answer)
    }
}

impl KeySource for PublishedKeys {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, KeySourceError>> {
        let this = self.clone();
        Box::pin(async move { Ok(tokio::task::spawn_blocking(move || this.fetch_now()).await??) })
    }
}
