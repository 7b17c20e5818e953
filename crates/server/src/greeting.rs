use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;

use prediction_http::auth::local::LocalIdentity;

use crate::identity;

/// Greets whoever started the server at a terminal, with all that a first request needs. Elsewhere a token would end up
/// in a log, so there is only a line that says where to get one.
pub(crate) fn greet(addresses: &[SocketAddr], place: &str, identity: &LocalIdentity) -> anyhow::Result<()> {
    for address in addresses {
        tracing::info!(%address, database = place, version = env!("CARGO_PKG_VERSION"), "listening");
    }
    let mut out = std::io::stdout();
    if !out.is_terminal() {
        return Ok(());
    }
    let url = addresses.first().map(base_url).unwrap_or_default();
    let token = identity::mint_for_greeting(identity)?;
    // Whoever closed the terminal does not need the greeting.
    let _ = writeln!(
        out,
        r#"
The Prediction API listens on {url}
  data      {place}
  browse    {url}/docs
  stop      Ctrl-C

A token for everything, good for 24 hours (prediction-api token makes others):

export TOKEN={token}

A first request:

curl -s {url}/api/v1/sources \
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
  -d '{{"name": "mildew-predictor", "expected_interval_minutes": 60, "retention_hours": 720}}'
"#
    );
    Ok(())
}

/// How a browser on this machine reaches the address.
fn base_url(address: &SocketAddr) -> String {
    let port = address.port();
    match address {
        SocketAddr::V4(v4) if v4.ip().is_loopback() || v4.ip().is_unspecified() => format!("http://localhost:{port}"),
        other if other.ip().is_unspecified() => format!("http://localhost:{port}"),
        other => format!("http://{other}"),
    }
}
