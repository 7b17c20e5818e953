//! What is wrong with a document: all of it at once, each mistake once and where it was made.

use prediction_domain::model::{Lifecycle, LifecycleStage, MAX_APPLIED, Violation};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::{ApplyDraft, DescribedJobDraft, InputDraft, NamedBindingDraft, Sent, SourceDraft};
use prediction_domain::use_cases::{UnknownInputs, UseCaseError};
use prediction_domain_testkit::builders::contract;
use prediction_domain_testkit::values::revision;

use super::words::{
    SET, chained, document, done, dry_run, input, job, mildew, mistakes, places, run, source_named, to_input,
    to_output, version, with_jobs,
};
use crate::world::{CHOSEN, NOWHERE, SENSOR, World, a_source, a_version_with, given, operator};

/// What is wrong at the only place.
#[track_caller]
fn only_mistake(world: &World, draft: &ApplyDraft) -> Violation {
    match dry_run(&world.ports, &operator(), draft) {
        Err(UseCaseError::Invalid(violations)) => {
            let mut violations = violations.into_vec();
            assert_eq!(violations.len(), 1, "{violations:?}");
            violations.remove(0)
        }
        other => panic!("not invalid: {other:?}"),
    }
}

#[test]
fn all_mistakes_are_told_at_once_and_where_they_are() {
    let world = World::new();
    let draft = ApplyDraft {
        set: given(""),
        prune: given("everything"),
        prune_limit: Sent::Given(1_001),
        sources: Sent::Given(vec![
            Sent::Given(a_source("mildew")),
            Sent::Given(SourceDraft { retention_hours: Sent::Given(0), ..a_source("Mildew") }),
            Sent::Null,
        ]),
        source_versions: Sent::Given(vec![
            version("mildew", "1.0.0", &chained(&["prediction"])),
            version("MILDEW", "v1.0.0", &chained(&["prediction"])),
            version("milldew", "1.0.0", &chained(&["prediction"])),
        ]),
        inputs: Sent::Given(vec![
            Sent::Given(input(CHOSEN)),
            Sent::Given(input(CHOSEN)),
            Sent::Given(InputDraft { kind: Sent::Absent, name: Sent::Null, ..input("x") }),
        ]),
        jobs: Sent::Given(vec![
            Sent::Given(DescribedJobDraft { active: Sent::Null, ..mildew("Job A", &[]) }),
            Sent::Given(mildew("Job A", &[])),
            Sent::Given(job("Job B", "rust", "1.0.0", &[])),
            Sent::Given(job("Job C", "mildew", "1.0.1", &[])),
            Sent::Given(DescribedJobDraft { source_version: Sent::Absent, ..mildew("Job D", &[]) }),
            Sent::Given(DescribedJobDraft { name: given("Job E"), ..DescribedJobDraft::default() }),
            Sent::Given(DescribedJobDraft { source: Sent::Null, ..mildew("Job F", &[]) }),
            Sent::Given(job("", "rust", "1.0.0", &[])),
        ]),
        ..document(SET)
    };
    let expected = places(&[
        ("/inputs/1/id", "duplicate_item"),
        ("/inputs/2/id", "invalid_uuid"),
        ("/inputs/2/kind", "missing_member"),
        ("/inputs/2/name", "wrong_type"),
        ("/jobs/0/active", "wrong_type"),
        ("/jobs/1/name", "duplicate_item"),
        ("/jobs/2/source/name", "unknown_source"),
        ("/jobs/3/source_version/version", "unknown_source_version"),
        ("/jobs/4/source_version", "missing_member"),
        ("/jobs/5/role_bindings", "missing_member"),
        ("/jobs/5/source", "missing_member"),
        ("/jobs/5/source_version", "missing_member"),
        ("/jobs/6/source", "wrong_type"),
        ("/jobs/7/name", "too_short"),
        ("/jobs/7/source/name", "unknown_source"),
        ("/prune", "unknown_word"),
        ("/prune_limit", "out_of_range"),
        ("/set", "too_short"),
        ("/source_versions/1/version", "duplicate_item"),
        ("/source_versions/2/source/name", "unknown_source"),
        ("/sources/1/name", "duplicate_item"),
        ("/sources/1/retention_hours", "out_of_range"),
        ("/sources/2", "wrong_type"),
    ]);
    let mut told = mistakes(&world, &draft);
    told.sort();
    assert_eq!(told, expected);
}

#[test]
fn what_is_nearly_right_is_hinted_at() {
    let world = World::new();
    let hint = |draft: &ApplyDraft| only_mistake(&world, draft).hint.unwrap();
    let near = |name: &str| format!("did you mean \"{name}\"?");
    let with = |other: DescribedJobDraft| with_jobs(vec![mildew("Weather", &[]), other]);
    assert_eq!(hint(&with(job("Job A", "mildw", "1.0.0", &[]))), near("mildew"));
    assert_eq!(hint(&with(job("Job A", "mildew", "1.0.1", &[]))), near("1.0.0"));
    assert_eq!(hint(&with(mildew("Job A", &[to_output("upstream", "Wether", "prediction")]))), near("Weather"));
    assert_eq!(hint(&with(mildew("Job A", &[to_output("upstream", "Weather", "predicton")]))), near("prediction"));
    // A label is a name, too: however the source is spelt, the version is that of the document.
    assert!(dry_run(&world.ports, &operator(), &with(job("Job A", " MILDEW", "v1.0.0", &[]))).is_err());
    assert!(dry_run(&world.ports, &operator(), &with(job("Job A", "MILDEW", "v1.0.0", &[]))).is_ok());
}

#[test]
fn a_wrong_thing_does_not_make_wrong_what_refers_to_it() {
    let mut world = World::new();
    world.ports.unknown_inputs = UnknownInputs::Refused;
    // A source, an input and a version that are wrong, with all that needs them.
    let mut draft = with_jobs(vec![
        mildew("Weather", &[to_input("sensor", CHOSEN)]),
        mildew("Reader", &[to_output("upstream", "Weather", "whatever")]),
    ]);
    draft.sources =
        Sent::Given(vec![Sent::Given(SourceDraft { owner_organisation_id: given("nobody"), ..a_source("Mildew") })]);
    draft.inputs = Sent::Given(vec![Sent::Given(InputDraft { kind: Sent::Null, ..input(CHOSEN) })]);
    assert_eq!(
        mistakes(&world, &draft),
        places(&[("/inputs/0/kind", "wrong_type"), ("/sources/0/owner_organisation_id", "invalid_uuid")])
    );
    // A version that is wrong, named in other letters.
    let mut draft = with_jobs(vec![
        job("Weather", "MILDEW", "V1.0.0", &[]),
        mildew("Reader", &[to_output("upstream", "Weather", "whatever")]),
    ]);
    let mut wrong = a_version_with("1.0.0", &chained(&["prediction"]));
    wrong.output_roles = Sent::Given(Vec::new());
    let wrong = prediction_domain::requests::DescribedVersionDraft { source: source_named("Mildew"), version: wrong };
    draft.source_versions = Sent::Given(vec![Sent::Given(wrong)]);
    assert_eq!(mistakes(&world, &draft), places(&[("/source_versions/0/output_roles", "too_few_items")]));
    // A job that has no organisation, or a version that there is not.
    let nowhere = DescribedJobDraft { organisation_id: given("x"), ..mildew("Weather", &[]) };
    let reader = mildew("Reader", &[to_output("upstream", "Weather", "prediction")]);
    assert_eq!(
        mistakes(&world, &with_jobs(vec![nowhere, reader.clone()])),
        places(&[("/jobs/0/organisation_id", "invalid_uuid")])
    );
    done(&world, &with_jobs(vec![mildew("Weather", &[])]));
    let reader = mildew("Reader", &[to_output("upstream", "Weather", "new")]);
    assert_eq!(
        mistakes(&world, &with_jobs(vec![job("Weather", "mildew", "2.0.0", &[]), reader])),
        places(&[("/jobs/0/source_version/version", "unknown_source_version")])
    );
}

#[test]
fn without_a_set_only_that_is_wrong() {
    let mut world = World::new();
    world.ports.unknown_inputs = UnknownInputs::Refused;
    let mut draft = with_jobs(vec![mildew("Job A", &[to_input("sensor", CHOSEN)])]);
    draft.inputs = Sent::Given(vec![Sent::Given(input(CHOSEN))]);
    assert!(dry_run(&world.ports, &operator(), &draft).is_ok());
    draft.set = Sent::Absent;
    assert_eq!(mistakes(&world, &draft), places(&[("/set", "missing_member")]));
}

#[test]
fn jobs_do_not_read_each_other_in_a_circle() {
    let world = World::new();
    let reads = |name: &str, other: &str| mildew(name, &[to_output("upstream", other, "prediction")]);
    let place = "/role_bindings/0/output";
    let at = |jobs: &[usize]| jobs.iter().map(|job| (format!("/jobs/{job}{place}"), "cycle")).collect::<Vec<_>>();
    assert_eq!(mistakes(&world, &with_jobs(vec![reads("A", "A")])), at(&[0]));
    assert_eq!(mistakes(&world, &with_jobs(vec![reads("A", "B"), reads("B", "A")])), at(&[0, 1]));
    let three = with_jobs(vec![reads("A", "B"), reads("B", "C"), reads("C", "A"), reads("D", "A")]);
    assert_eq!(mistakes(&world, &three), at(&[0, 1, 2]), "one that only reads them is not on it");

    // Over a job that is stored, and not in the document.
    done(&world, &with_jobs(vec![mildew("A", &[]), reads("B", "A"), reads("C", "B")]));
    assert_eq!(mistakes(&world, &with_jobs(vec![reads("A", "C")])), at(&[0]));
    // It is none if the document resolves it.
    let turned = with_jobs(vec![reads("A", "B"), mildew("B", &[])]);
    done(&world, &turned);
    // A job that is left as it is stays on the way.
    let kept = DescribedJobDraft { role_bindings: Sent::Absent, ..mildew("A", &[]) };
    assert_eq!(
        mistakes(&world, &with_jobs(vec![kept, reads("B", "A")])),
        places(&[("/jobs/0", "cycle"), ("/jobs/1/role_bindings/0/output", "cycle")])
    );
}

#[test]
fn a_long_chain_is_no_cycle() {
    let world = World::new();
    let name = |number: usize| format!("Job {number:04}");
    let jobs = (0..900).map(|number| match number {
        0 => mildew(&name(0), &[]),
        _ => mildew(&name(number), &[to_output("upstream", &name(number - 1), "prediction")]),
    });
    let mut jobs: Vec<_> = jobs.collect();
    jobs.reverse();
    let applied = dry_run(&world.ports, &operator(), &with_jobs(jobs)).unwrap();
    assert_eq!(applied.changes.len(), 902);
    let first = applied.changes[2].place.as_ref().unwrap();
    assert_eq!(first.to_json_pointer(), "/jobs/0", "changes are told in the order of the document");
}

#[test]
fn what_is_bound_is_named_in_one_way() {
    let world = World::new();
    let both = |role: &str| {
        let Sent::Given(NamedBindingDraft { mut binding, output }) = to_output(role, "Weather", "prediction") else {
            unreachable!()
        };
        binding.input_id = given(SENSOR);
        Sent::Given(NamedBindingDraft { binding, output })
    };
    let draft = with_jobs(vec![
        mildew("Weather", &[]),
        mildew("A", &[both("upstream")]),
        mildew("B", &[to_output("upstream", "Nobody", "prediction"), to_output("sensor", "Weather", "x")]),
        mildew("C", &[to_input("sensor", "x"), to_input("nothing", SENSOR)]),
    ]);
    assert_eq!(
        mistakes(&world, &draft),
        places(&[
            ("/jobs/1/role_bindings/0/input_id", "not_allowed_here"),
            ("/jobs/2/role_bindings/0/output/job", "unknown_job"),
            ("/jobs/2/role_bindings/1/input_type", "input_kind_mismatch"),
            ("/jobs/2/role_bindings/1/output/role", "unknown_role"),
            ("/jobs/3/role_bindings/0/input_id", "invalid_uuid"),
            ("/jobs/3/role_bindings/1/role", "unknown_role"),
        ])
    );
}

#[test]
fn inputs_of_the_same_document_are_what_jobs_are_judged_by() {
    let world = World::new();
    let with = |input: InputDraft| ApplyDraft {
        inputs: Sent::Given(vec![Sent::Given(input)]),
        ..with_jobs(vec![mildew("Job A", &[to_input("sensor", CHOSEN)])])
    };
    let place = |member: &str| format!("/jobs/0/role_bindings/0/{member}");
    let told = |input: InputDraft| mistakes(&world, &with(input));
    assert_eq!(told(InputDraft { metric: given("kelvin"), ..input(CHOSEN) }), [(place("input_id"), "metric_mismatch")]);
    assert_eq!(told(InputDraft { kind: given("gateway"), ..input(CHOSEN) }).len(), 1);
    done(&world, &with(input(CHOSEN)));
}

#[test]
fn the_inputs_of_a_job_that_only_changes_its_version_are_known() {
    let mut world = World::new();
    world.ports.unknown_inputs = UnknownInputs::Refused;
    let mut draft = with_jobs(vec![mildew("Job A", &[to_input("sensor", CHOSEN)])]);
    draft.inputs = Sent::Given(vec![Sent::Given(input(CHOSEN))]);
    done(&world, &draft);
    let upgraded = DescribedJobDraft { role_bindings: Sent::Absent, ..job("Job A", "mildew", "1.1.0", &[]) };
    let next = |contract| ApplyDraft {
        source_versions: Sent::Given(vec![version("mildew", "1.1.0", &contract)]),
        jobs: Sent::Given(vec![Sent::Given(upgraded.clone())]),
        ..document(SET)
    };
    let fitting = next(chained(&["prediction", "more"]));
    assert!(dry_run(&world.ports, &operator(), &fitting).is_ok());
    // And what does not fit is told where the version is.
    let other = next(contract(&["sensor", "wind"], &["prediction"]));
    assert_eq!(mistakes(&world, &other), places(&[("/jobs/0/source_version", "missing_required_role")]));
}

#[test]
fn what_never_changes_is_not_changed() {
    let world = World::new();
    done(&world, &with_jobs(vec![mildew("Job A", &[])]));
    let mut draft = with_jobs(vec![job("Job A", "rust", "1.0.0", &[])]);
    draft.sources = Sent::Given(vec![Sent::Given(a_source("mildew")), Sent::Given(a_source("rust"))]);
    draft.source_versions = Sent::Given(vec![
        version("mildew", "1.0.0", &chained(&["prediction", "more"])),
        version("rust", "1.0.0", &chained(&["prediction"])),
    ]);
    assert_eq!(
        mistakes(&world, &draft),
        places(&[("/jobs/0/source/name", "immutable_field"), ("/source_versions/0/output_roles/1", "differs"),])
    );
}

#[test]
fn no_job_comes_to_a_withdrawn_version_and_of_a_deprecated_one_is_warned() {
    let world = World::new();
    done(&world, &with_jobs(vec![mildew("Job A", &[])]));
    let (_, versions, ..) = super::words::everything(&world);
    let set = |stage, at| {
        let lifecycle = Lifecycle { stage, revision: revision(at + 1), ..Lifecycle::default() };
        let repository = &world.ports.source_versions;
        repository.change_lifecycle(versions[0].id, &lifecycle, revision(at), WriteMode::Commit).unwrap();
    };
    let two = with_jobs(vec![mildew("Job A", &[]), mildew("Job B", &[])]);
    set(LifecycleStage::Deprecated, 1);
    let warnings = dry_run(&world.ports, &operator(), &two).unwrap().warnings;
    assert_eq!(warnings.len(), 1, "a job that runs it already is not warned");
    assert_eq!((warnings[0].code, &warnings[0].details["document"]), ("version_deprecated", &"/jobs/1".into()));
    set(LifecycleStage::Withdrawn, 2);
    assert_eq!(mistakes(&world, &two), places(&[("/jobs/1/source_version/version", "version_withdrawn")]));
    done(&world, &with_jobs(vec![mildew("Job A", &[])]));
}

#[test]
fn a_document_has_at_most_a_thousand_things() {
    let world = World::new();
    let sources = |count: usize| ApplyDraft {
        sources: Sent::Given((0..count).map(|number| Sent::Given(a_source(&format!("s{number}")))).collect()),
        ..document(SET)
    };
    assert_eq!(dry_run(&world.ports, &operator(), &sources(MAX_APPLIED)).unwrap().changes.len(), MAX_APPLIED);
    let mut more = sources(MAX_APPLIED);
    more.inputs = Sent::Given(vec![Sent::Given(input("x"))]);
    assert_eq!(mistakes(&world, &more), places(&[("", "too_many_items")]));
}

#[test]
fn a_quota_of_jobs_holds_for_all_of_a_document() {
    let mut world = World::new();
    world.ports.quotas.jobs = std::num::NonZeroU64::new(2);
    let draft = with_jobs(vec![mildew("A", &[]), mildew("B", &[]), mildew("C", &[])]);
    let refused = world.unchanged(|| run(&world.ports, &operator(), &draft));
    let Err(UseCaseError::QuotaExceeded { exceeded, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((exceeded.limit, exceeded.used, exceeded.amount), (2, 0, 3));
    done(&world, &with_jobs(vec![mildew("A", &[]), mildew("B", &[])]));
}

#[test]
fn inputs_need_not_be_registered_unless_the_service_says_so() {
    let mut world = World::new();
    let unknown = with_jobs(vec![mildew("A", &[to_input("sensor", NOWHERE)])]);
    assert!(dry_run(&world.ports, &operator(), &unknown).is_ok());
    world.ports.unknown_inputs = UnknownInputs::Refused;
    assert_eq!(mistakes(&world, &unknown), places(&[("/jobs/0/role_bindings/0/input_id", "unknown_input")]));
}
