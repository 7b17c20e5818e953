//! The one client.

use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

/// What every request has in common.
pub(crate) fn config() -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .max_redirects(0)
        .proxy(None)
        // Those of the system: an issuer in a company has a certificate of that company as often as not.
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .user_agent(concat!("prediction-api/", env!("CARGO_PKG_VERSION")))
}
