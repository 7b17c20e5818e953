//! Creating and changing sources.

use std::time::Duration;

use prediction_domain::model::Path;
use prediction_domain::model::{Source, SourceId, ValueProblem, ViolationCode};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::{Precondition, Sent, SourceChangeDraft, SourceDraft, Submission};
use prediction_domain::use_cases::{Outcome, Resource, UseCaseError, change_source, create_source};
use prediction_domain_testkit::values::revision;
use serde_json::json;

use crate::world::{CHOSEN, World, a_source, conflict, differences, given, invalid, operator, places, source_id};

fn create(world: &World, draft: SourceDraft) -> Result<(Source, Outcome), UseCaseError> {
    create_source(&world.ports, &operator(), &draft.into(), WriteMode::Commit)
}

fn mildew() -> SourceDraft {
    SourceDraft {
        description: given("Predicts mildew"),
        expected_interval_minutes: Sent::Given(60),
        retention_hours: Sent::Given(720),
        ..a_source("mildew")
    }
}

fn change(world: &World, id: SourceId, source: SourceDraft) -> Result<Source, UseCaseError> {
    change_if(world, id, SourceChangeDraft { source, ..SourceChangeDraft::default() }, &Precondition::None)
}

fn change_if(
    world: &World,
    id: SourceId,
    draft: SourceChangeDraft,
    precondition: &Precondition,
) -> Result<Source, UseCaseError> {
    let changed = change_source(&world.ports, &operator(), id, &draft.into(), precondition, WriteMode::Commit);
    changed.map(|changed| changed.source)
}

#[test]
fn a_new_source_is_at_its_first_revision_and_can_be_found() {
    let world = World::new();
    let (source, outcome) = create(&world, SourceDraft { name: given("  Mildew  "), ..mildew() }).unwrap();
    assert_eq!(outcome, Outcome::Created);
    assert_eq!(source.name.as_str(), "Mildew");
    assert_eq!(source.revision, revision(1));
    assert_eq!((source.created_at, source.updated_at), (world.ports.clock.now(), world.ports.clock.now()));
    assert_eq!(world.contents().0, [source]);
}

#[test]
fn the_same_content_again_finds_what_is_stored() {
    let world = World::new();
    let (stored, _) = create(&world, mildew()).unwrap();
    for again in [
        mildew(),
        a_source("mildew"),
        a_source(" MILDEW "),
        SourceDraft { retention_hours: Sent::Given(720), ..a_source("mildew") },
        SourceDraft { id: given(&stored.id.to_string()), ..mildew() },
    ] {
        assert_eq!(world.unchanged(|| create(&world, again).unwrap()), (stored.clone(), Outcome::Reused));
    }
}

#[test]
fn other_content_under_the_name_is_a_conflict_with_each_difference() {
    let world = World::new();
    let (stored, _) = create(&world, mildew()).unwrap();
    let other = SourceDraft {
        description: Sent::Null,
        expected_interval_minutes: Sent::Given(61),
        retention_hours: Sent::Given(1),
        id: given(CHOSEN),
        ..a_source("Mildew")
    };
    let conflict = conflict(world.unchanged(|| create(&world, other)));
    assert_eq!((conflict.resource, conflict.existing_id), (Resource::Source, stored.id.as_uuid()));
    assert_eq!(
        differences(&conflict),
        [
            ("id".to_owned(), json!(stored.id), json!(CHOSEN)),
            ("description".to_owned(), json!("Predicts mildew"), json!(null)),
            ("expected_interval_minutes".to_owned(), json!(60), json!(61)),
            ("retention_hours".to_owned(), json!(720), json!(1)),
        ]
    );
}

#[test]
fn a_value_sent_for_what_is_stored_as_nothing_is_a_difference() {
    let world = World::new();
    create(&world, a_source("mildew")).unwrap();
    let conflict = conflict(create(&world, mildew()));
    assert_eq!(differences(&conflict)[0], ("description".to_owned(), json!(null), json!("Predicts mildew")));
    assert_eq!(conflict.differences.len(), 3);
}

#[test]
fn an_id_can_be_chosen_once() {
    let world = World::new();
    let chosen = |name: &str| SourceDraft { id: given(CHOSEN), ..a_source(name) };
    let (stored, outcome) = create(&world, chosen("mildew")).unwrap();
    assert_eq!((stored.id, outcome), (source_id(CHOSEN), Outcome::Created));
    assert_eq!(create(&world, chosen("Mildew")).unwrap().1, Outcome::Reused);
    let conflict = conflict(create(&world, chosen("rust")));
    assert_eq!(differences(&conflict), [("name".to_owned(), json!("mildew"), json!("rust"))]);
}

#[test]
fn everything_that_is_wrong_with_a_source_is_told_at_once() {
    let world = World::new();
    let wrong = SourceDraft {
        id: given("nope"),
        name: given(" \t "),
        description: given("\u{0}"),
        expected_interval_minutes: Sent::Given(0),
        retention_hours: Sent::Given(i128::MAX),
        owner_organisation_id: given("no-organisation"),
    };
    let mut submission = Submission::from(wrong);
    submission.diagnostics.report(Path::of("zzz"), ValueProblem::new(ViolationCode::UnknownMember, "is unknown"));
    assert_eq!(
        invalid(world.unchanged(|| create_source(&world.ports, &operator(), &submission, WriteMode::Commit))),
        places(&[
            ("description", ViolationCode::ControlCharacter),
            ("expected_interval_minutes", ViolationCode::OutOfRange),
            ("id", ViolationCode::InvalidUuid),
            ("name", ViolationCode::TooShort),
            ("owner_organisation_id", ViolationCode::InvalidUuid),
            ("retention_hours", ViolationCode::OutOfRange),
            ("zzz", ViolationCode::UnknownMember),
        ])
    );
    assert_eq!(invalid(create(&world, SourceDraft::default())), places(&[("name", ViolationCode::MissingMember)]));
    let null = SourceDraft { name: Sent::Null, ..SourceDraft::default() };
    assert_eq!(invalid(create(&world, null)), places(&[("name", ViolationCode::WrongType)]));
}

#[test]
fn a_change_keeps_what_is_left_out_and_clears_what_is_null() {
    let world = World::new();
    let (stored, _) = create(&world, mildew()).unwrap();
    world.clock.advance(Duration::from_secs(7));
    let changed = change(
        &world,
        stored.id,
        SourceDraft {
            retention_hours: Sent::Null,
            expected_interval_minutes: Sent::Given(30),
            ..SourceDraft::default()
        },
    )
    .unwrap();
    assert_eq!(
        changed,
        Source {
            retention_hours: None,
            expected_interval_minutes: changed.expected_interval_minutes,
            revision: revision(2),
            updated_at: world.ports.clock.now(),
            ..stored
        }
    );
    assert_eq!(changed.expected_interval_minutes.unwrap().as_i32(), 30);
    assert_eq!(world.contents().0, [changed]);
}

#[test]
fn what_changes_nothing_leaves_revision_and_time() {
    let world = World::new();
    let (stored, _) = create(&world, mildew()).unwrap();
    world.clock.advance(Duration::from_secs(7));
    let same = SourceDraft { id: given(&stored.id.to_string()), ..mildew() };
    for draft in [SourceDraft::default(), same] {
        assert_eq!(world.unchanged(|| change(&world, stored.id, draft).unwrap()), stored);
    }
}

#[test]
fn a_source_is_never_changed_before_it_was() {
    let world = World::new();
    let (stored, _) = create(&world, mildew()).unwrap();
    world.clock.set(prediction_domain_testkit::values::at("2020-01-01T00:00:00Z"));
    let changed = change(&world, stored.id, a_source("rust")).unwrap();
    assert_eq!(changed.updated_at, stored.updated_at);
}

#[test]
fn the_case_of_a_name_can_be_changed_but_not_to_that_of_another_source() {
    let world = World::new();
    let stored = world.source("mildew");
    let rust = world.source("rust");
    assert_eq!(change(&world, stored.id, a_source("MILDEW")).unwrap().name.as_str(), "MILDEW");
    let conflict = conflict(world.unchanged(|| change(&world, stored.id, a_source("Rust"))));
    assert_eq!((conflict.resource, conflict.existing_id), (Resource::Source, rust.id.as_uuid()));
    assert_eq!(conflict.differences[0].code, ViolationCode::Taken);
    assert_eq!(conflict.differences[0].path.to_string(), "name");
}

#[test]
fn an_id_never_changes_and_a_name_is_never_cleared() {
    let world = World::new();
    let stored = world.source("mildew");
    let wrong = SourceDraft { id: given(CHOSEN), name: Sent::Null, retention_hours: Sent::Given(-1), ..mildew() };
    assert_eq!(
        invalid(world.unchanged(|| change(&world, stored.id, wrong))),
        places(&[
            ("id", ViolationCode::ImmutableField),
            ("name", ViolationCode::WrongType),
            ("retention_hours", ViolationCode::OutOfRange),
        ])
    );
}

#[test]
fn a_revision_in_the_body_or_in_the_precondition_is_a_lock() {
    let world = World::new();
    let stored = world.source("mildew");
    let stale = |sent: Sent<i128>, precondition: Precondition| {
        let draft = SourceChangeDraft { source: a_source("rust"), revision: sent, ..SourceChangeDraft::default() };
        match world.unchanged(|| change_if(&world, stored.id, draft, &precondition)) {
            Err(UseCaseError::Stale { current }) => assert_eq!(current, revision(1)),
            other => panic!("not stale: {other:?}"),
        }
    };
    stale(Sent::Given(2), Precondition::None);
    stale(Sent::Given(-1), Precondition::None);
    stale(Sent::Given(i128::MAX), Precondition::None);
    stale(Sent::Absent, Precondition::OneOf(vec![revision(2), revision(3)]));
    stale(Sent::Absent, Precondition::OneOf(Vec::new()));
    stale(Sent::Given(1), Precondition::OneOf(vec![revision(2)]));
    stale(Sent::Given(2), Precondition::OneOf(vec![revision(1)]));

    let draft = |revision| SourceChangeDraft { source: a_source("rust"), revision, ..SourceChangeDraft::default() };
    let precondition = Precondition::OneOf(vec![revision(7), revision(1)]);
    let changed = change_if(&world, stored.id, draft(Sent::Given(1)), &precondition).unwrap();
    assert_eq!(changed.revision, revision(2));
    let again = change_if(&world, stored.id, draft(Sent::Null), &Precondition::None).unwrap();
    assert_eq!(again.revision, revision(2), "null is no lock");
}

#[test]
fn a_dry_run_of_a_change_is_judged_and_shown_and_not_made() {
    let world = World::new();
    let stored = world.source("mildew");
    world.source("rust");
    let dry_run = |draft: SourceDraft| {
        let draft = SourceChangeDraft { source: draft, ..SourceChangeDraft::default() };
        world.unchanged(|| {
            change_source(&world.ports, &operator(), stored.id, &draft.into(), &Precondition::None, WriteMode::DryRun)
                .map(|changed| changed.source)
        })
    };
    let shown = dry_run(a_source("scab")).unwrap();
    assert_eq!((shown.name.as_str(), shown.revision), ("scab", revision(2)));
    assert_eq!(conflict(dry_run(a_source("rust"))).differences.len(), 1);
}

#[test]
fn nothing_can_be_changed_that_is_not_there() {
    let world = World::new();
    assert!(matches!(change(&world, source_id(CHOSEN), a_source("mildew")), Err(UseCaseError::NotFound)));
}
