//! Runs and revisions that are not to be kept.

use prediction_domain::model::{
    Job, JobPlace, Keep, KeptHistory, LEAST_KEPT_RUNS, Revision, Run, RunId, RunOutcome, RunStatus, Timestamp,
};
use prediction_domain::ports::{NextInSweep, PurgedHistory};

use crate::memory::State;

/// How many jobs one step looks at: few, so that tests see more than one.
const MOST_JOBS: usize = 3;

impl State {
    pub(in crate::memory) fn purge_history(
        &mut self,
        kept: &KeptHistory,
        now: Timestamp,
        after: Option<JobPlace>,
        limit: usize,
    ) -> PurgedHistory {
        let place = |job: &Job| JobPlace { organisation_id: job.organisation_id, job_id: job.id };
        let behind = self.jobs.values().filter(|job| after.is_none_or(|after| place(job) > after));
        let mut jobs: Vec<Job> = behind.cloned().collect();
        jobs.sort_by_key(place);
        let next = match jobs.get(MOST_JOBS - 1) {
            Some(last) => NextInSweep::Behind(place(last)),
            None => NextInSweep::Done,
        };
        let mut purged = PurgedHistory { runs: 0, revisions: 0, next };
        let mut left = limit;
        for job in jobs.iter().take(MOST_JOBS) {
            for id in kept.runs.map_or_else(Vec::new, |keep| self.runs_not_kept(job, &keep, now)).into_iter().take(left)
            {
                let Some((run, _)) = self.runs.remove(&id) else { continue };
                let replaced = run.replaces.and_then(|replaced| self.replaced_runs.remove(&replaced));
                self.swept_outcomes.entry(job.id).or_default().push(RunOutcome::from(&run));
                purged.runs += 1 + u64::from(replaced.is_some());
                left -= 1;
            }
            let revisions = kept.revisions.map_or_else(Vec::new, |keep| self.revisions_not_kept(job, &keep, now));
            for revision in revisions.into_iter().take(left) {
                self.history.remove(&(job.id, revision));
                purged.revisions += 1;
                left -= 1;
            }
        }
        if left == 0 {
            purged.next = NextInSweep::Again;
        }
        purged
    }

    /// Runs of a job that are not to be kept, the oldest first.
    fn runs_not_kept(&self, job: &Job, keep: &Keep, now: Timestamp) -> Vec<RunId> {
        let summary = self.monitored(job).monitoring.runs;
        let of_job = || self.runs.values().filter(|(run, _)| run.job_id == job.id);
        let Some((last_run_at, _)) = summary.last_run else { return Vec::new() };
        let mut counted: Vec<Timestamp> =
            of_job().map(|(run, _)| run.issued_at).filter(|issued_at| *issued_at <= last_run_at).collect();
        counted.sort_unstable_by(|one, other| other.cmp(one));
        let newest_but = |number: u64| counted.get(usize::try_from(number).ok()?.checked_sub(1)?).copied();
        let by_age = keep.cutoff(now).and_then(|cutoff| Some(newest_but(LEAST_KEPT_RUNS)?.min(cutoff)));
        let by_number = keep.newest.and_then(|newest| newest_but(newest.get()));
        let Some(end) = by_age.max(by_number) else { return Vec::new() };
        let values_from = of_job().filter(|(_, values)| !values.is_empty()).map(|(run, _)| run.issued_at).min();
        let success = of_job().map(|(run, _)| run).find(|run| Some(run.issued_at) == summary.last_success_at);
        let is_needed = |run: &Run| {
            let delivered = success.map(|success| success.issued_at.min(success.received_at)..=success.issued_at);
            run.status == RunStatus::Succeeded && delivered.is_some_and(|delivered| delivered.contains(&run.issued_at))
        };
        let has_no_values =
            |run: &Run| run.prediction_count == 0 || values_from.is_none_or(|values_from| run.issued_at < values_from);
        let mut due: Vec<&Run> = of_job()
            .map(|(run, _)| run)
            .filter(|run| run.issued_at < end && has_no_values(run) && !is_needed(run))
            .collect();
        due.sort_by_key(|run| run.issued_at);
        due.into_iter().map(|run| run.id).collect()
    }

    /// Revisions of a job that are not to be kept, the oldest first.
    fn revisions_not_kept(&self, job: &Job, keep: &Keep, now: Timestamp) -> Vec<Revision> {
        let kept: Vec<_> = self.history.values().filter(|kept| kept.job_id == job.id).collect();
        let replaced_at = |revision: Revision| {
            let next = kept.iter().find(|later| later.revision > revision);
            next.map_or(job.updated_at, |next| next.changed_at)
        };
        let is_among_newest = |revision: Revision| {
            let behind = job.revision.as_i64() - revision.as_i64();
            keep.newest.is_none_or(|newest| u64::try_from(behind).is_ok_and(|behind| behind < newest.get()))
        };
        let is_run = |revision: Revision| {
            let runs = self.runs.values().map(|(run, _)| run).chain(self.replaced_runs.values());
            runs.filter(|run| run.job_id == job.id).any(|run| run.job_revision == revision)
        };
        let is_old = |revision| keep.cutoff(now).is_some_and(|cutoff| replaced_at(revision) < cutoff);
        let revisions = kept.iter().map(|kept| kept.revision);
        revisions.filter(|revision| (is_old(*revision) || !is_among_newest(*revision)) && !is_run(*revision)).collect()
    }
}
