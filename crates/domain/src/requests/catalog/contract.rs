//! Contracts as they are described in requests, and what is wrong with them.

use std::collections::BTreeMap;

use crate::model::{
    ALIASES, Contract, DeclaredInput, DeclaredInputs, Description, Diagnostics, InputKind, InputRole, MAX_ROLES,
    Metric, OutputRole, Path, ROLES, RoleName, Unit, ValueProblem, Violations, validate_aliases, validate_roles,
};
use crate::requests::Sent;

/// An input role as a caller describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputRoleDraft {
    /// See [`InputRole::role`].
    pub role: Sent<String>,
    /// See [`InputRole::aliases`]; none when left out.
    pub aliases: Sent<Vec<Sent<String>>>,
    /// See [`InputRole::input_kind`].
    pub input_kind: Sent<String>,
    /// See [`InputRole::metric`].
    pub metric: Sent<String>,
    /// See [`InputRole::unit`].
    pub unit: Sent<String>,
    /// See [`InputRole::required`]; true when left out.
    pub required: Sent<bool>,
    /// See [`InputRole::description`].
    pub description: Sent<String>,
}

/// An output role as a caller describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutputRoleDraft {
    /// See [`OutputRole::role`].
    pub role: Sent<String>,
    /// See [`OutputRole::metric`].
    pub metric: Sent<String>,
    /// See [`OutputRole::unit`].
    pub unit: Sent<String>,
    /// See [`OutputRole::required`]; true when left out.
    pub required: Sent<bool>,
    /// See [`OutputRole::description`].
    pub description: Sent<String>,
}

impl Contract {
    /// The contract that these roles describe, or everything that is wrong with them at once.
    ///
    /// ```
    /// use prediction_domain::model::{Contract, Violation, ViolationCode};
    /// use prediction_domain::requests::{InputRoleDraft, OutputRoleDraft, Sent};
    ///
    /// let text = |text: &str| Sent::Given(text.to_owned());
    /// let (role, input_kind) = (text("temperature"), text("sensor"));
    /// let input = InputRoleDraft { role, input_kind, ..InputRoleDraft::default() };
    /// let output = OutputRoleDraft { role: text(""), metric: text("risk"), ..OutputRoleDraft::default() };
    ///
    /// let violations = Contract::validate(vec![input], vec![output]).unwrap_err();
    /// let place = |violation: &Violation| (violation.path.to_json_pointer(), violation.code);
    /// let found: Vec<_> = violations.iter().map(place).collect();
    /// assert_eq!(
    ///     found,
    ///     [
    ///         ("/input_roles/0/metric".to_owned(), ViolationCode::MissingMember),
    ///         ("/output_roles/0/role".to_owned(), ViolationCode::TooShort),
    ///     ]
    /// );
    /// ```
    pub fn validate(input_roles: Vec<InputRoleDraft>, output_roles: Vec<OutputRoleDraft>) -> Result<Self, Violations> {
        let mut diagnostics = Diagnostics::default();
        let inputs = Sent::Given(input_roles.into_iter().map(Sent::Given).collect());
        let outputs = Sent::Given(output_roles.into_iter().map(Sent::Given).collect());
        let contract = validate_contract(&mut diagnostics, &Path::root(), &inputs, &outputs);
        diagnostics.finish(contract)
    }
}

/// Reads both lists of roles and reports everything that is wrong with them; a contract comes out only when nothing is.
pub(crate) fn validate_contract(
    diagnostics: &mut Diagnostics,
    path: &Path,
    input_roles: &Sent<Vec<Sent<InputRoleDraft>>>,
    output_roles: &Sent<Vec<Sent<OutputRoleDraft>>>,
) -> Option<Contract> {
    let inputs_path = path.member("input_roles");
    let outputs_path = path.member("output_roles");
    let inputs = diagnostics.require(&inputs_path, input_roles.as_ref()).and_then(|drafts| {
        validate_list(
            diagnostics,
            &inputs_path,
            drafts,
            |draft| &draft.role,
            0,
            |diagnostics, path, draft| {
                let aliases = aliases(diagnostics, &path.member("aliases"), &draft.aliases);
                let description = optional_description(diagnostics, path, &draft.description);
                let input_kind = word(diagnostics, path, "input_kind", &draft.input_kind, InputKind::parse);
                let metric = word(diagnostics, path, "metric", &draft.metric, Metric::parse);
                let required = required(diagnostics, path, &draft.required);
                let role = word(diagnostics, path, "role", &draft.role, RoleName::parse);
                let unit = optional_unit(diagnostics, path, &draft.unit);
                Some(InputRole {
                    aliases: aliases?,
                    description: description?.into_option(),
                    input_kind: input_kind?,
                    metric: metric?,
                    required: required?,
                    role: role?,
                    unit: unit?.into_option(),
                })
            },
        )
    });
    let aliases_are_fine = validate_former_names(diagnostics, &inputs_path, input_roles);
    let inputs = inputs.filter(|_| aliases_are_fine);
    let outputs = diagnostics.require(&outputs_path, output_roles.as_ref()).and_then(|drafts| {
        validate_list(
            diagnostics,
            &outputs_path,
            drafts,
            |draft| &draft.role,
            1,
            |diagnostics, path, draft| {
                let description = optional_description(diagnostics, path, &draft.description);
                let metric = word(diagnostics, path, "metric", &draft.metric, Metric::parse);
                let required = required(diagnostics, path, &draft.required);
                let role = word(diagnostics, path, "role", &draft.role, RoleName::parse);
                let unit = optional_unit(diagnostics, path, &draft.unit);
                Some(OutputRole {
                    description: description?.into_option(),
                    metric: metric?,
                    required: required?,
                    role: role?,
                    unit: unit?.into_option(),
                })
            },
        )
    });
    Some(Contract::of_checked(inputs?, outputs?))
}

/// What can be told of the inputs of a contract that may not be valid as a whole, so that bindings can still be judged.
#[must_use]
pub fn declared_inputs(drafts: &Sent<Vec<Sent<InputRoleDraft>>>) -> Option<DeclaredInputs> {
    let drafts = drafts.given().filter(|drafts| drafts.len() <= MAX_ROLES)?;
    let mut declared = DeclaredInputs { roles: BTreeMap::new(), complete: true };
    for draft in drafts {
        let role = draft.given().and_then(|draft| Some((RoleName::parse(draft.role.given()?).ok()?, draft)));
        let Some((role, draft)) = role else {
            declared.complete = false;
            continue;
        };
        let input = DeclaredInput {
            input_kind: draft.input_kind.given().and_then(|kind| InputKind::parse(kind).ok()),
            required: match draft.required {
                Sent::Given(required) => Some(required),
                Sent::Absent => Some(true),
                Sent::Null | Sent::Unreadable => None,
            },
            metric: draft.metric.given().and_then(|metric| Metric::parse(metric).ok()),
            unit: draft.unit.given().and_then(|unit| Unit::parse(unit).ok()),
        };
        declared.roles.entry(role).or_insert(input);
    }
    Some(declared)
}

/// Judges the aliases of all roles together, also where something else is wrong with a role.
fn validate_former_names(diagnostics: &mut Diagnostics, path: &Path, drafts: &Sent<Vec<Sent<InputRoleDraft>>>) -> bool {
    let Some(drafts) = drafts.given().filter(|drafts| drafts.len() <= MAX_ROLES) else { return true };
    let read = |name: &Sent<String>| RoleName::parse(name.given()?).ok();
    let of = |draft: &Sent<InputRoleDraft>| draft.given().and_then(|draft| read(&draft.role));
    let names: Vec<Option<RoleName>> = drafts.iter().map(of).collect();
    let former = |draft: &Sent<InputRoleDraft>| {
        let aliases = draft.given().and_then(|draft| draft.aliases.given());
        let aliases = aliases.filter(|aliases| ALIASES.exceeded_by(aliases.len()).is_none());
        aliases.map_or_else(Vec::new, |aliases| aliases.iter().map(read).collect())
    };
    let aliases: Vec<Vec<Option<RoleName>>> = drafts.iter().map(former).collect();
    let checked = diagnostics.section(|diagnostics| {
        let names: Vec<_> = names.iter().map(Option::as_ref).collect();
        let aliases = aliases.iter().map(|aliases| aliases.iter().map(Option::as_ref).collect());
        validate_aliases(diagnostics, path, &names, aliases);
        Some(())
    });
    checked.is_some()
}

fn validate_list<'a, Draft, Role>(
    diagnostics: &mut Diagnostics,
    path: &Path,
    drafts: &'a [Sent<Draft>],
    name: impl Fn(&'a Draft) -> &'a Sent<String>,
    least: usize,
    read: impl Fn(&mut Diagnostics, &Path, &Draft) -> Option<Role>,
) -> Option<Vec<Role>> {
    if let Some(too_many) = ROLES.exceeded_by(drafts.len()) {
        diagnostics.report(path.clone(), too_many);
        return None;
    }
    let names: Vec<Option<RoleName>> =
        drafts.iter().map(|draft| draft.given().and_then(|draft| RoleName::parse(name(draft).given()?).ok())).collect();
    diagnostics.section(|diagnostics| {
        validate_roles(diagnostics, path, drafts.len(), names.iter().map(Option::as_ref), least);
        let roles: Vec<Option<Role>> = drafts
            .iter()
            .enumerate()
            .map(|(index, draft)| {
                let path = path.index(index);
                let draft = diagnostics.require(&path, draft.as_ref())?;
                read(diagnostics, &path, draft)
            })
            .collect();
        roles.into_iter().collect()
    })
}

fn word<T>(
    diagnostics: &mut Diagnostics,
    path: &Path,
    member: &'static str,
    sent: &Sent<String>,
    parse: impl FnOnce(&str) -> Result<T, ValueProblem>,
) -> Option<T> {
    let path = path.member(member);
    let read = diagnostics.read(&path, sent, |text| parse(text));
    diagnostics.require(&path, read)
}

fn required(diagnostics: &mut Diagnostics, path: &Path, sent: &Sent<bool>) -> Option<bool> {
    match sent {
        Sent::Absent => Some(true),
        other => diagnostics.require(&path.member("required"), other.clone()),
    }
}

fn aliases(diagnostics: &mut Diagnostics, path: &Path, sent: &Sent<Vec<Sent<String>>>) -> Option<Vec<RoleName>> {
    let Some(names) = diagnostics.not_null(path, sent.as_ref()) else {
        return matches!(sent, Sent::Absent).then(Vec::new);
    };
    if let Some(too_many) = ALIASES.exceeded_by(names.len()) {
        diagnostics.report(path.clone(), too_many);
        return None;
    }
    let read = |(index, name): (usize, &Sent<String>)| {
        let path = path.index(index);
        let name = diagnostics.read(&path, name, |text| RoleName::parse(text));
        diagnostics.require(&path, name)
    };
    let names: Vec<Option<RoleName>> = names.iter().enumerate().map(read).collect();
    names.into_iter().collect()
}

fn optional_unit(diagnostics: &mut Diagnostics, path: &Path, sent: &Sent<String>) -> Option<Sent<Unit>> {
    usable(diagnostics.read(&path.member("unit"), sent, |text| Unit::parse(text)))
}

fn optional_description(diagnostics: &mut Diagnostics, path: &Path, sent: &Sent<String>) -> Option<Sent<Description>> {
    usable(diagnostics.read(&path.member("description"), sent, |text| Description::parse(text)))
}

/// `None` after a violation was reported.
fn usable<T>(sent: Sent<T>) -> Option<Sent<T>> {
    if matches!(sent, Sent::Unreadable) { None } else { Some(sent) }
}
