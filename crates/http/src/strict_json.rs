//! JSON read strictly (RFC 8259), for request bodies and for the parts of a token.
//!
//! What lenient readers let pass in silence is where two programs come to read one text differently. So the text is
//! UTF-8 without a byte order mark, is one value and nothing after it, has no number that a double cannot hold, and is
//! nested to a bounded depth; and a member that stands twice in one object is noticed, together with its place, so that
//! the caller can refuse it as it sees fit.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt;

use prediction_domain::model::Path;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, de};
use serde_json::{Number, Value};

/// How many objects and arrays can be nested in each other: `serde_json`'s limit, which keeps its recursion off the
/// end of the stack.
pub const MAX_DEPTH: usize = 127;

/// The most repeated members that are reported. More of them tell nobody more, and each costs the length of its path.
pub const MAX_REPORTED_DUPLICATES: usize = 100;

/// The most bytes of member names in a reported path. Without it, a body of a megabyte that nests many duplicates below
/// one very long name would be answered with gigabytes.
const MAX_PATH_BYTES: usize = 1024;

/// A JSON value, which borrows from its text what stands there as it is meant.
///
/// A report has tens of thousands of small texts: as a [`Value`], each takes memory of its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number
    Number(Number),
    /// Text
    String(Cow<'a, str>),
    /// A list
    Array(Vec<Json<'a>>),
    /// An object
    Object(Members<'a>),
}

/// The members of an object, in the order of the text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Members<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl Json<'_> {
    /// The text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
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

impl<'a> Members<'a> {
    /// The member of that name. Each is looked at: objects that are meant well have few.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.0.iter().find(|member| member.0 == name).map(|member| &member.1)
    }

    /// The names of all.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }
}

impl From<Json<'_>> for Value {
    fn from(json: Json<'_>) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Bool(flag),
            Json::Number(number) => Self::Number(number),
            Json::String(text) => Self::String(text.into_owned()),
            Json::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Json::Object(Members(members)) => {
                Self::Object(members.into_iter().map(|(name, value)| (name.into_owned(), value.into())).collect())
            }
        }
    }
}

/// A JSON text that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed<'a> {
    /// The value. Of a repeated member it has the last occurrence.
    pub value: Json<'a>,
    /// Where a member stands more than once in its object: each place once, in the order of the text, from at most
    /// [`MAX_REPORTED_DUPLICATES`] repetitions. A place whose path would be very long is given as that of the object
    /// around it.
    pub duplicates: Vec<Path>,
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
/// use prediction_http::strict_json;
///
/// let parsed = strict_json::parse(br#"{"job": {"name": "a", "name": "b"}}"#)?;
/// assert_eq!(parsed.duplicates, [Path::of("job").member("name")]);
///
/// assert_eq!(strict_json::parse(b"[1,]").unwrap_err().to_string(), "trailing comma at line 1, column 4");
/// # Ok::<(), strict_json::StrictJsonError>(())
/// ```
pub fn parse(bytes: &[u8]) -> Result<Parsed<'_>, StrictJsonError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| StrictJsonError::after(&bytes[..error.valid_up_to()], "the text is not UTF-8"))?;
    if text.starts_with('\u{feff}') {
        return Err(StrictJsonError::after(&[], "the text begins with a byte order mark"));
    }
    let mut duplicates = Duplicates::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Node { place: &Place::Root, duplicates: &mut duplicates }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(Parsed { value, duplicates: duplicates.into_paths() })
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

/// Reads the value at a place.
struct Node<'a> {
    place: &'a Place<'a>,
    duplicates: &'a mut Duplicates,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Json<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Json<'de>, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_borrowed_str<E: de::Error>(self, value: &'de str) -> Result<Json<'de>, E> {
        Text.visit_borrowed_str(value).map(Json::String)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Json<'de>, E> {
        Text.visit_str(value).map(Json::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json<'de>, A::Error> {
        let mut items = Vec::new();
        loop {
            let place = Place::Item(self.place, items.len());
            match access.next_element_seed(Node { place: &place, duplicates: self.duplicates })? {
                Some(item) => items.push(item),
                None => return Ok(Json::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json<'de>, A::Error> {
        let mut members = Growing::default();
        while let Some(name) = access.next_key_seed(Text)? {
            let place = Place::Member(self.place, &name);
            let value = access.next_value_seed(Node { place: &place, duplicates: self.duplicates })?;
            match members.place(&name) {
                Some(index) => {
                    self.duplicates.report(&place);
                    members.members.0[index].1 = value;
                }
                None => members.push(name, value),
            }
        }
        Ok(Json::Object(members.members))
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

/// The members of an object that is being read.
#[derive(Default)]
struct Growing<'a> {
    members: Members<'a>,
    /// Where each is, once there are too many to look at each. Hashed with a secret, so that nobody can choose names that
    /// are all in one place.
    places: HashMap<Cow<'a, str>, usize>,
}

impl<'a> Growing<'a> {
    /// Up to so many names it is quicker to compare each.
    const FEW: usize = 16;

    fn place(&self, name: &str) -> Option<usize> {
        if self.places.is_empty() {
            self.members.names().position(|known| known == name)
        } else {
            self.places.get(name).copied()
        }
    }

    fn push(&mut self, name: Cow<'a, str>, value: Json<'a>) {
        let members = &mut self.members.0;
        members.push((name, value));
        if members.len() > Self::FEW {
            let known = self.places.len();
            self.places.extend(members.iter().enumerate().skip(known).map(|(index, (name, _))| (name.clone(), index)));
        }
    }
}

#[cfg(test)]
mod tests;
