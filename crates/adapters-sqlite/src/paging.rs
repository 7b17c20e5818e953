//! Pages.

use prediction_domain::model::Position;
use prediction_domain::ports::StoreFailure;

use crate::rows::CorruptRow;

/// How many rows are read at once: as many as hold a few MiB, if each is as large as it can be.
pub(crate) mod at_once {
    /// Of 200 bindings and outputs.
    pub(crate) const JOBS: usize = 32;
    /// As large as a request.
    pub(crate) const WHOLE_VERSIONS: usize = 8;
    /// With a description.
    pub(crate) const TEXTS: usize = 64;
}

/// `LIMIT`.
pub(crate) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Makes items of rows that come with their places in creation order.
pub(crate) fn placed<Row, Model>(rows: &[(Row, i64)]) -> Result<Vec<(Model, Position)>, StoreFailure>
where
    Model: for<'a> TryFrom<&'a Row, Error = CorruptRow>,
{
    let placed = rows.iter().map(|(row, number)| Ok((Model::try_from(row)?, Position::behind(*number))));
    Ok(placed.collect::<Result<_, CorruptRow>>()?)
}
