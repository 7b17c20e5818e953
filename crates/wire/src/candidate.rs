use prediction_domain::use_cases::{self, CandidateSubject};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::input::Input;
use crate::job::UnitConversion;
use crate::output::JobOutput;
use crate::rules;

/// Something that can be bound to a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// The input, unless it is an output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub input: Option<Input>,
    /// The output, for a role that takes outputs of jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub output: Option<JobOutput>,
    /// How sure it is that it fits.
    #[schema(value_type = OpenCandidateFit, inline)]
    pub fit: CandidateFit,
    /// How its values would come to the unit of the role; null if both have the same unit, or if one is not known.
    pub conversion: Option<UnitConversion>,
}

/// How sure it is that something fits a role; the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CandidateFit {
    /// It measures what is needed, in the unit of the role.
    Exact,
    /// It measures what is needed, in a unit that is converted.
    Convertible,
    /// It may: its metric or its unit is not known, or cannot be read.
    Unverified,
}

/// Stands for a fit where answers are described.
type OpenCandidateFit = rules::Open<CandidateFit>;

impl From<use_cases::Candidate> for Candidate {
    fn from(use_cases::Candidate { subject, fit, unit }: use_cases::Candidate) -> Self {
        let (input, output) = match subject {
            CandidateSubject::Input(input) => (Some(input.into()), None),
            CandidateSubject::Output(output) => (None, Some(output.into())),
        };
        let fit = match fit {
            use_cases::CandidateFit::Exact => CandidateFit::Exact,
            use_cases::CandidateFit::Convertible => CandidateFit::Convertible,
            use_cases::CandidateFit::Unverified => CandidateFit::Unverified,
        };
        Self { input, output, fit, conversion: unit.map(UnitConversion::from) }
    }
}
