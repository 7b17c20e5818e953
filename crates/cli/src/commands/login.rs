use clap::Args;
use prediction_client::oauth::{Issuer, Requester, Tokens};
use prediction_client::printable;

use crate::configuration::{Configuration, Context, Login as Kept};
use crate::console::Console;
use crate::failure::Failure;
use crate::session::{Reach, context, take};
use crate::surroundings::Surroundings;

/// What this program is called at an issuer unless the context says otherwise.
const CLIENT_ID: &str = "prediction";

/// Sign in at the issuer of a context
#[derive(Debug, Args)]
pub struct Login {
    /// Sign in with a browser on this machine, also if the issuer lets people sign in on another device
    #[arg(long)]
    browser: bool,
    #[command(flatten)]
    reach: Reach,
}

/// Forget the login of a context
#[derive(Debug, Args)]
pub struct Logout {
    #[command(flatten)]
    reach: Reach,
}

fn here(reach: &Reach, around: &Surroundings) -> Result<(String, Context), Failure> {
    context(reach, around)?.ok_or_else(|| {
        Failure::Usage("there is no context: prediction context add NAME --url URL --issuer URL".to_owned())
    })
}

pub(crate) fn run(arguments: &Login, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let (name, context) = here(&arguments.reach, around)?;
    let Some(issuer) = &context.issuer else {
        return Err(Failure::Usage(format!(
            "the context {name} has no issuer: add it again with --issuer and --replace"
        )));
    };
    let issuer = Issuer::discover(issuer)?;
    let requester = Requester {
        client_id: context.client_id.clone().unwrap_or_else(|| CLIENT_ID.to_owned()),
        client_secret: None,
        scope: context.scope.clone(),
        audience: context.audience.clone(),
    };
    let tokens = if issuer.has_device_flow() && !arguments.browser {
        on_a_device(&issuer, &requester, console, around)?
    } else {
        in_a_browser(&issuer, &requester, console)?
    };
    let mut login = Kept {
        url: context.url.clone(),
        issuer: issuer.name().to_owned(),
        client_id: requester.client_id,
        access_token: String::new(),
        refresh_token: None,
        expires_at: None,
    };
    take(&mut login, &tokens, around.clock.as_ref());
    Configuration::of(around)?.keep_login(&name, &login)?;
    Ok(console.line(&format!("Signed in to {name} ({})", printable(&context.url)))?)
}

fn on_a_device(
    issuer: &Issuer,
    requester: &Requester,
    console: &mut Console<'_>,
    around: &Surroundings,
) -> Result<Tokens, Failure> {
    let begun = issuer.begin_device_flow(requester)?;
    console.note(&format!("Open {}", printable(&begun.verification_uri)))?;
    console.note(&format!("and enter {}", printable(&begun.user_code)))?;
    if let Some(complete) = &begun.verification_uri_complete {
        console.note(&format!("or open {}", printable(complete)))?;
    }
    Ok(issuer.finish_device_flow(requester, &begun, around.pause.as_ref())?)
}

fn in_a_browser(issuer: &Issuer, requester: &Requester, console: &mut Console<'_>) -> Result<Tokens, Failure> {
    let begun = issuer.begin_code_flow(requester)?;
    console.note(&format!("Open this page in a browser on this machine:\n{}", printable(&begun.url)))?;
    let redirected = begun.wait_for_browser()?;
    Ok(issuer.finish_code_flow(requester, &begun, &redirected)?)
}

pub(crate) fn logout(arguments: &Logout, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let (name, _) = here(&arguments.reach, around)?;
    let was_there = Configuration::of(around)?.forget_login(&name)?;
    let text = if was_there { "signed out" } else { "nobody was signed in" };
    Ok(console.line(&format!("{name}: {text}"))?)
}
