//! How much of the time a tenant that asks for much at once is answered, as long as others ask that do not.
//!
//! On a small machine others have one processor left, or none. Each step of their answers (the event loop, a lane, the
//! database) begins while the step before still ends, so the system puts some of them on the processor where the tenant
//! is busy. There they wait until the system looks again whose turn it is: some milliseconds, many times what the step
//! takes. So that few steps meet that, the tenant is busy for a part of the time only, and pauses for the rest.

use std::num::NonZeroU8;
use std::time::{Duration, Instant};

use super::turns::Served;

/// A question that takes longer counts as if it had taken that, and what makes a pause is no more than that: a tenant
/// waits for some seconds at the most.
const LONG: Duration = Duration::from_millis(250);
/// For how long a tenant is served before it pauses.
const AT_FIRST: Duration = Duration::from_secs(1);

/// The part of the time that a tenant with several questions at a time is answered, as long as others ask for one thing
/// after the other.
#[derive(Debug, Clone, Copy)]
pub struct TenantShare {
    /// In hundredths of the time of the threads that it may have then.
    pub percent: NonZeroU8,
    /// For how long the calling thread, and the database for it, have had work for a processor, since any moment.
    pub busy_time: fn() -> Duration,
}

/// In how much time a tenant may have a second, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate(f64);

impl Rate {
    /// Where it has so many threads at the most.
    pub(super) fn new(share: TenantShare, threads: usize) -> Self {
        let threads = u32::try_from(threads.max(1)).unwrap_or(u32::MAX);
        Self(100.0 / f64::from(share.percent.get()) / f64::from(threads))
    }

    /// In how much it may have so much.
    fn of(self, served: Duration) -> Duration {
        served.mul_f64(self.0)
    }
}

/// How much longer a tenant was served of late than its share allows, as the time at which that will be even.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Debt {
    even_at: Option<Instant>,
}

impl Served {
    /// How much of it counts.
    fn cost(&self) -> Duration {
        let questions = self.questions.max(1);
        (self.busy / questions).min(LONG) * questions
    }
}

impl Debt {
    /// It was served. Returns how much longer it is to pause.
    pub(super) fn add(&mut self, served: &Served, rate: Rate, now: Instant) -> Duration {
        let pause = |debt: &Self| debt.pauses_until(rate, now).map_or(Duration::ZERO, |until| until - now);
        let before = pause(self);
        let cost = served.cost();
        if !cost.is_zero() {
            let even_at = self.even_at.map_or(now, |even_at| even_at.max(now)) + rate.of(cost);
            self.even_at = Some(even_at.min(now + rate.of(AT_FIRST + LONG)));
        }
        pause(self).saturating_sub(before)
    }

    /// Whether nothing has to be known of it any more.
    pub(super) fn is_even(&self, now: Instant) -> bool {
        self.even_at.is_none_or(|even_at| even_at <= now)
    }

    /// When the tenant may go on, unless it may at once.
    pub(super) fn pauses_until(&self, rate: Rate, now: Instant) -> Option<Instant> {
        self.even_at?.checked_sub(rate.of(AT_FIRST)).filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tenants;
    use super::*;

    fn served(questions: u32, busy: Duration) -> Served {
        Served { tenant: tenants()[0], questions, took: busy, busy }
    }

    fn rate(percent: u8, threads: usize) -> Rate {
        Rate::new(TenantShare { percent: NonZeroU8::new(percent).unwrap(), busy_time: || Duration::ZERO }, threads)
    }

    #[test]
    fn a_question_that_takes_long_counts_no_more_than_a_quarter_of_a_second() {
        assert_eq!(served(1, Duration::from_mins(1)).cost(), LONG);
        assert_eq!(served(4, Duration::from_millis(400)).cost(), Duration::from_millis(400));
        assert_eq!(served(4, Duration::from_mins(1)).cost(), 4 * LONG);
    }

    #[test]
    fn several_threads_share_the_pause() {
        let now = Instant::now();
        for (threads, pause) in [(1, 4 * LONG), (2, 2 * LONG)] {
            let (rate, mut debt) = (rate(25, threads), Debt::default());
            assert_eq!(debt.add(&served(4, 4 * LONG), rate, now), Duration::ZERO);
            assert_eq!(debt.add(&served(1, LONG), rate, now), pause);
            assert_eq!(debt.pauses_until(rate, now), Some(now + pause));
            assert_eq!(debt.add(&served(64, 64 * LONG), rate, now), Duration::ZERO, "no pause is longer");
            assert_eq!(debt.pauses_until(rate, now + pause), None);
            assert!(!debt.is_even(now + pause), "its second is used up");
            assert!(debt.is_even(now + 5 * pause));
        }
    }

    proptest! {
        /// Whoever always has something to do is answered for its share of the time: no more, after the second that it
        /// has at first, and no less.
        #[test]
        fn a_tenant_has_its_share(percent in 1_u8..100, millis in prop::collection::vec(1_u64..250, 1..200)) {
            let (rate, began) = (rate(percent, 1), Instant::now());
            let (mut now, mut all, mut debt) = (began, Duration::ZERO, Debt::default());
            for millis in millis {
                now = debt.pauses_until(rate, now).unwrap_or(now);
                let busy = Duration::from_millis(millis);
                now += busy;
                all += busy;
                debt.add(&served(1, busy), rate, now);
            }
            now = debt.pauses_until(rate, now).unwrap_or(now);
            let share = (now - began).mul_f64(f64::from(percent) / 100.0);
            let rounding = Duration::from_millis(1);
            prop_assert!(all <= share + AT_FIRST + rounding, "{all:?} of {share:?}");
            prop_assert!(all + rounding >= share, "{all:?} of {share:?}");
        }
    }
}
