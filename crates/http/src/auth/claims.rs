//! The claims of a token whose signature has been verified: whom it was issued to, by whom, for whom and until when.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use prediction_domain::model::{Caller, OrganisationId, Permission, Scope, Timestamp};
use serde_json::{Map, Value};

use super::TokenRejected::{Expired, Malformed, NotAcceptable};
use super::header::object;
use super::{TokenRejected, ValidTime, Verified};

/// How far the clocks of an issuer and of this service may be apart.
pub const LEEWAY: Duration = Duration::from_mins(1);

/// The longest time that a token may be valid for. There is no way to call one back, so a longer one is a mistake.
pub const MAX_LIFE: Duration = Duration::from_hours(24);

/// The most characters in a subject (OIDC Core 1.0, section 2).
pub const MAX_SUBJECT_CHARS: usize = 255;

/// The most organisations in one token. (The length of a token limits a list of them to about 150.)
pub const MAX_ORGANISATIONS: usize = 1_000;

/// What the organisations claim of the platform's operators and of runners says.
pub const EVERY_ORGANISATION: &str = "*";

/// The last second of the year 9999, in seconds since 1970. A later time is a mistake or an attack.
const LAST_SECOND: Duration = Duration::from_secs(253_402_300_799);

/// What a verifier accepts in the claims of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRules {
    /// What `iss` is, compared exactly.
    pub issuer: String,
    /// What `aud` is or contains, compared exactly.
    pub audience: String,
    /// The name of the claim with the organisations that the caller may see.
    pub organisations_claim: String,
}

impl ClaimRules {
    /// Whom these claims identify, if they can be accepted at that time.
    ///
    /// `iss`, `aud`, `exp` and `sub` are required. A claim that is not known is ignored; a known one of another type than
    /// it should have is refused, never taken for absent.
    pub fn identify(&self, payload: &[u8], now: Timestamp) -> Result<Verified, TokenRejected> {
        self.identify_typed(payload, None, now)
    }

    /// The same; `wanted` is what the claim `typ` has to be, where an issuer says the type of a token there and not in its header.
    pub(super) fn identify_typed(
        &self,
        payload: &[u8],
        wanted: Option<&str>,
        now: Timestamp,
    ) -> Result<Verified, TokenRejected> {
        let claims =
            Claims(object(payload).ok_or(Malformed("its payload is not a JSON object without repeated members"))?);
        if wanted.is_some() && claims.0.get("typ").and_then(Value::as_str) != wanted {
            return Err(NotAcceptable("its claim of a type (typ) is not that of an access token"));
        }
        self.check_parties(&claims)?;
        let valid = check_times(&claims, now)?;
        let caller = Caller {
            subject: subject(&claims)?,
            permissions: permissions(&claims)?,
            scope: scope(&claims, &self.organisations_claim)?,
        };
        Ok(Verified { caller: Arc::new(caller), valid })
    }

    fn check_parties(&self, claims: &Claims) -> Result<(), TokenRejected> {
        if claims.0.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(NotAcceptable("its issuer (iss) is not the one expected here"));
        }
        let meant_for_us = match claims.0.get("aud") {
            Some(Value::String(audience)) => *audience == self.audience,
            Some(Value::Array(audiences)) => {
                audiences.iter().all(Value::is_string) && audiences.iter().any(|audience| *audience == *self.audience)
            }
            _ => false,
        };
        if meant_for_us { Ok(()) } else { Err(NotAcceptable("its audience (aud) is not this service")) }
    }
}

struct Claims(Map<String, Value>);

impl Claims {
    /// A `NumericDate` (RFC 7519, section 2): seconds since 1970, whole or not.
    fn time(&self, name: &str) -> Result<Option<Duration>, TokenRejected> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        value
            .as_u64()
            .map(Duration::from_secs)
            .or_else(|| value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
            .filter(|time| *time <= LAST_SECOND)
            .map(Some)
            .ok_or(NotAcceptable("one of its times (exp, nbf, iat) is not a time"))
    }
}

/// Checks the times against each other and against the clock.
fn check_times(claims: &Claims, now: Timestamp) -> Result<ValidTime, TokenRejected> {
    // A clock before 1970 is no clock; zero makes every token one from the future.
    let now = Duration::from_micros(u64::try_from(now.as_micros()).unwrap_or(0));
    let expires = claims.time("exp")?.ok_or(NotAcceptable("it has no time of expiry (exp)"))?;
    let issued = claims.time("iat")?;

    if now >= expires + LEEWAY {
        return Err(Expired);
    }
    let not_before = claims.time("nbf")?;
    for start in [not_before, issued].into_iter().flatten() {
        if start > now + LEEWAY {
            return Err(NotAcceptable("it is not valid yet (nbf, iat)"));
        }
        if start >= expires {
            return Err(NotAcceptable("it expires before it becomes valid"));
        }
    }
    let life_starts = issued.map_or(now, |issued| issued.min(now));
    if expires.saturating_sub(life_starts) > MAX_LIFE + LEEWAY {
        return Err(NotAcceptable("it is valid for more than 24 hours"));
    }
    // The same three rules, solved for the clock.
    let latest_start = not_before.max(issued).unwrap_or_default().saturating_sub(LEEWAY);
    let longest_life = expires.saturating_sub(MAX_LIFE + LEEWAY);
    Ok(ValidTime { from: timestamp(latest_start.max(longest_life)), until: timestamp(expires + LEEWAY) })
}

/// To the microsecond, cut off. Times are whole seconds as a rule, and at most those of the year 9999.
fn timestamp(since_1970: Duration) -> Timestamp {
    i64::try_from(since_1970.as_micros())
        .ok()
        .and_then(Timestamp::from_micros)
        .unwrap_or_else(|| unreachable!("the last second is one of the year 9999"))
}

fn subject(claims: &Claims) -> Result<String, TokenRejected> {
    match claims.0.get("sub") {
        Some(Value::String(subject))
            if !subject.is_empty()
                && subject.chars().count() <= MAX_SUBJECT_CHARS
                && !subject.contains(|c: char| c.is_control()) =>
        {
            Ok(subject.clone())
        }
        _ => Err(NotAcceptable("its subject (sub) is not text of 1 to 255 characters")),
    }
}

/// What `scope` grants of what this service knows (RFC 9068, section 2.2.3); the rest is for other services.
fn permissions(claims: &Claims) -> Result<BTreeSet<Permission>, TokenRejected> {
    match claims.0.get("scope") {
        None => Ok(BTreeSet::new()),
        Some(Value::String(names)) => Ok(names.split(' ').filter_map(Permission::parse).collect()),
        Some(_) => Err(NotAcceptable("its scope is not a text of names with spaces between them")),
    }
}

fn scope(claims: &Claims, claim: &str) -> Result<Scope, TokenRejected> {
    let refused = NotAcceptable("its claim of organisations is neither a list of at most 1000 UUIDs nor an asterisk");
    match claims.0.get(claim) {
        None => Ok(Scope::of([])),
        Some(Value::String(all)) if all == EVERY_ORGANISATION => Ok(Scope::Platform),
        Some(Value::Array(ids)) if ids.len() <= MAX_ORGANISATIONS => ids
            .iter()
            .map(|id| id.as_str().and_then(|id| OrganisationId::parse(id).ok()))
            .collect::<Option<Vec<_>>>()
            .map(Scope::of)
            .ok_or(refused),
        Some(_) => Err(refused),
    }
}
