//! The command as users run it: a process, spoken to over HTTP, on both databases.

#![expect(clippy::unwrap_used, reason = "a test fails where something cannot be had")]

mod harness;

mod bad_bodies;
mod bad_queries;
mod browsers;
mod candidates;
mod chains;
mod changes;
mod client_examples;
mod command;
mod comparing;
mod connections;
mod costs;
mod crate_edges;
mod cursors;
mod documents;
mod evolution_races;
mod file_circles;
mod hostile_tokens;
mod idempotency;
mod impact;
mod inputs;
mod isolation;
mod issuer;
mod issuer_tls;
mod kept_history;
mod key_sets;
mod lifecycles;
mod lists;
mod log;
mod mistakes;
mod names;
mod numbers;
mod oidc;
mod owners;
mod page_sizes;
mod process;
mod profiles;
mod protocol;
mod quotas;
mod races;
mod readme;
mod request_log;
mod restoring;
mod results;
mod retention;
mod runner;
mod start_up;
mod statuses;
mod traces;
mod tutorial;
mod upgrading;
mod upgrading_many;
mod wiring;
