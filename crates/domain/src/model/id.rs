//! Identifiers: UUIDs of any version, never nil.

use std::fmt;

use serde::Serialize;
use uuid::Uuid;

use super::from_text::from_text;
use super::violation::{ValueProblem, ViolationCode};

/// The only textual form accepted: RFC 9562 section 4, 36 characters with hyphens, in either case.
const TEXT_LENGTH: usize = 36;

fn parse(text: &str) -> Result<Uuid, ValueProblem> {
    let malformed = || {
        ValueProblem::new(ViolationCode::InvalidUuid, "is not a UUID")
            .expected("a UUID such as 0b5c6a52-5a0e-4e57-9f0a-0a8f5e0a7c11")
            .actual(text.chars().take(100).collect::<String>())
    };
    if text.len() != TEXT_LENGTH {
        return Err(malformed());
    }
    non_nil(Uuid::try_parse(text).map_err(|_| malformed())?)
}

fn non_nil(id: Uuid) -> Result<Uuid, ValueProblem> {
    if id.is_nil() {
        return Err(ValueProblem::new(ViolationCode::NilUuid, "is the nil UUID, which identifies nothing")
            .actual(id.to_string()));
    }
    Ok(id)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Reads the hyphenated form of RFC 9562; refuses the nil UUID.
            pub fn parse(text: &str) -> Result<Self, ValueProblem> {
                parse(text).map(Self)
            }

            /// Takes any UUID but the nil one.
            pub fn from_uuid(id: Uuid) -> Result<Self, ValueProblem> {
                non_nil(id).map(Self)
            }

            /// The UUID itself.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        from_text!($name, parse: Self::parse, restore: Self::parse);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Identifies a [`Source`](super::Source).
    SourceId
}
id! {
    /// Identifies a [`SourceVersion`](super::SourceVersion).
    SourceVersionId
}
id! {
    /// Identifies a [`Job`](super::Job).
    JobId
}
id! {
    /// Identifies a customer. Organisations are owned by another system; here only their ids are known.
    OrganisationId
}
id! {
    /// Identifies a thing that can be bound to an input role, such as a sensor. Owned by another system.
    InputId
}
id! {
    /// Identifies one output of a job: what predictions of that role will be filed under.
    OutputId
}
id! {
    /// Identifies a [`Run`](super::Run).
    RunId
}
id! {
    /// Identifies a running replica of the service, from its start to its end.
    ReplicaId
}

impl InputId {
    /// The same id, of an output that is bound as an input.
    #[must_use]
    pub const fn as_output(&self) -> OutputId {
        OutputId(self.0)
    }
}

impl OutputId {
    /// The same id, where the output is bound as an input.
    #[must_use]
    pub const fn as_input(&self) -> InputId {
        InputId(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_version_is_accepted_in_either_case() {
        for text in ["77777777-7777-7777-7777-777777777777", "AAAAAAAA-aaaa-aaaa-aaaa-aaaaaaaaaaaa"] {
            assert!(JobId::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn nil_and_other_forms_are_refused() {
        assert_eq!(JobId::parse(&Uuid::nil().to_string()).unwrap_err().code, ViolationCode::NilUuid);
        for text in ["", "nope", "{77777777-7777-7777-7777-777777777777}", "77777777777777777777777777777777", "é"] {
            assert_eq!(JobId::parse(text).unwrap_err().code, ViolationCode::InvalidUuid, "{text}");
        }
    }
}
