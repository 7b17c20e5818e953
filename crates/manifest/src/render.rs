//! Mistakes as a compiler shows them.

use std::collections::BTreeSet;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Padding, Renderer, Snippet};
use unicode_width::UnicodeWidthStr;

use crate::escape::{MARK, escaped, escaped_line};
use crate::file::Place;
use crate::mistake::Mistake;

/// How mistakes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// How many columns the terminal has.
    pub width: usize,
    /// Whether there are colours.
    pub color: bool,
}

/// Shows mistakes by the order of files and places, and counts them in a last line. Control characters, also in what
/// the user or a service wrote, are shown as escape sequences, and so are those that reorder a text. Nothing for no
/// mistake.
#[must_use]
pub fn render(mistakes: &[Mistake], style: &Style) -> String {
    if mistakes.is_empty() {
        return String::new();
    }
    let width = style.width.clamp(NARROWEST, WIDEST);
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(width);
    let mut sorted: Vec<&Mistake> = mistakes.iter().collect();
    sorted.sort_by_key(|mistake| mistake.order());
    let mut shown = String::new();
    for mistake in &sorted {
        let text = renderer.render(&groups(mistake, width));
        push_with_places(&mut shown, text.trim_end(), mistake);
        shown.push_str("\n\n");
    }
    shown.push_str(&count(&sorted));
    shown.push('\n');
    shown
}

const NARROWEST: usize = 20;
const WIDEST: usize = 300;

/// How much of a long line is kept on each side of a place: more than is shown.
const AROUND: usize = 2 * WIDEST;

fn groups(mistake: &Mistake, width: usize) -> Vec<Group<'static>> {
    let code = escaped(&mistake.code).into_owned();
    let used = "error[]: ".len() + code.width();
    let title = Level::ERROR.primary_title(wrapped(&mistake.message, width, used)).id(code);
    let mut group = Group::with_title(title);
    let has_line = mistake.place.as_ref().is_some_and(|place| place.span.is_some());
    // Beside the place there is room for a few words, and without a line of a file there is no place.
    let label = mistake.label.as_deref();
    let (beside, below) = match label {
        Some(label) if !has_line || escaped(label).width() > width / 2 => (None, Some(label)),
        _ => (label, None),
    };
    if let Some(place) = &mistake.place {
        group = at(group, place, beside, AnnotationKind::Primary);
    }
    if has_line && (below.is_some() || mistake.hint.is_some()) {
        group = group.element(Padding);
    }
    let used = gutter(mistake.place.as_ref()) + " = help: ".len();
    if let Some(label) = below {
        group = group.element(Level::NOTE.message(wrapped(label, width, used)));
    }
    if let Some(hint) = &mistake.hint {
        group = group.element(Level::HELP.message(wrapped(hint, width, used)));
    }
    let notes = mistake.notes.iter().map(|note| {
        let title = Level::NOTE.secondary_title(wrapped(&note.message, width, "note: ".len()));
        at(Group::with_title(title), &note.place, None, AnnotationKind::Primary)
    });
    std::iter::once(group).chain(notes).collect()
}

/// Shows a place: the first of its lines.
fn at<'a>(group: Group<'a>, place: &Place, label: Option<&str>, kind: AnnotationKind) -> Group<'a> {
    let (Some(span), Some(text), Some(line)) = (place.span.clone(), place.file.text(), place.line()) else {
        return group.element(Origin::path(MARK.to_string()));
    };
    let range = place.file.line_at(span.start).1;
    let (shown, marked) = window(&text[range.clone()], span.start - range.start..span.end - range.start);
    let annotation: Annotation<'a> = kind.span(marked).label(label.map(|label| escaped(label).into_owned()));
    group.element(Snippet::source(shown).path(MARK.to_string()).line_start(line).annotation(annotation))
}

/// Adds what was rendered, with the names of the files. The renderer counts columns in what it shows; the user's editor
/// counts them in the file, where nothing is escaped or cut.
fn push_with_places(shown: &mut String, text: &str, mistake: &Mistake) {
    let mut places = mistake.place.iter().chain(mistake.notes.iter().map(|note| &note.place));
    let mut parts = text.split(MARK);
    shown.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let Some(place) = places.next() else { continue };
        shown.push_str(&escaped(place.file.name()));
        if let (Some(line), Some(column)) = (place.line(), place.column()) {
            shown.push_str(&format!(":{line}:{column}"));
        }
        shown.push_str(part.trim_start_matches(|sign: char| sign == ':' || sign.is_ascii_digit()));
    }
}

/// The part of a line that is around a place, and the place in it.
fn window(line: &str, span: Range<usize>) -> (String, Range<usize>) {
    let start = span.start.min(line.len());
    let end = span.end.clamp(start, line.len());
    let end = line.floor_char_boundary(end.min(start + AROUND));
    let from = line.floor_char_boundary(start.saturating_sub(AROUND));
    let to = line.ceil_char_boundary((end + AROUND).min(line.len()));
    escaped_line(&line[from..to], start - from..end - from)
}

/// The columns before a snippet.
fn gutter(place: Option<&Place>) -> usize {
    place.and_then(Place::line).map_or(0, |line| line.to_string().len())
}

/// A text in lines, when `used` columns of each are taken. A word is never broken.
fn wrapped(text: &str, width: usize, used: usize) -> String {
    /// Narrower lines would be harder to read than those that the terminal breaks.
    const LEAST: usize = 20;
    let room = width.saturating_sub(used).max(LEAST);
    let mut lines = String::new();
    let mut column = 0;
    for word in escaped(text).split(' ') {
        let columns = word.width();
        if column > 0 {
            let fits = column + 1 + columns <= room;
            lines.push(if fits { ' ' } else { '\n' });
            column = if fits { column + 1 } else { 0 };
        }
        lines.push_str(word);
        column += columns;
    }
    lines
}

fn count(mistakes: &[&Mistake]) -> String {
    let files: BTreeSet<&str> =
        mistakes.iter().filter_map(|mistake| mistake.place.as_ref()).map(|place| place.file.name()).collect();
    let plural = |number: usize, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    let mistakes = plural(mistakes.len(), "mistake");
    if files.is_empty() { mistakes } else { format!("{mistakes} in {}", plural(files.len(), "file")) }
}
