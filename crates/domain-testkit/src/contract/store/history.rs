//! Random histories, compared with the in-memory store step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use chrono::TimeDelta;
use prediction_domain::model::{
    HealthFilter, HealthStatus, InputId, Job, JobId, Lifecycle, LifecycleStage, OrganisationId, Page, PageRequest,
    Prediction, Revision, RoleName, Run, RunId, RunStatus, Scope, Source, SourceId, SourceVersion, SourceVersionId,
    Subject, Timestamp, latest_issue,
};
use prediction_domain::ports::{
    JobFilter, JobSetUp, OwnerFilter, RunFilter, SourceFilter, SourceVersionFilter, StoreFailure, ValueCountQuery,
    WriteMode,
};

use crate::builders::{a_job_of, a_plan_for, a_prediction, a_run_of, a_source, a_version_of, bindings};
use crate::contract::fixture::{assert_exactly, contents, list_jobs, stored_source, stored_version};
use crate::values::{
    at, description, first_page, fresh_input_id, fresh_organisation_id, fresh_source_id, fresh_source_version_id,
    hours, job_name, micros_after, minutes, page_after, revision, source_name, version_label,
};
use crate::{MemoryStore, Stores};

pub(crate) fn every_history_gives_what_the_model_gives(stores: &Stores) {
    let model = MemoryStore::stores();
    for seed in 1..=12 {
        let (mut dice, mut judging) = (Dice::of(seed), Dice::of(seed + 100));
        let mut pool = Pool::stored(&[stores, &model]);
        for step in 0..150 {
            pool.look_at_jobs_of(&model);
            let act = pool.act(&mut dice);
            if let Act::InsertRun(run, _) | Act::ReplaceRun(run, _) = &act {
                pool.runs.push(run.clone());
            }
            // By dice of its own: what is judged ahead makes no difference.
            if judging.one_in(8) {
                let (at, jobs) = (pool.minute(&mut judging), judging.pick(&[1, 3, 100]));
                stores.judgements.judge(at, jobs).expect("jobs can be judged");
            }
            let (told, expected) = (act.on(stores), act.on(&model));
            assert_eq!(told, expected, "seed {seed}, step {step}: {act:#?}");
        }
        assert_exactly(&contents(stores), &contents(&model));
    }
}

/// Numbers that are the same in every run (xorshift64*).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number from 0 to `sides` - 1.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).expect("31 bits") % sides
    }

    pub(in crate::contract) fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.roll(items.len())].clone()
    }

    pub(in crate::contract) fn one_in(&mut self, times: usize) -> bool {
        self.roll(times) == 0
    }
}

/// A few ids and names, so that random plans meet. Two pools with the same dice make the same plans but for ids and
/// names.
pub(crate) struct Pool {
    pub(crate) sources: Vec<SourceId>,
    /// Version `n` is meant to be of source `n % sources.len()`.
    pub(crate) versions: Vec<SourceVersionId>,
    source_names: Vec<String>,
    organisations: Vec<OrganisationId>,
    inputs: Vec<InputId>,
    /// What is stored of this pool.
    jobs: Vec<Job>,
    /// Runs that were stored at some time: some were replaced or deleted since.
    runs: Vec<Run>,
    start: Timestamp,
}

/// One call to a store.
#[derive(Debug)]
enum Act {
    InsertSource(Source),
    UpdateSource(Source, Revision, WriteMode),
    DeleteSource(SourceId, Revision, WriteMode),
    ListSources(SourceFilter, Part),
    InsertVersion(SourceVersion),
    ChangeLifecycle(SourceVersionId, Lifecycle, Revision, WriteMode),
    DeleteVersion(Scope, SourceVersionId, WriteMode),
    ListVersions(SourceVersionFilter, Part),
    Newest(SourceId),
    SetUp(Vec<JobSetUp>),
    UpdateJob(Job, Revision, WriteMode),
    DeleteJob(Scope, JobId, Revision, WriteMode),
    FindJobs(Vec<(Scope, JobId)>),
    FindMonitored(Vec<(Scope, JobId)>),
    ListJobs(Scope, JobFilter, Part),
    CountByHealth(Scope, JobFilter, Timestamp),
    CountByBoundRoles(Scope, JobFilter),
    InsertRun(Run, Vec<Prediction>),
    InsertNextRun(Run, Timestamp, Vec<Prediction>),
    ReplaceRun(Run, Vec<Prediction>),
    DeleteRun(OrganisationId, JobId, RunId, Timestamp, WriteMode),
    FindRun(OrganisationId, JobId, RunId),
    ListRuns(OrganisationId, JobId, u16),
    Purge(Timestamp),
    CountValues(ValueCountQuery),
}

/// A page of a list, by its number: positions mean something only in the store that gave them out.
#[derive(Debug, Clone, Copy)]
struct Part {
    limit: u16,
    number: usize,
}

impl Part {
    /// What is on that page, and whether there is another one behind it.
    fn of<T>(self, list: impl Fn(&PageRequest) -> Result<Page<T>, StoreFailure>) -> (Vec<T>, bool) {
        let list = |after| list(&page_after(self.limit, after)).expect("things can be listed");
        let mut page = list(None);
        for _ in 0..self.number {
            let Some(next) = page.next else { return (Vec::new(), false) };
            page = list(Some(next));
        }
        (page.items, page.next.is_some())
    }
}

impl Act {
    /// What the store answers, in every detail.
    fn on(&self, stores: &Stores) -> String {
        fn told(answer: &dyn Debug) -> String {
            let told = format!("{answer:#?}");
            assert!(!told.contains("Store("), "the store fails: {told}");
            told
        }
        match self {
            Self::InsertSource(source) => told(&stores.sources.insert(source, WriteMode::Commit)),
            Self::UpdateSource(source, expected, mode) => told(&stores.sources.update(source, *expected, *mode)),
            Self::DeleteSource(id, expected, mode) => told(&stores.sources.delete(*id, *expected, *mode)),
            Self::ListSources(filter, part) => told(&part.of(|page| stores.sources.list(filter, page))),
            Self::InsertVersion(version) => told(&stores.source_versions.insert(version, WriteMode::Commit)),
            Self::DeleteVersion(scope, id, mode) => told(&stores.source_versions.delete(scope, *id, *mode)),
            Self::ChangeLifecycle(id, lifecycle, expected, mode) => {
                told(&stores.source_versions.change_lifecycle(*id, lifecycle, *expected, *mode))
            }
            Self::ListVersions(filter, part) => told(&part.of(|page| stores.source_versions.list(filter, page))),
            Self::Newest(source_id) => told(&stores.source_versions.newest(*source_id)),
            Self::SetUp(plans) => told(&stores.jobs.set_up_many(plans)),
            Self::UpdateJob(job, expected, mode) => told(&stores.jobs.update(job, *expected, None, *mode)),
            Self::DeleteJob(scope, id, expected, mode) => told(&stores.jobs.delete(scope, *id, *expected, *mode)),
            Self::FindJobs(wanted) => told(&stores.jobs.find_many(wanted)),
            Self::FindMonitored(wanted) => told(&stores.jobs.find_monitored(wanted)),
            Self::CountByHealth(scope, filter, now) => told(&stores.jobs.count_by_health(scope, filter, *now)),
            Self::CountByBoundRoles(scope, filter) => {
                let mut counts: BTreeMap<(SourceVersionId, BTreeSet<RoleName>), u64> = BTreeMap::new();
                for group in stores.jobs.count_by_bound_roles(scope, filter).expect("jobs can be counted") {
                    let roles = group.roles.into_iter().collect();
                    *counts.entry((group.source_version_id, roles)).or_default() += group.jobs;
                }
                told(&counts)
            }
            Self::InsertRun(run, values) => told(&stores.runs.insert(run, values, None)),
            Self::InsertNextRun(run, until, values) => told(&stores.runs.insert_next(run, *until, values, None)),
            Self::ReplaceRun(run, values) => told(&stores.runs.replace(run, values, None)),
            Self::DeleteRun(organisation_id, job_id, id, until, mode) => {
                told(&stores.runs.delete(*organisation_id, *job_id, *id, None, *until, *mode))
            }
            Self::FindRun(organisation_id, job_id, id) => told(&stores.runs.find(*organisation_id, *job_id, *id)),
            Self::ListRuns(organisation_id, job_id, limit) => {
                told(&stores.runs.list(*organisation_id, *job_id, &RunFilter::default(), &first_page(*limit)))
            }
            Self::CountValues(query) => told(&stores.runs.count_values(query)),
            Self::Purge(now) => told(&stores.retention.purge(*now, 10_000)),
            Self::ListJobs(scope, filter, part) => told(&part.of(|page| stores.jobs.list(scope, filter, page))),
        }
    }
}

impl Pool {
    fn new() -> Self {
        let source_names = (0..4).map(|number| format!("Straße {number} {}", fresh_source_id())).collect();
        Self {
            sources: (0..4).map(|_| fresh_source_id()).collect(),
            versions: (0..8).map(|_| fresh_source_version_id()).collect(),
            source_names,
            organisations: (0..2).map(|_| fresh_organisation_id()).collect(),
            inputs: (0..3).map(|_| fresh_input_id()).collect(),
            jobs: Vec::new(),
            runs: Vec::new(),
            start: at("2026-06-01T12:00:00.000001Z"),
        }
    }

    /// A pool of which most sources and versions are stored, in each of these stores.
    pub(crate) fn stored(stores: &[&Stores]) -> Self {
        let pool = Self::new();
        for (id, name) in pool.sources.iter().zip(&pool.source_names).take(3) {
            let source = Source { id: *id, name: source_name(name), ..a_source() };
            for stores in stores {
                stored_source(stores, source.clone());
            }
        }
        // Two of the first source, one of each other.
        for (number, label) in [(0, "1.0"), (1, "1.0"), (2, "v2.0"), (4, "v2.0")] {
            let version = SourceVersion { id: pool.versions[number], ..a_version_of(pool.owner(number)) };
            let version = SourceVersion { version: version_label(label), ..version };
            for stores in stores {
                stored_version(stores, version.clone());
            }
        }
        pool
    }

    /// Remembers which jobs are there to be changed and deleted.
    pub(in crate::contract) fn look_at_jobs_of(&mut self, stores: &Stores) {
        let scope = Scope::of(self.organisations.iter().copied());
        let page = first_page(PageRequest::MAX_LIMIT);
        self.jobs = list_jobs(stores, &scope, &JobFilter::default(), &page).items;
    }

    /// A plan for a job with an id of its own.
    pub(crate) fn plan(&self, dice: &mut Dice) -> JobSetUp {
        // Only a change activates a job.
        let mut plan = a_plan_for(Job { activated_at: None, ..self.job(dice) });
        plan.mode = Self::mode(dice);
        if dice.one_in(3) {
            let version = self.version(dice);
            plan.job.source_id = version.source_id;
            plan.job.source_version_id = version.id;
            if dice.one_in(2) {
                plan.new_source = Some(Source { id: version.source_id, ..self.source(dice) });
            }
            plan.new_version = Some(version);
        } else if dice.one_in(10) {
            plan.new_source = Some(Source { id: plan.job.source_id, ..self.source(dice) });
        }
        plan
    }

    fn act(&self, dice: &mut Dice) -> Act {
        match dice.roll(38) {
            0 => Act::InsertSource(self.source(dice)),
            1 => {
                let expected = Self::revision(dice);
                let changed = Source { revision: expected.next(), ..self.source(dice) };
                Act::UpdateSource(changed, expected, Self::mode(dice))
            }
            2 => Act::DeleteSource(dice.pick(&self.sources), Self::revision(dice), Self::mode(dice)),
            3 => {
                let name = dice.one_in(2).then(|| self.source(dice).name);
                let owner = dice.one_in(2).then(|| match self.source(dice).owner_organisation_id {
                    Some(organisation_id) => OwnerFilter::Organisation(organisation_id),
                    None => OwnerFilter::Platform,
                });
                Act::ListSources(SourceFilter { name, owner, managed_by: None }, Self::part(dice))
            }
            4 => Act::InsertVersion(self.version(dice)),
            5 => Act::DeleteVersion(self.scope(dice), dice.pick(&self.versions), Self::mode(dice)),
            6 => {
                let source_id = dice.one_in(2).then(|| dice.pick(&self.sources));
                let stages = dice.one_in(2).then(|| Self::stages(dice));
                Act::ListVersions(SourceVersionFilter { source_id, stages, managed_by: None }, Self::part(dice))
            }
            7 => Act::Newest(dice.pick(&self.sources)),
            8..=10 => {
                let plans = (0..dice.roll(6)).map(|_| self.plan(dice));
                Act::SetUp(plans.collect())
            }
            11 => {
                let known = self.known_job(dice);
                let (changed, expected) = (self.job(dice), Self::revision(dice));
                let organisation_id = if dice.one_in(8) { changed.organisation_id } else { known.organisation_id };
                // Mostly a version of the job's own source, so that there is a change at all.
                let source_version_id =
                    if dice.one_in(3) { changed.source_version_id } else { known.source_version_id };
                let changed =
                    Job { id: known.id, organisation_id, source_version_id, revision: expected.next(), ..changed };
                Act::UpdateJob(changed, expected, Self::mode(dice))
            }
            12 => {
                let id = self.known_job(dice).id;
                Act::DeleteJob(self.scope(dice), id, Self::revision(dice), Self::mode(dice))
            }
            13 => {
                let wanted = (0..dice.roll(6)).map(|_| (self.scope(dice), self.known_job(dice).id));
                Act::FindJobs(wanted.collect())
            }
            14 => {
                let wanted = (0..dice.roll(6)).map(|_| (self.scope(dice), self.known_job(dice).id));
                Act::FindMonitored(wanted.collect())
            }
            15..=18 => {
                let (run, values) = self.run(dice);
                Act::InsertRun(run, values)
            }
            19 => Act::CountByHealth(self.scope(dice), self.job_filter(dice), self.minute(dice)),
            20 => Act::Purge(self.minute(dice)),
            21 => {
                let (run, values) = self.run(dice);
                let until = latest_issue(run.issued_at);
                Act::InsertNextRun(run, until, values)
            }
            22..=24 => {
                let failed = self.known_run(dice);
                let (run, values) = self.run(dice);
                // Mostly one that failed and is still there.
                let Run { organisation_id, job_id, issued_at, .. } = failed;
                let replaces = Some(failed.id);
                let status = RunStatus::Succeeded;
                Act::ReplaceRun(Run { organisation_id, job_id, issued_at, replaces, status, ..run }, values)
            }
            25..=26 => {
                let Run { organisation_id, job_id, id, .. } = self.known_run(dice);
                Act::DeleteRun(organisation_id, job_id, id, self.minute(dice), Self::mode(dice))
            }
            27 => {
                let Run { organisation_id, job_id, id, .. } = self.known_run(dice);
                Act::FindRun(organisation_id, job_id, id)
            }
            28 => {
                let job = self.known_job(dice);
                Act::ListRuns(job.organisation_id, job.id, dice.pick(&[1, 2, 200]))
            }
            29 => {
                let issued_after = dice.one_in(2).then(|| self.minute(dice));
                // All of them: where a count ends that is told to end is not the same for every store.
                let (most_values, most_jobs) = (1_000_000, 1_000);
                let (source_id, issued_until) = (dice.pick(&self.sources), self.minute(dice));
                Act::CountValues(ValueCountQuery { source_id, issued_after, issued_until, most_values, most_jobs })
            }
            33 => {
                let filter = JobFilter { health: None, input_id: None, ..self.job_filter(dice) };
                Act::CountByBoundRoles(self.scope(dice), filter)
            }
            30..=32 => {
                let expected = Self::revision(dice);
                let lifecycle = self.lifecycle(dice, expected);
                Act::ChangeLifecycle(dice.pick(&self.versions), lifecycle, expected, Self::mode(dice))
            }
            _ => Act::ListJobs(self.scope(dice), self.job_filter(dice), Self::part(dice)),
        }
    }

    pub(in crate::contract) fn source(&self, dice: &mut Dice) -> Source {
        let name = dice.pick(&self.source_names);
        let name = if dice.one_in(2) { name.to_uppercase() } else { name };
        let created_at = self.time(dice);
        Source {
            id: dice.pick(&self.sources),
            owner_organisation_id: (!dice.one_in(3)).then(|| dice.pick(&self.organisations)),
            name: source_name(&name),
            created_at,
            expected_interval_minutes: dice.pick(&[None, Some(minutes(30)), Some(minutes(3))]),
            retention_hours: dice.pick(&[None, Some(hours(1)), Some(hours(3))]),
            ..a_source()
        }
    }

    pub(in crate::contract) fn version(&self, dice: &mut Dice) -> SourceVersion {
        let number = dice.roll(self.versions.len());
        let label = dice.pick(&["1.0", "v1.0", "2.0", "3.0", "4.0"]);
        SourceVersion {
            id: self.versions[number],
            version: version_label(label),
            created_at: self.time(dice),
            ..a_version_of(self.owner(number))
        }
    }

    pub(in crate::contract) fn job(&self, dice: &mut Dice) -> Job {
        let number = dice.roll(self.versions.len());
        let owner = if dice.one_in(10) { dice.pick(&self.sources) } else { self.owner(number) };
        let version = SourceVersion { id: self.versions[number], ..a_version_of(owner) };
        let roles = ["temperature", "humidity", "wind"];
        let bound: Vec<_> = roles[..dice.roll(4)].iter().map(|role| (*role, dice.pick(&self.inputs))).collect();
        Job {
            organisation_id: dice.pick(&self.organisations),
            name: job_name(dice.pick(&["a", "b", "c", "d", "e", "f", "A"])),
            active: dice.one_in(2),
            activated_at: dice.one_in(3).then(|| self.minute(dice)),
            role_bindings: bindings(&bound),
            created_at: self.time(dice),
            ..a_job_of(&version)
        }
    }

    fn owner(&self, version: usize) -> SourceId {
        self.sources[version % self.sources.len()]
    }

    pub(in crate::contract) fn known_job(&self, dice: &mut Dice) -> Job {
        if self.jobs.is_empty() || dice.one_in(8) { self.job(dice) } else { dice.pick(&self.jobs) }
    }

    fn job_filter(&self, dice: &mut Dice) -> JobFilter {
        let like = self.known_job(dice);
        JobFilter {
            organisation_id: dice.one_in(3).then_some(like.organisation_id),
            source_id: dice.one_in(3).then_some(like.source_id),
            source_version_id: dice.one_in(3).then_some(like.source_version_id),
            version_stages: dice.one_in(4).then(|| Self::stages(dice)),
            active: dice.one_in(3).then_some(like.active),
            name: dice.one_in(3).then_some(like.name),
            input_id: dice.one_in(3).then(|| dice.pick(&self.inputs)),
            health: dice.one_in(3).then(|| self.health_filter(dice)),
            managed_by: None,
        }
    }

    fn stages(dice: &mut Dice) -> BTreeSet<LifecycleStage> {
        LifecycleStage::ALL.into_iter().filter(|_| dice.one_in(2)).collect()
    }

    fn lifecycle(&self, dice: &mut Dice, expected: Revision) -> Lifecycle {
        Lifecycle {
            stage: dice.pick(&LifecycleStage::ALL),
            reason: dice.one_in(2).then(|| description("It was wrong.")),
            replaced_by: dice.one_in(2).then(|| dice.pick(&self.versions)),
            end_of_life_at: dice.one_in(2).then(|| self.minute(dice)),
            revision: expected.next(),
            changed_at: Some(self.minute(dice)),
            changed_by: Some(Subject::of("operator")),
        }
    }

    fn health_filter(&self, dice: &mut Dice) -> HealthFilter {
        HealthFilter {
            statuses: HealthStatus::ALL.into_iter().filter(|_| dice.one_in(2)).collect(),
            at: self.minute(dice),
        }
    }

    /// A run that was issued within some hours, and its values.
    fn run(&self, dice: &mut Dice) -> (Run, Vec<Prediction>) {
        let job = self.known_job(dice);
        let status = if dice.one_in(2) { RunStatus::Succeeded } else { RunStatus::Failed };
        let count = if status == RunStatus::Succeeded { dice.roll(4) } else { 0 };
        let values = (0..count).map(|_| a_prediction("risk", self.time(dice), 0.5));
        let mut values: Vec<Prediction> = values.collect();
        values.sort_by_key(|value| value.at);
        values.dedup_by_key(|value| value.at);
        let issued_at = self.minute(dice);
        // Some under a clock that is ahead of the others'.
        let received_at = if dice.one_in(5) { self.minute(dice) } else { self.start.plus(TimeDelta::hours(3)) };
        (Run { issued_at, received_at, status, ..a_run_of(&job, &values) }, values)
    }

    /// A run that was there once, or one that never was.
    fn known_run(&self, dice: &mut Dice) -> Run {
        if self.runs.is_empty() { self.run(dice).0 } else { dice.pick(&self.runs) }
    }

    /// A time within some hours.
    fn minute(&self, dice: &mut Dice) -> Timestamp {
        self.start.plus(TimeDelta::minutes(i64::try_from(dice.roll(300)).expect("small")))
    }

    fn part(dice: &mut Dice) -> Part {
        Part { limit: dice.pick(&[1, 2, 3, 5, 200]), number: dice.roll(3) }
    }

    fn scope(&self, dice: &mut Dice) -> Scope {
        match dice.roll(6) {
            0 => Scope::of([]),
            1 => Scope::of([self.organisations[0]]),
            2 => Scope::of([self.organisations[1]]),
            3 => Scope::of(self.organisations.iter().copied()),
            _ => Scope::Platform,
        }
    }

    /// One of a few, so that some are equal.
    fn time(&self, dice: &mut Dice) -> Timestamp {
        let micros = dice.pick(&[0, 1, 2, 3, 1_000_000]);
        micros_after(self.start, micros)
    }

    fn revision(dice: &mut Dice) -> Revision {
        revision(dice.pick(&[1, 1, 1, 2, 2, 3]))
    }

    fn mode(dice: &mut Dice) -> WriteMode {
        if dice.one_in(4) { WriteMode::DryRun } else { WriteMode::Commit }
    }
}
