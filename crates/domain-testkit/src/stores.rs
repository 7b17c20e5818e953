use std::any::Any;
use std::sync::Arc;

use prediction_domain::model::Timestamp;
use prediction_domain::ports::{
    JobRepository, JudgementRepository, RetentionRepository, RunRepository, SourceRepository, SourceVersionRepository,
    StoreHealth, StoreStatistics,
};
use prediction_domain::use_cases::{Ports, Quotas};

use crate::clock::FixedClock;
use crate::ids::FreshIds;

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
    /// What jobs of a health are found by.
    pub judgements: Arc<dyn JudgementRepository>,
    /// Removes what no caller can read any more.
    pub retention: Arc<dyn RetentionRepository>,
    /// Whether the store can do its work.
    pub health: Arc<dyn StoreHealth>,
    /// How busy the store is.
    pub statistics: Arc<dyn StoreStatistics>,
    /// What has to live as long as the store, such as a temporary folder. It is dropped last.
    pub keep_alive: Box<dyn Any + Send + Sync>,
}

/// One of several replicas of the service that use the same store, each with a clock of its own.
pub struct Replica {
    /// What its use cases need.
    pub ports: Ports,
    /// What it takes for the time.
    pub clock: Arc<FixedClock>,
}

impl Stores {
    /// A replica whose clock shows that time.
    #[must_use]
    pub fn replica(&self, time: Timestamp) -> Replica {
        let clock = Arc::new(FixedClock::at(time));
        let ports = Ports {
            sources: self.sources.clone(),
            source_versions: self.source_versions.clone(),
            jobs: self.jobs.clone(),
            runs: self.runs.clone(),
            clock: clock.clone(),
            ids: Arc::new(FreshIds),
            quotas: Quotas::default(),
        };
        Replica { ports, clock }
    }
}
