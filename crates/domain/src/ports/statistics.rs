use super::StoreFailure;

/// Tells how much there is, and how busy the store is, for those who watch the service.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait StoreStatistics: Send + Sync {
    /// Counts the jobs of all organisations.
    fn count_jobs(&self) -> Result<JobCounts, StoreFailure>;

    /// How busy the connections to the store are. Never waits.
    fn connections(&self) -> ConnectionCounts;
}

/// How many jobs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JobCounts {
    /// Those that runners should run.
    pub active: u64,
    /// The others.
    pub inactive: u64,
}

impl FromIterator<(bool, u64)> for JobCounts {
    /// Adds up counts, each of active (`true`) or inactive jobs.
    fn from_iter<Counts: IntoIterator<Item = (bool, u64)>>(counts: Counts) -> Self {
        counts.into_iter().fold(Self::default(), |sum, (active, count)| {
            if active {
                Self { active: sum.active + count, ..sum }
            } else {
                Self { inactive: sum.inactive + count, ..sum }
            }
        })
    }
}

/// How busy the connections to a store are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionCounts {
    /// Those at work.
    pub busy: u32,
    /// Those that wait for work.
    pub idle: u32,
}
