use serde_json::json;

use crate::canned::{Server, around, page, prediction_into};

#[test]
fn a_person_signs_in_uses_the_login_and_signs_out() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Server::start_with(|url| {
        let description = json!({
            "issuer": url, "token_endpoint": format!("{url}/token"),
            "device_authorization_endpoint": format!("{url}/device"),
        });
        let begun = json!({ "device_code": "d", "user_code": "ABCD-EFGH", "expires_in": 60, "interval": 1,
                            "verification_uri": "https://issuer.example/device" });
        let tokens =
            |number: u8| json!({ "access_token": format!("token-{number}"), "refresh_token": "r", "expires_in": 20 });
        vec![
            ("GET /.well-known/openid-configuration".to_owned(), description),
            ("POST /device".to_owned(), begun),
            ("POST /token".to_owned(), json!({ "error": "authorization_pending" })),
            ("POST /token".to_owned(), tokens(1)),
            ("POST /token".to_owned(), tokens(2)),
        ]
    });
    let service = Server::start(vec![("GET /api/v1/organisations", page(&[]))]);
    let mut around = around(Some(folder.path()));
    around.token = None;
    let run = |arguments: &[&str]| {
        let mut out = Vec::new();
        let (code, err) = prediction_into(&mut out, &around, None, arguments);
        (code, String::from_utf8(out).unwrap(), err)
    };
    let add = ["context", "add", "prod", "--url", &service.url, "--issuer", &issuer.url, "--client-id", "people"];
    assert_eq!(run(&add).1, "prod: in use\n");
    let (code, _, told) = run(&["get", "organisations", "--data-dir", "none"]);
    assert_eq!(code, 4, "{told}");
    assert!(told.contains("sign in with `prediction login`"), "{told}");

    let (code, out, told) = run(&["login"]);
    assert_eq!((code, told.as_str()), (0, "Open https://issuer.example/device\nand enter ABCD-EFGH\n"), "{out}");
    assert_eq!(out, format!("Signed in to prod ({})\n", service.url));
    // The token is good for 20 s, which is too short: it is had anew.
    let (code, out, told) = run(&["whoami"]);
    assert_eq!(code, 0, "{told}");
    assert!(out.contains("of the login for prod") && out.ends_with("Accepted      yes\n"), "{out}");
    let asked = issuer.asked.lock().unwrap().clone();
    assert!(asked.iter().any(|line| line.contains("grant_type=refresh_token")), "{asked:?}");
    assert!(asked.iter().any(|line| line.contains("client_id=people")), "{asked:?}");

    assert_eq!(run(&["logout"]).1, "prod: signed out\n");
    assert_eq!(run(&["logout"]).1, "prod: nobody was signed in\n");
    assert_eq!(run(&["whoami", "--data-dir", "none"]).0, 4);
    assert_eq!(run(&["context", "remove", "prod"]).1, "prod: forgotten\n");
    assert_eq!(run(&["login"]).0, 64);
}

#[test]
fn a_login_that_cannot_be_renewed_asks_to_sign_in_only_if_that_helps() {
    let service = Server::start(vec![("GET /api/v1/organisations", page(&[]))]);
    for (renewal, code, advice) in [
        (json!({ "error": "invalid_grant" }), 4, true),
        // It breaks off, and says with a problem that it is away.
        (json!(null), 3, false),
        (crate::canned::problem(503, "away"), 3, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let issuer = Server::start_with(|url| {
            let description = json!({ "issuer": url, "token_endpoint": format!("{url}/token"),
                                      "device_authorization_endpoint": format!("{url}/device") });
            let begun = json!({ "device_code": "d", "user_code": "A", "expires_in": 60, "interval": 1,
                                "verification_uri": "https://issuer.example/device" });
            vec![
                ("GET /.well-known/openid-configuration".to_owned(), description),
                ("POST /device".to_owned(), begun),
                ("POST /token".to_owned(), json!({ "access_token": "a", "refresh_token": "r", "expires_in": 20 })),
                ("POST /token".to_owned(), renewal),
            ]
        });
        let mut around = around(Some(folder.path()));
        around.token = None;
        let run = |arguments: &[&str]| prediction_into(&mut Vec::new(), &around, None, arguments);
        assert_eq!(run(&["context", "add", "prod", "--url", &service.url, "--issuer", &issuer.url]).0, 0);
        assert_eq!(run(&["login"]).0, 0);
        // The token is good for 20 s, which is too short.
        let (ended, told) = run(&["get", "organisations"]);
        assert_eq!((ended, told.contains("prediction login")), (code, advice), "{told}");
    }
}

#[test]
fn a_name_of_a_context_is_given_away_on_purpose_only() {
    let folder = tempfile::tempdir().unwrap();
    let around = around(Some(folder.path()));
    let run = |arguments: &[&str]| {
        let mut out = Vec::new();
        let (code, err) = prediction_into(&mut out, &around, None, arguments);
        (code, String::from_utf8(out).unwrap() + &err)
    };
    let add = |url: &str, more: &[&str]| run(&[&["context", "add", "prod", "--url", url], more].concat());
    assert_eq!(add("https://a.example", &[]).0, 0);
    let login = folder.path().join("login-prod.json");
    std::fs::write(&login, "{}").unwrap();
    let (code, told) = add("https://b.example", &[]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("--replace replaces it"), "{told}");
    assert!(run(&["context", "list"]).1.contains("https://a.example"));
    assert_eq!(add("https://a.example", &["--replace"]).0, 0);
    assert!(login.exists(), "it is for the same service");
    assert_eq!(add("https://b.example", &["--replace"]).0, 0);
    assert!(!login.exists(), "it was for another service");
    assert!(run(&["context", "list"]).1.contains("https://b.example"));
}
