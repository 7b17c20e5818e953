//! Jobs that read outputs of others.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use prediction_domain::model::{
    ChainLink, CheckedBindings, Health, Job, JobId, JobOutput, JobsInUse, OrganisationId, Output, OutputId, Readers,
    RoleBinding, RunStatus, Scope, SourceVersion, Timestamp, Way, ways_upstream,
};
use prediction_domain::ports::{
    DeleteJobError, JobFilter, JobSetUp, JobSetUpOutcome, JobSetUpRejected, UpdateJobError, WriteMode,
};

use crate::Stores;
use crate::builders::{a_job_of, a_plan_for, a_run_of, a_source, a_version_of, contract};
use crate::contract::fixture::{
    assert_exactly, assert_nothing_changes, at_once, catalog, job, set_up, stored_job, stored_source, stored_version,
};
use crate::values::{
    at, fresh_job_id, fresh_organisation_id, fresh_output_id, input_kind, job_name, micros_after, role_name,
};

/// How often a race is run: none is lost every time.
const ROUNDS: usize = 12;

pub(crate) fn outputs_are_found_by_their_ids_within_the_scope(stores: &Stores) {
    let version = version_with(stores, &["risk", "certainty"]);
    let one = stored_job(stores, a_job_of(&version));
    let other = stored_job(stores, a_job_of(&version));
    let ids = |job: &Job| [job.outputs[0].id, job.outputs[1].id];
    let own = Scope::of([one.organisation_id]);
    let [first, second] = ids(&one);
    let wanted = [
        (own.clone(), first),
        (own.clone(), second),
        (own.clone(), ids(&other)[0]),
        (Scope::Platform, ids(&other)[1]),
        (Scope::Platform, fresh_output_id()),
        (Scope::of([]), first),
        (Scope::of([one.organisation_id, other.organisation_id]), first),
    ];
    let found = stores.chains.find_outputs(&wanted).expect("outputs are found");
    let output = |job: &Job, place: usize| Some(JobOutput::of(job, &job.outputs[place]));
    let expected = vec![output(&one, 0), output(&one, 1), None, output(&other, 1), None, None, output(&one, 0)];
    assert_exactly(&found, &expected);
    assert_eq!(stores.chains.find_outputs(&[]).expect("nothing is found"), []);
}

pub(crate) fn an_output_is_found_as_long_as_its_job_has_it(stores: &Stores) {
    let version = version_with(stores, &["risk", "certainty"]);
    let stored = stored_job(stores, a_job_of(&version));
    let [risk, certainty] = [stored.outputs[0].clone(), stored.outputs[1].clone()];
    let fresh = Output { id: fresh_output_id(), ..certainty.clone() };
    let changed =
        Job { outputs: vec![risk.clone(), fresh.clone()], revision: stored.revision.next(), ..stored.clone() };
    let find = |outputs: [&Output; 3]| {
        let wanted = outputs.map(|output| (Scope::Platform, output.id));
        let found = stores.chains.find_outputs(&wanted).expect("outputs are found");
        found.into_iter().map(|output| output.map(|output| output.job_name)).collect::<Vec<_>>()
    };
    stores.jobs.update(&changed, stored.revision, None, WriteMode::DryRun).expect("it could be changed");
    let before = Some(stored.name.clone());
    assert_eq!(find([&risk, &certainty, &fresh]), [before.clone(), before, None], "a dry run changes nothing");
    stores.jobs.update(&changed, stored.revision, None, WriteMode::Commit).expect("it is changed");
    let after = Some(changed.name.clone());
    assert_eq!(find([&risk, &certainty, &fresh]), [after.clone(), None, after]);
    stores.jobs.delete(&Scope::Platform, stored.id, changed.revision, WriteMode::Commit).expect("it is deleted");
    assert_eq!(find([&risk, &certainty, &fresh]), [None, None, None]);
}

pub(crate) fn what_is_no_output_of_the_organisation_is_not_bound(stores: &Stores) {
    let chain = Chain::new(stores);
    let foreign = stored_job(stores, a_job_of(&chain.version));
    let own = chain.stored("own", &[]);
    for missing in [fresh_output_id(), foreign.outputs[0].id] {
        let plan = a_plan_for(chain.job("new", &[missing, own.outputs[0].id]));
        assert_nothing_changes(stores, || {
            let rejected = set_up(stores, &plan);
            assert!(matches!(rejected, Err(JobSetUpRejected::OutputMissing)), "{rejected:?}");
            let rejected = set_up(stores, &JobSetUp { mode: WriteMode::DryRun, ..plan });
            assert!(matches!(rejected, Err(JobSetUpRejected::OutputMissing)), "{rejected:?}");
            let refused = chain.bind(&own, &[missing], WriteMode::Commit);
            assert!(matches!(refused, Err(UpdateJobError::OutputMissing)), "{refused:?}");
        });
    }
}

pub(crate) fn a_batch_binds_outputs_like_one_plan_after_the_other(stores: &Stores) {
    let chain = Chain::new(stores);
    let first = chain.job("first", &[]);
    let second = chain.job("second", &[first.outputs[0].id]);
    let third = chain.job("third", &[fresh_output_id()]);
    let fourth = chain.job("fourth", &[first.outputs[0].id, second.outputs[0].id]);
    let plans = [&first, &second, &third, &fourth].map(|job| a_plan_for(job.clone()));
    let outcomes = stores.jobs.set_up_many(&plans);
    assert!(
        matches!(
            &outcomes[..],
            [
                Ok(JobSetUpOutcome::Created),
                Ok(JobSetUpOutcome::Created),
                Err(JobSetUpRejected::OutputMissing),
                Ok(JobSetUpOutcome::Created)
            ]
        ),
        "{outcomes:?}"
    );
    assert_eq!(chain.readers(&[&first]), ids(&[&second, &fourth]));
}

pub(crate) fn a_job_never_comes_to_read_its_own_output(stores: &Stores) {
    let chain = Chain::new(stores);
    let first = chain.stored("first", &[]);
    let second = chain.stored("second", &[first.outputs[0].id]);
    let third = chain.stored("third", &[second.outputs[0].id]);
    let beside = chain.stored("beside", &[first.outputs[0].id]);
    assert_nothing_changes(stores, || {
        for closing in [&first, &second, &third] {
            for mode in [WriteMode::DryRun, WriteMode::Commit] {
                let refused = chain.bind(&first, &[beside.outputs[0].id, closing.outputs[0].id], mode);
                assert!(matches!(refused, Err(UpdateJobError::Cycle)), "{refused:?}");
            }
        }
    });
    // What it reads already may be sent again, and another way to the same job is no cycle.
    let third = chain.bind(&third, &[second.outputs[0].id, first.outputs[0].id], WriteMode::Commit).expect("no cycle");
    // When the way is gone, the other one may be gone.
    let second = chain.bind(&second, &[], WriteMode::Commit).expect("it reads nothing");
    let third = chain.bind(&third, &[second.outputs[0].id], WriteMode::Commit).expect("it reads one");
    chain.bind(&first, &[third.outputs[0].id], WriteMode::Commit).expect("the way is the other one now");
}

pub(crate) fn the_way_that_would_be_a_cycle_is_told(stores: &Stores) {
    let chain = Chain::new(stores);
    let jobs = chain.stored_chain(60);
    let beside = chain.stored("beside", &[jobs[3].outputs[0].id]);
    let organisation = chain.organisation;
    let from: BTreeSet<JobId> = ids(&[&jobs[59], &beside]).into_iter().collect();
    let links = stores.chains.links_between(organisation, &from, jobs[7].id).expect("links are found");
    let found = ways_upstream(links, &[jobs[59].id, beside.id], jobs[7].id, 60);
    let shown: Vec<JobId> = jobs[7..].iter().rev().map(|job| job.id).collect();
    assert_eq!(found, [Some(Way { jobs: shown.len(), shown }), None]);
    let none = stores.chains.links_between(organisation, &BTreeSet::from([jobs[3].id]), jobs[7].id);
    assert_eq!(none.expect("links are found"), []);
    let foreign = stores.chains.links_between(fresh_organisation_id(), &from, jobs[7].id);
    assert_eq!(foreign.expect("links are found"), []);
    // Of a job whose output is its own, the way is the job itself.
    let own = BTreeSet::from([jobs[7].id]);
    let links: Vec<ChainLink> = stores.chains.links_between(organisation, &own, jobs[7].id).expect("links are found");
    let way = Way { jobs: 1, shown: vec![jobs[7].id] };
    assert_eq!(ways_upstream(links, &[jobs[7].id], jobs[7].id, 9), [Some(way)]);
}

pub(crate) fn an_output_that_is_read_is_not_taken_away(stores: &Stores) {
    let chain = Chain::new(stores);
    let version = version_with(stores, &["risk", "certainty"]);
    let upstream = stored_job(stores, Job { organisation_id: chain.organisation, ..a_job_of(&version) });
    let [read, other] = [upstream.outputs[0].clone(), upstream.outputs[1].clone()];
    let readers: Vec<Job> = (0..12).map(|number| chain.stored(&format!("reader {number}"), &[read.id])).collect();
    let mut named: Vec<JobId> = readers.iter().map(|reader| reader.id).collect();
    named.sort_unstable();
    let expected = Readers { jobs: 12, first: named[..Readers::MAX_NAMED].to_vec() };
    let change = |outputs: Vec<Output>, mode| {
        let changed = Job { outputs, revision: upstream.revision.next(), ..upstream.clone() };
        stores.jobs.update(&changed, upstream.revision, None, mode)
    };
    assert_nothing_changes(stores, || {
        for mode in [WriteMode::DryRun, WriteMode::Commit] {
            let Err(UpdateJobError::OutputsInUse(told)) = change(vec![other.clone()], mode) else { panic!("in use") };
            assert_eq!(told, expected);
            let deleted = stores.jobs.delete(&Scope::Platform, upstream.id, upstream.revision, mode);
            let Err(DeleteJobError::OutputsInUse(told)) = deleted else { panic!("in use: {deleted:?}") };
            assert_eq!(told, expected);
        }
    });
    assert_eq!(stores.chains.count_readers(chain.organisation, upstream.id).expect("readers are counted"), expected);
    change(vec![read], WriteMode::DryRun).expect("the other one may go");
    for reader in &readers {
        let unbound =
            Job { role_bindings: CheckedBindings::default(), revision: reader.revision.next(), ..reader.clone() };
        stores.jobs.update(&unbound, reader.revision, None, WriteMode::Commit).expect("it is unbound");
    }
    change(vec![other], WriteMode::DryRun).expect("now it may go");
    stores.jobs.delete(&Scope::Platform, upstream.id, upstream.revision, WriteMode::Commit).expect("so may the job");
    assert_eq!(job(stores, upstream.id), None);
}

pub(crate) fn a_deleted_reader_is_none_any_more(stores: &Stores) {
    let chain = Chain::new(stores);
    let upstream = chain.stored("upstream", &[]);
    let reader = chain.stored("reader", &[upstream.outputs[0].id]);
    let last = chain.stored("last", &[reader.outputs[0].id]);
    for gone in [&last, &reader, &upstream] {
        stores.jobs.delete(&Scope::Platform, gone.id, gone.revision, WriteMode::Commit).expect("none reads it");
    }
}

pub(crate) fn readers_are_found_in_order_and_within_the_organisation(stores: &Stores) {
    let chain = Chain::new(stores);
    let [first, second] = ["first", "second"].map(|name| chain.stored(name, &[]));
    let outputs = [first.outputs[0].id, second.outputs[0].id];
    let readers: Vec<Job> =
        (0..5).map(|number| chain.stored(&format!("reader {number}"), &outputs[number % 2..])).collect();
    let both: Vec<&Job> = readers.iter().collect();
    assert_eq!(chain.readers(&[&first, &second]), ids(&both), "each once");
    assert_eq!(chain.readers(&[&first]), ids(&[&readers[0], &readers[2], &readers[4]]));
    assert_eq!(chain.readers(&[&readers[0]]), []);
    let few = stores.chains.readers_of(chain.organisation, &BTreeSet::from([second.id]), 2).expect("readers are found");
    assert_eq!(few, ids(&both)[..2]);
    let foreign = stores.chains.readers_of(fresh_organisation_id(), &BTreeSet::from([first.id]), 9);
    assert_eq!(foreign.expect("readers are found"), []);
    let read = stores.chains.outputs_in_use(&[
        (chain.organisation, readers[0].id),
        (chain.organisation, first.id),
        (fresh_organisation_id(), second.id),
    ]);
    let read = read.expect("outputs are found");
    assert_eq!(read, [BTreeSet::new(), BTreeSet::from([outputs[0]]), BTreeSet::new()]);
}

pub(crate) fn jobs_whose_outputs_are_read_are_counted(stores: &Stores) {
    let chain = Chain::new(stores);
    let version = version_with(stores, &["risk", "certainty"]);
    let upstream = |_| stored_job(stores, Job { organisation_id: chain.organisation, ..a_job_of(&version) });
    let [one, other, last] = [0, 1, 2].map(upstream);
    let unread = stored_job(stores, a_job_of(&version));
    chain.stored("reader", &[one.outputs[0].id, other.outputs[0].id, last.outputs[1].id]);
    let of_version = JobFilter { source_version_id: Some(version.id), ..JobFilter::default() };
    let count = |scope: Scope, filter: &JobFilter| {
        let mut counts = stores.chains.count_jobs_in_use(&scope, filter).expect("jobs are counted");
        counts.sort_by_key(|count| count.jobs);
        counts
    };
    let roles = one.role_bindings.iter().map(|binding| binding.role.clone()).collect::<Vec<_>>();
    let read = |role, jobs| JobsInUse {
        source_version_id: version.id,
        roles: roles.clone(),
        outputs: vec![role_name(role)],
        jobs,
    };
    let expected = vec![read("certainty", 1), read("risk", 2)];
    assert_eq!(count(Scope::Platform, &of_version), expected);
    assert_eq!(count(Scope::of([chain.organisation]), &of_version), expected);
    assert_eq!(count(Scope::of([unread.organisation_id]), &of_version), []);
    let of_others = JobFilter { source_version_id: Some(chain.version.id), ..JobFilter::default() };
    assert_eq!(count(Scope::Platform, &of_others), []);
    let of_source = JobFilter { source_id: Some(version.source_id), ..JobFilter::default() };
    assert_eq!(count(Scope::Platform, &of_source), expected);
}

pub(crate) fn the_nearest_jobs_that_are_in_the_way_are_told(stores: &Stores) {
    let chain = Chain::new(stores);
    let start = at("2026-06-01T00:00:00Z");
    let now = start.plus(TimeDelta::minutes(30));
    let set_up = |name: &str, active: bool, outputs: &[OutputId]| {
        let job = chain.job(name, outputs);
        stored_job(stores, Job { active, created_at: start, updated_at: start, ..job })
    };
    let report = |job: &Job, status: RunStatus| {
        let run = prediction_domain::model::Run { status, issued_at: start, received_at: start, ..a_run_of(job, &[]) };
        stores.runs.insert(&run, &[], None).expect("the run is stored");
    };
    let paused = set_up("paused", false, &[]);
    let failing = set_up("failing", true, &[paused.outputs[0].id]);
    report(&failing, RunStatus::Failed);
    let fine = set_up("fine", true, &[failing.outputs[0].id]);
    report(&fine, RunStatus::Succeeded);
    let both = set_up("both", true, &[fine.outputs[0].id, paused.outputs[0].id]);
    let alone = set_up("alone", true, &[]);
    let wanted = [&both, &alone, &fine, &paused, &failing];
    let blocking = |now: Timestamp| {
        let keys: Vec<_> = wanted.iter().map(|job| (job.organisation_id, job.id)).collect();
        stores.chains.blocking(&keys, now).expect("what is in the way is found")
    };
    let expected = [ids(&[&failing, &paused]), vec![], ids(&[&failing]), vec![], ids(&[&paused])];
    assert_eq!(blocking(now), expected);
    // Two hours later all that are active are overdue, so that the nearest is nearer.
    let later = start.plus(TimeDelta::minutes(121));
    assert_eq!(blocking(later)[0], ids(&[&fine, &paused]));
    let foreign = stores.chains.blocking(&[(fresh_organisation_id(), both.id)], now);
    assert_eq!(foreign.expect("nothing is found"), [Vec::<JobId>::new()]);
    assert_eq!(stores.chains.blocking(&[], now).expect("nothing is asked"), Vec::<Vec<JobId>>::new());
}

pub(crate) fn what_is_in_the_way_is_looked_for_so_far_and_told_of_so_many(stores: &Stores) {
    let chain = Chain::new(stores);
    let now = at("2026-01-01T00:00:00Z");
    let quiet =
        |name: String, outputs: &[OutputId]| stored_job(stores, Job { created_at: now, ..chain.job(&name, outputs) });
    let paused = |name: String| stored_job(stores, Job { active: false, ..chain.job(&name, &[]) });
    let mut last = paused("paused".to_owned());
    let end = last.clone();
    let mut told = Vec::new();
    for number in 0..=Health::DEPTH_OF_BLOCKING {
        last = quiet(format!("job {number}"), &[last.outputs[0].id]);
        let found = stores.chains.blocking(&[(chain.organisation, last.id)], now).expect("it is looked for");
        told.push(found == [vec![end.id]]);
    }
    let (near, far) = told.split_at(Health::DEPTH_OF_BLOCKING);
    assert_eq!((near.iter().all(|told| *told), far), (true, &[false][..]));
    let many: Vec<Job> = (0..Health::MAX_BLOCKING + 2).map(|number| paused(format!("paused {number}"))).collect();
    let outputs: Vec<OutputId> = many.iter().map(|job| job.outputs[0].id).collect();
    let reader = quiet("reader of many".to_owned(), &outputs);
    let found = stores.chains.blocking(&[(chain.organisation, reader.id)], now).expect("it is looked for");
    assert_eq!(found, [ids(&many.iter().collect::<Vec<_>>())[..Health::MAX_BLOCKING].to_vec()]);
}

/// Of jobs that would read each other's outputs in a circle, one does not come to it, whoever is first.
pub(crate) fn of_many_that_close_one_cycle_one_is_refused(stores: &Stores) {
    for count in [2, 3, 4] {
        for _ in 0..ROUNDS {
            let chain = Chain::new(stores);
            let jobs: Vec<Job> = (0..count).map(|number| chain.stored(&format!("job {number}"), &[])).collect();
            let answers = at_once(count, |number| {
                chain.bind(&jobs[number], &[jobs[(number + 1) % count].outputs[0].id], WriteMode::Commit)
            });
            let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
            assert!(matches!(refused[..], [UpdateJobError::Cycle]), "{count}: {answers:?}");
        }
    }
}

/// A job that is set up reads the first, while that comes to read it.
pub(crate) fn a_set_up_and_a_change_close_no_cycle(stores: &Stores) {
    for _ in 0..ROUNDS {
        let chain = Chain::new(stores);
        let first = chain.stored("first", &[]);
        let between = chain.stored("between", &[first.outputs[0].id]);
        let new = chain.job("new", &[between.outputs[0].id]);
        let answers = at_once(2, |number| {
            if number == 0 {
                set_up(stores, &a_plan_for(new.clone())).map(drop).map_err(|rejected| format!("{rejected:?}"))
            } else {
                let bound = chain.bind(&first, &[new.outputs[0].id], WriteMode::Commit);
                match bound {
                    Err(UpdateJobError::OutputMissing | UpdateJobError::Cycle) => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            }
        });
        assert_eq!(answers, [Ok(()), Ok(())]);
    }
}

/// A cycle is closed by one that comes back to what it was, and by one whose outputs come back.
pub(crate) fn a_restored_job_closes_no_cycle(stores: &Stores) {
    for _ in 0..ROUNDS {
        let chain = Chain::new(stores);
        let first = chain.stored("first", &[]);
        let was = chain.stored("second", &[first.outputs[0].id]);
        let second = chain.bind(&was, &[], WriteMode::Commit).expect("it is unbound");
        let answers = at_once(2, |number| {
            if number == 0 {
                // What a restoration writes: an earlier revision as the next one.
                let restored = Job { revision: second.revision.next(), ..was.clone() };
                stores.jobs.update(&restored, second.revision, None, WriteMode::Commit).map(drop)
            } else {
                chain.bind(&first, &[second.outputs[0].id], WriteMode::Commit).map(drop)
            }
        });
        let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
        assert!(matches!(refused[..], [UpdateJobError::Cycle]), "{answers:?}");
    }
}

/// Either the output is bound and stays, or it is gone and is not bound.
pub(crate) fn an_output_that_is_bound_while_it_goes_is_there_or_not_bound(stores: &Stores) {
    for round in 0..ROUNDS {
        let chain = Chain::new(stores);
        let upstream = chain.stored("upstream", &[]);
        let reader = chain.stored("reader", &[]);
        let id = upstream.outputs[0].id;
        let answers = at_once(3, |number| match number {
            0 if round % 2 == 0 => {
                let deleted = stores.jobs.delete(&Scope::Platform, upstream.id, upstream.revision, WriteMode::Commit);
                deleted.map_err(|error| matches!(error, DeleteJobError::OutputsInUse(_)))
            }
            0 => {
                let outputs = vec![Output { id: fresh_output_id(), ..upstream.outputs[0].clone() }];
                let changed = Job { outputs, revision: upstream.revision.next(), ..upstream.clone() };
                let updated = stores.jobs.update(&changed, upstream.revision, None, WriteMode::Commit);
                updated.map_err(|error| matches!(error, UpdateJobError::OutputsInUse(_)))
            }
            1 => {
                let bound = chain.bind(&reader, &[id], WriteMode::Commit);
                bound.map(drop).map_err(|error| matches!(error, UpdateJobError::OutputMissing))
            }
            _ => {
                let created = set_up(stores, &a_plan_for(chain.job("new", &[id])));
                created.map(drop).map_err(|rejected| matches!(rejected, JobSetUpRejected::OutputMissing))
            }
        });
        let is_there = stores.chains.find_outputs(&[(Scope::Platform, id)]).expect("it is looked for")[0].is_some();
        assert_eq!(answers[0], if is_there { Err(true) } else { Ok(()) }, "{answers:?}");
        assert!(answers.iter().all(|answer| *answer != Err(false)), "refused for another reason: {answers:?}");
        let bound = answers[1..].iter().any(Result::is_ok);
        assert_eq!(bound, is_there, "{answers:?}");
    }
}

/// Jobs of one organisation, each of which predicts one output and reads any number.
struct Chain<'a> {
    stores: &'a Stores,
    organisation: OrganisationId,
    version: SourceVersion,
}

impl<'a> Chain<'a> {
    fn new(stores: &'a Stores) -> Self {
        let (_, version) = catalog(stores);
        Self { stores, organisation: fresh_organisation_id(), version }
    }

    /// A job that reads these outputs; the roles are not those of the contract, which no store looks at.
    fn job(&self, name: &str, outputs: &[OutputId]) -> Job {
        let role_bindings = reading(outputs);
        Job {
            id: fresh_job_id(),
            organisation_id: self.organisation,
            name: job_name(name),
            role_bindings,
            ..a_job_of(&self.version)
        }
    }

    fn stored(&self, name: &str, outputs: &[OutputId]) -> Job {
        stored_job(self.stores, self.job(name, outputs))
    }

    /// Each reads the one before.
    fn stored_chain(&self, count: usize) -> Vec<Job> {
        let mut jobs: Vec<Job> = Vec::new();
        for number in 0..count {
            let before: Vec<OutputId> = jobs.last().map(|job| job.outputs[0].id).into_iter().collect();
            jobs.push(self.stored(&format!("job {number}"), &before));
        }
        jobs
    }

    /// Has a job read these outputs.
    fn bind(&self, job: &Job, outputs: &[OutputId], mode: WriteMode) -> Result<Job, UpdateJobError> {
        let changed = Job {
            role_bindings: reading(outputs),
            revision: job.revision.next(),
            updated_at: micros_after(job.updated_at, 1),
            ..job.clone()
        };
        self.stores.jobs.update(&changed, job.revision, None, mode).map(|()| changed)
    }

    fn readers(&self, jobs: &[&Job]) -> Vec<JobId> {
        let jobs = jobs.iter().map(|job| job.id).collect();
        self.stores.chains.readers_of(self.organisation, &jobs, 100).expect("readers are found")
    }
}

pub(in crate::contract) fn reading(outputs: &[OutputId]) -> CheckedBindings {
    let binding = |(number, id): (usize, &OutputId)| RoleBinding {
        role: role_name(&format!("role {number}")),
        input_id: id.as_input(),
        input_type: input_kind("output"),
    };
    CheckedBindings::restored(outputs.iter().enumerate().map(binding).collect()).expect("each role once")
}

/// A stored version with these output roles, of a source of its own.
fn version_with(stores: &Stores, outputs: &[&str]) -> SourceVersion {
    let source = stored_source(stores, a_source());
    stored_version(stores, SourceVersion { contract: contract(&["temperature"], outputs), ..a_version_of(source.id) })
}

/// In order.
fn ids(jobs: &[&Job]) -> Vec<JobId> {
    let mut ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    ids.sort_unstable();
    ids
}
