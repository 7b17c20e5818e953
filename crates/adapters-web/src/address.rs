use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

/// How an issuer may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// Over TLS.
    #[default]
    Https,
    /// Over TLS, or in plain text on this machine: for an issuer that is being tried out.
    HttpToThisMachine,
}

/// An address that keys may be fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

/// Why an address is not one to fetch keys from. The text of the address is not repeated: another party may have
/// written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not a URL with a host.
    #[error("it is not a URL with a host")]
    NotAUrl,
    /// It has a user or a fragment.
    #[error("it has a user or a fragment")]
    UserOrFragment,
    /// Without TLS, any machine could answer in place of the issuer.
    #[error("it is not an https URL")]
    NotHttps,
    /// In plain text, and to another machine.
    #[error("it is neither an https URL nor an http URL of this machine")]
    NotThisMachine,
}

impl Address {
    /// Reads an address.
    pub fn parse(text: &str, transport: Transport) -> Result<Self, AddressError> {
        let url: Uri = text.parse().map_err(|_| AddressError::NotAUrl)?;
        let (Some(scheme), Some(authority), Some(host)) = (url.scheme_str(), url.authority(), url.host()) else {
            return Err(AddressError::NotAUrl);
        };
        // A fragment is left out when a URL is parsed.
        if authority.as_str().contains('@') || text.contains('#') {
            return Err(AddressError::UserOrFragment);
        }
        match (scheme, transport) {
            ("https", _) => Ok(Self(text.to_owned())),
            ("http", Transport::HttpToThisMachine) if is_this_machine(host) => Ok(Self(text.to_owned())),
            (_, Transport::Https) => Err(AddressError::NotHttps),
            (_, Transport::HttpToThisMachine) => Err(AddressError::NotThisMachine),
        }
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_tls() {
        let parse = |text| Address::parse(text, Transport::Https).map(|address| address.0);
        for good in ["https://issuer.example", "https://issuer.example:8443/realms/a/keys?v=1", "https://[::1]/keys"] {
            assert_eq!(parse(good), Ok(good.to_owned()));
        }
        for plain in
            ["http://issuer.example/keys", "http://127.0.0.1/keys", "ftp://issuer.example/", "file://host/keys"]
        {
            assert_eq!(parse(plain), Err(AddressError::NotHttps), "{plain}");
        }
        for not_a_url in
            ["", "issuer.example", "/keys", "https://", "https:///keys", "https://a b/", "//issuer.example/"]
        {
            assert_eq!(parse(not_a_url), Err(AddressError::NotAUrl), "{not_a_url}");
        }
        for with_more in
            ["https://user@issuer.example/", "https://user:password@issuer.example/", "https://issuer.example/#a"]
        {
            assert_eq!(parse(with_more), Err(AddressError::UserOrFragment), "{with_more}");
        }
    }

    #[test]
    fn plain_text_is_for_this_machine() {
        let parse = |text| Address::parse(text, Transport::HttpToThisMachine).map(|_| ());
        for good in [
            "https://issuer.example/",
            "http://localhost:1/a",
            "http://127.0.0.1:1",
            "http://127.9.9.9/",
            "http://[::1]:1/",
        ] {
            assert_eq!(parse(good), Ok(()), "{good}");
        }
        for elsewhere in [
            "http://issuer.example/",
            "http://10.0.0.1/",
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "http://0.0.0.0/",
        ] {
            assert_eq!(parse(elsewhere), Err(AddressError::NotThisMachine), "{elsewhere}");
        }
    }
}
