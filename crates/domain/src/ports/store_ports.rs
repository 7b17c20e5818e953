use std::sync::Arc;

use super::{
    ApplyRepository, ChainRepository, InputRepository, JobRepository, JudgementRepository, LeaseRepository,
    RetentionRepository, RunRepository, SourceRepository, SourceVersionRepository, StoreHealth, StoreStatistics,
};

/// One store behind all of its ports.
#[derive(Clone)]
pub struct StorePorts {
    /// The sources.
    pub sources: Arc<dyn SourceRepository>,
    /// The source versions.
    pub source_versions: Arc<dyn SourceVersionRepository>,
    /// The directory of inputs.
    pub inputs: Arc<dyn InputRepository>,
    /// The jobs.
    pub jobs: Arc<dyn JobRepository>,
    /// Which of them read outputs of others.
    pub chains: Arc<dyn ChainRepository>,
    /// Many of all of these at once.
    pub apply: Arc<dyn ApplyRepository>,
    /// Their runs.
    pub runs: Arc<dyn RunRepository>,
    /// By what jobs of a health are found.
    pub judgements: Arc<dyn JudgementRepository>,
    /// Removes what no caller can read any more.
    pub retention: Arc<dyn RetentionRepository>,
    /// Which replica does what one does at a time.
    pub leases: Arc<dyn LeaseRepository>,
    /// Whether the store can do its work.
    pub health: Arc<dyn StoreHealth>,
    /// How busy the store is.
    pub statistics: Arc<dyn StoreStatistics>,
}

impl StorePorts {
    /// All ports of a store that implements each of them.
    #[must_use]
    pub fn of<Store>(store: &Arc<Store>) -> Self
    where
        Store: SourceRepository
            + SourceVersionRepository
            + InputRepository
            + JobRepository
            + ChainRepository
            + ApplyRepository
            + RunRepository
            + JudgementRepository
            + RetentionRepository
            + LeaseRepository
            + StoreHealth
            + StoreStatistics
            + 'static,
    {
        Self {
            sources: store.clone(),
            source_versions: store.clone(),
            inputs: store.clone(),
            jobs: store.clone(),
            chains: store.clone(),
            apply: store.clone(),
            runs: store.clone(),
            judgements: store.clone(),
            retention: store.clone(),
            leases: store.clone(),
            health: store.clone(),
            statistics: store.clone(),
        }
    }
}

/// Mocks of all ports of a store, without expectations: a call that was not expected panics.
#[cfg(feature = "mocks")]
#[derive(Debug, Default)]
pub struct MockStore {
    /// See [`StorePorts::sources`].
    pub sources: super::MockSourceRepository,
    /// See [`StorePorts::source_versions`].
    pub source_versions: super::MockSourceVersionRepository,
    /// See [`StorePorts::inputs`].
    pub inputs: super::MockInputRepository,
    /// See [`StorePorts::jobs`].
    pub jobs: super::MockJobRepository,
    /// See [`StorePorts::chains`].
    pub chains: super::MockChainRepository,
    /// See [`StorePorts::apply`].
    pub apply: super::MockApplyRepository,
    /// See [`StorePorts::runs`].
    pub runs: super::MockRunRepository,
    /// See [`StorePorts::judgements`].
    pub judgements: super::MockJudgementRepository,
    /// See [`StorePorts::retention`].
    pub retention: super::MockRetentionRepository,
    /// See [`StorePorts::leases`].
    pub leases: super::MockLeaseRepository,
    /// See [`StorePorts::health`].
    pub health: super::MockStoreHealth,
    /// See [`StorePorts::statistics`].
    pub statistics: super::MockStoreStatistics,
}

#[cfg(feature = "mocks")]
impl From<MockStore> for StorePorts {
    fn from(store: MockStore) -> Self {
        Self {
            sources: Arc::new(store.sources),
            source_versions: Arc::new(store.source_versions),
            inputs: Arc::new(store.inputs),
            jobs: Arc::new(store.jobs),
            chains: Arc::new(store.chains),
            apply: Arc::new(store.apply),
            runs: Arc::new(store.runs),
            judgements: Arc::new(store.judgements),
            retention: Arc::new(store.retention),
            leases: Arc::new(store.leases),
            health: Arc::new(store.health),
            statistics: Arc::new(store.statistics),
        }
    }
}
