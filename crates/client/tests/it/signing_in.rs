use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prediction_client::{
    BaseUrlError, Client, ClientError, Credentials, Parameters, Settings, SignInError, SystemPause, Token, TokenSource,
};

use crate::server::{Server, answer, ok, problem};

const LIVE: &str = r#"{"status":"live"}"#;

/// Gives `token-0`, then `token-1` and so on, up to the last.
struct Numbered {
    given: AtomicUsize,
    last: usize,
}

impl Numbered {
    fn up_to(last: usize) -> Credentials {
        Credentials::Renewable(Arc::new(Self { given: AtomicUsize::new(0), last }))
    }
}

impl TokenSource for Numbered {
    fn token(&self) -> Result<Token, SignInError> {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        if number > self.last {
            Err(SignInError::new("run `prediction login`"))
        } else {
            Ok(Token::new(&format!("token-{number}")))
        }
    }

    fn renew(&self, refused: &Token) -> Result<Token, SignInError> {
        assert_eq!(refused.reveal(), format!("token-{}", self.given.load(Ordering::Relaxed) - 1));
        self.token()
    }
}

#[test]
fn a_token_is_had_anew_once() {
    let refused = || problem(401, "invalid_token", &[]);
    let server = Server::start(vec![ok(LIVE), refused(), ok(LIVE), ok(LIVE)]);
    let (client, waits) = server.client_with(Numbered::up_to(9), Settings::default());
    for _ in 0..3 {
        client.live(&Parameters::new()).unwrap();
    }
    let tokens: Vec<_> = server.asked().iter().map(|asked| asked.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(tokens, ["Bearer token-0", "Bearer token-0", "Bearer token-1", "Bearer token-1"]);
    assert!(waits.all().is_empty(), "it is not waited for");

    let server = Server::start(vec![refused(), refused(), ok(LIVE)]);
    let (client, _) = server.client_with(Numbered::up_to(9), Settings::default());
    let error = client.live(&Parameters::new()).unwrap_err();
    assert!(matches!(error, ClientError::SignIn(_)), "{error:?}");
    assert_eq!(error.problem().unwrap().code, "invalid_token");
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn who_cannot_have_another_token_has_to_sign_in() {
    let server = Server::start(vec![problem(401, "invalid_token", &[])]);
    let error = server.client().0.live(&Parameters::new()).unwrap_err();
    assert_eq!((error.to_string().as_str(), error.status()), ("What happened.", Some(401)));

    let server = Server::start(vec![problem(401, "invalid_token", &[])]);
    let (client, _) = server.client_with(Numbered::up_to(0), Settings::default());
    let error = client.live(&Parameters::new()).unwrap_err();
    assert_eq!((error.to_string().as_str(), error.status()), ("run `prediction login`", Some(401)));
}

#[test]
fn a_token_that_would_be_another_header_is_not_sent() {
    for token in ["", "two words", "a\r\nX: y", "é"] {
        let server = Server::start(Vec::new());
        let (client, _) = server.client_with(Credentials::Fixed(Token::new(token)), Settings::default());
        assert!(matches!(client.live(&Parameters::new()), Err(ClientError::SignIn(_))), "{token}");
    }
}

#[test]
fn a_token_goes_over_http_to_this_machine_only() {
    let token = || Credentials::Fixed(Token::new("a"));
    let url = "http://predictions.example";
    assert_eq!(Client::new(url, token()).unwrap_err(), BaseUrlError::PlainText);
    assert!(Client::new(url, Credentials::None).is_ok());
    assert!(Client::new("https://predictions.example", token()).is_ok());
    assert!(Client::new("http://localhost:1", token()).is_ok());
    let settings = Settings { plain_text: true, ..Settings::default() };
    assert!(Client::with(url, token(), settings, SystemPause::default()).is_ok());
}

#[test]
fn no_redirection_is_followed() {
    let other = Server::start(vec![ok(LIVE)]);
    for status in [301, 302, 303, 307, 308] {
        let server = Server::start(vec![answer(status, &[("Location", &format!("{}/a", other.url()))], "")]);
        let error = server.client().0.live(&Parameters::new()).unwrap_err();
        assert_eq!(error.status(), Some(status));
        assert!(error.to_string().contains("which is not followed"), "{error}");
    }
    assert!(other.asked().is_empty());
}

#[test]
fn tokens_are_not_shown() {
    let server = Server::start(Vec::new());
    let (client, _) = server.client();
    let shown = format!("{client:?} {:?}", Token::new("a-token"));
    assert!(!shown.contains("a-token"), "{shown}");
}
