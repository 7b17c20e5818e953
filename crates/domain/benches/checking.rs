//! What checking takes: the engine by itself, and a whole setup in the domain alone, on a store in memory.
//!
//! Before anything is measured, it is made sure that what is measured finds what it should: exactly the mistakes that
//! were made, or none.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion};
use prediction_domain::model::{
    Caller, Contract, Diagnostics, InputRole, OutputRole, Path, Permission, Scope, ViolationCode, Violations,
};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::{
    BindingDraft, InputRoleDraft, OutputRoleDraft, Sent, SetUpDraft, SetUpJobDraft, SourceDraft, SourceVersionDraft,
    Submission, check_bindings, validate_bindings,
};
use prediction_domain::use_cases::{
    Ports, SetUpDone, UseCaseError, create_source, prepare_set_up, publish_source_version, set_up_jobs,
};
use prediction_domain_testkit::values::fresh_input_id;
use prediction_domain_testkit::{FixedClock, MemoryStore, SequentialIds};

const ORGANISATION: &str = "77777777-7777-7777-7777-777777777777";
const KINDS: [&str; 3] = ["sensor", "weather_station", "forecast"];
const WORDS: [&str; 10] = [
    "air_temperature",
    "relative_humidity",
    "leaf_wetness",
    "soil_moisture",
    "wind_speed",
    "solar_radiation",
    "rainfall",
    "dew_point",
    "vapour_pressure_deficit",
    "canopy_temperature",
];

/// What is wrong with the bindings of [`Case::with_mistakes`].
const MISTAKES: [ViolationCode; 12] = [
    ViolationCode::WrongType,
    ViolationCode::MissingMember,
    ViolationCode::InvalidUuid,
    ViolationCode::NilUuid,
    ViolationCode::TooShort,
    ViolationCode::TooLong,
    ViolationCode::ControlCharacter,
    ViolationCode::DuplicateRole,
    // One with a name that is nearly right, and one without.
    ViolationCode::UnknownRole,
    ViolationCode::UnknownRole,
    ViolationCode::InputKindMismatch,
    ViolationCode::MissingRequiredRole,
];

/// A contract, bindings for it, and what is wrong with them.
struct Case {
    name: &'static str,
    contract: Contract,
    bindings: Vec<BindingDraft>,
    mistakes: &'static [ViolationCode],
}

impl Case {
    fn without_mistake(name: &'static str, roles: usize) -> Self {
        let contract = contract(roles);
        let bind = |role: &InputRole| {
            let input_id = fresh_input_id().to_string();
            BindingDraft::new(role.role.as_str(), input_id, role.input_kind.as_str())
        };
        let bindings = contract.input_roles().iter().map(bind).collect();
        Self { name, contract, bindings, mistakes: &[] }
    }

    /// Mistakes of all kinds that bindings can have, spread over the list.
    fn with_mistakes(name: &'static str, roles: usize) -> Self {
        let mut case = Self::without_mistake(name, roles);
        let text = |text: &str| Sent::Given(text.to_owned());
        case.change(3, |binding| binding.input_id = Sent::Absent);
        case.change(7, |binding| binding.input_id = text("sensor-7"));
        case.change(12, |binding| binding.input_id = text("00000000-0000-0000-0000-000000000000"));
        case.change(18, |binding| binding.input_type = text(""));
        case.change(23, |binding| binding.input_type = text(&"sensor".repeat(20)));
        case.change(27, |binding| binding.input_type = text("sensor\n"));
        case.change(31, |binding| binding.input_type = text("gateway"));
        // These bound optional roles: with required ones, each would be two mistakes.
        case.change(4, |binding| binding.role = Sent::Null);
        case.change(34, |binding| binding.role = text("air_temprature_4"));
        case.change(44, |binding| binding.role = text("xyzzy"));
        case.bindings.push(case.bindings[20].clone());
        case.bindings.remove(46);
        case.mistakes = &MISTAKES;
        case
    }

    fn change(&mut self, index: usize, change: impl FnOnce(&mut BindingDraft)) {
        change(&mut self.bindings[index]);
    }

    fn sent(&self) -> Vec<Sent<BindingDraft>> {
        self.bindings.iter().cloned().map(Sent::Given).collect()
    }

    /// Makes sure that exactly the mistakes that were made are found.
    #[track_caller]
    fn assert_found<T>(&self, answer: Result<T, Violations>) {
        let violations = answer.map_or_else(Violations::into_vec, |_| Vec::new());
        let mut found: Vec<ViolationCode> = violations.iter().map(|violation| violation.code).collect();
        found.sort_unstable();
        let mut mistakes = self.mistakes.to_vec();
        mistakes.sort_unstable();
        assert_eq!(found, mistakes, "{violations:#?}");
        let hints: BTreeSet<&str> = violations.iter().filter_map(|violation| violation.hint.as_deref()).collect();
        let has_near_miss = hints.contains("did you mean \"air_temperature_4\"?");
        assert_eq!(has_near_miss, !mistakes.is_empty(), "{hints:?}");
    }
}

/// Four of five roles are required, as are all outputs.
fn contract(roles: usize) -> Contract {
    let inputs = (0..roles).map(|number| {
        let name = format!("{}_{}", WORDS[number % WORDS.len()], number / WORDS.len() + 1);
        let role = InputRole::required(&name, KINDS[number % KINDS.len()], "celsius").expect("a valid role");
        InputRole { required: number % 5 != 4, ..role }
    });
    let outputs = vec![OutputRole::required("mildew_risk", "risk").expect("a valid role")];
    Contract::new(inputs.collect(), outputs).expect("a valid contract")
}

/// A service with a store of its own.
struct World {
    ports: Ports,
    caller: Caller,
}

impl World {
    fn new() -> Self {
        let stores = MemoryStore::stores();
        let ports = Ports::of_store(&stores, Arc::new(FixedClock::default()), Arc::new(SequentialIds::default()));
        let caller =
            Caller { subject: "operator".to_owned(), permissions: Permission::ALL.into(), scope: Scope::Platform };
        Self { ports, caller }
    }

    /// A setup on a version that is stored.
    fn on_stored_version(&self, case: &Case) -> SetUpDraft {
        let source = SourceDraft { name: given("Mildew predictor"), ..SourceDraft::default() };
        let (source, _) =
            create_source(&self.ports, &self.caller, &source.into(), WriteMode::Commit).expect("a new source");
        let version = SourceVersionDraft { source_id: Sent::Given(source.id.to_string()), ..described(&case.contract) };
        let (version, _) = publish_source_version(&self.ports, &self.caller, &version.into(), WriteMode::Commit)
            .expect("a new source version");
        let id = Sent::Given(version.id.to_string());
        SetUpDraft { job: Sent::Given(SetUpJobDraft { source_version_id: id, ..a_job() }), ..binding(case) }
    }

    fn dry_run(&self, set_up: Submission<SetUpDraft>) -> Result<SetUpDone, UseCaseError> {
        let prepared = prepare_set_up(&self.caller, set_up, WriteMode::DryRun)?;
        set_up_jobs(&self.ports, &[prepared]).pop().expect("one answer for one setup")
    }
}

/// A setup that describes its source and its version, contract included; neither is stored.
fn of_everything(case: &Case) -> SetUpDraft {
    SetUpDraft {
        source: Sent::Given(SourceDraft { name: given("Mildew predictor"), ..SourceDraft::default() }),
        source_version: Sent::Given(described(&case.contract)),
        job: Sent::Given(a_job()),
        ..binding(case)
    }
}

fn binding(case: &Case) -> SetUpDraft {
    SetUpDraft {
        organisation_id: given(ORGANISATION),
        role_bindings: Sent::Given(case.sent()),
        ..SetUpDraft::default()
    }
}

fn a_job() -> SetUpJobDraft {
    SetUpJobDraft { name: given("Vineyard north"), ..SetUpJobDraft::default() }
}

fn described(contract: &Contract) -> SourceVersionDraft {
    let inputs = contract.input_roles().iter().map(|role| {
        Sent::Given(InputRoleDraft {
            role: given(role.role.as_str()),
            input_kind: given(role.input_kind.as_str()),
            metric: given(role.metric.as_str()),
            required: Sent::Given(role.required),
            ..InputRoleDraft::default()
        })
    });
    let outputs = contract.output_roles().iter().map(|role| {
        Sent::Given(OutputRoleDraft {
            role: given(role.role.as_str()),
            metric: given(role.metric.as_str()),
            ..OutputRoleDraft::default()
        })
    });
    SourceVersionDraft {
        version: given("1.0.0"),
        input_roles: Sent::Given(inputs.collect()),
        output_roles: Sent::Given(outputs.collect()),
        ..SourceVersionDraft::default()
    }
}

fn given(text: &str) -> Sent<String> {
    Sent::Given(text.to_owned())
}

/// The engine, with the contract at hand: what a setup calls.
fn engine(criterion: &mut Criterion, case: &Case) {
    let declared = case.contract.declared_inputs().clone();
    let path = Path::of("role_bindings");
    let bindings = case.sent();
    let diagnostics = || {
        let mut diagnostics = Diagnostics::default();
        let checked = validate_bindings(&mut diagnostics, &path, Some(black_box(&declared)), black_box(&bindings));
        diagnostics.finish(checked)
    };
    case.assert_found(diagnostics());
    criterion.bench_function(&format!("validate_bindings/{}", case.name), |bencher| bencher.iter(diagnostics));
}

/// The engine as other services call it, who have a contract and a list of bindings.
fn library(criterion: &mut Criterion, case: &Case) {
    let check = || check_bindings(black_box(&case.contract), black_box(&case.bindings));
    case.assert_found(check());
    criterion.bench_function(&format!("check_bindings/{}", case.name), |bencher| bencher.iter(check));
}

/// Everything between the decoded request and the answer. It is a dry run, so that the store stays as it is.
fn set_up(criterion: &mut Criterion, case: &Case) {
    let world = World::new();
    let described = Submission::from(of_everything(case));
    measure_set_up(criterion, case, &world, "everything described", &described);
    let stored = Submission::from(world.on_stored_version(case));
    measure_set_up(criterion, case, &world, "stored version", &stored);
}

fn measure_set_up(criterion: &mut Criterion, case: &Case, world: &World, what: &str, set_up: &Submission<SetUpDraft>) {
    let dry_run = |set_up| world.dry_run(black_box(set_up));
    case.assert_found(dry_run(set_up.clone()).map_err(|refusal| match refusal {
        UseCaseError::Invalid(violations) => violations,
        other => panic!("not invalid: {other:?}"),
    }));
    criterion.bench_function(&format!("set_up, {what}/{}", case.name), |bencher| {
        bencher.iter_batched(|| set_up.clone(), dry_run, BatchSize::SmallInput);
    });
}

fn main() {
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    for case in [Case::with_mistakes("50 roles, 12 mistakes", 50), Case::without_mistake("200 roles, no mistake", 200)]
    {
        engine(&mut criterion, &case);
        library(&mut criterion, &case);
        set_up(&mut criterion, &case);
    }
    criterion.final_summary();
}
