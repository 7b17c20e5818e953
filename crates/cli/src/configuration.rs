//! What is kept in the user's configuration folder: contexts, and a file for each login that only its owner can read.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use prediction_client::{Token, printable};
use prediction_domain::model::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files::{Readers, write_whole};
use crate::surroundings::Surroundings;

/// A service that the user works with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Context {
    pub(crate) url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) audience: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contexts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    #[serde(default)]
    pub(crate) contexts: BTreeMap<String, Context>,
}

/// What signing in gave.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    /// The service that it is for: the token goes nowhere else.
    pub(crate) url: String,
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) access_token: String,
    #[serde(default)]
    pub(crate) refresh_token: Option<String>,
    /// Seconds since 1970.
    #[serde(default)]
    pub(crate) expires_at: Option<i64>,
}

impl Login {
    pub(crate) fn token(&self) -> Token {
        Token::new(&self.access_token)
    }

    /// Whether the token is good for a while, as far as is known.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        const WHILE: i64 = 30;
        self.expires_at.is_none_or(|end| now.as_datetime().timestamp() + WHILE < end)
    }
}

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct Configuration(PathBuf);

const CONTEXTS: &str = "contexts.json";

impl Configuration {
    pub(crate) fn of(around: &Surroundings) -> Result<Self, Failure> {
        around.configuration.clone().map(Self).ok_or_else(|| {
            Failure::Refused(
                "there is no home folder to keep contexts and logins in: set PREDICTION_CONFIG_DIR".to_owned(),
            )
        })
    }

    pub(crate) fn contexts(&self) -> Result<Contexts, Failure> {
        Ok(read(&self.0.join(CONTEXTS))?.unwrap_or_default())
    }

    pub(crate) fn keep_contexts(&self, contexts: &Contexts) -> Result<(), Failure> {
        self.write(CONTEXTS, contexts)
    }

    /// The login of a context, unless others could have read or written it.
    pub(crate) fn login(&self, context: &str) -> Result<Option<Login>, Failure> {
        let path = self.0.join(login_file(context));
        match fs::metadata(&path) {
            Ok(file) if file.permissions().mode() & 0o077 != 0 => Err(Failure::Refused(format!(
                "others can read the login in {}: run chmod 600 on it, or sign in again",
                path.display()
            ))),
            _ => read(&path),
        }
    }

    pub(crate) fn keep_login(&self, context: &str, login: &Login) -> Result<(), Failure> {
        self.write(&login_file(context), login)
    }

    /// Whether there was one.
    pub(crate) fn forget_login(&self, context: &str) -> Result<bool, Failure> {
        match fs::remove_file(self.0.join(login_file(context))) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a file that no other user can read.
    fn write(&self, name: &str, content: &impl Serialize) -> Result<(), Failure> {
        let path = self.0.join(name);
        let failed = |error: std::io::Error| Failure::Refused(format!("cannot write {}: {error}", path.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(failed)?;
        let text = serde_json::to_string_pretty(content).map_err(std::io::Error::other).map_err(failed)?;
        write_whole(&path, text.as_bytes(), Readers::Owner)
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::Refused(format!("cannot read {}: {error}", path.display()))),
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| Failure::Refused(format!("cannot read {}: {}", path.display(), printable(&error.to_string()))))
}

fn login_file(context: &str) -> String {
    format!("login-{context}.json")
}

/// Reads the name of a context, which is part of the name of a file.
pub(crate) fn context_name(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty()
        && text.len() <= 64
        && !text.starts_with('.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_name {
        return Ok(text.to_owned());
    }
    Err("a name of a context has 1 to 64 letters, digits, hyphens, underscores and dots".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        Login {
            url: "https://predictions.example".to_owned(),
            issuer: "https://issuer.example".to_owned(),
            client_id: "prediction".to_owned(),
            access_token: "a".to_owned(),
            refresh_token: None,
            expires_at: Some(1_780_315_200),
        }
    }

    #[test]
    fn a_login_is_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Configuration(folder.path().join("a/prediction"));
        assert!(kept.login("prod").unwrap().is_none());
        kept.keep_login("prod", &login()).unwrap();
        let path = kept.0.join("login-prod.json");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&kept.0).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&kept.0).unwrap().count(), 1, "no draft is left");
        assert_eq!(kept.login("prod").unwrap().unwrap().access_token, "a");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(kept.login("prod"), Err(Failure::Refused(_))));
        assert!(kept.forget_login("prod").unwrap());
        assert!(!kept.forget_login("prod").unwrap());
    }

    #[test]
    fn a_token_is_fresh_for_a_while_before_its_end() {
        let at = |text| login().is_fresh(Timestamp::parse(text).unwrap());
        assert!(at("2026-06-01T11:59:00Z"));
        assert!(!at("2026-06-01T11:59:40Z"));
    }

    #[test]
    fn a_name_of_a_context_is_no_path() {
        assert!(context_name("prod-1.eu").is_ok());
        for refused in ["", ".", "..", "a/b", "../a", "a b", "é"] {
            assert!(context_name(refused).is_err(), "{refused}");
        }
    }
}
