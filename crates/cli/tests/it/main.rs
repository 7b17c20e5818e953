//! The command against a server that answers what a test tells it to, and as a process.

#![expect(clippy::unwrap_used, reason = "a test fails where something cannot be had")]

mod applying;
mod canned;
mod exporting;
mod failing;
mod process;
mod screens;
mod signing_in;
mod terminal;
mod watching;
