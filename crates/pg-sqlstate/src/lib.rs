//! The SQLSTATE of an error of PostgreSQL.
//!
//! What an error means is said by its SQLSTATE. Its message is for people, and in their language. diesel reads the
//! SQLSTATE, makes one of a few kinds of it, and keeps it to itself (ADR 20). So it is read here from where diesel has
//! it: the one crate of the workspace with `unsafe` in it, and nothing else in it.
//!
//! What this relies on holds for one version of diesel, so the workspace names that one exactly, a test reads codes
//! from a server, and the service does so whenever it starts.

use std::ffi::CStr;
use std::fmt;

use diesel::result::{DatabaseErrorInformation, Error};

/// Five letters and digits that say what went wrong
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SqlState([u8; 5]);

impl SqlState {
    /// Reads the code of an error. `None` if there is none, since the error was not made by a server.
    #[must_use]
    pub fn of(error: &Error) -> Option<Self> {
        match error {
            Error::DatabaseError(_, information) => Self::of_information(&**information),
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::of(commit_error),
            _ => None,
        }
    }

    /// Takes five letters or digits for a code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 5] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_alphanumeric).then_some(Self(code))
    }

    /// All of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // It was made of ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The first two characters: of what sort it is.
    #[must_use]
    pub fn class(&self) -> &str {
        self.as_str().get(..2).unwrap_or_default()
    }

    fn of_information(information: &(dyn DatabaseErrorInformation + Send + Sync)) -> Option<Self> {
        let field = field_of(information)?;
        Self::parse(field.to_str().ok()?)
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqlState({self})")
    }
}

/// The field of the result that has the code, for as long as there is the result.
#[expect(unsafe_code, reason = "diesel gives no access to the result, and libpq is C")]
#[expect(clippy::cast_ptr_alignment, reason = "it is compared first")]
fn field_of(information: &(dyn DatabaseErrorInformation + Send + Sync)) -> Option<&CStr> {
    // On PostgreSQL diesel has two types behind this trait: `String`, which is three words, for what went wrong before
    // anything was sent, and a type whose one field is the pointer to a `PGresult`.
    let is_pointer = size_of_val(information) == size_of::<*const pq_sys::PGresult>()
        && align_of_val(information) == align_of::<*const pq_sys::PGresult>();
    if !is_pointer {
        return None;
    }
    let place = std::ptr::from_ref(information).cast::<*const pq_sys::PGresult>();
    // SAFETY: `place` is of a value that is borrowed, as large as a pointer and aligned like one. In the one version of
    // diesel that the workspace admits, that value is a `NonNull<PGresult>` and nothing beside.
    let result = unsafe { *place };
    let field = |code: u8| {
        // SAFETY: `result` is a `PGresult` that diesel has not freed, since its owner is borrowed.
        let text = unsafe { pq_sys::PQresultErrorField(result, code.into()) };
        // SAFETY: libpq gives null or a text that ends with a zero byte, and lives as long as the result does.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
    };
    // diesel reads its message from the same result, and does not copy it.
    let is_the_result = field(b'M')?.as_ptr().cast() == information.message().as_ptr();
    if is_the_result { field(b'C') } else { None }
}

#[cfg(test)]
mod tests {
    use diesel::result::DatabaseErrorKind;

    use super::*;

    #[test]
    fn a_code_is_five_letters_and_digits() {
        let code = SqlState::parse("40P01").map(|code| (code.to_string(), code.class().to_owned()));
        assert_eq!(code, Some(("40P01".to_owned(), "40".to_owned())));
        for text in ["", "4000", "400011", "4000\u{e4}", "4000 ", "40-01"] {
            assert_eq!(SqlState::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_no_server_has_said_has_no_code() {
        let of = |kind, message: &str| SqlState::of(&Error::DatabaseError(kind, Box::new(message.to_owned())));
        assert_eq!(of(DatabaseErrorKind::UnableToSendCommand, "no connection to the server"), None);
        assert_eq!(of(DatabaseErrorKind::Unknown, "40P01"), None);
        assert_eq!(SqlState::of(&Error::NotFound), None);
    }

    /// Any other type of that size would be taken for the pointer; there is none in diesel, and this says why it
    /// matters.
    #[test]
    fn the_type_of_texts_is_not_as_large_as_a_pointer() {
        assert_ne!(size_of::<String>(), size_of::<*const pq_sys::PGresult>());
    }
}
