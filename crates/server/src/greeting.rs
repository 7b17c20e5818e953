use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;

use crate::identity::{self, Identity};

/// The source of the README's first step, so that a user who pastes both gets the same source twice.
const FIRST_SOURCE: &str = r#"{"name": "mildew-predictor", "description": "Predicts the risk of mildew from the air temperature",
       "expected_interval_minutes": 60, "retention_hours": 720}"#;

/// Where the service listens.
pub(crate) struct Addresses {
    pub(crate) public: Vec<SocketAddr>,
    /// For health and metrics; they are at the public ones if there are none.
    pub(crate) internal: Vec<SocketAddr>,
    /// Whether the console is at the public ones.
    pub(crate) has_console: bool,
}

/// Greets a user who starts the server at a terminal, with all that a first request needs. Elsewhere a token would end
/// up in a log, so there is only a line that says where to get one.
pub(crate) fn greet(addresses: &Addresses, place: &str, identity: &Identity) -> anyhow::Result<()> {
    for address in &addresses.internal {
        tracing::info!(%address, "listening for health and metrics");
    }
    for address in &addresses.public {
        tracing::info!(%address, database = place, version = env!("CARGO_PKG_VERSION"), "listening");
    }
    let mut out = std::io::stdout();
    if !out.is_terminal() {
        return Ok(());
    }
    let url = addresses.public.first().map(base_url).unwrap_or_default();
    let internal = addresses.internal.first().map(base_url);
    let console = addresses.has_console.then_some(&*url);
    // A user who has closed the terminal does not need the greeting.
    let _ = writeln!(out, "{}", text(&url, internal.as_deref(), place, &how_to_get_in(identity, console)?));
    Ok(())
}

fn text(url: &str, internal: Option<&str>, place: &str, how_to_get_in: &str) -> String {
    let internal = internal.map(|url| format!("  internal  {url}/health/ready, {url}/metrics\n")).unwrap_or_default();
    format!(
        r#"
The Prediction API listens on {url}
  data      {place}
  browse    {url}/docs
{internal}  stop      Ctrl-C

{how_to_get_in}

A first request:

curl -s {url}/api/v1/sources \
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
  -d '{FIRST_SOURCE}'
"#
    )
}

/// A local token, or the issuer whose tokens are accepted: this service cannot mint a token of that issuer.
fn how_to_get_in(identity: &Identity, console: Option<&str>) -> anyhow::Result<String> {
    Ok(match identity {
        Identity::Local(identity) => {
            let token = identity::mint_for_greeting(identity)?;
            let link = console.map(|url| format!("The console, signed in:\n\n{}\n\n", console_link(url, &token)));
            let link = link.unwrap_or_default();
            format!(
                "{link}A token for everything, good for 24 hours (prediction-api token makes others):\n\nexport TOKEN={token}"
            )
        }
        Identity::Issuer { issuer, audience, .. } => format!(
            "Only access tokens of {issuer} for {audience} are accepted, and none that prediction-api token makes:\n\n\
             export TOKEN='<your_token>'"
        ),
    })
}

/// Where a browser is signed in to the console. What stands behind the # is sent to no server, and so is in no log; the
/// console takes it out of the address at once.
fn console_link(url: &str, token: &str) -> String {
    format!("{url}/#token={token}")
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use prediction_identity::issuer::IssuerIdentity;
    use prediction_identity::keys::IssuerKeys;
    use prediction_identity::profile::TokenProfile;

    use super::*;
    use crate::command_line::IdentityOptions;
    use crate::data_folder;
    use prediction_adapters_system::SystemClock;

    fn greeting(identity: &Identity) -> String {
        text(
            "http://localhost:8000",
            None,
            "sqlite:a.db",
            &how_to_get_in(identity, Some("http://localhost:8000")).unwrap(),
        )
    }

    #[test]
    fn a_local_token_is_printed() {
        let folder = tempfile::tempdir().unwrap();
        let secret = data_folder::secret(folder.path()).unwrap();
        let options = IdentityOptions { organisations_claim: None };
        let greeting = greeting(&Identity::Local(Arc::new(identity::local(&secret, &options).unwrap())));
        assert!(greeting.contains("\n\nexport TOKEN=eyJ") && greeting.contains("good for 24 hours"), "{greeting}");
        assert!(greeting.contains("\n\nhttp://localhost:8000/#token=eyJ"), "{greeting}");
    }

    #[test]
    fn an_internal_listener_is_told() {
        let greeting = text("http://localhost:8000", Some("http://localhost:9000"), "sqlite:a.db", "");
        let told = "browse    http://localhost:8000/docs\n  internal  http://localhost:9000/health/ready, http://localhost:9000/metrics\n  stop";
        assert!(greeting.contains(told), "{greeting}");
        assert!(!text("http://localhost:8000", None, "sqlite:a.db", "").contains("internal"));
    }

    #[test]
    fn the_first_request_is_that_of_the_readme() {
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let readme = include_str!("../../../README.md");
        let (_, step) = readme.split_once("curl -s $API/sources ").unwrap();
        let body = step.split('\'').nth(1).unwrap();
        assert_eq!(read(FIRST_SOURCE), read(body));
    }

    #[test]
    fn of_an_issuer_it_is_said_whose_tokens_are_accepted() {
        let keys = Arc::new(IssuerKeys::awaited());
        let (issuer, audience) = ("https://issuer.example/".to_owned(), "predictions".to_owned());
        let profile = TokenProfile::default();
        let claims = profile.claims(issuer.clone(), vec![audience.clone()]);
        let verifier = IssuerIdentity::new(keys, profile, claims, Arc::new(SystemClock));
        let greeting = greeting(&Identity::Issuer { verifier: Arc::new(verifier), issuer, audience, feed: None });
        assert!(greeting.contains("Only access tokens of https://issuer.example/ for predictions"), "{greeting}");
        assert!(!greeting.contains("eyJ"), "{greeting}");
    }
}
