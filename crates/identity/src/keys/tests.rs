//! On a paused clock, which moves only when all tasks wait, so that no test waits.

use std::future::Future;
use std::pin::pin;

use futures_util::future::{Either, select};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::*;

const SET: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/jwks.json"));

const MAX_AGE: Duration = Duration::from_mins(10);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// What an issuer does when it is asked.
#[derive(Clone)]
enum Behaviour {
    /// It publishes these keys.
    Publishes(&'static [&'static str]),
    /// It publishes them after that time.
    Ponders(Duration, &'static [&'static str]),
    /// It publishes something else.
    Babbles,
    /// It cannot be reached.
    IsAway,
}

use Behaviour::{Babbles, IsAway, Ponders, Publishes};

struct Issuer {
    behaviour: Mutex<Behaviour>,
    /// When it was asked, since the start.
    asked: Mutex<Vec<Duration>>,
    start: Instant,
}

impl Issuer {
    fn set(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    fn times_asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl KeySource for Issuer {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, KeySourceError>> {
        self.asked.lock().unwrap().push(self.start.elapsed());
        let behaviour = self.behaviour.lock().unwrap().clone();
        Box::pin(async move {
            match behaviour {
                Publishes(names) => Ok(set_of(names)),
                Ponders(time, names) => {
                    sleep(time).await;
                    Ok(set_of(names))
                }
                Babbles => Ok(b"<html>It works!</html>".to_vec()),
                IsAway => Err("it is away".into()),
            }
        })
    }
}

/// A JWK set with some of the keys of the tests.
fn set_of(names: &[&str]) -> Vec<u8> {
    let all: Value = serde_json::from_slice(SET).unwrap();
    let chosen = |key: &&Value| names.contains(&key["kid"].as_str().unwrap_or_default());
    json!({"keys": all["keys"].as_array().unwrap().iter().filter(chosen).collect::<Vec<_>>()}).to_string().into_bytes()
}

/// Lets a story happen while the keys of an issuer are kept fresh.
fn tell<Story: Future>(
    behaviour: Behaviour,
    story: impl FnOnce(Arc<IssuerKeys>, Arc<Issuer>) -> Story,
) -> Vec<KeyFetch> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let keys = Arc::new(IssuerKeys::awaited());
        let start = Instant::now();
        let issuer = Arc::new(Issuer { behaviour: Mutex::new(behaviour), asked: Mutex::new(Vec::new()), start });
        let noted = Mutex::new(Vec::new());
        let kept = pin!(keys.keep_fresh(&*issuer, MAX_AGE, |fetch| noted.lock().unwrap().push(fetch)));
        let story = pin!(story(Arc::clone(&keys), Arc::clone(&issuer)));
        let Either::Left(_) = select(story, kept).await else { panic!("keys are kept fresh for ever") };
        let noted = noted.lock().unwrap();
        noted.clone()
    })
}

fn names(keys: &IssuerKeys) -> Vec<String> {
    keys.current().iter().flat_map(|set| set.names().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Whether the key is among the issuer's keys; fails when that cannot be told.
async fn knows(keys: &IssuerKeys, name: &str) -> Result<bool, TokenRejected> {
    Ok(keys.with(name).await?.find(name).is_some())
}

#[test]
fn keys_are_fetched_at_the_start_and_before_they_are_too_old() {
    let noted = tell(Publishes(&["rsa"]), |keys, issuer| async move {
        assert_eq!(knows(&keys, "rsa").await, Err(KeysUnavailable), "none have been fetched");
        sleep(SECOND).await;
        assert_eq!(knows(&keys, "rsa").await, Ok(true));
        sleep(25 * MINUTE).await;
        assert_eq!(*issuer.asked.lock().unwrap(), [0, 8, 16, 24].map(|minutes| minutes * MINUTE));
        assert_eq!(keys.generation(), 1, "they are the same");
    });
    assert_eq!(noted, [KeyFetch::Changed, KeyFetch::Unchanged, KeyFetch::Unchanged, KeyFetch::Unchanged]);
}

#[test]
fn a_new_key_is_fetched_when_a_token_names_it() {
    tell(Publishes(&["rsa"]), |keys, issuer| async move {
        sleep(SECOND).await;
        issuer.set(Publishes(&["rsa", "ec"]));
        let before = Instant::now();
        assert_eq!(knows(&keys, "ec").await, Ok(true));
        assert_eq!(before.elapsed(), Duration::ZERO);
        assert_eq!((issuer.times_asked(), keys.generation()), (2, 2));
    });
}

#[test]
fn made_up_names_make_it_be_asked_once_in_half_a_minute() {
    tell(Publishes(&["rsa"]), |keys, issuer| async move {
        sleep(SECOND).await;
        for second in 0..65 {
            for number in 0..10 {
                let known = knows(&keys, &format!("made up {number}")).await;
                // What was heard of only after the issuer was asked is for the next time to tell.
                if number == 0 || second >= 30 {
                    assert_eq!(known, Ok(false), "{second}, {number}");
                } else {
                    assert_eq!(known, Err(KeyNotKnownYet { seconds: 30 - second }), "{second}, {number}");
                }
            }
            assert_eq!(knows(&keys, "rsa").await, Ok(true));
            assert_eq!(issuer.times_asked() as u64, 2 + second / 30, "{second}");
            sleep(SECOND).await;
        }
    });
}

/// An attacker who makes up names cannot make the service refuse the tokens of a key that is new: it says when it will
/// know.
#[test]
fn a_new_key_is_not_refused_because_the_keys_were_fetched_before() {
    tell(Publishes(&["rsa"]), |keys, issuer| async move {
        sleep(SECOND).await;
        assert_eq!(knows(&keys, "made up").await, Ok(false));
        issuer.set(Publishes(&["rsa", "ec"]));
        sleep(12 * SECOND + SECOND / 2).await;
        assert_eq!(knows(&keys, "ec").await, Err(KeyNotKnownYet { seconds: 18 }));
        assert_eq!(knows(&keys, "made up").await, Ok(false), "the issuer has said that there is no such key");
        assert_eq!(issuer.times_asked(), 2);
        sleep(18 * SECOND).await;
        assert_eq!(knows(&keys, "ec").await, Ok(true));
        assert_eq!(issuer.times_asked(), 3);
    });
}

/// However many names are made up, in whatever order: what is forgotten is told later, never refused.
#[test]
fn a_flood_of_made_up_names_does_not_refuse_a_new_key() {
    tell(Publishes(&["rsa"]), |keys, issuer| async move {
        sleep(SECOND).await;
        for minute in 0..3 {
            for number in 0..1_000 {
                let known = knows(&keys, &format!("made up {minute}.{number}")).await;
                assert!(matches!(known, Ok(false) | Err(KeyNotKnownYet { .. })), "{known:?}");
                assert!(keys.unknown.lock().unwrap().heard.len() <= MOST_HEARD);
            }
            assert!(matches!(knows(&keys, "ec").await, Err(KeyNotKnownYet { .. })));
            assert_eq!(knows(&keys, "rsa").await, Ok(true));
            assert_eq!(issuer.times_asked(), 2 + minute);
            sleep(ON_DEMAND_EVERY).await;
        }
        issuer.set(Publishes(&["rsa", "ec"]));
        let _ = knows(&keys, "made up for the last time").await;
        assert_eq!(knows(&keys, "ec").await, Ok(true), "the caller that has them fetched");
    });
}

#[test]
fn no_caller_waits_long_for_a_slow_issuer() {
    tell(Publishes(&["rsa"]), |keys, issuer| async move {
        sleep(SECOND).await;
        issuer.set(Ponders(2 * SECOND, &["rsa", "ec"]));
        let before = Instant::now();
        assert_eq!(knows(&keys, "ec").await, Err(KeysUnavailable), "it may be good");
        assert_eq!(before.elapsed(), LONGEST_WAIT);
        let before = Instant::now();
        assert_eq!(knows(&keys, "ec").await, Err(KeysUnavailable), "a caller has waited already");
        assert_eq!(knows(&keys, "rsa").await, Ok(true));
        assert_eq!(before.elapsed(), Duration::ZERO);
        sleep(2 * SECOND).await;
        assert_eq!(knows(&keys, "ec").await, Ok(true));
        assert_eq!(issuer.times_asked(), 2);
    });
}

#[test]
fn no_caller_is_told_that_there_is_no_such_key_by_an_issuer_that_is_away() {
    tell(Publishes(&["rsa"]), |keys, issuer| async move {
        sleep(SECOND).await;
        issuer.set(IsAway);
        for _ in 0..3 {
            assert_eq!(knows(&keys, "ec").await, Err(KeysUnavailable));
            assert_eq!(knows(&keys, "rsa").await, Ok(true));
        }
        issuer.set(Publishes(&["rsa"]));
        sleep(FIRST_PAUSE * 2).await;
        assert_eq!(knows(&keys, "ec").await, Ok(false));
    });
}

/// What is on its way may have been sent before the key was there.
#[test]
fn a_token_waits_for_keys_that_are_asked_for_after_it_came() {
    tell(Publishes(&["rsa"]), |keys, issuer| async move {
        issuer.set(Ponders(SECOND / 10, &["rsa"]));
        // The first fetch takes a tenth of a second, and the one that is due eight minutes later is under way.
        sleep(8 * MINUTE + SECOND * 3 / 20).await;
        issuer.set(Publishes(&["rsa", "ec"]));
        assert_eq!(knows(&keys, "ec").await, Ok(true));
        assert_eq!(issuer.times_asked(), 3);
    });
}

#[test]
fn a_caller_that_comes_while_the_keys_are_fetched_waits_with_the_others() {
    tell(Publishes(&["rsa"]), |keys, issuer| async move {
        sleep(SECOND).await;
        issuer.set(Ponders(400 * SECOND / 1_000, &["ec"]));
        let later = async {
            sleep(SECOND / 5).await;
            knows(&keys, "ec").await
        };
        let (first, second) = futures_util::future::join(knows(&keys, "ec"), later).await;
        assert_eq!((first, second), (Ok(true), Ok(true)));
        assert_eq!(issuer.times_asked(), 2);
    });
}

#[test]
fn a_withdrawn_key_counts_no_more_once_the_keys_are_fetched() {
    tell(Publishes(&["rsa", "ec"]), |keys, issuer| async move {
        sleep(SECOND).await;
        issuer.set(Publishes(&["ec"]));
        sleep(8 * MINUTE).await;
        assert_eq!(names(&keys), ["ec"]);
        assert_eq!(keys.generation(), 2, "what was verified before is verified again");
        assert_eq!(knows(&keys, "made up").await, Ok(false), "the issuer is asked");
        assert_eq!(knows(&keys, "rsa").await, Ok(false), "it need not be asked again");
        assert_eq!(issuer.times_asked(), 3);
    });
}

/// An empty set, and one of keys that the service cannot use, are the issuer's word all the same: there is no key.
#[test]
fn a_set_without_keys_withdraws_all() {
    for without in [&[] as &[_], &["symmetric", "encryption"]] {
        let noted = tell(Publishes(&["rsa"]), |keys, issuer| async move {
            sleep(SECOND).await;
            issuer.set(Publishes(without));
            sleep(8 * MINUTE).await;
            assert_eq!((knows(&keys, "rsa").await, keys.generation(), keys.has_any()), (Ok(false), 2, false));
            issuer.set(Publishes(&["rsa"]));
            // It is asked again soon, not after eight minutes.
            sleep(LONGEST_PAUSE).await;
            assert_eq!((names(&keys), keys.generation(), keys.has_any()), (vec!["rsa".to_owned()], 3, true));
        });
        assert_eq!(noted.iter().filter(|fetch| **fetch == KeyFetch::Changed).count(), 3, "{noted:?}");
    }
}

#[test]
fn known_keys_outlive_their_issuer_by_a_day() {
    for behaviour in [IsAway, Babbles] {
        let noted = tell(Publishes(&["rsa"]), |keys, issuer| async move {
            sleep(SECOND).await;
            issuer.set(behaviour);
            sleep(23 * HOUR + 59 * MINUTE + 58 * SECOND).await;
            assert_eq!((knows(&keys, "rsa").await, keys.generation()), (Ok(true), 1));
            sleep(LONGEST_PAUSE).await;
            assert_eq!((knows(&keys, "rsa").await, keys.generation()), (Err(KeysUnavailable), 2));
            issuer.set(Publishes(&["rsa"]));
            sleep(LONGEST_PAUSE).await;
            assert_eq!((knows(&keys, "rsa").await, keys.generation()), (Ok(true), 3));
        });
        assert_eq!(noted.first(), Some(&KeyFetch::Changed));
        assert_eq!(noted.last(), Some(&KeyFetch::Changed));
        assert!(noted[1..noted.len() - 1].iter().all(|fetch| *fetch == KeyFetch::Failed));
    }
}

#[test]
fn an_issuer_that_is_away_is_asked_again_soon_and_then_less_often() {
    tell(IsAway, |keys, issuer| async move {
        sleep(100 * SECOND).await;
        let expected: [u64; 7] = [0, 1, 3, 7, 15, 31, 61];
        assert_eq!(issuer.asked.lock().unwrap()[..7], expected.map(Duration::from_secs));
        assert_eq!(knows(&keys, "rsa").await, Err(KeysUnavailable));
        issuer.set(Publishes(&["rsa"]));
        sleep(LONGEST_PAUSE).await;
        assert_eq!(knows(&keys, "rsa").await, Ok(true));
    });
}

#[test]
fn fixed_keys_are_not_fetched() {
    let keys = IssuerKeys::fixed(KeySet::parse(&set_of(&["rsa"])).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        assert_eq!(knows(&keys, "rsa").await, Ok(true));
        assert_eq!(knows(&keys, "ec").await, Ok(false));
        sleep(48 * HOUR).await;
        assert_eq!(knows(&keys, "rsa").await, Ok(true));
    });
}
