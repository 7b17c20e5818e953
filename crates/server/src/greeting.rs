use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use prediction_cli::{DEFAULT_DATA_FOLDER, DEFAULT_URL};

use crate::command_line::ServeOptions;
use crate::identity::{self, Identity};

/// The source of the tutorial's first step, so that a user who pastes both gets the same source twice.
const FIRST_SOURCE: &str = r#"{"name": "mildew-predictor",
       "description": "Predicts the risk of mildew from the air temperature",
       "expected_interval_minutes": 60, "retention_hours": 720}"#;

/// What a demo is.
const DEMO: &str = "
This is a demo: three models, and forty jobs of five customers. It is gone,
with all that you do in it, when you stop it.
";

/// Where the service listens.
pub(crate) struct Addresses {
    pub(crate) public: Vec<SocketAddr>,
    /// For health and metrics; they are at the public ones if there are none.
    pub(crate) internal: Vec<SocketAddr>,
    /// Whether the console is at the public ones.
    pub(crate) has_console: bool,
}

/// Greets a user who starts the server at a terminal, with all that a first look, a first document and a first request
/// need. Elsewhere a token would end up in a log, so there are only lines that say where the service listens.
pub(crate) fn greet(
    addresses: &Addresses,
    place: &str,
    options: &ServeOptions,
    identity: &Identity,
) -> anyhow::Result<()> {
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
    let program = Program::of_process();
    let reach = Reach {
        url: &url,
        folder: &options.database.data.data_dir,
        claim: options.identity.organisations_claim.as_deref(),
    };
    let signs_in = options.console.console_client_id.is_some();
    let console = if addresses.has_console { in_browser(&url, identity, signs_in)? } else { String::new() };
    let ways = format!("{}{}", by_commands(&reach, identity, &program), by_requests(&url, identity, &program));
    // A user who has closed the terminal does not need the greeting.
    let what = if options.demo { DEMO } else { "" };
    let _ = writeln!(out, "{}{what}{console}{ways}", beginning(&url, internal.as_deref(), place));
    Ok(())
}

fn beginning(url: &str, internal: Option<&str>, place: &str) -> String {
    let internal = internal.map(|url| format!("  internal  {url}/health/ready, {url}/metrics\n")).unwrap_or_default();
    format!(
        "
The Prediction API listens on {url}
  data      {place}
  docs      {url}/docs
{internal}  stop      Ctrl-C
"
    )
}

/// Where a browser finds the console; signed in, if this service can mint tokens, and else by the issuer or a token.
/// What stands behind the # is sent to no server, and so is in no log; the console takes it out of the address at once.
fn in_browser(url: &str, identity: &Identity, signs_in: bool) -> anyhow::Result<String> {
    Ok(match identity {
        Identity::Local(identity) => {
            let token = identity::mint_for_console(identity)?;
            format!("\nLook at it in a browser. This link signs in, and is good for a day:\n\n{url}/#token={token}\n")
        }
        Identity::Issuer { .. } if signs_in => format!("\nLook at it in a browser, and sign in:\n\n{url}/\n"),
        Identity::Issuer { .. } => format!("\nLook at it in a browser, and sign in with a token:\n\n{url}/\n"),
    })
}

/// What a command has to know of a server.
#[derive(Clone, Copy)]
struct Reach<'a> {
    url: &'a str,
    folder: &'a Path,
    /// The claim of a local token that holds the organisations.
    claim: Option<&'a str>,
}

/// How this program was started, and is started again for a command.
struct Program {
    /// As it is written before a command.
    command: String,
    /// Whether the folder is that of the project, whose README has a file to begin with.
    is_in_project: bool,
}

impl Program {
    fn of_process() -> Self {
        // Cargo tells the programs that it runs where it is.
        Self::new(std::env::var_os("CARGO").is_some(), std::env::args_os().next())
    }

    fn new(is_run_by_cargo: bool, name: Option<OsString>) -> Self {
        let command = if !is_run_by_cargo {
            name.map_or_else(|| "prediction-api".to_owned(), |name| word(&name.to_string_lossy()))
        } else if cfg!(debug_assertions) {
            "cargo run -q --".to_owned()
        } else {
            // Else the command would first be built anew.
            "cargo run -q --release --".to_owned()
        };
        Self { command, is_in_project: is_run_by_cargo }
    }
}

/// The shortest way: files, and the command line.
fn by_commands(reach: &Reach<'_>, identity: &Identity, program: &Program) -> String {
    let command = &program.command;
    let mut told = Vec::new();
    if !is_default(reach.url) {
        told.push(format!("PREDICTION_URL={}", reach.url));
    }
    let who = match identity {
        Identity::Local(_) => {
            if reach.folder != Path::new(DEFAULT_DATA_FOLDER) {
                told.push(format!("PREDICTION_API_DATA_DIR={}", word(&reach.folder.to_string_lossy())));
            }
            told.extend(reach.claim.map(|claim| format!("PREDICTION_API_ORGANISATIONS_CLAIM={}", word(claim))));
            "it needs no token"
        }
        Identity::Issuer { .. } => {
            told.push("PREDICTION_TOKEN='<your_token>'".to_owned());
            "it needs a token, see below"
        }
    };
    let told = told.iter().fold(String::new(), |text, variable| text + "export " + variable + "\n");
    let file = if program.is_in_project { " (README.md has one)" } else { "" };
    format!(
        "
Describe what you want in a file{file}, and apply it from a second
terminal in this folder ({who}):

{told}{command} apply -f FILE
{command} status
{command} --help
"
    )
}

/// A first request, with a local token, or with the issuer whose tokens are accepted: this service cannot mint one.
fn by_requests(url: &str, identity: &Identity, program: &Program) -> String {
    let token = match identity {
        Identity::Local(_) => format!(
            "Or send requests, with a token for everything that is good for an hour:\n\n\
             export TOKEN=$({} token --all-organisations)",
            program.command
        ),
        Identity::Issuer { issuer, audience, .. } => format!(
            "Or send requests. Only access tokens of {issuer} for {audience} are accepted,\n\
             and none that prediction-api token makes:\n\n\
             export TOKEN='<your_token>'"
        ),
    };
    format!(
        r#"
{token}
curl -s {url}/api/v1/sources \
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
  -d '{FIRST_SOURCE}'
"#
    )
}

/// A text as a word of a command line: in quotation marks if a shell could take it for something else.
fn word(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-+:@,".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Whether the command line looks for a server there unless it is told.
fn is_default(url: &str) -> bool {
    let address = DEFAULT_URL.strip_prefix("http://").and_then(|address| address.parse().ok());
    address.is_some_and(|address| base_url(&address) == url)
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

    /// How a browser reaches a server that was told nothing.
    const USUAL_URL: &str = "http://localhost:8000";

    fn local() -> Identity {
        let folder = tempfile::tempdir().unwrap();
        let secret = data_folder::secret(folder.path()).unwrap();
        let options = IdentityOptions { organisations_claim: None };
        Identity::Local(Arc::new(identity::local(&secret, &options).unwrap()))
    }

    fn issuer() -> Identity {
        let keys = Arc::new(IssuerKeys::awaited());
        let (issuer, audience) = ("https://issuer.example/".to_owned(), "predictions".to_owned());
        let profile = TokenProfile::default();
        let claims = profile.claims(issuer.clone(), vec![audience.clone()]);
        let verifier = IssuerIdentity::new(keys, profile, claims, Arc::new(SystemClock));
        Identity::Issuer { verifier: Arc::new(verifier), issuer, audience, feed: None }
    }

    fn by_cargo() -> Program {
        Program::new(true, None)
    }

    fn installed() -> Program {
        Program::new(false, Some("./target/debug/prediction-api".into()))
    }

    fn commands(url: &str, folder: &str, identity: &Identity, program: &Program) -> String {
        by_commands(&Reach { url, folder: Path::new(folder), claim: None }, identity, program)
    }

    #[test]
    fn a_local_token_is_made_by_a_command() {
        let greeting = by_requests(USUAL_URL, &local(), &by_cargo());
        let expected = "\n\nexport TOKEN=$(cargo run -q -- token --all-organisations)\ncurl -s http";
        assert!(greeting.contains(expected) && greeting.contains("good for an hour"), "{greeting}");
    }

    #[test]
    fn the_link_to_the_console_signs_in_where_this_service_mints_tokens() {
        let link = in_browser(USUAL_URL, &local(), false).unwrap();
        assert!(link.contains("\n\nhttp://localhost:8000/#token=eyJ"), "{link}");
        for (signs_in, way) in [(false, "sign in with a token:"), (true, "sign in:")] {
            let link = in_browser(USUAL_URL, &issuer(), signs_in).unwrap();
            assert!(link.ends_with(&format!("{way}\n\nhttp://localhost:8000/\n")), "{link}");
        }
    }

    #[test]
    fn commands_are_those_that_work_as_the_server_was_started() {
        let usual = commands(USUAL_URL, DEFAULT_DATA_FOLDER, &local(), &by_cargo());
        assert!(usual.contains("(README.md has one)") && usual.contains("no token"), "{usual}");
        assert!(usual.contains(":\n\ncargo run -q -- apply -f FILE\ncargo run -q -- status\n"), "{usual}");
        let moved = commands("http://localhost:9000", "/srv/a b", &local(), &installed());
        let expected = ":\n\nexport PREDICTION_URL=http://localhost:9000\nexport PREDICTION_API_DATA_DIR='/srv/a b'\n\
                        ./target/debug/prediction-api apply -f FILE\n";
        assert!(moved.contains(expected) && !moved.contains("README"), "{moved}");
        let reach = Reach { url: USUAL_URL, folder: Path::new(DEFAULT_DATA_FOLDER), claim: Some("orgs") };
        let claimed = by_commands(&reach, &local(), &by_cargo());
        assert!(claimed.contains("\nexport PREDICTION_API_ORGANISATIONS_CLAIM=orgs\ncargo run"), "{claimed}");
        assert_eq!(word("it's"), r"'it'\''s'");
    }

    #[test]
    fn every_line_fits_a_narrow_terminal() {
        for program in [by_cargo(), installed()] {
            let beginning = beginning(USUAL_URL, None, "/home/user/prediction-api/.prediction-api/prediction-api.db");
            let commands = commands(USUAL_URL, DEFAULT_DATA_FOLDER, &local(), &program);
            let requests = by_requests(USUAL_URL, &local(), &program);
            for line in [beginning, commands, requests].iter().flat_map(|text| text.lines()) {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }

    #[test]
    fn an_internal_listener_is_told() {
        let greeting = beginning(USUAL_URL, Some("http://localhost:9000"), "sqlite:a.db");
        let told = "docs      http://localhost:8000/docs\n  internal  http://localhost:9000/health/ready, http://localhost:9000/metrics\n  stop";
        assert!(greeting.contains(told), "{greeting}");
        assert!(!beginning(USUAL_URL, None, "sqlite:a.db").contains("internal"));
    }

    #[test]
    fn the_first_request_is_that_of_the_tutorial() {
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let tutorial = include_str!("../../../docs/tutorial.md");
        let (_, step) = tutorial.split_once("curl -s $API/sources ").unwrap();
        let body = step.split('\'').nth(1).unwrap();
        assert_eq!(read(FIRST_SOURCE), read(body));
    }

    #[test]
    fn of_an_issuer_it_is_said_whose_tokens_are_accepted() {
        let greeting = by_requests(USUAL_URL, &issuer(), &by_cargo());
        assert!(greeting.contains("Only access tokens of https://issuer.example/ for predictions"), "{greeting}");
        assert!(!greeting.contains("token --all"), "{greeting}");
        let commands = commands(USUAL_URL, "elsewhere", &issuer(), &by_cargo());
        assert!(commands.contains("export PREDICTION_TOKEN='<your_token>'\ncargo run"), "{commands}");
    }
}
