//! The routes on mocked ports, and on the in-memory store: what a handler asks of the ports, what it answers when they
//! fail, and that the OpenAPI document tells the truth.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing fails, as it should")]

mod bodies;
mod chain_calls;
mod degraded;
mod documents;
mod entity_tags;
mod failures;
mod framework_errors;
mod handlers;
mod health;
mod members;
mod overload;
mod owners;
mod port_calls;
mod properties;
mod provoked;
mod readings;
mod reporting;
mod runs;
mod service;
mod setup_schemas;
mod shared_pages;
mod snapshots;
mod walks;
