//! What values of claims stand for, in a file: `{"tid": {"<a tenant>": ["<a UUID>", …]}, "azp": {"<a program>": "*"}}`.

use std::collections::BTreeMap;
use std::fmt;

use prediction_domain::model::{OrganisationId, Path, Scope};
use serde_json::{Map, Value};

use super::{ClaimPath, EVERY_ORGANISATION, MAX_ORGANISATIONS};
use crate::TokenRejected;
use crate::claims_set::Claims;
use prediction_strict_json::{self as strict_json, StrictJsonError};

/// The longest table that is read.
pub const MAX_TABLE_BYTES: usize = 1024 * 1024;

/// The most mistakes that are told.
const MAX_TOLD: usize = 20;

/// For each claim, the organisations that its values stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganisationTable(BTreeMap<ClaimPath, BTreeMap<String, Scope>>);

/// A table that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It has more than [`MAX_TABLE_BYTES`] bytes.
    #[error("it is longer than {} KiB", MAX_TABLE_BYTES / 1024)]
    TooLong,
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    NotJson(#[from] StrictJsonError),
    /// All that is wrong in it.
    #[error("{}", told(.0))]
    Mistakes(Vec<TableMistake>),
}

/// Something wrong in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableMistake {
    /// Where, as a JSON pointer (RFC 6901); empty is the whole.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for TableMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "the whole" } else { &self.pointer };
        write!(f, "{place} {}", self.message)
    }
}

fn told(mistakes: &[TableMistake]) -> String {
    let mut told: Vec<_> = mistakes.iter().take(MAX_TOLD).map(ToString::to_string).collect();
    if mistakes.len() > MAX_TOLD {
        told.push(format!("and {} more", mistakes.len() - MAX_TOLD));
    }
    told.join("; ")
}

impl OrganisationTable {
    /// Reads a table, and tells all that is wrong in it.
    pub fn parse(bytes: &[u8]) -> Result<Self, TableError> {
        if bytes.len() > MAX_TABLE_BYTES {
            return Err(TableError::TooLong);
        }
        let parsed = strict_json::parse(bytes)?;
        let mut reading = Reading { mistakes: Vec::new() };
        for path in &parsed.duplicates {
            reading.mistake(path, "stands there more than once");
        }
        let table = reading.table(&parsed.value().into());
        if reading.mistakes.is_empty() { Ok(table) } else { Err(TableError::Mistakes(reading.mistakes)) }
    }

    /// All that the claims of a token stand for.
    pub(super) fn scope(&self, claims: &Claims) -> Result<Scope, TokenRejected> {
        let mut organisations = Vec::new();
        for (claim, rows) in &self.0 {
            for value in claim.texts(claims)? {
                match rows.get(value) {
                    None => {}
                    Some(Scope::Platform) => return Ok(Scope::Platform),
                    Some(Scope::Organisations(ids)) => organisations.extend(ids.iter().copied()),
                }
            }
        }
        Ok(Scope::of(organisations))
    }
}

struct Reading {
    mistakes: Vec<TableMistake>,
}

impl Reading {
    fn mistake(&mut self, path: &Path, message: impl Into<String>) {
        let pointer = path.to_json_pointer().replace(char::is_control, "\u{fffd}");
        self.mistakes.push(TableMistake { pointer, message: message.into() });
    }

    fn members<'a>(&mut self, value: &'a Value, path: &Path, what: &str) -> Option<&'a Map<String, Value>> {
        let members = value.as_object().filter(|members| !members.is_empty());
        if members.is_none() {
            self.mistake(path, format!("is not an object with at least one {what} in it"));
        }
        members
    }

    fn table(&mut self, value: &Value) -> OrganisationTable {
        let mut table = BTreeMap::new();
        for (claim, rows) in self.members(value, &Path::root(), "claim").into_iter().flatten() {
            let path = Path::root().member(claim.clone());
            let found = match ClaimPath::parse(claim) {
                Ok(found) if !claim.is_empty() => Some(found),
                Ok(_) => {
                    self.mistake(&path, "is the name of no claim");
                    None
                }
                Err(error) => {
                    self.mistake(&path, error.to_string());
                    None
                }
            };
            let rows = self.rows(rows, &path);
            // Two ways to write one claim: by its name, and as a pointer.
            if let Some(found) = found
                && table.insert(found, rows).is_some()
            {
                self.mistake(&path, "is a claim that stands there in another way, too");
            }
        }
        OrganisationTable(table)
    }

    fn rows(&mut self, value: &Value, path: &Path) -> BTreeMap<String, Scope> {
        let mut rows = BTreeMap::new();
        for (text, organisations) in self.members(value, path, "value of the claim").into_iter().flatten() {
            if let Some(scope) = self.organisations(organisations, &path.member(text.clone())) {
                rows.insert(text.clone(), scope);
            }
        }
        rows
    }

    fn organisations(&mut self, value: &Value, path: &Path) -> Option<Scope> {
        let ids = match value {
            Value::String(all) if all == EVERY_ORGANISATION => return Some(Scope::Platform),
            Value::Array(ids) if (1..=MAX_ORGANISATIONS).contains(&ids.len()) => ids,
            _ => {
                self.mistake(path, format!("is neither a list of 1 to {MAX_ORGANISATIONS} UUIDs nor \"*\""));
                return None;
            }
        };
        let mut read = Vec::new();
        for (index, id) in ids.iter().enumerate() {
            match id.as_str().map(OrganisationId::parse) {
                Some(Ok(id)) if read.contains(&id) => self.mistake(&path.index(index), "stands in the list before it"),
                Some(Ok(id)) => read.push(id),
                Some(Err(problem)) => self.mistake(&path.index(index), problem.message),
                None => self.mistake(&path.index(index), "is not a text"),
            }
        }
        Some(Scope::of(read))
    }
}
