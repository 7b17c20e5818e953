use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{HeaderMap, Request, Response};
use ureq::typestate::WithoutBody;
use ureq::{Agent, Body, RequestBuilder};

/// A client of a server.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    base: String,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, token: Option<String>) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .max_idle_connections_per_host(64)
            .max_idle_connections(64)
            // The server closes one after fifteen seconds: a request at that moment has no answer.
            .max_idle_age(Duration::from_secs(5))
            .timeout_global(Some(Duration::from_mins(1)))
            .build()
            .into();
        Self { agent, base: format!("http://{address}"), token }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path).json(body).send()
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path).json(body).send()
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path).send()
    }

    /// A request, to be completed and sent.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        let mut call = Call {
            agent: self.agent.clone(),
            method: method.to_owned(),
            url: format!("{}{path}", self.base),
            headers: Vec::new(),
            body: None,
        };
        if let Some(token) = &self.token {
            call = call.header("Authorization", &format!("Bearer {token}"));
        }
        call
    }
}

/// A request that is being put together.
#[derive(Clone)]
pub(crate) struct Call {
    agent: Agent,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Call {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// Adds to the query.
    pub(crate) fn query(mut self, parameters: &str) -> Self {
        self.url.push(if self.url.contains('?') { '&' } else { '?' });
        self.url.push_str(parameters);
        self
    }

    /// Sends it to another server.
    pub(crate) fn at(mut self, address: SocketAddr) -> Self {
        let path = self.url.splitn(4, '/').nth(3).unwrap_or_default();
        self.url = format!("http://{address}/{path}");
        self
    }

    /// Where it goes on its server, without its query.
    pub(crate) fn path(&self) -> String {
        let path = self.url.splitn(4, '/').nth(3).unwrap_or_default();
        format!("/{}", path.split('?').next().unwrap_or_default())
    }

    /// Takes another token.
    pub(crate) fn token(self, token: &str) -> Self {
        self.without_header("Authorization").header("Authorization", &format!("Bearer {token}"))
    }

    /// The body that was put in.
    pub(crate) fn json_body(&self) -> Value {
        serde_json::from_slice(self.body.as_deref().unwrap()).unwrap()
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.header("Content-Type", content_type).untyped_body(body)
    }

    pub(crate) fn untyped_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub(crate) fn send(self) -> Answer {
        let question = format!("{} {}", self.method, self.url);
        self.try_send().unwrap_or_else(|error| panic!("{question}: {error}"))
    }

    /// The same where a connection may break.
    pub(crate) fn try_send(self) -> Result<Answer, ureq::Error> {
        let question = format!("{} {}", self.method, self.url);
        let response = match (self.method.as_str(), &self.body) {
            // Methods that rarely have one.
            ("GET", Some(body)) => self.with_headers(self.agent.get(&self.url)).force_send_body().send(body),
            ("HEAD", Some(body)) => self.with_headers(self.agent.head(&self.url)).force_send_body().send(body),
            ("DELETE", Some(body)) => self.with_headers(self.agent.delete(&self.url)).force_send_body().send(body),
            _ => self.run(),
        };
        let mut response = response?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.body_mut().with_config().limit(64 * 1024 * 1024).read_to_vec()?,
            question,
        })
    }

    fn with_headers(&self, request: RequestBuilder<WithoutBody>) -> RequestBuilder<WithoutBody> {
        self.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    fn run(&self) -> Result<Response<Body>, ureq::Error> {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        match &self.body {
            Some(body) => self.agent.run(request.body(body.as_slice()).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        }
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    question: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The body as JSON; null when there is none.
    pub(crate) fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.question, String::from_utf8_lossy(&self.body)))
    }

    /// The body of an answer that has this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{}: {text}", self.question);
        self.json()
    }

    /// The body of an error answer, which has the form that all of them have.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        let what = format!("{}: {problem}", self.question);
        assert_eq!(problem["code"], code, "{what}");
        assert_eq!(problem["status"], status, "{what}");
        assert_eq!(problem["type"], format!("/problems/{code}"), "{what}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{what}");
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"), "{what}");
        for member in ["title", "detail", "request_id"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{what}");
        }
        problem
    }
}

/// Where each entry of `errors` points to, and its code.
pub(crate) fn errors(problem: &Value) -> Vec<(&str, &str)> {
    let entries = problem["errors"].as_array().unwrap_or_else(|| panic!("no errors in {problem}"));
    entries
        .iter()
        .map(|entry| {
            assert!(entry["message"].as_str().is_some_and(|message| !message.is_empty()), "{entry}");
            let place = entry["pointer"].as_str().or(entry["parameter"].as_str()).unwrap();
            (place, entry["code"].as_str().unwrap())
        })
        .collect()
}
