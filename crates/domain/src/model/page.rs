//! Lists, paged by position ("keyset") in creation order.

use uuid::Uuid;

use super::timestamp::Timestamp;

/// A place in a list in creation order: behind the item that was created then and has this id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When the item was created.
    pub created_at: Timestamp,
    /// The item's id, which orders items of the same microsecond.
    pub id: Uuid,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    limit: u16,
    /// The items behind this position; from the beginning when `None`.
    pub after: Option<Position>,
}

impl PageRequest {
    /// The items on a page when nobody says how many.
    pub const DEFAULT_LIMIT: u16 = 50;
    /// The most items on a page.
    pub const MAX_LIMIT: u16 = 200;

    /// A page of 1 to [`Self::MAX_LIMIT`] items.
    #[must_use]
    pub fn new(limit: u16, after: Option<Position>) -> Option<Self> {
        (1..=Self::MAX_LIMIT).contains(&limit).then_some(Self { limit, after })
    }

    /// How many items at the most.
    #[must_use]
    pub fn limit(&self) -> usize {
        usize::from(self.limit)
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in creation order.
    pub items: Vec<T>,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<Position>,
}

impl<T> Page<T> {
    /// Makes a page of what a store found when it was asked for one item more than the page holds.
    #[must_use]
    pub fn of_one_too_many(mut found: Vec<T>, request: &PageRequest, position: impl Fn(&T) -> Position) -> Self {
        let more = found.len() > request.limit();
        found.truncate(request.limit());
        let next = if more { found.last().map(position) } else { None };
        Self { items: found, next }
    }
}
