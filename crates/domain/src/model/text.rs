//! Bounded text. Every kind of text has one constructor, and what comes back from a database passes it too.

use std::fmt;

use compact_str::CompactString;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization as _;

use super::violation::{ValueProblem, ViolationCode};

/// The most characters (Unicode scalar values) in the name of a source or a job.
pub const MAX_NAME_CHARS: usize = 200;
/// The most characters in a role, kind, metric, unit or version.
pub const MAX_WORD_CHARS: usize = 100;
/// The most characters in a description.
pub const MAX_DESCRIPTION_CHARS: usize = 10_000;

// Nearly all of these are short, and a job has a dozen: held in place, they need no memory of their own.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $read:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(CompactString);

        impl $name {
            /// Checks the text, and brings it into the form that is stored.
            pub fn parse(text: &str) -> Result<Self, ValueProblem> {
                let read: fn(&str) -> Result<CompactString, ValueProblem> = $read;
                read(text).map(Self)
            }

            /// The text as stored.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text! {
    /// The name of a source, unique on the platform: 1 to [`MAX_NAME_CHARS`] characters after trimming, in NFC.
    SourceName, name
}
text! {
    /// The name of a job, unique in its organisation: 1 to [`MAX_NAME_CHARS`] characters after trimming, in NFC.
    JobName, name
}
text! {
    /// Free text of at most [`MAX_DESCRIPTION_CHARS`] characters; of control characters only tabs and line ends.
    Description, description
}
text! {
    /// What a version of a source is called, such as `1.0.0`: 1 to [`MAX_WORD_CHARS`] characters after trimming.
    VersionLabel, version_label
}
text! {
    /// The name of an input or output role, compared exactly: 1 to [`MAX_WORD_CHARS`] characters.
    RoleName, word
}
text! {
    /// The kind of thing that an input role takes, such as `sensor`, compared exactly.
    InputKind, word
}
text! {
    /// What is measured or predicted, compared exactly.
    Metric, word
}
text! {
    /// The unit of a metric, such as `°C`, compared exactly.
    Unit, word
}

impl SourceName {
    /// What makes two names the same name: they are compared without case.
    ///
    /// Upper case first, then lower case, stands for Unicode case folding (`ß` and `SS`, the Greek sigmas).
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_uppercase().to_lowercase().nfc().collect()
    }
}

impl VersionLabel {
    /// What makes two labels the same version: `v1.0.0` and `1.0.0` are.
    #[must_use]
    pub fn key(&self) -> &str {
        match self.0.strip_prefix(['v', 'V']) {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
            _ => &self.0,
        }
    }
}

fn name(text: &str) -> Result<CompactString, ValueProblem> {
    let text = text.trim();
    // ASCII is in NFC as it is.
    if text.is_ascii() {
        return bounded(text, 1, MAX_NAME_CHARS, char::is_control);
    }
    bounded(&text.nfc().collect::<String>(), 1, MAX_NAME_CHARS, char::is_control)
}

fn version_label(text: &str) -> Result<CompactString, ValueProblem> {
    bounded(text.trim(), 1, MAX_WORD_CHARS, char::is_control)
}

fn word(text: &str) -> Result<CompactString, ValueProblem> {
    bounded(text, 1, MAX_WORD_CHARS, char::is_control)
}

fn description(text: &str) -> Result<CompactString, ValueProblem> {
    bounded(text, 0, MAX_DESCRIPTION_CHARS, |c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

fn bounded(text: &str, least: usize, most: usize, refused: fn(char) -> bool) -> Result<CompactString, ValueProblem> {
    // Nearly all text, so it is looked through only once: printable ASCII, a byte for each character.
    if (least..=most).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(text.into());
    }
    let length = text.chars().count();
    if length < least {
        return Err(
            ValueProblem::new(ViolationCode::TooShort, "is empty").expected(format!("{least} to {most} characters"))
        );
    }
    if length > most {
        return Err(ValueProblem::new(ViolationCode::TooLong, format!("has more than {most} characters"))
            .expected(format!("{least} to {most} characters"))
            .actual(format!("{length} characters")));
    }
    if let Some((position, character)) = text.chars().enumerate().find(|(_, character)| refused(*character)) {
        return Err(ValueProblem::new(ViolationCode::ControlCharacter, "contains a control character")
            .expected("text without control characters")
            .actual(format!("U+{:04X} at character {}", u32::from(character), position + 1)));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_normalised() {
        assert_eq!(SourceName::parse("  Cafe\u{301} ").unwrap().as_str(), "Caf\u{e9}");
    }

    #[test]
    fn names_compare_without_case() {
        let key = |name: &str| SourceName::parse(name).unwrap().key();
        assert_eq!(key("Mildew-Predictor"), key("mildew-predictor"));
        assert_eq!(key("STRASSE"), key("straße"));
        assert_eq!(key("ΟΔΥΣΣΕΥΣ"), key("οδυσσευς"));
        assert_ne!(key("mildew"), key("mildew-predictor"));
    }

    #[test]
    fn limits_count_characters_not_bytes() {
        assert!(JobName::parse(&"é".repeat(MAX_NAME_CHARS)).is_ok());
        assert_eq!(JobName::parse(&"é".repeat(MAX_NAME_CHARS + 1)).unwrap_err().code, ViolationCode::TooLong);
        assert_eq!(JobName::parse(" \t ").unwrap_err().code, ViolationCode::TooShort);
    }

    #[test]
    fn control_characters_are_refused_but_descriptions_have_lines() {
        assert_eq!(RoleName::parse("a\0b").unwrap_err().code, ViolationCode::ControlCharacter);
        assert_eq!(Description::parse("a\0b").unwrap_err().code, ViolationCode::ControlCharacter);
        assert!(Description::parse("one\r\n\ttwo").is_ok());
    }

    #[test]
    fn a_leading_v_before_a_digit_does_not_make_another_version() {
        let key = |label: &str| VersionLabel::parse(label).unwrap().key().to_owned();
        assert_eq!(key("v1.0.0"), key("1.0.0"));
        assert_eq!(key("V1.0.0"), key("1.0.0"));
        assert_eq!(key("vintage"), "vintage");
        assert_ne!(key("1.0"), key("1.0.0"));
    }
}
