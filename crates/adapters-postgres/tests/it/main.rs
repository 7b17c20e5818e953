//! The adapter on a real server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers, too")]

mod bounded_reports;
mod conflicts;
mod connections;
mod constraints;
mod contract;
mod contract_on_partitions;
mod corruption;
mod foreign_uses;
mod health_index;
mod indexes;
mod job_inputs;
mod languages;
mod lost_answers;
mod migrations;
mod name_keys;
mod paging;
mod purging;
mod readings;
mod replication;
mod schema;
mod sessions;
mod sqlstates;
mod test_database;
mod upgrades;
