use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

/// Where a service is: a scheme, a host, and the path that its own paths begin after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    is_https: bool,
    is_this_machine: bool,
}

/// Why a text is not the address of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// It is not a URL with a host.
    #[error("the address of the service is not a URL such as https://predictions.example")]
    NotAUrl,
    /// Only these two schemes are spoken.
    #[error("the address of the service is neither an https nor an http URL")]
    Scheme,
    /// It has a user, a query or a fragment.
    #[error("the address of the service has a user, a query or a fragment; a token is said elsewhere")]
    More,
    /// Anyone between here and there could read the token.
    #[error(
        "a token is not sent over http to another machine, where others can read it on its way: use https, or allow it explicitly"
    )]
    PlainText,
}

impl BaseUrl {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let url: Uri = text.parse().map_err(|_| BaseUrlError::NotAUrl)?;
        let (Some(scheme), Some(authority), Some(host)) = (url.scheme_str(), url.authority(), url.host()) else {
            return Err(BaseUrlError::NotAUrl);
        };
        if host.is_empty() {
            return Err(BaseUrlError::NotAUrl);
        }
        let is_https = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(BaseUrlError::Scheme),
        };
        // A fragment is left out when a URL is parsed.
        if authority.as_str().contains('@') || url.query().is_some() || text.contains('#') {
            return Err(BaseUrlError::More);
        }
        let text = text.trim_end_matches('/').to_owned();
        Ok(Self { text, is_https, is_this_machine: is_this_machine(host) })
    }

    /// The address as it was written, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the service is on this machine.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        self.is_this_machine
    }

    /// Whether nobody on the way can read what is sent.
    pub(crate) fn is_private(&self) -> bool {
        self.is_https || self.is_this_machine
    }

    pub(crate) fn is_https(&self) -> bool {
        self.is_https
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a host is this machine: its name is `localhost`, or it is a loopback address.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_a_host_and_no_more() {
        for (text, base) in [
            ("https://predictions.example/", "https://predictions.example"),
            ("https://predictions.example/behind/", "https://predictions.example/behind"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap().as_str(), base);
        }
        for (text, error) in [
            ("", BaseUrlError::NotAUrl),
            ("localhost:8000", BaseUrlError::NotAUrl),
            ("https://", BaseUrlError::NotAUrl),
            ("https://a b/", BaseUrlError::NotAUrl),
            ("ftp://predictions.example", BaseUrlError::Scheme),
            ("https://user:password@predictions.example", BaseUrlError::More),
            ("https://predictions.example/?token=1", BaseUrlError::More),
            ("https://predictions.example/#a", BaseUrlError::More),
        ] {
            assert_eq!(BaseUrl::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_name_and_its_addresses() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["predictions.example", "10.0.0.1", "localhost.example", "127.0.0.1.example", "0.0.0.0", "[::]"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
