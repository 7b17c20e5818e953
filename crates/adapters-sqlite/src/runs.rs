use diesel::dsl::exists;
use diesel::prelude::*;
use prediction_domain::model::{JobId, OrganisationId, Page, PageRequest, Prediction, Run, RunId, RunPosition};
use prediction_domain::ports::{
    Effect, InsertRunError, PredictedValues, PredictionQuery, RunFilter, RunRepository, StoreFailure,
};

use crate::errors::OrStoreFailure as _;
use crate::expressions::is_before;
use crate::predictions;
use crate::rows::{RunRow, limit, one_too_many, restore, restore_all, succeeded};
use crate::schema::{jobs, runs};
use crate::store::SqliteStore;

impl RunRepository for SqliteStore {
    /// Nobody else writes in the meantime, so that what is looked up first stays so.
    fn insert(&self, run: &Run, predictions: &[Prediction]) -> Result<(), InsertRunError> {
        self.write(Effect::Commit, |connection| {
            let row = RunRow::from(run);
            let job = jobs::table.find((run.organisation_id.to_string(), run.job_id.to_string()));
            if !diesel::select(exists(job)).get_result(connection).or_store_failure()? {
                return Err(InsertRunError::JobMissing);
            }
            if let Some(taken) = issued_with(connection, run)? {
                return Err(InsertRunError::IssuedAtTaken(Box::new(taken)));
            }
            diesel::insert_into(runs::table).values(row).execute(connection).or_store_failure()?;
            predictions::insert(connection, run, predictions).or_store_failure()?;
            Ok(())
        })
    }

    fn find(&self, organisation_id: OrganisationId, job_id: JobId, id: RunId) -> Result<Option<Run>, StoreFailure> {
        let row = runs::table
            .filter(runs::organisation_id.eq(organisation_id.to_string()))
            .filter(runs::job_id.eq(job_id.to_string()))
            .filter(runs::id.eq(id.to_string()))
            .select(RunRow::as_select());
        restore(row.first(&mut self.reader()?).optional().or_store_failure()?.as_ref())
    }

    fn list(
        &self,
        organisation_id: OrganisationId,
        job_id: JobId,
        filter: &RunFilter,
        page: &PageRequest<RunPosition>,
    ) -> Result<Page<Run, RunPosition>, StoreFailure> {
        let RunFilter { status, from, to, known_at } = filter;
        let mut query = runs::table
            .filter(runs::organisation_id.eq(organisation_id.to_string()))
            .filter(runs::job_id.eq(job_id.to_string()))
            .select(RunRow::as_select())
            .order((runs::issued_at.desc(), runs::id.desc()))
            .limit(limit(one_too_many(page)))
            .into_boxed();
        if let Some(status) = status {
            query = query.filter(runs::succeeded.eq(succeeded(*status)));
        }
        if let Some(from) = from {
            query = query.filter(runs::issued_at.ge(from.as_micros()));
        }
        if let Some(known_at) = known_at {
            query = query.filter(runs::received_at.le(known_at.as_micros()));
        }
        // Of two ends, SQLite may begin at the one that is further away: only the nearer one is told.
        match (page.after, to) {
            (Some(position), to) if to.is_none_or(|to| position.issued_at < to) => {
                query = query.filter(is_before(runs::issued_at, runs::id, position));
            }
            (_, Some(to)) => query = query.filter(runs::issued_at.lt(to.as_micros())),
            (_, None) => {}
        }
        let rows: Vec<RunRow> = query.load(&mut self.reader()?).or_store_failure()?;
        Ok(Page::of_one_too_many(restore_all(&rows)?, page, RunPosition::of))
    }

    fn predictions(&self, query: &PredictionQuery) -> Result<PredictedValues, StoreFailure> {
        predictions::read(&mut *self.reader()?, query)
    }
}

/// The run of the same job that was issued at the same time.
fn issued_with(connection: &mut SqliteConnection, run: &Run) -> Result<Option<Run>, StoreFailure> {
    let key = (run.organisation_id.to_string(), run.job_id.to_string(), run.issued_at.as_micros());
    let row = runs::table.find(key).select(RunRow::as_select());
    restore(row.first(connection).optional().or_store_failure()?.as_ref())
}
