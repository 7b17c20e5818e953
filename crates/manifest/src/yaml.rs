//! YAML, from the events of a parser.
//!
//! The parser does not recurse, and neither does this: nesting is bounded before anything recurses over it.

mod keys;
mod places;

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};
use serde_json::Value;

use crate::file::{File, Place};
use crate::mistake::{Mistake, Mistakes};
use crate::node::{Content, Node, Span};
use crate::scalar::resolve;
use crate::{MAX_DEPTH, MAX_MISTAKES};
use places::Places;

/// How much of an anchor or a tag is underlined.
const LONGEST_PROPERTY: usize = 100;

/// Reads the documents of a YAML file. Empty ones are left out, and all of a file whose syntax is wrong.
pub(crate) fn parse(file: &Arc<File>, mistakes: &mut Mistakes) -> Vec<Node> {
    let text = file.text().unwrap_or_default();
    if refuse_control_characters(file, text, mistakes) {
        return Vec::new();
    }
    let places = Places::of(text);
    let mut reading = Reading { file, text, places, open: Vec::new(), roots: Vec::new(), mistakes };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let went_on = match event {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, span)) => {
                let span = reading.places.span(span);
                reading.event(event, span)
            }
            Err(error) => Err(reading.syntax(&error)),
        };
        if let Err(mistake) = went_on {
            reading.mistakes.push(mistake);
            return Vec::new();
        }
    }
    reading.roots
}

struct Reading<'a, 'm> {
    file: &'a Arc<File>,
    text: &'a str,
    places: Places,
    open: Vec<Open>,
    roots: Vec<Node>,
    mistakes: &'m mut Mistakes,
}

/// A list or an object whose end was not read yet.
struct Open {
    start: usize,
    /// Where what was read of it ends.
    end: usize,
    content: OpenContent,
}

enum OpenContent {
    List(Vec<Node>),
    Object {
        members: Vec<(String, Node)>,
        keys: HashMap<String, Span>,
        next: Option<Key>,
    },
    /// A list or an object that is used as a key: its content does not matter.
    Key,
}

/// A key whose value was not read yet.
struct Key {
    name: String,
    span: Span,
    /// What becomes of the value.
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Keep,
    Drop,
    /// It is that of a merge key, which was refused with all that it refers to.
    Merged,
}

impl Reading<'_, '_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Mistake> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_refused = self.refuse_properties(anchor, tag.is_some(), span)
                    || style == ScalarStyle::Plain && self.refuse_indicator(&text, span);
                let span = self.trimmed(span, &text, style);
                if self.expects_key() {
                    let content = if style == ScalarStyle::Plain { resolve(&text) } else { text_of(&text) };
                    self.key(&text, &content, style, span, is_refused);
                } else {
                    let content = match style {
                        _ if is_refused => Content::Broken,
                        ScalarStyle::Plain => resolve(&text),
                        _ => text_of(&text),
                    };
                    self.value(content, span);
                }
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_properties(anchor, tag.is_some(), span);
                self.open(span, OpenContent::List(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_properties(anchor, tag.is_some(), span);
                let content = OpenContent::Object { members: Vec::new(), keys: HashMap::new(), next: None };
                self.open(span, content)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(_) => self.alias(span),
            _ => (),
        }
        Ok(())
    }

    fn place(&self, span: Span) -> Place {
        Place::new(self.file, span.range())
    }

    fn open(&mut self, span: Span, content: OpenContent) -> Result<(), Mistake> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(self.place(Span::new(span.start()..span.start()))));
        }
        let content = if self.expects_key() {
            let mistake = Mistake::new("key_not_text", "a list or an object cannot be a key").at(self.place(span));
            self.mistakes.push(mistake.hint("a key is a text"));
            OpenContent::Key
        } else if matches!(self.open.last(), Some(Open { content: OpenContent::Key, .. })) {
            OpenContent::Key
        } else {
            content
        };
        self.open.push(Open { start: span.start(), end: span.end(), content });
        Ok(())
    }

    fn close(&mut self, span: Span) {
        let Some(open) = self.open.pop() else { return };
        // A list or an object in brackets ends with its bracket, another one with its last value.
        let end = if span.is_empty() { open.end } else { span.end() };
        let span = Span::new(open.start..end.max(open.start));
        match open.content {
            OpenContent::List(items) => self.value(Content::List(items), span),
            OpenContent::Object { members, .. } => self.value(Content::Object(members), span),
            OpenContent::Key => self.refused_key(span),
        }
    }

    fn alias(&mut self, span: Span) {
        let is_merged = matches!(self.next_key(), Some(Key { fate: Fate::Merged, .. }));
        if !is_merged {
            let mistake = Mistake::new("alias", "anchors and aliases are not read").at(self.place(span));
            self.mistakes.push(mistake.hint("write the value out"));
        }
        if self.expects_key() { self.refused_key(span) } else { self.value(Content::Broken, span) }
    }

    fn value(&mut self, content: Content, span: Span) {
        let file = self.file.order();
        let Some(open) = self.open.last_mut() else {
            let is_empty = span.is_empty() && matches!(content, Content::Scalar(Value::Null));
            if !is_empty {
                self.roots.push(Node { file, span, key: None, content });
            }
            return;
        };
        open.end = open.end.max(span.end());
        match &mut open.content {
            OpenContent::List(items) => items.push(Node { file, span, key: None, content }),
            OpenContent::Object { members, next, .. } => {
                if let Some(key) = next.take()
                    && key.fate == Fate::Keep
                {
                    members.push((key.name, Node { file, span, key: Some(key.span), content }));
                }
            }
            OpenContent::Key => (),
        }
    }

    /// Anchors and tags stand before their value. Returns whether there are any.
    fn refuse_properties(&mut self, anchor: usize, is_tagged: bool, span: Span) -> bool {
        if anchor == 0 && !is_tagged {
            return false;
        }
        // A file may be full of them without a blank between: only the beginning is looked at.
        let rest = self.text.get(span.start()..).unwrap_or_default();
        let beginning = &rest[..rest.floor_char_boundary(LONGEST_PROPERTY)];
        let length = beginning.find([' ', '\t', '\n', '\r', ',', '[', ']', '{', '}']).unwrap_or(beginning.len());
        let place = self.place(Span::new(span.start()..span.start() + length));
        let mistake = if is_tagged {
            Mistake::new("tag", "tags are not read").hint("quote the value if it is a text, and leave the tag out")
        } else {
            Mistake::new("alias", "anchors and aliases are not read").hint("leave the anchor out")
        };
        self.mistakes.push(mistake.at(place));
        true
    }

    /// The parser reads `|` and `>` in brackets as the beginning of a plain text, where YAML allows none.
    fn refuse_indicator(&mut self, text: &str, span: Span) -> bool {
        let is_refused = text.starts_with(['|', '>']);
        if is_refused {
            let place = self.place(Span::new(span.start()..span.start() + 1));
            let mistake = Mistake::new("yaml_syntax", "a block text cannot stand in brackets").at(place);
            self.mistakes.push(mistake.hint("write the text in double quotes"));
        }
        is_refused
    }

    /// Where a scalar stands, without what the parser counts with it: blanks behind a quote, and blank lines.
    fn trimmed(&self, span: Span, text: &str, style: ScalarStyle) -> Span {
        if style == ScalarStyle::Plain && text.is_empty() {
            return Span::new(span.start()..span.start());
        }
        let written = self.text.get(span.range()).unwrap_or_default();
        let length = written.trim_end_matches([' ', '\t', '\n', '\r']).len();
        // A plain text never ends with a colon that stands before its value, and a block never with a blank line.
        Span::new(span.start()..span.start() + length)
    }

    fn syntax(&self, error: &ScanError) -> Mistake {
        let info = error.info();
        let at = self.places.offset(error.marker().index());
        if info.contains("recursion limit") {
            return too_deep(Place::new(self.file, at..at));
        }
        if info.contains("tab")
            && let Some(tab) = self.tab_near(at)
        {
            let mistake = Mistake::new("tab", "a tab indents this line").at(Place::new(self.file, tab..tab + 1));
            return mistake.hint("YAML is indented by spaces");
        }
        // At the end of the file there is nothing to underline: its last line is shown.
        let at = if at >= self.text.len() { self.text.trim_end().len() } else { at };
        let sign = self.text[at..].chars().next().filter(|sign| !sign.is_whitespace());
        let place = Place::new(self.file, at..at + sign.map_or(0, char::len_utf8));
        let mistake = Mistake::new("yaml_syntax", format!("is not YAML: {info}")).at(place);
        match self.pair_behind(at).filter(|_| info.contains("escape code")) {
            Some((written, character)) => {
                let code = u32::from(character);
                mistake.hint(format!("{written} is a character in JSON only; in YAML it is \\U{code:08x}"))
            }
            None => mistake,
        }
    }

    /// The first two escape sequences behind a place that are one character in JSON (UTF-16), and the character.
    fn pair_behind(&self, at: usize) -> Option<(&str, char)> {
        const LENGTH: usize = "\\ud83d\\ude00".len();
        let rest = self.text.get(at..)?;
        rest.match_indices("\\u").find_map(|(start, _)| {
            let written = rest.get(start..start + LENGTH).filter(|written| written.is_ascii())?;
            let unit = |digits: &str| u16::from_str_radix(digits, 16).ok();
            let (first, second) = (unit(&written[2..6])?, unit(written[6..].strip_prefix("\\u")?)?);
            let character = char::decode_utf16([first, second]).next()?.ok()?;
            (!(0..0x1_0000).contains(&u32::from(character))).then_some((written, character))
        })
    }

    /// A tab in the indentation of the line where an error was noticed, or of the next one.
    fn tab_near(&self, at: usize) -> Option<usize> {
        let line = self.file.line_at(at).1;
        let next = self.file.line_at((line.end + 2).min(self.text.len())).1;
        let next = if self.text[line.end..].starts_with("\r\n") {
            next
        } else {
            self.file.line_at((line.end + 1).min(self.text.len())).1
        };
        [line, next].into_iter().find_map(|line| {
            let written = &self.text[line.clone()];
            let indentation = written.len() - written.trim_start_matches([' ', '\t']).len();
            written[..indentation].find('\t').map(|tab| line.start + tab)
        })
    }
}

fn text_of(text: &str) -> Content {
    Content::Scalar(Value::from(text))
}

pub(crate) fn too_deep(place: Place) -> Mistake {
    Mistake::new("too_deep", format!("more than {MAX_DEPTH} lists and objects are in each other")).at(place)
}

/// YAML is made of printable characters; the parser would take a few of the others for the end of the text.
fn refuse_control_characters(file: &Arc<File>, text: &str, mistakes: &mut Mistakes) -> bool {
    let is_allowed = |sign: char| {
        matches!(sign, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
            || sign >= '\u{10000}'
    };
    let mut any = false;
    for (at, sign) in text.char_indices().filter(|(_, sign)| !is_allowed(*sign)).take(MAX_MISTAKES) {
        any = true;
        let code = u32::from(sign);
        let mistake = Mistake::new("control_character", format!("the character U+{code:04X} cannot be in YAML"));
        let mistake = mistake.at(Place::new(file, at..at + sign.len_utf8()));
        mistakes.push(mistake.hint(format!("in double quotes it can be written \\u{code:04x}")));
    }
    any
}
