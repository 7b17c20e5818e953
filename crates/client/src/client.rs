use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prediction_wire::{PROBLEM_MEDIA_TYPE, Problem};
use serde_json::Value;
use ureq::http::{HeaderMap, Method, Response};
use ureq::{Agent, Body};

use crate::address::{BaseUrl, BaseUrlError};
use crate::agent::agent;
use crate::answer::{Answer, excerpt};
use crate::attempts::{self, Reached};
use crate::credentials::{Credentials, SignInError, Token};
use crate::error::{ClientError, is_not_found};
use crate::parameters::Parameters;
use crate::pause::{Pause, SystemPause};
use crate::request::Request;
use crate::stream::Stream;

/// What is read of an answer that is an error.
const LONGEST_PROBLEM: u64 = 4 * 1024 * 1024;

/// How patient a client is, and how much it takes in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Until when a request is sent again: no attempt begins later than this after the first one.
    pub deadline: Duration,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long one attempt may take, to the last byte of its answer. Of a stream it is the longest silence.
    pub answer_timeout: Duration,
    /// The most bytes of an answer that is not a stream.
    pub most_bytes: u64,
    /// A token may be sent over http to another machine, where others can read it on its way.
    pub plain_text: bool,
    /// What the client calls itself (`User-Agent`).
    pub user_agent: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_mins(1),
            most_bytes: 64 * 1024 * 1024,
            plain_text: false,
            user_agent: concat!("prediction-client/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A client of a service. Clones share connections and the token.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    base: BaseUrl,
    agent: Agent,
    settings: Settings,
    credentials: Credentials,
    /// The token of credentials that can be renewed.
    token: Mutex<Option<Token>>,
    pause: Box<dyn Pause>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.0.base)
            .field("credentials", &self.0.credentials)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// One attempt that brought an answer.
type Received = Response<Body>;

impl Client {
    /// A client of the service at that address.
    pub fn new(base_url: &str, credentials: Credentials) -> Result<Self, BaseUrlError> {
        Self::with(base_url, credentials, Settings::default(), SystemPause::default())
    }

    /// The same with settings, and with what it waits with.
    pub fn with(
        base_url: &str,
        credentials: Credentials,
        settings: Settings,
        pause: impl Pause + 'static,
    ) -> Result<Self, BaseUrlError> {
        let base = BaseUrl::parse(base_url)?;
        if !base.is_private() && !settings.plain_text && !matches!(credentials, Credentials::None) {
            return Err(BaseUrlError::PlainText);
        }
        let agent = agent(&base, |config| {
            config.timeout_connect(Some(settings.connect_timeout)).user_agent(&settings.user_agent)
        });
        let inner = Inner { base, agent, settings, credentials, token: Mutex::default(), pause: Box::new(pause) };
        Ok(Self(Arc::new(inner)))
    }

    /// Where the service is.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        &self.0.base
    }

    /// Sends any request, and gives the answer if it is a success (or 304).
    pub fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ClientError> {
        let request = Request::new(&self.0.base, method, path, query.iter().copied(), body, headers)?;
        self.perform(&request, Some(self.0.settings.answer_timeout), |response| self.whole(response))
    }

    /// Sends a request, whose answer is read as it comes, however long it is.
    pub fn stream(&self, path: &str, query: &[(&str, &str)], accept: &str) -> Result<Stream, ClientError> {
        let headers = [("accept", accept)];
        let request = Request::new(&self.0.base, Method::GET, path, query.iter().copied(), None, &headers)?;
        self.perform(&request, None, |response| Ok(Stream::new(response)))
    }

    /// Sends the request of an operation.
    pub(crate) fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        parameters: &Parameters,
    ) -> Result<Answer, ClientError> {
        let headers: Vec<_> = parameters.if_match.iter().map(|etag| ("if-match", etag.as_str())).collect();
        self.send(method, path, &parameters.pairs(), body, &headers)
    }

    /// Sends a request until there is an answer, or no hope of one.
    fn perform<T>(
        &self,
        request: &Request,
        timeout: Option<Duration>,
        read: impl Fn(Received) -> Result<T, Unread>,
    ) -> Result<T, ClientError> {
        let inner = &*self.0;
        let end = inner.pause.passed().saturating_add(inner.settings.deadline);
        let mut token = self.token()?;
        let mut is_renewed = false;
        let mut attempts = 0;
        // Whether an attempt before may have been carried out.
        let mut is_uncertain = false;
        loop {
            attempts += 1;
            let outcome = self.attempt(request, token.as_ref(), timeout, is_uncertain, &read);
            let (wait, error) = match outcome {
                Ok(answer) => return Ok(answer),
                Err(Failure::Final(ClientError::Problem(problem)))
                    if is_uncertain && request.is_conditional && matches!(problem.status, 409 | 412) =>
                {
                    return Err(ClientError::Uncertain(problem));
                }
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Refused(problem)) => {
                    if is_renewed {
                        return Err(SignInError::refused(problem).into());
                    }
                    is_renewed = true;
                    token = Some(self.renewed(token, problem)?);
                    continue;
                }
                Err(Failure::Later { wait, is_untouched, error }) => {
                    is_uncertain |= !is_untouched;
                    (wait, error)
                }
                Err(Failure::NoAnswer { cause, reached }) => {
                    is_uncertain |= reached == Reached::Perhaps;
                    let cause = format!("{}: {cause}", inner.base);
                    let error = ClientError::Unreachable { attempts, cause, is_uncertain };
                    if reached == Reached::Never {
                        return Err(error);
                    }
                    (None, error)
                }
            };
            let wait = wait.unwrap_or_else(|| attempts::own_wait(attempts, inner.pause.share()));
            let may = request.is_repeatable || !is_uncertain;
            if !may || inner.pause.passed().saturating_add(wait) > end {
                return Err(error);
            }
            inner.pause.sleep(wait);
        }
    }

    fn attempt<T>(
        &self,
        request: &Request,
        token: Option<&Token>,
        timeout: Option<Duration>,
        is_uncertain: bool,
        read: &impl Fn(Received) -> Result<T, Unread>,
    ) -> Result<T, Failure> {
        let no_answer =
            |error: &ureq::Error| Failure::NoAnswer { cause: error.to_string(), reached: attempts::reached(error) };
        let mut response = self.exchange(request, token, timeout).map_err(|error| match error {
            ureq::Error::Http(_) | ureq::Error::BadUri(_) => Failure::Final(ClientError::Request(error.to_string())),
            error => no_answer(&error),
        })?;
        let status = response.status();
        if status.is_success() || status == 304 {
            return read(response).map_err(|unread| unread.into_failure(&no_answer));
        }
        let headers = response.headers().clone();
        // The status tells enough when the rest broke off.
        let body = response.body_mut().with_config().limit(LONGEST_PROBLEM).read_to_vec().unwrap_or_default();
        let status = status.as_u16();
        let problem = problem(status, &headers, &body);
        let is_gone = problem.as_ref().is_some_and(is_not_found);
        match status {
            // What this request was to delete, an attempt before has deleted. Another server that knows no such path
            // answers 404, too: only this service says it with a problem of its own.
            404 if is_gone && is_uncertain && request.method == Method::DELETE && !request.is_dry_run => {
                let nothing = Response::builder().status(204).body(Body::builder().data(""));
                let nothing = nothing.map_err(|error| Failure::Final(ClientError::Request(error.to_string())))?;
                read(nothing).map_err(|unread| unread.into_failure(&no_answer))
            }
            401 => Err(Failure::Refused(problem)),
            429 | 503 => Err(Failure::Later {
                wait: attempts::retry_after(&headers),
                is_untouched: attempts::is_untouched(status, problem.as_ref()),
                error: refusal(status, problem, &headers, &body),
            }),
            _ => Err(Failure::Final(refusal(status, problem, &headers, &body))),
        }
    }

    fn exchange(
        &self,
        request: &Request,
        token: Option<&Token>,
        timeout: Option<Duration>,
    ) -> Result<Received, ureq::Error> {
        let settings = &self.0.settings;
        let agent = if request.is_repeatable {
            self.0.agent.clone()
        } else {
            // A kept connection may have been closed meanwhile, which looks as if the request had been lost on its way.
            self.0.agent.config().new_agent()
        };
        let mut built = ureq::http::Request::builder().method(request.method.clone()).uri(&request.url);
        for (name, value) in &request.headers {
            built = built.header(name, value);
        }
        if let Some(token) = token {
            built = built.header("authorization", format!("Bearer {}", token.reveal()));
        }
        let bytes = request.body.as_deref();
        let is_usually_empty = [Method::GET, Method::HEAD, Method::DELETE].contains(&request.method);
        match bytes {
            Some(bytes) if is_usually_empty => {
                let built = agent.configure_request(built.body(bytes)?);
                agent.run(bounded(built, settings, timeout).allow_non_standard_methods(true).build())
            }
            Some(bytes) => agent.run(bounded(agent.configure_request(built.body(bytes)?), settings, timeout).build()),
            None => agent.run(bounded(agent.configure_request(built.body(())?), settings, timeout).build()),
        }
    }

    /// The whole body of an answer, as long as it is not too long.
    fn whole(&self, mut response: Received) -> Result<Answer, Unread> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        match response.body_mut().with_config().limit(self.0.settings.most_bytes).read_to_vec() {
            Ok(body) => Ok(Answer { status, headers, body }),
            Err(ureq::Error::BodyExceedsLimit(most)) => {
                let excerpt = format!("the answer has more than {most} bytes");
                Err(Unread::Odd(ClientError::Unexpected { status, excerpt }))
            }
            Err(error) => Err(Unread::Broken(error)),
        }
    }

    fn token(&self) -> Result<Option<Token>, ClientError> {
        let token = match &self.0.credentials {
            Credentials::None => return Ok(None),
            Credentials::Fixed(token) => token.clone(),
            Credentials::Renewable(source) => {
                let mut kept = self.0.token.lock().unwrap_or_else(PoisonError::into_inner);
                match &*kept {
                    Some(token) => token.clone(),
                    None => kept.insert(source.token()?).clone(),
                }
            }
        };
        well_formed(token).map(Some)
    }

    /// Another token than the one that was refused.
    fn renewed(&self, refused: Option<Token>, problem: Option<Problem>) -> Result<Token, ClientError> {
        let (Credentials::Renewable(source), Some(refused)) = (&self.0.credentials, refused) else {
            return Err(SignInError::refused(problem).into());
        };
        let mut kept = self.0.token.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            // Another thread was faster.
            Some(other) if *other != refused => well_formed(other.clone()),
            _ => {
                *kept = None;
                let token = source.renew(&refused).map_err(|error| SignInError {
                    problem: error.problem.clone().or_else(|| problem.map(Box::new)),
                    ..error
                })?;
                well_formed(kept.insert(token).clone())
            }
        }
    }
}

/// Why an answer could not be read.
pub(crate) enum Unread {
    /// It broke off.
    Broken(ureq::Error),
    /// It is not one that can be read.
    Odd(ClientError),
}

impl Unread {
    fn into_failure(self, no_answer: &impl Fn(&ureq::Error) -> Failure) -> Failure {
        match self {
            Self::Broken(error) => no_answer(&error),
            Self::Odd(error) => Failure::Final(error),
        }
    }
}

/// How an attempt failed.
enum Failure {
    /// Nobody answered, or not to the end.
    NoAnswer { cause: String, reached: Reached },
    /// The token is not accepted.
    Refused(Option<Problem>),
    /// Another attempt may succeed.
    Later { wait: Option<Duration>, is_untouched: bool, error: ClientError },
    /// Another attempt would not.
    Final(ClientError),
}

fn bounded<S: ureq::AsSendBody>(
    config: ureq::config::ConfigBuilder<ureq::typestate::HttpCrateScope<S>>,
    settings: &Settings,
    timeout: Option<Duration>,
) -> ureq::config::ConfigBuilder<ureq::typestate::HttpCrateScope<S>> {
    match timeout {
        Some(timeout) => config.timeout_global(Some(timeout)),
        None => {
            config.timeout_recv_response(Some(settings.answer_timeout)).timeout_per_read(Some(settings.answer_timeout))
        }
    }
}

fn well_formed(token: Token) -> Result<Token, ClientError> {
    if token.is_well_formed() {
        return Ok(token);
    }
    Err(SignInError::new("the token has characters in it that no token has, or is empty").into())
}

/// The problem that a body tells, if it is one.
fn problem(status: u16, headers: &HeaderMap, body: &[u8]) -> Option<Problem> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_problem = header("content-type").is_some_and(|kind| kind.starts_with(PROBLEM_MEDIA_TYPE));
    let mut problem: Problem = serde_json::from_slice(body).ok().filter(|_| is_problem)?;
    // What was answered counts, not what is said of it.
    problem.status = status;
    problem.request_id = problem.request_id.or_else(|| header("x-request-id").map(str::to_owned));
    Some(problem)
}

fn refusal(status: u16, problem: Option<Problem>, headers: &HeaderMap, body: &[u8]) -> ClientError {
    match problem {
        Some(problem) => ClientError::Problem(Box::new(problem)),
        None if (300..400).contains(&status) => {
            let to = headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
            ClientError::Unexpected { status, excerpt: format!("the answer sends to {to}, which is not followed") }
        }
        None => ClientError::Unexpected { status, excerpt: excerpt(body) },
    }
}
