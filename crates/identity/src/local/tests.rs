//! What is accepted, to the second. What is refused: [`hostile`].

mod hostile;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::DateTime;
use futures_util::FutureExt as _;
use prediction_domain::model::{Caller, OrganisationId};
use prediction_domain::ports::{MockClock, MockIdGenerator};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::header::MAX_TOKEN_BYTES;

/// 2026-11-23T20:00:00Z, and half a second.
const NOW: i64 = 1_795_464_000;
const SECRET: [u8; 32] = [7; 32];
const ORGANISATION: &str = "77777777-7777-7777-7777-777777777777";

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn identity_at(now: Timestamp) -> LocalIdentity {
    let mut clock = MockClock::new();
    clock.expect_now().return_const(now);
    let mut ids = MockIdGenerator::new();
    ids.expect_fresh().return_const(Uuid::from_u128(1));
    LocalIdentity::new(&SECRET, DEFAULT_ORGANISATIONS_CLAIM, Arc::new(clock), Arc::new(ids)).unwrap()
}

fn identity() -> LocalIdentity {
    identity_at(at(NOW * 1_000_000))
}

fn verify(identity: &LocalIdentity, token: &str) -> Result<Caller, TokenRejected> {
    let verified = identity.verify(token).now_or_never().expect("a local key is always at hand");
    verified.map(|verified| Arc::unwrap_or_clone(verified.caller))
}

/// A token of any two texts, with a good signature.
fn signed(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    signed_with(&SECRET, SignatureAlgorithm::HS256, header, payload)
}

fn signed_with(
    secret: &[u8],
    algorithm: SignatureAlgorithm,
    header: impl AsRef<[u8]>,
    payload: impl AsRef<[u8]>,
) -> String {
    let text = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(payload));
    let signature = algorithm.sign(text.as_bytes(), &Secret::Bytes(secret.to_vec())).unwrap();
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn good_header() -> Value {
    json!({"alg": "HS256", "typ": "at+jwt", "kid": "local"})
}

fn good_claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "operator", "scope": "jobs:read", "organisations": [ORGANISATION],
        "iat": NOW, "exp": NOW + 3600,
    })
}

/// The good one with some members put in, or taken out where there is `null`.
fn with(mut good: Value, changes: &Value) -> String {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => good.as_object_mut().unwrap().remove(name),
            value => good.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    good.to_string()
}

fn verify_claims(changes: &Value) -> Result<Caller, TokenRejected> {
    verify(&identity(), &signed(good_header().to_string(), with(good_claims(), changes)))
}

fn verify_header(changes: &Value) -> Result<Caller, TokenRejected> {
    verify(&identity(), &signed(with(good_header(), changes), good_claims().to_string()))
}

fn request() -> TokenRequest {
    TokenRequest {
        subject: "operator".to_owned(),
        permissions: vec![Permission::JobsRead, Permission::CatalogWrite],
        scope: Scope::of([OrganisationId::parse(ORGANISATION).unwrap()]),
        expires_in: Duration::from_hours(1),
    }
}

#[test]
fn a_minted_token_identifies_its_bearer() {
    let token = identity().mint(&request()).unwrap();
    let caller = verify(&identity(), &token).unwrap();
    assert_eq!(caller.subject, "operator");
    assert_eq!(caller.permissions, [Permission::CatalogWrite, Permission::JobsRead].into());
    assert_eq!(caller.scope, request().scope);

    let platform = TokenRequest { scope: Scope::Platform, permissions: vec![], ..request() };
    let caller = verify(&identity(), &identity().mint(&platform).unwrap()).unwrap();
    assert_eq!((caller.scope, caller.permissions.len()), (Scope::Platform, 0));
}

#[test]
fn a_minted_token_says_what_rfc_9068_asks_for() {
    let token = identity_at(at(NOW * 1_000_000 + 999_999)).mint(&request()).unwrap();
    let part = |index: usize| -> Value {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
    };
    assert_eq!(part(0), good_header());
    assert_eq!(
        part(1),
        json!({
            "iss": "prediction-api-local", "aud": "prediction-api", "sub": "operator", "scope": "jobs:read catalog:write",
            "organisations": [ORGANISATION], "iat": NOW, "exp": NOW + 3600, "jti": "00000000-0000-0000-0000-000000000001",
        })
    );
}

#[test]
fn what_would_be_refused_is_not_minted() {
    let many = (1..=400).map(|id| OrganisationId::from_uuid(Uuid::from_u128(id)).unwrap());
    for (name, request) in [
        ("no subject", TokenRequest { subject: String::new(), ..request() }),
        ("a long subject", TokenRequest { subject: "x".repeat(256), ..request() }),
        ("no life", TokenRequest { expires_in: Duration::ZERO, ..request() }),
        ("a long life", TokenRequest { expires_in: Duration::from_hours(25), ..request() }),
        ("an endless life", TokenRequest { expires_in: Duration::MAX, ..request() }),
        ("too many organisations for a token", TokenRequest { scope: Scope::of(many), ..request() }),
    ] {
        assert!(identity().mint(&request).is_err(), "{name}");
    }
    assert!(identity().mint(&TokenRequest { expires_in: Duration::from_hours(24), ..request() }).is_ok());
}

#[test]
fn a_short_secret_is_refused() {
    for (length, accepted) in [(0, false), (31, false), (32, true), (64, true)] {
        let identity = LocalIdentity::new(
            &vec![7; length],
            DEFAULT_ORGANISATIONS_CLAIM,
            Arc::new(MockClock::new()),
            Arc::new(MockIdGenerator::new()),
        );
        assert_eq!(identity.is_ok(), accepted, "{length}");
    }
}

#[test]
fn the_secret_is_not_shown() {
    assert!(!format!("{:?}", identity()).contains("7, 7"));
}

#[test]
fn headers_and_claims_that_are_accepted() {
    for changes in [
        json!({}),
        json!({"typ": "AT+JWT"}),
        json!({"typ": "application/at+jwt"}),
        json!({"typ": "Application/At+Jwt"}),
        json!({"kid": null}),
        json!({"x5t": "a thumbprint names a key and brings none", "unknown": {"a": [1]}}),
    ] {
        assert!(verify_header(&changes).is_ok(), "{changes}");
    }
    for changes in [
        json!({"aud": ["other", AUDIENCE]}),
        json!({"sub": "é".repeat(255)}),
        json!({"iat": null}),
        json!({"nbf": 1_795_463_989.5}),
        json!({"exp": 1_795_467_600.75}),
        json!({"exp": 1.795_467_6e9}),
        json!({"jti": 7, "unknown": {"a": [1]}}),
    ] {
        assert!(verify_claims(&changes).is_ok(), "{changes}");
    }
}

#[test]
fn scopes_and_organisations_are_read() {
    let permissions = |scope: Value| verify_claims(&json!({"scope": scope})).unwrap().permissions;
    assert_eq!(
        permissions(json!("jobs:read  jobs:write email jobs:read")),
        [Permission::JobsRead, Permission::JobsWrite].into()
    );
    assert_eq!(permissions(json!("")), [].into());
    assert_eq!(permissions(json!("JOBS:READ jobs:read,jobs:write jobs:*")), [].into());
    assert_eq!(verify_claims(&json!({"scope": null})).unwrap().permissions, [].into());

    let scope = |organisations: Value| verify_claims(&json!({"organisations": organisations})).unwrap().scope;
    assert_eq!(scope(json!("*")), Scope::Platform);
    assert_eq!(scope(json!([])), Scope::of([]));
    assert_eq!(scope(json!([ORGANISATION, ORGANISATION])), request().scope);
    assert_eq!(verify_claims(&json!({"organisations": null})).unwrap().scope, Scope::of([]));
}

#[test]
fn the_claim_of_organisations_has_the_configured_name() {
    let clock = || {
        let mut clock = MockClock::new();
        clock.expect_now().return_const(at(NOW * 1_000_000));
        clock
    };
    let ids = Arc::new(MockIdGenerator::new());
    let identity = LocalIdentity::new(&SECRET, "tenants", Arc::new(clock()), ids).unwrap();
    let token = signed(good_header().to_string(), with(good_claims(), &json!({"tenants": "*"})));
    assert_eq!(verify(&identity, &token).unwrap().scope, Scope::Platform);
}

#[test]
fn times_are_judged_to_the_microsecond() {
    const SECOND: i64 = 1_000_000;
    let judge = |claims: Value, now: i64| {
        let claims = with(json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "operator"}), &claims);
        verify(&identity_at(at(now)), &signed(good_header().to_string(), claims)).map(|_| ())
    };
    let early = Err(TokenRejected::NotAcceptable("it is not valid yet (nbf, iat)"));
    let long = Err(TokenRejected::NotAcceptable("it is valid for more than 24 hours"));
    let now = NOW * SECOND;
    for (name, claims, now, expected) in [
        ("the last moment after exp", json!({"exp": NOW}), now + 60 * SECOND - 1, Ok(())),
        ("the leeway after exp is over", json!({"exp": NOW}), now + 60 * SECOND, Err(TokenRejected::Expired)),
        ("a quarter later with a fraction", json!({"exp": 1_795_464_000.25}), now + 60 * SECOND + 249_999, Ok(())),
        (
            "a quarter later, over",
            json!({"exp": 1_795_464_000.25}),
            now + 60 * SECOND + 250_000,
            Err(TokenRejected::Expired),
        ),
        ("the first moment before nbf", json!({"nbf": NOW, "exp": NOW + 9}), now - 60 * SECOND, Ok(())),
        ("too early for nbf", json!({"nbf": NOW, "exp": NOW + 9}), now - 60 * SECOND - 1, early),
        ("the first moment before iat", json!({"iat": NOW, "exp": NOW + 9}), now - 60 * SECOND, Ok(())),
        ("too early for iat", json!({"iat": NOW, "exp": NOW + 9}), now - 60 * SECOND - 1, early),
        ("the longest life", json!({"iat": NOW, "exp": NOW + 86_460}), now, Ok(())),
        ("too long a life", json!({"iat": NOW, "exp": NOW + 86_461}), now, long),
        (
            "too long a life, though little is left",
            json!({"iat": NOW, "exp": NOW + 86_461}),
            now + 80_000 * SECOND,
            long,
        ),
        ("the longest rest without iat", json!({"exp": NOW + 86_460}), now, Ok(())),
        ("too long a rest without iat", json!({"exp": NOW + 86_460}), now - 1, long),
        ("a clock before 1970", json!({"iat": NOW, "exp": NOW + 9}), -1, early),
    ] {
        assert_eq!(judge(claims, now), expected, "{name}");
    }
}

#[derive(Debug, Clone)]
enum Mutation {
    Set(prop::sample::Index, char),
    Insert(prop::sample::Index, char),
    Remove(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Cut(prop::sample::Index),
    Repeat(prop::sample::Index),
}

impl Mutation {
    fn apply(&self, token: &mut Vec<char>) {
        let length = token.len();
        if length == 0 {
            return;
        }
        match self {
            Self::Set(at, character) => token[at.index(length)] = *character,
            Self::Insert(at, character) => token.insert(at.index(length + 1), *character),
            Self::Remove(at) => drop(token.remove(at.index(length))),
            Self::Swap(one, other) => token.swap(one.index(length), other.index(length)),
            Self::Cut(at) => token.truncate(at.index(length)),
            Self::Repeat(from) => token.extend_from_within(from.index(length)..),
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let character = || {
        prop_oneof![4 => prop::char::ranges(vec!['0'..='9', 'A'..='Z', 'a'..='z'].into()), 1 => any::<char>(),
        1 => prop::sample::select(vec!['-', '_', '.', '=', '+', '/', '\0'])]
    };
    let place = any::<prop::sample::Index>;
    prop_oneof![
        6 => (place(), character()).prop_map(|(at, character)| Mutation::Set(at, character)),
        2 => (place(), character()).prop_map(|(at, character)| Mutation::Insert(at, character)),
        2 => place().prop_map(Mutation::Remove),
        2 => (place(), place()).prop_map(|(one, other)| Mutation::Swap(one, other)),
        1 => place().prop_map(Mutation::Cut),
        1 => place().prop_map(Mutation::Repeat),
    ]
}

#[test]
fn a_changed_token_is_refused() {
    let identity = identity();
    let token = identity.mint(&request()).unwrap();
    let config = ProptestConfig::with_cases(20_000);
    proptest!(config, |(mutations in prop::collection::vec(mutation(), 1..4))| {
        let mut changed = token.chars().collect();
        for mutation in &mutations {
            mutation.apply(&mut changed);
        }
        let changed: String = changed.into_iter().collect();
        prop_assert_eq!(verify(&identity, &changed).is_ok(), changed == token);
    });
}

#[test]
fn signed_rubbish_causes_no_panic() {
    let identity = identity();
    let (good_header, good_claims) = (good_header().to_string(), good_claims().to_string());
    let config = ProptestConfig::with_cases(5_000);
    proptest!(config, |(header in json_like(), payload in json_like())| {
        let _ = verify(&identity, &signed(&good_header, &payload));
        let _ = verify(&identity, &signed(&header, &good_claims));
        let _ = verify(&identity, &signed(&header, &payload));
    });
}

/// A good header or good claims in which some members have become something else.
fn json_like() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(any::<String>(), 0..4).prop_map(Value::from),
        Just(json!({"a": [{}]})),
    ];
    let names = ["alg", "typ", "kid", "x5t", "iss", "aud", "sub", "exp", "nbf", "iat", "scope", "organisations"];
    let changes = prop::collection::vec((prop::sample::select(names.to_vec()), value), 0..3);
    (prop_oneof![Just(good_header()), Just(good_claims())], changes).prop_map(|(mut good, changes)| {
        for (name, value) in changes {
            good.as_object_mut().unwrap().insert(name.to_owned(), value);
        }
        good.to_string()
    })
}

#[test]
fn the_longest_token_is_read_and_the_next_one_is_not() {
    let padded =
        |length: usize| signed(good_header().to_string(), with(good_claims(), &json!({"pad": "x".repeat(length)})));
    let longest =
        (11_000..MAX_TOKEN_BYTES).map(padded).take_while(|token| token.len() <= MAX_TOKEN_BYTES).last().unwrap();
    assert!(longest.len() > MAX_TOKEN_BYTES - 3 && verify(&identity(), &longest).is_ok());
    let next = padded(longest.len());
    assert_eq!(verify(&identity(), &next), Err(TokenRejected::Malformed("it is longer than 16 KiB")));
}

#[test]
fn the_fixed_time_is_what_the_comment_says() {
    assert_eq!(DateTime::from_timestamp(NOW, 0).unwrap().to_rfc3339(), "2026-11-23T20:00:00+00:00");
}

proptest! {
    /// What a cache rests on: a token that was accepted once is accepted exactly in the time that was told.
    #[test]
    fn the_valid_time_is_when_a_token_is_accepted(
        issued in proptest::option::of(-200_i64..200),
        not_before in proptest::option::of(-200_i64..200),
        life in prop_oneof![1..400_i64, 86_300..86_600_i64],
        asked in -100_000_000..100_000_000_i64,
        asked_later in prop_oneof![-200_000_000..600_000_000_i64, 86_000_000_000..87_000_000_000_i64],
    ) {
        let mut times = json!({"exp": NOW + life, "iat": null});
        for (name, value) in [("iat", issued), ("nbf", not_before)] {
            if let Some(value) = value {
                times[name] = json!(NOW + value);
            }
        }
        let token = signed(good_header().to_string(), with(good_claims(), &times));
        let identify = |micros: i64| {
            let now = at(NOW * 1_000_000 + micros);
            (now, identity_at(now).verify(&token).now_or_never().unwrap())
        };
        if let (_, Ok(verified)) = identify(asked) {
            let (now, later) = identify(asked_later);
            prop_assert_eq!(verified.valid.contains(now), later.is_ok());
            prop_assert!(later.is_err() || later == Ok(verified));
        }
    }
}
