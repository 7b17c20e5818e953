use std::sync::Arc;

use prediction_domain::ports::StorePorts;
use prediction_domain_testkit::Stores;

use crate::test_database::Database;

fn make_stores() -> Stores {
    let database = Database::migrated();
    Stores::from(StorePorts::of(&Arc::new(database.store.clone()))).keeping(database)
}

prediction_domain_testkit::contract_suite!(make_stores);
