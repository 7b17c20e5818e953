//! Runs, and what they predict.

mod asked_for;
mod change;
mod count;
mod insert;
mod kept_history;
mod newest;
mod predictions;
mod retention;

use diesel::prelude::*;
use prediction_domain::model::{
    Allowance, JobId, OrganisationId, Page, PageRequest, Prediction, Revision, Run, RunId, RunNumber, RunPosition,
    RunStatus, Timestamp, ValueCount,
};
use prediction_domain::ports::{
    DeleteRunError, InsertNextError, InsertRunError, PredictedValues, PredictionQuery, ReplaceRunError, RunFilter,
    RunRepository, StoreFailure, ValueCountQuery, WriteMode,
};

use self::count::{CountValues, Counted};
use self::insert::{InsertRun, Inserted};
use self::predictions::ReadPredictions;
use crate::constraints::ConstraintViolation;
use crate::database::Abort;
use crate::failure::Kind;
use crate::paging::{at_once, limit};
use crate::quotas;
use crate::rows::{PredictionRow, ReplacedRunRow, RunRow, read_all, read_optional};
use crate::schema::{replaced_runs, runs};
use crate::store::PostgresStore;

/// How often a run that was in the way is looked for again when it is gone by then.
const MOST_TIMES_GONE: u32 = 3;
/// How often the next time is looked for again when another report took it: only reports that say when a run was issued
/// can.
const MOST_TIMES_TAKEN: u32 = 64;

impl RunRepository for PostgresStore {
    fn insert(
        &self,
        run: &Run,
        predictions: &[Prediction],
        allowance: Option<Allowance>,
    ) -> Result<(), InsertRunError> {
        let insert = InsertRun::new(run, predictions, allowance);
        for _ in 0..MOST_TIMES_GONE {
            let attempt = self.attempt(&insert)?;
            match attempt.ended {
                Ended::JobMissing => return Err(InsertRunError::JobMissing),
                Ended::Stored(_) => return Ok(()),
                Ended::InTheWay | Ended::UsedUp => {}
            }
            match self.issued_with(run)? {
                // Ids of runs are fresh, so this one is from an attempt whose answer was lost.
                Some(taken) if taken.id == run.id && attempt.may_be_lost => return Ok(()),
                Some(taken) => return Err(InsertRunError::IssuedAtTaken(Box::new(taken))),
                None => {}
            }
            if let (Ended::UsedUp, Some(allowance)) = (attempt.ended, &allowance) {
                return Err(InsertRunError::QuotaExceeded(quotas::used_up(
                    self.database(),
                    run.organisation_id,
                    allowance,
                )?));
            }
        }
        Err(StoreFailure::Unavailable("a run keeps coming and going".into()).into())
    }

    fn insert_next(
        &self,
        run: &Run,
        until: Timestamp,
        predictions: &[Prediction],
        allowance: Option<Allowance>,
    ) -> Result<Timestamp, InsertNextError> {
        let insert = InsertRun::next(run, until, predictions, allowance);
        for _ in 0..MOST_TIMES_TAKEN {
            let attempt = self.attempt(&insert)?;
            match attempt.ended {
                Ended::JobMissing => return Err(InsertNextError::JobMissing),
                Ended::Stored(issued_at) => return Ok(issued_at),
                Ended::InTheWay | Ended::UsedUp if attempt.may_be_lost => {
                    // What an attempt stored whose answer was lost has another time, but the same id.
                    if let Some(stored) = self.find(run.organisation_id, run.job_id, run.id)? {
                        return Ok(stored.issued_at);
                    }
                }
                // Another report said just that time.
                Ended::InTheWay | Ended::UsedUp => {}
            }
            if let (Ended::UsedUp, Some(allowance)) = (attempt.ended, &allowance) {
                return Err(InsertNextError::QuotaExceeded(quotas::used_up(
                    self.database(),
                    run.organisation_id,
                    allowance,
                )?));
            }
        }
        Err(StoreFailure::Unavailable("the time at which a run is issued is always taken".into()).into())
    }

    fn replace(
        &self,
        run: &Run,
        predictions: &[Prediction],
        allowance: Option<Allowance>,
    ) -> Result<(), ReplaceRunError> {
        let is_distributed = self.database().is_distributed().map_err(StoreFailure::from)?;
        let replaced = self.database().transaction(WriteMode::Commit, |connection| {
            change::replace(connection, run, predictions, allowance, is_distributed)
        });
        match (replaced, &allowance) {
            (Err(ReplaceRunError::QuotaExceeded(_)), Some(allowance)) => {
                Err(ReplaceRunError::QuotaExceeded(quotas::used_up(self.database(), run.organisation_id, allowance)?))
            }
            (replaced, _) => replaced,
        }
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
        let key = (organisation_id.as_uuid(), job_id.as_uuid());
        self.database().transaction(mode, |connection| change::delete(connection, key, id.as_uuid(), expected, until))
    }

    fn find(&self, organisation_id: OrganisationId, job_id: JobId, id: RunId) -> Result<Option<Run>, StoreFailure> {
        let key = (organisation_id.as_uuid(), job_id.as_uuid());
        let found = self.database().statement(|connection| change::find(connection, key, id.as_uuid()))?;
        if let Some(row) = found {
            return Ok(Some(row.try_into()?));
        }
        let replaced: Option<ReplacedRunRow> = self.database().statement(|connection| {
            let row = replaced_runs::table.find((key.0, key.1, id.as_uuid()));
            row.select(ReplacedRunRow::as_select()).first(connection).optional()
        })?;
        if replaced.is_some() {
            return read_optional(replaced);
        }
        // It may have come back to its place in between.
        read_optional(self.database().statement(|connection| change::find(connection, key, id.as_uuid()))?)
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
        Page::filled(page, at_once::TEXTS, |after: Option<RunPosition>, most| {
            let found: Vec<RunRow> = self.database().statement(|connection| {
                let mut query = runs::table
                    .filter(runs::organisation_id.eq(organisation_id.as_uuid()))
                    .filter(runs::job_id.eq(job_id.as_uuid()))
                    .select(RunRow::as_select())
                    .order((runs::organisation_id.desc(), runs::job_id.desc(), runs::issued_at.desc()))
                    .limit(limit(most))
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
                if let Some(after) = &after {
                    let issued_at = after.issued_at.as_datetime();
                    let same_time = runs::issued_at.eq(issued_at).and(runs::id.lt(after.id.as_uuid()));
                    query = query.filter(runs::issued_at.le(issued_at));
                    query = query.filter(runs::issued_at.lt(issued_at).or(same_time));
                }
                query.load(connection)
            })?;
            let runs: Vec<Run> = read_all(found)?;
            Ok(runs
                .into_iter()
                .map(|run| {
                    let place = RunPosition::of(&run);
                    (run, place)
                })
                .collect())
        })
    }

    fn newest(&self, jobs: &[(OrganisationId, JobId)]) -> Result<Vec<Option<Run>>, StoreFailure> {
        newest::find(self.database(), jobs)
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

    fn count_values(&self, query: &ValueCountQuery) -> Result<ValueCount, StoreFailure> {
        let count = CountValues::new(query);
        let counted = if self.database().is_distributed()? {
            count::on_servers(self.database(), &count)?
        } else {
            self.database().statement(|connection| count.clone().get_result::<Counted>(connection))?
        };
        counted.within(query)
    }
}

/// How an attempt to store a run ended.
#[derive(Clone, Copy)]
enum Ended {
    JobMissing,
    Stored(Timestamp),
    /// A run that was issued at the same time, or one of the same id.
    InTheWay,
    /// There was not enough left of what it was allowed to use.
    UsedUp,
}

struct Attempt {
    ended: Ended,
    /// Whether it may be that an earlier attempt was stored all the same.
    may_be_lost: bool,
}

/// How an attempt ended that stored nothing.
struct NotStored(Result<Ended, StoreFailure>);

impl From<StoreFailure> for NotStored {
    fn from(failure: StoreFailure) -> Self {
        Self(Err(failure))
    }
}

impl PostgresStore {
    fn attempt(&self, insert: &InsertRun<'_>) -> Result<Attempt, StoreFailure> {
        if self.database().is_distributed()? {
            return self.attempt_on_server(insert);
        }
        let mut attempts = 0;
        let inserted = self.database().statement(|connection| {
            attempts += 1;
            insert.clone().get_result::<Inserted>(connection)
        });
        let ended = match inserted {
            Ok((0, ..)) => Ended::JobMissing,
            Ok((_, Some(issued_at), _)) => Ended::Stored(Timestamp::truncated(issued_at)),
            Ok((_, None, true)) => Ended::InTheWay,
            Ok((_, None, false)) => Ended::UsedUp,
            Err(failure) if failure.kind() == Some(Kind::ConstraintViolation(ConstraintViolation::UsedUp)) => {
                Ended::UsedUp
            }
            // Its own first attempt, whose connection died, was stored at the same moment.
            Err(failure) if failure.kind() == Some(Kind::ConstraintViolation(ConstraintViolation::RunId)) => {
                Ended::InTheWay
            }
            Err(failure) => return Err(failure.into()),
        };
        Ok(Attempt { ended, may_be_lost: attempts > 1 })
    }

    /// Where tables are distributed. Whoever is not told whether a transaction lasts is told just that, so no attempt
    /// is repeated that may have been stored.
    fn attempt_on_server(&self, insert: &InsertRun<'_>) -> Result<Attempt, StoreFailure> {
        let stored = self.database().transaction(WriteMode::Commit, |connection| {
            insert::on_server::insert(connection, insert).map_err(|error| match Kind::of(&error) {
                Kind::ConstraintViolation(ConstraintViolation::UsedUp) => Abort::Refused(NotStored(Ok(Ended::UsedUp))),
                Kind::ConstraintViolation(ConstraintViolation::RunId) => Abort::Refused(NotStored(Ok(Ended::InTheWay))),
                _ => Abort::Statement(error),
            })
        });
        let ended = match stored {
            Ok((0, ..)) => Ended::JobMissing,
            Ok((_, Some(issued_at), _)) => Ended::Stored(Timestamp::truncated(issued_at)),
            Ok((_, None, true)) => Ended::InTheWay,
            Ok((_, None, false)) => Ended::UsedUp,
            Err(NotStored(ended)) => ended?,
        };
        Ok(Attempt { ended, may_be_lost: false })
    }

    /// The run of the same job that was issued at the same time. The order leads along the key: without statistics,
    /// another index seems as good, in which only the job leads to the run.
    fn issued_with(&self, run: &Run) -> Result<Option<Run>, StoreFailure> {
        let issued_at = run.issued_at.as_datetime();
        let found: Option<RunRow> = self.database().statement(|connection| {
            runs::table
                .filter(runs::organisation_id.eq(run.organisation_id.as_uuid()))
                .filter(runs::job_id.eq(run.job_id.as_uuid()))
                .filter(runs::issued_at.ge(issued_at))
                .filter(runs::issued_at.le(issued_at))
                .order((runs::organisation_id, runs::job_id, runs::issued_at))
                .select(RunRow::as_select())
                .first(connection)
                .optional()
        })?;
        read_optional(found)
    }
}
