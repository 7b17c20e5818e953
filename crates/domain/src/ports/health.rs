use super::StoreFailure;

/// Tells whether the store can do its work.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait StoreHealth: Send + Sync {
    /// Fails unless the store can be reached and all migrations that this program knows are applied.
    fn check(&self) -> Result<(), StoreFailure>;

    /// Writes next to nothing, and takes it away again. Fails as [`NotWritable`](StoreFailure::NotWritable) where
    /// nothing can be written, as far as so little shows it.
    fn try_write(&self) -> Result<(), StoreFailure>;
}
