use std::io::{self, Write};

use prediction_client::wire::{Problem, ProblemEntry};
use prediction_client::{ClientError, SignInError, printable};
use serde_json::Value;

use crate::console::harmless;

/// What a command ends with.
pub mod exit {
    /// Done, or nothing was to be done.
    pub const DONE: u8 = 0;
    /// Refused, or it came otherwise than was waited for.
    pub const REFUSED: u8 = 1;
    /// `plan` found changes.
    pub const CHANGES: u8 = 2;
    /// The service or the issuer could not be reached, also when it was asked again, or its answer was lost.
    pub const UNREACHABLE: u8 = 3;
    /// The caller has to sign in.
    pub const SIGN_IN: u8 = 4;
    /// The command line makes no sense.
    pub const USAGE: u8 = 64;
}

/// Why a command did not do what it was told.
#[derive(Debug)]
pub enum Failure {
    /// The service did not answer, or refused.
    Client(Box<ClientError>),
    /// It is not possible as it was said.
    Usage(String),
    /// It is not possible as things are.
    Refused(String),
    /// It was refused, and a person was told why.
    Told,
    /// Something would be changed: what `plan` is asked.
    Changes,
    /// Something cannot be read or written. A closed pipe is no failure: its reader has had enough.
    Io(io::Error),
}

impl Failure {
    pub(crate) fn sign_in(message: impl Into<String>) -> Self {
        SignInError::new(message).into()
    }

    /// The status that the process ends with.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Client(error) => match &**error {
                // An answer that was lost is no refusal: it is not known whether the request was carried out.
                ClientError::Unreachable { .. } | ClientError::Uncertain(_) => exit::UNREACHABLE,
                ClientError::SignIn(error) if error.is_unreachable() => exit::UNREACHABLE,
                ClientError::SignIn(_) => exit::SIGN_IN,
                ClientError::Request(_) => exit::USAGE,
                // A gateway says the others for a service that it does not reach.
                other => match other.status() {
                    Some(502..=504) => exit::UNREACHABLE,
                    _ => exit::REFUSED,
                },
            },
            Self::Usage(_) => exit::USAGE,
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => exit::DONE,
            Self::Changes => exit::CHANGES,
            Self::Refused(_) | Self::Told | Self::Io(_) => exit::REFUSED,
        }
    }

    /// Tells a person.
    pub(crate) fn tell(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Client(error) => {
                writeln!(out, "prediction: {}", harmless(&error.to_string(), false))?;
                error.problem().map_or(Ok(()), |problem| details(problem, out))
            }
            Self::Usage(message) | Self::Refused(message) => writeln!(out, "prediction: {}", harmless(message, false)),
            Self::Told | Self::Changes => Ok(()),
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Self::Io(error) => writeln!(out, "prediction: {}", harmless(&error.to_string(), false)),
        }
    }
}

/// Everything that is wrong with a request, and what the service knows it by.
fn details(problem: &Problem, out: &mut dyn Write) -> io::Result<()> {
    for entry in &problem.errors {
        writeln!(out, "  {}", line(entry))?;
        if let Some(hint) = &entry.hint {
            writeln!(out, "    hint: {}", printable(hint))?;
        }
    }
    if problem.errors_omitted > 0 {
        writeln!(out, "  and {} more", problem.errors_omitted)?;
    }
    match &problem.request_id {
        Some(id) => writeln!(out, "  (request {})", printable(id)),
        None => Ok(()),
    }
}

fn line(entry: &ProblemEntry) -> String {
    let place = entry.pointer.as_deref().or(entry.parameter.as_deref()).unwrap_or_default();
    let mut line = if place.is_empty() { String::new() } else { format!("{}: ", printable(place)) };
    line.push_str(&printable(&entry.message));
    let shown = |value: &Value| shorten(&printable(&value.to_string()));
    match (&entry.actual, &entry.expected) {
        (Some(actual), Some(expected)) => {
            line.push_str(&format!(" (got {}, expected {})", shown(actual), shown(expected)));
        }
        (Some(actual), None) => line.push_str(&format!(" (got {})", shown(actual))),
        (None, Some(expected)) => line.push_str(&format!(" (expected {})", shown(expected))),
        (None, None) => {}
    }
    line
}

fn shorten(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Client(Box::new(error))
    }
}

impl From<SignInError> for Failure {
    fn from(error: SignInError) -> Self {
        ClientError::from(error).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(status: u16) -> Problem {
        serde_json::from_value(json!({
            "type": "/problems/invalid_body", "title": "The body is not valid", "status": status, "code": "invalid_body",
            "detail": "2 mistakes.", "request_id": "r-1",
            "errors": [
                { "pointer": "/role_bindings/0/role", "code": "unknown_role", "message": "is no role",
                  "actual": "temprature", "expected": ["temperature"], "hint": "did you mean \"temperature\"?" },
                { "parameter": "limit", "code": "out_of_range", "message": "limit is \u{1b}[2Jtoo large" },
            ],
            "errors_omitted": 3,
        }))
        .unwrap()
    }

    #[test]
    fn every_mistake_is_told() {
        let mut told = Vec::new();
        Failure::from(ClientError::Problem(Box::new(problem(422)))).tell(&mut told).unwrap();
        insta::assert_snapshot!(String::from_utf8(told).unwrap(), @r#"
        prediction: The body is not valid: 2 mistakes.
          /role_bindings/0/role: is no role (got "temprature", expected ["temperature"])
            hint: did you mean "temperature"?
          limit: limit is \u{1b}[2Jtoo large
          and 3 more
          (request r-1)
        "#);
    }

    #[test]
    fn scripts_can_tell_failures_apart() {
        let unreachable = ClientError::Unreachable { attempts: 3, cause: String::new(), is_uncertain: false };
        for (failure, code) in [
            (ClientError::Problem(Box::new(problem(422))).into(), 1),
            (ClientError::Problem(Box::new(problem(429))).into(), 1),
            (ClientError::Problem(Box::new(problem(503))).into(), 3),
            (ClientError::Problem(Box::new(problem(500))).into(), 1),
            (ClientError::Unexpected { status: 502, excerpt: String::new() }.into(), 3),
            (ClientError::Unexpected { status: 504, excerpt: String::new() }.into(), 3),
            (ClientError::Unexpected { status: 404, excerpt: String::new() }.into(), 1),
            (ClientError::Uncertain(Box::new(problem(412))).into(), 3),
            (SignInError::unreachable("the issuer does not answer").into(), 3),
            (Failure::from(unreachable), 3),
            (Failure::sign_in("who are you?"), 4),
            (ClientError::Request("no path".to_owned()).into(), 64),
            (Failure::Usage(String::new()), 64),
            (Failure::Refused(String::new()), 1),
            (io::Error::from(io::ErrorKind::BrokenPipe).into(), 0),
            (io::Error::from(io::ErrorKind::StorageFull).into(), 1),
        ] {
            assert_eq!(failure.code(), code, "{failure:?}");
        }
    }
}
