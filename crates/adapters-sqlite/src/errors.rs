//! What an error of SQLite means to the domain.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use prediction_domain::ports::StoreFailure;

use crate::start_up::SqliteComplaint;

/// A rule of the schema that a write would have broken. Only the statement is undone by it, the transaction goes on.
#[derive(Debug)]
pub(crate) enum ConstraintViolation {
    /// The id or the natural key is taken.
    Taken,
    /// What the row refers to is not there, or what is to be deleted is still referred to.
    Reference,
    /// Any other constraint: the writer did not keep to the model.
    Rule(DieselError),
}

/// Where no refusal, or not this one, is an answer of the port.
impl From<ConstraintViolation> for StoreFailure {
    fn from(refusal: ConstraintViolation) -> Self {
        match refusal {
            ConstraintViolation::Taken => Self::Internal("a unique value is taken by nobody that can be found".into()),
            ConstraintViolation::Reference => Self::Internal("a reference of a row that has none was refused".into()),
            ConstraintViolation::Rule(error) => Self::Internal(error.into()),
        }
    }
}

/// What each unique constraint is of. SQLite does not name the constraint, only its columns.
///
/// Those that are not listed, if any are ever added, are nobody's answer yet: a breach of one is an internal failure.
const UNIQUE_COLUMNS: [&str; 8] = [
    "sources.id",
    "sources.name_key",
    "source_versions.id",
    "source_versions.source_id, source_versions.version_key",
    "source_versions.source_id, source_versions.id",
    "jobs.id",
    "jobs.organisation_id, jobs.id",
    "jobs.organisation_id, jobs.name",
];

/// Tells a refusal, which is an answer, from a failure.
pub(crate) fn refused<T>(written: Result<T, DieselError>) -> Result<Result<T, ConstraintViolation>, DieselError> {
    match written {
        Ok(value) => Ok(Ok(value)),
        Err(error) => refusal(error).map(Err),
    }
}

fn refusal(error: DieselError) -> Result<ConstraintViolation, DieselError> {
    let DieselError::DatabaseError(kind, information) = &error else {
        return Err(error);
    };
    match kind {
        DatabaseErrorKind::UniqueViolation => {
            let columns = information.message().strip_prefix("UNIQUE constraint failed: ");
            let is_known = columns.is_some_and(|columns| UNIQUE_COLUMNS.contains(&columns));
            Ok(if is_known { ConstraintViolation::Taken } else { ConstraintViolation::Rule(error) })
        }
        DatabaseErrorKind::ForeignKeyViolation => Ok(ConstraintViolation::Reference),
        DatabaseErrorKind::CheckViolation | DatabaseErrorKind::NotNullViolation => Ok(ConstraintViolation::Rule(error)),
        _ => Err(error),
    }
}

/// What a failure of SQLite means: whether trying again may help, or somebody has to look after the file.
pub(crate) fn store_failure(error: DieselError) -> StoreFailure {
    let complaint = match &error {
        DieselError::DatabaseError(_, information) => SqliteComplaint::of(information.message()),
        _ => None,
    };
    match complaint {
        Some(SqliteComplaint::Malformed | SqliteComplaint::NotADatabase) => StoreFailure::Corrupt(error.into()),
        Some(SqliteComplaint::Full | SqliteComplaint::ReadOnly) => StoreFailure::NotWritable(error.into()),
        Some(SqliteComplaint::CannotOpen | SqliteComplaint::InputOutput | SqliteComplaint::Locked) => {
            StoreFailure::Unavailable(error.into())
        }
        None => StoreFailure::Internal(error.into()),
    }
}

/// Lets `?` turn a failure of diesel into the errors of the ports, which know nothing of it.
pub(crate) trait OrStoreFailure<T> {
    fn or_store_failure(self) -> Result<T, StoreFailure>;
}

impl<T> OrStoreFailure<T> for Result<T, DieselError> {
    fn or_store_failure(self) -> Result<T, StoreFailure> {
        self.map_err(store_failure)
    }
}
