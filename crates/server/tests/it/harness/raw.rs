use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// HTTP by hand, for what a client library does not send.
pub(crate) struct RawConnection(TcpStream);

impl RawConnection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        Self(stream)
    }

    /// Sends bytes. When the server has closed the connection already, the answer tells why.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref());
    }

    /// Waits for the answer to begin.
    pub(crate) fn wait(&mut self) {
        self.0.peek(&mut [0]).unwrap();
    }

    /// All that comes until the server closes the connection.
    pub(crate) fn rest(&mut self) -> String {
        let mut text = String::new();
        self.0.read_to_string(&mut text).unwrap();
        text
    }

    /// The status and the body of the answer.
    pub(crate) fn answer(&mut self) -> (u16, String) {
        let mut bytes = Vec::new();
        let mut chunk = [0; 16 * 1024];
        loop {
            if let Some(answer) = parse(&bytes) {
                return answer;
            }
            match self.0.read(&mut chunk) {
                Ok(count) if count > 0 => bytes.extend_from_slice(&chunk[..count]),
                end => panic!("the answer did not come: {end:?}, {}", String::from_utf8_lossy(&bytes)),
            }
        }
    }
}

impl RawConnection {
    /// Everything that comes until the server closes the connection.
    pub(crate) fn whole(&mut self) -> String {
        String::from_utf8(self.whole_bytes()).unwrap()
    }

    /// The same, whatever it is.
    pub(crate) fn whole_bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap();
        bytes
    }
}

impl Drop for RawConnection {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// The head of a request with a token, up to the empty line.
pub(crate) fn raw_request(method: &str, path: &str, authorization: &str, headers: &[&str]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {authorization}\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head + "\r\n"
}

fn parse(bytes: &[u8]) -> Option<(u16, String)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    (body.len() >= length.unwrap_or(0)).then(|| (status, body.to_owned()))
}
