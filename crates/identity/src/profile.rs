//! How issuers tell their access tokens from everything else that they sign with the same keys.
//!
//! RFC 9068 says it in the type of the header, and few issuers write that. The others are known here by name, each with
//! what its documentation says of its access tokens; docs/auth.md names the pages. A claim that only ID tokens have is
//! refused of every issuer ([`claims`](super::claims)); what only access tokens have is asked for here.

use serde_json::Value;

use super::TokenRejected;
use super::TokenRejected::NotAcceptable;
use super::claims::ClaimRules;
use super::claims_set::Claims;
use super::header::{ACCESS_TOKEN_TYPES, HeaderRules};
use super::local::DEFAULT_ORGANISATIONS_CLAIM;
use super::organisations::{ClaimPath, OrganisationRules};
use super::scopes::{ScopeClaim, ScopeRules};

/// The algorithms of an issuer. Nothing symmetric is among them: a public key is no secret.
const ALGORITHMS: &[&str] = &["RS256", "PS256", "ES256"];

/// How an issuer tells its access tokens from everything else that it signs with the same keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenProfile {
    /// By the type in the header, `at+jwt` (RFC 9068).
    #[default]
    Rfc9068,
    /// As Keycloak does: the header only says `JWT`, and the claim `typ` says `Bearer`.
    Keycloak,
    /// As Microsoft Entra ID does in tokens of version 2.0: the header says `JWT`; an access token names the program
    /// that asked for it (`azp`) and what it may do (`scp`, or `roles` where no user is concerned).
    Entra,
    /// As the authorization servers of Okta do: the header has no type; an access token names its client (`cid`) and
    /// its scopes (`scp`).
    Okta,
    /// As Auth0 does: the header says `JWT` or `at+jwt`; an access token names its client (`azp`, `client_id`) and what
    /// it may do (`scope`, and `permissions` where roles are used).
    Auth0,
    /// As the user pools of Amazon Cognito do: the header has no type, the claim `token_use` says `access`, and the
    /// client (`client_id`) stands for the audience.
    Cognito,
}

impl TokenProfile {
    /// All profiles.
    pub const ALL: [Self; 6] = [Self::Rfc9068, Self::Keycloak, Self::Entra, Self::Okta, Self::Auth0, Self::Cognito];

    pub(super) fn header(self) -> HeaderRules {
        let (types, untyped): (&[&str], _) = match self {
            Self::Rfc9068 => (ACCESS_TOKEN_TYPES, false),
            Self::Keycloak | Self::Entra => (&["jwt"], false),
            Self::Okta => (&["jwt", "at+jwt", "application/at+jwt"], true),
            Self::Auth0 => (&["jwt", "at+jwt", "application/at+jwt"], false),
            Self::Cognito => (&["jwt"], true),
        };
        HeaderRules { algorithms: ALGORITHMS, types, untyped }
    }

    /// The claim that names the audience of a token.
    #[must_use]
    pub const fn audience_claim(self) -> &'static str {
        match self {
            Self::Cognito => "client_id",
            _ => "aud",
        }
    }

    /// Where its tokens say what is allowed.
    #[must_use]
    pub fn scopes(self) -> ScopeRules {
        let claims = match self {
            Self::Rfc9068 | Self::Keycloak | Self::Cognito => vec![ScopeClaim::text("scope")],
            Self::Entra => vec![ScopeClaim::text_or_list("scp"), ScopeClaim::text_or_list("roles")],
            Self::Okta => vec![ScopeClaim::text_or_list("scp")],
            Self::Auth0 => vec![ScopeClaim::text_or_list("permissions"), ScopeClaim::text("scope")],
        };
        ScopeRules { claims, prefix: String::new() }
    }

    /// The claim with the groups of a user.
    #[must_use]
    pub const fn groups_claim(self) -> &'static str {
        match self {
            Self::Cognito => "cognito:groups",
            _ => "groups",
        }
    }

    /// What its tokens have to say, with the organisations listed in the claim `organisations`.
    #[must_use]
    pub fn claims(self, issuer: impl Into<String>, audiences: Vec<String>) -> ClaimRules {
        ClaimRules {
            issuer: issuer.into(),
            audiences,
            audience_claim: self.audience_claim(),
            scopes: self.scopes(),
            organisations: OrganisationRules::Listed(ClaimPath::name(DEFAULT_ORGANISATIONS_CLAIM)),
        }
    }

    /// Checks that these are the claims of an access token.
    pub(super) fn check(self, claims: &Claims) -> Result<(), TokenRejected> {
        // Keycloak wrote it into all its tokens before release 25.
        if self != Self::Keycloak && claims.get("nonce").is_some() {
            return Err(NotAcceptable("it is an ID token (nonce), and not an access token"));
        }
        match self {
            Self::Rfc9068 => Ok(()),
            Self::Keycloak if claims.text("typ") == Some("Bearer") => Ok(()),
            Self::Keycloak => Err(NotAcceptable("its claim of a type (typ) is not that of an access token")),
            Self::Entra => check_entra(claims),
            Self::Okta => check_okta(claims),
            Self::Auth0 => check_auth0(claims),
            Self::Cognito if claims.text("token_use") == Some("access") => Ok(()),
            Self::Cognito => Err(NotAcceptable("its use (token_use) is not access")),
        }
    }
}

fn check_entra(claims: &Claims) -> Result<(), TokenRejected> {
    match claims.text("ver") {
        Some("2.0") => {}
        Some("1.0") => {
            return Err(NotAcceptable(
                "it is a token of version 1.0 (ver); the API has to ask for version 2 in its manifest \
                 (requestedAccessTokenVersion)",
            ));
        }
        _ => return Err(NotAcceptable("its version (ver) is not 2.0")),
    }
    // An ID token of the same application can have its audience and its roles, but was not asked for by another
    // program.
    if !is_name(claims.get("azp")) || !has_any(claims, &["scp", "roles"]) {
        return Err(NotAcceptable(
            "it is not an access token, which names its client (azp) and a scope (scp) or roles",
        ));
    }
    // The issuer has the tenant in its name; a token that says two tenants is none of Entra's.
    let is_of_tenant = |tenant: &Value| {
        let issuer = claims.text("iss").unwrap_or_default();
        tenant.as_str().is_some_and(|tenant| issuer.split('/').any(|part| part == tenant))
    };
    if claims.get("tid").is_some_and(|tenant| !is_of_tenant(tenant)) {
        return Err(NotAcceptable("its tenant (tid) is not that of its issuer (iss)"));
    }
    Ok(())
}

fn check_okta(claims: &Claims) -> Result<(), TokenRejected> {
    if !is_name(claims.get("cid")) || !has_any(claims, &["scp"]) {
        return Err(NotAcceptable("it is not an access token, which names its client (cid) and its scopes (scp)"));
    }
    if claims.text("jti").is_some_and(|id| id.starts_with("ID.")) {
        return Err(NotAcceptable("it is an ID token (jti), and not an access token"));
    }
    Ok(())
}

fn check_auth0(claims: &Claims) -> Result<(), TokenRejected> {
    if is_name(claims.get("azp")) || is_name(claims.get("client_id")) {
        if has_any(claims, &["scope", "permissions"]) {
            return Ok(());
        }
        return Err(NotAcceptable("it is not an access token, which has a scope (scope) or permissions"));
    }
    Err(NotAcceptable("it is not an access token, which names its client (azp, client_id)"))
}

fn is_name(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str).is_some_and(|name| !name.is_empty())
}

fn has_any(claims: &Claims, names: &[&str]) -> bool {
    names.iter().any(|name| claims.get(name).is_some())
}
