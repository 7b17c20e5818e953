//! Which set keeps what, and what becomes of changes by hand.

use prediction_domain::model::ApplyAction;
use prediction_domain::requests::{ApplyDraft, DescribedJobDraft, Sent};
use prediction_domain::use_cases::UseCaseError;
use prediction_domain_testkit::builders::contract;
use prediction_domain_testkit::values::set_name;

use super::pictures::is_unchanged;
use super::words::{
    SET, done, dry_run, everything, input, job_named, mildew, mistakes, pause_by_hand, places, run, to_input, version,
    with_jobs,
};
use crate::shorter_retention::world_with_values;
use crate::world::{CHOSEN, World, a_source, given, operator};

fn full() -> ApplyDraft {
    let mut draft = with_jobs(vec![mildew("Job A", &[to_input("sensor", CHOSEN)])]);
    draft.inputs = Sent::Given(vec![Sent::Given(input(CHOSEN))]);
    draft
}

#[test]
fn what_another_set_keeps_comes_to_a_set_only_from_that_one() {
    let world = World::new();
    done(&world, &ApplyDraft { set: given("vineyard"), ..full() });
    let all = ["/inputs/0", "/jobs/0", "/source_versions/0", "/sources/0"].map(|place| (place, "managed_by_other_set"));
    for draft in [
        full(),
        ApplyDraft { adopt: Sent::Given(true), ..full() },
        ApplyDraft { adopt_from: given("meadow"), ..full() },
    ] {
        assert_eq!(mistakes(&world, &draft), places(&all));
        assert!(matches!(run(&world.ports, &operator(), &draft), Err(UseCaseError::NotOfTheSet(_))));
    }
    // Beside another mistake it is one of several.
    let mut wrong = full();
    wrong.prune = given("all");
    assert!(matches!(run(&world.ports, &operator(), &wrong), Err(UseCaseError::Invalid(_))));

    let applied = done(&world, &ApplyDraft { adopt_from: given("vineyard"), ..full() });
    assert!(applied.changes.iter().all(|change| change.action == ApplyAction::Adopt));
    assert!(is_unchanged(&done(&world, &full())));
    let (sources, versions, jobs, inputs) = everything(&world);
    let set = set_name(SET);
    assert_eq!(sources[0].management.as_ref().map(|kept| &kept.set), Some(&set));
    assert_eq!(versions[0].managed_by.as_ref(), Some(&set));
    assert_eq!(jobs[0].management.as_ref().map(|kept| &kept.set), Some(&set));
    assert_eq!(inputs[0].management.as_ref().map(|kept| &kept.set), Some(&set));
}

#[test]
fn what_no_set_keeps_comes_to_a_set_that_adopts() {
    let world = World::new();
    let source = world.source("mildew");
    let stored = world.version(&source, "1.0.0", &["sensor"]);
    world.job(&stored, "Job A");
    let mut draft = with_jobs(vec![mildew("Job A", &[to_input("sensor", CHOSEN)])]);
    let described = version("mildew", "1.0.0", &contract(&["sensor"], &["prediction"]));
    draft.source_versions = Sent::Given(vec![described]);
    assert_eq!(
        mistakes(&world, &draft),
        places(&["/jobs/0", "/source_versions/0", "/sources/0"].map(|place| (place, "not_managed")))
    );
    let adopting_other = ApplyDraft { adopt_from: given("vineyard"), ..draft.clone() };
    assert_eq!(mistakes(&world, &adopting_other).len(), 3);
    let applied = done(&world, &ApplyDraft { adopt: Sent::Given(true), ..draft.clone() });
    let told: Vec<_> = applied.changes.iter().map(|change| (change.action, change.differences.len())).collect();
    assert_eq!(told, [(ApplyAction::Adopt, 0), (ApplyAction::Adopt, 0), (ApplyAction::Adopt, 1)]);
    assert!(is_unchanged(&done(&world, &draft)));
}

#[test]
fn a_change_by_hand_is_told_once() {
    let world = World::new();
    done(&world, &full());
    world.clock.advance(std::time::Duration::from_mins(1));
    let by_hand = world.ports.clock.now();
    pause_by_hand(&world, &job_named(&world, "Job A"), false);
    world.clock.advance(std::time::Duration::from_mins(1));
    let seen = |applied: &prediction_domain::use_cases::Applied| {
        let outside = applied.changes.iter().filter_map(|change| change.changed_outside.clone());
        outside.map(|outside| (outside.by.unwrap().to_string(), outside.at)).collect::<Vec<_>>()
    };
    let expected = [("gardener".to_owned(), by_hand)];
    let tried = dry_run(&world.ports, &operator(), &full()).unwrap();
    assert_eq!(seen(&tried), expected);
    assert_eq!(seen(&dry_run(&world.ports, &operator(), &full()).unwrap()), expected, "a dry run sees nothing");
    let revision = job_named(&world, "Job A").revision;
    let applied = done(&world, &full());
    assert_eq!(seen(&applied), expected);
    assert!(is_unchanged(&applied), "what the document leaves out stays as it is");
    assert_eq!(job_named(&world, "Job A").revision, revision);
    assert_eq!(seen(&done(&world, &full())), []);
}

#[test]
fn a_job_that_was_paused_stays_paused_unless_the_document_says_otherwise() {
    let world = World::new();
    done(&world, &full());
    pause_by_hand(&world, &job_named(&world, "Job A"), false);
    done(&world, &full());
    assert!(!job_named(&world, "Job A").active);
    let mut draft = full();
    draft.jobs = Sent::Given(vec![Sent::Given(DescribedJobDraft {
        active: Sent::Given(true),
        ..DescribedJobDraft { name: given("Job A"), ..DescribedJobDraft::default() }
    })]);
    let applied = done(&world, &draft);
    let change = applied.changes.last().unwrap();
    assert_eq!((change.action, change.differences.len()), (ApplyAction::Update, 1));
    let job = job_named(&world, "Job A");
    assert!(job.active && job.role_bindings.iter().count() == 1);
}

#[test]
fn a_shorter_retention_has_to_be_confirmed() {
    let (world, source) = world_with_values();
    let with = |confirmed: Sent<bool>| ApplyDraft {
        adopt: Sent::Given(true),
        confirm_deletion: confirmed,
        sources: Sent::Given(vec![Sent::Given(prediction_domain::requests::SourceDraft {
            retention_hours: Sent::Given(24),
            ..a_source(source.name.as_str())
        })]),
        ..super::words::document(SET)
    };
    for sent in [Sent::Absent, Sent::Given(false)] {
        let refused = world.unchanged(|| run(&world.ports, &operator(), &with(sent)));
        let Err(UseCaseError::WouldDelete(count)) = refused else { panic!("{refused:?}") };
        assert_eq!(count.values, 1);
    }
    done(&world, &with(Sent::Given(true)));
}
