//! Runs and what they predict, as runners report them.

mod run;

pub use run::{PredictionDraft, RunDraft, validate_predictions};
