use prediction_domain::use_cases;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Something that was done and may not have been meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// Machine-readable code of the warning. There may be more of them in later releases.
    pub code: String,
    /// What was done, for people.
    pub message: String,
    /// The values that the message is about.
    #[schema(value_type = HashMap<String, Value>)]
    pub details: Value,
}

impl From<use_cases::Warning> for Warning {
    fn from(warning: use_cases::Warning) -> Self {
        Self { code: warning.code.to_owned(), message: warning.message, details: warning.details }
    }
}
