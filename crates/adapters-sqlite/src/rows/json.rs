//! The lists that are stored within a row, as JSON. Their form is private to this adapter: it changes with a migration,
//! not with the model or the API.

use std::borrow::Cow;
use std::error::Error;

use prediction_domain::model::{
    Description, InputId, InputKind, InputRole, Metric, Output, OutputId, OutputRole, RoleBinding, RoleName, Unit,
};
use serde::{Deserialize, Serialize};

type Unreadable = Box<dyn Error + Send + Sync>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputRoleJson<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    /// Versions that were published before there were aliases lack the member.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    input_kind: Cow<'a, str>,
    #[serde(borrow)]
    metric: Cow<'a, str>,
    #[serde(borrow)]
    unit: Option<Cow<'a, str>>,
    required: bool,
    #[serde(borrow)]
    description: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputRoleJson<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    metric: Cow<'a, str>,
    #[serde(borrow)]
    unit: Option<Cow<'a, str>>,
    required: bool,
    #[serde(borrow)]
    description: Option<Cow<'a, str>>,
}

/// The triggers that keep `job_inputs` read `input_id`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BindingJson<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    input_id: Cow<'a, str>,
    #[serde(borrow)]
    input_type: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputJson<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    metric: Cow<'a, str>,
    #[serde(borrow)]
    unit: Option<Cow<'a, str>>,
}

pub(super) fn of_input_roles(roles: &[InputRole]) -> String {
    write(roles, |role| InputRoleJson {
        role: role.role.as_str().into(),
        aliases: role.aliases.iter().map(|alias| alias.as_str().into()).collect(),
        input_kind: role.input_kind.as_str().into(),
        metric: role.metric.as_str().into(),
        unit: role.unit.as_ref().map(|unit| unit.as_str().into()),
        required: role.required,
        description: role.description.as_ref().map(|description| description.as_str().into()),
    })
}

pub(super) fn to_input_roles(text: &str) -> Result<Vec<InputRole>, Unreadable> {
    read(text, |role: InputRoleJson<'_>| {
        Ok(InputRole {
            aliases: role.aliases.iter().map(|alias| RoleName::restore(alias)).collect::<Result<_, _>>()?,
            description: role.description.as_deref().map(Description::restore).transpose()?,
            input_kind: InputKind::restore(&role.input_kind)?,
            metric: Metric::restore(&role.metric)?,
            required: role.required,
            role: RoleName::restore(&role.role)?,
            unit: role.unit.as_deref().map(Unit::restore).transpose()?,
        })
    })
}

pub(super) fn of_output_roles(roles: &[OutputRole]) -> String {
    write(roles, |role| OutputRoleJson {
        role: role.role.as_str().into(),
        metric: role.metric.as_str().into(),
        unit: role.unit.as_ref().map(|unit| unit.as_str().into()),
        required: role.required,
        description: role.description.as_ref().map(|description| description.as_str().into()),
    })
}

pub(super) fn to_output_roles(text: &str) -> Result<Vec<OutputRole>, Unreadable> {
    read(text, |role: OutputRoleJson<'_>| {
        Ok(OutputRole {
            description: role.description.as_deref().map(Description::restore).transpose()?,
            metric: Metric::restore(&role.metric)?,
            required: role.required,
            role: RoleName::restore(&role.role)?,
            unit: role.unit.as_deref().map(Unit::restore).transpose()?,
        })
    })
}

pub(super) fn of_bindings(bindings: &[RoleBinding]) -> String {
    write(bindings, |binding| BindingJson {
        role: binding.role.as_str().into(),
        input_id: binding.input_id.to_string().into(),
        input_type: binding.input_type.as_str().into(),
    })
}

pub(super) fn to_bindings(text: &str) -> Result<Vec<RoleBinding>, Unreadable> {
    read(text, |binding: BindingJson<'_>| {
        Ok(RoleBinding {
            role: RoleName::restore(&binding.role)?,
            input_id: InputId::parse(&binding.input_id)?,
            input_type: InputKind::restore(&binding.input_type)?,
        })
    })
}

/// The roles of bindings, each with a zero behind it: no role has one.
pub(crate) fn roles_of_bindings(text: &str) -> Result<String, Unreadable> {
    /// Nothing but the role is read.
    #[derive(Deserialize)]
    struct Bound<'a> {
        #[serde(borrow)]
        role: Cow<'a, str>,
    }
    let bound: Vec<Bound<'_>> = serde_json::from_str(text)?;
    let mut roles = String::new();
    for Bound { role } in bound {
        roles.push_str(&role);
        roles.push('\0');
    }
    Ok(roles)
}

pub(super) fn of_outputs(outputs: &[Output]) -> String {
    write(outputs, |output| OutputJson {
        id: output.id.to_string().into(),
        role: output.role.as_str().into(),
        metric: output.metric.as_str().into(),
        unit: output.unit.as_ref().map(|unit| unit.as_str().into()),
    })
}

pub(super) fn to_outputs(text: &str) -> Result<Vec<Output>, Unreadable> {
    read(text, |output: OutputJson<'_>| {
        Ok(Output {
            id: OutputId::parse(&output.id)?,
            role: RoleName::restore(&output.role)?,
            metric: Metric::restore(&output.metric)?,
            unit: output.unit.as_deref().map(Unit::restore).transpose()?,
        })
    })
}

fn write<'a, Model, Json: Serialize>(models: &'a [Model], json: impl Fn(&'a Model) -> Json) -> String {
    let list: Vec<Json> = models.iter().map(json).collect();
    serde_json::to_string(&list).unwrap_or_else(|_| unreachable!("text and booleans are always JSON"))
}

fn read<'a, Json: Deserialize<'a>, Model>(
    text: &'a str,
    model: impl Fn(Json) -> Result<Model, Unreadable>,
) -> Result<Vec<Model>, Unreadable> {
    let list: Vec<Json> = serde_json::from_str(text)?;
    list.into_iter().map(model).collect()
}
