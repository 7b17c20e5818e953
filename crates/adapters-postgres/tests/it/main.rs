//! The adapter on a real server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers, too")]

mod availability;
mod bounded_reports;
mod by_health;
mod cluster;
mod conflicts;
mod constraints;
mod contract;
mod contract_on_partitions;
mod corruption;
mod distribution;
mod foreign_uses;
mod job_inputs;
mod languages;
mod lost_answers;
mod migrations;
mod name_keys;
mod paging;
mod predictions;
mod query_plans;
mod replication;
mod retention;
mod schema;
mod sessions;
mod sqlstates;
mod test_database;
mod upgrades;
