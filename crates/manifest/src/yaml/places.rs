//! From the parser's characters to bytes.

use crate::node::Span;

/// Where each character of a text begins. Not written down for a text that has one byte for each.
pub(super) struct Places {
    starts: Option<Vec<u32>>,
    length: usize,
}

impl Places {
    pub(super) fn of(text: &str) -> Self {
        let start = |(start, _): (usize, char)| u32::try_from(start).unwrap_or(u32::MAX);
        let starts = (!text.is_ascii()).then(|| text.char_indices().map(start).collect());
        Self { starts, length: text.len() }
    }

    /// The byte where a character begins; the end of the text if there is none.
    pub(super) fn offset(&self, character: usize) -> usize {
        match &self.starts {
            None => character.min(self.length),
            Some(starts) => starts.get(character).map_or(self.length, |start| *start as usize),
        }
    }

    pub(super) fn span(&self, span: saphyr_parser::Span) -> Span {
        let start = self.offset(span.start.index());
        Span::new(start..self.offset(span.end.index()).max(start))
    }
}
