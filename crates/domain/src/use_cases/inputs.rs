//! The directory of inputs.

mod delete_input;
mod directory;
mod import_inputs;
pub(crate) mod known;
mod list_candidates;
mod name_organisation;
pub(in crate::use_cases) mod put_input;
mod read_inputs;
pub(crate) mod unfit;

use directory::Directory;

pub use delete_input::delete_input;
pub use import_inputs::{ImportedInput, InputsImported, import_inputs};
pub use list_candidates::{
    Candidate, CandidateFit, CandidatePlace, CandidatePosition, CandidateQuestion, CandidateSubject, list_candidates,
};
pub use name_organisation::name_organisation;
pub use put_input::{InputOutcome, InputPut, put_input};
pub use read_inputs::{InputUse, get_input, get_organisation, list_input_uses, list_inputs, list_organisations};
