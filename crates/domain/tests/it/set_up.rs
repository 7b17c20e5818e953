//! Setting up a job: what is stored, what is found again, what clashes, and who may.

use std::time::Duration;

use prediction_domain::model::{AccessDenied, Permission, Scope, ViolationCode};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::{BindingDraft, JobChangeDraft, Precondition, Sent, SetUpDraft, SetUpJobDraft};
use prediction_domain::use_cases::{Outcome, Outcomes, Resource, UseCaseError, change_job, prepare_set_up};
use prediction_domain_testkit::values::{fresh_organisation_id, revision};
use serde_json::json;

use crate::world::{
    CHOSEN, NOWHERE, ORGANISATION, OTHER_ORGANISATION, World, a_job, a_source, a_version, binding, caller, conflict,
    customer, differences, everything, given, invalid, operator, places, source_of_id, to_sensor, version_of_id,
};

const ALL_CREATED: Outcomes =
    Outcomes { source: Outcome::Created, source_version: Outcome::Created, job: Outcome::Created };
const ALL_REUSED: Outcomes =
    Outcomes { source: Outcome::Reused, source_version: Outcome::Reused, job: Outcome::Reused };

#[test]
fn everything_is_created_at_once() {
    let world = World::new();
    let done = world.set_up(everything()).unwrap();
    assert_eq!((done.outcomes, done.warnings.len()), (ALL_CREATED, 0));
    assert_eq!(
        world.contents(),
        (vec![done.source.clone()], vec![done.source_version.clone()], vec![done.job.clone()])
    );
    assert_eq!(done.source_version.source_id, done.source.id);
    assert_eq!((done.job.source_id, done.job.source_version_id), (done.source.id, done.source_version.id));
    assert_eq!(done.job.organisation_id.to_string(), ORGANISATION);
    assert!(done.job.active);
    assert_eq!(done.job.revision, revision(1));
    assert_eq!((done.job.created_at, done.job.updated_at), (world.ports.clock.now(), world.ports.clock.now()));
    let outputs: Vec<_> = done.job.outputs.iter().map(|output| output.role.as_str()).collect();
    assert_eq!(outputs, ["prediction"]);
}

#[test]
fn the_same_setup_again_finds_everything() {
    let world = World::new();
    let done = world.set_up(everything()).unwrap();
    world.clock.advance(Duration::from_secs(1));
    let again = world.unchanged(|| world.set_up(everything())).unwrap();
    assert_eq!(again.outcomes, ALL_REUSED);
    assert_eq!((again.source, again.source_version, again.job), (done.source, done.source_version, done.job));
}

#[test]
fn a_dry_run_shows_what_would_be_and_stores_nothing() {
    let world = World::new();
    let shown = world.unchanged(|| world.dry_run(everything())).unwrap();
    assert_eq!(shown.outcomes, ALL_CREATED);
    assert_eq!(shown.job.outputs.len(), 1);
    world.set_up(everything()).unwrap();
    assert_eq!(world.unchanged(|| world.dry_run(everything())).unwrap().outcomes, ALL_REUSED);
    let other =
        SetUpDraft { job: Sent::Given(SetUpJobDraft { active: Sent::Given(false), ..a_job("Job A") }), ..everything() };
    assert_eq!(conflict(world.unchanged(|| world.dry_run(other))).resource, Resource::Job);
}

#[test]
fn a_taken_job_name_is_a_conflict_with_each_difference() {
    let world = World::new();
    let done = world.set_up(everything()).unwrap();
    let other = SetUpDraft {
        source: Sent::Given(a_source("rust")),
        source_version: Sent::Given(a_version("3.0.0", &["temperature", "humidity"])),
        job: Sent::Given(SetUpJobDraft { active: Sent::Given(false), ..a_job("Job A") }),
        ..binding(&["temperature", "humidity"])
    };
    let conflict = conflict(world.unchanged(|| world.set_up(other)));
    assert_eq!((conflict.resource, conflict.existing_id), (Resource::Job, done.job.id.as_uuid()));
    let differences = differences(&conflict);
    let paths: Vec<_> = differences.iter().map(|(path, ..)| path.as_str()).collect();
    assert_eq!(paths, ["source", "source_version", "job.active", "role_bindings"]);
    assert_eq!(differences[0].1, json!({ "id": done.source.id }));
    assert_eq!((&differences[2].1, &differences[2].2), (&json!(true), &json!(false)));
    assert_eq!(differences[3].1, json!(done.job.role_bindings.as_slice()));
}

#[test]
fn bindings_compare_as_sets_and_active_only_when_it_is_sent() {
    let world = World::new();
    let source = world.source("mildew");
    let version = world.version(&source, "1.0.0", &["a", "b"]);
    let job = world.job(&version, "Job A");
    change_job(
        &world.ports,
        &operator(),
        job.id,
        &JobChangeDraft { active: Sent::Given(false), ..JobChangeDraft::default() }.into(),
        &Precondition::None,
        WriteMode::Commit,
    )
    .unwrap();
    let again = |active: Sent<bool>| SetUpDraft {
        job: Sent::Given(SetUpJobDraft { source_version_id: given(&version.id.to_string()), active, ..a_job("Job A") }),
        ..binding(&["b", "a"])
    };
    for active in [Sent::Absent, Sent::Null, Sent::Given(false)] {
        let found = world.unchanged(|| world.set_up(again(active))).unwrap();
        assert_eq!(found.outcomes, ALL_REUSED);
        assert!(!found.job.active);
    }
    let conflict = conflict(world.set_up(again(Sent::Given(true))));
    assert_eq!(differences(&conflict), [("job.active".to_owned(), json!(false), json!(true))]);
}

#[test]
fn a_described_source_or_version_that_is_stored_with_other_content_is_a_conflict() {
    let world = World::new();
    let done = world.set_up(everything()).unwrap();
    let mut source = a_source("MILDEW");
    source.retention_hours = Sent::Given(1);
    let other = SetUpDraft {
        source: Sent::Given(source),
        source_version: Sent::Given(a_version("v1.0.0", &["temperature", "humidity"])),
        job: Sent::Given(a_job("Job B")),
        ..binding(&["temperature", "humidity"])
    };
    let by_name = conflict(world.unchanged(|| world.set_up(other.clone())));
    assert_eq!((by_name.resource, by_name.existing_id), (Resource::Source, done.source.id.as_uuid()));
    let paths: Vec<_> = by_name.differences.iter().map(|difference| difference.path.to_string()).collect();
    assert_eq!(
        paths[0], "source.retention_hours",
        "the first thing that clashes is named, and the differences of all are told"
    );
    assert!(paths.contains(&"source_version.input_roles[1]".to_owned()), "{paths:?}");

    let mut by_id = other;
    by_id.source = Sent::Given(source_of_id(&done.source.id));
    let mut version = a_version("2.0.0", &["temperature"]);
    version.id = given(&done.source_version.id.to_string());
    by_id.source_version = Sent::Given(version);
    by_id.role_bindings = binding(&["temperature"]).role_bindings;
    let by_id = conflict(world.unchanged(|| world.set_up(by_id)));
    assert_eq!((by_id.resource, by_id.existing_id), (Resource::SourceVersion, done.source_version.id.as_uuid()));
    assert_eq!(differences(&by_id), [("source_version.version".to_owned(), json!("1.0.0"), json!("2.0.0"))]);
}

#[test]
fn an_id_of_one_source_and_the_name_of_another_clash() {
    let world = World::new();
    let mildew = world.source("mildew");
    let mut named = a_source("mildew");
    named.id = given(CHOSEN);
    let conflict = conflict(world.set_up(SetUpDraft { source: Sent::Given(named), ..everything() }));
    assert_eq!(differences(&conflict), [("source.id".to_owned(), json!(mildew.id), json!(CHOSEN))]);
}

#[test]
fn jobs_of_one_name_in_two_organisations_are_two_jobs() {
    let world = World::new();
    world.set_up(everything()).unwrap();
    let other = SetUpDraft { organisation_id: given(OTHER_ORGANISATION), ..everything() };
    let done = world.set_up(other).unwrap();
    assert_eq!(
        done.outcomes,
        Outcomes { source: Outcome::Reused, source_version: Outcome::Reused, job: Outcome::Created }
    );
    let in_other_case = SetUpDraft { job: Sent::Given(a_job("JOB A")), ..everything() };
    assert_eq!(world.set_up(in_other_case).unwrap().outcomes.job, Outcome::Created, "job names have their case");
}

#[test]
fn what_is_left_out_of_a_binding_is_taken_from_the_role() {
    let world = World::new();
    let mut without = everything();
    let draft = BindingDraft { input_type: Sent::Absent, ..to_sensor("temperature").into_option().unwrap() };
    without.role_bindings = Sent::Given(vec![Sent::Given(draft)]);
    let done = world.set_up(without).unwrap();
    assert_eq!(done.job.role_bindings.as_slice()[0].input_type.as_str(), "sensor");
    assert_eq!(world.set_up(everything()).unwrap().outcomes, ALL_REUSED);
}

#[test]
fn only_who_may_write_the_catalog_creates_in_it() {
    let world = World::new();
    let customer = customer(&[Permission::JobsWrite]);
    let refused = |world: &World, draft: SetUpDraft| match world
        .unchanged(|| world.set_up_as(&customer, draft, WriteMode::Commit))
    {
        Err(UseCaseError::Denied(denied)) => denied,
        other => panic!("not denied: {other:?}"),
    };
    let needed = AccessDenied::InsufficientScope { required: Permission::CatalogCreate };
    assert_eq!(refused(&world, everything()), needed);

    let source = world.source("mildew");
    assert_eq!(refused(&world, everything()), needed, "the version would be created");

    world.version(&source, "1.0.0", &["temperature"]);
    let done = world.set_up_as(&customer, everything(), WriteMode::Commit).unwrap();
    assert_eq!(done.outcomes.job, Outcome::Created, "what is described and there needs no permission");

    let wrong =
        SetUpDraft { role_bindings: Sent::Given(Vec::new()), source: Sent::Given(a_source("rust")), ..everything() };
    assert_eq!(
        invalid(world.set_up_as(&customer, wrong, WriteMode::Commit)),
        places(&[("role_bindings", ViolationCode::MissingRequiredRole)]),
        "what is wrong is told first: the caller has to put it right"
    );
}

#[test]
fn an_organisation_of_others_ends_the_setup_at_once() {
    let customer = customer(&Permission::ALL);
    let other = fresh_organisation_id();
    let draft = SetUpDraft { organisation_id: given(&other.to_string()), ..SetUpDraft::default() };
    match prepare_set_up(&customer, draft.into(), WriteMode::Commit) {
        Err(UseCaseError::Denied(denied)) => {
            assert_eq!(denied, AccessDenied::OrganisationOutOfScope { organisation_id: other });
        }
        other => panic!("not denied: {other:?}"),
    }
    let stranger = caller(&Permission::ALL, Scope::of([]));
    assert!(matches!(prepare_set_up(&stranger, everything().into(), WriteMode::Commit), Err(UseCaseError::Denied(_))));
}

#[test]
fn twelve_mistakes_are_told_at_once() {
    let world = World::new();
    let mildew = world.source("mildew");
    let rust = world.source("rust");
    let version = world.version(&mildew, "1.0.0", &["temperature", "humidity", "wind"]);
    let mut source = source_of_id(&mildew.id);
    source.name = given(&"x".repeat(201));
    let draft = SetUpDraft {
        organisation_id: given(ORGANISATION),
        source: Sent::Given(source),
        source_version: Sent::Given(version_of_id(&version.id)),
        job: Sent::Given(SetUpJobDraft {
            name: Sent::Absent,
            active: Sent::Absent,
            source_id: given(&rust.id.to_string()),
            source_version_id: given(NOWHERE),
            organisation_id: given(OTHER_ORGANISATION),
        }),
        role_bindings: Sent::Given(vec![
            Sent::Given(BindingDraft::new("temperature", "nope", "sensor")),
            Sent::Given(BindingDraft::new("temperature", "00000000-0000-0000-0000-000000000000", "gateway")),
            to_sensor("humidty"),
            Sent::Null,
        ]),
    };
    assert_eq!(
        invalid(world.unchanged(|| world.set_up(draft))),
        places(&[
            ("job.name", ViolationCode::MissingMember),
            ("job.organisation_id", ViolationCode::Disagrees),
            ("job.source_id", ViolationCode::Disagrees),
            ("job.source_version_id", ViolationCode::Disagrees),
            ("role_bindings", ViolationCode::MissingRequiredRole),
            ("role_bindings", ViolationCode::MissingRequiredRole),
            ("role_bindings[0].input_id", ViolationCode::InvalidUuid),
            ("role_bindings[1].input_id", ViolationCode::NilUuid),
            ("role_bindings[1].input_type", ViolationCode::InputKindMismatch),
            ("role_bindings[1].role", ViolationCode::DuplicateRole),
            ("role_bindings[2].role", ViolationCode::UnknownRole),
            ("role_bindings[3]", ViolationCode::WrongType),
            ("source.name", ViolationCode::TooLong),
        ])
    );
}

#[test]
fn nothing_at_all_is_told_what_it_lacks() {
    let world = World::new();
    assert_eq!(
        invalid(world.set_up(SetUpDraft::default())),
        places(&[
            ("job", ViolationCode::MissingMember),
            ("organisation_id", ViolationCode::MissingMember),
            ("role_bindings", ViolationCode::MissingMember),
            ("source", ViolationCode::MissingMember),
        ])
    );
}

#[test]
fn bindings_are_judged_as_far_as_a_broken_version_can_be_read() {
    let world = World::new();
    let mut version = a_version("1.0.0", &["temperature", "humidity"]);
    version.version = given("");
    let draft = SetUpDraft { source_version: Sent::Given(version), ..everything() };
    assert_eq!(
        invalid(world.set_up(draft)),
        places(&[
            ("role_bindings", ViolationCode::MissingRequiredRole),
            ("source_version.version", ViolationCode::TooShort),
        ])
    );
}
