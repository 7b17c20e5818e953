//! From a URL to the text that libpq connects with.

mod endpoint;
mod error;
mod hosts;
mod syntax;
mod tls;
mod url;

pub use error::UrlError;
pub(crate) use hosts::Hosts;
pub use url::PostgresUrl;
