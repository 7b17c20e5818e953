//! Lists, paged by position ("keyset").

/// A place in a list in creation order, behind some item.
///
/// Stores number what is created, one after the other, and list it by that number. No clock is asked: those of two replicas
/// differ, and every one is put right now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(i64);

impl Position {
    /// Behind the item with that number. Items may lie behind any number, so there is none that is wrong.
    #[must_use]
    pub const fn behind(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest<Place = Position> {
    limit: u16,
    /// The items behind this place; from the beginning when `None`.
    pub after: Option<Place>,
}

impl PageRequest {
    /// The items on a page when nobody says how many.
    pub const DEFAULT_LIMIT: u16 = 50;
    /// The most items on a page.
    pub const MAX_LIMIT: u16 = 200;
}

impl<Place> PageRequest<Place> {
    /// A page of 1 to [`MAX_LIMIT`](PageRequest::MAX_LIMIT) items.
    #[must_use]
    pub fn new(limit: u16, after: Option<Place>) -> Option<Self> {
        (1..=PageRequest::MAX_LIMIT).contains(&limit).then_some(Self { limit, after })
    }

    /// How many items at the most.
    #[must_use]
    pub fn limit(&self) -> usize {
        usize::from(self.limit)
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, Place = Position> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<Place>,
}

impl<T, Place> Page<T, Place> {
    /// Makes a page of what a store found when it was asked for one item more than the page holds.
    #[must_use]
    pub fn of_one_too_many(mut found: Vec<T>, request: &PageRequest<Place>, place: impl Fn(&T) -> Place) -> Self {
        let more = found.len() > request.limit();
        found.truncate(request.limit());
        let next = if more { found.last().map(place) } else { None };
        Self { items: found, next }
    }

    /// Likewise, of items that come with their places.
    #[must_use]
    pub fn of_placed(mut found: Vec<(T, Place)>, request: &PageRequest<Place>) -> Self
    where
        Place: Copy,
    {
        let more = found.len() > request.limit();
        found.truncate(request.limit());
        let next = if more { found.last().map(|(_, place)| *place) } else { None };
        Self { items: found.into_iter().map(|(item, _)| item).collect(), next }
    }
}
