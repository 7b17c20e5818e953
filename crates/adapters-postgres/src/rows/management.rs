use std::error::Error;

use prediction_domain::model::{Management, SetName};

use super::revision;

/// The two columns that say which set keeps a thing.
pub(crate) fn stored_management(management: Option<&Management>) -> (Option<&str>, Option<i64>) {
    management.map(|Management { set, revision }| (set.as_str(), revision.as_i64())).unzip()
}

/// The other way round.
pub(super) fn management(
    set: Option<&str>,
    number: Option<i64>,
) -> Result<Option<Management>, Box<dyn Error + Send + Sync>> {
    match (set, number) {
        (None, None) => Ok(None),
        (Some(set), Some(number)) => Ok(Some(Management { set: SetName::restore(set)?, revision: revision(number)? })),
        _ => Err("a set and its revision come together".into()),
    }
}
