//! Tokens that an attacker might try. Each is refused for its own reason, without a panic.

use super::*;

/// Why a token of the corpus has to be refused.
enum Because {
    Malformed,
    NotAcceptable,
    Expired,
}
use Because::{Expired, Malformed, NotAcceptable};

fn encode(text: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

fn refused(corpus: &[(&str, String, Because)]) {
    let identity = identity();
    for (name, token, because) in corpus {
        let rejected = verify(&identity, token).expect_err(name);
        let fits = match because {
            Malformed => matches!(rejected, TokenRejected::Malformed(_)),
            NotAcceptable => matches!(rejected, TokenRejected::NotAcceptable(_)),
            Expired => rejected == TokenRejected::Expired,
        };
        assert!(fits, "{name}: {rejected}");
        let challenge = rejected.challenge().expect(name).to_string();
        let description = challenge.split('"').nth(5).expect(name);
        assert!(
            challenge.split('"').count() == 7 && !challenge.contains('\\') && description.is_ascii(),
            "{challenge}"
        );
    }
}

/// Signed with the right key, only the header is another.
fn header(name: &'static str, header: impl AsRef<[u8]>, because: Because) -> (&'static str, String, Because) {
    (name, signed(header, good_claims().to_string()), because)
}

/// The good header with other members.
fn members(name: &'static str, changes: &Value) -> (&'static str, String, Because) {
    header(name, with(good_header(), changes), NotAcceptable)
}

/// Signed with the right key, only the payload is another.
fn payload(name: &'static str, payload: impl AsRef<[u8]>) -> (&'static str, String, Because) {
    (name, signed(good_header().to_string(), payload), Malformed)
}

/// The good claims with others put in (or taken out).
fn claims(name: &'static str, changes: &Value) -> (&'static str, String, Because) {
    (name, signed(good_header().to_string(), with(good_claims(), changes)), NotAcceptable)
}

/// The good claims with one that is `null`.
fn null(name: &'static str, claim: &str) -> (&'static str, String, Because) {
    let mut claims = good_claims();
    claims[claim] = Value::Null;
    (name, signed(good_header().to_string(), claims.to_string()), NotAcceptable)
}

#[test]
fn what_does_not_have_the_form_of_a_token() {
    let good = signed(good_header().to_string(), good_claims().to_string());
    let [head, body, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let standard = base64::prelude::BASE64_STANDARD.encode(good_header().to_string());
    refused(&[
        ("empty", String::new(), Malformed),
        ("one part", head.to_owned(), Malformed),
        ("two parts", format!("{head}.{body}"), Malformed),
        ("four parts", format!("{good}.{signature}"), Malformed),
        ("five parts, as an encrypted token has", format!("{good}.{body}.{signature}"), Malformed),
        ("a dot too many", format!("{good}."), Malformed),
        ("only dots", "..".to_owned(), Malformed),
        ("empty header", format!(".{body}.{signature}"), Malformed),
        ("empty payload", format!("{head}..{signature}"), Malformed),
        ("empty signature", format!("{head}.{body}."), Malformed),
        ("padded header", format!("{standard}==.{body}.{signature}"), Malformed),
        ("padded signature", format!("{good}="), Malformed),
        ("a space before", format!(" {good}"), Malformed),
        ("a line end after", format!("{good}\n"), Malformed),
        ("a NUL within", good.replacen('.', ".\0", 1), Malformed),
        ("letters of plain base64", format!("{head}.{body}+/.{signature}"), Malformed),
        ("letters beyond ASCII", format!("{head}.{body}é.{signature}"), Malformed),
        (
            "the JSON serialisation",
            json!({"protected": head, "payload": body, "signature": signature}).to_string(),
            Malformed,
        ),
        ("not base64: an impossible length", format!("A.{body}.{signature}"), Malformed),
        ("17 KiB", format!("{good}{}", "A".repeat(17 * 1024)), Malformed),
        ("a megabyte of dots", ".".repeat(1 << 20), Malformed),
    ]);
}

#[test]
fn signatures_that_do_not_match() {
    use SignatureAlgorithm::{HS256, HS384, HS512};
    let (good_header, good_claims) = (good_header().to_string(), good_claims().to_string());
    let good = signed(&good_header, &good_claims);
    let (text, signature) = good.rsplit_once('.').unwrap();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let with_signature = |bytes: &[u8]| format!("{text}.{}", encode(bytes));
    let flipped = |bit: usize| {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        with_signature(&bytes)
    };
    let other = |secret: &[u8], algorithm| signed_with(secret, algorithm, &good_header, &good_claims);
    let public_key = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----\n";
    let platform = with(super::good_claims(), &json!({"organisations": "*"}));
    refused(&[
        ("another secret", other(&[8; 32], HS256), NotAcceptable),
        ("an empty secret", other(&[], HS256), NotAcceptable),
        ("a secret of zeros", other(&[0; 32], HS256), NotAcceptable),
        ("a public key as the secret", other(public_key.as_bytes(), HS256), NotAcceptable),
        ("the name of the key as the secret", other(b"local", HS256), NotAcceptable),
        ("HS384 called HS256", other(&SECRET, HS384), NotAcceptable),
        ("HS512 called HS256", other(&SECRET, HS512), NotAcceptable),
        ("the first bit flipped", flipped(0), NotAcceptable),
        ("the last bit flipped", flipped(255), NotAcceptable),
        ("cut short", with_signature(&bytes[..31]), NotAcceptable),
        ("one byte", with_signature(&bytes[..1]), NotAcceptable),
        ("one byte more", with_signature(&[&bytes[..], &[0]].concat()), NotAcceptable),
        ("all zeros", with_signature(&[0; 32]), NotAcceptable),
        ("of another token", format!("{}.{}.{signature}", encode(&good_header), encode(&platform)), NotAcceptable),
        ("unused bits set: another spelling of the same", unused_bits_set(&good), NotAcceptable),
    ]);
}

/// The last of 43 characters carries four bits of the signature and two unused ones.
fn unused_bits_set(token: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    let position = ALPHABET.iter().position(|letter| *letter == last.as_bytes()[0]).unwrap();
    format!("{rest}{}", char::from(ALPHABET[position | 1]))
}

#[test]
fn headers_that_choose_the_algorithm() {
    let spellings =
        ["none", "None", "NONE", "nOnE", "none ", "non\u{435}", "hs256", "Hs256", "HS256 ", " HS256", "HS256\0"];
    let others = ["HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA", "dir", "A256KW", "HS256,none", ""];
    for name in spellings.into_iter().chain(others) {
        refused(&[members(name, &json!({"alg": name}))]);
    }
    let unsigned =
        |alg: &str| format!("{}.{}.", encode(json!({"alg": alg}).to_string()), encode(good_claims().to_string()));
    refused(&[
        ("alg none without a signature", unsigned("none"), Malformed),
        ("alg none with a signature of nothing", format!("{}AA", unsigned("none")), NotAcceptable),
        header("no alg", r#"{"typ": "at+jwt"}"#, Malformed),
        header("alg null", r#"{"typ": "at+jwt", "alg": null}"#, Malformed),
        header("alg a number", r#"{"typ": "at+jwt", "alg": 256}"#, Malformed),
        header("alg a list", r#"{"typ": "at+jwt", "alg": ["HS256"]}"#, Malformed),
        header("alg twice", r#"{"typ": "at+jwt", "alg": "none", "alg": "HS256"}"#, Malformed),
        header("alg twice, once escaped", r#"{"typ": "at+jwt", "alg": "HS256", "\u0061lg": "none"}"#, Malformed),
        header("Alg", r#"{"typ": "at+jwt", "Alg": "HS256"}"#, Malformed),
    ]);
}

#[test]
fn headers_that_are_no_json_object() {
    let nested = format!(r#"{{"alg":"HS256","typ":"at+jwt","x":{}{}}}"#, "[".repeat(2_000), "]".repeat(2_000));
    let good = good_header().to_string();
    refused(&[
        header("a list", r#"["HS256"]"#, Malformed),
        header("text", r#""HS256""#, Malformed),
        header("null", "null", Malformed),
        header("nothing but a space", " ", Malformed),
        header("half an object", r#"{"alg":"HS256""#, Malformed),
        header("something after it", format!("{good}x"), Malformed),
        header("two objects", format!("{good}{good}"), Malformed),
        header("a byte order mark", format!("\u{feff}{good}"), Malformed),
        header("not UTF-8", b"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"x\":\"\xff\"}", Malformed),
        header("a NUL after it", format!("{good}\0"), Malformed),
        header("a lone surrogate", r#"{"alg":"HS256","typ":"at+jwt","x":"\ud800"}"#, Malformed),
        header("2,000 levels", nested, Malformed),
        header("a repeated member deep inside", r#"{"alg":"HS256","typ":"at+jwt","x":[{"a":1,"a":1}]}"#, Malformed),
    ]);
}

#[test]
fn headers_that_choose_the_key_or_the_reading() {
    let key = json!({"kty": "oct", "k": encode(SECRET), "kid": "local"});
    let certificate = json!(["MIIBszCCAVmgAwIBAgIUQm9ndXM="]);
    refused(&[
        members("a key", &json!({"jwk": key})),
        members("a key that is no key", &json!({"jwk": 7})),
        members("the address of keys", &json!({"jku": "https://attacker.example/keys"})),
        members("the address of a certificate", &json!({"x5u": "https://attacker.example/certificate"})),
        members("a certificate", &json!({"x5c": certificate})),
        members("crit", &json!({"crit": ["exp"], "exp": 1})),
        members("crit, empty", &json!({"crit": []})),
        members("b64 false", &json!({"b64": false, "crit": ["b64"]})),
        members("b64 true", &json!({"b64": true})),
        members("compressed", &json!({"zip": "DEF"})),
        members("nested", &json!({"cty": "JWT"})),
        members("kid of another key", &json!({"kid": "other"})),
        members("kid in other letters", &json!({"kid": "LOCAL"})),
        members("kid empty", &json!({"kid": ""})),
        members("kid a number", &json!({"kid": 7})),
        members("kid a list", &json!({"kid": ["local"]})),
        members("kid an object", &json!({"kid": {"$ne": ""}})),
        members("kid a path", &json!({"kid": "../../../../dev/null"})),
        members("kid SQL", &json!({"kid": "local' OR '1'='1"})),
        members("kid an address", &json!({"kid": "https://attacker.example/keys"})),
        members("kid with a NUL", &json!({"kid": "local\0"})),
        members("kid of 4 KiB", &json!({"kid": "k".repeat(4096)})),
        header("kid of 64 KiB", with(good_header(), &json!({"kid": "k".repeat(65536)})), Malformed),
        header("kid null", r#"{"alg":"HS256","typ":"at+jwt","kid":null}"#, NotAcceptable),
        members("no typ", &json!({"typ": null})),
        header("typ null", r#"{"alg":"HS256","typ":null}"#, NotAcceptable),
        members("typ JWT, as an ID token has", &json!({"typ": "JWT"})),
        members("typ of a logout token", &json!({"typ": "logout+jwt"})),
        members("typ with a parameter", &json!({"typ": "at+jwt; x=1"})),
        members("typ text/at+jwt", &json!({"typ": "text/at+jwt"})),
        members("typ a list", &json!({"typ": ["at+jwt"]})),
        members("typ empty", &json!({"typ": ""})),
    ]);
}

#[test]
fn payloads_that_are_no_json_object() {
    let good = good_claims().to_string();
    let twice = |claim: &str| format!("{}, {claim}}}", good.strip_suffix('}').unwrap());
    refused(&[
        payload("a list", format!("[{good}]")),
        payload("a token in a token", signed(good_header().to_string(), &good)),
        payload("a number", "7"),
        payload("something after it", format!("{good}{{}}")),
        payload("a byte order mark", format!("\u{feff}{good}")),
        payload("not UTF-8", [good.as_bytes(), b"\xff"].concat()),
        payload("bytes", [0, 159, 146, 150]),
        payload("2,000 levels", twice(&format!(r#""x": {}{}"#, "[".repeat(2_000), "]".repeat(2_000)))),
        payload("sub twice", twice(r#""sub": "another""#)),
        payload("exp twice", twice(r#""exp": 99999999999"#)),
        payload("organisations twice", twice(r#""organisations": "*""#)),
        payload("a repeated member deep inside", twice(r#""x": {"y": [{"a": 1, "a": 1}]}"#)),
        payload("an infinite number", twice(r#""x": 1e400"#)),
        payload("NaN", twice(r#""x": NaN"#)),
    ]);
}

#[test]
fn claims_of_another_time() {
    refused(&[
        ("expired", claims("", &json!({"iat": NOW - 3600, "exp": NOW - 60})).1, Expired),
        ("expired long ago", claims("", &json!({"iat": null, "exp": 0})).1, Expired),
        claims("no exp", &json!({"exp": null})),
        null("exp null", "exp"),
        claims("exp text", &json!({"exp": (NOW + 3600).to_string()})),
        claims("exp a list", &json!({"exp": [NOW + 3600]})),
        claims("exp true", &json!({"exp": true})),
        claims("exp in milliseconds", &json!({"exp": (NOW + 3600) * 1000})),
        claims("exp 1e30", &json!({"exp": 1e30})),
        claims("exp 1e308", &json!({"exp": 1e308})),
        claims("exp i64::MAX", &json!({"exp": i64::MAX})),
        claims("exp i64::MIN", &json!({"exp": i64::MIN})),
        claims("exp u64::MAX", &json!({"exp": u64::MAX})),
        claims("exp -1", &json!({"exp": -1})),
        claims("exp -1e30", &json!({"exp": -1e30})),
        claims("exp beyond the year 9999", &json!({"exp": 253_402_300_800_u64})),
        claims("exp in the year 9999", &json!({"exp": 253_402_300_799_u64})),
        claims("exp in two days", &json!({"exp": NOW + 172_800})),
        claims("exp in two days without iat", &json!({"exp": NOW + 172_800, "iat": null})),
        claims("exp before iat", &json!({"exp": NOW - 1})),
        claims("exp before nbf", &json!({"nbf": NOW + 30, "exp": NOW + 20})),
        claims("nbf to come", &json!({"nbf": NOW + 61})),
        claims("nbf text", &json!({"nbf": NOW.to_string()})),
        null("nbf null", "nbf"),
        claims("nbf 1e30", &json!({"nbf": 1e30})),
        claims("nbf i64::MIN", &json!({"nbf": i64::MIN})),
        claims("iat to come", &json!({"iat": NOW + 61})),
        claims("iat text", &json!({"iat": NOW.to_string()})),
        null("iat null", "iat"),
        claims("iat 1e30", &json!({"iat": 1e30})),
        claims("iat i64::MAX", &json!({"iat": i64::MAX})),
        claims("iat i64::MIN", &json!({"iat": i64::MIN})),
        claims("iat long ago", &json!({"iat": 0})),
    ]);
}

#[test]
fn claims_of_other_parties() {
    refused(&[
        claims("no iss", &json!({"iss": null})),
        null("iss null", "iss"),
        claims("another iss", &json!({"iss": "https://attacker.example"})),
        claims("iss with a slash after it", &json!({"iss": "prediction-api-local/"})),
        claims("iss in other letters", &json!({"iss": "Prediction-API-Local"})),
        claims("iss with a space after it", &json!({"iss": "prediction-api-local "})),
        claims("iss a list", &json!({"iss": [ISSUER]})),
        claims("iss empty", &json!({"iss": ""})),
        claims("no aud", &json!({"aud": null})),
        null("aud null", "aud"),
        claims("another aud", &json!({"aud": "prediction-api-staging"})),
        claims("aud in other letters", &json!({"aud": "PREDICTION-API"})),
        claims("aud empty", &json!({"aud": ""})),
        claims("aud an empty list", &json!({"aud": []})),
        claims("aud a list of others", &json!({"aud": ["a", "b"]})),
        claims("aud a list with something else in it", &json!({"aud": [AUDIENCE, 7]})),
        claims("aud a list in a list", &json!({"aud": [[AUDIENCE]]})),
        claims("aud several in one text", &json!({"aud": "prediction-api other"})),
        claims("aud a number", &json!({"aud": 7})),
        claims("aud an object", &json!({"aud": {"prediction-api": true}})),
        claims("no sub", &json!({"sub": null})),
        null("sub null", "sub"),
        claims("sub empty", &json!({"sub": ""})),
        claims("sub a number", &json!({"sub": 7})),
        claims("sub of 256 characters", &json!({"sub": "x".repeat(256)})),
        claims("sub of 4 KiB", &json!({"sub": "x".repeat(4096)})),
        claims("sub with a line end, to forge log lines", &json!({"sub": "operator\nanother"})),
        claims("sub with a NUL", &json!({"sub": "operator\0"})),
        claims("sub with an escape sequence", &json!({"sub": "\u{1b}[2J"})),
    ]);
}

#[test]
fn claims_of_other_rights() {
    let many: Vec<String> = (1..=10_000_u128).map(|id| Uuid::from_u128(id).to_string()).collect();
    refused(&[
        claims("scope a list", &json!({"scope": ["jobs:read"]})),
        claims("scope a number", &json!({"scope": 7})),
        claims("scope an object", &json!({"scope": {"jobs:read": true}})),
        null("scope null", "scope"),
        null("organisations null", "organisations"),
        claims("organisations a text", &json!({"organisations": ORGANISATION})),
        claims("organisations two stars", &json!({"organisations": "**"})),
        claims("organisations empty text", &json!({"organisations": ""})),
        claims("organisations a star in a list", &json!({"organisations": ["*"]})),
        claims("organisations true", &json!({"organisations": true})),
        claims("organisations a number", &json!({"organisations": 7})),
        claims("organisations an object", &json!({"organisations": {ORGANISATION: {}}})),
        claims("organisations with a number in it", &json!({"organisations": [ORGANISATION, 7]})),
        claims("organisations with null in it", &json!({"organisations": [ORGANISATION, null]})),
        claims("organisations with a list in it", &json!({"organisations": [[ORGANISATION]]})),
        claims("organisations with no UUID in it", &json!({"organisations": ["everything"]})),
        claims("organisations with the nil UUID in it", &json!({"organisations": [Uuid::nil()]})),
        claims("organisations with a UUID without hyphens", &json!({"organisations": [ORGANISATION.replace('-', "")]})),
        claims("organisations with SQL in it", &json!({"organisations": [format!("{ORGANISATION}' OR ''='")]})),
        claims("bound to a key of its sender", &json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}})),
        null("cnf null", "cnf"),
        claims("an ID token", &json!({"nonce": "n", "at_hash": "AAAA"})),
        claims("an ID token by its use", &json!({"token_use": "id"})),
        claims("a refresh token", &json!({"typ": "Refresh"})),
        ("organisations 10,000 long", claims("", &json!({"organisations": many})).1, Malformed),
    ]);

    // A token has no room for so many; other verifiers may take longer ones.
    let rules = &identity().claims;
    let listed = |length: usize| with(good_claims(), &json!({"organisations": many[..length]}));
    let now = at(NOW * 1_000_000);
    assert!(rules.identify(listed(1_000).as_bytes(), now).is_ok());
    assert!(rules.identify(listed(1_001).as_bytes(), now).is_err());
}
