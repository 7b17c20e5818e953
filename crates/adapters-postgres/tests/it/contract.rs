//! The specification of the ports.

use crate::test_database::make_stores;

prediction_domain_testkit::contract_suite!(make_stores);

/// The same where sessions are shared, as behind a pooler in transaction mode.
mod of_shared_sessions {
    use crate::test_database::make_stores_of_shared_sessions;

    prediction_domain_testkit::contract_suite!(make_stores_of_shared_sessions);
}
