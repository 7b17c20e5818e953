use std::any::Any;
use std::sync::Arc;

use prediction_domain::ports::{
    JobRepository, RetentionRepository, RunRepository, SourceRepository, SourceVersionRepository, StoreHealth,
    StoreStatistics,
};

/// All ports to one store.
pub struct Stores {
    /// The sources.
    pub sources: Arc<dyn SourceRepository>,
    /// The source versions.
    pub source_versions: Arc<dyn SourceVersionRepository>,
    /// The jobs.
    pub jobs: Arc<dyn JobRepository>,
    /// Their runs.
    pub runs: Arc<dyn RunRepository>,
    /// What removes what nobody can read any more.
    pub retention: Arc<dyn RetentionRepository>,
    /// Whether the store can do its work.
    pub health: Arc<dyn StoreHealth>,
    /// How busy the store is.
    pub statistics: Arc<dyn StoreStatistics>,
    /// What has to live as long as the store, such as a temporary folder. It is dropped last.
    pub keep_alive: Box<dyn Any + Send + Sync>,
}
