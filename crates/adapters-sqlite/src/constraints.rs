//! What a violation of each constraint of the tables means.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use prediction_domain::ports::StoreFailure;

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
            ConstraintViolation::Taken => {
                Self::Internal("a unique value is taken by a row that cannot be found".into())
            }
            ConstraintViolation::Reference => Self::Internal("a reference of a row that has none was refused".into()),
            ConstraintViolation::Rule(error) => Self::Internal(error.into()),
        }
    }
}

/// What each unique constraint is of. SQLite does not name the constraint, only its columns.
///
/// No port answers with a violation of one that is not listed: it is an internal failure.
const UNIQUE_COLUMNS: [&str; 9] = [
    "sources.id",
    "sources.name_key",
    "source_versions.id",
    "source_versions.source_id, source_versions.version_key",
    "source_versions.source_id, source_versions.id",
    "jobs.id",
    "jobs.organisation_id, jobs.id",
    "jobs.organisation_id, jobs.name",
    "inputs.organisation_id, inputs.id",
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
