//! What a user's files become, and what is told about them.

#![expect(clippy::unwrap_used, reason = "a test fails where something cannot be had")]

mod folders;
mod locating;
mod properties;
mod reading;
mod refused;
mod rendering;
mod sizes;
mod support;
mod writing;
