//! Values that know where they stand.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::{Map, Value};

use crate::mistake::Mistake;

/// The most bytes that are underlined of the first member of an item.
const LONGEST_HEAD: usize = 300;

/// Where something stands in its file. A file is shorter than 4 GiB by far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn new(range: Range<usize>) -> Self {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { start: number(range.start), end: number(range.end) }
    }

    pub(crate) fn start(self) -> usize {
        self.start as usize
    }

    pub(crate) fn end(self) -> usize {
        self.end as usize
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start()..self.end()
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// The index of its file.
    pub(crate) file: usize,
    pub(crate) span: Span,
    /// Where its name stands, when it is a member.
    pub(crate) key: Option<Span>,
    pub(crate) content: Content,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// A text, number, boolean or null.
    Scalar(Value),
    /// A date without quotes: a text, but other programs read it as something else.
    Date(String),
    /// A scalar that cannot be kept, and why.
    Refused(Refusal),
    /// What was refused already.
    Broken,
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// Why a scalar cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    LeadingZero,
    Underscore,
    TooLarge,
    TooSmall,
    NotFinite,
}

impl Node {
    pub(crate) fn to_value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::Date(text) => Value::String(text.clone()),
            Content::Refused(_) | Content::Broken => Value::Null,
            Content::List(items) => items.iter().map(Self::to_value).collect(),
            Content::Object(members) => {
                Value::Object(members.iter().map(|(name, node)| (name.clone(), node.to_value())).collect::<Map<_, _>>())
            }
        }
    }

    /// Whether two values are different, as far as both could be read. It takes as long as the smaller one is large.
    pub(crate) fn differs(&self, other: &Self) -> bool {
        match (&self.content, &other.content) {
            (Content::Refused(_) | Content::Broken, _) | (_, Content::Refused(_) | Content::Broken) => false,
            (Content::List(items), Content::List(others)) => {
                items.len() != others.len() || items.iter().zip(others).any(|(item, other)| item.differs(other))
            }
            (Content::Object(members), Content::Object(others)) => {
                let others: HashMap<&str, &Self> = others.iter().map(|(name, node)| (name.as_str(), node)).collect();
                members.len() != others.len()
                    || members
                        .iter()
                        .any(|(name, node)| others.get(name.as_str()).is_none_or(|other| node.differs(other)))
            }
            (Content::Scalar(value), Content::Scalar(other)) => value != other,
            (Content::Date(text), Content::Date(other)) => text != other,
            (Content::Date(text), Content::Scalar(value)) | (Content::Scalar(value), Content::Date(text)) => {
                value.as_str() != Some(text.as_str())
            }
            _ => true,
        }
    }

    /// Whether all of it could be read.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.content {
            Content::Scalar(_) | Content::Date(_) => true,
            Content::Refused(_) | Content::Broken => false,
            Content::List(items) => items.iter().all(Self::is_whole),
            Content::Object(members) => members.iter().all(|(_, node)| node.is_whole()),
        }
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        match &self.content {
            Content::Object(members) => members.iter().find(|(other, _)| other == name).map(|(_, node)| node),
            // As RFC 6901 has it: without leading zeros and without a sign.
            Content::List(items) if name == "0" || name.starts_with(|first: char| matches!(first, '1'..='9')) => {
                items.get(name.parse::<usize>().ok()?)
            }
            _ => None,
        }
    }

    /// What is underlined for it: a scalar, or the beginning of what is larger.
    pub(crate) fn head(&self, text: &str) -> Span {
        match &self.content {
            Content::List(_) | Content::Object(_) => {
                if let Some(key) = self.key {
                    key
                } else {
                    self.first(text)
                }
            }
            _ if self.span.is_empty() => self.key.unwrap_or(self.span),
            _ => self.span,
        }
    }

    /// The beginning of an item: its first member, if that fits in a line.
    pub(crate) fn first(&self, text: &str) -> Span {
        match &self.content {
            Content::Object(members) => match members.first() {
                Some((_, Self { key: Some(key), span, content, .. })) => {
                    let is_scalar = !matches!(content, Content::List(_) | Content::Object(_)) && !span.is_empty();
                    let whole = key.start()..span.end();
                    // No line is so long that it would be shown; many notes may lead to the same one.
                    let is_short = whole.len() <= LONGEST_HEAD;
                    let is_one_line =
                        is_short && text.get(whole.clone()).is_some_and(|text| !text.contains(['\n', '\r']));
                    if is_scalar && is_one_line { Span::new(whole) } else { *key }
                }
                _ => self.span,
            },
            Content::List(items) if !items.is_empty() => {
                let first = text.get(self.span.start()..).and_then(|text| text.chars().next());
                Span::new(self.span.start()..self.span.start() + first.map_or(0, char::len_utf8))
            }
            _ => self.span,
        }
    }
}

impl Refusal {
    /// What to tell about a scalar that was written so.
    pub(crate) fn mistake(self, written: &str) -> Mistake {
        let quoted = Value::from(written);
        match self {
            Self::LeadingZero => {
                let digits = written.trim_start_matches(['+', '-', '0']);
                let sign = if written.starts_with('-') { "-" } else { "" };
                let digits = if digits.is_empty() { "0" } else { digits };
                Mistake::new("ambiguous_number", format!("{written} could be decimal, octal or a text"))
                    .hint(format!("write {sign}{digits} for the number, 0o… for octal, or {quoted} for the text"))
            }
            Self::Underscore => {
                let digits = written.replace('_', "");
                Mistake::new("ambiguous_number", format!("{written} could be a number or a text"))
                    .hint(format!("write {digits} for the number, or {quoted} for the text"))
            }
            Self::TooLarge => Mistake::new("number_out_of_range", format!("{written} is too large to be kept exactly"))
                .hint(format!("quote it, if it is a text: {quoted}")),
            Self::TooSmall => Mistake::new("number_out_of_range", format!("{written} is too near to 0 to be kept"))
                .hint(format!("write 0, or quote it, if it is a text: {quoted}")),
            Self::NotFinite => Mistake::new("not_a_number", format!("{written} is a number that JSON does not have"))
                .hint(format!("quote it, if it is a text: {quoted}")),
        }
    }
}
