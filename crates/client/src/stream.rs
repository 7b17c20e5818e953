use std::fmt;
use std::io::{self, Read};

use ureq::http::{HeaderMap, Response};
use ureq::{Body, BodyReader};

/// An answer that is read as it comes. An answer that breaks off is an error of reading, never a short answer.
pub struct Stream {
    headers: HeaderMap,
    body: BodyReader<'static>,
}

impl Stream {
    pub(crate) fn new(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        Self { headers: head.headers, body: body.into_reader() }
    }

    /// The headers of the answer.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("headers", &self.headers).finish_non_exhaustive()
    }
}
