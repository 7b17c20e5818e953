//! Where the directory of inputs is stored.

mod input_repository;

#[cfg(feature = "mocks")]
pub use input_repository::MockInputRepository;
pub use input_repository::{DeleteInputError, InputFilter, InputRepository, PutInputsError};
