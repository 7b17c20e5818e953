//! Signatures, by way of biscuit.

use std::panic::{AssertUnwindSafe, catch_unwind};

use biscuit::Empty;
use biscuit::jwa::SignatureAlgorithm;
use biscuit::jws::{Compact, Secret};

use super::TokenRejected;
use super::TokenRejected::NotAcceptable;

/// The payload of a token, if the token is signed with that key.
///
/// The form and the header of the token must have been checked with [`HeaderRules`](super::header::HeaderRules), and
/// the key must be one of that algorithm: biscuit panics on some tokens and on keys of another family. Whatever of that
/// is still left is caught, and refused.
pub fn verified_payload(token: &str, key: &Secret, algorithm: SignatureAlgorithm) -> Result<Vec<u8>, TokenRejected> {
    // Nothing is shared with the closure but the key, which no decoding changes.
    catch_unwind(AssertUnwindSafe(|| match Compact::<Vec<u8>, Empty>::new_encoded(token).decode(key, algorithm) {
        Ok(Compact::Decoded { payload, .. }) => Some(payload),
        Ok(Compact::Encoded(_)) | Err(_) => None,
    }))
    .ok()
    .flatten()
    .ok_or(NotAcceptable("its signature does not match"))
}
