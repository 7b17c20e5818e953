use crate::model::{Page, PageRequest, Position};
use crate::use_cases::UseCaseError;

/// How many parts of a list are read for one page.
const MOST_PARTS: usize = 20;

/// A page of those items of a list that `keep` keeps, where they may be few. The page may have fewer than there are, or
/// none, and be followed by others: how much of the list is read for it has a bound.
pub(super) fn sift<Item, Kept>(
    page: &PageRequest,
    list: impl Fn(&PageRequest) -> Result<Page<Item>, UseCaseError>,
    mut keep: impl FnMut(Vec<Item>) -> Result<Vec<Kept>, UseCaseError>,
) -> Result<Page<Kept>, UseCaseError> {
    let mut items = Vec::new();
    let mut after: Option<Position> = page.after;
    for _ in 0..MOST_PARTS {
        // No more than there is room for, so that the place behind the last one is known.
        let mut part = page.shorter(page.limit() - items.len());
        part.after = after;
        let found = list(&part)?;
        items.append(&mut keep(found.items)?);
        after = found.next;
        if after.is_none() || items.len() >= page.limit() {
            break;
        }
    }
    Ok(Page { items, next: after })
}
