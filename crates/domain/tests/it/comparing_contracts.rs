//! What changes from one contract to another: each class by itself, and the laws of all of them.

use prediction_domain::model::{
    Compatibility, Contract, Description, InputKind, InputRole, Metric, OutputRole, RoleChange, RoleComparison,
    RoleName, Unit,
};
use prediction_domain::requests::{BindingDraft, Sent, check_bindings};
use proptest::prelude::*;

use crate::strategies::any_contract;

fn input(role: &str) -> InputRole {
    InputRole::required(role, "sensor", "celsius").unwrap()
}

fn output(role: &str) -> OutputRole {
    OutputRole::required(role, "percent").unwrap()
}

fn contract(inputs: Vec<InputRole>, outputs: Vec<OutputRole>) -> Contract {
    Contract::new(inputs, outputs).unwrap()
}

#[test]
fn each_change_of_an_input_has_its_class() {
    let optional = InputRole { required: false, ..input("a") };
    for (from, to, change, class) in [
        (Some(input("a")), Some(input("a")), RoleChange::Unchanged, Compatibility::Identical),
        (
            Some(input("a")),
            Some(InputRole { description: Some(Description::parse("text").unwrap()), ..input("a") }),
            RoleChange::Changed,
            Compatibility::Compatible,
        ),
        (None, Some(optional.clone()), RoleChange::Added, Compatibility::Compatible),
        (None, Some(input("a")), RoleChange::Added, Compatibility::NeedsBinding),
        (Some(input("a")), None, RoleChange::Removed, Compatibility::Compatible),
        (Some(input("a")), Some(optional.clone()), RoleChange::Changed, Compatibility::Compatible),
        (Some(optional), Some(input("a")), RoleChange::Changed, Compatibility::NeedsBinding),
        (
            Some(input("a")),
            Some(InputRole { input_kind: InputKind::parse("gateway").unwrap(), ..input("a") }),
            RoleChange::Changed,
            Compatibility::NeedsBinding,
        ),
        (
            Some(input("a")),
            Some(InputRole { metric: Metric::parse("kelvin").unwrap(), ..input("a") }),
            RoleChange::Changed,
            Compatibility::NeedsBinding,
        ),
        (
            Some(input("a")),
            Some(InputRole { unit: Some(Unit::parse("K").unwrap()), ..input("a") }),
            RoleChange::Changed,
            Compatibility::NeedsBinding,
        ),
    ] {
        let of = |role: Option<InputRole>| contract(role.into_iter().collect(), vec![output("p")]);
        let comparison = of(from.clone()).compare(&of(to.clone()));
        assert_eq!(comparison.compatibility, class, "{from:?} to {to:?}");
        assert_eq!((comparison.input_roles[0].change, comparison.input_roles[0].compatibility), (change, class));
    }
}

#[test]
fn each_change_of_an_output_has_its_class() {
    let optional = OutputRole { required: false, ..output("a") };
    for (from, to, change, class) in [
        (Some(output("a")), Some(output("a")), RoleChange::Unchanged, Compatibility::Identical),
        (
            Some(output("a")),
            Some(OutputRole { description: Some(Description::parse("text").unwrap()), ..output("a") }),
            RoleChange::Changed,
            Compatibility::Compatible,
        ),
        (None, Some(output("a")), RoleChange::Added, Compatibility::Compatible),
        (Some(output("a")), None, RoleChange::Removed, Compatibility::Breaking),
        (Some(optional.clone()), Some(output("a")), RoleChange::Changed, Compatibility::Compatible),
        (Some(output("a")), Some(optional), RoleChange::Changed, Compatibility::Breaking),
        (
            Some(output("a")),
            Some(OutputRole { metric: Metric::parse("share").unwrap(), ..output("a") }),
            RoleChange::Changed,
            Compatibility::Breaking,
        ),
        (
            Some(output("a")),
            Some(OutputRole { unit: Some(Unit::parse("%").unwrap()), ..output("a") }),
            RoleChange::Changed,
            Compatibility::Breaking,
        ),
    ] {
        let of = |role: Option<OutputRole>| contract(Vec::new(), role.into_iter().chain([output("p")]).collect());
        let comparison = of(from.clone()).compare(&of(to.clone()));
        assert_eq!(comparison.compatibility, class, "{from:?} to {to:?}");
        let compared = comparison.output_roles.iter().find(|role| role.role.as_str() == "a").unwrap();
        assert_eq!((compared.change, compared.compatibility), (change, class));
    }
}

#[test]
fn a_role_is_renamed_if_an_alias_of_it_was_a_role() {
    let name = |text: &str| RoleName::parse(text).unwrap();
    let called = |role: &str, aliases: &[&str]| InputRole {
        aliases: aliases.iter().map(|alias| name(alias)).collect(),
        ..input(role)
    };
    let compare = |from: Vec<InputRole>, to: Vec<InputRole>| {
        let comparison = contract(from, vec![output("p")]).compare(&contract(to, vec![output("p")]));
        let roles = comparison.input_roles.into_iter();
        let told =
            roles.map(|role| (role.role.to_string(), role.change, role.previous_role.map(|name| name.to_string())));
        (comparison.compatibility, told.collect::<Vec<_>>())
    };
    let told =
        |role: &str, change: RoleChange, previous: Option<&str>| (role.to_owned(), change, previous.map(str::to_owned));
    // By the first alias that was a role; the other one is gone.
    assert_eq!(
        compare(vec![input("old"), input("older")], vec![called("new", &["oldest", "older", "old"])]),
        (
            Compatibility::Compatible,
            vec![told("new", RoleChange::Renamed, Some("older")), told("old", RoleChange::Removed, None)]
        )
    );
    // A role that was there by its name is that one.
    assert_eq!(
        compare(vec![input("same"), input("old")], vec![called("same", &["old"])]).1,
        [told("same", RoleChange::Unchanged, None), told("old", RoleChange::Removed, None)]
    );
    // As its other members are.
    let optional = InputRole { required: false, ..input("old") };
    assert_eq!(compare(vec![optional], vec![called("new", &["old"])]).0, Compatibility::NeedsBinding);
    // In another form of Unicode, which an earlier release stored.
    let decomposed = InputRole { role: RoleName::restore("e\u{301}").unwrap(), ..input("x") };
    assert_eq!(
        compare(vec![decomposed], vec![called("new", &["\u{e9}"])]).1,
        [told("new", RoleChange::Renamed, Some("e\u{301}"))]
    );
}

fn members(role: &RoleComparison) -> Vec<&str> {
    role.differences.iter().map(|difference| difference.member).collect()
}

#[test]
fn a_difference_says_what_was_and_what_is() {
    let to = InputRole { required: false, unit: Some(Unit::parse("K").unwrap()), ..input("a") };
    let comparison = contract(vec![input("a")], vec![output("p")]).compare(&contract(vec![to], vec![output("p")]));
    let role = &comparison.input_roles[0];
    assert_eq!(members(role), ["unit", "required"]);
    assert_eq!(
        (role.differences[0].from.clone(), role.differences[0].to.clone()),
        (serde_json::Value::Null, "K".into())
    );
    assert_eq!((role.differences[1].from.clone(), role.differences[1].to.clone()), (true.into(), false.into()));
}

/// Of the inputs, some are gone, some are optional now and some have another name; another optional one is new.
fn compatible_with(contract: &Contract, changes: u64) -> Contract {
    let kept = contract.input_roles().iter().enumerate().filter_map(|(index, role)| match changes >> (2 * index) & 3 {
        0 => None,
        1 => Some(InputRole { required: false, ..role.clone() }),
        2 => Some(InputRole { description: None, ..role.clone() }),
        _ => {
            let former = role.role.clone();
            let role = InputRole { role: RoleName::parse(&format!("not {former}")).unwrap(), ..role.clone() };
            Some(InputRole { aliases: vec![former], ..role })
        }
    });
    let new = InputRole { required: false, ..input("a new role") };
    Contract::new(kept.chain([new]).collect(), contract.output_roles().to_vec()).unwrap()
}

proptest! {
    #[test]
    fn a_contract_is_identical_to_itself(one in any_contract()) {
        prop_assert_eq!(one.compare(&one).compatibility, Compatibility::Identical);
    }

    /// And only to one that has its digest.
    #[test]
    fn only_contracts_of_one_digest_are_identical(one in any_contract(), other in any_contract()) {
        prop_assert_eq!(one.compare(&other).compatibility == Compatibility::Identical, one.digest() == other.digest());
    }

    #[test]
    fn the_class_does_not_depend_on_the_order_of_roles(one in any_contract(), other in any_contract()) {
        let reversed = |contract: &Contract| {
            let inputs = contract.input_roles().iter().rev().cloned().collect();
            Contract::new(inputs, contract.output_roles().iter().rev().cloned().collect()).unwrap()
        };
        prop_assert_eq!(
            one.compare(&other).compatibility,
            reversed(&one).compare(&reversed(&other)).compatibility
        );
    }

    /// Every role of both is in it once, and what is unchanged is the same.
    #[test]
    fn every_difference_is_named(one in any_contract(), other in any_contract()) {
        let comparison = one.compare(&other);
        let mut named: Vec<&str> = comparison
            .input_roles
            .iter()
            .flat_map(|role| [Some(&role.role), role.previous_role.as_ref()])
            .flatten()
            .map(RoleName::as_str)
            .collect();
        named.sort_unstable();
        let mut of_both: Vec<&str> =
            one.input_roles().iter().chain(other.input_roles()).map(|role| role.role.as_str()).collect();
        of_both.sort_unstable();
        of_both.dedup();
        prop_assert_eq!(named, of_both);
        for compared in &comparison.input_roles {
            // But for aliases, which say nothing about what it is.
            let find = |contract: &Contract, name: &RoleName| {
                let role = contract.input_roles().iter().find(|role| role.role == *name)?;
                Some(InputRole { aliases: Vec::new(), ..role.clone() })
            };
            let former = compared.previous_role.as_ref().unwrap_or(&compared.role);
            match (find(&one, former), find(&other, &compared.role), compared.change) {
                (Some(before), Some(after), RoleChange::Unchanged) => prop_assert_eq!(before, after),
                (Some(before), Some(after), RoleChange::Changed | RoleChange::Renamed) => {
                    prop_assert_eq!(compared.change == RoleChange::Renamed, before.role != after.role);
                    let mut changed = InputRole { role: after.role.clone(), ..before.clone() };
                    for member in members(compared) {
                        match member {
                            "input_kind" => changed.input_kind = after.input_kind.clone(),
                            "metric" => changed.metric = after.metric.clone(),
                            "unit" => changed.unit = after.unit.clone(),
                            "required" => changed.required = after.required,
                            "description" => changed.description = after.description.clone(),
                            other => prop_assert!(false, "{other}"),
                        }
                    }
                    prop_assert_ne!(&before, &after);
                    prop_assert_eq!(changed, after);
                }
                (None, Some(_), RoleChange::Added) | (Some(_), None, RoleChange::Removed) => {}
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }

    /// Bindings that satisfied the former contract satisfy one that is compatible, without those of roles that are
    /// gone, and with those of renamed ones under their new names.
    #[test]
    fn bindings_fit_what_is_compatible(one in any_contract(), changes in any::<u64>(), bound in any::<u64>()) {
        let other = compatible_with(&one, changes);
        let comparison = one.compare(&other);
        prop_assert!(comparison.compatibility <= Compatibility::Compatible);
        let bindings: Vec<BindingDraft> = one
            .input_roles()
            .iter()
            .enumerate()
            .filter(|(index, role)| role.required || bound >> index & 1 == 1)
            .map(|(_, role)| {
                BindingDraft::new(role.role.as_str(), "0b5c6a52-5a0e-4e57-9f0a-0a8f5e0a7c11", role.input_kind.as_str())
            })
            .collect();
        prop_assert!(check_bindings(&one, &bindings).is_ok());
        let kept: Vec<BindingDraft> = comparison
            .input_roles
            .iter()
            .filter(|compared| compared.change != RoleChange::Removed)
            .filter_map(|compared| {
                let former = compared.previous_role.as_ref().unwrap_or(&compared.role);
                let bound = |binding: &&BindingDraft| binding.role.given().is_some_and(|name| name == former.as_str());
                let role = Sent::Given(compared.role.to_string());
                Some(BindingDraft { role, ..bindings.iter().find(bound)?.clone() })
            })
            .collect();
        prop_assert!(check_bindings(&other, &kept).is_ok());
    }
}
