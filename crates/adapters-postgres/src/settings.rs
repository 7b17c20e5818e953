//! How a store reaches its database.

use std::num::NonZeroU32;

use crate::connect::PostgresUrl;
use crate::server_connection::Pooling;

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it is, and who asks.
    pub url: PostgresUrl,
    /// The most connections at a time. Few are best: each holds a process of the server.
    pub pool_size: NonZeroU32,
    /// What is between them and the database.
    pub pooling: Pooling,
}

impl Settings {
    /// The connections at a time, unless the operator says how many.
    pub const DEFAULT_POOL_SIZE: NonZeroU32 = NonZeroU32::new(12).expect("twelve is not zero");

    /// The database of that URL, with the default number of connections.
    #[must_use]
    pub fn new(url: PostgresUrl) -> Self {
        Self { url, pool_size: Self::DEFAULT_POOL_SIZE, pooling: Pooling::Auto }
    }
}
