//! The console, and how a person signs in to it.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::origin;

/// What is said of the console.
#[derive(Debug, Args)]
pub(crate) struct ConsoleOptions {
    /// Do not serve the console at /, which leads to the documentation then
    #[arg(long, env = "PREDICTION_API_NO_CONSOLE", conflicts_with = "console_client_id")]
    pub(crate) no_console: bool,
    /// What the console is called at the issuer, as a client without a secret: people sign in to the console there
    /// then, by authorization code with PKCE [default: they paste a token]
    #[arg(
        long,
        env = "PREDICTION_API_CONSOLE_CLIENT_ID",
        value_name = "ID",
        requires = "issuer",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) console_client_id: Option<String>,
    /// The scopes that the console asks the issuer for, with spaces between them [default: openid, and those that its
    /// pages need]
    #[arg(
        long,
        env = "PREDICTION_API_CONSOLE_SCOPE",
        value_name = "SCOPES",
        requires = "console_client_id",
        value_parser = scope
    )]
    pub(crate) console_scope: Option<String>,
    #[arg(
        long,
        help = "Where the issuer gives out tokens, if that is another origin than its own, such as https://oauth2.example; the console \
                may call these two and no others [default: that of the issuer]",
        env = "PREDICTION_API_CONSOLE_TOKEN_ORIGIN",
        value_name = "ORIGIN",
        requires = "console_client_id",
        value_parser = one_origin
    )]
    pub(crate) console_token_origin: Option<String>,
}

/// The console takes a token only with the ID token that shows for which sign-in it was given.
fn scope(text: &str) -> Result<String, String> {
    if text.split_whitespace().any(|scope| scope == "openid") {
        return Ok(text.to_owned());
    }
    Err("openid has to be one of them".to_owned())
}

/// An origin, and not all of them.
fn one_origin(text: &str) -> Result<String, String> {
    match origin(text)? {
        any if any == "*" => Err("an origin such as https://oauth2.example is needed".to_owned()),
        origin => Ok(origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_console_may_not_call_everything() {
        assert_eq!(one_origin("https://oauth2.example").as_deref(), Ok("https://oauth2.example"));
        for refused in ["*", "", "https://oauth2.example/token", "https://a.example; script-src *"] {
            assert!(one_origin(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn an_id_token_is_asked_for() {
        assert!(scope("openid jobs:read").is_ok());
        assert!(scope("jobs:read").is_err() && scope("").is_err());
    }
}
