use super::*;

const SET: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/jwks.json"));

/// A key of the committed set.
fn key(name: &str) -> Value {
    let set: Value = serde_json::from_slice(SET).unwrap();
    let keys = set["keys"].as_array().unwrap().clone();
    keys.into_iter().find(|key| key["kid"] == name).unwrap()
}

/// The key with other members; what is null is taken out.
fn with(mut key: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => key.as_object_mut().unwrap().remove(name),
            value => key.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    key
}

fn parse(keys: &[Value]) -> Result<KeySet, KeySetError> {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes())
}

/// Why the only key of a set is left out.
fn reason(key: &Value) -> &'static str {
    match parse(std::slice::from_ref(key)).and_then(KeySet::with_a_key) {
        Err(KeySetError::NoUsableKey(skipped)) => match skipped[..] {
            [SkippedKey { number: 1, reason }] => reason,
            _ => panic!("{key}: {skipped:?}"),
        },
        other => panic!("{key}: {other:?}"),
    }
}

fn algorithms(key: &PublicKey) -> Vec<&'static str> {
    ["none", "HS256", "RS256", "RS512", "PS256", "ES256", "ES384", "rs256", ""]
        .into_iter()
        .filter(|name| key.for_algorithm(name).is_some())
        .collect()
}

#[test]
fn usable_keys_are_found_by_name_and_the_others_are_left_out() {
    let set = KeySet::parse(SET).unwrap();
    for (name, expected) in [
        ("rsa", &["RS256", "PS256"] as &[_]),
        ("rsa-rs256", &["RS256"]),
        ("rsa-ps256", &["PS256"]),
        ("ec", &["ES256"]),
        ("ec-es256", &["ES256"]),
    ] {
        assert_eq!(algorithms(set.find(name).unwrap()), expected, "{name}");
    }
    assert_eq!(set.names().collect::<Vec<_>>(), ["ec", "ec-es256", "rsa", "rsa-ps256", "rsa-rs256"]);
    for name in ["encryption", "symmetric", "from-the-future", "RSA", "rsa ", ""] {
        assert!(set.find(name).is_none(), "{name}");
    }
    let skipped: Vec<String> = set.skipped().iter().map(ToString::to_string).collect();
    assert_eq!(
        skipped,
        [
            "key 6 is not for signatures (use)",
            "key 7 is symmetric (oct): every reader of it could sign with it",
            "key 8 is of a kind (kty) that is not known here",
        ]
    );
}

#[test]
fn keys_that_are_not_usable_are_left_out_with_a_reason() {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let (rsa, ec) = (|changes: Value| with(key("rsa"), &changes), |changes: Value| with(key("ec"), &changes));
    let modulus = decoded(key("rsa").as_object().unwrap(), "n").unwrap();
    let x = decoded(key("ec").as_object().unwrap(), "x").unwrap();
    let changed = |place: usize, mask: u8| {
        let mut bytes = modulus.clone();
        bytes[place] &= mask;
        encode(&bytes)
    };
    for (key, part) in [
        (json!(7), "not an object"),
        (json!(null), "not an object"),
        (json!({}), "kind"),
        (rsa(json!({"kty": null})), "kind"),
        (rsa(json!({"kty": 7})), "kind"),
        (rsa(json!({"kty": "rsa"})), "kind"),
        (rsa(json!({"kty": "OKP", "crv": "Ed25519"})), "kind"),
        (key("symmetric"), "symmetric"),
        (with(key("symmetric"), &json!({"alg": "RS256", "use": "sig"})), "symmetric"),
        (rsa(json!({"d": "AQAB"})), "private"),
        (ec(json!({"d": "AQAB"})), "private"),
        (rsa(json!({"oth": []})), "private"),
        (rsa(json!({"use": "enc"})), "(use)"),
        (rsa(json!({"use": "SIG"})), "(use)"),
        (rsa(json!({"use": ["sig"]})), "(use)"),
        (rsa(json!({"key_ops": ["encrypt", "sign"]})), "(key_ops)"),
        (rsa(json!({"key_ops": []})), "(key_ops)"),
        (rsa(json!({"key_ops": "verify"})), "(key_ops)"),
        (rsa(json!({"key_ops": [["verify"]]})), "(key_ops)"),
        (rsa(json!({"alg": "ES256"})), "(alg)"),
        (rsa(json!({"alg": "HS256"})), "(alg)"),
        (rsa(json!({"alg": "none"})), "(alg)"),
        (rsa(json!({"alg": "RS512"})), "(alg)"),
        (rsa(json!({"alg": "rs256"})), "(alg)"),
        (rsa(json!({"alg": ["RS256"]})), "(alg)"),
        (rsa(json!({"alg": "RSA-OAEP"})), "(alg)"),
        (ec(json!({"alg": "RS256"})), "(alg)"),
        (ec(json!({"alg": "ES384"})), "(alg)"),
        (rsa(json!({"kid": null})), "no name"),
        (rsa(json!({"kid": ""})), "that no token"),
        (rsa(json!({"kid": 7})), "that no token"),
        (rsa(json!({"kid": ["rsa"]})), "that no token"),
        (rsa(json!({"kid": "rsa\0"})), "that no token"),
        (rsa(json!({"kid": "k".repeat(257)})), "that no token"),
        (rsa(json!({"n": null})), "(n)"),
        (rsa(json!({"n": 7})), "(n)"),
        (rsa(json!({"n": ""})), "(n)"),
        (rsa(json!({"n": "AAAA"})), "(n)"),
        (rsa(json!({"n": format!("{}=", encode(&modulus))})), "(n)"),
        (rsa(json!({"n": encode(&modulus[128..])})), "fewer than 2048 bits"),
        (rsa(json!({"n": changed(0, 0x7f)})), "fewer than 2048 bits"),
        (rsa(json!({"n": encode(&[&[0; 128], &modulus[128..]].concat())})), "fewer than 2048 bits"),
        (rsa(json!({"n": changed(255, 0xfe)})), "(n, e)"),
        (rsa(json!({"n": encode(&[&[1], &modulus.repeat(4)[..]].concat())})), "more than 8192 bits"),
        (rsa(json!({"e": null})), "(e)"),
        (rsa(json!({"e": 65_537})), "(e)"),
        (rsa(json!({"e": "AA"})), "(e)"),
        (rsa(json!({"e": "AQ"})), "(n, e)"),
        (rsa(json!({"e": encode(&[2])})), "(n, e)"),
        (rsa(json!({"e": encode(&[4, 0, 0, 0, 1])})), "(n, e)"),
        (rsa(json!({"e": encode(&modulus)})), "(n, e)"),
        (ec(json!({"crv": null})), "P-256"),
        (ec(json!({"crv": "P-384"})), "P-256"),
        (ec(json!({"crv": "secp256k1"})), "P-256"),
        (ec(json!({"crv": ["P-256"]})), "P-256"),
        (ec(json!({"x": null})), "coordinates"),
        (ec(json!({"x": encode(&x[1..])})), "coordinates"),
        (ec(json!({"y": encode(&[&[0], &x[..]].concat())})), "coordinates"),
        (ec(json!({"y": ""})), "coordinates"),
        (ec(json!({"y": base64::prelude::BASE64_STANDARD.encode(&x)})), "coordinates"),
    ] {
        let reason = reason(&key);
        assert!(reason.contains(part), "{part}: {reason}: {key}");
        assert!(
            parse(&[key.clone(), with(self::key("ec"), &json!({"kid": "good"}))]).is_ok(),
            "the others are read: {key}"
        );
    }
}

#[test]
fn what_does_not_matter_is_ignored() {
    let modulus = decoded(key("rsa").as_object().unwrap(), "n").unwrap();
    let padded = BASE64_URL_SAFE_NO_PAD.encode([&[0], &modulus[..]].concat());
    for (name, changes) in [
        ("rsa", json!({"use": null})),
        ("rsa", json!({"key_ops": ["encrypt", "verify"]})),
        ("rsa", json!({"x5c": ["AAAA"], "x5t": "AAAA", "x5u": "https://issuer.example", "unknown": {"a": [1]}})),
        ("rsa", json!({"n": padded, "e": "AAEAAQ"})),
        ("rsa", json!({"e": "Aw"})),
        ("rsa", json!({"kid": "é/1"})),
        ("ec", json!({"alg": "ES256", "key_ops": ["verify"]})),
    ] {
        let key = with(key(name), &changes);
        assert!(parse(std::slice::from_ref(&key)).is_ok(), "{key}");
    }
    assert!(KeySet::parse(json!({"keys": [key("ec")], "more": 1}).to_string().as_bytes()).is_ok());
}

/// A set of keys that all have one name.
fn of_one_name(keys: &[Value]) -> KeySet {
    parse(&keys.iter().map(|key| with(key.clone(), &json!({"kid": "a"}))).collect::<Vec<_>>()).unwrap()
}

/// Another RSA key: whether its private key exists does not matter.
fn other_rsa(changes: &Value) -> Value {
    let mut modulus = decoded(key("rsa").as_object().unwrap(), "n").unwrap();
    modulus[100] ^= 1;
    with(with(key("rsa"), &json!({"n": BASE64_URL_SAFE_NO_PAD.encode(modulus)})), changes)
}

#[test]
fn a_name_can_be_for_several_keys_if_the_algorithm_tells_them_apart() {
    let (rs256, ps256) = (key("rsa-rs256"), key("rsa-ps256"));
    for (what, keys, expected) in [
        ("the same key for each algorithm", vec![rs256.clone(), ps256.clone()], &["RS256", "PS256"] as &[_]),
        ("the very same key twice", vec![key("rsa"), key("rsa")], &["RS256", "PS256"]),
        ("the same key, once for one algorithm", vec![rs256.clone(), key("rsa")], &["RS256", "PS256"]),
        (
            "the same key, written otherwise",
            vec![rs256.clone(), with(rs256.clone(), &json!({"e": "AAEAAQ"}))],
            &["RS256"],
        ),
        ("a key of each kind", vec![key("rsa"), key("ec")], &["RS256", "PS256", "ES256"]),
        (
            "another key for each algorithm",
            vec![rs256.clone(), other_rsa(&json!({"alg": "PS256"}))],
            &["RS256", "PS256"],
        ),
        ("one that is left out", vec![key("encryption"), key("ec"), key("symmetric")], &["ES256"]),
    ] {
        let set = of_one_name(&keys);
        assert_eq!(algorithms(set.find("a").expect(what)), expected, "{what}");
        assert!(set.skipped().iter().all(|skipped| skipped.reason != SHARED_NAME), "{what}: {:?}", set.skipped());
    }
}

/// Whatever the order: a verifier cannot tell which of two keys a token means, so neither counts for what both are for.
#[test]
fn what_is_ambiguous_is_left_out_and_nothing_else() {
    let (any, rs256) = (other_rsa(&json!({})), key("rsa-rs256"));
    for (keys, expected, left_out) in [
        (vec![key("rsa"), any.clone()], &[] as &[&str], &[1usize, 2] as &[usize]),
        (vec![any.clone(), rs256.clone()], &["PS256"], &[1, 2]),
        (vec![rs256.clone(), any.clone()], &["PS256"], &[1, 2]),
        (vec![rs256.clone(), key("ec"), any.clone()], &["PS256", "ES256"], &[1, 3]),
        (vec![key("rsa"), key("rsa"), any.clone()], &[], &[1, 2, 3]),
        (vec![key("ec"), rs256.clone(), rs256.clone()], &["RS256", "ES256"], &[]),
    ] {
        let set = of_one_name(&keys);
        assert_eq!(set.find("a").map(algorithms).unwrap_or_default(), expected, "{keys:?}");
        let numbers: Vec<usize> = set.skipped().iter().map(|skipped| skipped.number).collect();
        assert_eq!(numbers, left_out, "{keys:?}");
        assert!(set.skipped().iter().all(|skipped| skipped.reason == SHARED_NAME));
    }
    let beside = parse(&[rs256.clone(), with(any, &json!({"kid": "rsa-rs256"})), key("ec")]).unwrap();
    assert!(beside.find("ec").is_some(), "other names are not concerned");
}

#[test]
fn a_set_without_a_usable_key_is_a_set() {
    for keys in [vec![], vec![key("symmetric"), key("encryption")], vec![json!({"kty": "OKP"})]] {
        let set = parse(&keys).unwrap();
        assert!(set.is_empty());
        assert_eq!(set.skipped().len(), keys.len());
        assert!(matches!(set.with_a_key(), Err(KeySetError::NoUsableKey(_))));
    }
}

#[test]
fn the_size_is_bounded() {
    let many = |count: usize| {
        parse(&(0..count).map(|number| with(key("ec"), &json!({"kid": number.to_string()}))).collect::<Vec<_>>())
    };
    assert_eq!(many(32).unwrap().names().count(), 32);
    assert_eq!(many(33).unwrap_err(), KeySetError::TooManyKeys { actual: 33 });
    let long = |length: usize| {
        let set = json!({"keys": [key("ec")]}).to_string();
        KeySet::parse(format!("{set}{}", " ".repeat(length - set.len())).as_bytes())
    };
    assert!(long(MAX_KEY_SET_BYTES).is_ok());
    assert_eq!(long(MAX_KEY_SET_BYTES + 1).unwrap_err().to_string(), "it is longer than 64 KiB");
}

#[test]
fn what_is_no_key_set_is_refused_in_plain_words() {
    let key = key("ec").to_string();
    let twice = key.replacen('{', r#"{"kid":"other","#, 1);
    let deep = format!(r#"{{"keys":{}{}}}"#, "[".repeat(2_000), "]".repeat(2_000));
    for (text, part) in [
        ("", "it is not JSON: "),
        ("-----BEGIN PUBLIC KEY-----", "it is not JSON: "),
        ("\u{feff}{}", "it is not JSON: "),
        (deep.as_str(), "it is not JSON: "),
        ("{}", "it is not a JWK set"),
        ("[]", "it is not a JWK set"),
        ("null", "it is not a JWK set"),
        (r#"{"keys": {}}"#, "it is not a JWK set"),
        (&key, "it is not a JWK set"),
        (&format!("[{key}]"), "it is not a JWK set"),
        (&format!(r#"{{"keys": [{twice}]}}"#), "the same member more than once"),
        (&format!(r#"{{"keys": [], "keys": [{key}]}}"#), "the same member more than once"),
        (r#"{"keys": []}"#, "it has no usable key: the list is empty"),
        (r#"{"keys": [7, {"kty": "x"}]}"#, "no usable key: key 1 is not an object, key 2 is of a kind (kty) that"),
    ] {
        let message = KeySet::parse(text.as_bytes()).and_then(KeySet::with_a_key).unwrap_err().to_string();
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(KeySet::parse(b"\xff").is_err());
}
