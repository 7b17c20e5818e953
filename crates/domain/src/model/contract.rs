//! Contracts: what a source version needs and gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::binding::{DeclaredInput, DeclaredInputs};
use super::draft::Sent;
use super::text::{Description, InputKind, Metric, RoleName, Unit};
use super::violation::{Judge, ListLimit, Path, ValueProblem, Violation, ViolationCode, Violations};

/// The most roles in each direction of a contract.
pub const MAX_ROLES: usize = 200;
/// The same, as requests are told.
pub const ROLES: ListLimit = ListLimit { most: MAX_ROLES, items: "roles", hint: None };

/// A named slot for an input.
///
/// The order of the fields is the alphabetical one: [`Contract::digest`] relies on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputRole {
    /// What the input is for, for people.
    pub description: Option<Description>,
    /// The kind of input that fits.
    pub input_kind: InputKind,
    /// What the input measures.
    pub metric: Metric,
    /// Whether a job cannot do without.
    pub required: bool,
    /// Its name, unique among the inputs of the contract.
    pub role: RoleName,
    /// The unit of the metric.
    pub unit: Option<Unit>,
}

/// A named slot for an output.
///
/// The order of the fields is the alphabetical one: [`Contract::digest`] relies on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutputRole {
    /// What the output says, for people.
    pub description: Option<Description>,
    /// What is predicted.
    pub metric: Metric,
    /// Whether every run gives it.
    pub required: bool,
    /// Its name, unique among the outputs of the contract.
    pub role: RoleName,
    /// The unit of the metric.
    pub unit: Option<Unit>,
}

impl InputRole {
    /// A required role without unit and description.
    pub fn required(role: &str, input_kind: &str, metric: &str) -> Result<Self, ValueProblem> {
        Ok(Self {
            description: None,
            input_kind: InputKind::parse(input_kind)?,
            metric: Metric::parse(metric)?,
            required: true,
            role: RoleName::parse(role)?,
            unit: None,
        })
    }
}

impl OutputRole {
    /// A required role without unit and description.
    pub fn required(role: &str, metric: &str) -> Result<Self, ValueProblem> {
        Ok(Self {
            description: None,
            metric: Metric::parse(metric)?,
            required: true,
            role: RoleName::parse(role)?,
            unit: None,
        })
    }
}

/// The inputs that a source version needs and the outputs that it gives.
///
/// Role names are unique in each direction, there is at least one output and there are at most [`MAX_ROLES`] roles in
/// each direction. Contracts are compared as sets of roles. They never change, so clones share them.
#[derive(Debug, Clone)]
pub struct Contract {
    input_roles: Arc<[InputRole]>,
    output_roles: Arc<[OutputRole]>,
    /// What bindings are judged by, made once.
    declared_inputs: Arc<DeclaredInputs>,
    /// Made when it is asked for.
    digest: Arc<OnceLock<ContractDigest>>,
}

impl Contract {
    /// Checks the rules of a contract.
    pub fn new(input_roles: Vec<InputRole>, output_roles: Vec<OutputRole>) -> Result<Self, Violations> {
        let mut judge = Judge::default();
        judge_roles(
            &mut judge,
            &Path::of("input_roles"),
            input_roles.len(),
            input_roles.iter().map(|role| Some(&role.role)),
            0,
        );
        judge_roles(
            &mut judge,
            &Path::of("output_roles"),
            output_roles.len(),
            output_roles.iter().map(|role| Some(&role.role)),
            1,
        );
        judge.verdict(Some(Self::of_checked(input_roles, output_roles)))
    }

    fn of_checked(input_roles: Vec<InputRole>, output_roles: Vec<OutputRole>) -> Self {
        let declared_inputs = Arc::new(DeclaredInputs::of(&input_roles));
        let (input_roles, output_roles) = (input_roles.into(), output_roles.into());
        Self { input_roles, output_roles, declared_inputs, digest: Arc::default() }
    }

    /// The inputs, in the order in which they were declared.
    #[must_use]
    pub fn input_roles(&self) -> &[InputRole] {
        &self.input_roles
    }

    /// The inputs, as bindings are judged by them.
    #[must_use]
    pub fn declared_inputs(&self) -> &DeclaredInputs {
        &self.declared_inputs
    }

    /// The outputs, in the order in which they were declared.
    #[must_use]
    pub fn output_roles(&self) -> &[OutputRole] {
        &self.output_roles
    }

    /// SHA-256 over the canonical form: the JSON text (RFC 8259, UTF-8, no white space) of
    /// `{"input_roles":[…],"output_roles":[…]}` with each list sorted by role name (by its UTF-8 bytes), the members of
    /// each role in alphabetical order, and every member written, `null` included.
    ///
    /// Two contracts are equal exactly if their digests are.
    #[must_use]
    pub fn digest(&self) -> &ContractDigest {
        self.digest.get_or_init(|| self.canonical_digest())
    }

    fn canonical_digest(&self) -> ContractDigest {
        #[derive(Serialize)]
        struct Canonical<'a> {
            input_roles: Vec<&'a InputRole>,
            output_roles: Vec<&'a OutputRole>,
        }
        let mut canonical = Canonical {
            input_roles: self.input_roles.iter().collect(),
            output_roles: self.output_roles.iter().collect(),
        };
        canonical.input_roles.sort_by(|a, b| a.role.cmp(&b.role));
        canonical.output_roles.sort_by(|a, b| a.role.cmp(&b.role));
        let text = serde_json::to_vec(&canonical).unwrap_or_else(|_| unreachable!("text and booleans are always JSON"));
        ContractDigest::of(&text)
    }

    /// In which roles a stored contract is not this one: `expected` is what is stored, one entry a role.
    #[must_use]
    pub fn differences(&self, path: &Path, stored: &Contract) -> Vec<Violation> {
        let mut differences = Vec::new();
        compare(&mut differences, &path.member("input_roles"), &self.input_roles, &stored.input_roles, |role| {
            &role.role
        });
        compare(&mut differences, &path.member("output_roles"), &self.output_roles, &stored.output_roles, |role| {
            &role.role
        });
        differences
    }
}

impl PartialEq for Contract {
    fn eq(&self, other: &Self) -> bool {
        self.differences(&Path::root(), other).is_empty()
    }
}

impl Eq for Contract {}

/// `sha256:` and 64 hexadecimal digits; see [`Contract::digest`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct ContractDigest(String);

impl ContractDigest {
    fn of(canonical: &[u8]) -> Self {
        use fmt::Write as _;
        let mut text = "sha256:".to_owned();
        for byte in Sha256::digest(canonical) {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The text of a digest that was stored beside its contract; `None` when it is none.
    #[must_use]
    pub fn restore(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (digits.len() == 64 && digits.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An input role as somebody describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputRoleDraft {
    /// See [`InputRole::role`].
    pub role: Sent<String>,
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

/// An output role as somebody describes it.
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

/// Reads both lists of roles and reports everything that is wrong with them; a contract comes out only when nothing is.
pub(crate) fn judge_contract(
    judge: &mut Judge,
    path: &Path,
    input_roles: &Sent<Vec<Sent<InputRoleDraft>>>,
    output_roles: &Sent<Vec<Sent<OutputRoleDraft>>>,
) -> Option<Contract> {
    let inputs_path = path.member("input_roles");
    let outputs_path = path.member("output_roles");
    let inputs = judge.require(&inputs_path, input_roles.as_ref()).and_then(|drafts| {
        judge_list(
            judge,
            &inputs_path,
            drafts,
            |draft| &draft.role,
            0,
            |judge, path, draft| {
                let description = optional_description(judge, path, &draft.description);
                let input_kind = word(judge, path, "input_kind", &draft.input_kind, InputKind::parse);
                let metric = word(judge, path, "metric", &draft.metric, Metric::parse);
                let required = required(judge, path, &draft.required);
                let role = word(judge, path, "role", &draft.role, RoleName::parse);
                let unit = optional_unit(judge, path, &draft.unit);
                Some(InputRole {
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
    let outputs = judge.require(&outputs_path, output_roles.as_ref()).and_then(|drafts| {
        judge_list(
            judge,
            &outputs_path,
            drafts,
            |draft| &draft.role,
            1,
            |judge, path, draft| {
                let description = optional_description(judge, path, &draft.description);
                let metric = word(judge, path, "metric", &draft.metric, Metric::parse);
                let required = required(judge, path, &draft.required);
                let role = word(judge, path, "role", &draft.role, RoleName::parse);
                let unit = optional_unit(judge, path, &draft.unit);
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
        };
        declared.roles.entry(role).or_insert(input);
    }
    Some(declared)
}

fn judge_list<'a, Draft, Role>(
    judge: &mut Judge,
    path: &Path,
    drafts: &'a [Sent<Draft>],
    name: impl Fn(&'a Draft) -> &'a Sent<String>,
    least: usize,
    read: impl Fn(&mut Judge, &Path, &Draft) -> Option<Role>,
) -> Option<Vec<Role>> {
    if let Some(too_many) = ROLES.exceeded_by(drafts.len()) {
        judge.report(path.clone(), too_many);
        return None;
    }
    let names: Vec<Option<RoleName>> =
        drafts.iter().map(|draft| draft.given().and_then(|draft| RoleName::parse(name(draft).given()?).ok())).collect();
    let valid = judge_roles(judge, path, drafts.len(), names.iter().map(Option::as_ref), least);
    let roles: Vec<Option<Role>> = drafts
        .iter()
        .enumerate()
        .map(|(index, draft)| {
            let path = path.index(index);
            let draft = judge.require(&path, draft.as_ref())?;
            read(judge, &path, draft)
        })
        .collect();
    let roles: Option<Vec<Role>> = roles.into_iter().collect();
    if valid { roles } else { None }
}

fn judge_roles<'a>(
    judge: &mut Judge,
    path: &Path,
    count: usize,
    names: impl Iterator<Item = Option<&'a RoleName>>,
    least: usize,
) -> bool {
    let mut valid = true;
    if count < least {
        valid = false;
        judge.report(
            path.clone(),
            ValueProblem::new(ViolationCode::TooFewItems, "is empty")
                .expected(format!("{least} to {MAX_ROLES} roles"))
                .actual(count),
        );
    }
    if let Some(too_many) = ROLES.exceeded_by(count) {
        judge.report(path.clone(), too_many);
        return false;
    }
    let mut seen = BTreeSet::new();
    for (index, name) in names.enumerate() {
        if let Some(name) = name
            && !seen.insert(name)
        {
            valid = false;
            judge.report(
                path.index(index).member("role"),
                ValueProblem::new(ViolationCode::DuplicateRole, "is declared twice").actual(name.as_str()),
            );
        }
    }
    valid
}

fn word<T>(
    judge: &mut Judge,
    path: &Path,
    member: &'static str,
    sent: &Sent<String>,
    parse: impl FnOnce(&str) -> Result<T, ValueProblem>,
) -> Option<T> {
    let path = path.member(member);
    let read = judge.read(&path, sent, |text| parse(text));
    judge.require(&path, read)
}

fn required(judge: &mut Judge, path: &Path, sent: &Sent<bool>) -> Option<bool> {
    match sent {
        Sent::Absent => Some(true),
        other => judge.require(&path.member("required"), other.clone()),
    }
}

fn optional_unit(judge: &mut Judge, path: &Path, sent: &Sent<String>) -> Option<Sent<Unit>> {
    usable(judge.read(&path.member("unit"), sent, |text| Unit::parse(text)))
}

fn optional_description(judge: &mut Judge, path: &Path, sent: &Sent<String>) -> Option<Sent<Description>> {
    usable(judge.read(&path.member("description"), sent, |text| Description::parse(text)))
}

/// `None` after a violation was reported.
fn usable<T>(sent: Sent<T>) -> Option<Sent<T>> {
    if matches!(sent, Sent::Unreadable) { None } else { Some(sent) }
}

fn compare<Role: PartialEq + Serialize>(
    differences: &mut Vec<Violation>,
    path: &Path,
    sent: &[Role],
    stored: &[Role],
    name: impl Fn(&Role) -> &RoleName,
) {
    let stored_by_name: BTreeMap<&RoleName, &Role> = stored.iter().map(|role| (name(role), role)).collect();
    let sent_names: BTreeSet<&RoleName> = sent.iter().map(&name).collect();
    for (index, role) in sent.iter().enumerate() {
        let stored = stored_by_name.get(name(role)).copied();
        if stored != Some(role) {
            let message =
                if stored.is_some() { "is stored with other content" } else { "is not in the stored contract" };
            differences.push(
                ValueProblem::new(ViolationCode::Differs, message)
                    .expected(json!(stored))
                    .actual(json!(role))
                    .at(path.index(index)),
            );
        }
    }
    for role in stored {
        if !sent_names.contains(name(role)) {
            differences.push(
                ValueProblem::new(ViolationCode::Differs, format!("lacks the stored role \"{}\"", name(role)))
                    .expected(json!(role))
                    .actual(json!(null))
                    .at(path.clone()),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(inputs: &[&str]) -> Contract {
        Contract::new(
            inputs.iter().map(|role| InputRole::required(role, "sensor", "celsius").unwrap()).collect(),
            vec![OutputRole::required("prediction", "celsius").unwrap()],
        )
        .unwrap()
    }

    #[test]
    fn the_digest_does_not_depend_on_the_order_of_roles() {
        assert_eq!(contract(&["a", "b"]).digest(), contract(&["b", "a"]).digest());
        assert_ne!(contract(&["a", "b"]).digest(), contract(&["a"]).digest());
        assert_eq!(contract(&["a", "b"]), contract(&["b", "a"]));
    }

    /// The digest is a promise to other systems: this value was computed with `printf '%s' '…' | sha256sum`.
    #[test]
    fn the_digest_is_over_the_documented_canonical_form() {
        let canonical = r#"{"input_roles":[{"description":null,"input_kind":"sensor","metric":"celsius","required":true,"role":"temperature","unit":null}],"output_roles":[{"description":null,"metric":"celsius","required":true,"role":"prediction","unit":null}]}"#;
        assert_eq!(*contract(&["temperature"]).digest(), ContractDigest::of(canonical.as_bytes()));
        assert_eq!(
            contract(&["temperature"]).digest().as_str(),
            "sha256:ddd502a9831fa1c299b3b36fbe64808440af89adfbbd7b98fc6a23ef9a00f496"
        );
    }

    #[test]
    fn duplicates_and_missing_outputs_are_all_reported() {
        let role = || InputRole::required("a", "sensor", "celsius").unwrap();
        let violations = Contract::new(vec![role(), role()], Vec::new()).unwrap_err();
        let codes: Vec<_> = violations.iter().map(|violation| violation.code).collect();
        assert_eq!(codes, [ViolationCode::DuplicateRole, ViolationCode::TooFewItems]);
    }

    #[test]
    fn differences_name_each_role() {
        let differences = contract(&["a", "b"]).differences(&Path::root(), &contract(&["b", "c"]));
        let places: Vec<_> = differences.iter().map(|difference| difference.path.to_string()).collect();
        assert_eq!(places, ["input_roles[0]", "input_roles"]);
    }
}
