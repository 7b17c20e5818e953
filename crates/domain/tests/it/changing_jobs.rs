//! Changing jobs.

use std::time::Duration;

use prediction_domain::model::{Contract, InputRole, Job, OutputRole, Permission, SourceVersion, ViolationCode};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::{BindingDraft, JobChangeDraft, Precondition, Sent};
use prediction_domain::use_cases::{Resource, UseCaseError, change_job};
use prediction_domain_testkit::values::{at, fresh_organisation_id, revision};
use serde_json::json;

use crate::world::{
    NOWHERE, OTHER_ORGANISATION, World, binding, caller, conflict, customer, given, invalid, operator, places, submit,
    to_sensor,
};

/// A job of version 1.0.0 of a source, which needs a temperature.
fn world_with_job() -> (World, SourceVersion, Job) {
    let world = World::new();
    let source = world.source("mildew");
    let version = world.version(&source, "1.0.0", &["temperature"]);
    let job = world.job(&version, "Job A");
    world.clock.advance(Duration::from_secs(7));
    (world, version, job)
}

fn change(world: &World, job: &Job, draft: JobChangeDraft) -> Result<Job, UseCaseError> {
    change_if(world, job, draft, &Precondition::None, WriteMode::Commit)
}

fn change_if(
    world: &World,
    job: &Job,
    draft: JobChangeDraft,
    precondition: &Precondition,
    mode: WriteMode,
) -> Result<Job, UseCaseError> {
    change_job(&world.ports, &operator(), job.id, &draft.into(), precondition, mode).map(|changed| changed.job)
}

fn nothing() -> JobChangeDraft {
    JobChangeDraft::default()
}

fn named(name: &str) -> JobChangeDraft {
    JobChangeDraft { name: given(name), ..nothing() }
}

fn to_version(version: &SourceVersion) -> JobChangeDraft {
    JobChangeDraft { source_version_id: given(&version.id.to_string()), ..nothing() }
}

#[test]
fn name_and_activity_change_and_the_rest_stays() {
    let (world, _, job) = world_with_job();
    let changed = change(&world, &job, JobChangeDraft { active: Sent::Given(false), ..named(" Job B ") }).unwrap();
    assert_eq!(
        changed,
        Job {
            name: changed.name.clone(),
            active: false,
            revision: revision(2),
            updated_at: world.ports.clock.now(),
            ..job
        }
    );
    assert_eq!(changed.name.as_str(), "Job B");
    assert_eq!(world.contents().2, [changed]);
}

#[test]
fn what_changes_nothing_leaves_revision_and_time() {
    let (world, version, job) = world_with_job();
    let whole = JobChangeDraft {
        id: given(&job.id.to_string()),
        organisation_id: given(&job.organisation_id.to_string()),
        source_id: given(&job.source_id.to_string()),
        active: Sent::Given(true),
        role_bindings: binding(&["temperature"]).role_bindings,
        revision: Sent::Given(1),
        name: given("Job A"),
        ..to_version(&version)
    };
    for draft in [nothing(), whole] {
        assert_eq!(world.unchanged(|| change(&world, &job, draft)).unwrap(), job);
    }
}

#[test]
fn the_order_of_bindings_is_no_change() {
    let world = World::new();
    let source = world.source("mildew");
    let version = world.version(&source, "1.0.0", &["a", "b"]);
    let job = world.job(&version, "Job A");
    let draft = JobChangeDraft { role_bindings: binding(&["b", "a"]).role_bindings, ..nothing() };
    assert_eq!(world.unchanged(|| change(&world, &job, draft)).unwrap(), job);
}

#[test]
fn bindings_are_replaced_whole_and_judged_against_the_contract() {
    let world = World::new();
    let source = world.source("mildew");
    let optional =
        |role: &str| InputRole { required: false, ..InputRole::required(role, "sensor", "celsius").unwrap() };
    let outputs = vec![OutputRole::required("prediction", "risk").unwrap()];
    let contract = Contract::new(vec![optional("a"), optional("b")], outputs).unwrap();
    let job = world.job(&world.version_with(&source, "1.0.0", &contract), "Job A");
    let bind = |bindings: Sent<Vec<Sent<BindingDraft>>>| {
        change(&world, &job, JobChangeDraft { role_bindings: bindings, ..nothing() })
    };
    let bound = |job: &Job| job.role_bindings.iter().map(|binding| binding.role.to_string()).collect::<Vec<_>>();
    assert_eq!(bound(&job), ["a", "b"]);
    assert_eq!(bound(&bind(Sent::Given(vec![to_sensor("b")])).unwrap()), ["b"]);
    assert_eq!(bound(&bind(Sent::Null).unwrap()), [""; 0]);
    assert_eq!(bound(&bind(Sent::Given(vec![to_sensor("a")])).unwrap()), ["a"]);
    let empty = bind(Sent::Given(Vec::new())).unwrap();
    assert_eq!((bound(&empty).len(), empty.revision), (0, revision(5)));
    assert_eq!(
        invalid(world.unchanged(|| bind(Sent::Given(vec![to_sensor("c")])))),
        places(&[("role_bindings[0].role", ViolationCode::UnknownRole)])
    );
}

#[test]
fn required_roles_cannot_be_unbound() {
    let (world, _, job) = world_with_job();
    for bindings in [Sent::Null, Sent::Given(Vec::new())] {
        let draft = JobChangeDraft { role_bindings: bindings, ..nothing() };
        assert_eq!(
            invalid(world.unchanged(|| change(&world, &job, draft))),
            places(&[("role_bindings", ViolationCode::MissingRequiredRole)])
        );
    }
}

#[test]
fn outputs_of_roles_that_both_versions_have_keep_their_ids() {
    let world = World::new();
    let source = world.source("mildew");
    let version = |label: &str, outputs: &[(&str, &str)]| {
        let outputs = outputs.iter().map(|(role, metric)| OutputRole::required(role, metric).unwrap());
        world.version_with(&source, label, &Contract::new(Vec::new(), outputs.collect()).unwrap())
    };
    let first = version("1.0.0", &[("kept", "risk"), ("gone", "risk")]);
    let second = version("2.0.0", &[("new", "risk"), ("kept", "percent")]);
    let job = world.job(&first, "Job A");
    let id =
        |job: &Job, role: &str| job.outputs.iter().find(|output| output.role.as_str() == role).map(|output| output.id);

    let changed = change(&world, &job, to_version(&second)).unwrap();
    assert_eq!(changed.source_version_id, second.id);
    assert_eq!(id(&changed, "kept"), id(&job, "kept"));
    assert_eq!(id(&changed, "gone"), None);
    let fresh = id(&changed, "new").unwrap();
    assert!(job.outputs.iter().all(|output| output.id != fresh));
    let metrics: Vec<_> = changed.outputs.iter().map(|output| output.metric.as_str()).collect();
    assert_eq!(metrics, ["risk", "percent"], "in the order of the new contract, with what it says of them");

    let back = change(&world, &changed, to_version(&first)).unwrap();
    assert_eq!(id(&back, "kept"), id(&job, "kept"));
    assert_ne!(id(&back, "gone"), id(&job, "gone"), "what was gone comes back as something new");
}

#[test]
fn bindings_that_stay_and_do_not_fit_are_told_at_the_version() {
    let (world, version, job) = world_with_job();
    let source = prediction_domain::use_cases::get_source(&world.ports, version.source_id).unwrap();
    let gateway = Contract::new(
        vec![
            InputRole::required("temperature", "gateway", "celsius").unwrap(),
            InputRole::required("humidity", "sensor", "percent").unwrap(),
        ],
        vec![OutputRole::required("prediction", "risk").unwrap()],
    );
    let second = world.version_with(&source, "2.0.0", &gateway.unwrap());
    let refused = world.unchanged(|| change(&world, &job, to_version(&second)));
    let Err(UseCaseError::Invalid(violations)) = refused else { panic!("not invalid: {refused:?}") };
    let told: Vec<_> = violations.iter().map(|v| (v.path.to_string(), v.code, v.hint.clone())).collect();
    assert_eq!(
        told,
        [
            (
                "source_version_id".to_owned(),
                ViolationCode::InputKindMismatch,
                Some("send role_bindings that fit the version".to_owned())
            ),
            (
                "source_version_id".to_owned(),
                ViolationCode::MissingRequiredRole,
                Some("bind an input of kind \"sensor\" to it".to_owned())
            ),
        ]
    );
    assert!(violations[0].message.contains("does not fit the bindings that the job has"), "{}", violations[0].message);

    let fitting = vec![
        Sent::Given(BindingDraft { input_type: given("gateway"), ..to_sensor("temperature").into_option().unwrap() }),
        to_sensor("humidity"),
    ];
    let both = JobChangeDraft { role_bindings: Sent::Given(fitting), ..to_version(&second) };
    assert_eq!(change(&world, &job, both).unwrap().role_bindings.as_slice().len(), 2);
}

#[test]
fn bindings_that_stay_and_fit_stay() {
    let (world, version, job) = world_with_job();
    let source = prediction_domain::use_cases::get_source(&world.ports, version.source_id).unwrap();
    let second = world.version(&source, "2.0.0", &["temperature"]);
    let changed = change(&world, &job, to_version(&second)).unwrap();
    assert_eq!(changed.role_bindings, job.role_bindings);
}

#[test]
fn the_version_has_to_be_one_of_the_same_source() {
    let (world, _, job) = world_with_job();
    let rust = world.source("rust");
    let other = world.version(&rust, "1.0.0", &["temperature"]);
    let refused = world.unchanged(|| change(&world, &job, to_version(&other)));
    let Err(UseCaseError::Invalid(violations)) = refused else { panic!("not invalid: {refused:?}") };
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].code, ViolationCode::SourceVersionOfOtherSource);
    assert_eq!(violations[0].expected, Some(json!({ "source_id": job.source_id })));
    let unknown = JobChangeDraft { source_version_id: given(NOWHERE), ..nothing() };
    assert_eq!(
        invalid(change(&world, &job, unknown)),
        places(&[("source_version_id", ViolationCode::UnknownSourceVersion)])
    );
}

#[test]
fn everything_that_is_wrong_with_a_change_is_told_at_once() {
    let (world, _, job) = world_with_job();
    let wrong = JobChangeDraft {
        id: given(NOWHERE),
        organisation_id: given(OTHER_ORGANISATION),
        source_id: given(NOWHERE),
        source_version_id: Sent::Null,
        name: given(""),
        active: Sent::Null,
        role_bindings: Sent::Given(vec![Sent::Given(BindingDraft::default()), Sent::Null]),
        revision: Sent::Absent,
    };
    assert_eq!(
        invalid(world.unchanged(|| change(&world, &job, wrong))),
        places(&[
            ("active", ViolationCode::WrongType),
            ("id", ViolationCode::ImmutableField),
            ("name", ViolationCode::TooShort),
            ("organisation_id", ViolationCode::ImmutableField),
            ("role_bindings[0].input_id", ViolationCode::MissingMember),
            ("role_bindings[0].role", ViolationCode::MissingMember),
            ("role_bindings[1]", ViolationCode::WrongType),
            ("source_id", ViolationCode::ImmutableField),
            ("source_version_id", ViolationCode::WrongType),
        ])
    );
    let mut submission = submit(nothing());
    submission.diagnostics.report(
        prediction_domain::model::Path::of("nam"),
        prediction_domain::model::ValueProblem::new(ViolationCode::UnknownMember, "is unknown"),
    );
    let refused = change_job(&world.ports, &operator(), job.id, &submission, &Precondition::None, WriteMode::Commit);
    assert_eq!(invalid(refused), places(&[("nam", ViolationCode::UnknownMember)]));
}

#[test]
fn a_name_of_another_job_of_the_organisation_is_taken() {
    let (world, version, job) = world_with_job();
    let other = world.job(&version, "Job B");
    let conflict = conflict(world.unchanged(|| change(&world, &job, named("Job B"))));
    assert_eq!((conflict.resource, conflict.existing_id), (Resource::Job, other.id.as_uuid()));
    assert_eq!(conflict.differences[0].code, ViolationCode::Taken);
    assert_eq!(change(&world, &job, named("JOB B")).unwrap().name.as_str(), "JOB B", "job names have their case");
}

#[test]
fn a_revision_in_the_body_or_in_the_precondition_is_a_lock() {
    let (world, _, job) = world_with_job();
    let locked = |revision| JobChangeDraft { revision, ..named("Job B") };
    for (sent, precondition) in [
        (Sent::Given(2), Precondition::None),
        (Sent::Absent, Precondition::OneOf(vec![revision(2)])),
        (Sent::Absent, Precondition::OneOf(Vec::new())),
        (Sent::Given(1), Precondition::OneOf(vec![revision(2)])),
    ] {
        match world.unchanged(|| change_if(&world, &job, locked(sent), &precondition, WriteMode::Commit)) {
            Err(UseCaseError::Stale { current }) => assert_eq!(current, revision(1)),
            other => panic!("not stale: {other:?}"),
        }
    }
    let precondition = Precondition::OneOf(vec![revision(1)]);
    let changed = change_if(&world, &job, locked(Sent::Given(1)), &precondition, WriteMode::Commit).unwrap();
    assert_eq!(changed.revision, revision(2));
}

#[test]
fn a_dry_run_of_a_change_is_judged_and_shown_and_not_made() {
    let (world, version, job) = world_with_job();
    world.job(&version, "Job B");
    let dry_run = |draft| world.unchanged(|| change_if(&world, &job, draft, &Precondition::None, WriteMode::DryRun));
    assert_eq!(dry_run(named("Job C")).unwrap().revision, revision(2));
    assert_eq!(conflict(dry_run(named("Job B"))).differences.len(), 1);
    assert_eq!(invalid(dry_run(named(""))), places(&[("name", ViolationCode::TooShort)]));
}

#[test]
fn a_job_is_never_changed_before_it_was() {
    let (world, _, job) = world_with_job();
    world.clock.set(at("2020-01-01T00:00:00Z"));
    assert_eq!(change(&world, &job, named("Job B")).unwrap().updated_at, job.updated_at);
}

#[test]
fn a_job_of_another_organisation_is_not_there() {
    let (world, _, job) = world_with_job();
    let stranger = caller(&Permission::ALL, prediction_domain::model::Scope::of([fresh_organisation_id()]));
    let refused =
        change_job(&world.ports, &stranger, job.id, &named("Job B").into(), &Precondition::None, WriteMode::Commit);
    assert!(matches!(refused, Err(UseCaseError::NotFound)));

    let writer = customer(&[Permission::JobsWrite]);
    let changed =
        change_job(&world.ports, &writer, job.id, &named("Job B").into(), &Precondition::None, WriteMode::Commit);
    assert_eq!(changed.unwrap().job.revision, revision(2), "changing needs no permission to read");
}
