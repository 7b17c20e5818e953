//! What holds for every document and every store.

use prediction_domain::model::{ApplyAction, Caller, Job, JobName};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::ApplyDraft;
use prediction_domain::use_cases::{Applied, AppliedChange, Exported, UseCaseError};
use prediction_domain_testkit::values::set_name;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::pictures::{any_options, any_past, any_picture, is_unchanged};
use super::words::{
    SET, actions, as_document, done, dry_run, everything, exported, job_named, mildew, run, set_filter, to_input,
    to_output, with_jobs,
};
use crate::world::{CHOSEN, NOWHERE, SENSOR, World, given, operator};

/// A plan, without the ids that only a run makes.
fn plan(result: &Result<Applied, UseCaseError>) -> Result<(String, Vec<AppliedChange>), String> {
    let without_ids = |change: &AppliedChange| AppliedChange { id: None, ..change.clone() };
    match result {
        Ok(applied) => Ok((applied.plan_digest.clone(), applied.changes.iter().map(without_ids).collect())),
        Err(UseCaseError::Invalid(violations) | UseCaseError::NotOfTheSet(violations)) => {
            Err(format!("{violations:?}"))
        }
        Err(other) => Err(other.to_string()),
    }
}

/// Else the properties would say little.
#[test]
fn many_random_documents_are_carried_out() {
    let mut runner = TestRunner::deterministic();
    let strategy = (any_past(), any_picture(), any_options());
    let (mut done, mut changed, mut removed) = (0, 0, 0);
    for _ in 0..100 {
        let (past, picture, options) = strategy.new_tree(&mut runner).unwrap().current();
        let Ok(applied) = run(&past.world().ports, &operator(), &options.of(picture.document(SET))) else { continue };
        let has = |actions: &[ApplyAction]| applied.changes.iter().any(|change| actions.contains(&change.action));
        done += 1;
        changed += usize::from(has(&[ApplyAction::Update, ApplyAction::Adopt]));
        removed += usize::from(has(&[ApplyAction::Pause, ApplyAction::Delete]));
    }
    assert!(done > 50 && changed > 15 && removed > 10, "{done} done, {changed} with changes, {removed} with removals");
}

#[test]
fn the_digest_tells_what_is_bound_and_not_in_which_order() {
    let world = World::new();
    let upstream = || to_output("upstream", "Weather", "prediction");
    let reader = |bindings: &[_]| with_jobs(vec![mildew("Weather", &[]), mildew("Reader", bindings)]);
    let digest = |draft: &ApplyDraft| dry_run(&world.ports, &operator(), draft).unwrap().plan_digest;
    let several = || {
        let mut digests: Vec<String> = Vec::new();
        for sensor in [SENSOR, CHOSEN] {
            let (one, other) = ([to_input("sensor", sensor), upstream()], [upstream(), to_input("sensor", sensor)]);
            assert_eq!(digest(&reader(&one)), digest(&reader(&other)));
            digests.push(digest(&reader(&one)));
        }
        digests.push(digest(&reader(&[upstream()])));
        digests.push(digest(&reader(&[])));
        digests.push(digest(&ApplyDraft { set: given("meadow"), adopt_from: given(SET), ..reader(&[]) }));
        let of = digests.len();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), of, "another content has another digest");
    };
    several();
    // And so it is with what is there already.
    done(&world, &reader(&[to_input("sensor", NOWHERE)]));
    several();
}

/// The release that stored it took another name than this one would.
#[test]
fn a_job_with_a_name_of_an_earlier_release_stays_that_job() {
    let world = World::new();
    done(&world, &with_jobs(vec![mildew("Job A", &[])]));
    let stored = job_named(&world, "Job A");
    let old = Job { name: JobName::restore(" Job  A").unwrap(), revision: stored.revision.next(), ..stored.clone() };
    assert!(JobName::parse(" Job  A").unwrap() != old.name);
    world.ports.jobs.update(&old, stored.revision, None, WriteMode::Commit).unwrap();
    let export = exported(&world.ports, &operator(), &set_filter(SET), 200);
    let applied = done(&world, &as_document(&set_name(SET), &export));
    assert!(is_unchanged(&applied), "{:?}", actions(&applied));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_dry_run_tells_what_a_run_does_and_stores_nothing(
        past in any_past(), picture in any_picture(), options in any_options(),
    ) {
        let world = past.world();
        let draft = options.of(picture.document(SET));
        let before = everything(&world);
        let tried = dry_run(&world.ports, &operator(), &draft);
        prop_assert_eq!(&everything(&world), &before);
        let result = run(&world.ports, &operator(), &draft);
        prop_assert_eq!(plan(&tried), plan(&result));
        if result.is_err() {
            prop_assert_eq!(&everything(&world), &before, "a refused document stores nothing");
        }
    }

    #[test]
    fn a_document_that_is_applied_again_changes_nothing(
        past in any_past(), picture in any_picture(), options in any_options(),
    ) {
        let world = past.world();
        let draft = options.of(picture.document(SET));
        if run(&world.ports, &operator(), &draft).is_ok() {
            let before = everything(&world);
            let again = run(&world.ports, &operator(), &draft).unwrap();
            prop_assert!(is_unchanged(&again), "{:?}", actions(&again));
            prop_assert!(again.changes.iter().all(|change| change.changed_outside.is_none()));
            prop_assert_eq!(everything(&world), before);
        }
    }

    #[test]
    fn an_export_changes_nothing_when_it_is_applied(past in any_past(), limit in 1_u16..12) {
        let world = past.world();
        let all = exported(&world.ports, &operator(), &set_filter(SET), 200);
        prop_assert_eq!(&exported(&world.ports, &operator(), &set_filter(SET), limit), &all);
        let before = everything(&world);
        let (sources, versions, jobs, inputs) = &before;
        let of_set = |management: Option<&prediction_domain::model::Management>| {
            management.is_some_and(|management| management.set == set_name(SET))
        };
        let expected = sources.iter().filter(|source| of_set(source.management.as_ref())).count()
            + versions.iter().filter(|version| version.managed_by == Some(set_name(SET))).count()
            + jobs.iter().filter(|job| of_set(job.management.as_ref())).count()
            + inputs.iter().filter(|input| of_set(input.management.as_ref())).count();
        prop_assert_eq!(all.len(), expected, "each thing once");
        let applied = run(&world.ports, &operator(), &as_document(&set_name(SET), &all)).unwrap();
        prop_assert!(is_unchanged(&applied), "{:?}", actions(&applied));
        let ids = |all: &super::words::Everything| {
            let revisions = all.0.iter().map(|source| source.revision).chain(all.2.iter().map(|job| job.revision));
            revisions.chain(all.3.iter().map(|input| input.revision)).collect::<Vec<_>>()
        };
        prop_assert_eq!(ids(&everything(&world)), ids(&before));
    }

    #[test]
    fn the_digest_depends_on_nothing_but_what_is_done(
        past in any_past(), picture in any_picture(), options in any_options(), turn in any::<prop::sample::Index>(),
    ) {
        let (world, other) = (past.world(), past.world_from(5_000));
        let draft = options.of(picture.document(SET));
        let turned = turned(&draft, turn);
        let stranger = Caller { subject: "somebody else".to_owned(), ..operator() };
        let (one, two) = (dry_run(&world.ports, &operator(), &draft), dry_run(&other.ports, &stranger, &turned));
        match (one, two) {
            (Ok(one), Ok(two)) => {
                prop_assert_eq!(&one.plan_digest, &two.plan_digest);
                let sorted = |applied: &Applied| {
                    let mut actions = actions(applied);
                    actions.sort();
                    actions
                };
                prop_assert_eq!(sorted(&one), sorted(&two));
                // Two plans of one digest do the same.
                run(&world.ports, &operator(), &draft).unwrap();
                run(&other.ports, &stranger, &turned).unwrap();
                let of = |ports| {
                    let mut all: Vec<String> =
                        exported(ports, &operator(), &set_filter(SET), 200).iter().map(described).collect();
                    all.sort();
                    all
                };
                prop_assert_eq!(of(&world.ports), of(&other.ports));
            }
            (Err(_), Err(_)) => {}
            (one, two) => prop_assert!(false, "{one:?}, but {two:?}"),
        }
    }

    #[test]
    fn only_the_plan_that_was_looked_at_is_carried_out(
        past in any_past(), picture in any_picture(), other in any_picture(), options in any_options(),
    ) {
        let world = past.world();
        let draft = options.of(picture.document(SET));
        let Ok(seen) = dry_run(&world.ports, &operator(), &draft) else { return Ok(()) };
        let changed = options.of(other.document(SET));
        let expecting = |draft: ApplyDraft| ApplyDraft { expect_plan: given(&seen.plan_digest), ..draft };
        if let Ok(planned) = dry_run(&world.ports, &operator(), &changed) {
            let before = everything(&world);
            let result = run(&world.ports, &operator(), &expecting(changed));
            if planned.plan_digest == seen.plan_digest {
                prop_assert!(result.is_ok());
                return Ok(());
            }
            let Err(UseCaseError::PlanOutdated(told)) = result else { panic!("{result:?}") };
            prop_assert_eq!(plan(&Ok(*told)), plan(&Ok(planned)));
            prop_assert_eq!(everything(&world), before);
        }
        prop_assert!(run(&world.ports, &operator(), &expecting(draft)).is_ok());
    }
}

/// The same document with its things, and the bindings of its jobs, in another order.
fn turned(draft: &ApplyDraft, turn: prop::sample::Index) -> ApplyDraft {
    use prediction_domain::requests::Sent;
    fn rotate<T>(list: &mut Sent<Vec<T>>, turn: prop::sample::Index) {
        if let Sent::Given(list) = list
            && list.len() > 1
        {
            // Never all the way round.
            let by = 1 + turn.index(list.len() - 1);
            list.rotate_left(by);
        }
    }
    let mut turned = draft.clone();
    rotate(&mut turned.sources, turn);
    rotate(&mut turned.source_versions, turn);
    rotate(&mut turned.inputs, turn);
    rotate(&mut turned.jobs, turn);
    if let Sent::Given(versions) = &mut turned.source_versions {
        for version in versions {
            if let Sent::Given(version) = version {
                rotate(&mut version.version.input_roles, turn);
                rotate(&mut version.version.output_roles, turn);
            }
        }
    }
    if let Sent::Given(jobs) = &mut turned.jobs {
        for job in jobs {
            if let Sent::Given(job) = job {
                rotate(&mut job.role_bindings, turn);
            }
        }
    }
    turned
}

/// A thing, without what is made up when it is stored.
fn described(item: &Exported) -> String {
    match item {
        Exported::Source(source) => format!("{} {:?}", source.name, source.expected_interval_minutes),
        Exported::SourceVersion { source, version } => {
            format!("{source} {} {:?}", version.version, version.contract.digest())
        }
        Exported::Input(input) => format!("{} {} {}", input.organisation_id, input.id, input.name),
        Exported::Job(job) => {
            let mut bindings: Vec<String> = job.bindings.iter().map(|binding| format!("{binding:?}")).collect();
            bindings.sort();
            format!("{} {} {} {} {} {bindings:?}", job.organisation_id, job.name, job.active, job.source, job.version)
        }
    }
}
