use std::time::Duration;

/// How a store uses its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How many connections read at the same time. There is always exactly one that writes.
    pub readers: u32,
    /// How long a request waits for a connection before it is refused.
    pub connection_wait: Duration,
    /// How long a connection waits for a lock that another process holds.
    pub lock_wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { readers: 8, connection_wait: Duration::from_secs(1), lock_wait: Duration::from_secs(2) }
    }
}
