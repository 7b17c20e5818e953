use prediction_domain::model::Sent;
use utoipa::ToSchema;

use super::fields::Fields;

pub(crate) fn decode_deletion(fields: &mut Fields<'_>) -> Sent<i128> {
    fields.whole_number("revision")
}

/// What is to be deleted. There need not be a body.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what decode_deletion reads")]
pub(crate) struct Deletion {
    /// Only this revision is deleted, like If-Match.
    #[schema(minimum = 1)]
    revision: Option<i64>,
}
