//! The console of a server, and where a person signs in to it.

use anyhow::{Context as _, anyhow};
use prediction_adapters_web::Address;
use prediction_domain::model::Permission;
use prediction_http::{Console, ConsoleSignIn};

use crate::command_line::{self, ConsoleOptions, IssuerOptions, ServeOptions};

/// What the pages of the console ask of the service. They report nothing, and register no inputs.
const NEEDED: [Permission; 5] = [
    Permission::CatalogWrite,
    Permission::InputsRead,
    Permission::JobsRead,
    Permission::JobsWrite,
    Permission::PredictionsRead,
];

/// The console that the options ask for, if they ask for one.
pub(crate) fn of_server(options: &ServeOptions) -> anyhow::Result<Option<Console>> {
    let sign_in = sign_in(&options.console, &options.issuer).context("cannot use --console-client-id")?;
    let console = Console::new(sign_in.as_ref()).context("cannot tell a browser what the console may call")?;
    Ok((!options.console.no_console).then_some(console))
}

fn sign_in(options: &ConsoleOptions, of: &IssuerOptions) -> anyhow::Result<Option<ConsoleSignIn>> {
    let Some(client_id) = options.console_client_id.clone() else { return Ok(None) };
    // The command line refuses it, too.
    let (Some(issuer), Some(audience)) = (&of.issuer, of.audience.first()) else {
        return Err(anyhow!("there is no --issuer to sign in at"));
    };
    Ok(Some(ConsoleSignIn {
        issuer: issuer.clone(),
        client_id,
        scope: options.console_scope.clone().unwrap_or_else(|| scope(of.scope_prefix.as_deref())),
        audience: audience.clone(),
        origins: std::iter::once(origin(issuer, of)?).chain(options.console_token_origin.clone()).collect(),
    }))
}

/// Where a browser finds the issuer. People give their passwords there, so it has to be reached over TLS.
fn origin(issuer: &str, options: &IssuerOptions) -> anyhow::Result<String> {
    let address = Address::parse(issuer, options.transport());
    let address = address.map_err(|error| anyhow!("people cannot sign in at the --issuer: {error}"))?;
    // The path begins after the two slashes of the scheme.
    let origin: Vec<&str> = address.as_str().split(['/', '?']).take(3).collect();
    command_line::origin(&origin.join("/").to_ascii_lowercase())
        .map_err(|_| anyhow!("a browser does not know an origin such as that of the --issuer"))
}

fn scope(prefix: Option<&str>) -> String {
    let prefix = prefix.unwrap_or_default();
    NEEDED.iter().fold("openid".to_owned(), |scope, needed| format!("{scope} {prefix}{}", needed.as_str()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::command_line::CommandLine;

    fn signed_in(arguments: &[&str]) -> anyhow::Result<Option<ConsoleSignIn>> {
        let known = ["prediction-api", "--audience", "https://predictions.example"];
        let line = CommandLine::try_parse_from(known.iter().chain(arguments)).unwrap().serve;
        sign_in(&line.console, &line.issuer)
    }

    #[test]
    fn the_console_may_call_the_origin_of_the_issuer() {
        for (issuer, origin) in [
            ("https://login.example", "https://login.example"),
            ("https://login.example/", "https://login.example"),
            ("https://Login.example:8443/realms/a?b", "https://login.example:8443"),
            ("https://login.example?a=/b", "https://login.example"),
        ] {
            let found = signed_in(&["--issuer", issuer, "--console-client-id", "console"]).unwrap().unwrap();
            assert_eq!((found.origins, found.issuer.as_str()), (vec![origin.to_owned()], issuer));
        }
        for refused in ["http://login.example", "https://a;script-src", "https://*.example", "login.example"] {
            assert!(signed_in(&["--issuer", refused, "--console-client-id", "console"]).is_err(), "{refused}");
        }
        assert!(signed_in(&["--issuer", "http://login.example"]).unwrap().is_none());
    }

    #[test]
    fn plain_text_is_for_trials_on_this_machine() {
        let here = ["--issuer", "http://127.0.0.1:5000", "--console-client-id", "console"];
        assert!(signed_in(&here).is_err());
        let found = signed_in(&[&here[..], &["--issuer-over-http"]].concat()).unwrap().unwrap();
        assert_eq!(found.origins, ["http://127.0.0.1:5000"]);
    }

    #[test]
    fn it_asks_for_what_its_pages_need() {
        let issuer = ["--issuer", "https://login.example", "--console-client-id", "console"];
        let asked = |more: &[&str]| signed_in(&[&issuer, more].concat()).unwrap().unwrap().scope;
        assert_eq!(asked(&[]), "openid catalog:write inputs:read jobs:read jobs:write predictions:read");
        assert!(asked(&["--scope-prefix", "predictions/"]).contains(" predictions/jobs:read "));
        assert_eq!(asked(&["--console-scope", "openid a"]), "openid a");
    }
}
