use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::{Issuer, Requester, Tokens};
use crate::credentials::SignInError;
use crate::request::encoded;

/// How long one visit of the browser may take.
const VISIT: Duration = Duration::from_secs(5);
/// The longest request of a browser that is read.
const LONGEST_VISIT: u64 = 16 * 1024;
/// Visits by whatever else finds the port.
const MOST_VISITS: usize = 100;

/// A person who signs in with a browser on this machine (RFC 8252, with PKCE, RFC 7636).
pub struct AuthorizationRequest {
    /// Where the person goes.
    pub url: String,
    verifier: String,
    state: String,
    redirect_uri: String,
    listener: TcpListener,
}

/// What the browser brought.
#[derive(PartialEq, Eq)]
pub struct Redirected {
    code: String,
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL has the state, by which the answer of the browser is known.
        f.debug_struct("AuthorizationRequest").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}

impl fmt::Debug for Redirected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redirected(…)")
    }
}

impl Issuer {
    /// Begins with a port of this machine that the browser comes back to.
    pub fn begin_code_flow(&self, requester: &Requester) -> Result<AuthorizationRequest, SignInError> {
        let Some(endpoint) = &self.endpoints.authorization_endpoint else {
            return Err(SignInError::new(format!("nobody can sign in at the issuer {} with a browser", self.name())));
        };
        let cannot = |error: std::io::Error| SignInError::new(format!("cannot listen for the browser: {error}"));
        let listener = TcpListener::bind("127.0.0.1:0").map_err(cannot)?;
        let redirect_uri = format!("http://127.0.0.1:{}/", listener.local_addr().map_err(cannot)?.port());
        let (verifier, state) = (random()?, random()?);
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let mut query = vec![
            ("response_type", "code"),
            ("client_id", requester.client_id.as_str()),
            ("redirect_uri", redirect_uri.as_str()),
            ("state", state.as_str()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        query.extend(requester.asked(true));
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let separator = if endpoint.contains('?') { '&' } else { '?' };
        let url = format!("{endpoint}{separator}{}", query.join("&"));
        Ok(AuthorizationRequest { url, verifier, state, redirect_uri, listener })
    }

    /// Exchanges what the browser brought for a token.
    pub fn finish_code_flow(
        &self,
        requester: &Requester,
        request: &AuthorizationRequest,
        redirected: &Redirected,
    ) -> Result<Tokens, SignInError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", redirected.code.as_str()),
            ("redirect_uri", request.redirect_uri.as_str()),
            ("code_verifier", request.verifier.as_str()),
        ];
        self.tokens(requester, &form, false)
    }
}

impl AuthorizationRequest {
    /// Waits for the browser, and tells the person how it went.
    pub fn wait_for_browser(&self) -> Result<Redirected, SignInError> {
        for connection in self.listener.incoming().take(MOST_VISITS) {
            let Ok(connection) = connection else { continue };
            let Some(query) = visit(&connection) else {
                answer(&connection, "404 Not Found", "There is nothing here.");
                continue;
            };
            match self.judge(&query) {
                None => answer(&connection, "404 Not Found", "There is nothing here."),
                Some(Ok(redirected)) => {
                    answer(&connection, "200 OK", "You have signed in. You can close this page.");
                    return Ok(redirected);
                }
                Some(Err(error)) => {
                    answer(&connection, "400 Bad Request", "You have not signed in. The terminal says why.");
                    return Err(error);
                }
            }
        }
        Err(SignInError::new("the browser did not come back"))
    }

    /// What a query says; nothing if it is not the answer to this request.
    fn judge(&self, query: &str) -> Option<Result<Redirected, SignInError>> {
        let parameter = |wanted: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.into_iter().find(|(name, _)| *name == wanted).map(|(_, value)| decoded(value))
        };
        // Somebody else's page could send the browser here with a code of its own.
        if parameter("state").as_deref() != Some(&self.state) {
            return None;
        }
        match (parameter("code"), parameter("error")) {
            (Some(code), None) => Some(Ok(Redirected { code })),
            (None, Some(error)) => {
                let why = parameter("error_description").unwrap_or(error);
                Some(Err(SignInError::new(format!("the issuer gives no token: {why}"))))
            }
            _ => None,
        }
    }
}

/// The query of a request to `/`.
fn visit(connection: &TcpStream) -> Option<String> {
    connection.set_read_timeout(Some(VISIT)).ok()?;
    let mut line = String::new();
    BufReader::new(connection.take(LONGEST_VISIT)).read_line(&mut line).ok()?;
    let target = line.strip_prefix("GET ")?.split(' ').next()?;
    target.strip_prefix("/?").map(str::to_owned)
}

fn answer(mut connection: &TcpStream, status: &str, text: &str) {
    let length = text.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nCache-Control: no-store\r\nConnection: \
         close\r\n\r\n{text}"
    );
    // The token does not depend on what the browser shows.
    let _ = connection.write_all(answer.as_bytes());
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (first, hex.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
                continue;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// 256 random bits as a text.
fn random() -> Result<String, SignInError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| SignInError::new(format!("the system gives no random numbers: {error}")))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> AuthorizationRequest {
        AuthorizationRequest {
            url: String::new(),
            verifier: random().unwrap(),
            state: "a state".to_owned(),
            redirect_uri: String::new(),
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
        }
    }

    #[test]
    fn only_the_answer_to_this_request_counts() {
        let request = request();
        let code = |query: &str| request.judge(query).map(|judged| judged.map(|redirected| redirected.code));
        assert_eq!(code("code=a%2Fb&state=a+state"), Some(Ok("a/b".to_owned())));
        assert_eq!(code("code=a&state=other"), None);
        assert_eq!(code("code=a"), None);
        assert_eq!(code("state=a%20state"), None);
        let refused = code("error=access_denied&error_description=Not+you&state=a%20state").unwrap().unwrap_err();
        assert_eq!(refused.to_string(), "the issuer gives no token: Not you");
    }

    #[test]
    fn a_browser_comes_back_after_other_visitors() {
        let request = request();
        let address = request.listener.local_addr().unwrap();
        let browser = std::thread::spawn(move || {
            let visit = |target: &str| {
                let mut connection = TcpStream::connect(address).ok()?;
                write!(connection, "GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").ok()?;
                let mut answer = String::new();
                // The rest of the request is not read, which may reset the connection after the answer.
                let _ = BufReader::new(connection).read_line(&mut answer);
                Some(answer)
            };
            visit("/favicon.ico");
            visit("/?code=theirs&state=none");
            // On a busy machine a visit may come too late to be read. Nobody listens any more once one was.
            while visit("/?code=mine&state=a%20state").is_some_and(|answer| answer.contains(" 404 ")) {}
        });
        assert_eq!(request.wait_for_browser().unwrap().code, "mine");
        browser.join().unwrap();
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut request = request();
        request.url = format!("https://issuer.example/?state={}", request.state);
        let redirected = Redirected { code: "a code".to_owned() };
        let shown = format!("{request:?} {redirected:?}");
        for secret in [&request.verifier, &request.state, &redirected.code] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn a_text_of_a_query_is_decoded() {
        assert_eq!(decoded("a%20b+c%C3%A9%2"), "a b cé%2");
        assert_eq!(decoded("%zz%"), "%zz%");
    }
}
