//! Remembering whose token it is, since callers send the same one thousands of times.

use std::sync::Arc;

use futures_util::future::{BoxFuture, ready};
use prediction_domain::model::Scope;
use prediction_domain::ports::Clock;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::header::MAX_TOKEN_BYTES;
use super::{TokenRejected, TokenVerifier, Verified};

/// How much memory the remembered tokens may take, about.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// What an entry takes beside the token itself and its organisations, about.
const BYTES_OF_ENTRY: u64 = 512;
/// What an organisation takes in a set of them, about.
const BYTES_OF_ORGANISATION: usize = 32;

/// A verifier that asks another one, and remembers the good tokens.
///
/// A token is found by all of its bytes: one that merely looks like a remembered one is verified like any other. The
/// clock is looked at each time, so a token expires to the microsecond, and what was found out with other keys counts
/// no more. Refused tokens are not remembered, so that an attacker cannot fill the memory with rubbish.
pub struct CachingVerifier {
    inner: Arc<dyn TokenVerifier>,
    clock: Arc<dyn Clock>,
    known: Cache<Box<str>, Known, TokenBytes>,
}

#[derive(Clone)]
struct Known {
    verified: Verified,
    key_generation: u64,
}

#[derive(Clone)]
struct TokenBytes;

impl Weighter<Box<str>, Known> for TokenBytes {
    fn weight(&self, token: &Box<str>, known: &Known) -> u64 {
        // The subject is part of the token. The organisations may be from a table, and be more than would fit into one.
        let organisations = match &known.verified.caller.scope {
            Scope::Platform => 0,
            Scope::Organisations(ids) => ids.len() * BYTES_OF_ORGANISATION,
        };
        (token.len() * 2 + organisations) as u64 + BYTES_OF_ENTRY
    }
}

impl CachingVerifier {
    /// Remembers what that verifier finds out.
    #[must_use]
    pub fn new(inner: Arc<dyn TokenVerifier>, clock: Arc<dyn Clock>) -> Self {
        let usual = usize::try_from(MAX_BYTES / (1_024 + BYTES_OF_ENTRY)).unwrap_or(1);
        Self { inner, clock, known: Cache::with_weighter(usual, MAX_BYTES, TokenBytes) }
    }

    fn recall(&self, token: &str) -> Option<Verified> {
        let known = self.known.get(token)?;
        let counts =
            known.key_generation == self.inner.key_generation() && known.verified.valid.contains(self.clock.now());
        counts.then_some(known.verified)
    }
}

impl TokenVerifier for CachingVerifier {
    fn verify<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Verified, TokenRejected>> {
        // Longer ones are refused, and need not be hashed for that.
        if token.len() <= MAX_TOKEN_BYTES
            && let Some(verified) = self.recall(token)
        {
            return Box::pin(ready(Ok(verified)));
        }
        Box::pin(async move {
            // Read before the keys are used: if they change meanwhile, the entry never counts.
            let key_generation = self.inner.key_generation();
            let verified = self.inner.verify(token).await?;
            self.known.insert(token.into(), Known { verified: verified.clone(), key_generation });
            Ok(verified)
        })
    }

    fn can_verify(&self) -> bool {
        self.inner.can_verify()
    }

    fn key_generation(&self) -> u64 {
        self.inner.key_generation()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use futures_util::FutureExt as _;
    use prediction_domain::model::{Caller, Scope, Timestamp};

    use super::*;
    use crate::ValidTime;

    /// Accepts what begins with "good", from the hundredth to the two hundredth microsecond, and counts.
    #[derive(Default)]
    struct Counting {
        asked: AtomicUsize,
        key_generation: AtomicU64,
    }

    impl TokenVerifier for Counting {
        fn verify<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Verified, TokenRejected>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let caller = Caller { subject: token.to_owned(), permissions: [].into(), scope: Scope::of([]) };
            let valid = ValidTime { from: at(100), until: at(200) };
            Box::pin(ready(if token.starts_with("good") {
                Ok(Verified { caller: Arc::new(caller), valid })
            } else {
                Err(TokenRejected::Expired)
            }))
        }

        fn key_generation(&self) -> u64 {
            self.key_generation.load(Ordering::Relaxed)
        }
    }

    struct SetClock(Mutex<Timestamp>);

    impl Clock for SetClock {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).unwrap()
    }

    struct Desk {
        counting: Arc<Counting>,
        clock: Arc<SetClock>,
        caching: CachingVerifier,
    }

    impl Desk {
        fn open() -> Self {
            let counting = Arc::new(Counting::default());
            let clock = Arc::new(SetClock(Mutex::new(at(150))));
            let caching = CachingVerifier::new(Arc::clone(&counting) as _, Arc::clone(&clock) as _);
            Self { counting, clock, caching }
        }

        /// Whose token it is, and whether the inner verifier had to be asked.
        fn ask(&self, token: &str) -> (Result<String, TokenRejected>, bool) {
            let before = self.counting.asked.load(Ordering::Relaxed);
            let verified = self.caching.verify(token).now_or_never().unwrap();
            let asked = self.counting.asked.load(Ordering::Relaxed) > before;
            (verified.map(|verified| verified.caller.subject.clone()), asked)
        }
    }

    #[test]
    fn a_good_token_is_verified_once() {
        let desk = Desk::open();
        assert_eq!(desk.ask("good.1"), (Ok("good.1".to_owned()), true));
        assert_eq!(desk.ask("good.1"), (Ok("good.1".to_owned()), false));
        assert_eq!(desk.ask("good.2"), (Ok("good.2".to_owned()), true), "it is found by all of its bytes");
    }

    #[test]
    fn a_refused_token_is_verified_each_time() {
        let desk = Desk::open();
        assert_eq!(desk.ask("bad"), (Err(TokenRejected::Expired), true));
        assert_eq!(desk.ask("bad"), (Err(TokenRejected::Expired), true));
    }

    #[test]
    fn the_clock_is_looked_at_each_time() {
        let desk = Desk::open();
        assert!(desk.ask("good").1);
        for (now, asked) in [(100, false), (199, false), (200, true), (99, true)] {
            *desk.clock.0.lock().unwrap() = at(now);
            assert_eq!(desk.ask("good").1, asked, "at {now}");
        }
    }

    #[test]
    fn other_keys_make_it_forget() {
        let desk = Desk::open();
        assert!(desk.ask("good").1);
        desk.counting.key_generation.store(1, Ordering::Relaxed);
        assert!(desk.ask("good").1);
        assert!(!desk.ask("good").1);
    }

    #[test]
    fn the_memory_is_bounded() {
        let desk = Desk::open();
        for number in 0..5_000 {
            assert!(desk.ask(&format!("good{}{number}", ".".repeat(MAX_TOKEN_BYTES - 100))).1);
        }
        assert!(desk.caching.known.weight() <= MAX_BYTES);
        assert!(desk.caching.known.len() < 300);
    }
}
