//! What it takes to find out whose token it is: with each algorithm, and when it is remembered.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use biscuit::jwa::SignatureAlgorithm;
use biscuit::jws::Secret;
use criterion::Criterion;
use futures_util::FutureExt as _;
use prediction_domain::model::{Caller, OrganisationId, Permission, Scope};
use prediction_domain::ports::Clock;
use prediction_domain_testkit::values::fresh_organisation_id;
use prediction_domain_testkit::{FixedClock, SequentialIds, fresh_uuid};
use prediction_identity::TokenVerifier;
use prediction_identity::cache::CachingVerifier;
use prediction_identity::issuer::IssuerIdentity;
use prediction_identity::key_set::KeySet;
use prediction_identity::keys::IssuerKeys;
use prediction_identity::local::{DEFAULT_ORGANISATIONS_CLAIM, LocalIdentity, TokenRequest};
use prediction_identity::profile::TokenProfile;
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.example/";
const AUDIENCE: &str = "https://predictions.example";
const SUBJECT: &str = "auth0|5f7c8ec7c33c6c004bbafe82";
const LIFE: Duration = Duration::from_hours(1);
const KEY_SET: &[u8] = include_bytes!("../tests/keys/jwks.json");

/// Verifies a token as it is, and remembered.
fn measure(
    criterion: &mut Criterion,
    algorithm: &str,
    verifier: impl TokenVerifier + 'static,
    clock: &Arc<FixedClock>,
    token: &str,
    expected: &Caller,
) {
    let verifier = Arc::new(verifier);
    let caching = CachingVerifier::new(Arc::clone(&verifier) as _, Arc::clone(clock) as _);
    let verifiers: [(&str, &dyn TokenVerifier); 2] = [("verified", &*verifier), ("remembered", &caching)];
    for (how, verifier) in verifiers {
        let verify = || verifier.verify(black_box(token)).now_or_never().expect("there is nothing to wait for");
        assert_eq!(*verify().expect("a good token").caller, *expected);
        criterion.bench_function(&format!("{algorithm}/{how}"), |bencher| bencher.iter(verify));
    }
}

fn local(criterion: &mut Criterion, clock: &Arc<FixedClock>, caller: &Caller) {
    let ids = Arc::new(SequentialIds::default());
    let identity = LocalIdentity::new(&[7; 32], DEFAULT_ORGANISATIONS_CLAIM, Arc::clone(clock) as _, ids)
        .expect("the secret is long enough");
    let request = TokenRequest {
        subject: caller.subject.clone(),
        permissions: caller.permissions.iter().copied().collect(),
        scope: caller.scope.clone(),
        expires_in: LIFE,
    };
    let token = identity.mint(&request).expect("an acceptable token");
    measure(criterion, "HS256", identity, clock, &token, caller);
}

fn issuer(
    criterion: &mut Criterion,
    clock: &Arc<FixedClock>,
    caller: &Caller,
    (name, algorithm): (&str, SignatureAlgorithm),
    (key, secret): (&str, &Secret),
    organisations: &[OrganisationId],
) {
    let claims = TokenProfile::default().claims(ISSUER.to_owned(), vec![AUDIENCE.to_owned()]);
    let keys = KeySet::parse(KEY_SET).expect("the key set of the tests");
    let identity =
        IssuerIdentity::new(Arc::new(IssuerKeys::fixed(keys)), TokenProfile::default(), claims, Arc::clone(clock) as _);
    let header = json!({"alg": name, "typ": "at+jwt", "kid": key});
    let token = signed(secret, algorithm, &header, &claims_of(caller, clock, organisations));
    measure(criterion, name, identity, clock, &token, caller);
}

/// What an access token says (RFC 9068, section 2.2), with permissions of another service among ours.
fn claims_of(caller: &Caller, clock: &FixedClock, organisations: &[OrganisationId]) -> Value {
    let now = clock.now().as_datetime().timestamp();
    let expires = now.saturating_add_unsigned(LIFE.as_secs());
    json!({
        "iss": ISSUER,
        "aud": [AUDIENCE, "https://issuer.example/userinfo"],
        "sub": caller.subject,
        "client_id": "s6BhdRkqt3",
        "scope": format!("openid profile {}", Permission::ALL.map(Permission::as_str).join(" ")),
        DEFAULT_ORGANISATIONS_CLAIM: organisations,
        "iat": now,
        "exp": expires,
        "jti": fresh_uuid(),
    })
}

fn signed(secret: &Secret, algorithm: SignatureAlgorithm, header: &Value, claims: &Value) -> String {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let text = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    let signature = algorithm.sign(text.as_bytes(), secret).expect("the key is for the algorithm");
    format!("{text}.{}", encode(&signature))
}

fn main() {
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    let clock = Arc::new(FixedClock::default());
    let organisations: Vec<OrganisationId> = (0..10).map(|_| fresh_organisation_id()).collect();
    let caller = Caller {
        subject: SUBJECT.to_owned(),
        permissions: Permission::ALL.into(),
        scope: Scope::of(organisations.iter().copied()),
    };
    local(&mut criterion, &clock, &caller);

    let file = |name: &str| format!("{}/tests/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    let rsa = Secret::rsa_keypair_from_file(&file("rsa.der")).expect("the key of the tests");
    let ec = Secret::ecdsa_keypair_from_file(SignatureAlgorithm::ES256, &file("ec.p8")).expect("the key of the tests");
    for (algorithm, key) in [
        (("RS256", SignatureAlgorithm::RS256), ("rsa", &rsa)),
        (("PS256", SignatureAlgorithm::PS256), ("rsa", &rsa)),
        (("ES256", SignatureAlgorithm::ES256), ("ec", &ec)),
    ] {
        issuer(&mut criterion, &clock, &caller, algorithm, key, &organisations);
    }
    criterion.final_summary();
}
