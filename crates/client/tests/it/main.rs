//! The client against a server that says what a test tells it to.

#![expect(clippy::unwrap_used, reason = "a test fails where something cannot be had")]

mod answers;
mod oauth;
mod operations;
mod retries;
mod server;
mod signing_in;
