//! What an error of SQLite means to the domain.

use diesel::result::Error as DieselError;
use prediction_domain::ports::StoreFailure;

use crate::start_up::SqliteComplaint;

/// What a failure of SQLite means: whether trying again may help, or an operator has to look after the file.
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
