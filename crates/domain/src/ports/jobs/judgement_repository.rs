use crate::model::Timestamp;
use crate::ports::StoreFailure;

/// Keeps what jobs are found by when a health is asked for: the last judgement of each job, and until when it holds if
/// nothing happens.
///
/// No answer rests on it: [`JobRepository`](super::JobRepository) judges itself what was not judged, or does not hold
/// any more. But the less there is of that, the less a list costs. Any number of replicas may do this at the same time.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait JudgementRepository: Send + Sync {
    /// Judges jobs anew whose judgement does not hold at a time: so many at the most, in one transaction. Reports wait
    /// no longer for it than that takes.
    ///
    /// When jobs were judged by a time that is later, but no more than clocks differ, that time counts. When it is
    /// later still, it was wrong, and all jobs are judged anew.
    fn judge(&self, at: Timestamp, limit: usize) -> Result<Judged, StoreFailure>;
}

/// What has been judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Judged {
    /// How many jobs.
    pub jobs: u64,
    /// Whether there may be more to judge.
    pub is_unfinished: bool,
}
