use std::collections::BTreeMap;

use prediction_domain::model::{
    JobId, OrganisationId, Page, PageRequest, Prediction, PredictionPosition, Run, RunId, RunNumber, RunPosition,
};
use prediction_domain::ports::{
    InsertRunError, Issued, PredictedValue, PredictedValues, PredictionQuery, RunFilter, RunRepository, StoreFailure,
};

use super::{MemoryStore, State};

impl RunRepository for MemoryStore {
    fn insert(&self, run: &Run, predictions: &[Prediction]) -> Result<(), InsertRunError> {
        let mut state = self.state();
        if state.jobs.get(&run.job_id).is_none_or(|job| job.organisation_id != run.organisation_id) {
            return Err(InsertRunError::JobMissing);
        }
        let taken = state.runs.values().find(|(stored, _)| {
            (stored.organisation_id, stored.job_id, stored.issued_at)
                == (run.organisation_id, run.job_id, run.issued_at)
        });
        if let Some((taken, _)) = taken {
            return Err(InsertRunError::IssuedAtTaken(Box::new(taken.clone())));
        }
        state.number_run(run);
        state.runs.insert(run.id, (run.clone(), predictions.to_vec()));
        Ok(())
    }

    fn find(&self, organisation_id: OrganisationId, job_id: JobId, id: RunId) -> Result<Option<Run>, StoreFailure> {
        let state = self.state();
        let run = state.runs.get(&id).map(|(run, _)| run);
        Ok(run.filter(|run| run.organisation_id == organisation_id && run.job_id == job_id).cloned())
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
        Ok(Page::of_one_too_many(found, page, RunPosition::of))
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
}

impl State {
    /// Gives a run that is stored the next number of its job.
    fn number_run(&mut self, run: &Run) {
        let last = self.last_numbers.entry(run.job_id).or_insert(RunNumber::NONE);
        *last = last.next();
        self.run_numbers.insert(run.id, *last);
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
