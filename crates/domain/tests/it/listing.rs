//! Lists of jobs: the worst first, by a part of their names, and what is shown beside them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prediction_domain::model::{
    AccessDenied, Caller, HealthStatus, JobGrouping, JobId, JobName, NamePart, OrganisationId, PageRequest, Permission,
    Position, RunStatus, Scope,
};
use prediction_domain::ports::{JobFilter, JobGroup, ListedName, ListedNames, MockStore, WriteMode};
use prediction_domain::requests::{
    JobChangeDraft, Precondition, PredictionDraft, RunDraft, Sent, SetUpDraft, SetUpJobDraft, SourceDraft,
};
use prediction_domain::use_cases::{
    Expansion, HealthPosition, JobQuestion, Ports, UseCaseError, change_job, count_jobs_by_health,
    count_jobs_in_groups, create_source, list_jobs, list_jobs_worst_first, report_run,
};
use prediction_domain_testkit::values::{fresh_job_id, fresh_organisation_id, job_name};
use proptest::prelude::*;

use crate::world::{
    ORGANISATION, OTHER_ORGANISATION, World, a_job, a_source, binding, given, operator, ports_of, submit,
};

const AT: &str = "2026-06-01T12:00:00Z";

/// Jobs whose names are these, each in a state by its number, of two organisations and two sources.
fn world_of(names: &[String]) -> World {
    let world = World::new();
    let source = |name, interval| {
        let draft = SourceDraft { expected_interval_minutes: interval, ..a_source(name) };
        create_source(&world.ports, &operator(), &draft.into(), WriteMode::Commit).unwrap().0
    };
    let watched = world.version(&source("mildew", Sent::Given(10)), "1", &["t"]);
    let unwatched = world.version(&source("frost", Sent::Null), "1", &["t"]);
    let mut jobs = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let version = if number % 7 == 6 { &unwatched } else { &watched };
        let organisation = if number % 3 == 0 { OTHER_ORGANISATION } else { ORGANISATION };
        let job = SetUpJobDraft { source_version_id: given(&version.id.to_string()), ..a_job(name) };
        let draft = SetUpDraft { organisation_id: given(organisation), job: Sent::Given(job), ..binding(&["t"]) };
        jobs.push(world.set_up(draft).unwrap().job);
    }
    // Those of number 0 are overdue by then, unless they have run.
    world.clock.advance(Duration::from_mins(21));
    for (number, job) in jobs.iter().enumerate() {
        let status = match number % 7 {
            1 => RunStatus::Failed,
            2 => RunStatus::Succeeded,
            3 => {
                let draft = JobChangeDraft { active: Sent::Given(false), ..JobChangeDraft::default() };
                let (caller, any) = (operator(), Precondition::None);
                change_job(&world.ports, &caller, job.id, &draft.into(), &any, WriteMode::Commit).unwrap();
                continue;
            }
            _ => continue,
        };
        let value = PredictionDraft { role: given("prediction"), at: given(AT), value: Sent::Given(1.0) };
        let predictions =
            if status == RunStatus::Failed { Sent::Absent } else { Sent::Given(vec![Sent::Given(value)]) };
        let draft =
            RunDraft { status: given(status.as_str()), message: given("a word"), predictions, ..RunDraft::default() };
        report_run(&world.ports, &operator(), job.id, submit(draft), WriteMode::Commit).unwrap();
    }
    world
}

type Listed = (JobId, HealthStatus);

/// All pages, in creation order.
fn created(ports: &Ports, question: &JobQuestion, limit: u16) -> Vec<Listed> {
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = PageRequest::new(limit, after).unwrap();
        let (found, _) = list_jobs(ports, &operator(), question, Expansion::default(), &page).unwrap();
        assert!(found.items.len() <= usize::from(limit));
        all.extend(found.items.iter().map(|judged| (judged.job.id, judged.health.status)));
        after = found.next;
        if after.is_none() {
            return all;
        }
    }
}

/// All pages, the worst first. A page of a list that looks at all of its jobs has some, unless there are none at all.
fn worst_first(ports: &Ports, question: &JobQuestion, limit: u16) -> Vec<Listed> {
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = PageRequest::<()>::new(limit, None).unwrap().behind(after);
        let (found, _) = list_jobs_worst_first(ports, &operator(), question, Expansion::default(), &page).unwrap();
        assert!(found.items.len() <= usize::from(limit));
        assert!(!found.items.is_empty() || after.is_none() || question.name_part.is_some(), "an empty page");
        all.extend(found.items.iter().map(|judged| (judged.job.id, judged.health.status)));
        after = found.next;
        if after.is_none() {
            return all;
        }
    }
}

fn names() -> impl Strategy<Value = Vec<String>> {
    let name = prop_oneof![
        "[A-Ca-c]{1,3}",
        Just("Gr\u{dc}N".to_owned()),
        Just("gru\u{308}n".to_owned()),
        Just("STRASSE".to_owned()),
        Just("Stra\u{df}e".to_owned()),
    ];
    let unique = |(number, name): (usize, String)| format!("{name} {number}");
    proptest::collection::vec(name, 0..30).prop_map(move |names| names.into_iter().enumerate().map(unique).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_order_and_every_part_of_a_name_lists_what_the_whole_list_has(
        names in names(),
        limit in 1_u16..9,
        part in proptest::option::of(prop_oneof!["[A-Ca-c]{1,2}", Just("r\u{fc}".to_owned()), Just("sS".to_owned())]),
        wanted in proptest::option::of(proptest::collection::btree_set(
            proptest::sample::select(HealthStatus::ALL.to_vec()), 0..5,
        )),
    ) {
        let world = world_of(&names);
        let all = created(&world.ports, &JobQuestion::default(), 200);
        prop_assert_eq!(all.len(), names.len());
        let part = part.map(|part| NamePart::parse(&part).unwrap());
        let has_part = |name: &str| part.as_ref().is_none_or(|part| JobName::parse(name).unwrap().has(part));
        let is_wanted = |status: &HealthStatus| wanted.as_ref().is_none_or(|wanted: &BTreeSet<_>| wanted.contains(status));
        let expected = all.into_iter().zip(&names).filter(|((_, status), name)| is_wanted(status) && has_part(name));
        let mut expected: Vec<Listed> = expected.map(|(listed, _)| listed).collect();
        let question = JobQuestion { healths: wanted.clone(), name_part: part.clone(), ..JobQuestion::default() };
        prop_assert_eq!(created(&world.ports, &question, limit), expected.clone());
        let severity = |status| HealthStatus::WORST_FIRST.iter().position(|worst| *worst == status);
        expected.sort_by_key(|(_, status)| severity(*status));
        prop_assert_eq!(worst_first(&world.ports, &question, limit), expected);
    }

    #[test]
    fn groups_add_up_and_the_worst_is_first(names in names()) {
        let world = world_of(&names);
        let (counts, judged_at) = count_jobs_by_health(&world.ports, &operator(), &JobFilter::default()).unwrap();
        for grouping in JobGrouping::ALL {
            let grouped = count_jobs_in_groups(&world.ports, &operator(), &JobFilter::default(), grouping).unwrap();
            prop_assert_eq!(grouped.counts, counts);
            prop_assert_eq!(grouped.judged_at, judged_at);
            prop_assert_eq!(grouped.groups_omitted, 0);
            let overdue: Vec<u64> = grouped.groups.iter().map(|(_, counts)| counts.of(HealthStatus::Overdue)).collect();
            prop_assert!(overdue.is_sorted_by(|a, b| a >= b));
        }
    }
}

#[test]
fn all_statuses_are_in_the_order_of_health_once() {
    let mut ordered = HealthStatus::WORST_FIRST.to_vec();
    ordered.sort_unstable();
    assert_eq!(ordered, HealthStatus::ALL);
}

#[test]
fn so_many_groups_are_told_and_how_many_there_are_beside_them() {
    let mut mocks = MockStore::default();
    mocks.jobs.expect_count_each_by_health().returning(|_, _, _, _| {
        let group = |number: u64| {
            let counts = [(HealthStatus::Overdue, number)].into_iter().collect();
            (JobGroup::Organisation(fresh_organisation_id()), counts)
        };
        Ok((0..1_003).map(group).collect())
    });
    let grouped =
        count_jobs_in_groups(&ports_of(mocks), &operator(), &JobFilter::default(), JobGrouping::Organisation).unwrap();
    assert_eq!((grouped.groups.len(), grouped.groups_omitted), (1_000, 3));
    assert_eq!(grouped.counts.of(HealthStatus::Overdue), 1_002 * 1_003 / 2);
    let overdue: Vec<u64> = grouped.groups.iter().map(|(_, counts)| counts.of(HealthStatus::Overdue)).collect();
    assert_eq!(overdue, (3..1_003).rev().collect::<Vec<_>>());
}

/// Where a part is in no name, a page ends when so many were looked at, and the next one goes on behind them.
#[test]
fn for_one_page_only_so_many_names_are_looked_at() {
    let asked: Arc<Mutex<Vec<usize>>> = Arc::default();
    let mut mocks = MockStore::default();
    let log = Arc::clone(&asked);
    mocks.jobs.expect_names().returning(move |_, _, after, most| {
        log.lock().unwrap().push(most);
        let first = after.map_or(0, Position::number);
        let named = |number: i64| ListedName {
            organisation_id: OrganisationId::parse(ORGANISATION).unwrap(),
            id: fresh_job_id(),
            name: job_name("Weinberg"),
            position: Position::behind(number),
        };
        Ok(ListedNames::merged([(first + 1..).take(most).map(named).collect()], most))
    });
    let ports = ports_of(mocks);
    let name_part = Some(NamePart::parse("wald").unwrap());
    let question = JobQuestion { name_part, ..JobQuestion::default() };
    let page = PageRequest::new(20, None).unwrap();
    let (found, _) = list_jobs(&ports, &operator(), &question, Expansion::default(), &page).unwrap();
    assert_eq!((found.items.len(), found.next), (0, Some(Position::behind(3_000))));
    assert_eq!(std::mem::take(&mut *asked.lock().unwrap()), [500, 2_000, 500]);

    // The jobs of all healths together, too.
    let page = page.behind(None);
    let (found, _) = list_jobs_worst_first(&ports, &operator(), &question, Expansion::default(), &page).unwrap();
    let next = HealthPosition { status: HealthStatus::Overdue, after: Some(Position::behind(1_500)) };
    assert_eq!((found.items.len(), found.next), (0, Some(next)));
    assert_eq!(asked.lock().unwrap().iter().sum::<usize>(), 1_500);
}

#[test]
fn the_last_run_is_shown_to_those_who_may_read_runs() {
    let world = world_of(&(0..7).map(|number| format!("Job {number}")).collect::<Vec<_>>());
    let page = PageRequest::new(50, None).unwrap();
    let expansion = Expansion { last_run: true, ..Expansion::default() };
    let list = |caller: &Caller| list_jobs(&world.ports, caller, &JobQuestion::default(), expansion, &page);
    let (found, expanded) = list(&operator()).unwrap();
    for judged in &found.items {
        let run = expanded.last_runs.get(&judged.job.id).unwrap();
        assert_eq!(run.as_ref().map(|run| run.issued_at), judged.health.last_run_at);
    }
    assert_eq!(expanded.last_runs.values().flatten().count(), 2);
    let caller = Caller { permissions: [Permission::JobsRead].into(), ..operator() };
    assert!(matches!(list(&caller), Err(UseCaseError::Denied(AccessDenied::InsufficientScope { .. }))));
    let nobody = Caller { scope: Scope::of([]), ..caller };
    assert!(matches!(list(&nobody), Err(UseCaseError::Denied(_))), "whether there are jobs or not");
    let nothing = list_jobs(&world.ports, &nobody, &JobQuestion::default(), Expansion::default(), &page).unwrap().0;
    assert_eq!(nothing.items, []);
}
