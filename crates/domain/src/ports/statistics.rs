/// Tells how busy the store is, for operators who watch the service.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait StoreStatistics: Send + Sync {
    /// How busy the connections to the store are. Never waits.
    fn connections(&self) -> ConnectionCounts;
}

/// How busy the connections to a store are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionCounts {
    /// Those at work.
    pub busy: u32,
    /// Connections that wait for work.
    pub idle: u32,
}
