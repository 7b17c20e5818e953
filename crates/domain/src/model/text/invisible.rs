//! Characters that cannot be seen. A name that has them looks like another one, or like none, and a reader cannot type
//! it.

use crate::model::violation::{ValueProblem, ViolationCode};

/// Refuses a text without anything that can be seen, and one with something that cannot where it has no effect.
pub(super) fn refuse(text: &str) -> Result<(), ValueProblem> {
    if text.is_ascii() && text.bytes().any(|byte| byte != b' ') {
        return Ok(());
    }
    let mut before = None;
    let mut characters = text.chars().enumerate().peekable();
    while let Some((position, character)) = characters.next() {
        let is_out_of_place = match Kind::of(character) {
            Kind::Visible | Kind::Blank => false,
            Kind::Never => true,
            // It changes how the characters beside it are written.
            Kind::Joiner => !before.is_some_and(is_visible) || characters.peek().is_none(),
            Kind::Selector => !before.is_some_and(is_visible),
        };
        if is_out_of_place {
            return Err(ValueProblem::new(
                ViolationCode::InvisibleCharacter,
                "contains a character that cannot be seen",
            )
            .expected("text that can be seen")
            .actual(format!("U+{:04X} at character {}", u32::from(character), position + 1))
            .hint("it may have been pasted along; type the text anew"));
        }
        // Several can follow each other.
        if !matches!(Kind::of(character), Kind::Joiner | Kind::Selector) {
            before = Some(character);
        }
    }
    if text.chars().any(is_visible) {
        return Ok(());
    }
    Err(ValueProblem::new(ViolationCode::InvisibleCharacter, "has nothing that can be seen")
        .expected("text that can be seen")
        .actual(format!("{} blank characters", text.chars().count())))
}

/// Whether a character leaves a trace where it is written.
pub(in crate::model) fn is_visible(character: char) -> bool {
    matches!(Kind::of(character), Kind::Visible)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Visible,
    /// A space of some width.
    Blank,
    /// Joins what is beside it, or keeps it apart: in Persian, in the scripts of India, in emoji.
    Joiner,
    /// Chooses a form of what is before it: in Mongolian, of ideographs, of emoji, and which flag it is.
    Selector,
    /// Has no place in a name.
    Never,
}

impl Kind {
    /// Unicode's `Default_Ignorable_Code_Point` and format characters without a form of their own, line separators, and
    /// what directs the writing (`Bidi_Control`), with which one text can be made to look like another.
    fn of(character: char) -> Self {
        match character {
            '\u{200c}' | '\u{200d}' => Self::Joiner,
            '\u{34f}'
            | '\u{180b}'..='\u{180d}'
            | '\u{180f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0020}'..='\u{e007f}'
            | '\u{e0100}'..='\u{e01ef}' => Self::Selector,
            '\u{ad}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' => Self::Never,
            // Braille without a dot.
            '\u{2800}' => Self::Blank,
            character if character.is_whitespace() => Self::Blank,
            _ => Self::Visible,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_no_name() {
        for text in [
            " ",
            "   ",
            "\u{a0}",
            "\u{3000}",
            "\u{2800}",
            "\u{200b}",
            "\u{200d}",
            "\u{ad}",
            "\u{2060}",
            "\u{feff}",
            "\u{3164}",
            "\u{115f}\u{1160}",
            "\u{ffa0}",
            "\u{fe0f}",
            "\u{e0061}",
            "\u{e0100}",
            "\u{180e}",
            "\u{2028}",
            "\u{61c}",
            "\u{2066}\u{2069}",
            "\u{34f}",
        ] {
            assert_eq!(refuse(text).unwrap_err().code, ViolationCode::InvisibleCharacter, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_told_with_its_place() {
        for (text, place) in [
            ("a\u{200b}b", "U+200B at character 2"),
            ("ab\u{202e}c", "U+202E at character 3"),
            ("\u{feff}ab", "U+FEFF at character 1"),
            ("a\u{2028}b", "U+2028 at character 2"),
            ("soft\u{ad}hyphen", "U+00AD at character 5"),
            ("ab\u{200d}", "U+200D at character 3"),
            ("\u{200c}ab", "U+200C at character 1"),
            ("a \u{200d}b", "U+200D at character 3"),
            ("a \u{fe0f}", "U+FE0F at character 3"),
            ("é\u{e0001}", "U+E0001 at character 2"),
        ] {
            assert_eq!(refuse(text).unwrap_err().actual.unwrap(), place, "{text:?}");
        }
    }

    #[test]
    fn what_writing_needs_is_taken() {
        for text in [
            "a",
            "a b",
            "a\u{a0}b",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "👩\u{200d}🌾",
            "🏳\u{fe0f}\u{200d}🌈",
            "❤\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "葛\u{e0100}",
            "ᠠ\u{180b}",
            "עברית",
            "العربية",
            "한국어",
            "°C",
        ] {
            assert_eq!(refuse(text), Ok(()), "{text:?}");
        }
    }
}
