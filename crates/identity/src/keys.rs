//! The keys of an issuer while the service runs: where they come from, when they are fetched, and how long they count.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use super::TokenRejected;
use super::TokenRejected::{KeyNotKnownYet, KeysUnavailable};
use super::key_set::KeySet;

/// How long keys that cannot be fetched again go on to count: while an issuer is away for a night, its tokens are still
/// accepted.
pub const LONGEST_USE: Duration = Duration::from_hours(24);

/// How often the name of an unknown key makes the keys be fetched: any client can make up names.
pub const ON_DEMAND_EVERY: Duration = Duration::from_secs(30);

/// How long a token with an unknown key waits for them.
pub const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// The most names of unknown keys that are remembered, with when they were first heard.
const MOST_HEARD: usize = 256;

/// How long after a failure the keys are fetched again: twice as long each time, at most [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest time between two attempts while they fail.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Where an issuer publishes its keys.
pub trait KeySource: Send + Sync {
    /// Fetches the JWK set, as it is published at this moment.
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, KeySourceError>>;
}

/// Why there was nothing to be had of a [`KeySource`]: for the log.
pub type KeySourceError = Box<dyn std::error::Error + Send + Sync>;

/// How an attempt to fetch keys ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFetch {
    /// There are other keys than before.
    Changed,
    /// They are the same.
    Unchanged,
    /// There was nothing, or nothing usable. The keys from before still count, for a while.
    Failed,
}

impl KeyFetch {
    /// All ways.
    pub const ALL: [Self; 3] = [Self::Changed, Self::Unchanged, Self::Failed];

    /// The name, for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
        }
    }
}

/// The keys of an issuer: fixed ones, or the newest that [`keep_fresh`](Self::keep_fresh) could get.
pub struct IssuerKeys {
    held: RwLock<Option<Held>>,
    generation: AtomicU64,
    is_fixed: bool,
    /// A request has a token whose key is not among them.
    wanted: Notify,
    unknown: Mutex<Unknown>,
    fetches: watch::Sender<Fetches>,
}

/// How far fetching is.
#[derive(Debug, Clone, Copy, Default)]
struct Fetches {
    begun: u64,
    ended: u64,
    /// Whether the last one that ended had no answer.
    has_failed: bool,
    /// The last one that had one.
    answered: u64,
}

/// Keys that tokens name and that are not there.
#[derive(Default)]
struct Unknown {
    /// When the keys were last fetched for one of them, and which fetch that is.
    last_wanted: Option<(Instant, u64)>,
    /// How many fetches had begun when each name was first heard: an answer to a later one would have the key, if there
    /// was one. Of a key that was withdrawn, it is zero. Some may be forgotten, but that never makes a good token pass
    /// for a bad one.
    heard: HashMap<String, u64>,
}

impl Unknown {
    /// How many fetches had begun when that name was first heard.
    fn first_heard(&mut self, name: &str, begun: u64) -> u64 {
        if let Some(first) = self.heard.get(name) {
            return *first;
        }
        self.note(name, begun);
        begun
    }

    fn note(&mut self, name: &str, begun: u64) {
        // Any client can make up names.
        if self.heard.len() >= MOST_HEARD {
            self.heard.clear();
        }
        self.heard.insert(name.to_owned(), begun);
    }
}

struct Held {
    keys: Arc<KeySet>,
    /// What they were read from.
    text: Vec<u8>,
    fetched_at: Instant,
}

impl IssuerKeys {
    /// Keys that stay as they are.
    #[must_use]
    pub fn fixed(keys: KeySet) -> Self {
        announce(&keys);
        let held = Held { keys: Arc::new(keys), text: Vec::new(), fetched_at: Instant::now() };
        Self { held: RwLock::new(Some(held)), is_fixed: true, ..Self::awaited() }
    }

    /// Keys that are still to be fetched, and are not at hand until then.
    #[must_use]
    pub fn awaited() -> Self {
        Self {
            held: RwLock::new(None),
            generation: AtomicU64::new(0),
            is_fixed: false,
            wanted: Notify::new(),
            unknown: Mutex::default(),
            fetches: watch::Sender::new(Fetches::default()),
        }
    }

    /// Fetches the keys, now and for ever: when four fifths of their `max_age` are over, soon again after a failure,
    /// and when a request has a token with an unknown key. `note` is told of each attempt.
    pub async fn keep_fresh(&self, source: &dyn KeySource, max_age: Duration, note: impl Fn(KeyFetch)) {
        let mut pause = FIRST_PAUSE;
        loop {
            self.fetches.send_modify(|fetches| fetches.begun += 1);
            let fetch = self.fetch(source).await;
            self.fetches.send_modify(|fetches| {
                fetches.ended = fetches.begun;
                fetches.has_failed = fetch == KeyFetch::Failed;
                if !fetches.has_failed {
                    fetches.answered = fetches.ended;
                }
            });
            note(fetch);
            let rest = if fetch != KeyFetch::Failed && self.has_any() {
                pause = FIRST_PAUSE;
                max_age.mul_f64(0.8)
            } else {
                let rest = pause;
                pause = (pause * 2).min(LONGEST_PAUSE);
                rest
            };
            // Either it is time, or a request asks.
            let _ = timeout(rest, self.wanted.notified()).await;
        }
    }

    async fn fetch(&self, source: &dyn KeySource) -> KeyFetch {
        let fetched = source.fetch().await.and_then(|text| Ok((KeySet::parse(&text)?, text)));
        match fetched {
            Ok((keys, text)) => self.hold(keys, text),
            Err(error) => {
                let has_any = self.forget_old();
                tracing::warn!(cause = error.to_string(), has_any, "the keys of the issuer could not be fetched");
                KeyFetch::Failed
            }
        }
    }

    fn hold(&self, keys: KeySet, text: Vec<u8>) -> KeyFetch {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let fetched_at = Instant::now();
        if let Some(held) = held.as_mut().filter(|held| held.text == text) {
            held.fetched_at = fetched_at;
            return KeyFetch::Unchanged;
        }
        let keys = Arc::new(keys);
        let before = held.replace(Held { keys: Arc::clone(&keys), text, fetched_at });
        self.note_withdrawn(before.as_ref(), &keys);
        // Only now: what is verified with the keys from before must not count as verified with these.
        self.generation.fetch_add(1, Ordering::Release);
        drop(held);
        announce(&keys);
        KeyFetch::Changed
    }

    fn note_withdrawn(&self, before: Option<&Held>, keys: &KeySet) {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        let names = before.iter().flat_map(|before| before.keys.names());
        names.filter(|name| keys.find(name).is_none()).for_each(|name| unknown.note(name, 0));
    }

    /// Gives whether there are any left.
    fn forget_old(&self) -> bool {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if held.take_if(|held| held.fetched_at.elapsed() >= LONGEST_USE).is_some() {
            self.generation.fetch_add(1, Ordering::Release);
        }
        held.is_some()
    }

    /// The keys that count now.
    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().map(|held| Arc::clone(&held.keys))
    }

    /// Whether there is any key.
    pub(super) fn has_any(&self) -> bool {
        self.current().is_some_and(|keys| !keys.is_empty())
    }

    /// Which keys count: another number when others do.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The keys, the one of that name among them if it can be had in a short time.
    ///
    /// They come without it only if the issuer has said that there is no such key: in an answer to a question that was
    /// asked after the name was first heard. Until the issuer can be asked again, the service cannot tell, and the
    /// token may be good.
    pub(super) async fn with(&self, name: &str) -> Result<Arc<KeySet>, TokenRejected> {
        let keys = self.current().ok_or(KeysUnavailable)?;
        if self.is_fixed || keys.find(name).is_some() {
            return Ok(keys);
        }
        let want = self.want(name);
        let mut fetches = self.fetches.subscribe();
        let answered = match timeout(want.wait, fetches.wait_for(|fetches| fetches.ended >= want.fetch)).await {
            Ok(Ok(fetches)) if !fetches.has_failed => fetches.answered,
            _ => return Err(KeysUnavailable),
        };
        let keys = self.current().ok_or(KeysUnavailable)?;
        if keys.find(name).is_some() || answered > want.first_heard {
            return Ok(keys);
        }
        Err(KeyNotKnownYet { seconds: want.next.as_secs() + u64::from(want.next.subsec_nanos() > 0) })
    }

    /// Has the keys fetched, unless that was done a short time ago: then it is that fetch that is waited for.
    fn want(&self, name: &str) -> Want {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = self.fetches.borrow().begun;
        let first_heard = unknown.first_heard(name, begun);
        if let Some((at, fetch)) = unknown.last_wanted {
            let elapsed = at.elapsed();
            if let Some(next) = ON_DEMAND_EVERY.checked_sub(elapsed).filter(|next| !next.is_zero()) {
                return Want { fetch, wait: LONGEST_WAIT.saturating_sub(elapsed), first_heard, next };
            }
        }
        // One that is under way may have been answered before the key was there.
        let fetch = begun + 1;
        unknown.last_wanted = Some((Instant::now(), fetch));
        self.wanted.notify_one();
        Want { fetch, wait: LONGEST_WAIT, first_heard, next: ON_DEMAND_EVERY }
    }
}

/// Says in the log how many keys there are now, and which ones of the issuer's are not among them.
fn announce(keys: &KeySet) {
    for skipped in keys.skipped() {
        tracing::info!(key = skipped.number, reason = skipped.reason, "a key of the issuer is left out");
    }
    if keys.is_empty() {
        tracing::warn!("the issuer publishes no usable key: every token is refused");
    }
    tracing::info!(keys = keys.names().count(), "the keys of the issuer are known");
}

/// A fetch that is waited for.
struct Want {
    /// Its number.
    fetch: u64,
    wait: Duration,
    /// How many fetches had begun when the name was first heard.
    first_heard: u64,
    /// When the issuer can be asked again.
    next: Duration,
}

#[cfg(test)]
mod tests;
