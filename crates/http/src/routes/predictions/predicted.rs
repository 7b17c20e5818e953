use prediction_domain::model::{Caller, JobId, OutputId, ReadingPosition};
use prediction_domain::use_cases::{
    Ports, PredictionFilter, PredictionPage, UseCaseError, list_output_predictions, list_predictions,
};

/// Of what values are read.
#[derive(Debug, Clone, Copy)]
pub(in crate::routes) enum Predicted {
    /// Of a job.
    By(JobId),
    /// Of one output of a job.
    In(OutputId),
}

impl Predicted {
    /// Reads the next values.
    pub(super) fn read(
        self,
        ports: &Ports,
        caller: &Caller,
        filter: &PredictionFilter,
        after: Option<ReadingPosition>,
        limit: usize,
    ) -> Result<PredictionPage, UseCaseError> {
        match self {
            Self::By(id) => list_predictions(ports, caller, id, filter, after, limit),
            Self::In(id) => list_output_predictions(ports, caller, id, filter, after, limit),
        }
    }

    /// The name of the list, for cursors.
    pub(super) fn list(self) -> String {
        match self {
            Self::By(id) => format!("predictions of {id}"),
            Self::In(id) => format!("predictions in {id}"),
        }
    }
}
