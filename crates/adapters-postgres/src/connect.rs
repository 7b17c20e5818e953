//! From a URL to the text that libpq connects with.

mod endpoint;
mod hosts;
mod syntax;
mod tls;
mod url;

pub(crate) use hosts::Hosts;
pub use url::{PostgresUrl, UrlError};
