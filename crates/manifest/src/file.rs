//! Files, and places in them.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A file that was read, or could not be read.
pub struct File {
    order: usize,
    name: String,
    text: Option<String>,
    line_starts: OnceLock<Vec<usize>>,
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Yaml,
    Json,
}

impl File {
    pub(crate) fn new(order: usize, name: String, text: Option<String>) -> Self {
        Self { order, name, text, line_starts: OnceLock::new() }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its text without a byte order mark, if it could be read. Bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Its place in the order of all files.
    pub(crate) fn order(&self) -> usize {
        self.order
    }

    /// Where the line is in which a byte is, and how many lines stand before it. The line is without its end.
    pub(crate) fn line_at(&self, offset: usize) -> (usize, Range<usize>) {
        let text = self.text.as_deref().unwrap_or_default();
        let starts = self.line_starts.get_or_init(|| line_starts(text));
        let line = starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let end = starts.get(line + 1).copied().unwrap_or(text.len());
        let length = text[starts[line]..end].trim_end_matches(['\n', '\r']).len();
        (line, starts[line]..starts[line] + length)
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({:?})", self.name)
    }
}

/// Lines end with a line feed, a carriage return, or both, as YAML has it.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends = (0..bytes.len()).filter(|at| match bytes[*at] {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    std::iter::once(0).chain(ends.map(|end| end + 1)).collect()
}

/// A place in a file, or the whole file.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file.
    pub file: Arc<File>,
    /// The bytes of its text; not there for the whole file.
    pub span: Option<Range<usize>>,
}

impl Place {
    pub(crate) fn of_file(file: &Arc<File>) -> Self {
        Self { file: Arc::clone(file), span: None }
    }

    pub(crate) fn new(file: &Arc<File>, span: Range<usize>) -> Self {
        Self { file: Arc::clone(file), span: Some(span) }
    }

    /// What stands there.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.file.text()?.get(self.span.clone()?)
    }

    /// The line where it begins, counted from 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        Some(self.file.line_at(self.span.as_ref()?.start).0 + 1)
    }

    /// The character in that line where it begins, counted from 1.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        let start = self.span.as_ref()?.start;
        let line = self.file.line_at(start).1;
        Some(self.file.text()?.get(line.start..start)?.chars().count() + 1)
    }

    pub(crate) fn order(&self) -> (usize, Option<usize>) {
        (self.file.order(), self.span.as_ref().map(|span| span.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_with_either_sign_or_both() {
        let file = Arc::new(File::new(0, "a".to_owned(), Some("ä\r\nb\rc\n\nd".to_owned())));
        let place = |at: usize| {
            let place = Place::new(&file, at..at);
            (place.line().unwrap(), place.column().unwrap())
        };
        assert_eq!([0, 2, 4, 6, 8, 9, 10].map(place), [(1, 1), (1, 2), (2, 1), (3, 1), (4, 1), (5, 1), (5, 2)]);
        assert_eq!(file.line_at(4), (1, 4..5));
    }
}
