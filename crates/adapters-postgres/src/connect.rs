//! From a URL to the text that libpq connects with.

mod endpoint;
mod syntax;
mod tls;
mod url;

pub use url::{PostgresUrl, UrlError};
