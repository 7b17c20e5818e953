//! Which tokens are accepted, and which an attacker might try: those are refused, without a panic. What each profile
//! takes: [`profiles`].

mod profiles;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use biscuit::jwa::SignatureAlgorithm;
use biscuit::jws::Secret;
use futures_util::FutureExt as _;
use prediction_domain::model::{Caller, OrganisationId, Permission, Scope, Timestamp};
use prediction_domain::ports::MockClock;
use serde_json::{Value, json};

use super::*;
use crate::key_set::KeySet;

/// 2026-11-23T20:00:00Z.
const NOW: i64 = 1_795_464_000;
const ISSUER: &str = "https://issuer.example/";
const AUDIENCE: &str = "https://predictions.example";
const ORGANISATION: &str = "77777777-7777-7777-7777-777777777777";
const SET: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/jwks.json"));
const PEM: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/rsa-public.pem"));

use SignatureAlgorithm::{ES256, HS256, PS256, RS256};

fn set() -> Value {
    serde_json::from_slice(SET).unwrap()
}

fn identity_with(set: &Value) -> IssuerIdentity {
    identity_of(set, TokenProfile::Rfc9068)
}

fn identity_of(set: &Value, profile: TokenProfile) -> IssuerIdentity {
    let claims = profile.claims(ISSUER, vec![AUDIENCE.to_owned()]);
    identity_by(set, profile, claims)
}

fn identity_by(set: &Value, profile: TokenProfile, claims: ClaimRules) -> IssuerIdentity {
    let mut clock = MockClock::new();
    clock.expect_now().return_const(Timestamp::from_micros(NOW * 1_000_000).unwrap());
    let keys = IssuerKeys::fixed(KeySet::parse(set.to_string().as_bytes()).unwrap());
    IssuerIdentity::new(Arc::new(keys), profile, claims, Arc::new(clock))
}

fn verify(token: &str) -> Result<Caller, TokenRejected> {
    verify_with(&identity_with(&set()), token)
}

fn verify_with(identity: &IssuerIdentity, token: &str) -> Result<Caller, TokenRejected> {
    let verified = identity.verify(token).now_or_never().expect("the keys are at hand");
    verified.map(|verified| Arc::unwrap_or_clone(verified.caller))
}

/// A private key of the tests.
fn private(name: &str) -> Secret {
    let path = |extension| format!("{}/tests/keys/{name}.{extension}", env!("CARGO_MANIFEST_DIR"));
    if name.starts_with("rsa") {
        Secret::rsa_keypair_from_file(&path("der")).unwrap()
    } else {
        Secret::ecdsa_keypair_from_file(ES256, &path("p8")).unwrap()
    }
}

/// The key that signs with that algorithm.
fn key_for(algorithm: SignatureAlgorithm) -> Secret {
    private(if algorithm == ES256 { "ec" } else { "rsa" })
}

/// A token of any two texts, and its signature.
fn signed(
    key: &Secret,
    algorithm: SignatureAlgorithm,
    header: impl AsRef<[u8]>,
    payload: impl AsRef<[u8]>,
) -> (String, Vec<u8>) {
    let text = format!("{}.{}", encode(header), encode(payload));
    let signature = algorithm.sign(text.as_bytes(), key).unwrap();
    (text, signature)
}

fn token(key: &Secret, algorithm: SignatureAlgorithm, header: &Value, payload: &Value) -> String {
    let (text, signature) = signed(key, algorithm, header.to_string(), payload.to_string());
    format!("{text}.{}", encode(signature))
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn header(algorithm: &str, key: &str) -> Value {
    json!({"alg": algorithm, "typ": "at+jwt", "kid": key})
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "operator", "scope": "jobs:read", "organisations": [ORGANISATION],
        "iat": NOW, "exp": NOW + 3600,
    })
}

/// The good one with some members put in, or taken out where there is `null`.
fn with(mut good: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => good.as_object_mut().unwrap().remove(name),
            value => good.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    good
}

/// It is refused, for a reason that has this part, and that can be told in a challenge.
#[track_caller]
fn refused(name: &str, token: &str, part: &str) {
    let rejected = verify(token).expect_err(name);
    assert!(rejected.to_string().contains(part), "{name}: {rejected}");
    let challenge = rejected.challenge().expect(name).to_string();
    assert!(challenge.split('"').count() == 7 && !challenge.contains('\\') && challenge.is_ascii(), "{challenge}");
}

const NO_MATCH: &str = "its signature does not match";
const UNKNOWN_KEY: &str = "its key (kid) is not known here";
const NO_KEY_NAME: &str = "its key id (kid) is not the name of a key";
const OTHER_ALGORITHM: &str = "its key (kid) is not for its algorithm";
const NO_ALGORITHM: &str = "its algorithm is not accepted here";

/// Keycloak says in its header only that it is a token; an ID token or a refresh token has the same.
#[test]
fn access_tokens_of_keycloak_are_told_by_their_claim() {
    let identity = identity_of(&set(), TokenProfile::Keycloak);
    let header = |typ: &str| json!({"alg": "ES256", "typ": typ, "kid": "ec"});
    let verify = |typ: &str, claimed: Value| {
        let payload = with(claims(), &json!({"typ": claimed}));
        verify_with(&identity, &token(&key_for(ES256), ES256, &header(typ), &payload))
    };
    assert!(verify("JWT", json!("Bearer")).is_ok());
    for claimed in [json!("ID"), json!("Refresh"), json!("bearer"), json!(["Bearer"]), Value::Null] {
        let rejected = verify("JWT", claimed.clone()).expect_err("it is no access token");
        assert!(rejected.to_string().contains("its claim of a type (typ)"), "{claimed}: {rejected}");
    }
    assert!(verify("at+jwt", json!("Bearer")).is_err());
    assert!(verify_with(&identity_with(&set()), &token(&key_for(ES256), ES256, &header("JWT"), &claims())).is_err());
}

#[test]
fn tokens_of_the_issuer_get_in() {
    for (algorithm, name, keys) in [
        (RS256, "RS256", ["rsa", "rsa-rs256"]),
        (PS256, "PS256", ["rsa", "rsa-ps256"]),
        (ES256, "ES256", ["ec", "ec-es256"]),
    ] {
        for key in keys {
            let caller = verify(&token(&key_for(algorithm), algorithm, &header(name, key), &claims())).unwrap();
            assert_eq!(caller.subject, "operator");
            assert_eq!(caller.permissions, [Permission::JobsRead].into());
            assert_eq!(caller.scope, Scope::of([OrganisationId::parse(ORGANISATION).unwrap()]));
        }
    }
    let all = with(claims(), &json!({"organisations": "*", "aud": ["other", AUDIENCE]}));
    assert_eq!(verify(&token(&private("ec"), ES256, &header("ES256", "ec"), &all)).unwrap().scope, Scope::Platform);
}

/// Every key with every algorithm in the header and every way to sign: only what fits in all three gets in.
#[test]
fn a_key_is_for_its_algorithms_alone() {
    let ways = [(RS256, "RS256"), (PS256, "PS256"), (ES256, "ES256")];
    for (key, is_for) in [
        ("rsa", &["RS256", "PS256"] as &[_]),
        ("rsa-rs256", &["RS256"]),
        ("rsa-ps256", &["PS256"]),
        ("ec", &["ES256"]),
        ("ec-es256", &["ES256"]),
    ] {
        for (_, named) in ways {
            for (algorithm, signed_as) in ways {
                let token = token(&key_for(algorithm), algorithm, &header(named, key), &claims());
                let what = format!("{named} with {key}, signed as {signed_as}");
                if !is_for.contains(&named) {
                    refused(&what, &token, OTHER_ALGORITHM);
                } else if named == signed_as {
                    assert!(verify(&token).is_ok(), "{what}");
                } else {
                    refused(&what, &token, NO_MATCH);
                }
            }
        }
    }
}

#[test]
fn headers_that_choose_another_algorithm() {
    let good = private("rsa");
    for name in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        "non\u{435}",
        "HS256",
        "HS384",
        "HS512",
        "RS384",
        "RS512",
        "PS384",
        "PS512",
        "ES384",
        "ES512",
        "ES256K",
        "EdDSA",
        "rs256",
        "RS256 ",
        " RS256",
        "RS256\0",
        "RS256,none",
        "dir",
        "RSA-OAEP",
        "",
    ] {
        for key in ["rsa", "ec", "symmetric"] {
            refused(name, &token(&good, RS256, &header(name, key), &claims()), NO_ALGORITHM);
        }
    }
    let unsigned = |header: &Value| format!("{}.{}.", encode(header.to_string()), encode(claims().to_string()));
    refused("none, no signature", &unsigned(&header("none", "rsa")), "its parts are not base64url");
    refused("none, a signature of nothing", &format!("{}AA", unsigned(&header("none", "rsa"))), NO_ALGORITHM);
    refused("RS256, no signature", &unsigned(&header("RS256", "rsa")), "its parts are not base64url");
    for alg in [json!(null), json!(256), json!(["RS256"]), json!({"RS256": true})] {
        let mut header = header("RS256", "rsa");
        header["alg"] = alg.clone();
        refused(&alg.to_string(), &token(&good, RS256, &header, &claims()), "names no algorithm");
    }
    let twice = r#"{"alg": "none", "typ": "at+jwt", "kid": "rsa", "alg": "RS256"}"#;
    let (text, signature) = signed(&good, RS256, twice, claims().to_string());
    refused("alg twice", &format!("{text}.{}", encode(signature)), "without repeated members");
}

/// The classic: what is public, used as the secret of a symmetric algorithm.
#[test]
fn a_public_key_is_no_secret() {
    let rsa = set()["keys"][0].clone();
    let modulus = rsa["n"].as_str().unwrap();
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(modulus).unwrap();
    let pem = std::str::from_utf8(PEM).unwrap();
    for (what, secret) in [
        ("the modulus", decoded.clone()),
        ("the modulus with a zero before it", [&[0], &decoded[..]].concat()),
        ("the modulus in base64url", modulus.into()),
        ("the PEM text", PEM.to_vec()),
        ("the PEM text without the line end after it", pem.trim_end().into()),
        ("the PEM text with other line ends", pem.replace('\n', "\r\n").into()),
        ("the JWK text", rsa.to_string().into()),
        ("the key set", SET.to_vec()),
        ("the name of the key", "rsa".into()),
        ("nothing", Vec::new()),
        ("the symmetric key of the set", vec![7; 32]),
    ] {
        let secret = Secret::Bytes(secret);
        for key in ["rsa", "ec", "symmetric"] {
            refused(what, &token(&secret, HS256, &header("HS256", key), &claims()), NO_ALGORITHM);
        }
        refused(what, &token(&secret, HS256, &header("RS256", "rsa"), &claims()), NO_MATCH);
        refused(what, &token(&secret, HS256, &header("PS256", "rsa"), &claims()), NO_MATCH);
        refused(what, &token(&secret, HS256, &header("ES256", "ec"), &claims()), NO_MATCH);
        refused(what, &token(&secret, HS256, &header("RS256", "symmetric"), &claims()), UNKNOWN_KEY);
    }
}

#[test]
fn headers_that_choose_the_key() {
    let key = private("rsa");
    let named = |changes: Value| token(&key, RS256, &with(header("RS256", "rsa"), &changes), &claims());
    refused("no kid", &named(json!({"kid": null})), "does not name its key");
    for name in ["other", "RSA", "rsa ", "encryption", "symmetric", "from-the-future", "../rsa", "*", "rsa' OR ''='"] {
        refused(name, &named(json!({"kid": name})), UNKNOWN_KEY);
    }
    for kid in
        [json!(["rsa"]), json!({"rsa": 1}), json!(0), json!(true), json!(""), json!("rsa\0"), json!("k".repeat(257))]
    {
        refused(&kid.to_string(), &named(json!({"kid": kid})), NO_KEY_NAME);
    }
    let mut null = header("RS256", "rsa");
    null["kid"] = Value::Null;
    refused("kid null", &token(&key, RS256, &null, &claims()), NO_KEY_NAME);

    // The token is signed with the very key that it brings along.
    let own = json!({"kty": "RSA", "kid": "rsa", "n": set()["keys"][0]["n"], "e": "AQAB"});
    for (name, value) in [
        ("jwk", own.clone()),
        ("jku", json!("https://attacker.example/keys")),
        ("x5u", json!("https://attacker.example/certificate")),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
    ] {
        refused(name, &named(json!({ name: value })), "a member that is not accepted");
    }
    let others = token(&private("rsa-other"), RS256, &with(header("RS256", "rsa"), &json!({"jwk": own})), &claims());
    refused("a key of another issuer", &others, "a member that is not accepted");
}

#[test]
fn headers_of_other_kinds_of_tokens() {
    for kind in ["JWT", "jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", "at+jwt; x=1", "text/at+jwt", ""] {
        let header = with(header("ES256", "ec"), &json!({"typ": kind}));
        refused(kind, &token(&private("ec"), ES256, &header, &claims()), "its type (typ) is not accepted");
    }
    let untyped = with(header("ES256", "ec"), &json!({"typ": null}));
    refused("no typ", &token(&private("ec"), ES256, &untyped, &claims()), "does not say its type");
}

#[test]
fn signatures_that_do_not_match() {
    for (algorithm, name, key, other) in
        [(RS256, "RS256", "rsa", "rsa-other"), (PS256, "PS256", "rsa", "rsa-other"), (ES256, "ES256", "ec", "ec-other")]
    {
        let header = header(name, key);
        let (text, good) = signed(&private(key), algorithm, header.to_string(), claims().to_string());
        let spelt = |signature: &[u8]| format!("{text}.{}", encode(signature));
        assert!(verify(&spelt(&good)).is_ok());
        for bit in [0, 1, 7, 255, good.len() * 4, good.len() * 8 - 1] {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            refused(&format!("{name}: bit {bit} flipped"), &spelt(&flipped), NO_MATCH);
        }
        refused(name, &token(&private(other), algorithm, &header, &claims()), NO_MATCH);
        for (what, signature) in [
            ("cut short", good[..good.len() - 1].to_vec()),
            ("one byte", good[..1].to_vec()),
            ("one byte more", [&good[..], &[0]].concat()),
            ("a zero before it", [&[0], &good[..]].concat()),
            ("all zeros", vec![0; good.len()]),
            ("all ones", vec![0xff; good.len()]),
            ("twice", good.repeat(2)),
            ("very long", vec![1; 4_000]),
        ] {
            refused(&format!("{name}: {what}"), &spelt(&signature), NO_MATCH);
        }
        let platform = with(claims(), &json!({"organisations": "*"})).to_string();
        let of_another = format!("{}.{}.{}", encode(header.to_string()), encode(platform), encode(&good));
        refused(&format!("{name}: of another token"), &of_another, NO_MATCH);
        refused(&format!("{name}: another spelling of the same"), &unused_bit_set(&spelt(&good)), NO_MATCH);
    }
}

/// 64 and 256 bytes leave four unused bits in the last character.
fn unused_bit_set(token: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    let position = ALPHABET.iter().position(|letter| *letter == last.as_bytes()[0]).unwrap();
    format!("{rest}{}", char::from(ALPHABET[position | 1]))
}

#[test]
fn forms_of_a_signature_on_p256() {
    let (text, good) = signed(&private("ec"), ES256, header("ES256", "ec").to_string(), claims().to_string());
    let (r, s) = good.split_at(32);
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    for (what, signature) in [
        ("in DER", der(r, s)),
        ("r and s in the other order", [s, r].concat()),
        ("r zero", [&[0; 32], s].concat()),
        ("s zero", [r, &[0; 32]].concat()),
        ("both the order of the curve", order.repeat(2)),
        ("s the order of the curve", [r, &order].concat()),
        ("both one", [&[0; 31][..], &[1], &[0; 31], &[1]].concat()),
        ("as long as one on P-384", [&[0; 16], r, &[0; 16], s].concat()),
    ] {
        refused(what, &format!("{text}.{}", encode(signature)), NO_MATCH);
    }
}

/// SEQUENCE { INTEGER r, INTEGER s }, as OpenSSL writes it.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let number = &number[number.iter().position(|byte| *byte != 0).unwrap()..];
        let number = if number[0] >= 0x80 { [&[0], number].concat() } else { number.to_vec() };
        [&[2, u8::try_from(number.len()).unwrap()], &number[..]].concat()
    };
    let both = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(both.len()).unwrap()], &both[..]].concat()
}

#[test]
fn a_point_that_is_not_on_the_curve_verifies_nothing() {
    let good = set()["keys"][3].clone();
    assert_eq!(good["kid"], "ec");
    for (x, y) in [
        (json!(encode([0; 32])), json!(encode([0; 32]))),
        (json!(encode([0xff; 32])), json!(encode([0xff; 32]))),
        (good["y"].clone(), good["x"].clone()),
    ] {
        let identity = identity_with(&json!({"keys": [with(good.clone(), &json!({"x": x, "y": y}))]}));
        let token = token(&private("ec"), ES256, &header("ES256", "ec"), &claims());
        assert_eq!(verify_with(&identity, &token).unwrap_err(), NotAcceptable(NO_MATCH));
    }
}

/// The rules for claims are those of local tokens, whose tests have the rest.
#[test]
fn claims_that_are_not_acceptable() {
    for (changes, part) in [
        (json!({"iss": null}), "(iss)"),
        (json!({"iss": "https://issuer.example"}), "(iss)"),
        (json!({"iss": "https://attacker.example/"}), "(iss)"),
        (json!({"iss": crate::local::ISSUER}), "(iss)"),
        (json!({"iss": [ISSUER]}), "(iss)"),
        (json!({"aud": null}), "(aud)"),
        (json!({"aud": "https://other.example"}), "(aud)"),
        (json!({"aud": crate::local::AUDIENCE}), "(aud)"),
        (json!({"aud": [AUDIENCE, 7]}), "(aud)"),
        (json!({"aud": []}), "(aud)"),
        (json!({"sub": null}), "(sub)"),
        (json!({"sub": "operator\n"}), "(sub)"),
        (json!({"exp": null}), "(exp)"),
        (json!({"exp": NOW - 60, "iat": NOW - 3600}), "expired"),
        (json!({"exp": NOW + 172_800}), "24 hours"),
        (json!({"exp": i64::MAX}), "not a time"),
        (json!({"exp": i64::MIN}), "not a time"),
        (json!({"exp": u64::MAX}), "not a time"),
        (json!({"nbf": i64::MAX}), "not a time"),
        (json!({"nbf": i64::MIN}), "not a time"),
        (json!({"iat": i64::MAX}), "not a time"),
        (json!({"iat": i64::MIN}), "not a time"),
        (json!({"iat": NOW + 61}), "not valid yet"),
        (json!({"scope": ["jobs:read"]}), "scope"),
        (json!({"organisations": ORGANISATION}), "organisations"),
        (json!({"organisations": ["*"]}), "organisations"),
    ] {
        let token = token(&private("rsa"), PS256, &header("PS256", "rsa"), &with(claims(), &changes));
        refused(&changes.to_string(), &token, part);
    }
    let (text, signature) = signed(&private("ec"), ES256, header("ES256", "ec").to_string(), "[]");
    refused("a payload that is a list", &format!("{text}.{}", encode(signature)), "not a JSON object");
}
