//! Contracts and bindings for properties.

use std::collections::BTreeSet;

use prediction_domain::model::{Contract, Description, InputKind, InputRole, Metric, OutputRole, RoleName, Unit};
use prediction_domain::requests::{BindingDraft, Sent};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

/// Text of every script, with what is trimmed, composed, folded or refused among it.
pub(crate) fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => r"\PC{0,12}",
        2 => r"[ \t\n\u{a0}\u{2003}]{0,2}[a-zA-ZßſıİſΣσςéʼnvæ\u{301}\u{345}\u{2126}\u{212b}0-9 .-]{0,8}[ \n\u{3000}]{0,2}",
        1 => any::<String>(),
        1 => "[vV]{0,2}[0-9a-z.]{0,5}",
        1 => r"\PC{95,105}",
    ]
}

/// A text that every kind of text accepts as it is.
pub(crate) fn word() -> impl Strategy<Value = String> {
    "[a-z°é_]{1,8}"
}

/// Few names, so that roles of two contracts, or of a contract and bindings, meet.
pub(crate) fn role_name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-f]", 1 => word()]
}

pub(crate) fn kind() -> impl Strategy<Value = String> {
    prop_oneof![Just("sensor".to_owned()), Just("gateway".to_owned()), Just("Sensor".to_owned())]
}

prop_compose! {
    fn input_role(name: String)(
        input_kind in kind(),
        metric in word(),
        unit in option::of(word()),
        required in any::<bool>(),
        description in option::of(r"[a-z\n]{0,10}"),
    ) -> InputRole {
        InputRole {
            aliases: Vec::new(),
            description: description.map(|text| Description::parse(&text).unwrap()),
            input_kind: InputKind::parse(&input_kind).unwrap(),
            metric: Metric::parse(&metric).unwrap(),
            required,
            role: RoleName::parse(&name).unwrap(),
            unit: unit.map(|text| Unit::parse(&text).unwrap()),
        }
    }
}

prop_compose! {
    fn output_role(name: String)(
        metric in word(),
        unit in option::of(word()),
        required in any::<bool>(),
        description in option::of(r"[a-z\n]{0,10}"),
    ) -> OutputRole {
        OutputRole {
            description: description.map(|text| Description::parse(&text).unwrap()),
            metric: Metric::parse(&metric).unwrap(),
            required,
            role: RoleName::parse(&name).unwrap(),
            unit: unit.map(|text| Unit::parse(&text).unwrap()),
        }
    }
}

/// Input roles with names of their own, in any order.
pub(crate) fn input_roles() -> impl Strategy<Value = Vec<InputRole>> {
    let roles = btree_set(role_name(), 0..6)
        .prop_flat_map(|names: BTreeSet<String>| names.into_iter().map(input_role).collect::<Vec<_>>())
        .prop_shuffle();
    (roles, btree_set(role_name(), 0..4)).prop_map(|(mut roles, former)| {
        let names: BTreeSet<RoleName> = roles.iter().map(|role| role.role.clone()).collect();
        let former = former.iter().map(|name| RoleName::parse(name).unwrap()).filter(|name| !names.contains(name));
        let count = roles.len();
        for (index, alias) in former.enumerate().filter(|_| count > 0) {
            roles[index % count].aliases.push(alias);
        }
        roles
    })
}

pub(crate) fn output_roles() -> impl Strategy<Value = Vec<OutputRole>> {
    btree_set(role_name(), 1..5)
        .prop_flat_map(|names: BTreeSet<String>| names.into_iter().map(output_role).collect::<Vec<_>>())
        .prop_shuffle()
}

prop_compose! {
    pub(crate) fn any_contract()(inputs in input_roles(), outputs in output_roles()) -> Contract {
        Contract::new(inputs, outputs).unwrap()
    }
}

pub(crate) fn input_id() -> impl Strategy<Value = String> {
    any::<u128>().prop_map(|bits| Uuid::from_u128(bits | 1).to_string())
}

/// What a caller may send as an id.
fn id_like() -> impl Strategy<Value = Sent<String>> {
    prop_oneof![
        12 => input_id().prop_map(Sent::Given),
        4 => input_id().prop_map(|id| Sent::Given(id.to_uppercase())),
        1 => Just(Sent::Given(Uuid::nil().to_string())),
        1 => input_id().prop_map(|id| Sent::Given(id.replace('-', ""))),
        1 => input_id().prop_map(|id| Sent::Given(format!("{{{id}}}"))),
        1 => "[0-9a-f-]{36}".prop_map(Sent::Given),
        1 => any_text().prop_map(Sent::Given),
        1 => Just(Sent::Null),
        1 => Just(Sent::Absent),
    ]
}

/// A binding that a caller may send: most of its members are good by themselves.
fn binding_like() -> impl Strategy<Value = BindingDraft> {
    let role = prop_oneof![
        20 => role_name().prop_map(Sent::Given),
        1 => any_text().prop_map(Sent::Given),
        1 => Just(Sent::Null),
        1 => Just(Sent::Absent),
    ];
    let input_type = prop_oneof![
        6 => kind().prop_map(Sent::Given),
        4 => Just(Sent::Absent),
        2 => Just(Sent::Null),
        1 => any_text().prop_map(Sent::Given),
    ];
    (role, id_like(), input_type).prop_map(|(role, input_id, input_type)| BindingDraft { role, input_id, input_type })
}

/// Bindings that may or may not satisfy the contract: those that do, with a few things changed.
pub(crate) fn bindings_for(contract: &Contract) -> impl Strategy<Value = Vec<BindingDraft>> + use<> {
    let good: Vec<_> = contract.input_roles().iter().map(good_binding).collect();
    let noise = prop_oneof![3 => Just(Vec::new()), 1 => vec(binding_like(), 0..3)];
    let kept = vec(prop::bool::weighted(0.9), good.len());
    (good, kept, noise)
        .prop_map(|(good, kept, noise)| {
            let kept = good.into_iter().zip(kept).filter_map(|(binding, keep)| keep.then_some(binding));
            kept.chain(noise).collect::<Vec<_>>()
        })
        .prop_shuffle()
}

/// One good binding for every role, required or not.
pub(crate) fn all_bound(contract: &Contract) -> impl Strategy<Value = Vec<BindingDraft>> + use<> {
    contract.input_roles().iter().map(good_binding).collect::<Vec<_>>().prop_shuffle()
}

/// A binding that fits the role, with or without saying the kind.
fn good_binding(role: &InputRole) -> impl Strategy<Value = BindingDraft> + use<> {
    let (name, kind) = (role.role.to_string(), role.input_kind.to_string());
    let input_type = prop_oneof![Just(Sent::Given(kind)), Just(Sent::Absent), Just(Sent::Null)];
    (input_id(), input_type).prop_map(move |(id, input_type)| BindingDraft {
        role: Sent::Given(name.clone()),
        input_id: Sent::Given(id),
        input_type,
    })
}
