//! How many requests a caller may send: unlimited unless the operator sets a limit.
//!
//! The algorithm is the generic cell rate algorithm (ITU-T I.371), as the crate governor has it: so many requests per
//! second in the long run, and as many at once after a second of silence.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

/// After so many requests, callers that have been silent are forgotten: they may send as many at once as newcomers.
const CLEAN_EVERY: u32 = 4_096;

/// The requests per second that each caller may send; `None` is without limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct RateLimits {
    /// With tokens of the same subject.
    pub per_subject: Option<NonZeroU32>,
    /// From the same network address: an IPv4 address, or the /64 of an IPv6 address, which is what one customer of a
    /// network usually has. Behind a proxy, that is the proxy.
    pub per_peer: Option<NonZeroU32>,
}

/// How many requests each caller has sent.
#[derive(Default)]
pub(crate) struct RateLimiters {
    subjects: Option<Limiter<String>>,
    peers: Option<Limiter<IpAddr>>,
}

impl RateLimiters {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self { subjects: limits.per_subject.map(Limiter::new), peers: limits.per_peer.map(Limiter::new) }
    }

    /// Counts a request of that subject. How long it has to wait before the next one, if this one is too many.
    pub(crate) fn check_subject(&self, subject: &str) -> Result<(), Duration> {
        self.subjects.as_ref().map_or(Ok(()), |limiter| limiter.check(&subject.to_owned()))
    }

    /// The same for a peer.
    pub(crate) fn check_peer(&self, peer: IpAddr) -> Result<(), Duration> {
        self.peers.as_ref().map_or(Ok(()), |limiter| limiter.check(&network(peer)))
    }
}

struct Limiter<Key: Hash + Eq + Clone, C: Clock = DefaultClock> {
    requests: RateLimiter<Key, DashMapStateStore<Key>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    until_cleaning: AtomicU32,
}

impl<Key: Hash + Eq + Clone> Limiter<Key> {
    fn new(per_second: NonZeroU32) -> Self {
        Self::with_clock(per_second, DefaultClock::default())
    }
}

impl<Key: Hash + Eq + Clone, C: Clock + Clone> Limiter<Key, C> {
    fn with_clock(per_second: NonZeroU32, clock: C) -> Self {
        let requests = RateLimiter::dashmap_with_clock(Quota::per_second(per_second), clock.clone());
        Self { requests, clock, until_cleaning: AtomicU32::new(CLEAN_EVERY) }
    }

    fn check(&self, key: &Key) -> Result<(), Duration> {
        if self.until_cleaning.fetch_sub(1, Ordering::Relaxed) == 0 {
            self.until_cleaning.store(CLEAN_EVERY, Ordering::Relaxed);
            self.requests.retain_recent();
        }
        self.requests.check_key(key).map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

/// Whose address it is: an IPv4 address is its own, and of an IPv6 address the /64 counts, which is what one customer
/// of a network usually has.
#[must_use]
pub fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limiter(per_second: u32) -> (Limiter<u32, FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Limiter::with_clock(per_second.try_into().unwrap(), clock.clone()), clock)
    }

    #[test]
    fn a_caller_that_sends_too_many_waits_and_others_do_not() {
        let (limiter, clock) = limiter(10);
        for _ in 0..10 {
            assert_eq!(limiter.check(&1), Ok(()));
        }
        assert_eq!(limiter.check(&1), Err(Duration::from_millis(100)));
        assert_eq!(limiter.check(&2), Ok(()));
        clock.advance(Duration::from_millis(99));
        assert_eq!(limiter.check(&1), Err(Duration::from_millis(1)));
        clock.advance(Duration::from_millis(1));
        assert_eq!(limiter.check(&1), Ok(()));
        assert!(limiter.check(&1).is_err());
        clock.advance(Duration::from_hours(1));
        for _ in 0..10 {
            assert_eq!(limiter.check(&1), Ok(()), "silence is worth a second, and not more");
        }
        assert!(limiter.check(&1).is_err());
    }

    #[test]
    fn silent_callers_are_forgotten() {
        let (limiter, clock) = limiter(1);
        for key in 0..=CLEAN_EVERY {
            let _ = limiter.check(&key);
            clock.advance(Duration::from_millis(1));
        }
        assert!(limiter.requests.len() > 500);
        clock.advance(Duration::from_secs(10));
        for _ in 0..=CLEAN_EVERY {
            let _ = limiter.check(&0);
        }
        assert_eq!(limiter.requests.len(), 1);
    }

    #[test]
    fn neighbours_in_one_network_of_ipv6_are_one_peer() {
        let peer = |text: &str| network(text.parse().unwrap());
        assert_eq!(peer("2001:db8:1:2:3:4:5:6"), peer("2001:db8:1:2::1"));
        assert_ne!(peer("2001:db8:1:2::1"), peer("2001:db8:1:3::1"));
        assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
        assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"));
    }

    #[test]
    fn without_limits_everything_may_be_sent() {
        let limiters = RateLimiters::default();
        for _ in 0..10_000 {
            assert_eq!(limiters.check_subject("operator"), Ok(()));
            assert_eq!(limiters.check_peer(IpAddr::from([127, 0, 0, 1])), Ok(()));
        }
    }
}
