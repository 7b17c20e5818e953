//! Reading values from text, in the ways that Rust and serde have for it.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Error, Visitor};

use super::violation::ValueProblem;

/// Reads a string, and a value from it. The error is the sentence of the problem, and what would have been right.
pub(super) fn deserialize<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: fn(&str) -> Result<T, ValueProblem>,
) -> Result<T, D::Error> {
    struct Text<T>(fn(&str) -> Result<T, ValueProblem>, PhantomData<T>);

    impl<T> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            (self.0)(text).map_err(|problem| match &problem.expected {
                Some(expected) => E::custom(format_args!("{problem}; expected: {expected}")),
                None => E::custom(problem),
            })
        }
    }

    deserializer.deserialize_str(Text(read, PhantomData))
}

/// `FromStr`, `TryFrom<&str>` and `Deserialize`. What is parsed is new, and what is deserialized is there already: an
/// answer of this service, or of another one that stores what this one took.
macro_rules! from_text {
    ($name:ty, parse: $parse:expr, restore: $restore:expr) => {
        impl std::str::FromStr for $name {
            type Err = $crate::model::ValueProblem;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $parse(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = $crate::model::ValueProblem;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                $parse(text)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::model::from_text::deserialize(deserializer, $restore)
            }
        }
    };
}

/// An enumeration whose values have a word each: the same in Rust, JSON and SQL. `$what` completes "… is not".
macro_rules! words {
    ($(#[$about:meta])* $name:ident, $what:literal: $($(#[$doc:meta])* $value:ident = $word:literal;)+) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $value,)+
        }

        impl $name {
            /// Every one there is, in that order.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$value,)+];

            /// Its name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word,)+ }
            }

            /// The one of that name.
            pub fn parse(text: &str) -> Result<Self, $crate::model::ValueProblem> {
                let found = Self::ALL.into_iter().find(|value| value.as_str() == text);
                found.ok_or_else(|| $crate::model::ValueProblem::unknown_word(text, $what, &[$($word,)+]))
            }
        }

        $crate::model::from_text::from_text!($name, parse: Self::parse, restore: Self::parse);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(super) use {from_text, words};

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use crate::model::{HealthStatus, JobId, RetentionHours, Revision, RoleName, RunStatus, SourceName, Timestamp};

    #[test]
    fn what_is_parsed_is_new_and_what_is_deserialized_is_there() {
        let padded = " a\u{301} ";
        assert_eq!(SourceName::try_from(padded).unwrap().as_str(), "\u{e1}");
        assert_eq!(padded.parse::<SourceName>().unwrap().as_str(), "\u{e1}");
        assert_eq!(from_value::<SourceName>(json!(padded)).unwrap().as_str(), padded);
    }

    #[test]
    fn what_is_no_value_says_why() {
        for (error, expected) in [
            (from_value::<JobId>(json!("nope")).unwrap_err(), "the value is not a UUID; expected: \"a UUID such as"),
            (from_value::<RoleName>(json!("")).unwrap_err(), "the value is empty; expected: \"1 to 100 characters\""),
            (from_value::<RoleName>(json!(1)).unwrap_err(), "invalid type: integer `1`, expected a string"),
            (from_value::<Timestamp>(json!("today")).unwrap_err(), "the value is not a time; expected: \"a time as in"),
            (from_value::<RunStatus>(json!("ok")).unwrap_err(), "the value is not the status of a run; expected: [\""),
            (from_value::<HealthStatus>(json!("ok")).unwrap_err(), "the value is not the status of a job's health"),
            (from_value::<Revision>(json!(0)).unwrap_err(), "a revision is at least 1"),
            (from_value::<RetentionHours>(json!(0)).unwrap_err(), "the value is not between 1 and 87600"),
        ] {
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }
}
