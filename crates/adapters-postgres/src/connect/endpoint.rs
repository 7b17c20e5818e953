//! To which machines a connection will go.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use super::error::UrlError;

const DEFAULT_PORT: &str = "5432";

/// One of the places that libpq tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Where libpq connects to: an address if one was given, else a name or the folder of a socket.
    target: String,
    port: String,
}

impl Endpoint {
    /// Reads libpq's comma-separated lists. As there, white space is part of a host.
    pub(super) fn list(hosts: &str, addresses: &str, ports: &str) -> Result<Vec<Self>, UrlError> {
        let split = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
        let hosts = split(hosts);
        let addresses = if addresses.is_empty() { Vec::new() } else { split(addresses) };
        let count = if addresses.is_empty() { hosts.len() } else { addresses.len() };
        // Otherwise it is unknown which host belongs to which address.
        let hosts_fit = hosts.len() == count || hosts.iter().all(String::is_empty);
        let ports = split(ports);
        if !hosts_fit || (ports.len() != 1 && ports.len() != count) {
            return Err(UrlError::ListLengths);
        }
        let endpoint = |index: usize| -> Result<Self, UrlError> {
            let nonempty = |list: &[String]| list.get(index).filter(|item| !item.is_empty()).cloned();
            let port = if ports.len() == 1 { ports.first().cloned() } else { nonempty(&ports) };
            let port = port.filter(|port| !port.is_empty()).unwrap_or_else(|| DEFAULT_PORT.to_owned());
            if port.parse::<NonZeroU16>().is_err() {
                return Err(UrlError::Port);
            }
            Ok(Self { target: nonempty(&addresses).or_else(|| nonempty(&hosts)).unwrap_or_default(), port })
        };
        (0..count).map(endpoint).collect()
    }

    /// Whether nothing that is said to it leaves the machine. What cannot be told counts as remote.
    pub(super) fn is_local(&self) -> bool {
        let host = self.target.as_str();
        // An empty host is libpq's default socket; `@` begins the name of an abstract one.
        host.is_empty()
            || host.starts_with(['/', '@'])
            || host.eq_ignore_ascii_case("localhost")
            || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
            || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
    }

    /// The name without the port.
    pub(super) fn target(&self) -> &str {
        &self.target
    }
}

/// `host:port`, for messages.
impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.target.contains(':') {
            write!(f, "[{}]:{}", self.target, self.port)
        } else {
            write!(f, "{}:{}", self.target, self.port)
        }
    }
}
