//! Distributing the tables over several servers: on Citus, see `./scripts/test --on`, and what is said elsewhere.

use prediction_adapters_postgres::{LockRetry, StartUpError};

use crate::cluster::Cluster;
use crate::test_database::TestDatabase;

#[test]
fn a_database_without_the_extension_is_not_distributed_and_it_is_said_what_to_do() {
    let database = TestDatabase::empty();
    let store = database.store();
    let refused = [store.check_distribution(), store.distribute(&LockRetry::default(), &mut |_| ()).map(drop)];
    for refusal in refused {
        let Err(StartUpError::NotDistributable { wrong }) = refusal else { panic!("{refusal:?}") };
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(wrong[0].starts_with("the extension citus is not in this database: have shared_preload_libraries"));
        assert!(wrong[0].contains("CREATE EXTENSION citus"));
    }
    assert_eq!(database.count("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), 0);
}

/// The tables of the template of tests are, where that is on Citus.
#[test]
fn what_is_distributed_is_not_distributed_again() {
    let database = TestDatabase::migrated();
    let store = database.store();
    let again = store.distribute(&LockRetry::default(), &mut |_| ());
    if Cluster::find().is_distributed() {
        assert_eq!(again.unwrap(), Vec::<String>::new());
        store.check_distribution().unwrap();
        assert_eq!(store.migrate().unwrap(), Vec::<String>::new());
    } else {
        assert!(matches!(again, Err(StartUpError::NotDistributable { .. })), "{again:?}");
    }
}

/// A release of tomorrow brings a table, and writes a function anew that has another form on several servers.
#[test]
fn what_comes_later_is_distributed_with_the_next_run() {
    let database = TestDatabase::migrated();
    let sql = "SELECT md5(prosrc) AS value FROM pg_proc WHERE proname = 'keep_inputs_and_outputs_of_new_jobs'";
    let before = database.texts(sql);
    database.execute(
        "CREATE OR REPLACE FUNCTION keep_inputs_and_outputs_of_new_jobs() RETURNS trigger LANGUAGE plpgsql \
         AS $$ BEGIN RETURN NULL; END; $$",
    );
    let distributed = database.store().distribute(&LockRetry::default(), &mut |_| ());
    if Cluster::find().is_distributed() {
        assert_eq!(distributed.unwrap(), ["keep_inputs_and_outputs_of_new_jobs"]);
        assert_eq!(database.texts(sql), before);
    } else {
        assert!(distributed.is_err());
        assert_ne!(database.texts(sql), before, "nothing was changed");
    }
}
