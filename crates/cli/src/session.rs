//! Which service is asked, and who asks.

mod sources;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use prediction_client::oauth::{ClientCredentials, Requester};
use prediction_client::{BaseUrl, Client, Credentials, Settings, Token};
use prediction_identity::local_secret::{SECRET_FILE, is_there};

pub(crate) use self::sources::take;
use self::sources::{LocalToken, NoToken, StoredLogin, TokenFile};
use crate::configuration::{Configuration, Context, context_name};
use crate::failure::Failure;
use crate::output::parse_duration;
use crate::surroundings::Surroundings;

/// Where a server listens unless it is told otherwise.
pub const DEFAULT_URL: &str = "http://127.0.0.1:8000";
/// Where a server keeps its data unless it is told otherwise.
pub const DEFAULT_DATA_FOLDER: &str = ".prediction-api";

/// Where the service is, and who is calling.
#[derive(Debug, Clone, Default, Args)]
pub struct Reach {
    /// Where the service is.
    #[arg(
        long,
        help = "Where the service is [default: that of the context, else http://127.0.0.1:8000]",
        env = "PREDICTION_URL",
        value_name = "URL",
        help_heading = "Service"
    )]
    pub url: Option<String>,
    /// Which of the services that `prediction context` lists
    #[arg(long, env = "PREDICTION_CONTEXT", value_name = "NAME", value_parser = context_name, help_heading = "Service")]
    pub context: Option<String>,
    /// File with an access token, read again when the service refuses the token
    #[arg(long, env = "PREDICTION_TOKEN_FILE", value_name = "FILE", help_heading = "Service")]
    pub token_file: Option<PathBuf>,
    /// Folder of a server on this machine, whose secret tokens for it are made with
    #[arg(
        long,
        env = "PREDICTION_API_DATA_DIR",
        value_name = "FOLDER",
        default_value = DEFAULT_DATA_FOLDER,
        help_heading = "Service"
    )]
    pub data_dir: PathBuf,
    /// How long to go on asking a service that does not answer
    #[arg(
        long,
        env = "PREDICTION_DEADLINE",
        value_name = "TIME",
        default_value = "30s",
        value_parser = parse_duration,
        help_heading = "Service"
    )]
    pub deadline: Duration,
    /// Send a token over http to another machine, where others can read it on its way
    #[arg(long, env = "PREDICTION_PLAIN_TEXT", help_heading = "Service")]
    pub plain_text: bool,
}

/// Who is calling, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    TokenFile(PathBuf),
    TokenVariable,
    Program(String),
    Login(String),
    Local(PathBuf),
    Nobody,
}

/// A service to be asked.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) who: Who,
    pub(crate) credentials: Credentials,
}

/// The context that counts: that of the command line, else the current one unless a service was named.
pub(crate) fn context(reach: &Reach, around: &Surroundings) -> Result<Option<(String, Context)>, Failure> {
    if reach.context.is_none() && (reach.url.is_some() || around.configuration.is_none()) {
        return Ok(None);
    }
    let kept = Configuration::of(around)?.contexts()?;
    let Some(name) = reach.context.clone().or(kept.current) else { return Ok(None) };
    match kept.contexts.get(&name) {
        Some(context) => Ok(Some((name, context.clone()))),
        None => Err(Failure::Usage(format!("there is no context {name}: `prediction context list` lists them"))),
    }
}

/// Where the service is.
pub(crate) fn base_url(reach: &Reach, context: Option<&Context>) -> Result<BaseUrl, Failure> {
    let url = reach.url.as_deref().or(context.map(|context| context.url.as_str())).unwrap_or(DEFAULT_URL);
    BaseUrl::parse(url).map_err(|error| Failure::Usage(error.to_string()))
}

impl Session {
    pub(crate) fn open(reach: &Reach, around: &Surroundings) -> Result<Self, Failure> {
        let context = context(reach, around)?;
        let url = base_url(reach, context.as_ref().map(|(_, context)| context))?;
        let (who, credentials) = credentials(reach, around, context.as_ref(), &url)?;
        let client = client(&url, credentials.clone(), reach, around)?;
        Ok(Self { client, who, credentials })
    }

    /// For what everybody may ask.
    pub(crate) fn anonymous(reach: &Reach, around: &Surroundings) -> Result<Client, Failure> {
        let context = context(reach, around)?;
        let url = base_url(reach, context.as_ref().map(|(_, context)| context))?;
        client(&url, Credentials::None, reach, around)
    }

    /// The token that requests are sent with.
    pub(crate) fn token(&self) -> Result<Option<Token>, Failure> {
        Ok(match &self.credentials {
            Credentials::None => None,
            Credentials::Fixed(token) => Some(token.clone()),
            Credentials::Renewable(source) => Some(source.token()?),
        })
    }
}

fn client(url: &BaseUrl, credentials: Credentials, reach: &Reach, around: &Surroundings) -> Result<Client, Failure> {
    let settings = Settings {
        deadline: reach.deadline,
        plain_text: reach.plain_text,
        user_agent: concat!("prediction/", env!("CARGO_PKG_VERSION")).to_owned(),
        ..Settings::default()
    };
    let client = Client::with(url.as_str(), credentials, settings, Arc::clone(&around.pause));
    client.map_err(|error| Failure::Usage(format!("{error} (--plain-text)")))
}

/// Who is calling: the first that fits.
fn credentials(
    reach: &Reach,
    around: &Surroundings,
    context: Option<&(String, Context)>,
    url: &BaseUrl,
) -> Result<(Who, Credentials), Failure> {
    if let Some(file) = &reach.token_file {
        let source = TokenFile::new(file.clone());
        return Ok((Who::TokenFile(file.clone()), Credentials::Renewable(Arc::new(source))));
    }
    if let Some(token) = &around.token {
        return Ok((Who::TokenVariable, Credentials::Fixed(Token::new(token))));
    }
    if let Some(credentials) = program(around, context.map(|(_, context)| context))? {
        return Ok(credentials);
    }
    if let Some((name, context)) = context {
        let kept = Configuration::of(around)?;
        // A token of one service is not shown to another one that --url names.
        let login = kept.login(name)?.filter(|login| login.url == url.as_str());
        if let Some(login) = login {
            let source = StoredLogin::new(kept, name.clone(), context.clone(), login, Arc::clone(&around.clock));
            return Ok((Who::Login(name.clone()), Credentials::Renewable(Arc::new(source))));
        }
    }
    let mut reason = None;
    if url.is_this_machine() {
        // A secret that is there and cannot be read is told when the token is needed.
        match is_there(&reach.data_dir.join(SECRET_FILE)) {
            Ok(true) => {
                let source = LocalToken::new(reach.data_dir.clone(), around);
                return Ok((Who::Local(reach.data_dir.clone()), Credentials::Renewable(Arc::new(source))));
            }
            Ok(false) => reason = Some(format!("there is no data folder of a server at {}", reach.data_dir.display())),
            Err(error) => reason = Some(error.to_string()),
        }
    }
    let has_issuer = context.is_some_and(|(_, context)| context.issuer.is_some());
    Ok((Who::Nobody, Credentials::Renewable(Arc::new(NoToken { url: url.to_string(), reason, has_issuer }))))
}

/// A program that signs in by itself.
fn program(around: &Surroundings, context: Option<&Context>) -> Result<Option<(Who, Credentials)>, Failure> {
    let (Some(id), Some(secret)) = (&around.client_id, &around.client_secret) else { return Ok(None) };
    let of_context = |member: fn(&Context) -> &Option<String>| context.and_then(|context| member(context).clone());
    let issuer = around.issuer.clone().or_else(|| of_context(|context| &context.issuer));
    let Some(issuer) = issuer else {
        return Err(Failure::sign_in(
            "PREDICTION_CLIENT_ID is set, and no issuer: set PREDICTION_ISSUER, or name a context that has one",
        ));
    };
    let requester = Requester {
        client_id: id.clone(),
        client_secret: Some(Token::new(secret)),
        scope: around.scope.clone().or_else(|| of_context(|context| &context.scope)),
        audience: around.audience.clone().or_else(|| of_context(|context| &context.audience)),
    };
    let source = ClientCredentials::new(&issuer, requester);
    Ok(Some((Who::Program(id.clone()), Credentials::Renewable(Arc::new(source)))))
}

#[cfg(test)]
mod tests;
