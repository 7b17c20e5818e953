//! A JSON text that was read, as one list.

use serde_json::{Number, Value};

/// A JSON text that was read: all its values in the order of the text, in one piece of memory. A value takes 24 bytes
/// and a text nothing unless something in it is escaped, so that what becomes of a text is a small multiple of it,
/// whatever is in it.
#[derive(Debug, Clone)]
pub(super) struct Document<'a> {
    text: &'a str,
    /// Texts that do not stand in the text as they are meant, one after the other.
    unescaped: String,
    nodes: Vec<Node>,
    /// How many values are kept.
    most: usize,
    is_cut: bool,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Its name, when it is a member.
    name: Span,
    value: Stored,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Stored {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Span),
    /// Its content stands behind it, up to this place; and how many items it has, also items that are not kept.
    Array {
        end: u32,
        items: u32,
    },
    Object {
        end: u32,
    },
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// With [`UNESCAPED`] if it is there.
    start: u32,
    length: u32,
}

const UNESCAPED: u32 = 1 << 31;

impl Span {
    /// No name: that of an item, of the text's one value, and of a member that stands once more behind it.
    pub(super) const NONE: Self = Self { start: u32::MAX, length: u32::MAX };
}

/// The longest text whose places can be written down.
pub(super) const LONGEST: usize = UNESCAPED as usize;

impl<'a> Document<'a> {
    pub(super) fn of(text: &'a str, most: usize) -> Self {
        // Each value takes two bytes of the text at least, so that this never grows. What is not used of it is only an
        // address.
        let nodes = Vec::with_capacity(most.min(text.len() / 2 + 1));
        Self { text, unescaped: String::new(), nodes, most, is_cut: false }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)
    }

    /// Adds a value, unless there are too many.
    pub(super) fn push(&mut self, name: Span, value: Stored) -> Option<u32> {
        if self.nodes.len() >= self.most {
            self.is_cut = true;
            return None;
        }
        let index = self.len();
        self.nodes.push(Node { name, value });
        Some(index)
    }

    /// Says what a value is that was added before what is in it.
    pub(super) fn set(&mut self, index: u32, value: Stored) {
        self.nodes[index as usize].value = value;
    }

    pub(super) fn forget_name(&mut self, index: u32) {
        self.nodes[index as usize].name = Span::NONE;
    }

    /// Where a piece of the text stands.
    pub(super) fn borrowed(&self, piece: &'a str) -> Span {
        let start = piece.as_ptr() as usize - self.text.as_ptr() as usize;
        Self::span(start, piece.len())
    }

    /// Keeps a text that stands nowhere as it is meant.
    pub(super) fn keep(&mut self, text: &str) -> Span {
        if self.nodes.len() >= self.most {
            return Span { start: UNESCAPED, length: 0 };
        }
        let start = self.unescaped.len();
        self.unescaped.push_str(text);
        let span = Self::span(start, text.len());
        Span { start: span.start | UNESCAPED, ..span }
    }

    fn span(start: usize, length: usize) -> Span {
        let number = |number: usize| u32::try_from(number).unwrap_or_else(|_| unreachable!("the text is shorter"));
        Span { start: number(start), length: number(length) }
    }

    pub(super) fn text_at(&self, span: Span) -> &str {
        let (text, start) = if span.start & UNESCAPED == 0 {
            (self.text, span.start)
        } else {
            (&*self.unescaped, span.start & !UNESCAPED)
        };
        &text[start as usize..start as usize + span.length as usize]
    }

    pub(super) fn name(&self, index: u32) -> &str {
        self.text_at(self.nodes[index as usize].name)
    }

    /// Where the values are that stand directly in what is at this place.
    pub(super) fn children(&self, index: u32) -> Children<'_, 'a> {
        let end = match self.nodes[index as usize].value {
            Stored::Array { end, .. } | Stored::Object { end } => end,
            _ => index,
        };
        Children { document: self, next: index + 1, end }
    }

    /// The value at a place.
    pub(super) fn value(&self, index: u32) -> Json<'_> {
        match self.nodes[index as usize].value {
            Stored::Null => Json::Null,
            Stored::Bool(flag) => Json::Bool(flag),
            Stored::Unsigned(number) => Json::Number(number.into()),
            Stored::Signed(number) => Json::Number(number.into()),
            Stored::Float(number) => Number::from_f64(number).map_or(Json::Null, Json::Number),
            Stored::Text(span) => Json::String(self.text_at(span)),
            Stored::Array { items, .. } => Json::Array(Items { document: self, index, count: items as usize }),
            Stored::Object { .. } => Json::Object(Members { document: self, index }),
        }
    }
}

/// The places of the values in an array or an object.
pub(super) struct Children<'d, 'a> {
    document: &'d Document<'a>,
    next: u32,
    end: u32,
}

impl Iterator for Children<'_, '_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.next >= self.end {
            return None;
        }
        let index = self.next;
        self.next = match self.document.nodes[index as usize].value {
            Stored::Array { end, .. } | Stored::Object { end } => end,
            _ => index + 1,
        };
        Some(index)
    }
}

/// A JSON value.
#[derive(Debug, Clone)]
pub enum Json<'d> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number
    Number(Number),
    /// Text
    String(&'d str),
    /// A list
    Array(Items<'d>),
    /// An object
    Object(Members<'d>),
}

/// The items of a list, in the order of the text.
#[derive(Debug, Clone, Copy)]
pub struct Items<'d> {
    document: &'d Document<'d>,
    index: u32,
    count: usize,
}

/// The members of an object, in the order of the text. Of members with the same name, the last one.
#[derive(Debug, Clone, Copy)]
pub struct Members<'d> {
    document: &'d Document<'d>,
    index: u32,
}

impl<'d> Json<'d> {
    /// The text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&'d str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// Whether it is true, if it is true or false.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(flag) = self { Some(*flag) } else { None }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Number(number) = self { number.as_f64() } else { None }
    }
}

impl<'d> Items<'d> {
    /// How many there are, also members that were not kept.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The items that were kept.
    pub fn iter(&self) -> impl Iterator<Item = Json<'d>> + use<'d> {
        let document = self.document;
        document.children(self.index).map(move |index| document.value(index))
    }
}

impl<'d> Members<'d> {
    /// The member of that name. Each is looked at: objects that are meant well have few.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Json<'d>> {
        self.named().find(|(other, _)| *other == name).map(|(_, index)| self.document.value(index))
    }

    /// The names of all.
    pub fn names(&self) -> impl Iterator<Item = &'d str> + use<'d> {
        self.named().map(|(name, _)| name)
    }

    fn named(&self) -> impl Iterator<Item = (&'d str, u32)> + use<'d> {
        let document = self.document;
        let children = document.children(self.index);
        children
            .filter(move |index| document.nodes[*index as usize].name != Span::NONE)
            .map(move |index| (document.name(index), index))
    }
}

impl From<Json<'_>> for Value {
    fn from(json: Json<'_>) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Bool(flag),
            Json::Number(number) => Self::Number(number),
            Json::String(text) => Self::String(text.to_owned()),
            Json::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Json::Object(members) => {
                let document = members.document;
                Self::Object(
                    members.named().map(|(name, index)| (name.to_owned(), document.value(index).into())).collect(),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_little() {
        assert_eq!(size_of::<Node>(), 24);
    }
}
