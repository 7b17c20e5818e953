//! The public keys of an issuer, as a JWK set (RFC 7517).
//!
//! A set is read key by key. An issuer publishes keys for other purposes and of kinds that this service does not know,
//! and those are left out, each with a reason (RFC 7517, section 5). What is left is never symmetric: a set is public,
//! so every reader of it could sign with such a key.
//!
//! What is ambiguous is not believed, for two programs that read it can come to believe different keys. A set in which
//! a member stands twice in one object is refused as a whole. One name (`kid`) can stand for several keys, since the
//! algorithm of a token chooses among them; a name that stands for two different keys *of one algorithm* is left out
//! for that algorithm. The same key twice is one key.
//!
//! A set without a usable key is a set all the same: its issuer says that there is none.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use biscuit::jwa::SignatureAlgorithm;
use biscuit::jwk::RSAKeyParameters;
use biscuit::jws::Secret;
use serde_json::{Map, Value, json};

use super::header;
use prediction_strict_json::{self as strict_json, StrictJsonError};

/// The longest key set that is read.
pub const MAX_KEY_SET_BYTES: usize = 64 * 1024;

/// The most keys in a set. An issuer has a few: one in use, one before it, one to come, for each algorithm.
pub const MAX_KEYS: usize = 32;

/// The bits that the modulus of an RSA key has: at least what RFC 7518 section 3.3 asks for, at most what is quick.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

/// The bytes of a coordinate on P-256, leading zeros included (RFC 7518, section 6.2.1.2).
const COORDINATE_BYTES: usize = 32;

/// The byte before the two coordinates of a point that is not compressed (SEC 1, section 2.3.3).
const UNCOMPRESSED_POINT: u8 = 4;

/// Members that only a private key has (RFC 7518, sections 6.2.2 and 6.3.2).
const PRIVATE_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// Why a key is left out that shares its name and an algorithm with another one.
const SHARED_NAME: &str = "has the name (kid) of another key for the same algorithm, and is left out for it";

type Algorithm = (&'static str, SignatureAlgorithm);

/// What an RSA key can be for.
const OF_RSA: &[Algorithm] = &[("RS256", SignatureAlgorithm::RS256), ("PS256", SignatureAlgorithm::PS256)];
/// What an EC key can be for.
const OF_EC: &[Algorithm] = &[("ES256", SignatureAlgorithm::ES256)];

/// The usable keys of an issuer, by name.
#[derive(Debug, Clone)]
pub struct KeySet {
    keys: BTreeMap<String, PublicKey>,
    skipped: Vec<SkippedKey>,
}

/// What one name stands for: for each algorithm that it is for, the key to verify signatures with.
#[derive(Clone, Default)]
pub struct PublicKey(Vec<(Algorithm, Secret)>);

/// A key of a set that can be used, unless another one of its name is for the same algorithm.
struct Candidate {
    number: usize,
    name: String,
    /// The numbers that make the key: two keys are the same when these are.
    material: Vec<u8>,
    secret: Secret,
    algorithms: &'static [Algorithm],
}

/// A key of a set that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its place in the set, counted from 1.
    pub number: usize,
    /// Why: a fixed text, with nothing of the set in it.
    pub reason: &'static str,
}

/// A key set that cannot be used. The message quotes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// It has more than [`MAX_KEY_SET_BYTES`] bytes.
    #[error("it is longer than {} KiB", MAX_KEY_SET_BYTES / 1024)]
    TooLong,
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    NotJson(#[from] StrictJsonError),
    /// A member stands twice in one object.
    #[error("an object in it has the same member more than once")]
    RepeatedMember,
    /// It is JSON, but not a set.
    #[error("it is not a JWK set: an object with a list called keys")]
    NotASet,
    /// It has more than [`MAX_KEYS`] keys.
    #[error("it has {actual} keys; at most {MAX_KEYS} are read")]
    TooManyKeys {
        /// How many it has.
        actual: usize,
    },
    /// There is no key in it that signatures can be verified with.
    #[error("it has no usable key: {}", reasons(.0))]
    NoUsableKey(Vec<SkippedKey>),
}

impl KeySet {
    /// Reads a JWK set.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        if bytes.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLong);
        }
        let parsed = strict_json::parse(bytes)?;
        if !parsed.duplicates.is_empty() {
            return Err(KeySetError::RepeatedMember);
        }
        let value = Value::from(parsed.value());
        let Some(Value::Array(listed)) = value.get("keys") else { return Err(KeySetError::NotASet) };
        if listed.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys { actual: listed.len() });
        }
        let mut candidates = Vec::new();
        let mut skipped = Vec::new();
        for (number, key) in (1..).zip(listed) {
            match read(number, key) {
                Ok(candidate) => candidates.push(candidate),
                Err(reason) => skipped.push(SkippedKey { number, reason }),
            }
        }
        let mut keys: BTreeMap<String, PublicKey> = BTreeMap::new();
        for candidate in &candidates {
            let others = || candidates.iter().filter(|other| other.name == candidate.name);
            let (clear, ambiguous): (Vec<_>, Vec<_>) = candidate.algorithms.iter().partition(|algorithm| {
                others().all(|other| other.material == candidate.material || !other.algorithms.contains(algorithm))
            });
            if !ambiguous.is_empty() {
                skipped.push(SkippedKey { number: candidate.number, reason: SHARED_NAME });
            }
            if !clear.is_empty() {
                keys.entry(candidate.name.clone()).or_default().add(clear, &candidate.secret);
            }
        }
        skipped.sort_by_key(|key| key.number);
        Ok(Self { keys, skipped })
    }

    /// The set, if there is a key in it.
    pub fn with_a_key(self) -> Result<Self, KeySetError> {
        if self.is_empty() { Err(KeySetError::NoUsableKey(self.skipped)) } else { Ok(self) }
    }

    /// Whether there is no usable key in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key of that name (`kid`), compared exactly.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&PublicKey> {
        self.keys.get(name)
    }

    /// The names of the usable keys, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// The keys that were left out.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }
}

impl PublicKey {
    /// The key in the form for that algorithm (`alg`); `None` when it is not for it.
    #[must_use]
    pub fn for_algorithm(&self, name: &str) -> Option<(&Secret, SignatureAlgorithm)> {
        let ((_, algorithm), secret) = self.0.iter().find(|((other, _), _)| *other == name)?;
        Some((secret, *algorithm))
    }

    fn add(&mut self, algorithms: Vec<&Algorithm>, secret: &Secret) {
        for algorithm in algorithms {
            // The same key twice.
            if self.for_algorithm(algorithm.0).is_none() {
                self.0.push((*algorithm, secret.clone()));
            }
        }
    }
}

/// Without the numbers, which tell a reader of the log nothing.
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|((name, _), _)| name)).finish()
    }
}

impl fmt::Display for SkippedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {} {}", self.number, self.reason)
    }
}

fn reasons(skipped: &[SkippedKey]) -> String {
    if skipped.is_empty() {
        return "the list is empty".to_owned();
    }
    skipped.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A key, or why it is left out.
fn read(number: usize, key: &Value) -> Result<Candidate, &'static str> {
    let key = key.as_object().ok_or("is not an object")?;
    let (algorithms, secret): (_, fn(&Map<String, Value>) -> _) = match key.get("kty").and_then(Value::as_str) {
        Some("RSA") => (OF_RSA, rsa),
        Some("EC") => (OF_EC, elliptic_curve),
        Some("oct") => return Err("is symmetric (oct): every reader of it could sign with it"),
        _ => return Err("is of a kind (kty) that is not known here"),
    };
    if PRIVATE_MEMBERS.iter().any(|name| key.contains_key(*name)) {
        return Err("is a private key, which belongs to the issuer alone");
    }
    check_purpose(key)?;
    let algorithms = match key.get("alg") {
        None => algorithms,
        Some(name) => algorithms
            .iter()
            .find(|(other, _)| name == *other)
            .map(std::slice::from_ref)
            .ok_or("is for an algorithm (alg) that is not accepted here, or not one of its kind")?,
    };
    let name = key.get("kid").ok_or("has no name (kid)")?;
    let name = header::key_id(name.clone()).map_err(|_| "has a name (kid) that no token can have")?;
    let (material, secret) = secret(key)?;
    Ok(Candidate { number, name, material, secret, algorithms })
}

fn check_purpose(key: &Map<String, Value>) -> Result<(), &'static str> {
    if key.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err("is not for signatures (use)");
    }
    let operations = key.get("key_ops").map(|operations| operations.as_array().map(Vec::as_slice).unwrap_or_default());
    if operations.is_some_and(|operations| !operations.iter().any(|operation| operation == "verify")) {
        return Err("is not for verifying signatures (key_ops)");
    }
    Ok(())
}

fn rsa(key: &Map<String, Value>) -> Result<(Vec<u8>, Secret), &'static str> {
    let modulus = number(key, "n").ok_or("has no modulus (n)")?;
    let exponent = number(key, "e").ok_or("has no exponent (e)")?;
    let bits = bits(&modulus);
    if bits < *MODULUS_BITS.start() {
        return Err("has fewer than 2048 bits");
    }
    if bits > *MODULUS_BITS.end() {
        return Err("has more than 8192 bits");
    }
    // An even modulus has the factor two, and an even exponent or one of 1 makes no RSA key. ring takes up to 33 bits.
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    if !is_odd(&modulus) || !is_odd(&exponent) || !(2..=33).contains(&self::bits(&exponent)) {
        return Err("is not an RSA key (n, e)");
    }
    // biscuit's type for big numbers can be had without naming the crate it is from.
    let encode = |number: Vec<u8>| BASE64_URL_SAFE_NO_PAD.encode(number);
    let parameters = json!({"kty": "RSA", "n": encode(modulus), "e": encode(exponent)});
    let material = parameters.to_string().into_bytes();
    let parameters: RSAKeyParameters = serde_json::from_value(parameters).map_err(|_| "is not an RSA key (n, e)")?;
    Ok((material, Secret::from(parameters)))
}

/// A point that is not on the curve is let pass; no signature ever matches it.
fn elliptic_curve(key: &Map<String, Value>) -> Result<(Vec<u8>, Secret), &'static str> {
    if key.get("crv").is_none_or(|curve| curve != "P-256") {
        return Err("is not on the curve P-256 (crv)");
    }
    let coordinate = |name| {
        decoded(key, name)
            .filter(|bytes| bytes.len() == COORDINATE_BYTES)
            .ok_or("has coordinates (x, y) that are not 32 bytes each")
    };
    let point = [vec![UNCOMPRESSED_POINT], coordinate("x")?, coordinate("y")?].concat();
    Ok((point.clone(), Secret::PublicKey(point)))
}

/// A number, most significant byte first. Zeros before it are against RFC 7518 section 6.3.1.1, which warns of
/// libraries that write them nevertheless.
fn number(key: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    let bytes = decoded(key, name)?;
    let start = bytes.iter().position(|byte| *byte != 0)?;
    Some(bytes[start..].to_vec())
}

fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

fn decoded(key: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok()
}

#[cfg(test)]
mod tests;
