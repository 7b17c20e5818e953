use std::path::PathBuf;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use prediction_adapters_sqlite::{Settings, SqliteStore};
use prediction_domain::model::{Job, MAX_PREDICTIONS, SourceVersion};
use prediction_domain::ports::{
    Issued, JobRepository, JobSetUp, JobSetUpOutcome, PredictionQuery, RetentionRepository, RunRepository,
    SourceRepository, SourceVersionRepository,
};
use prediction_domain_testkit::builders::{a_job_of, a_plan_for, a_plan_for_everything};
use tempfile::TempDir;

/// A machine that runs many tests at once can be slow to hand over a lock.
pub(crate) const LONG_WAIT: Settings =
    Settings { readers: 4, connection_wait: Duration::from_secs(30), lock_wait: Duration::from_secs(30) };

/// A store in a folder of its own.
pub(crate) struct Database {
    pub(crate) store: SqliteStore,
    folder: TempDir,
}

impl Database {
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("predictions.db"), LONG_WAIT).unwrap();
        Self { store, folder }
    }

    pub(crate) fn migrated() -> Self {
        let database = Self::empty();
        database.store.migrate().unwrap();
        database
    }

    /// With a source, a version and a job that runs it.
    pub(crate) fn with_a_job() -> (Self, SourceVersion, Job) {
        let database = Self::migrated();
        let plan = a_plan_for_everything();
        database.set_up(&plan);
        (database, plan.new_version.unwrap(), plan.job)
    }

    pub(crate) fn sources(&self) -> &dyn SourceRepository {
        &self.store
    }

    pub(crate) fn versions(&self) -> &dyn SourceVersionRepository {
        &self.store
    }

    pub(crate) fn jobs(&self) -> &dyn JobRepository {
        &self.store
    }

    pub(crate) fn runs(&self) -> &dyn RunRepository {
        &self.store
    }

    pub(crate) fn retention(&self) -> &dyn RetentionRepository {
        &self.store
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("predictions.db")
    }

    /// A connection that knows nothing of the store's rules, but of the schema's.
    pub(crate) fn connect(&self) -> SqliteConnection {
        let mut connection = SqliteConnection::establish(self.path().to_str().unwrap()).unwrap();
        connection.batch_execute("PRAGMA busy_timeout = 30000; PRAGMA foreign_keys = ON").unwrap();
        connection
    }

    pub(crate) fn set_up(&self, plan: &JobSetUp) {
        let outcomes = self.store.set_up_many(std::slice::from_ref(plan));
        assert!(matches!(outcomes[..], [Ok(JobSetUpOutcome::Created)]), "{outcomes:?}");
    }

    pub(crate) fn set_up_job(&self, version: &SourceVersion) -> Job {
        let job = a_job_of(version);
        self.set_up(&a_plan_for(job.clone()));
        job
    }
}

/// Whatever was predicted for a job.
pub(crate) fn everything_of(job: &Job) -> PredictionQuery {
    PredictionQuery {
        organisation_id: job.organisation_id,
        job_id: job.id,
        role: None,
        from: None,
        to: None,
        issued: Issued::AtAnyTime,
        issued_after: None,
        known_at: None,
        last_run: None,
        after: None,
        limit: MAX_PREDICTIONS,
    }
}

/// What a statement that gives one number gives.
pub(crate) fn number(connection: &mut SqliteConnection, sql: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    diesel::sql_query(format!("SELECT ({sql}) AS number")).get_result::<Number>(connection).unwrap().number
}
