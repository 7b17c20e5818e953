//! The claims of a token whose signature has been verified: its subject, its issuer, its audience and its life time.

use std::sync::Arc;
use std::time::Duration;

use prediction_domain::model::{Caller, Timestamp};
use serde_json::Value;

use super::TokenRejected::{Expired, Malformed, NotAcceptable};
use super::claims_set::Claims;
use super::organisations::OrganisationRules;
use super::scopes::ScopeRules;
use super::{TokenRejected, ValidTime, Verified};

/// How far the clocks of an issuer and of this service may be apart.
pub const LEEWAY: Duration = Duration::from_mins(1);

/// The longest time that a token may be valid for. There is no way to call one back, so a longer one is a mistake.
pub const MAX_LIFE: Duration = Duration::from_hours(24);

/// The most characters in a subject (OIDC Core 1.0, section 2).
pub const MAX_SUBJECT_CHARS: usize = 255;

/// What a verifier accepts in the claims of a token.
#[derive(Debug, Clone)]
pub struct ClaimRules {
    /// What `iss` is, compared exactly.
    pub issuer: String,
    /// What this service is called: `aud` is or contains one of them, compared exactly.
    pub audiences: Vec<String>,
    /// The claim that names the audience, if it is not `aud`: a text that is one of the audiences.
    pub audience_claim: &'static str,
    /// Where it says what the caller may do.
    pub scopes: ScopeRules,
    /// Where it says which organisations the caller may see.
    pub organisations: OrganisationRules,
}

impl ClaimRules {
    /// The caller that these claims identify, if they can be accepted at that time.
    ///
    /// `iss`, `aud`, `exp` and `sub` are required. A claim that is not known is ignored; a known one of another type
    /// than it should have is refused, never taken for absent.
    pub fn identify(&self, payload: &[u8], now: Timestamp) -> Result<Verified, TokenRejected> {
        self.identify_as(payload, |_| Ok(()), now)
    }

    /// The same, of claims that pass a check of their own.
    pub(super) fn identify_as(
        &self,
        payload: &[u8],
        check: impl FnOnce(&Claims) -> Result<(), TokenRejected>,
        now: Timestamp,
    ) -> Result<Verified, TokenRejected> {
        let claims =
            Claims::read(payload).ok_or(Malformed("its payload is not a JSON object without repeated members"))?;
        check(&claims)?;
        check_bearer(&claims)?;
        self.check_parties(&claims)?;
        let valid = check_times(&claims, now)?;
        let caller = Caller {
            subject: subject(&claims)?,
            permissions: self.scopes.permissions(&claims)?,
            scope: self.organisations.scope(&claims)?,
        };
        Ok(Verified { caller: Arc::new(caller), valid })
    }

    fn check_parties(&self, claims: &Claims) -> Result<(), TokenRejected> {
        if claims.text("iss") != Some(&self.issuer) {
            return Err(NotAcceptable("its issuer (iss) is not the one expected here"));
        }
        let is_ours = |audience: &Value| self.audiences.iter().any(|ours| audience == ours);
        let is_audience = |value: Option<&Value>| match value {
            Some(audience @ Value::String(_)) => is_ours(audience),
            Some(Value::Array(audiences)) => audiences.iter().all(Value::is_string) && audiences.iter().any(is_ours),
            _ => false,
        };
        if self.audience_claim != "aud" {
            // One that was also bound to something else is for that.
            let is_bound_elsewhere = claims.get("aud").is_some_and(|audience| !is_audience(Some(audience)));
            return match claims.get(self.audience_claim) {
                Some(Value::String(_)) if !is_bound_elsewhere && is_audience(claims.get(self.audience_claim)) => Ok(()),
                _ => Err(NotAcceptable(
                    "its client (client_id), which stands for the audience (aud), is not one expected here",
                )),
            };
        }
        if is_audience(claims.get("aud")) {
            Ok(())
        } else {
            Err(NotAcceptable("its audience (aud) is not this service"))
        }
    }
}

/// Whether the bearer of the token may use it, as far as every issuer says that in the same way. What tells ID tokens
/// differs, but these claims are only in them (OIDC Core 1.0, sections 2 and 3.3.2.11), and some issuers say the kind
/// of a token in its claims.
fn check_bearer(claims: &Claims) -> Result<(), TokenRejected> {
    if claims.get("cnf").is_some() {
        return Err(NotAcceptable("it is bound to a key of its sender (cnf), and is not one for bearers"));
    }
    let is_kind_of_others = |kind: &Value| {
        let kinds = ["id", "refresh", "offline", "logout", "serialized-id"];
        kind.as_str().is_some_and(|kind| kinds.contains(&kind.to_ascii_lowercase().as_str()))
    };
    if ["at_hash", "c_hash", "s_hash"].iter().any(|name| claims.get(name).is_some())
        || claims.get("typ").is_some_and(is_kind_of_others)
        || claims.get("token_use").is_some_and(|purpose| purpose != "access")
    {
        return Err(NotAcceptable("it is an ID token or another kind, and not an access token"));
    }
    Ok(())
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
    match claims.get("sub") {
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
