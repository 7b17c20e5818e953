//! The in-memory store passes the contract suite.

use prediction_domain_testkit::MemoryStore;

prediction_domain_testkit::contract_suite!(MemoryStore::stores);
