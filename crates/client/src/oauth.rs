//! Tokens of an issuer: for programs (client credentials), and for people (device flow, authorization code with PKCE).
//!
//! The issuer says where its endpoints are ([OpenID Connect Discovery
//! 1.0](https://openid.net/specs/openid-connect-discovery-1_0.html)). They are asked over https, or in plain text on
//! this machine for an issuer that is being tried out; no redirection is followed, and answers are bounded.

mod code;
mod device;
mod source;

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::Agent;

use crate::address::BaseUrl;
use crate::agent::agent;
use crate::credentials::{SignInError, Token};

pub use code::{AuthorizationRequest, Redirected};
pub use device::DeviceAuthorization;
pub use source::ClientCredentials;

const TIME_OUT: Duration = Duration::from_secs(10);
/// The most that is read of an issuer's answer.
const LONGEST_ANSWER: u64 = 256 * 1024;

/// An issuer, with the endpoints that it describes.
#[derive(Debug, Clone)]
pub struct Issuer {
    endpoints: Endpoints,
}

#[derive(Debug, Clone, Deserialize)]
struct Endpoints {
    issuer: String,
    token_endpoint: String,
    authorization_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
}

/// Who asks the issuer, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requester {
    /// The name of the client at the issuer (`client_id`).
    pub client_id: String,
    /// The secret of a client that can keep one.
    pub client_secret: Option<Token>,
    /// The scopes that are asked for, with spaces between them.
    pub scope: Option<String>,
    /// The service that the token is for, if the issuer has to be told.
    pub audience: Option<String>,
}

/// What an issuer gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access: Token,
    /// What another one can be had with.
    pub refresh: Option<Token>,
    /// How long the access token is good, if the issuer says.
    pub expires_in: Option<Duration>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
}

/// An error of OAuth (RFC 6749, section 5.2).
#[derive(Debug, Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

/// What came back from an endpoint.
enum Outcome<T> {
    Given(T),
    Refused(Refusal),
}

impl Issuer {
    /// Asks an issuer where its endpoints are.
    pub fn discover(issuer: &str) -> Result<Self, SignInError> {
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let agent = private(&address)?;
        let failed = |cause: String| SignInError::new(format!("the issuer {issuer} does not describe itself: {cause}"));
        let away = |cause: String| SignInError::unreachable(format!("the issuer {issuer} does not answer: {cause}"));
        let mut answer = agent.get(&address).call().map_err(|error| away(error.to_string()))?;
        let status = answer.status().as_u16();
        if status != 200 {
            let told = if is_away(status) { &away as &dyn Fn(String) -> SignInError } else { &failed };
            return Err(told(format!("it answers with the status {status}")));
        }
        let body = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec();
        let body = body.map_err(|error| away(error.to_string()))?;
        let endpoints: Endpoints = serde_json::from_slice(&body).map_err(|error| failed(error.to_string()))?;
        // Section 4.3 of the discovery: whoever describes another issuer could send its users anywhere.
        if endpoints.issuer != issuer {
            return Err(failed(format!("it describes {}", endpoints.issuer)));
        }
        let more = [&endpoints.authorization_endpoint, &endpoints.device_authorization_endpoint];
        for endpoint in more.into_iter().flatten().chain([&endpoints.token_endpoint]) {
            private(endpoint)?;
        }
        Ok(Self { endpoints })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.endpoints.issuer
    }

    /// Whether a person can sign in on another device.
    #[must_use]
    pub fn has_device_flow(&self) -> bool {
        self.endpoints.device_authorization_endpoint.is_some()
    }

    /// A token for a program (RFC 6749, section 4.4).
    pub fn client_credentials(&self, requester: &Requester) -> Result<Tokens, SignInError> {
        self.tokens(requester, &[("grant_type", "client_credentials")], true)
    }

    /// Another token for a person who has signed in (RFC 6749, section 6).
    pub fn refresh(&self, requester: &Requester, refresh: &Token) -> Result<Tokens, SignInError> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.reveal())];
        let mut tokens = self.tokens(requester, &form, false)?;
        tokens.refresh = tokens.refresh.or_else(|| Some(refresh.clone()));
        Ok(tokens)
    }

    fn tokens(&self, requester: &Requester, form: &[(&str, &str)], with_scope: bool) -> Result<Tokens, SignInError> {
        let endpoint = &self.endpoints.token_endpoint;
        match self.post::<TokenAnswer>(endpoint, requester, form, with_scope)? {
            Outcome::Given(answer) => Ok(answer.into()),
            Outcome::Refused(refusal) => Err(self.refused(&refusal)),
        }
    }

    /// Sends a form, in the name of the requester.
    fn post<T: DeserializeOwned>(
        &self,
        endpoint: &str,
        requester: &Requester,
        form: &[(&str, &str)],
        with_scope: bool,
    ) -> Result<Outcome<T>, SignInError> {
        let mut form: Vec<(&str, &str)> = form.to_vec();
        form.push(("client_id", &requester.client_id));
        if let Some(secret) = &requester.client_secret {
            form.push(("client_secret", secret.reveal()));
        }
        form.extend(requester.asked(with_scope));
        let told = |cause: String| format!("the issuer {} does not answer: {cause}", self.name());
        let away = |cause: String| SignInError::unreachable(told(cause));
        let failed = |cause: String| SignInError::new(told(cause));
        let agent = private(endpoint)?;
        let mut answer = agent.post(endpoint).send_form(form).map_err(|error| away(error.to_string()))?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec();
        let body = body.map_err(|error| away(error.to_string()))?;
        if is_away(status) {
            return Err(away(format!("its status is {status}")));
        }
        if status == 200 {
            return serde_json::from_slice(&body).map(Outcome::Given).map_err(|_| failed("no token came".to_owned()));
        }
        match serde_json::from_slice(&body) {
            Ok(refusal) => Ok(Outcome::Refused(refusal)),
            Err(_) => Err(failed(format!("its status is {status}"))),
        }
    }

    fn refused(&self, refusal: &Refusal) -> SignInError {
        let why = refusal.error_description.as_deref().unwrap_or(&refusal.error);
        SignInError::new(format!("the issuer {} gives no token: {why}", self.name()))
    }
}

impl Requester {
    /// What is asked for, as parameters.
    fn asked(&self, with_scope: bool) -> Vec<(&str, &str)> {
        let mut asked = Vec::new();
        if let Some(scope) = self.scope.as_deref().filter(|_| with_scope) {
            asked.push(("scope", scope));
        }
        if let Some(audience) = &self.audience {
            asked.push(("audience", audience));
            // RFC 8707 has it by another name, and only for URLs.
            if audience.contains("://") {
                asked.push(("resource", audience));
            }
        }
        asked
    }
}

impl From<TokenAnswer> for Tokens {
    fn from(answer: TokenAnswer) -> Self {
        Self {
            access: Token::new(&answer.access_token),
            refresh: answer.refresh_token.as_deref().map(Token::new),
            expires_in: answer.expires_in.map(Duration::from_secs),
        }
    }
}

/// Whether a status says that the issuer cannot answer now, rather than that it refuses.
fn is_away(status: u16) -> bool {
    status == 429 || (500..600).contains(&status)
}

/// What an address is asked by, if secrets may be sent there.
fn private(address: &str) -> Result<Agent, SignInError> {
    let base = address.split(['?', '#']).next().unwrap_or_default();
    match BaseUrl::parse(base) {
        Ok(url) if url.is_private() => Ok(agent(&url, |config| config.timeout_global(Some(TIME_OUT)))),
        _ => Err(SignInError::new(format!("{address} is not an https URL, and nobody signs in over anything else"))),
    }
}
