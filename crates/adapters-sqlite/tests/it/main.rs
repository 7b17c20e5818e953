//! The contract suite, and what is particular to SQLite.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test, as the test itself does")]

mod constraints;
mod contract;
mod corruption;
mod failures;
mod file;
mod fixture;
mod health_plans;
mod job_inputs;
mod lists;
mod migrations;
mod name_keys;
mod processes;
mod query_plans;
mod retention;
mod revisions;
mod runs;
mod schema;
mod upgrades;
