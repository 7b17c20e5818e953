//! Setups that wait together are answered as if they had come one after the other.

use prediction_domain::model::{Caller, Permission, Scope, ViolationCode};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::{BindingDraft, Sent, SetUpDraft, SetUpJobDraft, SourceDraft, SourceVersionDraft};
use prediction_domain::use_cases::{Outcome, SetUpDone, UseCaseError, prepare_set_up, set_up_jobs};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::world::{
    CHOSEN, NOWHERE, ORGANISATION, OTHER_ORGANISATION, SENSOR, World, a_job, a_source, a_version, binding, customer,
    everything, given, operator, organisation, places, source_of_id, version_of_id,
};

/// One request, and who sends it.
type Request = (Caller, SetUpDraft, WriteMode);

fn together(world: &World, requests: &[Request]) -> Vec<Result<SetUpDone, UseCaseError>> {
    let prepared: Vec<_> = requests
        .iter()
        .map(|(caller, draft, mode)| prepare_set_up(caller, draft.clone().into(), *mode).unwrap())
        .collect();
    set_up_jobs(&world.ports, &prepared)
}

fn one_by_one(world: &World, requests: &[Request]) -> Vec<Result<SetUpDone, UseCaseError>> {
    requests.iter().map(|(caller, draft, mode)| world.set_up_as(caller, draft.clone(), *mode)).collect()
}

fn commit(draft: SetUpDraft) -> Request {
    (operator(), draft, WriteMode::Commit)
}

/// What a caller is told, without the ids that were made on the way.
fn told(answer: &Result<SetUpDone, UseCaseError>) -> String {
    match answer {
        Ok(done) => format!(
            "{:?} of {} {} {}, bound {:?}, warned {:?}",
            done.outcomes,
            done.source.name,
            done.source_version.version,
            done.job.name,
            done.job.role_bindings.iter().map(|binding| binding.role.to_string()).collect::<Vec<_>>(),
            done.warnings.iter().map(|warning| &warning.message).collect::<Vec<_>>(),
        ),
        Err(UseCaseError::Invalid(violations)) => {
            let places: Vec<_> = violations.iter().map(|v| (v.path.to_string(), v.code, &v.message)).collect();
            format!("invalid: {places:?}")
        }
        Err(UseCaseError::Conflict(conflict)) => {
            let places: Vec<_> = conflict.differences.iter().map(|difference| difference.path.to_string()).collect();
            format!("conflict with a {:?}: {places:?}", conflict.resource)
        }
        Err(UseCaseError::Denied(denied)) => format!("denied: {denied}"),
        Err(other) => format!("{other:?}"),
    }
}

/// Everything that is stored, without the ids that were made on the way.
fn stored(world: &World) -> Vec<String> {
    let (sources, versions, jobs) = world.contents();
    let source = |id| sources.iter().find(|source| source.id == id).unwrap().name.to_string();
    let mut lines: Vec<_> = sources.iter().map(|it| format!("{} {:?}", it.name, it.retention_hours)).collect();
    lines.extend(versions.iter().map(|it| format!("{} of {}", it.version, source(it.source_id))));
    lines.extend(jobs.iter().map(|job| {
        let version = versions.iter().find(|version| version.id == job.source_version_id).unwrap();
        format!("{} of {} runs {} of {}", job.name, job.organisation_id, version.version, source(job.source_id))
    }));
    lines
}

/// Few names and ids, so that the requests of a batch meet.
fn source() -> impl Strategy<Value = Sent<SourceDraft>> {
    let named = |name: &str| a_source(name);
    prop_oneof![
        4 => select(vec!["mildew", "Mildew", "rust"]).prop_map(move |name| Sent::Given(named(name))),
        1 => Just(Sent::Given(SourceDraft { retention_hours: Sent::Given(1), ..a_source("mildew") })),
        1 => select(vec![CHOSEN, NOWHERE]).prop_map(|id| Sent::Given(source_of_id(id))),
        1 => select(vec!["mildew", "scab"]).prop_map(|name| {
            Sent::Given(SourceDraft { id: given(CHOSEN), ..a_source(name) })
        }),
        1 => Just(Sent::Absent),
    ]
}

fn version() -> impl Strategy<Value = Sent<SourceVersionDraft>> {
    prop_oneof![
        4 => (select(vec!["1.0.0", "v1.0.0", "2.0.0"]), select(vec![&["a"][..], &["a"], &["a", "b"]]))
            .prop_map(|(label, inputs)| Sent::Given(a_version(label, inputs))),
        1 => select(vec!["1.0.0", "3.0.0"]).prop_map(|label| {
            Sent::Given(SourceVersionDraft { id: given(CHOSEN), ..a_version(label, &["a"]) })
        }),
        1 => Just(Sent::Given(version_of_id(CHOSEN))),
        3 => Just(Sent::Absent),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let job = (select(vec!["Job A", "Job B", "Job C"]), select(vec![Sent::Absent, Sent::Given(false)]))
        .prop_map(|(name, active)| SetUpJobDraft { active, ..a_job(name) });
    let in_job = select(vec![(None, None), (None, None), (None, None), (Some(CHOSEN), None), (None, Some(CHOSEN))]);
    let bound = select(vec![vec!["a"], vec!["a"], vec!["a"], vec!["a", "b"], vec![], vec!["c"]]);
    let organisation = select(vec![ORGANISATION, ORGANISATION, ORGANISATION, OTHER_ORGANISATION]);
    let mode = select(vec![WriteMode::Commit, WriteMode::Commit, WriteMode::Commit, WriteMode::DryRun]);
    let writer = prop::bool::weighted(0.9);
    (source(), version(), job, in_job, bound, organisation, mode, writer).prop_map(
        |(source, source_version, job, (source_id, version_id), bound, organisation, mode, writer)| {
            let job = SetUpJobDraft {
                source_id: source_id.map_or(Sent::Absent, given),
                source_version_id: version_id.map_or(Sent::Absent, given),
                ..job
            };
            let draft = SetUpDraft {
                organisation_id: given(organisation),
                source,
                source_version,
                job: Sent::Given(job),
                ..binding(&bound)
            };
            let permissions = if writer { &Permission::ALL[..] } else { &[Permission::JobsWrite] };
            (crate::world::caller(permissions, Scope::Platform), draft, mode)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_batch_is_answered_and_stored_like_its_setups_one_after_the_other(
        before in vec(request(), 0..4),
        batch in vec(request(), 1..9),
    ) {
        let (batched, single) = (World::new(), World::new());
        one_by_one(&batched, &before);
        one_by_one(&single, &before);
        let answers: Vec<_> = together(&batched, &batch).iter().map(told).collect();
        let expected: Vec<_> = one_by_one(&single, &batch).iter().map(told).collect();
        prop_assert_eq!(answers, expected);
        prop_assert_eq!(stored(&batched), stored(&single));
    }
}

#[test]
fn identical_setups_of_everything_give_one_job() {
    let world = World::new();
    let answers = together(&world, &vec![commit(everything()); 32]);
    let first = answers[0].as_ref().unwrap();
    assert_eq!(first.outcomes.job, Outcome::Created);
    for answer in &answers[1..] {
        let answer = answer.as_ref().unwrap();
        assert_eq!((&answer.job, answer.outcomes.job), (&first.job, Outcome::Reused));
        assert_eq!((answer.outcomes.source, answer.outcomes.source_version), (Outcome::Reused, Outcome::Reused));
    }
    assert_eq!(world.contents().2.len(), 1);
}

#[test]
fn different_setups_of_one_name_give_one_job_and_conflicts() {
    let world = World::new();
    let version = world.version(&world.source("mildew"), "1.0.0", &["temperature"]);
    let requests: Vec<Request> = (0..32)
        .map(|number| {
            let input = format!("55555555-5555-5555-5555-{number:012}");
            let bindings = vec![Sent::Given(BindingDraft::new("temperature", input, "sensor"))];
            commit(SetUpDraft {
                job: Sent::Given(SetUpJobDraft { source_version_id: given(&version.id.to_string()), ..a_job("Job A") }),
                role_bindings: Sent::Given(bindings),
                ..binding(&[])
            })
        })
        .collect();
    let answers = together(&world, &requests);
    assert!(answers[0].is_ok());
    assert!(answers[1..].iter().all(|answer| matches!(answer, Err(UseCaseError::Conflict(_)))));
}

#[test]
fn a_setup_may_rest_on_what_an_earlier_one_of_the_batch_creates() {
    let world = World::new();
    let source = SourceDraft { id: given(CHOSEN), ..a_source("mildew") };
    let first = SetUpDraft { source: Sent::Given(source), ..everything() };
    let by_reference = SetUpDraft {
        source: Sent::Given(source_of_id(CHOSEN)),
        job: Sent::Given(a_job("Job B")),
        ..binding(&["temperature"])
    };
    let newer = SetUpDraft {
        source: Sent::Given(source_of_id(CHOSEN)),
        source_version: Sent::Given(a_version("2.0.0", &["temperature"])),
        job: Sent::Given(a_job("Job C")),
        ..binding(&["temperature"])
    };
    let newest = SetUpDraft { job: Sent::Given(a_job("Job D")), ..by_reference.clone() };
    let answers = together(&world, &[first, by_reference, newer, newest].map(commit));
    let versions: Vec<_> =
        answers.iter().map(|answer| answer.as_ref().unwrap().source_version.version.as_str()).collect();
    assert_eq!(versions, ["1.0.0", "1.0.0", "2.0.0", "2.0.0"]);
}

#[test]
fn a_bad_setup_fails_alone() {
    let world = World::new();
    let wrong = SetUpDraft { role_bindings: Sent::Given(Vec::new()), ..everything() };
    let (customer, other) =
        (customer(&[Permission::JobsWrite]), SetUpDraft { job: Sent::Given(a_job("Job B")), ..everything() });
    let answers = together(
        &world,
        &[
            commit(wrong),
            (customer.clone(), everything(), WriteMode::Commit),
            (operator(), everything(), WriteMode::DryRun),
            commit(everything()),
            (customer, other, WriteMode::Commit),
        ],
    );
    let told: Vec<_> = answers.iter().map(told).collect();
    assert!(told[0].starts_with("invalid"), "{told:?}");
    assert!(told[1].starts_with("denied"), "{told:?}");
    assert!(answers[2].is_ok() && answers[3].is_ok(), "{told:?}");
    assert!(answers[4].is_ok(), "what the fourth created is there for the fifth: {told:?}");
    assert_eq!(world.contents().2.iter().map(|job| job.organisation_id).collect::<Vec<_>>(), [organisation(); 2]);
}

#[test]
fn a_setup_that_is_planned_once_more_sees_nothing_of_those_behind_it() {
    let world = World::new();
    world.set_up(SetUpDraft { source: Sent::Given(a_source("scab")), ..everything() }).unwrap();
    let short = SourceDraft { retention_hours: Sent::Given(1), ..a_source("mildew") };
    let clashing = SetUpDraft { source: Sent::Given(short), ..everything() };
    let behind = SetUpDraft { job: Sent::Given(a_job("Job B")), ..everything() };
    let answers = together(&world, &[(operator(), clashing, WriteMode::DryRun), commit(behind)]);
    assert_eq!(told(&answers[0]), "conflict with a Job: [\"source\", \"source_version\"]");
    assert!(answers[1].is_ok());
}

#[test]
fn an_empty_batch_is_answered_at_once() {
    assert!(set_up_jobs(&World::new().ports, &[]).is_empty());
}

#[test]
fn every_mistake_of_a_batch_is_told_to_who_made_it() {
    let world = World::new();
    let unknown = |id: &str| SetUpDraft { source: Sent::Given(source_of_id(id)), ..everything() };
    let answers = together(&world, &[commit(unknown(NOWHERE)), commit(unknown(SENSOR)), commit(everything())]);
    for (answer, id) in answers.iter().zip([NOWHERE, SENSOR]) {
        let Err(UseCaseError::Invalid(violations)) = answer else { panic!("not invalid: {answer:?}") };
        assert_eq!(crate::world::found(violations), places(&[("source.id", ViolationCode::UnknownSource)]));
        assert_eq!(violations[0].actual, Some(serde_json::json!(id)));
    }
    assert!(answers[2].is_ok());
}
