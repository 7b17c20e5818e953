use prediction_domain::requests::Sent;
use serde::{Deserialize, Serialize};

use crate::fields::{Fields, Shape};
use crate::rules::REVISION;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items, in creation order.
    pub items: Vec<T>,
    /// Where the next page starts; null on the last one.
    pub next_cursor: Option<String>,
}

/// What is to be deleted: the revision, if the caller says one.
pub static DELETE: Shape<Sent<i128>> = Shape {
    name: "DeleteRequest",
    about: "What is to be deleted. The body can be left out.",
    members: |fields: &mut Fields<'_>| {
        fields.whole_number("revision", REVISION.nullable().about("Only this revision is deleted, like If-Match."))
    },
};
