use std::sync::Arc;
use std::time::Duration;

use prediction_domain::model::{OrganisationId, Permission, Scope, Timestamp};
use prediction_domain::ports::{Clock, IdGenerator};
use prediction_identity::local::{DEFAULT_ORGANISATIONS_CLAIM, LocalIdentity, TokenRequest};
use uuid::Uuid;

/// Signs tokens that the command does not print, with a secret that may be the right one.
pub(crate) struct Forger(Vec<u8>);

/// The clock of a machine.
struct MachineClock;

/// A clock that stands still, years ago.
struct OldClock;

struct OneId;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "tokens of the tests are judged by the real clock of a real server")]
    fn now(&self) -> Timestamp {
        Timestamp::truncated(chrono::Utc::now())
    }
}

impl Clock for OldClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_600_000_000_000_000).unwrap()
    }
}

impl IdGenerator for OneId {
    fn fresh(&self) -> Uuid {
        Uuid::from_u128(1)
    }
}

impl Forger {
    /// With a secret in hexadecimal, as it is kept.
    pub(crate) fn with_secret(secret: &str) -> Self {
        let digits: Vec<u8> = secret.chars().map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap()).collect();
        Self(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
    }

    /// With a secret that no server has.
    pub(crate) fn with_another_secret() -> Self {
        Self(vec![7; 32])
    }

    /// A token that was good for everything, years ago.
    pub(crate) fn expired(&self) -> String {
        self.mint(Arc::new(OldClock), Scope::Platform)
    }

    /// A token for everything, in no organisation.
    pub(crate) fn of_no_organisation(&self) -> String {
        self.mint(Arc::new(MachineClock), Scope::of([]))
    }

    /// A token for everything, in one organisation.
    pub(crate) fn of(&self, organisation: &str) -> String {
        self.mint(Arc::new(MachineClock), Scope::of([OrganisationId::parse(organisation).unwrap()]))
    }

    fn mint(&self, clock: Arc<dyn Clock>, scope: Scope) -> String {
        let identity = LocalIdentity::new(&self.0, DEFAULT_ORGANISATIONS_CLAIM, clock, Arc::new(OneId)).unwrap();
        let request = TokenRequest {
            subject: "forger".to_owned(),
            permissions: Permission::ALL.to_vec(),
            scope,
            expires_in: Duration::from_hours(1),
        };
        identity.mint(&request).unwrap()
    }
}
