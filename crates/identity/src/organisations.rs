//! Which organisations the bearer of a token may see: from a claim with them, from the names of groups, or from a
//! table.

mod table;

use std::fmt;

use prediction_domain::model::{OrganisationId, Scope};
use serde_json::Value;

use super::TokenRejected;
use super::TokenRejected::NotAcceptable;
use super::claims_set::Claims;

pub use table::{MAX_TABLE_BYTES, OrganisationTable, TableError, TableMistake};

/// The most organisations in one token. (The length of a token limits a list of them to about 300.)
pub const MAX_ORGANISATIONS: usize = 1_000;

/// What the organisations claim of the platform's operators and of runners says.
pub const EVERY_ORGANISATION: &str = "*";

/// Where a token says which organisations the caller may see.
#[derive(Debug, Clone)]
pub enum OrganisationRules {
    /// In a list of their ids, or as [`EVERY_ORGANISATION`].
    Listed(ClaimPath),
    /// By other names than their ids. What any of them finds counts, and what none finds is of others.
    Named {
        /// Groups whose names are a prefix and an id.
        groups: Option<GroupNames>,
        /// What the values of claims stand for.
        table: OrganisationTable,
    },
}

/// Groups whose names are a prefix and the id of an organisation. No name of a group stands for all organisations, for
/// the people who name groups would decide that; only a table can say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupNames {
    /// The claim that has the groups of the caller.
    pub claim: ClaimPath,
    /// What their names begin with.
    pub prefix: String,
}

/// Where a claim is: a name of a claim, or the way to it as a JSON pointer (RFC 6901), which begins with a slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClaimPath {
    first: String,
    /// The rest of the pointer, if it has any.
    rest: String,
}

/// A text that begins with a slash and is no JSON pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a JSON pointer: after a tilde only 0 or 1 can follow")]
pub struct NotAPointer;

impl ClaimPath {
    /// The claim of that name, whatever is in the name.
    pub fn name(name: impl Into<String>) -> Self {
        Self { first: name.into(), rest: String::new() }
    }

    /// A name, or a pointer if the text begins with a slash.
    pub fn parse(text: &str) -> Result<Self, NotAPointer> {
        let Some(pointer) = text.strip_prefix('/') else { return Ok(Self::name(text)) };
        if text.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1'])) {
            return Err(NotAPointer);
        }
        let (first, rest) = pointer.split_at(pointer.find('/').unwrap_or(pointer.len()));
        Ok(Self { first: first.replace("~1", "/").replace("~0", "~"), rest: rest.to_owned() })
    }

    fn find<'a>(&self, claims: &'a Claims) -> Result<Option<&'a Value>, TokenRejected> {
        let claim = claims.get(&self.first);
        // An issuer that has no room for all groups leaves them out and says where they are (OIDC Core 1.0, section
        // 5.6.2).
        let left_out = || claims.get("_claim_names").and_then(|names| names.get(&self.first)).is_some();
        if claim.is_none() && left_out() {
            return Err(NotAcceptable(
                "its claim of organisations or groups was left out by the issuer (_claim_names)",
            ));
        }
        Ok(claim.and_then(|claim| claim.pointer(&self.rest)))
    }

    /// The texts that are there: one, or a list of them. Absent is none; anything else is refused, never taken for
    /// absent.
    fn texts<'a>(&self, claims: &'a Claims) -> Result<Vec<&'a str>, TokenRejected> {
        let refused = NotAcceptable("a claim that its organisations depend on is neither a text nor a list of texts");
        match self.find(claims)? {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(texts)) => texts.iter().map(Value::as_str).collect::<Option<_>>().ok_or(refused),
            Some(_) => Err(refused),
        }
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rest.is_empty() {
            return f.write_str(&self.first);
        }
        write!(f, "/{}{}", self.first.replace('~', "~0").replace('/', "~1"), self.rest)
    }
}

impl OrganisationRules {
    pub(super) fn scope(&self, claims: &Claims) -> Result<Scope, TokenRejected> {
        match self {
            Self::Listed(claim) => listed(claim.find(claims)?),
            Self::Named { groups, table } => {
                let of_groups = groups.as_ref().map(|groups| groups.organisations(claims)).transpose()?;
                let of_table = table.scope(claims)?;
                Ok(match of_table {
                    Scope::Platform => Scope::Platform,
                    Scope::Organisations(ids) => Scope::of(ids.iter().copied().chain(of_groups.into_iter().flatten())),
                })
            }
        }
    }
}

impl GroupNames {
    /// The organisations that groups are named after. Other groups may begin alike; they stand for none.
    fn organisations(&self, claims: &Claims) -> Result<Vec<OrganisationId>, TokenRejected> {
        let refused = NotAcceptable("its claim of groups is not a list of at most 1000 texts");
        let Some(groups) = self.claim.find(claims)? else { return Ok(Vec::new()) };
        let groups = groups.as_array().filter(|groups| groups.len() <= MAX_ORGANISATIONS).ok_or(refused)?;
        let groups: Vec<&str> = groups.iter().map(Value::as_str).collect::<Option<_>>().ok_or(refused)?;
        let named = groups.into_iter().filter_map(|group| group.strip_prefix(&self.prefix));
        Ok(named.filter_map(|id| OrganisationId::parse(id).ok()).collect())
    }
}

fn listed(claim: Option<&Value>) -> Result<Scope, TokenRejected> {
    let refused = NotAcceptable("its claim of organisations is neither a list of at most 1000 UUIDs nor an asterisk");
    match claim {
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

#[cfg(test)]
mod tests;
