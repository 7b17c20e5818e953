//! Texts that are safe for a terminal.

use std::borrow::Cow;
use std::ops::Range;

/// A character for private use, which stands for a place until it is known how the place is shown.
pub(crate) const MARK: char = '\u{e000}';

/// Whether a character changes what a terminal does, or hides or reorders what stands beside it.
pub(crate) fn is_unsafe(sign: char) -> bool {
    sign.is_control()
        || sign == MARK
        || matches!(sign,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A text of one line in which unsafe characters are shown as escape sequences.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unsafe) { text.chars().fold(String::new(), pushed).into() } else { text.into() }
}

/// The same of a line of a file, with the bytes of a place in it. Tabs stay as they are.
pub(crate) fn escaped_line(line: &str, span: Range<usize>) -> (String, Range<usize>) {
    let mut shown = String::with_capacity(line.len());
    let mut moved = None..None;
    for (at, sign) in line.char_indices() {
        if at >= span.start {
            moved.start.get_or_insert(shown.len());
        }
        if at >= span.end {
            moved.end.get_or_insert(shown.len());
        }
        if sign == '\t' {
            shown.push(sign);
        } else {
            shown = pushed(shown, sign);
        }
    }
    let end = shown.len();
    (shown, moved.start.unwrap_or(end)..moved.end.unwrap_or(end))
}

fn pushed(mut text: String, sign: char) -> String {
    match sign {
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        _ if is_unsafe(sign) => text.push_str(&format!("\\u{{{:x}}}", u32::from(sign))),
        _ => text.push(sign),
    }
    text
}
