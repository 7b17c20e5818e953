//! A server that believes the tokens of an issuer, whose keys are in a file.

use std::fs;
use std::process::{Command, Output};
use std::sync::Arc;

use biscuit::jwa::SignatureAlgorithm;
use serde_json::{Value, json};

use crate::harness::{
    AUDIENCE, Answer, Home, ISSUER, KEYS, Model, ORGANISATION_A, ORGANISATION_B, Server, claims_of_issuer,
    server_of_issuer, signed_by_issuer,
};

const OPTIONS: [&str; 3] = ["--jwks-file", "--issuer", "--audience"];

use SignatureAlgorithm::{ES256, PS256, RS256};

#[test]
fn tokens_of_the_issuer_get_in() {
    let (home, server) = start(&[]);
    let operator = server.client(token(PS256, "rsa", "rsa-ps256", &json!({"organisations": "*"})));
    let model = Model::publish(&own_server(&home), "by an issuer");
    operator.post("/api/v1/jobs/setup", &model.setup(ORGANISATION_A, "a")).expect(201);
    for (algorithm, key, name) in [
        (RS256, "rsa", "rsa"),
        (RS256, "rsa", "rsa-rs256"),
        (PS256, "rsa", "rsa"),
        (ES256, "ec", "ec"),
        (ES256, "ec", "ec-es256"),
    ] {
        let of =
            |organisation: &str| server.client(token(algorithm, key, name, &json!({"organisations": [organisation]})));
        // Twice: the second time it is remembered.
        for _ in 0..2 {
            assert_eq!(count(&of(ORGANISATION_A).get("/api/v1/jobs")), 1, "{algorithm:?} with {name}");
            assert_eq!(count(&of(ORGANISATION_B).get("/api/v1/jobs")), 0, "{algorithm:?} with {name}");
        }
    }
    let reader = server.client(token(ES256, "ec", "ec", &json!({"organisations": "*", "scope": "jobs:read"})));
    reader.post("/api/v1/sources", &json!({"name": "b"})).problem(403, "insufficient_scope");
}

#[test]
fn no_other_token_gets_in() {
    let (home, server) = start(&[]);
    let sources = |token: String| server.client(token).get("/api/v1/sources");
    sources(token(ES256, "ec", "ec", &json!({}))).expect(200);
    let refused = |what: &str, token: String| {
        let answer = sources(token);
        assert_eq!(answer.status, 401, "{what}");
        answer.problem(401, "invalid_token");
        assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_token\""), "{what}");
    };
    // Minted after the start: the server neither made the secret nor reads it.
    assert!(!home.data_folder().join("secret").exists());
    refused("a local token", home.token(&["--all-organisations"]));
    refused("another RSA key", token(RS256, "rsa-other", "rsa", &json!({})));
    refused("another EC key", token(ES256, "ec-other", "ec", &json!({})));
    refused("a key that is for another algorithm", token(PS256, "rsa", "rsa-rs256", &json!({})));
    refused("a key of another kind", token(RS256, "rsa", "ec", &json!({})));
    refused("a key for encryption", token(RS256, "rsa", "encryption", &json!({})));
    refused("an unknown key", token(RS256, "rsa", "local", &json!({})));
    refused("another issuer", token(RS256, "rsa", "rsa", &json!({"iss": "prediction-api-local"})));
    refused("another audience", token(RS256, "rsa", "rsa", &json!({"aud": "prediction-api"})));
    refused("expired", token(RS256, "rsa", "rsa", &json!({"iat": 1_600_000_000, "exp": 1_600_000_600})));
    server.anonymous().get("/api/v1/sources").problem(401, "unauthorized");
    server.anonymous().get("/health/ready").expect(200);
}

#[test]
fn the_claim_of_organisations_has_the_configured_name() {
    let (_, server) = start(&["--organisations-claim", "https://issuer.example/customers"]);
    let claims = json!({"https://issuer.example/customers": [ORGANISATION_A], "organisations": "*"});
    let client = server.client(token(ES256, "ec", "ec", &claims));
    client.get(&format!("/api/v1/jobs?organisation_id={ORGANISATION_A}")).expect(200);
    client.get(&format!("/api/v1/jobs?organisation_id={ORGANISATION_B}")).problem(403, "organisation_out_of_scope");
}

#[test]
fn the_log_says_whose_tokens_are_accepted_and_which_keys_are_left_out() {
    let (_, server) = start(&[]);
    let accepted =
        server.output().wait_for(|line| line["message"] == "only tokens of this issuer are accepted").unwrap();
    assert_eq!((&accepted["issuer"], &accepted["audience"]), (&json!(ISSUER), &json!(AUDIENCE)));
    let read = server.output().wait_for(|line| line["message"] == "the keys of the issuer are known").unwrap();
    assert_eq!(read["keys"], 5);
    let skipped = server.output().wait_for(|line| line["key"] == 7).unwrap();
    assert!(skipped["reason"].as_str().unwrap().starts_with("is symmetric"), "{skipped}");
}

#[test]
fn an_issuer_can_be_named_in_the_environment() {
    let home = Home::on_sqlite();
    let file = format!("{KEYS}/jwks.json");
    let named = [
        ("PREDICTION_API_JWKS_FILE", file.as_str()),
        ("PREDICTION_API_ISSUER", ISSUER),
        ("PREDICTION_API_AUDIENCE", AUDIENCE),
    ];
    // What is left out in the environment is on the command line; nothing listens at the end, since the address is
    // none.
    for in_environment in 0..8_usize {
        for start in [&["serve"][..], &[]] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_prediction-api"));
            command.env_clear().args(start).args(["--listen", "nonsense", "--data-dir"]).arg(home.data_folder());
            for (place, (option, (variable, value))) in OPTIONS.iter().zip(named).enumerate() {
                if in_environment & (1 << place) == 0 {
                    command.args([option, value])
                } else {
                    command.env(variable, value)
                };
            }
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{in_environment:b}: {}", text(&output.stderr));
            assert!(text(&output.stderr).contains("cannot listen on nonsense"), "{}", text(&output.stderr));
            assert!(text(&output.stdout).contains("only tokens of this issuer"), "{}", text(&output.stdout));
        }
    }
    assert!(!home.data_folder().join("secret").exists());
    // Half of it is a mistake of who serves, and does not concern the others.
    home.token(&["--all-organisations"]);
    for (variable, value) in named {
        let run = |arguments: &[&str]| home.command(arguments).env(variable, value).output().unwrap();
        assert_eq!(run(&["migrate"]).status.code(), Some(0), "{variable}");
        assert_eq!(run(&["token", "--all-organisations"]).status.code(), Some(0), "{variable}");
        for serve in [&["serve"][..], &[]] {
            let output = run(serve);
            assert_eq!(output.status.code(), Some(2), "{variable}");
            assert!(text(&output.stderr).contains("required arguments were not provided"), "{}", text(&output.stderr));
        }
    }
}

#[test]
fn half_of_an_issuer_is_refused() {
    let home = Home::on_sqlite();
    let values = [&format!("{KEYS}/jwks.json"), ISSUER, AUDIENCE];
    for chosen in 1..6_usize {
        let is_chosen = |place: &usize| chosen & (1 << place) != 0;
        let arguments = (0..3).filter(is_chosen).flat_map(|place| [OPTIONS[place], values[place]]);
        let output = home.run(&["serve"].into_iter().chain(arguments).collect::<Vec<_>>());
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        // Without a key file, the issuer is asked.
        for place in (1..3).filter(|place| !is_chosen(place)) {
            assert!(told.contains(&format!("{} <", OPTIONS[place])), "{chosen:b}: {told}");
        }
    }
    for (option, value) in OPTIONS.into_iter().zip(values) {
        let output = home.run(&["token", "--all-organisations", option, value]);
        assert_eq!(output.status.code(), Some(2), "{option}");
        assert!(text(&output.stderr).contains("unexpected argument"), "{}", text(&output.stderr));
    }
    assert!(!home.data_folder().exists());
}

#[test]
fn a_key_file_that_cannot_be_used_is_told() {
    let home = Home::on_sqlite();
    let folder = home.data_folder().parent().unwrap().to_owned();
    let good: Value = serde_json::from_slice(&fs::read(format!("{KEYS}/jwks.json")).unwrap()).unwrap();
    let symmetric = json!({"keys": [good["keys"][6]]}).to_string();
    let mut other = good["keys"][0].clone();
    other["e"] = json!("Aw");
    let repeated = json!({"keys": [good["keys"][0], other]}).to_string();
    for (content, part) in [
        (None, "cannot read the key file"),
        (Some(""), "cannot use the key file"),
        (Some("-----BEGIN PUBLIC KEY-----"), "it is not JSON"),
        (Some("{}"), "it is not a JWK set"),
        (Some(r#"{"keys": []}"#), "it has no usable key: the list is empty"),
        (Some(&symmetric), "it has no usable key: key 1 is symmetric"),
        (Some(&repeated), "key 2 has the name (kid) of another key for the same algorithm"),
        (Some(&" ".repeat(100_000)), "it is longer than 64 KiB"),
    ] {
        let file = folder.join("keys.json");
        if let Some(content) = content {
            fs::write(&file, content).unwrap();
        }
        let output = serve(&home, &file.display().to_string());
        assert_sentence(&output, &file.display().to_string());
        assert_sentence(&output, part);
    }
    assert_sentence(&serve(&home, &folder.display().to_string()), "cannot read the key file");
    assert_sentence(&serve(&home, "/dev/zero"), "cannot use the key file /dev/zero: it is longer than 64 KiB");
    assert!(!home.data_folder().exists(), "nothing was made");
}

/// What contradicts what is told at once, and nothing is made.
#[test]
fn options_that_contradict_each_other_are_told_together() {
    let home = Home::on_sqlite();
    let folder = home.folder().to_owned();
    let file = folder.join("organisations.json");
    fs::write(&file, r#"{"tid": {"a": ["x", 7]}}"#).unwrap();
    let file = file.display().to_string();
    let local = |arguments: &[&str]| home.run(&[&["serve", "--log-format", "json"], arguments].concat());
    let output = local(&[
        "--token-profile",
        "entra",
        "--scope-claim",
        "scp",
        "--scope-prefix",
        "a/",
        "--organisations-group-prefix",
        "org:",
        "--organisations-file",
        &file,
        "--issuer-over-http",
    ]);
    for option in [
        "token-profile",
        "scope-claim",
        "scope-prefix",
        "organisations-group-prefix",
        "organisations-file",
        "issuer-over-http",
    ] {
        assert_sentence(&output, &format!("--{option} is for the tokens of an --issuer"));
    }
    assert_sentence(&local(&["--organisations-claim", "/a/b"]), "only for tokens of an issuer");
    assert!(!home.data_folder().join("prediction-api.db").exists());

    let jwks = format!("{KEYS}/jwks.json");
    let of = |issuer: &str, arguments: &[&str]| {
        let issuer = ["--jwks-file", &jwks, "--audience", AUDIENCE, "--issuer", issuer];
        local(&[&issuer, arguments].concat())
    };
    let output = of(
        "https://sts.windows.net/common/",
        &[
            "--token-profile",
            "entra",
            "--scope-claim",
            "a",
            "--scope-claim",
            "a",
            "--organisations-claim",
            "/~",
            "--organisations-file",
            &file,
        ],
    );
    for part in [
        "of tokens of version 1.0",
        "stands for many tenants",
        "--scope-claim names the same claim twice",
        "--organisations-claim is not a JSON pointer",
        "--organisations-claim is not read beside --organisations-file",
        "organisations.json: /tid/a/0 is not a UUID; /tid/a/1 is not a text",
    ] {
        assert_sentence(&output, part);
    }
    for empty in ["--scope-claim", "--scope-prefix", "--organisations-claim", "--organisations-group-prefix"] {
        assert_eq!(of(ISSUER, &[empty, ""]).status.code(), Some(2), "{empty}");
    }
    assert_sentence(
        &of(ISSUER, &["--organisations-file", "/nowhere"]),
        "cannot read the --organisations-file /nowhere",
    );
    assert_eq!(of(ISSUER, &["--token-profile", "saml"]).status.code(), Some(2));
}

/// What the command says when the keys are in that file.
fn serve(home: &Home, file: &str) -> Output {
    home.run(&["serve", "--log-format", "json", "--jwks-file", file, "--issuer", ISSUER, "--audience", AUDIENCE])
}

/// A server for the issuer of the tests.
fn start(arguments: &[&str]) -> (Arc<Home>, Server) {
    let home = Home::on_sqlite();
    let server = server_of_issuer(&home, arguments);
    (home, server)
}

/// A server beside it that accepts local tokens.
fn own_server(home: &Arc<Home>) -> Server {
    Server::start(home)
}

/// A token of the issuer, with some claims put in.
fn token(algorithm: SignatureAlgorithm, key: &str, name: &str, claims: &Value) -> String {
    let mut payload = claims_of_issuer();
    payload.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let header = json!({"alg": format!("{algorithm:?}"), "typ": "at+jwt", "kid": name});
    signed_by_issuer(algorithm, key, &header.to_string(), &payload.to_string())
}

fn count(list: &Answer) -> usize {
    list.expect(200)["items"].as_array().unwrap().len()
}

/// A failure is one plain sentence for a person.
#[track_caller]
fn assert_sentence(output: &Output, part: &str) {
    let sentence = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{sentence}");
    assert!(sentence.starts_with("prediction-api: ") && sentence.contains(part), "{part}: {sentence}");
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
