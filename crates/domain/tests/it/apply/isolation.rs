//! What a caller of one organisation can learn of another one, and do to it: nothing.

use prediction_domain::model::{AccessDenied, OrganisationId, ViolationCode};
use prediction_domain::requests::{ApplyDraft, DescribedJobDraft, InputDraft, Sent, SourceDraft, SourceNameDraft};
use prediction_domain::use_cases::{Applied, AppliedChange, ExportFilter, Exported, UseCaseError, export};
use prediction_domain_testkit::values::first_page;
use proptest::prelude::*;

use super::pictures::{Options, Picture, any_options, any_picture, catalog};
use super::words::{
    Everything, chained, document, done, dry_run, everything, exported, input, mildew, of, run, set_filter, to_output,
    version, with_jobs,
};
use crate::world::{CHOSEN, ORGANISATION, OTHER_ORGANISATION, World, a_source, given, organisation};

fn other_organisation() -> OrganisationId {
    OrganisationId::parse(OTHER_ORGANISATION).unwrap()
}

fn of_the_other(source: &str) -> Sent<Vec<Sent<SourceDraft>>> {
    let owner_organisation_id = given(OTHER_ORGANISATION);
    Sent::Given(vec![Sent::Given(SourceDraft { owner_organisation_id, ..a_source(source) })])
}

/// All that the answer says, but for ids that are made up.
fn told(result: Result<Applied, UseCaseError>) -> String {
    match result {
        Ok(applied) => {
            let changes = applied.changes.into_iter().map(|change| AppliedChange { id: None, ..change });
            format!("{} {:?} {:?}", applied.plan_digest, changes.collect::<Vec<_>>(), applied.warnings)
        }
        Err(UseCaseError::Invalid(violations) | UseCaseError::NotOfTheSet(violations)) => format!("{violations:?}"),
        Err(other) => other.to_string(),
    }
}

fn of_other((_, _, jobs, inputs): Everything) -> String {
    let other = other_organisation();
    let jobs: Vec<_> = jobs.into_iter().filter(|job| job.organisation_id == other).collect();
    let inputs: Vec<_> = inputs.into_iter().filter(|input| input.organisation_id == other).collect();
    format!("{jobs:?} {inputs:?}")
}

/// A store that has what pictures need, and some things of the caller.
fn store(own: &Picture) -> World {
    let world = World::new();
    done(&world, &catalog());
    let _ = run(&world.ports, &of(&[organisation()]), &own.of_one(false));
    world
}

fn apply_as_own(world: &World, picture: &Picture, options: Options) -> [String; 2] {
    let (own, draft) = (of(&[organisation()]), options.of(picture.of_one(false)));
    [told(dry_run(&world.ports, &own, &draft)), told(run(&world.ports, &own, &draft))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_another_organisation_has_changes_no_answer_and_is_not_changed(
        stored in any_picture(), others in any_picture(), picture in any_picture(), options in any_options(),
    ) {
        let (alone, together) = (store(&stored), store(&stored));
        // The same set, and the same names.
        let theirs = of(&[other_organisation()]);
        run(&together.ports, &theirs, &others.of_one(true)).unwrap();
        let before = of_other(everything(&together));
        prop_assert_eq!(apply_as_own(&alone, &picture, options), apply_as_own(&together, &picture, options));
        prop_assert_eq!(of_other(everything(&together)), before);
        let own = of(&[organisation()]);
        for filter in [set_filter("orchard"), ExportFilter::default()] {
            let of = |world: &World| exported(&world.ports, &own, &filter, 7).len();
            prop_assert_eq!(of(&alone), of(&together));
        }
    }
}

#[test]
fn a_document_cannot_speak_for_another_organisation() {
    let world = World::new();
    done(&world, &with_jobs(vec![]));
    let own = of(&[organisation()]);
    let of_job = |organisation_id: &str| ApplyDraft {
        jobs: Sent::Given(vec![Sent::Given(DescribedJobDraft {
            organisation_id: given(organisation_id),
            ..mildew("Job A", &[])
        })]),
        ..document("meadow")
    };
    let of_input = ApplyDraft {
        inputs: Sent::Given(vec![Sent::Given(InputDraft {
            organisation_id: given(OTHER_ORGANISATION),
            ..input(CHOSEN)
        })]),
        ..document("meadow")
    };
    let of_all = ApplyDraft { organisation_id: given(OTHER_ORGANISATION), ..document("meadow") };
    for draft in [of_job(OTHER_ORGANISATION), of_input, of_all] {
        let refused = world.unchanged(|| run(&world.ports, &own, &draft));
        let outside = AccessDenied::OrganisationOutOfScope { organisation_id: other_organisation() };
        assert!(matches!(refused, Err(UseCaseError::Denied(denied)) if denied == outside));
    }
    assert!(dry_run(&world.ports, &own, &of_job(ORGANISATION)).is_ok());
    let filter = ExportFilter { organisation_id: Some(other_organisation()), ..ExportFilter::default() };
    assert!(matches!(export(&world.ports, &own, &filter, &first_page(10)), Err(UseCaseError::Denied(_))));
}

#[test]
fn a_source_of_others_is_not_changed_published_to_or_adopted() {
    let world = World::new();
    done(&world, &with_jobs(vec![]));
    let own = of(&[organisation()]);
    for draft in [
        ApplyDraft { sources: Sent::Given(vec![Sent::Given(a_source("mildew"))]), ..document("orchard") },
        ApplyDraft {
            source_versions: Sent::Given(vec![version("mildew", "2.0.0", &chained(&["prediction"]))]),
            ..document("orchard")
        },
        ApplyDraft {
            adopt_from: given("orchard"),
            source_versions: Sent::Given(vec![version("mildew", "1.0.0", &chained(&["prediction"]))]),
            ..document("meadow")
        },
    ] {
        let refused = world.unchanged(|| run(&world.ports, &own, &draft));
        assert!(matches!(refused, Err(UseCaseError::Denied(AccessDenied::NotTheOwner { .. }))), "{refused:?}");
    }
    // A job may run it.
    let mut draft = document("meadow");
    draft.jobs = Sent::Given(vec![Sent::Given(mildew("Job A", &[]))]);
    assert!(run(&world.ports, &own, &draft).is_ok());
}

#[test]
fn a_job_of_another_organisation_is_neither_read_nor_hinted_at() {
    let world = World::new();
    let theirs = DescribedJobDraft { organisation_id: given(OTHER_ORGANISATION), ..mildew("Weather", &[]) };
    done(&world, &with_jobs(vec![theirs]));
    let own = of(&[organisation()]);
    let reads = |name: &str| {
        let mut draft = document("meadow");
        draft.jobs = Sent::Given(vec![Sent::Given(mildew("Job A", &[to_output("upstream", name, "prediction")]))]);
        told(run(&world.ports, &own, &draft)).replace(name, "…")
    };
    assert_eq!(reads("Weather"), reads("Nothing"), "neither by its name");
    assert_eq!(reads("Weathr"), reads("Nothng"), "nor nearly by it");
    assert!(reads("Weather").contains("unknown_job") || reads("Weather").contains("UnknownJob"));
}

/// Otherwise the first organisation to take a name would have others run its model under that name.
#[test]
fn a_source_of_another_organisation_is_run_only_if_that_is_meant() {
    let world = World::new();
    done(&world, &ApplyDraft { sources: of_the_other("mildew"), ..with_jobs(vec![]) });
    let own = of(&[organisation()]);
    let of_job = |owner: Sent<String>| {
        let source = Sent::Given(SourceNameDraft { name: given("mildew"), owner_organisation_id: owner });
        let job = DescribedJobDraft { source, ..mildew("Job A", &[]) };
        ApplyDraft { jobs: Sent::Given(vec![Sent::Given(job)]), ..document("meadow") }
    };
    for owner in [Sent::Absent, Sent::Null, given(ORGANISATION)] {
        let refused = world.unchanged(|| run(&world.ports, &own, &of_job(owner)));
        let Err(UseCaseError::Invalid(violations)) = refused else { panic!("{refused:?}") };
        let places: Vec<_> = violations.iter().map(|told| (told.path.to_string(), told.code)).collect();
        assert_eq!(places, [("jobs[0].source.owner_organisation_id".to_owned(), ViolationCode::Differs)]);
    }
    run(&world.ports, &own, &of_job(given(OTHER_ORGANISATION))).unwrap();
    // A job that runs it already is known to.
    run(&world.ports, &own, &of_job(Sent::Absent)).unwrap();
    let stored = exported(&world.ports, &own, &set_filter("meadow"), 7);
    let [Exported::Job(job)] = &stored[..] else { panic!("{stored:?}") };
    assert_eq!(job.source_owner, Some(other_organisation()), "so that it can be applied where the job is not there");
}

#[test]
fn a_document_that_says_whose_its_sources_are_need_not_say_it_with_each_job() {
    let world = World::new();
    done(&world, &ApplyDraft { sources: of_the_other("mildew"), ..with_jobs(vec![mildew("Job A", &[])]) });
}
