//! How the service and issuers are connected to: one rule for both.

use std::time::Duration;

use ureq::Agent;
use ureq::config::{Config, ConfigBuilder};
use ureq::typestate::AgentScope;

use crate::address::BaseUrl;

/// How long a connection is kept for the next request. The service closes one after fifteen seconds: who uses it at
/// that moment has no answer, and a request that is not idempotent is not sent again.
const MAX_IDLE_AGE: Duration = Duration::from_secs(5);

/// The agent for requests to an address. No redirection is followed, and every status is an answer.
///
/// The proxy of the environment (`ALL_PROXY`, `HTTPS_PROXY` or `HTTP_PROXY`, but not for what `NO_PROXY` lists) is used
/// for https to other machines only: what goes through it in plain text it could read, and this machine it cannot
/// reach.
pub(crate) fn agent(
    address: &BaseUrl,
    settings: impl FnOnce(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope>,
) -> Agent {
    config(address, settings).into()
}

fn config(address: &BaseUrl, settings: impl FnOnce(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope>) -> Config {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_age(MAX_IDLE_AGE);
    let config = if has_proxy(address) { config } else { config.proxy(None) };
    #[cfg(feature = "tls")]
    let config =
        config.tls_config(ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build());
    settings(config).build()
}

/// Whether a proxy may be used for an address.
fn has_proxy(address: &BaseUrl) -> bool {
    address.is_https() && !address.is_this_machine()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_connection_is_kept_as_long_as_the_service_keeps_it() {
        let config = config(&BaseUrl::parse("http://127.0.0.1:8000").unwrap(), |config| config);
        assert!(config.max_idle_age() < Duration::from_secs(15));
    }

    #[test]
    fn only_https_to_another_machine_goes_through_a_proxy() {
        for (address, expected) in [
            ("https://predictions.example", true),
            ("http://predictions.example", false),
            ("https://localhost:8443", false),
            ("https://127.0.0.1", false),
            ("https://[::1]:8443", false),
            ("http://127.0.0.1:8000", false),
        ] {
            let address = BaseUrl::parse(address).unwrap();
            assert_eq!(has_proxy(&address), expected, "{address}");
            if !expected {
                assert!(config(&address, |config| config).proxy().is_none(), "{address}");
            }
        }
    }
}
