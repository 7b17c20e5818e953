use serde_json::Value;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{Components, RefOr, Schema};
use utoipa::{OpenApi as _, ToSchema};

use crate::wire::{deletion, health, job, job_revision, run, set_up, source, source_version};

/// What requests consist of. Unknown members are refused, so the document says that there are none.
const CLOSED: [&str; 15] = [
    "Deletion",
    "NewSource",
    "SourceChange",
    "NewSourceVersion",
    "NewInputRole",
    "NewOutputRole",
    "NewRoleBinding",
    "JobSetupRequest",
    "SetupSource",
    "SetupSourceVersion",
    "SetupJob",
    "JobChange",
    "NewRun",
    "NewPrediction",
    "Health",
];

#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(
    deletion::Deletion,
    source::SourceBody,
    source::SourceChangedBody,
    source::ValueCountBody,
    source::NewSource,
    source::SourceChange,
    source_version::SourceVersionBody,
    source_version::SourceVersionItem,
    source_version::InputRoleBody,
    source_version::OutputRoleBody,
    source_version::NewSourceVersion,
    source_version::NewInputRole,
    source_version::NewOutputRole,
    health::HealthBody,
    health::HealthCountsBody,
    job::JobBody,
    job::RoleBindingBody,
    job::OutputBody,
    job::NewRoleBinding,
    job::JobChange,
    job_revision::JobRevisionBody,
    run::RunBody,
    run::RunReportedBody,
    run::PredictionBody,
    run::NewRun,
    run::NewPrediction,
    set_up::SetUpBody,
    set_up::OutcomesBody,
    set_up::OutcomeBody,
    set_up::WarningBody,
    set_up::JobSetupRequest,
    set_up::SetupSource,
    set_up::SetupSourceVersion,
    set_up::SetupJob,
    ProblemBody,
    ProblemEntry,
    Health
)))]
struct Wire;

/// The schemas of everything that goes over the wire.
pub(super) fn components() -> Components {
    let mut components = Wire::openapi().components.unwrap_or_default();
    for name in CLOSED {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(name) {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
    super::texts::describe(&mut components);
    components
}

/// An error answer: problem details (RFC 9457). Some problems have members of their own.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes in the OpenAPI document what Problem::respond writes")]
struct ProblemBody {
    /// A reference to the text about this problem, on this service.
    #[schema(format = "uri-reference")]
    r#type: String,
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened this time.
    detail: String,
    /// Stable, for programs.
    code: String,
    /// Tell us this when you need help.
    request_id: Option<String>,
    /// Everything that is wrong with the request.
    #[schema(nullable = false, max_items = 200)]
    errors: Option<Vec<ProblemEntry>>,
    /// How many more things are wrong with the request than `errors` lists. Only there when it lists not all: it has the first ones, by
    /// their places.
    #[schema(nullable = false, minimum = 1)]
    errors_omitted: Option<u64>,
}

/// One thing that is wrong with a request.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what Problem::respond writes")]
struct ProblemEntry {
    /// Where in the body: a JSON pointer (RFC 6901).
    #[schema(nullable = false)]
    pointer: Option<String>,
    /// Or which query parameter.
    #[schema(nullable = false)]
    parameter: Option<String>,
    /// Stable, for programs.
    code: String,
    message: String,
    /// What would have been right, or what is stored.
    expected: Option<Value>,
    /// What there was.
    actual: Option<Value>,
    /// What may have been meant.
    #[schema(nullable = false)]
    hint: Option<String>,
}

/// How the service is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what the health routes answer")]
struct Health {
    /// `live`; `ready`, or `degraded` if part of the work is not done.
    status: String,
    /// Which part, and why.
    #[schema(inline, nullable = false)]
    degraded: Option<Vec<Degradation>>,
}

/// Part of the work that is not done, or not well.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what the health routes answer")]
struct Degradation {
    /// `clock` or `writes`.
    check: String,
    detail: String,
}
