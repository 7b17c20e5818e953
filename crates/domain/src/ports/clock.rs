use std::time::Duration;

use uuid::Uuid;

use crate::model::{JobId, OutputId, ReplicaId, RunId, SourceId, SourceVersionId, Timestamp};

/// Tells the time.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Clock: Send + Sync {
    /// Now, to the microsecond.
    fn now(&self) -> Timestamp;
}

/// Tells how much time passes, whatever the time is.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait MonotonicClock: Send + Sync {
    /// How much time has passed since some moment, which is the same each time. This clock cannot be set.
    fn passed(&self) -> Duration;
}

/// Makes identities.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait IdGenerator: Send + Sync {
    /// A UUID that was never given out before: version 7 in production (RFC 9562, section 5.7), never nil.
    fn fresh(&self) -> Uuid;
}

macro_rules! fresh {
    ($($(#[$doc:meta])* $method:ident -> $id:ident),+) => {
        impl dyn IdGenerator + '_ {
            $($(#[$doc])*
            #[must_use]
            pub fn $method(&self) -> $id {
                $id::from_uuid(self.fresh()).unwrap_or_else(|_| unreachable!("a fresh id is never nil"))
            })+
        }
    };
}

fresh! {
    /// An id for a new source.
    source_id -> SourceId,
    /// An id for a new source version.
    source_version_id -> SourceVersionId,
    /// An id for a new job.
    job_id -> JobId,
    /// An id for a new output.
    output_id -> OutputId,
    /// An id for a new run.
    run_id -> RunId,
    /// An id for a replica that starts.
    replica_id -> ReplicaId
}
