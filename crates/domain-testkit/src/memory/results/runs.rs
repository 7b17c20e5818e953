use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use prediction_domain::model::{
    Allowance, JobId, OrganisationId, Page, PageRequest, Prediction, PredictionPosition, Revision, Run, RunId,
    RunNumber, RunPosition, RunStatus, Timestamp, ValueCount, latest_issue,
};
use prediction_domain::ports::{
    DeleteRunError, InsertNextError, InsertRunError, Issued, PredictedValue, PredictedValues, PredictionQuery,
    ReplaceRunError, RunFilter, RunRepository, StoreFailure, ValueCountQuery, WriteMode,
};

use crate::memory::{MemoryStore, State, lasts};

impl RunRepository for MemoryStore {
    fn insert(
        &self,
        run: &Run,
        predictions: &[Prediction],
        allowance: Option<Allowance>,
    ) -> Result<(), InsertRunError> {
        let mut state = self.state();
        if !state.has_job_of(run) {
            return Err(InsertRunError::JobMissing);
        }
        if let Some(taken) = state.issued_with(run) {
            return Err(InsertRunError::IssuedAtTaken(Box::new(taken.clone())));
        }
        let used = state.judge_allowance(run.organisation_id, allowance).map_err(InsertRunError::QuotaExceeded)?;
        state.store(run.clone(), predictions);
        state.usage.extend(used);
        Ok(())
    }

    fn insert_next(
        &self,
        run: &Run,
        until: Timestamp,
        predictions: &[Prediction],
        allowance: Option<Allowance>,
    ) -> Result<Timestamp, InsertNextError> {
        let mut state = self.state();
        if !state.has_job_of(run) {
            return Err(InsertNextError::JobMissing);
        }
        let used = state.judge_allowance(run.organisation_id, allowance).map_err(InsertNextError::QuotaExceeded)?;
        state.usage.extend(used);
        let taken: BTreeSet<Timestamp> = state.runs_of(run).map(|stored| stored.issued_at).collect();
        let microsecond = TimeDelta::microseconds(1);
        let newest = taken.range(run.issued_at..=until).next_back();
        let mut issued_at = newest.map_or(run.issued_at, |newest| newest.plus(microsecond));
        while taken.contains(&issued_at) {
            issued_at = issued_at.plus(microsecond);
        }
        state.store(Run { issued_at, ..run.clone() }, predictions);
        Ok(issued_at)
    }

    fn replace(
        &self,
        run: &Run,
        predictions: &[Prediction],
        allowance: Option<Allowance>,
    ) -> Result<(), ReplaceRunError> {
        let mut state = self.state();
        if !state.has_job_of(run) {
            return Err(ReplaceRunError::JobMissing);
        }
        let is_there = |failed: &&Run| Some(failed.id) == run.replaces && failed.status == RunStatus::Failed;
        let Some(failed) = state.issued_with(run).filter(is_there).cloned() else { return Err(ReplaceRunError::Gone) };
        let used = state.judge_allowance(run.organisation_id, allowance).map_err(ReplaceRunError::QuotaExceeded)?;
        state.usage.extend(used);
        state.runs.remove(&failed.id);
        state.swept_outcomes.remove(&run.job_id);
        state.replaced_runs.insert(failed.id, Run { replaced_by: Some(run.id), ..failed });
        state.store(run.clone(), predictions);
        Ok(())
    }

    fn delete(
        &self,
        organisation_id: OrganisationId,
        job_id: JobId,
        id: RunId,
        expected: Option<Revision>,
        until: Timestamp,
        mode: WriteMode,
    ) -> Result<Run, DeleteRunError> {
        let mut state = self.state();
        let run = state.run(organisation_id, job_id, id).cloned().ok_or(DeleteRunError::Missing)?;
        if expected.is_some_and(|expected| expected != run.revision()) {
            return Err(DeleteRunError::Stale { current: run.revision() });
        }
        if lasts(mode) {
            if state.runs.remove(&id).is_some() {
                state.swept_outcomes.remove(&job_id);
            }
            state.replaced_runs.remove(&id);
            if let Some(failed) = run.replaces.and_then(|replaced| state.replaced_runs.remove(&replaced)) {
                state.number_run(&failed);
                state.runs.insert(failed.id, (Run { replaced_by: None, ..failed }, Vec::new()));
            }
            if let Some((by, _)) = run.replaced_by.and_then(|by| state.runs.get_mut(&by)) {
                by.replaces = None;
            }
            state.counted_until.insert(job_id, until);
        }
        Ok(run)
    }

    fn find(&self, organisation_id: OrganisationId, job_id: JobId, id: RunId) -> Result<Option<Run>, StoreFailure> {
        Ok(self.state().run(organisation_id, job_id, id).cloned())
    }

    fn list(
        &self,
        organisation_id: OrganisationId,
        job_id: JobId,
        filter: &RunFilter,
        page: &PageRequest<RunPosition>,
    ) -> Result<Page<Run, RunPosition>, StoreFailure> {
        let state = self.state();
        let mut found: Vec<Run> = state
            .runs
            .values()
            .map(|(run, _)| run)
            .filter(|run| run.organisation_id == organisation_id && run.job_id == job_id && passes(filter, run))
            .filter(|run| page.after.is_none_or(|after| RunPosition::of(run) < after))
            .cloned()
            .collect();
        found.sort_by_key(|run| std::cmp::Reverse(RunPosition::of(run)));
        found.truncate(page.limit() + 1);
        Ok(Page::of_placed(
            found
                .into_iter()
                .map(|run| {
                    let place = RunPosition::of(&run);
                    (run, place)
                })
                .collect(),
            page,
        ))
    }

    fn newest(&self, jobs: &[(OrganisationId, JobId)]) -> Result<Vec<Option<Run>>, StoreFailure> {
        let state = self.state();
        let newest = |(organisation_id, job_id): &(OrganisationId, JobId)| {
            let runs = state.runs.values().map(|(run, _)| run);
            let runs = runs.filter(|run| (run.organisation_id, run.job_id) == (*organisation_id, *job_id));
            runs.max_by_key(|run| run.issued_at).cloned()
        };
        Ok(jobs.iter().map(newest).collect())
    }

    fn predictions(&self, query: &PredictionQuery) -> Result<PredictedValues, StoreFailure> {
        let state = self.state();
        let mut newest: BTreeMap<PredictionPosition, PredictedValue> = BTreeMap::new();
        for (run, predictions) in state.runs.values() {
            let is_asked_for = run.organisation_id == query.organisation_id
                && run.job_id == query.job_id
                && query.issued_after.is_none_or(|limit| run.issued_at > limit)
                && query.known_at.is_none_or(|time| run.received_at <= time)
                && query.last_run.is_none_or(|last| state.run_numbers[&run.id] <= last)
                && match query.issued {
                    Issued::AtAnyTime => true,
                    Issued::Until(time) => run.issued_at <= time,
                    Issued::At(time) => run.issued_at == time,
                };
            if !is_asked_for {
                continue;
            }
            for prediction in predictions.iter().filter(|prediction| is_wanted(query, prediction)) {
                let place = PredictionPosition { role: prediction.role.clone(), at: prediction.at };
                let value = PredictedValue { prediction: prediction.clone(), issued_at: run.issued_at, run_id: run.id };
                let kept = newest.entry(place).or_insert_with(|| value.clone());
                if kept.issued_at < value.issued_at {
                    *kept = value;
                }
            }
        }
        let stored = state.last_numbers.get(&query.job_id).copied();
        Ok(PredictedValues {
            values: newest.into_values().take(query.limit).collect(),
            last_run: query.last_run.or(stored).unwrap_or(RunNumber::NONE),
        })
    }

    fn count_values(&self, query: &ValueCountQuery) -> Result<ValueCount, StoreFailure> {
        let state = self.state();
        let mut jobs: BTreeMap<JobId, (Timestamp, usize)> = BTreeMap::new();
        for (run, predictions) in state.runs.values().filter(|(_, predictions)| !predictions.is_empty()) {
            let is_of_source = state.jobs.get(&run.job_id).is_some_and(|job| job.source_id == query.source_id);
            if is_of_source && run.issued_at <= query.issued_until {
                let (oldest, count) = jobs.entry(run.job_id).or_insert((run.issued_at, 0));
                *oldest = run.issued_at.min(*oldest);
                *count +=
                    if query.issued_after.is_none_or(|after| run.issued_at > after) { predictions.len() } else { 0 };
            }
        }
        let mut jobs: Vec<(Timestamp, usize)> = jobs.into_values().collect();
        jobs.sort_unstable();
        let are_more = jobs.len() > query.most_jobs;
        jobs.truncate(query.most_jobs);
        let values: usize = jobs.iter().map(|(_, count)| count).sum();
        Ok(ValueCount {
            values: values.min(query.most_values) as u64,
            jobs: jobs.iter().filter(|(_, count)| *count > 0).count() as u64,
            is_at_least: are_more || values > query.most_values,
        })
    }
}

impl State {
    /// Gives a run that is stored the next number of its job.
    fn number_run(&mut self, run: &Run) {
        let last = self.last_numbers.entry(run.job_id).or_insert(RunNumber::NONE);
        *last = last.next();
        self.run_numbers.insert(run.id, *last);
    }
}

impl State {
    fn has_job_of(&self, run: &Run) -> bool {
        self.jobs.get(&run.job_id).is_some_and(|job| job.organisation_id == run.organisation_id)
    }

    /// All runs of the job of that one.
    fn runs_of(&self, run: &Run) -> impl Iterator<Item = &Run> {
        let job = (run.organisation_id, run.job_id);
        self.runs.values().map(|(run, _)| run).filter(move |stored| (stored.organisation_id, stored.job_id) == job)
    }

    fn issued_with(&self, run: &Run) -> Option<&Run> {
        self.runs_of(run).find(|stored| stored.issued_at == run.issued_at)
    }

    /// A run of that job, also one that was replaced.
    fn run(&self, organisation_id: OrganisationId, job_id: JobId, id: RunId) -> Option<&Run> {
        let run = self.runs.get(&id).map(|(run, _)| run).or_else(|| self.replaced_runs.get(&id));
        run.filter(|run| run.organisation_id == organisation_id && run.job_id == job_id)
    }

    fn store(&mut self, run: Run, predictions: &[Prediction]) {
        self.number_run(&run);
        self.counted_until.insert(run.job_id, latest_issue(run.received_at));
        self.runs.insert(run.id, (run, predictions.to_vec()));
    }
}

fn passes(filter: &RunFilter, run: &Run) -> bool {
    let RunFilter { status, from, to, known_at } = filter;
    status.is_none_or(|status| run.status == status)
        && from.is_none_or(|from| run.issued_at >= from)
        && to.is_none_or(|to| run.issued_at < to)
        && known_at.is_none_or(|time| run.received_at <= time)
}

fn is_wanted(query: &PredictionQuery, prediction: &Prediction) -> bool {
    query.role.as_ref().is_none_or(|role| prediction.role == *role)
        && query.from.is_none_or(|from| prediction.at >= from)
        && query.to.is_none_or(|to| prediction.at < to)
        && query.after.as_ref().is_none_or(|after| (&prediction.role, prediction.at) > (&after.role, after.at))
}
