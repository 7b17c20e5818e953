//! Runs and what they predict.

mod delete_run;
mod purge;
mod read_runs;
mod report_run;
mod trace_prediction;

pub use delete_run::delete_run;
pub use purge::{Backlog, PurgeStep, Purger, SweptHistory};
pub use read_runs::{PredictionFilter, PredictionPage, get_run, list_output_predictions, list_predictions, list_runs};
pub use report_run::{RunReported, report_run};
pub use trace_prediction::{PredictionQuestion, Provenance, trace_prediction};
