use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::DateTime;
use clap::Args;
use prediction_client::{Parameters, Token, printable};
use prediction_domain::model::Timestamp;
use serde_json::Value;

use crate::console::Console;
use crate::failure::Failure;
use crate::output::{ago, exact};
use crate::session::{Reach, Session, Who};
use crate::surroundings::Surroundings;

/// Say who is calling, and whether the service believes it
#[derive(Debug, Args)]
pub struct WhoAmI {
    #[command(flatten)]
    reach: Reach,
}

pub(crate) fn run(arguments: &WhoAmI, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let session = Session::open(&arguments.reach, around)?;
    let token = session.token()?;
    console.line(&format!("Service       {}", session.client.base_url()))?;
    console.line(&format!("Token         {}", of(&session.who)))?;
    if let Some(claims) = token.as_ref().and_then(claims) {
        for (name, claim) in
            [("Subject", "sub"), ("Issuer", "iss"), ("Scopes", "scope"), ("Organisations", "organisations")]
        {
            if let Some(text) = plain(&claims[claim]) {
                console.line(&format!("{name:<13} {}", printable(&text)))?;
            }
        }
        let expires = claims["exp"].as_i64().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        if let Some(time) = expires.map(Timestamp::truncated) {
            console.line(&format!("Expires       {} ({})", ago(time, around.now()), exact(time)))?;
        }
    }
    // What a token says of itself counts only if the service believes it.
    match session.client.list_organisations(&Parameters::new().with("limit", 1)) {
        // Who is not allowed that is known all the same.
        Ok(_) => {}
        Err(error) if error.status() == Some(403) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(console.line("Accepted      yes")?)
}

fn of(who: &Who) -> String {
    match who {
        Who::TokenFile(path) => format!("from the file {}", path.display()),
        Who::TokenVariable => "from PREDICTION_TOKEN".to_owned(),
        Who::Program(id) => format!("of the program {} (PREDICTION_CLIENT_ID)", printable(id)),
        Who::Login(context) => format!("of the login for {context}"),
        Who::Local(folder) => format!("made with the secret in {}", folder.display()),
        Who::Nobody => "none".to_owned(),
    }
}

/// What a JSON Web Token says; nothing of a token of another form.
fn claims(token: &Token) -> Option<Value> {
    let payload = token.reveal().split('.').nth(1)?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")),
        _ => None,
    }
}
