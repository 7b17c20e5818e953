//! What the document does not have any more.

use std::collections::BTreeSet;

use prediction_domain::model::{ApplyAction, Caller, MAX_APPLIED, Permission, Scope};
use prediction_domain::requests::{ApplyDraft, DescribedJobDraft, Sent};
use prediction_domain::use_cases::{Applied, UseCaseError};
use prediction_domain_testkit::builders::{a_prediction, a_run_of};
use prediction_domain_testkit::values::{at, set_name};
use proptest::prelude::*;

use super::pictures::{Options, any_past, any_picture};
use super::words::{
    Everything, SET, actions, chained, document, done, dry_run, everything, input, job, job_named, mildew, mistakes,
    of, pause_by_hand, places, run, to_input, to_output, version, with_jobs,
};
use crate::world::{CHOSEN, NOWHERE, World, a_source, caller, given, operator, organisation};

fn pruning(draft: ApplyDraft, prune: &str) -> ApplyDraft {
    ApplyDraft { prune: given(prune), ..draft }
}

/// What a set keeps of all that is stored, by kind and id.
fn kept_by(set: &str, (sources, versions, jobs, inputs): &Everything) -> BTreeSet<String> {
    let set = set_name(set);
    let of = |management: Option<&prediction_domain::model::Management>| management.is_some_and(|of| of.set == set);
    let sources = sources.iter().filter(|source| of(source.management.as_ref())).map(|source| source.id.to_string());
    let versions = versions.iter().filter(|version| version.managed_by.as_ref() == Some(&set));
    let jobs = jobs.iter().filter(|job| of(job.management.as_ref())).map(|job| job.id.to_string());
    let inputs = inputs.iter().filter(|input| of(input.management.as_ref()));
    let inputs = inputs.map(|input| format!("{} {}", input.organisation_id, input.id));
    sources.chain(versions.map(|version| version.id.to_string())).chain(jobs).chain(inputs).collect()
}

fn all((sources, versions, jobs, inputs): &Everything) -> BTreeSet<String> {
    let sources = sources.iter().map(|source| source.id.to_string());
    let inputs = inputs.iter().map(|input| format!("{} {}", input.organisation_id, input.id));
    let versions = versions.iter().map(|version| version.id.to_string());
    sources.chain(versions).chain(jobs.iter().map(|job| job.id.to_string())).chain(inputs).collect()
}

fn removed(applied: &Applied) -> Vec<(String, ApplyAction)> {
    actions(applied)
        .into_iter()
        .filter(|(_, action)| matches!(action, ApplyAction::Pause | ApplyAction::Delete))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_is_removed_is_what_the_set_keeps_the_document_lacks_and_nothing_needs(
        past in any_past(), picture in any_picture(),
    ) {
        let world = past.world();
        let options = Options { adopt: true, adopt_from: true, prune: "delete" };
        let before = everything(&world);
        let Ok(applied) = run(&world.ports, &operator(), &options.of(picture.document(SET))) else { return Ok(()) };
        let after = everything(&world);
        let gone: BTreeSet<String> = all(&before).difference(&all(&after)).cloned().collect();
        prop_assert!(gone.is_subset(&kept_by(SET, &before)), "nothing of others");
        prop_assert_eq!(gone.len(), removed(&applied).len(), "each is told");
        // What is there and not in the document is needed, and that is told, too.
        let described = applied.changes.iter().filter(|change| change.place.is_some()).count();
        let needed = applied.warnings.iter().filter(|warning| warning.code == "still_used").count();
        prop_assert_eq!(kept_by(SET, &after).len(), described + needed);
        let (_, versions, jobs, inputs) = &after;
        prop_assert!(jobs.iter().all(|job| versions.iter().any(|version| version.id == job.source_version_id)));
        // No job of the set is left behind, and no input that nothing has bound.
        let told = |key: &serde_json::Value| applied.changes.iter().any(|change| change.key.to_json() == *key);
        for job in jobs.iter().filter(|job| job.management.as_ref().is_some_and(|kept| kept.set.as_str() == SET)) {
            let key = serde_json::json!({ "organisation_id": job.organisation_id, "name": job.name });
            prop_assert!(told(&key), "{}", key);
        }
        for input in inputs.iter().filter(|input| input.management.is_some()) {
            let key = serde_json::json!({ "organisation_id": input.organisation_id, "id": input.id });
            let is_bound = jobs.iter().any(|job| {
                job.organisation_id == input.organisation_id
                    && job.role_bindings.iter().any(|binding| binding.input_id == input.id)
            });
            let is_of_set = input.management.as_ref().is_some_and(|kept| kept.set.as_str() == SET);
            prop_assert!(!is_of_set || told(&key) || is_bound, "{}", key);
        }
    }
}

/// The set has a source with two versions, an input, and three jobs, of which one reads another.
fn full() -> ApplyDraft {
    let mut draft = with_jobs(vec![
        mildew("Weather", &[to_input("sensor", CHOSEN)]),
        mildew("Reader", &[to_output("upstream", "Weather", "prediction")]),
        mildew("Alone", &[]),
    ]);
    draft.inputs = Sent::Given(vec![Sent::Given(input(CHOSEN)), Sent::Given(input(NOWHERE))]);
    draft
}

#[test]
fn nothing_is_removed_unless_that_is_asked_for() {
    let world = World::new();
    done(&world, &full());
    let before = everything(&world);
    assert_eq!(done(&world, &document(SET)).changes, []);
    assert_eq!(done(&world, &pruning(document(SET), "off")).changes, []);
    assert_eq!(everything(&world), before);
}

#[test]
fn pausing_pauses_jobs_that_run_and_nothing_else() {
    let world = World::new();
    done(&world, &full());
    pause_by_hand(&world, &job_named(&world, "Alone"), false);
    let draft = pruning(with_jobs(vec![mildew("Reader", &[to_output("upstream", "Weather", "prediction")])]), "pause");
    let applied = done(&world, &draft);
    assert_eq!(removed(&applied).len(), 1);
    let change = applied.changes.last().unwrap();
    assert_eq!((change.action, change.place.clone()), (ApplyAction::Pause, None));
    assert_eq!(change.differences[0].path.to_json_pointer(), "/active");
    assert!(!job_named(&world, "Weather").active);
    assert_eq!(applied.warnings[0].code, "outputs_in_use");
    assert_eq!(removed(&done(&world, &draft)), []);
}

#[test]
fn deleting_takes_jobs_with_their_runs_and_what_only_they_needed() {
    let world = World::new();
    done(&world, &full());
    let job = job_named(&world, "Alone");
    let values = [a_prediction("prediction", at("2026-06-01T13:00:00Z"), 0.5)];
    world.ports.runs.insert(&a_run_of(&job, &values), &values, None).unwrap();
    let draft = ApplyDraft { prune_limit: Sent::Given(7), ..pruning(document(SET), "delete") };
    let applied = done(&world, &draft);
    assert_eq!(removed(&applied).len(), 7);
    let runs: Vec<_> = applied.changes.iter().filter_map(|change| change.runs).collect();
    assert_eq!(runs.iter().sum::<u64>(), 1);
    assert_eq!(all(&everything(&world)), BTreeSet::new());
}

#[test]
fn an_input_goes_with_the_binding_that_the_same_document_removes() {
    let world = World::new();
    let mut draft = with_jobs(vec![mildew("Weather", &[to_input("sensor", CHOSEN)])]);
    draft.inputs = Sent::Given(vec![Sent::Given(input(CHOSEN))]);
    done(&world, &draft);
    let applied = done(&world, &pruning(with_jobs(vec![mildew("Weather", &[])]), "delete"));
    assert_eq!((removed(&applied).len(), applied.warnings), (1, Vec::new()));
    assert_eq!(everything(&world).3, []);
}

#[test]
fn a_version_stays_while_a_revision_of_a_job_has_it() {
    let world = World::new();
    done(&world, &with_jobs(vec![mildew("Weather", &[])]));
    let mut next = with_jobs(vec![job("Weather", "mildew", "2.0.0", &[])]);
    next.source_versions = Sent::Given(vec![version("mildew", "2.0.0", &chained(&["prediction"]))]);
    let applied = done(&world, &pruning(next.clone(), "delete"));
    assert_eq!(removed(&applied), []);
    assert_eq!(applied.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), ["still_used"]);
    assert!(super::pictures::is_unchanged(&done(&world, &pruning(next, "delete"))));
}

#[test]
fn a_job_that_the_document_reads_is_not_removed_by_it() {
    let world = World::new();
    done(&world, &full());
    let reader = |bindings| ApplyDraft {
        prune_limit: Sent::Given(1_000),
        ..pruning(with_jobs(vec![DescribedJobDraft { role_bindings: bindings, ..mildew("Reader", &[]) }]), "delete")
    };
    let named = reader(Sent::Given(vec![to_output("upstream", "Weather", "prediction")]));
    assert_eq!(mistakes(&world, &named), places(&[("/jobs/0/role_bindings/0/output", "disagrees")]));
    assert_eq!(mistakes(&world, &reader(Sent::Absent)), places(&[("/jobs/0", "disagrees")]));
    assert_eq!(removed(&done(&world, &reader(Sent::Given(Vec::new())))).len(), 4);
}

#[test]
fn a_job_that_others_read_is_not_removed() {
    let world = World::new();
    done(&world, &with_jobs(vec![mildew("Weather", &[])]));
    let mut other = document("vineyard");
    other.jobs = Sent::Given(vec![Sent::Given(mildew("Reader", &[to_output("upstream", "Weather", "prediction")]))]);
    done(&world, &other);
    let draft = ApplyDraft { prune_limit: Sent::Given(1_000), ..pruning(document(SET), "delete") };
    let before = everything(&world);
    for attempt in [dry_run, run] {
        let refused = attempt(&world.ports, &operator(), &draft);
        assert!(matches!(refused, Err(UseCaseError::InUse(_))), "{refused:?}");
    }
    assert_eq!(everything(&world), before);
}

#[test]
fn more_than_the_limit_is_not_removed() {
    let world = World::new();
    done(&world, &full());
    let pruned = |draft: ApplyDraft| pruning(draft, "delete");
    let refused = |draft: &ApplyDraft| {
        let before = everything(&world);
        let result = run(&world.ports, &operator(), draft);
        assert_eq!(everything(&world), before);
        let Err(UseCaseError::PruneLimitExceeded { limit, removals, plan }) = result else { panic!("{result:?}") };
        assert_eq!(removed(&plan).len(), removals);
        (limit, removals)
    };
    let limited = |draft: ApplyDraft, limit: i128| ApplyDraft { prune_limit: Sent::Given(limit), ..pruned(draft) };
    assert_eq!(refused(&pruned(document(SET))), (0, 7), "an empty document has to say how many");
    assert_eq!(refused(&limited(document(SET), 6)), (6, 7));
    let one = || with_jobs(vec![mildew("Weather", &[to_input("sensor", CHOSEN)])]);
    assert_eq!(refused(&limited(one(), 0)), (0, 3));
    assert!(dry_run(&world.ports, &operator(), &pruned(one())).is_ok());
    let most = i128::try_from(MAX_APPLIED).unwrap();
    assert!(dry_run(&world.ports, &operator(), &limited(document(SET), most)).is_ok());
    for wrong in [-1, most + 1] {
        assert_eq!(mistakes(&world, &limited(document(SET), wrong)), places(&[("/prune_limit", "out_of_range")]));
    }
}

#[test]
fn only_what_the_token_may_is_removed() {
    let world = World::new();
    let mut draft = full();
    // The source is the organisation's own.
    draft.sources = Sent::Given(vec![Sent::Given(prediction_domain::requests::SourceDraft {
        owner_organisation_id: given(crate::world::ORGANISATION),
        ..a_source("mildew")
    })]);
    done(&world, &draft);
    let draft = ApplyDraft { prune_limit: Sent::Given(1_000), ..pruning(document(SET), "delete") };
    let count = |caller: &Caller| removed(&dry_run(&world.ports, caller, &draft).unwrap()).len();
    let own = Scope::of([organisation()]);
    let with = |permissions: &[Permission]| count(&caller(permissions, own.clone()));
    assert_eq!(with(&[Permission::JobsWrite]), 3);
    assert_eq!(with(&[Permission::InputsWrite]), 1, "the other input is bound");
    assert_eq!(with(&[Permission::JobsWrite, Permission::InputsWrite]), 5);
    assert_eq!(with(&[Permission::CatalogCreate]), 0);
    assert_eq!(with(&[Permission::CatalogCreate, Permission::CatalogWrite]), 0, "jobs run the version");
    assert_eq!(with(&[Permission::JobsWrite, Permission::CatalogWrite]), 5);
    assert_eq!(count(&of(&[organisation()])), 7);
    let stranger = of(&[prediction_domain_testkit::values::fresh_organisation_id()]);
    let elsewhere = ApplyDraft { organisation_id: Sent::Absent, ..draft.clone() };
    assert_eq!(dry_run(&world.ports, &stranger, &elsewhere).unwrap().changes, []);
}
