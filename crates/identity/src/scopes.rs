//! What the bearer of a token may do: from the claim where its issuer says so.

use std::collections::BTreeSet;

use prediction_domain::model::Permission;
use serde_json::Value;

use super::TokenRejected;
use super::TokenRejected::NotAcceptable;
use super::claims_set::Claims;

/// Where a token says what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeRules {
    /// The claims that may say so, the first of which a token has counts. The others are not read: what a user may do
    /// is no reason to let a program do it that the user or the issuer has allowed less.
    pub claims: Vec<ScopeClaim>,
    /// What stands before the name of each scope. A scope without it is of another service.
    pub prefix: String,
}

/// A claim with scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeClaim {
    /// Its name.
    pub name: String,
    /// Whether it can be a list of names, too, and not only a text with spaces between them.
    pub can_be_a_list: bool,
}

impl ScopeClaim {
    /// A text with spaces between the names (RFC 6749, section 3.3).
    pub fn text(name: impl Into<String>) -> Self {
        Self { name: name.into(), can_be_a_list: false }
    }

    /// Such a text, or a list of names.
    pub fn text_or_list(name: impl Into<String>) -> Self {
        Self { name: name.into(), can_be_a_list: true }
    }
}

impl ScopeRules {
    /// By the claim `scope` (RFC 9068, section 2.2.3).
    #[must_use]
    pub fn rfc9068() -> Self {
        Self { claims: vec![ScopeClaim::text("scope")], prefix: String::new() }
    }

    /// What the claims grant of what this service knows; the rest is for other services.
    pub(super) fn permissions(&self, claims: &Claims) -> Result<BTreeSet<Permission>, TokenRejected> {
        let found = self.claims.iter().find_map(|claim| Some((claim, claims.get(&claim.name)?)));
        match found {
            None => Ok(BTreeSet::new()),
            Some((_, Value::String(names))) => Ok(names.split(' ').filter_map(|name| self.permission(name)).collect()),
            Some((claim, Value::Array(names))) if claim.can_be_a_list => names
                .iter()
                .map(|name| name.as_str().map(|name| self.permission(name)))
                .collect::<Option<Vec<_>>>()
                .map(|permissions| permissions.into_iter().flatten().collect())
                .ok_or(NotAcceptable("its claim of a scope is a list with something else in it than texts")),
            Some((claim, _)) if claim.can_be_a_list => Err(NotAcceptable(
                "its claim of a scope is neither a text of names with spaces between them nor a list",
            )),
            Some(_) => Err(NotAcceptable("its scope is not a text of names with spaces between them")),
        }
    }

    fn permission(&self, name: &str) -> Option<Permission> {
        Permission::parse(name.strip_prefix(&self.prefix)?)
    }
}
