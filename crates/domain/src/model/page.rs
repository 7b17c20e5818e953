//! Lists, paged by position ("keyset").

use super::weight::Weight;

/// A place in a list in creation order, behind some item.
///
/// Stores number what is created, one after the other, and list it by that number. No clock is asked: those of two
/// replicas differ, and every one is put right now and then.
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
    budget: usize,
    /// The items behind this place; from the beginning when `None`.
    pub after: Option<Place>,
}

impl PageRequest {
    /// The items on a page when the request does not say how many.
    pub const DEFAULT_LIMIT: u16 = 50;
    /// The most items on a page.
    pub const MAX_LIMIT: u16 = 200;
    /// How much the items of a page weigh together: [`Weight`]. A page of one item may weigh more.
    pub const BUDGET: usize = 1 << 20;
}

impl<Place> PageRequest<Place> {
    /// A page of 1 to [`MAX_LIMIT`](PageRequest::MAX_LIMIT) items.
    #[must_use]
    pub fn new(limit: u16, after: Option<Place>) -> Option<Self> {
        let budget = PageRequest::BUDGET;
        (1..=PageRequest::MAX_LIMIT).contains(&limit).then_some(Self { limit, budget, after })
    }

    /// The same with another budget.
    #[must_use]
    pub fn within(self, budget: usize) -> Self {
        Self { budget, ..self }
    }

    /// The same with so many items at the most; one at the least.
    #[must_use]
    pub fn shorter(self, limit: usize) -> Self {
        let limit = u16::try_from(limit).map_or(self.limit, |limit| limit.clamp(1, self.limit));
        Self { limit, ..self }
    }

    /// The same part of another list, behind that place.
    #[must_use]
    pub fn behind<Other>(self, after: Option<Other>) -> PageRequest<Other> {
        PageRequest { limit: self.limit, budget: self.budget, after }
    }

    /// How many items at the most.
    #[must_use]
    pub fn limit(&self) -> usize {
        usize::from(self.limit)
    }

    /// How much they weigh together at the most, unless there is only one.
    #[must_use]
    pub fn budget(&self) -> usize {
        self.budget
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

impl<T: Weight, Place: Copy> Page<T, Place> {
    /// Fills a page, as far as its limit and its budget allow, with what `read` gives: so many items behind a place, in
    /// order.
    ///
    /// It is asked for so many at once at the most, so that no more of what is heavy is read than a page can hold, give
    /// or take a few; and for one more than the page holds, which tells whether there is another page.
    pub fn filled<E>(
        request: &PageRequest<Place>,
        most_at_once: usize,
        mut read: impl FnMut(Option<Place>, usize) -> Result<Vec<(T, Place)>, E>,
    ) -> Result<Self, E> {
        let mut filling = Filling { request, items: Vec::new(), last: None, weight: 0, is_more: false };
        let mut after = request.after;
        loop {
            let wanted = filling.wants().min(most_at_once.max(1));
            let found = read(after, wanted)?;
            let is_end = found.len() < wanted;
            after = found.last().map(|(_, place)| *place).or(after);
            let is_full = !filling.take(found);
            if is_full || is_end {
                return Ok(filling.finish());
            }
        }
    }

    /// A page of what was found when it was asked for one item more than the page holds, with the places of the items.
    #[must_use]
    pub fn of_placed(found: Vec<(T, Place)>, request: &PageRequest<Place>) -> Self {
        let mut filling = Filling { request, items: Vec::new(), last: None, weight: 0, is_more: false };
        filling.take(found);
        filling.finish()
    }
}

/// A page that is being filled.
struct Filling<'r, T, Place> {
    request: &'r PageRequest<Place>,
    items: Vec<T>,
    last: Option<Place>,
    weight: usize,
    is_more: bool,
}

impl<T: Weight, Place: Copy> Filling<'_, T, Place> {
    /// How many more items there may be, with the one that only tells that there is another page.
    fn wants(&self) -> usize {
        if self.weight >= self.request.budget { 1 } else { self.request.limit() - self.items.len() + 1 }
    }

    /// Takes items as long as there is room, and tells whether there was for all.
    fn take(&mut self, found: Vec<(T, Place)>) -> bool {
        for (item, place) in found {
            let weight = self.weight + item.weight();
            let is_heavy = !self.items.is_empty() && weight > self.request.budget;
            if is_heavy || self.items.len() == self.request.limit() {
                self.is_more = true;
                return false;
            }
            self.weight = weight;
            self.last = Some(place);
            self.items.push(item);
        }
        true
    }

    fn finish(self) -> Page<T, Place> {
        Page { next: self.last.filter(|_| self.is_more), items: self.items }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stone(usize);

    impl Weight for Stone {
        fn weight(&self) -> usize {
            self.0
        }
    }

    /// All pages of stones of these weights, and how many were read at most beyond what the pages hold.
    fn pages(weights: &[usize], limit: u16, budget: usize, at_once: usize) -> Vec<Vec<usize>> {
        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let request = PageRequest::new(limit, after).unwrap().within(budget);
            let page = Page::filled(&request, at_once, |after: Option<usize>, wanted| {
                let from = after.map_or(0, |place| place + 1);
                let found = weights.iter().enumerate().skip(from).take(wanted);
                Ok::<_, ()>(found.map(|(place, weight)| (Stone(*weight), place)).collect())
            });
            let page = page.unwrap();
            pages.push(page.items.iter().map(|stone| stone.0).collect());
            after = page.next;
            if after.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn a_page_ends_by_its_limit_or_its_budget_and_has_an_item_at_least() {
        for at_once in [1, 2, 3, 100] {
            assert_eq!(pages(&[], 2, 10, at_once), [[0; 0]]);
            assert_eq!(pages(&[1, 1, 1], 2, 10, at_once), [vec![1, 1], vec![1]]);
            assert_eq!(pages(&[5, 5, 5], 9, 10, at_once), [vec![5, 5], vec![5]]);
            assert_eq!(pages(&[4, 7, 3, 70, 70], 9, 10, at_once), [vec![4], vec![7, 3], vec![70], vec![70]]);
            assert_eq!(pages(&[10, 0, 1], 9, 10, at_once), [vec![10, 0], vec![1]]);
        }
    }
}
