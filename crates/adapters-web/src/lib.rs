//! What the service asks of others over HTTP: the keys of an issuer, and a collector of traces.
//!
//! All of it goes by one client: past no redirection and no proxy, to hosts whose certificates the system trusts. What
//! is asked for is configured by the operator, and what comes back is bounded in time and length.

mod address;
mod client;
mod issuer_keys;
mod traces;

pub use address::{Address, AddressError, Transport};
pub use issuer_keys::{FetchError, Place, PublishedKeys, TIME_OUT};
pub use traces::{EndpointError, TraceExport};
