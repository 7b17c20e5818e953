use std::sync::Arc;

use prediction_adapters_sqlite::SqliteStore;
use prediction_domain_testkit::Stores;

use crate::fixture::Database;

fn make_stores() -> Stores {
    let database = Database::migrated();
    let store: Arc<SqliteStore> = Arc::new(database.store.clone());
    Stores {
        sources: store.clone(),
        source_versions: store.clone(),
        jobs: store.clone(),
        runs: store.clone(),
        judgements: store.clone(),
        retention: store.clone(),
        health: store.clone(),
        statistics: store,
        keep_alive: Box::new(database),
    }
}

prediction_domain_testkit::contract_suite!(make_stores);
