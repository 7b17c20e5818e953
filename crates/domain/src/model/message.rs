//! What a runner has to say about a run: log lines, mostly, so that they are made storable instead of being refused.

use super::text::{Description, MAX_DESCRIPTION_CHARS, is_visible};
use super::violation::{ValueProblem, ViolationCode};

/// What stands for a control character in a stored message.
pub const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// The message of a run in the form that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// At most [`MAX_DESCRIPTION_CHARS`] characters; of control characters only tabs and line ends.
    pub text: Description,
    /// How many control characters were replaced.
    pub replaced: usize,
    /// How many characters were cut off at the end.
    pub cut: usize,
    /// Whether there is anything to be seen in it.
    pub says_something: bool,
}

impl Message {
    /// Brings a text into the form that is stored: control characters but tabs and line ends become [`REPLACEMENT`],
    /// and what is too long is cut. The same text always becomes the same message.
    pub fn of(text: &str) -> Result<Self, ValueProblem> {
        let mut kept = String::with_capacity(text.len().min(MAX_DESCRIPTION_CHARS));
        let mut message = Self { text: Description::parse("")?, replaced: 0, cut: 0, says_something: false };
        for (place, character) in text.chars().enumerate() {
            if place >= MAX_DESCRIPTION_CHARS {
                message.cut += 1;
                continue;
            }
            message.says_something |= !character.is_control() && is_visible(character);
            if character.is_control() && !matches!(character, '\t' | '\n' | '\r') {
                message.replaced += 1;
                kept.push(REPLACEMENT);
            } else {
                kept.push(character);
            }
        }
        message.text = Description::parse(&kept)?;
        Ok(message)
    }

    /// The same, of a run that failed: it has to say why.
    pub fn of_failure(text: &str) -> Result<Self, ValueProblem> {
        let message = Self::of(text)?;
        if message.says_something {
            return Ok(message);
        }
        let problem = ValueProblem::new(ViolationCode::TooShort, "says nothing");
        Err(problem.expected("text that can be seen").hint("say why the run failed"))
    }

    /// Whether the stored text is another one than what was sent.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.replaced > 0 || self.cut > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced_but_for_tabs_and_line_ends() {
        let message = Message::of("a\0b\u{1b}[31mred\u{1b}[0m\r\n\tend\u{85}").unwrap();
        assert_eq!(message.text.as_str(), "a\u{fffd}b\u{fffd}[31mred\u{fffd}[0m\r\n\tend\u{fffd}");
        assert_eq!((message.replaced, message.cut, message.is_changed()), (4, 0, true));
        assert!(!Message::of("one\r\n\ttwo \u{1f600}").unwrap().is_changed());
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_character() {
        let message = Message::of(&"é\0".repeat(MAX_DESCRIPTION_CHARS)).unwrap();
        assert_eq!(message.text.as_str().chars().count(), MAX_DESCRIPTION_CHARS);
        assert_eq!((message.replaced, message.cut), (MAX_DESCRIPTION_CHARS / 2, MAX_DESCRIPTION_CHARS));
        let message = Message::of(&"x".repeat(MAX_DESCRIPTION_CHARS)).unwrap();
        assert!(!message.is_changed());
    }

    #[test]
    fn a_stored_message_is_stored_as_it_is() {
        let message = Message::of(&"\u{7}é".repeat(MAX_DESCRIPTION_CHARS)).unwrap();
        let again = Message::of(message.text.as_str()).unwrap();
        assert_eq!((&again.text, again.is_changed()), (&message.text, false));
    }

    #[test]
    fn a_failure_has_to_say_something_that_can_be_seen() {
        let nothing =
            ["", " ", "\t\r\n", "\0\u{1b}", "\u{200b}\u{feff}\u{ad}", "\u{2800}", "\u{e0061}", "\u{a0}\u{3000}"];
        for nothing in nothing {
            assert_eq!(Message::of_failure(nothing).unwrap_err().code, ViolationCode::TooShort, "{nothing:?}");
            assert!(Message::of(nothing).is_ok(), "{nothing:?}");
        }
        for something in [".", "\0x", "\u{fffd}", " é "] {
            assert!(Message::of_failure(something).is_ok(), "{something:?}");
        }
        let behind = format!("{}x", " ".repeat(MAX_DESCRIPTION_CHARS));
        assert!(Message::of_failure(&behind).is_err(), "what is cut off is not said");
    }
}
