//! JSON read strictly (RFC 8259), for request bodies and for the parts of a token.
//!
//! What lenient readers let pass in silence is where two programs come to read one text differently. So the text is
//! UTF-8 without a byte order mark, is one value and nothing after it, has no number that a double cannot hold, and is
//! nested to a bounded depth; and a member that stands twice in one object is noticed, together with its place, so that
//! the caller can refuse it as it sees fit.

mod document;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use prediction_domain::model::Path;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, de};

use document::{Document, Span, Stored};
pub use document::{Items, Json, Members};

/// How many objects and arrays can be nested in each other: `serde_json`'s limit, which keeps its recursion off the
/// end of the stack.
pub const MAX_DEPTH: usize = 127;

/// The most repeated members that are reported. More would tell the caller nothing more, and each costs the length of
/// its path.
pub const MAX_REPORTED_DUPLICATES: usize = 100;

/// The most bytes of member names in a reported path. Without it, a body of a megabyte that nests many duplicates below
/// one very long name would be answered with gigabytes.
const MAX_PATH_BYTES: usize = 1024;

/// A JSON text that was read.
#[derive(Debug, Clone)]
pub struct Parsed<'a> {
    document: Document<'a>,
    /// Where a member stands more than once in its object: each place once, at most [`MAX_REPORTED_DUPLICATES`]. A
    /// place whose path would be very long is given as that of the object around it.
    pub duplicates: Vec<Path>,
}

impl Parsed<'_> {
    /// The value. Of a repeated member it has the last occurrence.
    #[must_use]
    pub fn value(&self) -> Json<'_> {
        self.document.value(0)
    }

    /// Whether the text has more values than were to be kept. Then the last ones are not there, and of all that is
    /// there only [`Items::count`] is as in the text.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.document.is_cut()
    }
}

/// A text that is not JSON, or not JSON that can be accepted. The message quotes nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line}, column {column}")]
pub struct StrictJsonError {
    /// What is wrong.
    pub message: String,
    /// The line where it was noticed, counted from 1.
    pub line: usize,
    /// The byte in that line where it was noticed, counted from 1; 0 stands for the end of the line before.
    pub column: usize,
}

/// Reads one JSON value.
///
/// ```
/// use prediction_domain::model::Path;
/// use prediction_strict_json as strict_json;
///
/// let parsed = strict_json::parse(br#"{"job": {"name": "a", "name": "b"}}"#)?;
/// assert_eq!(parsed.duplicates, [Path::of("job").member("name")]);
///
/// assert_eq!(strict_json::parse(b"[1,]").unwrap_err().to_string(), "trailing comma at line 1, column 4");
/// # Ok::<(), strict_json::StrictJsonError>(())
/// ```
pub fn parse(bytes: &[u8]) -> Result<Parsed<'_>, StrictJsonError> {
    parse_some(bytes, usize::MAX)
}

/// Reads one JSON value, and keeps so many of the values that it consists of.
pub fn parse_some(bytes: &[u8], most: usize) -> Result<Parsed<'_>, StrictJsonError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| StrictJsonError::after(&bytes[..error.valid_up_to()], "the text is not UTF-8"))?;
    if text.starts_with('\u{feff}') {
        return Err(StrictJsonError::after(&[], "the text begins with a byte order mark"));
    }
    if text.len() >= document::LONGEST {
        return Err(StrictJsonError::after(&[], "the text is too long"));
    }
    let mut reading = Reading { document: Document::of(text, most.max(1)), duplicates: Duplicates::default() };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Node { place: &Place::Root, name: Span::NONE, reading: &mut reading }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(Parsed { document: reading.document, duplicates: reading.duplicates.into_paths() })
}

impl StrictJsonError {
    /// An error at the byte that follows these.
    fn after(accepted: &[u8], message: &str) -> Self {
        let line = accepted.split(|byte| *byte == b'\n');
        let (lines, last) = line.fold((0, 0), |(lines, _), line| (lines + 1, line.len()));
        Self { message: message.to_owned(), line: lines, column: last + 1 }
    }
}

impl From<serde_json::Error> for StrictJsonError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let message = match text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text) {
            _ if error.is_eof() => "the text ends before its value does".to_owned(),
            "recursion limit exceeded" => format!("the value is nested deeper than {MAX_DEPTH} levels"),
            message => message.to_owned(),
        };
        Self { message, line, column }
    }
}

/// The place of a value, as a list on the stack from the value outwards: a path is only built for a duplicate.
enum Place<'a> {
    Root,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// As much of the path as fits.
    fn path(&self) -> Path {
        self.path_within(&mut { MAX_PATH_BYTES })
    }

    fn path_within(&self, budget: &mut usize) -> Path {
        match self {
            Self::Root => Path::root(),
            Self::Item(parent, index) => {
                let path = parent.path_within(budget);
                if *budget == 0 { path } else { path.index(*index) }
            }
            Self::Member(parent, name) => {
                let path = parent.path_within(budget);
                match budget.checked_sub(name.len()) {
                    Some(rest) if *budget > 0 => {
                        *budget = rest;
                        path.member((*name).to_owned())
                    }
                    _ => {
                        *budget = 0;
                        path
                    }
                }
            }
        }
    }
}

#[derive(Default)]
struct Duplicates(Vec<Path>);

impl Duplicates {
    fn report(&mut self, place: &Place<'_>) {
        if self.0.len() < MAX_REPORTED_DUPLICATES {
            self.0.push(place.path());
        }
    }

    fn into_paths(mut self) -> Vec<Path> {
        let mut seen = BTreeSet::new();
        self.0.retain(|path| seen.insert(path.clone()));
        self.0
    }
}

/// What was read so far.
struct Reading<'de> {
    document: Document<'de>,
    duplicates: Duplicates,
}

impl Reading<'_> {
    /// Of members of one name in an object that was read, leaves the last one.
    fn find_duplicates(&mut self, object: u32, place: &Place<'_>) {
        /// Up to so many names it is quicker to compare all with all.
        const FEW: usize = 16;
        let mut members = [0; FEW];
        let mut count = 0;
        for member in self.document.children(object) {
            if count == FEW {
                return self.find_duplicates_among_many(object, place);
            }
            members[count] = member;
            count += 1;
        }
        for (index, earlier) in members[..count].iter().enumerate() {
            let name = self.document.name(*earlier);
            if members[index + 1..count].iter().any(|later| self.document.name(*later) == name) {
                self.duplicate(*earlier, place);
            }
        }
    }

    fn find_duplicates_among_many(&mut self, object: u32, place: &Place<'_>) {
        let mut members: Vec<u32> = self.document.children(object).collect();
        // By name, and those of one name in the order of the text.
        members.sort_by(|a, b| self.document.name(*a).cmp(self.document.name(*b)));
        let earlier = members.windows(2).filter(|pair| self.document.name(pair[0]) == self.document.name(pair[1]));
        let mut earlier: Vec<u32> = earlier.map(|pair| pair[0]).collect();
        earlier.sort_unstable();
        for member in earlier {
            self.duplicate(member, place);
        }
    }

    fn duplicate(&mut self, earlier: u32, place: &Place<'_>) {
        self.duplicates.report(&Place::Member(place, self.document.name(earlier)));
        self.document.forget_name(earlier);
    }
}

/// Reads the value at a place.
struct Node<'p, 'r, 'de> {
    place: &'p Place<'p>,
    name: Span,
    reading: &'r mut Reading<'de>,
}

impl Node<'_, '_, '_> {
    fn push(self, value: Stored) {
        self.reading.document.push(self.name, value);
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.push(Stored::Null);
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.push(Stored::Bool(value));
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.push(Stored::Signed(value));
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.push(Stored::Unsigned(value));
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        if !value.is_finite() {
            return Err(E::custom("number out of range"));
        }
        self.push(Stored::Float(value));
        Ok(())
    }

    fn visit_borrowed_str<E: de::Error>(self, value: &'de str) -> Result<(), E> {
        let text = self.reading.document.borrowed(value);
        self.push(Stored::Text(text));
        Ok(())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        let text = self.reading.document.keep(value);
        self.push(Stored::Text(text));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let Self { place, name, reading } = self;
        let list = reading.document.push(name, Stored::Null);
        let mut items = 0;
        loop {
            let place = Place::Item(place, items);
            if access.next_element_seed(Node { place: &place, name: Span::NONE, reading })?.is_none() {
                break;
            }
            items += 1;
        }
        if let Some(list) = list {
            let (end, items) = (reading.document.len(), u32::try_from(items).unwrap_or(u32::MAX));
            reading.document.set(list, Stored::Array { end, items });
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let Self { place, name, reading } = self;
        let object = reading.document.push(name, Stored::Null);
        while let Some(name) = access.next_key_seed(Text)? {
            let place = Place::Member(place, &name);
            let name = match &name {
                Cow::Borrowed(name) => reading.document.borrowed(name),
                Cow::Owned(name) => reading.document.keep(name),
            };
            access.next_value_seed(Node { place: &place, name, reading })?;
        }
        if let Some(object) = object {
            let end = reading.document.len();
            reading.document.set(object, Stored::Object { end });
            reading.find_duplicates(object, place);
        }
        Ok(())
    }
}

/// Reads text, from where it stands if nothing in it is escaped.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_str<E: de::Error>(self, value: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

#[cfg(test)]
mod tests;
