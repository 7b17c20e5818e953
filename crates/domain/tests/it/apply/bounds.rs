//! What one document may cost, however little it says.

use prediction_domain::model::{
    ApplyAction, Contract, Description, InputRole, Lifecycle, LifecycleStage, MAX_APPLIED, OutputRole, RoleName,
};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::{ApplyDraft, Sent};
use prediction_domain::use_cases::{Applied, UnknownInputs, UseCaseError};
use prediction_domain_testkit::values::revision;

use super::words::{
    SET, chained, document, done, dry_run, everything, job, mildew, mistakes, places, run, to_input, to_output,
    version, with_jobs,
};
use crate::world::{NOWHERE, World, a_source, given, operator};

/// A contract of a few hundred kilobytes.
fn large() -> Contract {
    let role = |number: usize| InputRole {
        required: false,
        description: Some(Description::parse(&"a".repeat(2_000)).unwrap()),
        ..InputRole::required(&format!("role_{number}"), "sensor", "celsius").unwrap()
    };
    Contract::new((0..150).map(role).collect(), vec![OutputRole::required("prediction", "risk").unwrap()]).unwrap()
}

#[test]
fn a_document_has_to_do_with_so_much_of_what_is_stored_and_no_more() {
    let world = World::new();
    let labels: Vec<String> = (0..40).map(|number| format!("1.{number}.0")).collect();
    let large = large();
    for labels in labels.chunks(10) {
        let versions = labels.iter().map(|label| version("mildew", label, &large));
        let sources = Sent::Given(vec![Sent::Given(a_source("mildew"))]);
        let source_versions = Sent::Given(versions.collect());
        done(&world, &ApplyDraft { sources, source_versions, ..document(SET) });
    }
    let of_jobs = |count: usize| {
        let jobs = labels[..count].iter().map(|label| Sent::Given(job(label, "mildew", label, &[])));
        ApplyDraft { jobs: Sent::Given(jobs.collect()), ..document(SET) }
    };
    assert_eq!(dry_run(&world.ports, &operator(), &of_jobs(20)).unwrap().changes.len(), 20);
    assert_eq!(mistakes(&world, &of_jobs(40)), places(&[("", "too_many_items")]));
}

#[test]
fn a_document_names_a_thousand_jobs_of_others_and_no_more() {
    let world = World::new();
    let named = |count: usize| {
        let reader =
            |number: usize| mildew(&format!("Reader {number}"), &[to_output("upstream", &outside(number), "x")]);
        with_jobs((0..count).map(reader).collect())
    };
    // The source, the version and the jobs are at most as many as a document may have.
    let within = mistakes(&world, &named(150));
    assert_eq!(within.len(), 150);
    assert!(within.iter().all(|(_, code)| *code == "unknown_job"), "{within:?}");
    let mut more = named(MAX_APPLIED - 2);
    let Sent::Given(jobs) = &mut more.jobs else { unreachable!() };
    for (place, job) in jobs.iter_mut().enumerate().take(3) {
        let Sent::Given(job) = job else { unreachable!() };
        let Sent::Given(bindings) = &mut job.role_bindings else { unreachable!() };
        bindings.push(to_output("sensor", &outside(2_000 + place), "x"));
    }
    let told = mistakes(&world, &more);
    assert!(told.iter().any(|(_, code)| *code == "too_many_items"), "{told:?}");
}

fn outside(number: usize) -> String {
    format!("Outside {number}")
}

#[test]
fn two_hundred_warnings_are_told_and_no_more() {
    let world = World::new();
    done(&world, &with_jobs(Vec::new()));
    let deprecated = Lifecycle { stage: LifecycleStage::Deprecated, revision: revision(2), ..Lifecycle::default() };
    let (_, versions, ..) = everything(&world);
    let repository = &world.ports.source_versions;
    repository.change_lifecycle(versions[0].id, &deprecated, revision(1), WriteMode::Commit).unwrap();
    let jobs = |count| with_jobs((0..count).map(|number| mildew(&format!("Job {number}"), &[])).collect());
    let warnings = |count| dry_run(&world.ports, &operator(), &jobs(count)).unwrap().warnings.len();
    assert_eq!((warnings(200), warnings(201)), (200, 200));
}

#[test]
fn more_than_a_document_may_describe_is_not_removed_by_one_whatever_its_limit() {
    let world = World::new();
    let name = |number: usize| format!("Job {number}");
    for half in [0..600, 600..1_200] {
        done(&world, &with_jobs(half.map(|number| mildew(&name(number), &[])).collect()));
    }
    let before = everything(&world);
    for prune in ["pause", "delete"] {
        let limit = Sent::Given(i128::try_from(MAX_APPLIED).unwrap());
        let draft = ApplyDraft { prune: given(prune), prune_limit: limit, ..document(SET) };
        let refused = run(&world.ports, &operator(), &draft);
        let Err(UseCaseError::PruneLimitExceeded { limit, removals, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(limit, MAX_APPLIED);
        assert!((MAX_APPLIED + 1..=1_200 + 2).contains(&removals), "{removals}");
        assert_eq!(everything(&world), before);
    }
    // Some at a time.
    let kept = with_jobs((0..210).map(|number| mildew(&name(number), &[])).collect());
    let limit = Sent::Given(i128::try_from(MAX_APPLIED).unwrap());
    let less = ApplyDraft { prune: given("delete"), prune_limit: limit, ..kept };
    let deleted =
        |applied: Applied| applied.changes.into_iter().filter(|change| change.action == ApplyAction::Delete).count();
    assert_eq!(deleted(done(&world, &less)), 990);
    assert_eq!(deleted(done(&world, &less)), 0);
}

/// Whoever kept the digest of a plan with one release carries the plan out with the next.
#[test]
fn the_digest_of_a_plan_is_the_same_with_every_release() {
    let world = World::new();
    let draft =
        with_jobs(vec![mildew("Weather", &[]), mildew("Reader", &[to_output("upstream", "Weather", "prediction")])]);
    let plan = dry_run(&world.ports, &operator(), &draft).unwrap();
    assert_eq!(plan.plan_digest, "sha256:ee030fd3fea2fdcf21ce1c2fd88e5b125fa845e904555d5ec818582c396436ba");
}

#[test]
fn the_digest_of_a_plan_tells_the_aliases_of_a_role() {
    let world = World::new();
    let with_alias = |alias: Option<&str>| {
        let contract = chained(&["prediction"]);
        let (mut inputs, outputs) = (contract.input_roles().to_vec(), contract.output_roles().to_vec());
        inputs[0].aliases = alias.map(|alias| RoleName::parse(alias).unwrap()).into_iter().collect();
        let contract = Contract::new(inputs, outputs).unwrap();
        let source_versions = Sent::Given(vec![version("mildew", "1.0.0", &contract)]);
        let draft = ApplyDraft { source_versions, ..with_jobs(Vec::new()) };
        dry_run(&world.ports, &operator(), &draft).unwrap().plan_digest
    };
    let digests = [None, Some("probe"), Some("sonde")].map(with_alias);
    assert!(digests[0] != digests[1] && digests[1] != digests[2] && digests[0] != digests[2], "{digests:?}");
}

#[test]
fn inputs_are_looked_for_of_a_few_kinds_and_nothing_is_said_of_others() {
    let mut world = World::new();
    world.ports.unknown_inputs = UnknownInputs::Refused;
    let role = |number: usize| InputRole::required(&format!("role_{number}"), &format!("kind_{number}"), "x").unwrap();
    let outputs = || vec![OutputRole::required("prediction", "risk").unwrap()];
    let contract = Contract::new((0..30).map(role).collect(), outputs()).unwrap();
    let bindings: Vec<_> = (0..30).map(|number| to_input(&format!("role_{number}"), NOWHERE)).collect();
    let draft = ApplyDraft {
        source_versions: Sent::Given(vec![version("mildew", "1.0.0", &contract)]),
        ..with_jobs(["A", "B"].map(|name| mildew(name, &bindings)).into())
    };
    let refused = run(&world.ports, &operator(), &draft);
    let Err(UseCaseError::Invalid(violations)) = refused else { panic!("{refused:?}") };
    assert_eq!(violations.iter().count(), 60);
    let hinted = violations.iter().filter(|violation| violation.hint.is_some());
    assert_eq!(hinted.count(), 40, "of twenty kinds, for both jobs");
}
