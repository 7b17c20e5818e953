//! The checking engine against an independent definition of what it decides.

use std::collections::{BTreeMap, BTreeSet};

use prediction_domain::model::{
    CheckedBindings, Contract, Diagnostics, InputRole, MAX_BINDINGS, MAX_VIOLATIONS, OutputRole, Path, ViolationCode,
};
use prediction_domain::requests::{BindingDraft, Sent, check_bindings, validate_bindings};
use proptest::prelude::*;

use crate::strategies::{all_bound, any_contract, bindings_for};
use crate::world::{SENSOR, found};

/// The definition, in words as plain as the documentation's: every required role is bound, every bound role is declared
/// and bound once, every kind is the declared one or left out, and every input is identified by a UUID that is not nil.
fn satisfies(contract: &Contract, bindings: &[BindingDraft]) -> bool {
    let kinds: BTreeMap<&str, &str> =
        contract.input_roles().iter().map(|role| (role.role.as_str(), role.input_kind.as_str())).collect();
    let mut bound = BTreeSet::new();
    for binding in bindings {
        let Sent::Given(role) = &binding.role else { return false };
        let Some(kind) = kinds.get(role.as_str()) else { return false };
        if !bound.insert(role.as_str()) {
            return false;
        }
        let right_kind = match &binding.input_type {
            Sent::Given(input_type) => input_type == kind,
            Sent::Absent | Sent::Null => true,
            Sent::Unreadable => false,
        };
        let identified = matches!(&binding.input_id, Sent::Given(id) if identifies(id));
        if !right_kind || !identified {
            return false;
        }
    }
    let mut required = contract.input_roles().iter().filter(|role| role.required);
    required.all(|role| bound.contains(role.role.as_str()))
}

/// Eight, four, four, four and twelve hexadecimal digits, not all of them zero.
fn identifies(id: &str) -> bool {
    let groups: Vec<&str> = id.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
        && groups.concat().bytes().any(|byte| byte != b'0')
}

/// A contract and bindings that may fit it.
fn case() -> impl Strategy<Value = (Contract, Vec<BindingDraft>)> {
    any_contract().prop_flat_map(|contract| {
        let bindings = bindings_for(&contract);
        (Just(contract), bindings)
    })
}

/// A contract and bindings that fit it.
fn good_case() -> impl Strategy<Value = (Contract, Vec<BindingDraft>)> {
    any_contract().prop_flat_map(|contract| {
        let bindings = all_bound(&contract);
        (Just(contract), bindings)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn accepted_is_exactly_what_satisfies_the_contract((contract, bindings) in case()) {
        let checked = check_bindings(&contract, &bindings);
        prop_assert_eq!(checked.is_ok(), satisfies(&contract, &bindings), "{:?}", checked);
    }

    #[test]
    fn what_is_accepted_is_what_was_sent_in_its_order((contract, bindings) in good_case()) {
        let checked = check_bindings(&contract, &bindings).unwrap();
        prop_assert_eq!(checked.as_slice().len(), bindings.len());
        for (checked, sent) in checked.iter().zip(&bindings) {
            let role = contract.input_roles().iter().find(|role| role.role == checked.role).unwrap();
            prop_assert_eq!(Some(checked.role.as_str()), sent.role.given().map(String::as_str));
            prop_assert_eq!(Some(checked.input_id.to_string()), sent.input_id.given().cloned());
            prop_assert_eq!(&checked.input_type, &role.input_kind);
        }
    }

    #[test]
    fn accepted_bindings_are_accepted_again((contract, bindings) in good_case()) {
        let checked = check_bindings(&contract, &bindings).unwrap();
        let again: Vec<_> = checked.iter().map(BindingDraft::from).collect();
        prop_assert_eq!(&check_bindings(&contract, &again).unwrap(), &checked);
        prop_assert_eq!(CheckedBindings::restored(checked.as_slice().to_vec()).unwrap(), checked);
    }

    #[test]
    fn the_order_of_bindings_means_nothing(
        ((contract, bindings), shuffled) in good_case().prop_flat_map(|(contract, bindings)| {
            let shuffled = Just(bindings.clone()).prop_shuffle();
            (Just((contract, bindings)), shuffled)
        })
    ) {
        prop_assert_eq!(
            check_bindings(&contract, &bindings).unwrap(),
            check_bindings(&contract, &shuffled).unwrap()
        );
    }

    #[test]
    fn what_is_wrong_does_not_depend_on_the_order_of_the_roles(
        (contract, bindings, inputs, outputs) in case().prop_flat_map(|(contract, bindings)| {
            let inputs = Just(contract.input_roles().to_vec()).prop_shuffle();
            let outputs = Just(contract.output_roles().to_vec()).prop_shuffle();
            (Just(contract), Just(bindings), inputs, outputs)
        })
    ) {
        let shuffled = Contract::new(inputs, outputs).unwrap();
        prop_assert_eq!(check_bindings(&contract, &bindings), check_bindings(&shuffled, &bindings));
    }

    #[test]
    fn every_defect_is_reported_at_its_place_and_nothing_else(
        (contract, bindings, defects) in good_case().prop_flat_map(|(contract, bindings)| {
            let defects = proptest::collection::vec(defects(), bindings.len());
            (Just(contract), Just(bindings), defects)
        })
    ) {
        let (bindings, expected) = inject(&contract, bindings, &defects);
        let reported = check_bindings(&contract, &bindings)
            .map_or_else(|violations| found(&violations), |_| Vec::new());
        prop_assert_eq!(reported, expected);
    }

    #[test]
    fn without_a_contract_only_what_needs_none_is_judged((contract, bindings) in case()) {
        let needs_the_contract =
            [ViolationCode::UnknownRole, ViolationCode::InputKindMismatch, ViolationCode::MissingRequiredRole];
        let drafts: Vec<_> = bindings.iter().cloned().map(Sent::Given).collect();
        let mut diagnostics = Diagnostics::default();
        validate_bindings(&mut diagnostics, &Path::of("role_bindings"), None, &drafts);
        let without = diagnostics.finish(Some(())).map_or_else(|violations| found(&violations), |()| Vec::new());
        let mut with = check_bindings(&contract, &bindings).map_or_else(|violations| found(&violations), |_| Vec::new());
        with.retain(|(_, code)| !needs_the_contract.contains(code));
        prop_assert_eq!(without, with);
    }
}

/// What is done to one binding.
#[derive(Debug, Clone)]
struct Defects {
    role: Option<Defect>,
    input_id: Option<Defect>,
    input_type: Option<Defect>,
    /// The binding is left out.
    dropped: bool,
    /// The role is bound once more, at the end.
    repeated: bool,
}

#[derive(Debug, Clone)]
enum Defect {
    Absent,
    Null,
    Text(&'static str, ViolationCode),
}

impl Defect {
    fn apply(&self, member: &mut Sent<String>) -> ViolationCode {
        let (sent, code) = match self {
            Self::Absent => (Sent::Absent, ViolationCode::MissingMember),
            Self::Null => (Sent::Null, ViolationCode::WrongType),
            Self::Text(text, code) => (Sent::Given((*text).to_owned()), *code),
        };
        *member = sent;
        code
    }
}

const TOO_LONG: &str =
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

fn defects() -> impl Strategy<Value = Defects> {
    let text = |cases: &'static [(&'static str, ViolationCode)]| {
        proptest::sample::select(cases).prop_map(|(text, code)| Defect::Text(text, code))
    };
    let needed = || prop_oneof![Just(Defect::Absent), Just(Defect::Null)];
    let role = prop_oneof![
        needed(),
        text(&[
            ("", ViolationCode::TooShort),
            (TOO_LONG, ViolationCode::TooLong),
            ("a\u{7}", ViolationCode::ControlCharacter),
        ])
    ];
    let input_id = prop_oneof![
        needed(),
        text(&[
            ("", ViolationCode::InvalidUuid),
            ("5", ViolationCode::InvalidUuid),
            ("{55555555-5555-5555-5555-555555555555}", ViolationCode::InvalidUuid),
            ("55555555555555555555555555555555", ViolationCode::InvalidUuid),
            ("00000000-0000-0000-0000-000000000000", ViolationCode::NilUuid),
        ])
    ];
    let input_type = text(&[
        ("", ViolationCode::TooShort),
        (TOO_LONG, ViolationCode::TooLong),
        ("a\0", ViolationCode::ControlCharacter),
        ("no such kind", ViolationCode::InputKindMismatch),
    ]);
    let sometimes = |strategy: BoxedStrategy<Defect>| proptest::option::weighted(0.3, strategy);
    (
        sometimes(role.boxed()),
        sometimes(input_id.boxed()),
        sometimes(input_type.boxed()),
        proptest::bool::weighted(0.2),
        proptest::bool::weighted(0.2),
    )
        .prop_map(|(role, input_id, input_type, dropped, repeated)| Defects {
            role,
            input_id,
            input_type,
            dropped,
            repeated,
        })
}

/// Damages the bindings, and says what has to be found: by place, then by code.
fn inject(
    contract: &Contract,
    bindings: Vec<BindingDraft>,
    defects: &[Defects],
) -> (Vec<BindingDraft>, Vec<(String, ViolationCode)>) {
    let mut damaged = Vec::new();
    let mut repeated = Vec::new();
    let mut missing = 0;
    let mut expected = Vec::new();
    for (mut binding, defects) in bindings.into_iter().zip(defects) {
        let name = binding.role.given().cloned().unwrap();
        let required = contract.input_roles().iter().any(|role| role.required && role.role.as_str() == name);
        let unbound = defects.dropped || defects.role.is_some();
        if unbound && required {
            missing += 1;
        }
        if defects.dropped {
            continue;
        }
        let index = damaged.len();
        // By the names of the members, as the violations are ordered.
        if let Some(defect) = &defects.input_id {
            expected.push((index, "input_id", defect.apply(&mut binding.input_id)));
        }
        if let Some(defect) = &defects.input_type {
            let code = defect.apply(&mut binding.input_type);
            // Which kind would be right cannot be told without the role.
            if defects.role.is_none() || code != ViolationCode::InputKindMismatch {
                expected.push((index, "input_type", code));
            }
        }
        if let Some(defect) = &defects.role {
            expected.push((index, "role", defect.apply(&mut binding.role)));
        } else if defects.repeated {
            repeated.push(name);
        }
        damaged.push(binding);
    }
    for name in repeated {
        expected.push((damaged.len(), "role", ViolationCode::DuplicateRole));
        damaged.push(BindingDraft { input_type: Sent::Absent, ..BindingDraft::new(name, SENSOR, "") });
    }
    let missing = std::iter::repeat_n(("role_bindings".to_owned(), ViolationCode::MissingRequiredRole), missing);
    let places = expected.into_iter().map(|(index, member, code)| (format!("role_bindings[{index}].{member}"), code));
    (damaged, missing.chain(places).collect())
}

fn contract_of(inputs: &[&str]) -> Contract {
    Contract::new(
        inputs.iter().map(|role| InputRole::required(role, "sensor", "celsius").unwrap()).collect(),
        vec![OutputRole::required("prediction", "celsius").unwrap()],
    )
    .unwrap()
}

/// None of which has to be bound.
fn contract_of_optional(inputs: &[String]) -> Contract {
    let role = |name: &String| InputRole { required: false, ..InputRole::required(name, "sensor", "celsius").unwrap() };
    let output = OutputRole::required("prediction", "celsius").unwrap();
    Contract::new(inputs.iter().map(role).collect(), vec![output]).unwrap()
}

fn to_sensor(role: impl Into<String>) -> BindingDraft {
    BindingDraft::new(role, SENSOR, "sensor")
}

#[test]
fn an_unknown_role_is_reported_once_with_the_nearest_name() {
    let violations = check_bindings(
        &contract_of(&["temperature", "humidity"]),
        &[to_sensor("temperature"), to_sensor("humidty"), to_sensor("humidty"), to_sensor("wind")],
    )
    .unwrap_err();
    let reported: Vec<_> = violations.iter().map(|v| (v.path.to_string(), v.code, v.hint.as_deref())).collect();
    assert_eq!(
        reported,
        [
            (
                "role_bindings".to_owned(),
                ViolationCode::MissingRequiredRole,
                Some("bind an input of kind \"sensor\" to it")
            ),
            ("role_bindings[1].role".to_owned(), ViolationCode::UnknownRole, Some("did you mean \"humidity\"?")),
            ("role_bindings[2].role".to_owned(), ViolationCode::DuplicateRole, None),
            ("role_bindings[3].role".to_owned(), ViolationCode::UnknownRole, None),
        ]
    );
    assert_eq!(violations[1].expected, Some(serde_json::json!(["humidity", "temperature"])));
    assert_eq!(violations[1].actual, Some(serde_json::json!("humidty")));
}

#[test]
fn a_version_without_inputs_takes_no_bindings_and_says_so() {
    let contract = contract_of(&[]);
    assert_eq!(check_bindings(&contract, &[]).unwrap(), CheckedBindings::default());
    let violations = check_bindings(&contract, &[to_sensor("temperature")]).unwrap_err();
    assert_eq!(violations[0].hint.as_deref(), Some("the source version has no input roles"));
}

#[test]
fn kinds_are_compared_exactly_and_both_are_told() {
    let contract = contract_of(&["temperature"]);
    let violations = check_bindings(&contract, &[BindingDraft::new("temperature", SENSOR, "Sensor")]).unwrap_err();
    assert_eq!(found(&violations), [("role_bindings[0].input_type".to_owned(), ViolationCode::InputKindMismatch)]);
    assert_eq!(violations[0].expected, Some(serde_json::json!("sensor")));
    assert_eq!(violations[0].actual, Some(serde_json::json!("Sensor")));
}

#[test]
fn one_input_may_serve_several_roles() {
    let contract = contract_of(&["inside", "outside"]);
    assert!(check_bindings(&contract, &[to_sensor("inside"), to_sensor("outside")]).is_ok());
}

#[test]
fn bindings_are_limited_in_number_and_the_limit_itself_is_fine() {
    let roles: Vec<String> = (0..MAX_BINDINGS).map(|number| format!("role {number}")).collect();
    let contract = contract_of(&roles.iter().map(String::as_str).collect::<Vec<_>>());
    let mut bindings: Vec<_> = roles.iter().map(to_sensor).collect();
    assert!(check_bindings(&contract, &bindings).is_ok());

    bindings.push(to_sensor("one more"));
    let violations = check_bindings(&contract, &bindings).unwrap_err();
    assert_eq!(found(&violations), [("role_bindings".to_owned(), ViolationCode::TooManyItems)]);
}

/// What is told of many unknown roles does not grow with the roles that there are, nor do hints cost more than a bound.
#[test]
fn which_roles_there_are_is_said_once() {
    let name = |letters: &str, number: usize| format!("{}{number:04}", letters.repeat(24));
    let roles: Vec<String> = (0..MAX_BINDINGS).map(|number| name("role", number)).collect();
    let contract = contract_of(&roles.iter().map(String::as_str).collect::<Vec<_>>());
    let bindings: Vec<_> = (0..MAX_BINDINGS).map(|number| to_sensor(name("elor", number))).collect();
    let violations = check_bindings(&contract, &bindings).unwrap_err();
    assert_eq!((violations.len(), violations.count()), (MAX_VIOLATIONS, 2 * MAX_BINDINGS));
    // The required roles, which are told of the list as a whole, come before what is told of its items.
    assert!(violations.iter().all(|violation| violation.code == ViolationCode::MissingRequiredRole));

    let unbound: Vec<_> = (0..10).map(|number| to_sensor(name("elor", number))).collect();
    let violations = check_bindings(&contract_of_optional(&roles), &unbound).unwrap_err();
    let told: Vec<_> = violations.iter().filter(|violation| violation.expected.is_some()).collect();
    assert_eq!(told.len(), 1, "{violations:?}");
    assert_eq!(
        (told[0].code, told[0].path.to_string().as_str()),
        (ViolationCode::UnknownRole, "role_bindings[0].role")
    );
}

#[test]
fn items_that_are_no_bindings_are_reported_by_their_place() {
    let declared = contract_of(&[]).declared_inputs().clone();
    let mut diagnostics = Diagnostics::default();
    let drafts = [Sent::Null, Sent::Absent, Sent::Unreadable];
    assert_eq!(validate_bindings(&mut diagnostics, &Path::of("role_bindings"), Some(&declared), &drafts), None);
    assert_eq!(
        found(&diagnostics.into_violations().unwrap()),
        [
            ("role_bindings[0]".to_owned(), ViolationCode::WrongType),
            ("role_bindings[1]".to_owned(), ViolationCode::MissingMember),
        ],
        "what is unreadable was reported when it was read"
    );
}

#[test]
fn restored_bindings_are_checked_as_far_as_possible_without_the_contract() {
    let contract = contract_of(&["a"]);
    let binding = check_bindings(&contract, &[to_sensor("a")]).unwrap().as_slice()[0].clone();
    let twice = CheckedBindings::restored(vec![binding.clone(), binding]).unwrap_err();
    assert_eq!(twice.code, ViolationCode::DuplicateRole);
}
