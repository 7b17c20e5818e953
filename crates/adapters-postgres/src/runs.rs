//! Runs, and what they predict.

mod insert;
mod predictions;

use diesel::prelude::*;
use prediction_domain::model::{
    JobId, OrganisationId, Page, PageRequest, Prediction, Run, RunId, RunNumber, RunPosition, RunStatus,
};
use prediction_domain::ports::{
    InsertRunError, PredictedValues, PredictionQuery, RunFilter, RunRepository, StoreFailure,
};

use self::insert::InsertRun;
use self::predictions::ReadPredictions;
use crate::constraints::Breach;
use crate::failure::Kind;
use crate::paging::one_too_many;
use crate::rows::{PredictionRow, RunRow, read_all, read_optional};
use crate::schema::runs;
use crate::store::PostgresStore;

/// How often a run that was in the way is looked for again when it is gone by then.
const MOST_TIMES_GONE: u32 = 3;

impl RunRepository for PostgresStore {
    fn insert(&self, run: &Run, predictions: &[Prediction]) -> Result<(), InsertRunError> {
        let insert = InsertRun::new(run, predictions);
        let mut attempts = 0;
        for _ in 0..MOST_TIMES_GONE {
            let inserted = self.database().statement(|connection| {
                attempts += 1;
                insert.clone().get_result::<(i64, i64)>(connection)
            });
            match inserted {
                Ok((0, _)) => return Err(InsertRunError::JobMissing),
                Ok((_, 1)) => return Ok(()),
                Ok(_) => {}
                // Its own first attempt, whose connection died, was stored at the same moment.
                Err(failure) if failure.kind() == Some(Kind::Breach(Breach::RunId)) => {}
                Err(failure) => return Err(StoreFailure::from(failure).into()),
            }
            match self.issued_with(run)? {
                // Ids of runs are fresh, so this one is from an attempt whose answer was lost.
                Some(taken) if taken.id == run.id && attempts > 1 => return Ok(()),
                Some(taken) => return Err(InsertRunError::IssuedAtTaken(Box::new(taken))),
                None => {}
            }
        }
        Err(StoreFailure::Unavailable("a run keeps coming and going".into()).into())
    }

    fn find(&self, organisation_id: OrganisationId, job_id: JobId, id: RunId) -> Result<Option<Run>, StoreFailure> {
        let found: Option<RunRow> = self.database().statement(|connection| {
            runs::table
                .filter(runs::organisation_id.eq(organisation_id.as_uuid()))
                .filter(runs::job_id.eq(job_id.as_uuid()))
                .filter(runs::id.eq(id.as_uuid()))
                .select(RunRow::as_select())
                .first(connection)
                .optional()
        })?;
        read_optional(found)
    }

    /// Along the primary key, backwards: no two runs of a job are issued at the same time, so their ids order nothing.
    fn list(
        &self,
        organisation_id: OrganisationId,
        job_id: JobId,
        filter: &RunFilter,
        page: &PageRequest<RunPosition>,
    ) -> Result<Page<Run, RunPosition>, StoreFailure> {
        let RunFilter { status, from, to, known_at } = filter;
        let found: Vec<RunRow> = self.database().statement(|connection| {
            let mut query = runs::table
                .filter(runs::organisation_id.eq(organisation_id.as_uuid()))
                .filter(runs::job_id.eq(job_id.as_uuid()))
                .select(RunRow::as_select())
                .order((runs::organisation_id.desc(), runs::job_id.desc(), runs::issued_at.desc()))
                .limit(one_too_many(page))
                .into_boxed();
            if let Some(status) = status {
                query = query.filter(runs::succeeded.eq(*status == RunStatus::Succeeded));
            }
            if let Some(from) = from {
                query = query.filter(runs::issued_at.ge(from.as_datetime()));
            }
            if let Some(to) = to {
                query = query.filter(runs::issued_at.lt(to.as_datetime()));
            }
            if let Some(known_at) = known_at {
                query = query.filter(runs::received_at.le(known_at.as_datetime()));
            }
            if let Some(after) = &page.after {
                let issued_at = after.issued_at.as_datetime();
                let same_time = runs::issued_at.eq(issued_at).and(runs::id.lt(after.id.as_uuid()));
                query = query.filter(runs::issued_at.le(issued_at));
                query = query.filter(runs::issued_at.lt(issued_at).or(same_time));
            }
            query.load(connection)
        })?;
        Ok(Page::of_one_too_many(read_all(found)?, page, RunPosition::of))
    }

    fn predictions(&self, query: &PredictionQuery) -> Result<PredictedValues, StoreFailure> {
        let mut last_run = query.last_run;
        let mut values = Vec::new();
        if let Some(read) = ReadPredictions::new(query) {
            let rows = self.database().statement(|connection| read.clone().load::<PredictionRow>(connection))?;
            last_run = last_run.or_else(|| rows.first()?.last_run());
            values = read_all(rows)?;
        }
        Ok(PredictedValues { values, last_run: last_run.unwrap_or(RunNumber::NONE) })
    }
}

impl PostgresStore {
    /// The run of the same job that was issued at the same time.
    fn issued_with(&self, run: &Run) -> Result<Option<Run>, StoreFailure> {
        let key = (run.organisation_id.as_uuid(), run.job_id.as_uuid(), run.issued_at.as_datetime());
        let found: Option<RunRow> = self
            .database()
            .statement(|connection| runs::table.find(key).select(RunRow::as_select()).first(connection).optional())?;
        read_optional(found)
    }
}
