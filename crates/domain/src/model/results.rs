//! Runs and what they predict, and what of them is kept.

mod kept_history;
mod run;
mod run_number;
mod value_count;

pub use kept_history::{JobPlace, Keep, KeptHistory, LEAST_KEPT_RUNS};
pub use run::{
    MAX_PREDICTIONS, MAX_SECONDS_AHEAD, PREDICTIONS, Prediction, PredictionPosition, PredictionsDigest, Run,
    RunPosition, RunStatus, latest_issue,
};
pub use run_number::{ReadingPosition, RunNumber};
pub use value_count::ValueCount;
