//! Contracts: what a source version needs and gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::declared_inputs::DeclaredInputs;
use crate::model::text::{Description, InputKind, Metric, RoleName, Unit};
use crate::model::violation::{Diagnostics, ListLimit, Path, ValueProblem, Violation, ViolationCode, Violations};

/// The most roles in each direction of a contract.
pub const MAX_ROLES: usize = 200;
/// The same, as requests are told.
pub const ROLES: ListLimit = ListLimit { most: MAX_ROLES, items: "roles", hint: None };

/// The most former names of one input role.
pub const MAX_ALIASES: usize = 10;
/// The same, as requests are told.
pub const ALIASES: ListLimit = ListLimit { most: MAX_ALIASES, items: "aliases", hint: None };

/// A named slot for an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRole {
    /// Names that it had in earlier versions, the likeliest first: what was bound to one of them is bound to this role
    /// when a job comes to this version. They are like the aliases of [Avro], and like those, no part of
    /// [`Contract::digest`].
    ///
    /// [Avro]: https://avro.apache.org/docs/1.12.0/specification/#aliases
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<RoleName>,
    /// What the input is for, for people.
    pub description: Option<Description>,
    /// The kind of input that fits.
    pub input_kind: InputKind,
    /// What the input measures.
    pub metric: Metric,
    /// Whether a job must bind this role.
    pub required: bool,
    /// Its name, unique among the inputs of the contract.
    pub role: RoleName,
    /// The unit of the metric.
    pub unit: Option<Unit>,
}

/// A named slot for an output.
///
/// The order of the fields is the alphabetical one: [`Contract::digest`] relies on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// A required role without unit, description and aliases.
    pub fn required(role: &str, input_kind: &str, metric: &str) -> Result<Self, ValueProblem> {
        Ok(Self {
            aliases: Vec::new(),
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
/// each direction. An alias is a former name: it is no input role of the same contract, and stands in it once.
/// Contracts are compared as sets of roles. They never change, so clones share them.
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
        let mut diagnostics = Diagnostics::default();
        validate_roles(
            &mut diagnostics,
            &Path::of("input_roles"),
            input_roles.len(),
            input_roles.iter().map(|role| Some(&role.role)),
            0,
        );
        validate_aliases(
            &mut diagnostics,
            &Path::of("input_roles"),
            &input_roles.iter().map(|role| Some(&role.role)).collect::<Vec<_>>(),
            input_roles.iter().map(|role| role.aliases.iter().map(Some).collect::<Vec<_>>()),
        );
        validate_roles(
            &mut diagnostics,
            &Path::of("output_roles"),
            output_roles.len(),
            output_roles.iter().map(|role| Some(&role.role)),
            1,
        );
        diagnostics.finish(Some(Self::of_checked(input_roles, output_roles)))
    }

    /// Takes roles that were validated.
    pub(crate) fn of_checked(input_roles: Vec<InputRole>, output_roles: Vec<OutputRole>) -> Self {
        let declared_inputs = Arc::new(DeclaredInputs::of(&input_roles));
        let (input_roles, output_roles) = (input_roles.into(), output_roles.into());
        Self { input_roles, output_roles, declared_inputs, digest: Arc::default() }
    }

    /// The inputs, in the order in which they were declared.
    #[must_use]
    pub fn input_roles(&self) -> &[InputRole] {
        &self.input_roles
    }

    /// The same, shared with the contract.
    #[must_use]
    pub fn shared_input_roles(&self) -> Arc<[InputRole]> {
        Arc::clone(&self.input_roles)
    }

    /// The outputs, shared with the contract.
    #[must_use]
    pub fn shared_output_roles(&self) -> Arc<[OutputRole]> {
        Arc::clone(&self.output_roles)
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
    /// each role in alphabetical order, and every member written, `null` included. Aliases are left out: they say where
    /// a role comes from, not what it is.
    ///
    /// The digests of two contracts are equal exactly if the contracts are, but for aliases.
    #[must_use]
    pub fn digest(&self) -> &ContractDigest {
        self.digest.get_or_init(|| self.canonical_digest())
    }

    fn canonical_digest(&self) -> ContractDigest {
        #[derive(Serialize)]
        struct Canonical<'a> {
            input_roles: Vec<CanonicalInput<'a>>,
            output_roles: Vec<&'a OutputRole>,
        }
        let mut canonical = Canonical {
            input_roles: self.input_roles.iter().map(CanonicalInput::of).collect(),
            output_roles: self.output_roles.iter().collect(),
        };
        canonical.input_roles.sort_by(|a, b| a.role.cmp(b.role));
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

/// An input role in the canonical form: its members in alphabetical order.
#[derive(Serialize)]
struct CanonicalInput<'a> {
    description: Option<&'a Description>,
    input_kind: &'a InputKind,
    metric: &'a Metric,
    required: bool,
    role: &'a RoleName,
    unit: Option<&'a Unit>,
}

impl<'a> CanonicalInput<'a> {
    fn of(input: &'a InputRole) -> Self {
        let InputRole { aliases: _, description, input_kind, metric, required, role, unit } = input;
        Self { description: description.as_ref(), input_kind, metric, required: *required, role, unit: unit.as_ref() }
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

impl fmt::Display for ContractDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ContractDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::restore(&String::deserialize(deserializer)?)
            .ok_or_else(|| D::Error::custom("a digest is sha256: and 64 hexadecimal digits"))
    }
}

/// From the `input_roles` and `output_roles` of a source version, as the service answers with it.
impl<'de> Deserialize<'de> for Contract {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Roles {
            input_roles: Vec<InputRole>,
            output_roles: Vec<OutputRole>,
        }
        let Roles { input_roles, output_roles } = Roles::deserialize(deserializer)?;
        Self::new(input_roles, output_roles).map_err(D::Error::custom)
    }
}

/// The rules of a list of roles, of which some may be unreadable.
pub(crate) fn validate_roles<'a>(
    diagnostics: &mut Diagnostics,
    path: &Path,
    count: usize,
    names: impl Iterator<Item = Option<&'a RoleName>>,
    least: usize,
) {
    if count < least {
        diagnostics.report(
            path.clone(),
            ValueProblem::new(ViolationCode::TooFewItems, "is empty")
                .expected(format!("{least} to {MAX_ROLES} roles"))
                .actual(count),
        );
    }
    if let Some(too_many) = ROLES.exceeded_by(count) {
        diagnostics.report(path.clone(), too_many);
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, name) in names.enumerate() {
        if let Some(name) = name
            && !seen.insert(name)
        {
            diagnostics.report(
                path.index(index).member("role"),
                ValueProblem::new(ViolationCode::DuplicateRole, "is declared twice").actual(name.as_str()),
            );
        }
    }
}

/// The rules of aliases, some of which may be unreadable, of roles of these names.
pub(crate) fn validate_aliases<'a>(
    diagnostics: &mut Diagnostics,
    path: &Path,
    names: &[Option<&'a RoleName>],
    aliases: impl Iterator<Item = Vec<Option<&'a RoleName>>>,
) {
    let roles: BTreeSet<&RoleName> = names.iter().copied().flatten().collect();
    let mut seen = BTreeSet::new();
    for (index, aliases) in aliases.enumerate() {
        let path = path.index(index).member("aliases");
        if let Some(too_many) = ALIASES.exceeded_by(aliases.len()) {
            diagnostics.report(path, too_many);
            continue;
        }
        for (index, alias) in aliases.into_iter().enumerate() {
            let Some(alias) = alias else { continue };
            let is_wrong = if roles.contains(alias) {
                "is an input role of this version, and so no former name"
            } else if seen.insert(alias) {
                continue;
            } else {
                "is an alias already: only one role can have had that name"
            };
            let problem = ValueProblem::new(ViolationCode::DuplicateAlias, is_wrong).actual(alias.as_str());
            diagnostics.report(path.index(index), problem);
        }
    }
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
