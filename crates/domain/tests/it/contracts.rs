//! Contracts: sets of roles with a digest.

use std::collections::BTreeSet;

use prediction_domain::model::{
    Contract, Description, Diagnostics, InputKind, InputRole, MAX_ROLES, Metric, OutputRole, Path, RoleName, Unit,
    ViolationCode,
};
use prediction_domain::requests::{
    InputRoleDraft, OutputRoleDraft, Sent, SourceVersionDraft, SourceVersionSpec, declared_inputs,
};
use proptest::prelude::*;

use crate::strategies::any_contract;
use crate::world::{found, given, places};

fn shuffled() -> impl Strategy<Value = (Contract, Contract)> {
    any_contract().prop_flat_map(|contract| {
        let inputs = Just(contract.input_roles().to_vec()).prop_shuffle();
        let outputs = Just(contract.output_roles().to_vec()).prop_shuffle();
        let shuffled = (inputs, outputs).prop_map(|(inputs, outputs)| Contract::new(inputs, outputs).unwrap());
        (Just(contract), shuffled)
    })
}

/// Another text that fits, so that it is a change.
fn other(text: &str) -> String {
    format!("{text}!")
}

/// Every contract that is different from this one in a single member of a single role, or in one role more or less.
fn single_changes(contract: &Contract) -> Vec<Contract> {
    let mut changes = Vec::new();
    let (inputs, outputs) = (contract.input_roles(), contract.output_roles());
    for index in 0..inputs.len() {
        let role = &inputs[index];
        for changed in [
            InputRole { role: RoleName::parse(&other(role.role.as_str())).unwrap(), ..role.clone() },
            InputRole { input_kind: InputKind::parse(&other(role.input_kind.as_str())).unwrap(), ..role.clone() },
            InputRole { metric: Metric::parse(&other(role.metric.as_str())).unwrap(), ..role.clone() },
            InputRole { unit: other_unit(role.unit.as_ref()), ..role.clone() },
            InputRole { required: !role.required, ..role.clone() },
            InputRole { description: other_description(role.description.as_ref()), ..role.clone() },
        ] {
            let mut inputs = inputs.to_vec();
            inputs[index] = changed;
            changes.push(Contract::new(inputs, outputs.to_vec()).unwrap());
        }
        let mut fewer = inputs.to_vec();
        fewer.remove(index);
        changes.push(Contract::new(fewer, outputs.to_vec()).unwrap());
    }
    for index in 0..outputs.len() {
        let role = &outputs[index];
        for changed in [
            OutputRole { role: RoleName::parse(&other(role.role.as_str())).unwrap(), ..role.clone() },
            OutputRole { metric: Metric::parse(&other(role.metric.as_str())).unwrap(), ..role.clone() },
            OutputRole { unit: other_unit(role.unit.as_ref()), ..role.clone() },
            OutputRole { required: !role.required, ..role.clone() },
            OutputRole { description: other_description(role.description.as_ref()), ..role.clone() },
        ] {
            let mut outputs = outputs.to_vec();
            outputs[index] = changed;
            changes.push(Contract::new(inputs.to_vec(), outputs).unwrap());
        }
    }
    let mut more = outputs.to_vec();
    more.push(OutputRole::required("one more", "metric").unwrap());
    changes.push(Contract::new(inputs.to_vec(), more).unwrap());
    changes
}

fn other_unit(unit: Option<&Unit>) -> Option<Unit> {
    match unit {
        Some(_) => None,
        None => Some(Unit::parse("null").unwrap()),
    }
}

/// The empty description is not the absent one.
fn other_description(description: Option<&Description>) -> Option<Description> {
    match description {
        Some(_) => None,
        None => Some(Description::parse("").unwrap()),
    }
}

proptest! {
    #[test]
    fn the_digest_is_that_of_a_set((contract, shuffled) in shuffled()) {
        prop_assert_eq!(contract.digest(), shuffled.digest());
        prop_assert_eq!(&contract, &shuffled);
        prop_assert!(contract.differences(&Path::root(), &shuffled).is_empty());
        let digest = contract.digest();
        let digits = digest.as_str().strip_prefix("sha256:").unwrap();
        prop_assert!(digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    }

    #[test]
    fn every_single_change_changes_the_digest(contract in any_contract()) {
        let changes = single_changes(&contract);
        let mut digests = BTreeSet::from([contract.digest().as_str().to_owned()]);
        for changed in &changes {
            prop_assert_ne!(&contract, changed);
            digests.insert(changed.digest().as_str().to_owned());
        }
        // Renaming the only role of a pair ("a" to "a!") cannot meet another role, so all are different.
        prop_assert_eq!(digests.len(), changes.len() + 1);
    }

    #[test]
    fn contracts_are_equal_exactly_if_their_digests_are((a, b) in (any_contract(), any_contract())) {
        prop_assert_eq!(a == b, a.digest() == b.digest());
        prop_assert_eq!(a == b, b == a);
    }

    #[test]
    fn differences_name_exactly_the_roles_that_differ((sent, stored) in (any_contract(), any_contract())) {
        let root = Path::root();
        let mut expected = Vec::new();
        for (index, role) in sent.input_roles().iter().enumerate() {
            if !stored.input_roles().contains(role) {
                expected.push(format!("input_roles[{index}]"));
            }
        }
        let gone = |names: Vec<&RoleName>, role: &RoleName| !names.contains(&role);
        for role in stored.input_roles() {
            if gone(sent.input_roles().iter().map(|role| &role.role).collect(), &role.role) {
                expected.push("input_roles".to_owned());
            }
        }
        for (index, role) in sent.output_roles().iter().enumerate() {
            if !stored.output_roles().contains(role) {
                expected.push(format!("output_roles[{index}]"));
            }
        }
        for role in stored.output_roles() {
            if gone(sent.output_roles().iter().map(|role| &role.role).collect(), &role.role) {
                expected.push("output_roles".to_owned());
            }
        }
        let reported: Vec<_> =
            sent.differences(&root, &stored).iter().map(|difference| difference.path.to_string()).collect();
        prop_assert_eq!(reported, expected);
    }
}

fn read(draft: &SourceVersionDraft) -> (SourceVersionSpec, Vec<(String, ViolationCode)>) {
    let mut diagnostics = Diagnostics::default();
    let spec = SourceVersionSpec::read(&mut diagnostics, &Path::root(), draft);
    (spec, diagnostics.finish(Some(())).map_or_else(|violations| found(&violations), |()| Vec::new()))
}

fn input(role: &str) -> InputRoleDraft {
    InputRoleDraft {
        role: given(role),
        input_kind: given("sensor"),
        metric: given("celsius"),
        ..InputRoleDraft::default()
    }
}

fn output(role: &str) -> OutputRoleDraft {
    OutputRoleDraft { role: given(role), metric: given("celsius"), ..OutputRoleDraft::default() }
}

#[test]
fn roles_are_required_and_without_unit_and_description_unless_they_say_so() {
    let (spec, wrong) = read(&SourceVersionDraft {
        input_roles: Sent::Given(vec![Sent::Given(input("a"))]),
        output_roles: Sent::Given(vec![Sent::Given(output("b"))]),
        ..SourceVersionDraft::default()
    });
    assert_eq!(wrong, []);
    let contract = spec.contract.given().unwrap();
    assert_eq!(contract.input_roles(), [InputRole::required("a", "sensor", "celsius").unwrap()]);
    assert_eq!(contract.output_roles(), [OutputRole::required("b", "celsius").unwrap()]);
}

#[test]
fn everything_that_is_wrong_with_the_roles_is_told_at_once() {
    let bad_input = InputRoleDraft {
        aliases: Sent::Absent,
        role: given("a"),
        input_kind: given(""),
        metric: Sent::Null,
        unit: given("\0"),
        required: Sent::Null,
        description: given("\u{1b}"),
    };
    let (spec, wrong) = read(&SourceVersionDraft {
        input_roles: Sent::Given(vec![Sent::Given(input("a")), Sent::Null, Sent::Given(bad_input)]),
        output_roles: Sent::Given(Vec::new()),
        ..SourceVersionDraft::default()
    });
    assert_eq!(spec.contract, Sent::Unreadable);
    assert_eq!(
        wrong,
        places(&[
            ("input_roles[1]", ViolationCode::WrongType),
            ("input_roles[2].description", ViolationCode::ControlCharacter),
            ("input_roles[2].input_kind", ViolationCode::TooShort),
            ("input_roles[2].metric", ViolationCode::WrongType),
            ("input_roles[2].required", ViolationCode::WrongType),
            ("input_roles[2].role", ViolationCode::DuplicateRole),
            ("input_roles[2].unit", ViolationCode::ControlCharacter),
            ("output_roles", ViolationCode::TooFewItems),
        ])
    );
}

#[test]
fn one_list_of_roles_asks_for_the_other() {
    let only_outputs = SourceVersionDraft {
        output_roles: Sent::Given(vec![Sent::Given(output("a"))]),
        ..SourceVersionDraft::default()
    };
    assert_eq!(read(&only_outputs).1, places(&[("input_roles", ViolationCode::MissingMember)]));
    assert_eq!(read(&SourceVersionDraft::default()).1, []);
}

#[test]
fn roles_are_limited_in_number_and_the_limit_itself_is_fine() {
    let inputs = |count: usize| -> Vec<_> {
        (0..count).map(|number| InputRole::required(&format!("role {number}"), "sensor", "m").unwrap()).collect()
    };
    let outputs = || vec![OutputRole::required("prediction", "celsius").unwrap()];
    assert!(Contract::new(inputs(MAX_ROLES), outputs()).is_ok());
    assert_eq!(
        found(&Contract::new(inputs(MAX_ROLES + 1), outputs()).unwrap_err()),
        places(&[("input_roles", ViolationCode::TooManyItems)])
    );
}

#[test]
fn what_is_readable_of_broken_roles_is_declared() {
    let drafts = Sent::Given(vec![
        Sent::Given(InputRoleDraft { required: Sent::Given(false), ..input("a") }),
        Sent::Given(InputRoleDraft { input_kind: given(""), required: Sent::Null, ..input("b") }),
        Sent::Given(input("a")),
    ]);
    let declared = declared_inputs(&drafts).unwrap();
    assert!(declared.complete);
    let told: Vec<_> = declared
        .roles
        .iter()
        .map(|(role, input)| (role.as_str(), input.input_kind.as_ref().map(InputKind::as_str), input.required))
        .collect();
    assert_eq!(told, [("a", Some("sensor"), Some(false)), ("b", None, None)]);

    let unnamed = Sent::Given(vec![Sent::Given(input("")), Sent::Unreadable]);
    assert!(!declared_inputs(&unnamed).unwrap().complete, "a role whose name cannot be read may be any");
    assert_eq!(declared_inputs(&Sent::Absent), None);
}
