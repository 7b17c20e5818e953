use std::sync::atomic::{AtomicU64, Ordering};

use prediction_domain::ports::IdGenerator;
use uuid::Uuid;

/// 1 January 2026, in milliseconds since 1970.
const BEGINNING_OF_2026: u64 = 1_767_225_600_000;

/// Counts: each id is greater than the one before, and the same test gets the same ids in every run.
///
/// The ids look like those of production (UUID version 7). Two generators give the same ids unless they start apart.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl SequentialIds {
    /// A generator that leaves out the first ids.
    #[must_use]
    pub fn starting_at(number: u64) -> Self {
        Self(AtomicU64::new(number))
    }

    /// The id of that number, counted from 0.
    #[must_use]
    pub fn nth(number: u64) -> Uuid {
        uuid::Builder::from_unix_timestamp_millis(BEGINNING_OF_2026 + number, &[0; 10]).into_uuid()
    }
}

impl IdGenerator for SequentialIds {
    fn fresh(&self) -> Uuid {
        Self::nth(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Gives ids that no test has seen: those of [`fresh_uuid`].
#[derive(Debug, Clone, Copy, Default)]
pub struct FreshIds;

impl IdGenerator for FreshIds {
    fn fresh(&self) -> Uuid {
        fresh_uuid()
    }
}

/// An id that no test has seen, in this process or another: tests that share a database do not collide.
///
/// Within a process, each one is greater than the one before.
#[must_use]
pub fn fresh_uuid() -> Uuid {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let millis = BEGINNING_OF_2026 + COUNT.fetch_add(1, Ordering::Relaxed);
    let nanos = u32::try_from(millis % 1_000).expect("less than a thousand") * 1_000_000;
    // Seventy-four random bits follow the time.
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, millis / 1_000, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_distinct_increasing_and_of_version_7() {
        let generator = SequentialIds::default();
        let ids: Vec<Uuid> = (0..100).map(|_| generator.fresh()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert_eq!(SequentialIds::starting_at(7).fresh(), ids[7]);
    }

    #[test]
    fn fresh_ids_are_increasing_and_not_guessable() {
        let ids: Vec<Uuid> = (0..100).map(|_| fresh_uuid()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.windows(2).all(|pair| pair[0].as_bytes()[8..] != pair[1].as_bytes()[8..]));
    }
}
