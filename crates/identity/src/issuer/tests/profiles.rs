//! Tokens as each issuer documents them (docs/auth.md names the pages), and what is refused of every profile.

mod organisations;
mod scopes;

use proptest::prelude::*;

use super::*;
use crate::organisations::{ClaimPath, GroupNames, OrganisationRules, OrganisationTable};

const TENANT: &str = "3aa7a7c5-0f6d-4c3f-9f4a-57fd1a0a2b11";
const CLIENT: &str = "0oa1c2d3e4f5g6h7i8j9";

use TokenProfile::{Auth0, Cognito, Entra, Keycloak, Okta, Rfc9068};

/// The issuer of a profile, as it names itself.
fn issuer(profile: TokenProfile) -> String {
    match profile {
        Rfc9068 => ISSUER.to_owned(),
        Keycloak => "https://keycloak.example/realms/fields".to_owned(),
        Entra => format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
        Okta => "https://dev-1234.okta.com/oauth2/default".to_owned(),
        Auth0 => "https://tenant.eu.auth0.com/".to_owned(),
        Cognito => "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE".to_owned(),
    }
}

fn header_of(profile: TokenProfile) -> Value {
    match profile {
        Rfc9068 => json!({"alg": "ES256", "typ": "at+jwt", "kid": "ec"}),
        Keycloak | Auth0 | Entra => json!({"alg": "ES256", "typ": "JWT", "kid": "ec"}),
        Okta | Cognito => json!({"alg": "ES256", "kid": "ec"}),
    }
}

/// Claims of an access token, with the organisations where they are looked for unless something else is configured.
fn claims_of(profile: TokenProfile) -> Value {
    let own = match profile {
        Rfc9068 => json!({"client_id": CLIENT, "scope": "jobs:read", "jti": "1"}),
        Keycloak => json!({"typ": "Bearer", "azp": "runner", "scope": "jobs:read profile", "acr": "1", "nonce": "n"}),
        Entra => json!({
            "ver": "2.0", "tid": TENANT, "azp": "6731de76-14a6-49ae-97bc-6eba6914391e", "azpacr": "1", "oid": "a", "uti": "b",
            "rh": "c", "nbf": NOW, "name": "Abe Lincoln", "preferred_username": "abe@example.com", "scp": "jobs:read access",
        }),
        Okta => json!({
            "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", "cid": CLIENT, "uid": "00uid4BxXw6I6TV4m0g3",
            "scp": ["openid", "jobs:read"],
        }),
        Auth0 => json!({
            "azp": CLIENT, "gty": "password", "scope": "openid profile jobs:read",
            "aud": [AUDIENCE, "https://tenant.eu.auth0.com/userinfo"],
        }),
        Cognito => json!({
            "token_use": "access", "client_id": AUDIENCE, "scope": "jobs:read openid", "auth_time": NOW, "version": 2, "jti": "1",
            "origin_jti": "2", "event_id": "3", "username": "my-test-user", "cognito:groups": ["north"],
        }),
    };
    let mut claims = with(super::claims(), &json!({"scope": null, "iss": issuer(profile)}));
    if profile == Cognito {
        claims = with(claims, &json!({"aud": null}));
    }
    with(claims, &own)
}

/// An ID token of the same issuer, for the same audience if that is possible.
fn id_claims_of(profile: TokenProfile) -> Value {
    let common = json!({
        "iss": issuer(profile), "aud": AUDIENCE, "sub": "operator", "iat": NOW, "exp": NOW + 3600, "auth_time": NOW,
        "organisations": "*",
    });
    let own = match profile {
        Rfc9068 => json!({"nonce": "n"}),
        Keycloak => json!({"typ": "ID", "azp": "runner", "at_hash": "AAAA", "sid": "s"}),
        // Of the application whose API this is, with the roles of its user, and without a nonce as after a code.
        Entra => json!({"ver": "2.0", "tid": TENANT, "oid": "a", "roles": ["jobs:write"], "rh": "c", "uti": "b"}),
        Okta => json!({"ver": 1, "jti": "ID.4eAWJOCMB3SX8XewDfVR", "amr": ["pwd"], "idp": "00oi", "at_hash": "AAAA"}),
        Auth0 => json!({"sid": "s", "nickname": "operator", "email_verified": true}),
        Cognito => {
            json!({"token_use": "id", "cognito:username": "operator", "at_hash": "AAAA", "cognito:groups": ["north"]})
        }
    };
    with(common, &own)
}

fn rules(profile: TokenProfile) -> ClaimRules {
    profile.claims(issuer(profile), vec![AUDIENCE.to_owned()])
}

struct Desk {
    profile: TokenProfile,
    identity: IssuerIdentity,
}

impl Desk {
    fn of(profile: TokenProfile) -> Self {
        Self::by(profile, rules(profile))
    }

    fn by(profile: TokenProfile, rules: ClaimRules) -> Self {
        Self { profile, identity: identity_by(&set(), profile, rules) }
    }

    /// A token with this header and these claims, signed with the right key.
    fn judge(&self, header: &Value, claims: &Value) -> Result<Caller, TokenRejected> {
        self.verify(&token(&private("ec"), ES256, header, claims))
    }

    fn verify(&self, token: &str) -> Result<Caller, TokenRejected> {
        verify_with(&self.identity, token)
    }

    /// A good token with other claims.
    fn claims(&self, changes: &Value) -> Result<Caller, TokenRejected> {
        self.judge(&header_of(self.profile), &with(claims_of(self.profile), changes))
    }

    fn header(&self, changes: &Value) -> Result<Caller, TokenRejected> {
        self.judge(&with(header_of(self.profile), changes), &claims_of(self.profile))
    }

    #[track_caller]
    fn refuses(&self, what: &str, judged: Result<Caller, TokenRejected>) {
        let rejected = judged.expect_err(&format!("{:?}: {what}", self.profile));
        let challenge = rejected.challenge().expect(what).to_string();
        assert!(challenge.split('"').count() == 7 && !challenge.contains('\\') && challenge.is_ascii(), "{challenge}");
    }

    /// It is refused, for a reason that has this part.
    #[track_caller]
    fn refuses_for(&self, part: &str, changes: &Value) {
        let judged = self.claims(changes);
        let rejected = judged.clone().expect_err(&format!("{:?}: {changes}", self.profile));
        assert!(rejected.to_string().contains(part), "{:?}: {changes}: {rejected}", self.profile);
        self.refuses(part, judged);
    }

    fn permissions(&self, changes: &Value) -> Vec<&'static str> {
        let caller = self.claims(changes).unwrap_or_else(|rejected| panic!("{changes}: {rejected}"));
        caller.permissions.into_iter().map(Permission::as_str).collect()
    }

    fn scope(&self, changes: &Value) -> Scope {
        self.claims(changes).unwrap_or_else(|rejected| panic!("{changes}: {rejected}")).scope
    }
}

fn of(ids: &[&str]) -> Scope {
    Scope::of(ids.iter().map(|id| OrganisationId::parse(id).unwrap()))
}

fn by_groups(profile: TokenProfile) -> Desk {
    let mut rules = rules(profile);
    let groups = GroupNames { claim: ClaimPath::name(profile.groups_claim()), prefix: "org:".to_owned() };
    rules.organisations = OrganisationRules::Named { groups: Some(groups), table: OrganisationTable::default() };
    Desk::by(profile, rules)
}

#[test]
fn an_access_token_of_each_issuer_gets_in_by_its_profile() {
    for profile in TokenProfile::ALL {
        let desk = Desk::of(profile);
        let caller = desk.claims(&json!({})).unwrap_or_else(|rejected| panic!("{profile:?}: {rejected}"));
        assert_eq!(caller.subject, "operator");
        assert_eq!(caller.permissions, [Permission::JobsRead].into(), "{profile:?}");
        assert_eq!(caller.scope, of(&[ORGANISATION]), "{profile:?}");
        // Tokens of others say what they are in another way. Only Auth0 can make tokens after RFC 9068.
        for other in TokenProfile::ALL.into_iter().filter(|other| *other != profile) {
            let claims = with(claims_of(other), &json!({"iss": issuer(profile), "aud": AUDIENCE}));
            let is_taken = desk.judge(&header_of(other), &claims).is_ok();
            assert_eq!(is_taken, (profile, other) == (Auth0, Rfc9068), "{profile:?} takes a token as of {other:?}");
        }
    }
}

#[test]
fn an_id_token_is_refused_of_every_issuer() {
    for profile in TokenProfile::ALL {
        let desk = Desk::of(profile);
        for typ in [json!("JWT"), json!("at+jwt"), Value::Null] {
            let header = with(header_of(profile), &json!({"typ": typ}));
            for nonce in [json!("n"), Value::Null] {
                if profile == Rfc9068 && nonce.is_null() && typ == "at+jwt" {
                    // It says that it is an access token, and nothing says otherwise.
                    continue;
                }
                let claims = with(id_claims_of(profile), &json!({"nonce": nonce, "client_id": AUDIENCE}));
                desk.refuses("an ID token", desk.judge(&header, &claims));
            }
        }
        // What only an ID token has, in what is an access token but for that.
        let marks = [
            json!({"at_hash": "AAAA"}),
            json!({"c_hash": "AAAA"}),
            json!({"s_hash": "AAAA"}),
            json!({"typ": "ID"}),
            json!({"typ": "Refresh"}),
            json!({"typ": "Logout"}),
            json!({"token_use": "id"}),
            json!({"token_use": ["access"]}),
        ];
        for mark in &marks {
            desk.refuses(&mark.to_string(), desk.claims(mark));
        }
        if profile != Keycloak {
            desk.refuses_for("(nonce)", &json!({"nonce": "n"}));
        }
        desk.refuses_for("(cnf)", &json!({"cnf": {"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}}));
        desk.refuses_for("(cnf)", &json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}));
        desk.refuses_for("(cnf)", &json!({"cnf": {}}));
    }
}

#[test]
fn what_only_an_access_token_has_is_asked_for() {
    let entra = Desk::of(Entra);
    entra.refuses_for("version 1.0", &json!({"ver": "1.0", "iss": format!("https://sts.windows.net/{TENANT}/")}));
    for ver in [Value::Null, json!("3.0"), json!(2), json!(2.0), json!(["2.0"])] {
        entra.refuses_for("(ver)", &json!({ "ver": ver }));
    }
    entra.refuses_for("(azp)", &json!({"azp": null}));
    entra.refuses_for("(azp)", &json!({"azp": ""}));
    entra.refuses_for("(scp)", &json!({"scp": null}));
    let other = "9f2b5c1e-7d57-4f39-9a54-0a3f6f1f6c11";
    entra
        .refuses_for("(iss)", &json!({"tid": other, "iss": format!("https://login.microsoftonline.com/{other}/v2.0")}));
    entra.refuses_for("(tid)", &json!({ "tid": other }));
    entra.refuses_for("(tid)", &json!({"tid": [TENANT]}));
    entra.refuses_for("(iss)", &json!({"iss": "https://login.microsoftonline.com/common/v2.0", "tid": null}));
    assert_eq!(entra.permissions(&json!({"tid": null})), ["jobs:read"]);

    let okta = Desk::of(Okta);
    okta.refuses_for("(cid)", &json!({"cid": null}));
    okta.refuses_for("(scp)", &json!({"scp": null}));
    okta.refuses_for("(jti)", &json!({"jti": "ID.4eAWJOCMB3SX8XewDfVR"}));
    // Those of the organisation's own authorization server are for Okta alone.
    okta.refuses("a token for Okta", okta.header(&json!({"typ": "application/okta-internal-at+jwt"})));
    for typ in [Value::Null, json!("JWT"), json!("at+jwt")] {
        assert!(okta.header(&json!({ "typ": typ })).is_ok(), "{typ}");
    }

    let auth0 = Desk::of(Auth0);
    auth0.refuses_for("(azp, client_id)", &json!({"azp": null}));
    auth0.refuses_for("(scope)", &json!({"scope": null}));
    let rfc9068 = json!({"azp": null, "client_id": CLIENT, "jti": "73WakrfVbNJBaAmhQtEeDv", "gty": null});
    assert!(auth0.judge(&with(header_of(Auth0), &json!({"typ": "at+jwt"})), &with(claims_of(Auth0), &rfc9068)).is_ok());
    auth0.refuses("no type", auth0.header(&json!({"typ": null})));

    let cognito = Desk::of(Cognito);
    cognito.refuses_for("(token_use)", &json!({"token_use": null}));
    for client in [Value::Null, json!("another"), json!([AUDIENCE]), json!("")] {
        cognito.refuses_for("(client_id)", &json!({ "client_id": client }));
    }
    cognito.refuses_for("(client_id)", &json!({"client_id": "another", "aud": AUDIENCE}));
    cognito.refuses_for("(client_id)", &json!({"aud": "https://another.example"}));
    assert!(cognito.claims(&json!({"aud": AUDIENCE})).is_ok());
    assert!(cognito.header(&json!({"typ": "JWT"})).is_ok());
    cognito.refuses("a type of others", cognito.header(&json!({"typ": "at+jwt"})));
}

/// What every profile refuses: the corpus of RFC 9068 and of local tokens in short, on each profile's good token.
#[test]
#[expect(clippy::too_many_lines, reason = "a list of what is refused is as long as it is")]
fn every_profile_refuses_what_all_refuse() {
    for profile in TokenProfile::ALL {
        let desk = Desk::of(profile);
        let mut count = 0;
        let mut header = |changes: Value| {
            count += 1;
            desk.refuses(&changes.to_string(), desk.header(&changes));
        };
        for name in
            ["none", "None", "NONE", "none ", "HS256", "HS384", "RS384", "ES384", "EdDSA", "es256", "ES256\0", ""]
        {
            header(json!({ "alg": name }));
        }
        for alg in [json!(256), json!(["ES256"]), json!({"ES256": true}), Value::Null] {
            header(json!({ "alg": alg }));
        }
        for name in ["RS256", "PS256"] {
            header(json!({"alg": name}));
            header(json!({"alg": name, "kid": "rsa"}));
        }
        for kid in [
            json!("other"),
            json!("EC"),
            json!("../ec"),
            json!("rsa"),
            json!("encryption"),
            json!("symmetric"),
            json!(""),
        ] {
            header(json!({ "kid": kid }));
        }
        for kid in [json!(["ec"]), json!({"ec": 1}), json!(0), json!("ec\0"), json!("k".repeat(257)), Value::Null] {
            header(json!({ "kid": kid }));
        }
        for (name, value) in [
            ("jwk", set()["keys"][3].clone()),
            ("jku", json!("https://attacker.example/keys")),
            ("x5u", json!("https://attacker.example/certificate")),
            ("x5c", json!(["AAAA"])),
            ("crit", json!(["exp"])),
            ("crit", json!([])),
            ("b64", json!(false)),
            ("zip", json!("DEF")),
            ("cty", json!("JWT")),
        ] {
            header(json!({ name: value }));
        }
        for typ in ["logout+jwt", "secevent+jwt", "dpop+jwt", "at+jwt; x=1", "text/at+jwt", "jwt ", ""] {
            header(json!({ "typ": typ }));
        }
        header(json!({"typ": ["JWT"]}));
        let mut claims = |changes: Value| {
            count += 1;
            desk.refuses(&changes.to_string(), desk.claims(&changes));
        };
        let audience = profile.audience_claim();
        for iss in [
            json!("https://attacker.example/"),
            json!([issuer(profile)]),
            json!(format!("{}/", issuer(profile))),
            Value::Null,
        ] {
            claims(json!({ "iss": iss }));
        }
        claims(json!({"iss": issuer(profile).to_uppercase()}));
        for wrong in [
            json!("https://other.example"),
            json!(7),
            json!([]),
            json!({}),
            json!(""),
            json!([AUDIENCE, 7]),
            Value::Null,
        ] {
            claims(json!({ audience: wrong }));
        }
        claims(json!({audience: AUDIENCE.to_uppercase()}));
        for sub in [json!(""), json!(7), json!("x".repeat(4096)), json!("a\n"), json!(["operator"]), Value::Null] {
            claims(json!({ "sub": sub }));
        }
        for exp in [
            json!(NOW - 60),
            json!(NOW + 172_800),
            json!("soon"),
            json!(1e30),
            json!(i64::MAX),
            json!(i64::MIN),
            Value::Null,
        ] {
            claims(json!({ "exp": exp }));
        }
        for start in [json!(NOW + 61), json!("now"), json!(1e30), json!(i64::MAX), json!(i64::MIN), json!(true)] {
            claims(json!({"iat": start}));
            claims(json!({"nbf": start}));
        }
        claims(json!({"iat": 0}));
        for organisations in [
            json!(ORGANISATION),
            json!(["*"]),
            json!("**"),
            json!(""),
            json!(7),
            json!({ORGANISATION: {}}),
            json!([ORGANISATION, 7]),
            json!([[ORGANISATION]]),
            json!(["00000000-0000-0000-0000-000000000000"]),
            json!(vec![ORGANISATION; 1_001]),
        ] {
            claims(json!({ "organisations": organisations }));
        }
        assert!(count >= 90, "{count}");

        let (header, claims) = (header_of(profile), claims_of(profile));
        let (text, good) = signed(&private("ec"), ES256, header.to_string(), claims.to_string());
        assert!(desk.verify(&format!("{text}.{}", encode(&good))).is_ok());
        for bit in [0, 1, 7, 255, 511] {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            desk.refuses("a bit flipped", desk.verify(&format!("{text}.{}", encode(flipped))));
        }
        desk.refuses("the key of another issuer", desk.verify(&token(&private("ec-other"), ES256, &header, &claims)));
        let public = Secret::Bytes(PEM.to_vec());
        desk.refuses(
            "a public key as a secret",
            desk.verify(&token(&public, HS256, &with(header.clone(), &json!({"alg": "HS256", "kid": "rsa"})), &claims)),
        );
        let all = encode(with(claims.clone(), &json!({"organisations": "*"})).to_string());
        desk.refuses("other claims", desk.verify(&format!("{}.{all}.{}", encode(header.to_string()), encode(&good))));
        desk.refuses("no signature", desk.verify(&format!("{text}.")));
        desk.refuses("five parts", desk.verify(&format!("{text}.{0}.{0}.{0}", encode(&good))));
        desk.refuses("padding", desk.verify(&format!("{text}.{}=", encode(&good))));
        for twice in [r#""sub": "root""#, r#""iss": "x""#, r#""organisations": "*""#] {
            let claims = format!("{}, {twice}}}", claims.to_string().strip_suffix('}').unwrap());
            let (text, signature) = signed(&private("ec"), ES256, header.to_string(), claims);
            desk.refuses(twice, desk.verify(&format!("{text}.{}", encode(signature))));
        }
    }
}

#[test]
fn the_longest_token_is_sixteen_kib() {
    for profile in TokenProfile::ALL {
        let desk = Desk::of(profile);
        let many = |count: u128| {
            let ids: Vec<String> = (1..=count).map(|id| uuid::Uuid::from_u128(id).to_string()).collect();
            desk.claims(&json!({ "organisations": ids }))
        };
        assert!(many(300).is_ok(), "{profile:?}");
        assert_eq!(many(320), Err(TokenRejected::Malformed("it is longer than 16 KiB")));
    }
}

/// Claims that are signed, and changed at random: nothing panics, and an accepted caller is one that the issuer named,
/// in the organisations that it named.
#[test]
fn changed_claims_grant_nothing_more() {
    let names = [
        "iss",
        "aud",
        "sub",
        "exp",
        "nbf",
        "iat",
        "scope",
        "scp",
        "roles",
        "permissions",
        "organisations",
        "typ",
        "token_use",
        "nonce",
        "at_hash",
        "cnf",
        "ver",
        "tid",
        "azp",
        "cid",
        "client_id",
        "jti",
        "groups",
        "cognito:groups",
        "_claim_names",
    ];
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec!["*", "1.0", "2.0", "access", "id", "Bearer", "ID", "org:*", AUDIENCE, ISSUER])
            .prop_map(Value::from),
        prop::collection::vec(any::<String>(), 0..4).prop_map(Value::from),
        Just(json!(["org:*", "*", {"a": []}])),
    ];
    let desks: Vec<Desk> =
        TokenProfile::ALL.into_iter().flat_map(|profile| [Desk::of(profile), by_groups(profile)]).collect();
    let changes = prop::collection::vec((prop::sample::select(names.to_vec()), value), 1..4);
    let key = private("ec");
    proptest!(ProptestConfig::with_cases(2_000), |(place in 0..desks.len(), changes in changes)| {
        let desk = &desks[place];
        let mut claims = claims_of(desk.profile);
        for (name, value) in &changes {
            claims.as_object_mut().unwrap().insert((*name).to_owned(), value.clone());
        }
        let judged = desk.verify(&token(&key, ES256, &header_of(desk.profile), &claims));
        if let Ok(caller) = judged {
            prop_assert_eq!(claims["sub"].as_str(), Some(caller.subject.as_str()));
            let says_all = claims["organisations"] == "*" && place % 2 == 0;
            prop_assert_eq!(caller.scope == Scope::Platform, says_all);
        }
    });
}

/// Tokens that are changed at random after they were signed.
#[test]
fn a_changed_token_is_refused_by_every_profile() {
    let desks: Vec<Desk> = TokenProfile::ALL.map(Desk::of).into();
    let tokens: Vec<String> = desks
        .iter()
        .map(|desk| token(&private("ec"), ES256, &header_of(desk.profile), &claims_of(desk.profile)))
        .collect();
    let letters: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').chain("-_.=+/\0é".chars()).collect();
    let change = (any::<prop::sample::Index>(), prop::sample::select(letters), 0..3_u8);
    proptest!(ProptestConfig::with_cases(20_000), |(place in 0..desks.len(), changes in prop::collection::vec(change, 1..4))| {
        let mut changed: Vec<char> = tokens[place].chars().collect();
        for (at, letter, kind) in &changes {
            let length = changed.len();
            match kind {
                0 => changed[at.index(length)] = *letter,
                1 => changed.insert(at.index(length + 1), *letter),
                _ => drop(changed.remove(at.index(length))),
            }
        }
        let changed: String = changed.into_iter().collect();
        prop_assert_eq!(desks[place].verify(&changed).is_ok(), changed == tokens[place]);
    });
}
