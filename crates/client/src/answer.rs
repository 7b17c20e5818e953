use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::HeaderMap;

use crate::error::ClientError;

/// What was answered to a request that succeeded, to the letter.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status: 200 to 299, or 304 when `If-None-Match` was sent.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
}

/// An answer, and what it says.
#[derive(Debug, Clone)]
pub struct Reply<T> {
    /// What it says.
    pub value: T,
    /// The answer itself, with members that this release does not know.
    pub answer: Answer,
}

impl Answer {
    /// The entity tag, to be sent as `If-Match` or `If-None-Match`.
    #[must_use]
    pub fn etag(&self) -> Option<&str> {
        self.header("etag")
    }

    /// What the log of the service knows the request by.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.header("x-request-id")
    }

    /// A header, if it is there and of ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as JSON; null when there is none.
    pub fn json(&self) -> Result<Value, ClientError> {
        if self.body.is_empty() { Ok(Value::Null) } else { self.read() }
    }

    /// The body as a type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let excerpt = format!("{error}, in {}", excerpt(&self.body));
            ClientError::Unexpected { status: self.status, excerpt }
        })
    }

    /// The body as text.
    pub fn text(&self) -> Result<String, ClientError> {
        String::from_utf8(self.body.clone())
            .map_err(|_| ClientError::Unexpected { status: self.status, excerpt: "the answer is not UTF-8".to_owned() })
    }
}

impl<T> Reply<T> {
    /// The entity tag of the answer.
    #[must_use]
    pub fn etag(&self) -> Option<&str> {
        self.answer.etag()
    }
}

/// How a body begins, in a line.
pub(crate) fn excerpt(body: &[u8]) -> String {
    const MOST: usize = 200;
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * MOST)]);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None if words.is_empty() => "(no text)".to_owned(),
        None => words,
    }
}
