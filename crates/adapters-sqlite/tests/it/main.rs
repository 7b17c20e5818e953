//! The contract suite, and what is particular to SQLite.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test, as the test itself does")]

mod availability;
mod by_health;
mod constraints;
mod contract;
mod corruption;
mod file;
mod job_inputs;
mod migrations;
mod name_keys;
mod paging;
mod parts;
mod processes;
mod query_plans;
mod retention;
mod revisions;
mod runs;
mod schema;
mod test_database;
mod upgrades;
