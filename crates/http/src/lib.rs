//! To come.

pub mod auth;
pub mod strict_json;
