use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prediction_adapters_system::TimeOrderedIds;
use prediction_client::oauth::{Issuer, Requester, Tokens};
use prediction_client::{SignInError, Token, TokenSource};
use prediction_domain::model::{Permission, Scope};
use prediction_domain::ports::Clock;
use prediction_identity::local::{DEFAULT_ORGANISATIONS_CLAIM, LocalIdentity, TokenRequest};
use prediction_identity::local_secret;

use crate::configuration::{Configuration, Context, Login};
use crate::surroundings::Surroundings;

/// How long a token is good that is made for a command: longer than any command but `get --watch`, which has it anew.
const LOCAL_LIFE: Duration = Duration::from_mins(15);

/// A file that another program may write a new token into.
pub(super) struct TokenFile(PathBuf);

impl TokenFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }
}

impl TokenSource for TokenFile {
    fn token(&self) -> Result<Token, SignInError> {
        let text = fs::read_to_string(&self.0)
            .map_err(|error| SignInError::new(format!("cannot read the token in {}: {error}", self.0.display())))?;
        Ok(Token::new(&text))
    }

    fn renew(&self, refused: &Token) -> Result<Token, SignInError> {
        let token = self.token()?;
        if token == *refused {
            let path = self.0.display();
            return Err(SignInError::new(format!("the service does not accept the token in {path}")));
        }
        Ok(token)
    }
}

/// A token for a server on this machine, made with the secret in its data folder.
pub(super) struct LocalToken {
    folder: PathBuf,
    claim: String,
    clock: Arc<dyn Clock>,
}

impl LocalToken {
    pub(super) fn new(folder: PathBuf, around: &Surroundings) -> Self {
        let claim = around.organisations_claim.clone().unwrap_or_else(|| DEFAULT_ORGANISATIONS_CLAIM.to_owned());
        Self { folder, claim, clock: Arc::clone(&around.clock) }
    }
}

impl TokenSource for LocalToken {
    fn token(&self) -> Result<Token, SignInError> {
        let secret = local_secret::of_server(&self.folder).map_err(|error| SignInError::new(error.to_string()))?;
        let failed = |error: String| SignInError::new(format!("no token can be made: {error}"));
        let identity = LocalIdentity::new(&secret, &*self.claim, Arc::clone(&self.clock), Arc::new(TimeOrderedIds))
            .map_err(|error| failed(error.to_string()))?;
        let request = TokenRequest {
            subject: "local".to_owned(),
            permissions: Permission::ALL.to_vec(),
            scope: Scope::Platform,
            expires_in: LOCAL_LIFE,
        };
        identity.mint(&request).map(|token| Token::new(&token)).map_err(|error| failed(error.to_string()))
    }

    fn renew(&self, _refused: &Token) -> Result<Token, SignInError> {
        // The token of a long command may have expired. If the server has another secret, it refuses this one, too.
        self.token()
    }
}

/// A person who has signed in.
pub(super) struct StoredLogin {
    kept: Configuration,
    name: String,
    context: Context,
    login: Mutex<Login>,
    clock: Arc<dyn Clock>,
}

impl StoredLogin {
    pub(super) fn new(
        kept: Configuration,
        name: String,
        context: Context,
        login: Login,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { kept, name, context, login: Mutex::new(login), clock }
    }

    fn refresh(&self, login: &mut Login) -> Result<Token, SignInError> {
        let again = || SignInError::new("the login has expired: sign in with `prediction login`");
        let refresh = Token::new(login.refresh_token.as_deref().ok_or_else(again)?);
        let requester = Requester {
            client_id: login.client_id.clone(),
            client_secret: None,
            scope: self.context.scope.clone(),
            audience: self.context.audience.clone(),
        };
        let tokens = Issuer::discover(&login.issuer)?
            .refresh(&requester, &refresh)
            .map_err(|error| error.with_advice("sign in with `prediction login`"))?;
        take(login, &tokens, self.clock.as_ref());
        // The token is good without it; the next command would only refresh it again.
        let _ = self.kept.keep_login(&self.name, login);
        Ok(login.token())
    }
}

/// Puts new tokens into a login.
pub(crate) fn take(login: &mut Login, tokens: &Tokens, clock: &dyn Clock) {
    tokens.access.reveal().clone_into(&mut login.access_token);
    login.refresh_token = tokens.refresh.as_ref().map(|token| token.reveal().to_owned());
    let seconds = tokens.expires_in.and_then(|life| i64::try_from(life.as_secs()).ok());
    login.expires_at = seconds.map(|seconds| clock.now().as_datetime().timestamp().saturating_add(seconds));
}

impl TokenSource for StoredLogin {
    fn token(&self) -> Result<Token, SignInError> {
        let mut login = self.login.lock().unwrap_or_else(PoisonError::into_inner);
        if login.is_fresh(self.clock.now()) { Ok(login.token()) } else { self.refresh(&mut login) }
    }

    fn renew(&self, _refused: &Token) -> Result<Token, SignInError> {
        self.refresh(&mut self.login.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Nobody has said who is calling.
pub(super) struct NoToken {
    pub(super) url: String,
    pub(super) reason: Option<String>,
    pub(super) has_issuer: bool,
}

impl TokenSource for NoToken {
    fn token(&self) -> Result<Token, SignInError> {
        let mut ways = vec!["name a file with --token-file", "set PREDICTION_TOKEN"];
        if self.reason.is_some() {
            ways.insert(0, "name the data folder of the server with --data-dir");
        }
        if self.has_issuer {
            ways.insert(0, "sign in with `prediction login`");
        }
        let reason = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        Err(SignInError::new(format!("there is no access token for {}{reason}: {}", self.url, ways.join(", or "))))
    }

    fn renew(&self, _refused: &Token) -> Result<Token, SignInError> {
        self.token()
    }
}
