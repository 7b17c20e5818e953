//! The specification of the ports.

use crate::test_database::make_stores;

prediction_domain_testkit::contract_suite!(make_stores);
