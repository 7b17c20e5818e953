//! What the caller knows of the document.

use serde_json::{Map, Value};

/// What the document may have at its top, and which of its values must be text.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// The members of the document. Another one is a mistake.
    pub members: &'a [Member<'a>],
    /// What is expected at a place of the document: a JSON pointer with `*` for each item of a list, such as
    /// `/jobs/*/inputs/*/role`.
    pub expect: fn(&str) -> Expect,
}

/// A member of the document.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// Its name.
    pub name: &'a str,
    /// What becomes of it when several files have it.
    pub kind: Kind,
}

/// What becomes of a member that several files have.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Its values must be the same.
    Scalar,
    /// Their items stand one behind the other.
    List {
        /// What an item is known by.
        key: ItemKey,
    },
}

/// What an item of a list is known by, from the scalars of the document and the item. Two items of a list that are
/// known by the same text are a mistake; an item without one is like no other.
pub type ItemKey = fn(&Map<String, Value>, &Value) -> Option<String>;

/// What is expected at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Whatever stands there.
    Anything,
    /// Text: a number, a boolean, null or a date without quotes is a mistake.
    Text,
    /// The same, but null is allowed.
    TextOrNull,
}
