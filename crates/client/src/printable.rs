use std::fmt::Write as _;

/// A text of somebody else, fit for a terminal: characters that a terminal obeys instead of showing them, and those
/// that are not seen or that turn the direction of what follows, are written as `\u{…}`.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unprintable(character) {
            // Writing into a String does not fail.
            let _ = write!(written, "{}", character.escape_unicode());
        } else {
            written.push(character);
        }
    }
    written
}

/// Whether a terminal obeys a character instead of showing it, or shows nothing.
#[must_use]
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // A soft hyphen, and the marks, embeddings and isolates of bidirectional text.
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Line ends of Unicode, and what has no width. The joiners are left: names of several scripts need them.
            | '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
            // Annotations, and tags.
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_no_text() {
        assert_eq!(printable("Weingut Müller, 葡萄园 5 👩‍🌾"), "Weingut Müller, 葡萄园 5 👩‍🌾");
        assert_eq!(printable("\u{1b}[2J\r\n\u{9b}31m"), "\\u{1b}[2J\\u{d}\\u{a}\\u{9b}31m");
        assert_eq!(printable("a\u{202e}b\u{200b}\u{feff}"), "a\\u{202e}b\\u{200b}\\u{feff}");
    }
}
