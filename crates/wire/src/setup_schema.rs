//! The JSON Schema of a setup on one source version, for forms and editors.

use prediction_domain::model::{BINDINGS, InputRole, SourceVersion};
use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::rules::{FLAG, NAME, Rule};

/// The schema (JSON Schema, draft 2020-12) of a setup of a job that runs this version, in the form that names the
/// version by its id in `job.source_version_id`.
///
/// What is valid under it is refused only for what no schema can say: whether the organisation is the caller's, what is
/// known of the inputs, whether characters can be seen, what is stored. The service takes more: other forms of a setup,
/// white space around names, and names of roles in another form of Unicode.
#[must_use]
pub fn setup_schema(version: &SourceVersion) -> Value {
    let roles = version.contract.input_roles();
    let items = if roles.is_empty() {
        json!(false)
    } else {
        json!({ "type": "object", "required": ["role", "input_id"], "oneOf": roles.iter().map(binding).collect::<Vec<_>>() })
    };
    let about = version.description.as_ref().map_or("Everything that the job needs.", |text| text.as_str());
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("Set up a job on version {}", version.version),
        "description": about,
        "type": "object",
        "required": ["organisation_id", "job", "role_bindings"],
        "additionalProperties": false,
        "properties": {
            "organisation_id": with(uuid(), "The organisation that the job runs for."),
            "job": {
                "type": "object",
                "required": ["name", "source_version_id"],
                "additionalProperties": false,
                "properties": {
                    "name": with(of_rule(&NAME), "Unique in its organisation."),
                    "active": with(of_rule(&FLAG.nullable()), "Whether runners should run it; true when left out."),
                    "source_version_id": { "const": version.id, "description": "The version." },
                },
            },
            "role_bindings": {
                "type": "array",
                "description": "The version's input roles, bound to inputs.",
                "maxItems": BINDINGS.most,
                "items": items,
            },
        },
    });
    // It has an item at the least, where it is.
    if !roles.is_empty() {
        schema["properties"]["role_bindings"]["allOf"] = roles.iter().map(times).collect();
    }
    schema
}

/// A binding of that role.
fn binding(role: &InputRole) -> Value {
    let unit = role.unit.as_ref().map(|unit| format!(" in {unit}")).unwrap_or_default();
    let measured = format!("{}{unit}", role.metric);
    let about = role.description.as_ref().map_or(measured.clone(), |text| format!("{text} ({measured})"));
    json!({
        "title": role.role,
        "description": about,
        "additionalProperties": false,
        "properties": {
            "role": { "const": role.role },
            "input_id": with(uuid(), "The input."),
            "input_type": { "enum": [role.input_kind, null] },
        },
    })
}

/// How often the role is bound: once at the most, and at the least if it has to be.
fn times(role: &InputRole) -> Value {
    json!({
        "contains": { "type": "object", "required": ["role"], "properties": { "role": { "const": role.role } } },
        "minContains": u8::from(role.required),
        "maxContains": 1,
    })
}

/// The form of RFC 9562, section 4. `format` alone is not checked by all validators.
fn uuid() -> Value {
    let hex = "[0-9a-fA-F]";
    json!({
        "type": "string",
        "format": "uuid",
        "pattern": format!("^{hex}{{8}}-({hex}{{4}}-){{3}}{hex}{{12}}$"),
        "not": { "const": "00000000-0000-0000-0000-000000000000" },
    })
}

fn of_rule(rule: &Rule) -> Value {
    let RefOr::T(Schema::Object(object)) = rule.schema() else { return json!({}) };
    serde_json::to_value(object).unwrap_or_default()
}

fn with(mut schema: Value, about: &str) -> Value {
    schema["description"] = about.into();
    schema
}
