//! Decoding JSON objects into drafts, with everything that is wrong with their shape; and describing them by the same
//! code.

mod description;

use std::collections::BTreeMap;

use prediction_domain::model::{Diagnostics, ListLimit, MAX_WORD_CHARS, Path, ValueProblem, ViolationCode, Violations};
use prediction_domain::requests::{Sent, Submission};
use prediction_strict_json::{self as strict_json, Json, Members, StrictJsonError};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};

use crate::rules::Rule;

use description::{Description, list_schema, map_schema, object_schema, read_only_schema};

pub(crate) use description::reference;

/// The longest name of a member that is shown, in bytes: longer than any that exists.
const LONGEST_NAME: usize = 200;

/// The longest name of a member that a caller chooses, in bytes: that of a word with the longest characters.
const LONGEST_NAME_OF_CALLER: usize = 4 * MAX_WORD_CHARS;

/// The schemas of a document, by name.
pub type Schemas = BTreeMap<String, RefOr<Schema>>;

/// A request body that is no object of the wanted shape.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It has no bytes.
    #[error("the request body is empty")]
    Empty,
    /// It is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(#[from] StrictJsonError),
    /// It is another JSON value, or has more values than are read.
    #[error(transparent)]
    Invalid(#[from] Violations),
}

/// An object that requests consist of: what it is called, and how it is decoded.
#[derive(Debug)]
pub struct Shape<T: 'static> {
    /// The name of its schema.
    pub name: &'static str,
    /// What it is, for people.
    pub about: &'static str,
    /// Asks for every member. It is called to read an object, and to describe one: then every member is absent.
    pub members: fn(&mut Fields<'_>) -> T,
}

/// A shape, whatever it is decoded into.
pub trait Described: Sync {
    /// The name of its schema.
    fn name(&self) -> &'static str;

    /// Adds its schema and the schemas that it refers to.
    fn describe(&self, schemas: &mut Schemas);
}

impl<T> Described for Shape<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn describe(&self, schemas: &mut Schemas) {
        if schemas.contains_key(self.name) {
            return;
        }
        let mut description = Description { object: ObjectBuilder::new(), schemas: std::mem::take(schemas) };
        (self.members)(&mut Fields { mode: Mode::Describe(&mut description), declared: Vec::new() });
        *schemas = description.schemas;
        // Unknown members are refused.
        let closed = AdditionalProperties::FreeForm(false);
        let object = description.object.schema_type(Type::Object).description(Some(self.about));
        let object = object.additional_properties(Some(closed)).build();
        schemas.insert(self.name.to_owned(), RefOr::T(Schema::Object(object)));
    }
}

impl<T> Shape<T> {
    /// Decodes a body that has to be an object, and have so many JSON values at the most. Anything else that is wrong
    /// is carried along in the submission.
    pub fn decode(&self, bytes: &[u8], most_values: usize) -> Result<Submission<T>, BodyError> {
        if bytes.is_empty() {
            return Err(BodyError::Empty);
        }
        let parsed = strict_json::parse_some(bytes, most_values)?;
        let mut diagnostics = Diagnostics::default();
        for path in &parsed.duplicates {
            let problem = ValueProblem::new(ViolationCode::DuplicateMember, "stands more than once in its object");
            diagnostics.report(path.clone(), problem);
        }
        let value = parsed.value();
        match Fields::read(&value, Path::root(), &mut diagnostics, self.members) {
            Sent::Given(_) if parsed.is_cut() => Err(too_many_values(diagnostics, most_values).into()),
            Sent::Given(content) => Ok(Submission { content, diagnostics }),
            _ => Err(Violations::from(wrong_type("an object", &value).at(Path::root())).into()),
        }
    }
}

/// What is wrong with a body of which not all was kept: the lists that are too long, or else that it has too many
/// values. What else seems to be wrong with it, what is missing for instance, may stand in what was not kept.
fn too_many_values(diagnostics: Diagnostics, most: usize) -> Violations {
    let found = diagnostics.into_violations().map(Violations::into_vec).unwrap_or_default();
    let lists = found.into_iter().filter(|violation| violation.code == ViolationCode::TooManyItems).collect();
    Violations::new(lists).unwrap_or_else(|| {
        let problem = ValueProblem::new(ViolationCode::TooManyValues, format!("has more than {most} JSON values"))
            .expected(format!("at most {most} values, each object, list and member counted"));
        problem.at(Path::root()).into()
    })
}

/// A member that is an object, for its description.
#[derive(Debug, Clone, Copy, Default)]
pub struct Part {
    about: &'static str,
    is_required: bool,
}

impl Part {
    /// One that can be left out, or null.
    pub const OPTIONAL: Self = Self { about: "", is_required: false };
    /// One that has to be there.
    pub const REQUIRED: Self = Self { about: "", is_required: true };

    /// What it says, for people.
    #[must_use]
    pub const fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }
}

/// A member that is a list of objects.
#[derive(Debug, Clone, Copy)]
pub struct List {
    limit: &'static ListLimit,
    least: usize,
    about: &'static str,
    is_required: bool,
    is_nullable: bool,
}

impl List {
    /// One that has so many items at the most.
    #[must_use]
    pub const fn of(limit: &'static ListLimit) -> Self {
        Self { limit, least: 0, about: "", is_required: false, is_nullable: false }
    }

    /// It has an item at the least.
    #[must_use]
    pub const fn not_empty(self) -> Self {
        Self { least: 1, ..self }
    }

    /// It has to be there.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    /// It can be null.
    #[must_use]
    pub const fn nullable(self) -> Self {
        Self { is_nullable: true, ..self }
    }

    /// What it says, for people.
    #[must_use]
    pub const fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }
}

/// A member that answers have, and that requests may repeat with whatever value.
#[derive(Debug, Clone, Copy)]
pub enum ReadOnly {
    /// A simple value.
    Value(Rule),
    /// An object of this schema.
    One(&'static str),
    /// A list of objects of this schema.
    List(&'static str),
}

/// The members of one object. Each accessor declares a member; what is there and was not declared is unknown.
pub struct Fields<'a> {
    mode: Mode<'a>,
    declared: Vec<&'static str>,
}

enum Mode<'a> {
    Read { path: Path, object: Members<'a>, diagnostics: &'a mut Diagnostics },
    Describe(&'a mut Description),
}

impl<'a> Fields<'a> {
    /// Reads a value that has to be an object, and reports it when it is not. `null` is left to the domain to judge.
    fn read<T>(
        value: &Json<'a>,
        path: Path,
        diagnostics: &'a mut Diagnostics,
        members: fn(&mut Fields<'_>) -> T,
    ) -> Sent<T> {
        match value {
            Json::Object(object) => {
                let mode = Mode::Read { path, object: *object, diagnostics };
                let mut fields = Fields { mode, declared: Vec::new() };
                let decoded = members(&mut fields);
                fields.report_unknown();
                Sent::Given(decoded)
            }
            Json::Null => Sent::Null,
            other => {
                diagnostics.report(path, wrong_type("an object", other));
                Sent::Unreadable
            }
        }
    }

    /// A member that is text.
    pub fn text(&mut self, name: &'static str, rule: Rule) -> Sent<String> {
        self.scalar(name, rule, "a string", text)
    }

    /// A member that is true or false.
    pub fn flag(&mut self, name: &'static str, rule: Rule) -> Sent<bool> {
        self.scalar(name, rule, "true or false", Json::as_bool)
    }

    /// A member that is a whole number, however it is written: `720`, `720.0` and `7.2e2` are one number. What is
    /// larger than an `i128` stands for the largest one; every limit is far below.
    pub fn whole_number(&mut self, name: &'static str, rule: Rule) -> Sent<i128> {
        self.scalar(name, rule, "a whole number", whole_number)
    }

    /// A member that is a number. JSON has none that are not finite.
    pub fn number(&mut self, name: &'static str, rule: Rule) -> Sent<f64> {
        self.scalar(name, rule, "a number", Json::as_f64)
    }

    /// A member that is an object.
    pub fn object<T>(&mut self, name: &'static str, part: Part, shape: &Shape<T>) -> Sent<T> {
        match &mut self.mode {
            Mode::Describe(description) => {
                shape.describe(&mut description.schemas);
                description.add(name, part.is_required, object_schema(shape.name, part));
                Sent::Absent
            }
            Mode::Read { path, object, diagnostics } => {
                self.declared.push(name);
                match object.get(name) {
                    None => Sent::Absent,
                    Some(value) => Fields::read(&value, path.member(name), diagnostics, shape.members),
                }
            }
        }
    }

    /// A member that is a list of objects. Of one that is too long nothing is read: its length is what is wrong with
    /// it.
    pub fn objects<T>(&mut self, name: &'static str, list: List, shape: &Shape<T>) -> Sent<Vec<Sent<T>>> {
        let describe = |schemas: &mut Schemas| {
            shape.describe(schemas);
            reference(shape.name)
        };
        self.list(name, list, describe, |item, path, diagnostics| Fields::read(item, path, diagnostics, shape.members))
    }

    /// A member that is a list of texts, likewise.
    pub fn texts(&mut self, name: &'static str, list: List, rule: Rule) -> Sent<Vec<Sent<String>>> {
        self.list(
            name,
            list,
            |_| rule.schema(),
            |item, path, diagnostics| scalar(item, path, diagnostics, "a string", text),
        )
    }

    /// A member that is an object whose members are texts, by names of the caller's. It can be null.
    pub fn texts_by_name(&mut self, name: &'static str, list: List, rule: Rule) -> Sent<Vec<(String, Sent<String>)>> {
        let (path, object, diagnostics) = match &mut self.mode {
            Mode::Describe(description) => {
                description.add(name, list.is_required, map_schema(rule.schema(), list));
                return Sent::Absent;
            }
            Mode::Read { path, object, diagnostics } => (path.member(name), object, diagnostics),
        };
        self.declared.push(name);
        let members = match object.get(name) {
            None => return Sent::Absent,
            Some(Json::Null) => return Sent::Null,
            Some(Json::Object(members)) => members,
            Some(other) => {
                diagnostics.report(path, wrong_type("an object", &other));
                return Sent::Unreadable;
            }
        };
        if let Some(too_many) = list.limit.exceeded_by(members.names().count()) {
            diagnostics.report(path, too_many);
            return Sent::Unreadable;
        }
        let mut decoded = Vec::new();
        for name in members.names() {
            if name.len() > LONGEST_NAME_OF_CALLER {
                let problem = ValueProblem::new(ViolationCode::TooLong, "has a member whose name is too long");
                diagnostics.report(path.clone(), problem.actual(excerpt(name)));
                continue;
            }
            let Some(value) = members.get(name) else { continue };
            decoded
                .push((name.to_owned(), scalar(&value, path.member(name.to_owned()), diagnostics, "a string", text)));
        }
        Sent::Given(decoded)
    }

    fn list<T>(
        &mut self,
        name: &'static str,
        list: List,
        describe: impl FnOnce(&mut Schemas) -> RefOr<Schema>,
        read: impl Fn(&Json<'a>, Path, &mut Diagnostics) -> Sent<T>,
    ) -> Sent<Vec<Sent<T>>> {
        let (path, object, diagnostics) = match &mut self.mode {
            Mode::Describe(description) => {
                let item = describe(&mut description.schemas);
                description.add(name, list.is_required, list_schema(item, list));
                return Sent::Absent;
            }
            Mode::Read { path, object, diagnostics } => (path.member(name), object, diagnostics),
        };
        self.declared.push(name);
        match object.get(name) {
            None => Sent::Absent,
            Some(Json::Null) => Sent::Null,
            Some(Json::Array(items)) => match list.limit.exceeded_by(items.count()) {
                Some(too_many) => {
                    diagnostics.report(path, too_many);
                    Sent::Unreadable
                }
                None => {
                    let mut decoded = Vec::with_capacity(items.count());
                    for (index, item) in items.iter().enumerate() {
                        decoded.push(read(&item, path.index(index), diagnostics));
                    }
                    Sent::Given(decoded)
                }
            },
            Some(other) => {
                diagnostics.report(path, wrong_type("a list", &other));
                Sent::Unreadable
            }
        }
    }

    /// A member that answers have and requests may repeat, with whatever value.
    pub fn read_only(&mut self, name: &'static str, what: ReadOnly) {
        match &mut self.mode {
            Mode::Describe(description) => description.add(name, false, read_only_schema(what)),
            Mode::Read { .. } => self.declared.push(name),
        }
    }

    /// Reports that two members contradict each other.
    pub fn report(&mut self, name: &'static str, problem: ValueProblem) {
        if let Mode::Read { path, diagnostics, .. } = &mut self.mode {
            diagnostics.report(path.member(name), problem);
        }
    }

    fn scalar<T>(
        &mut self,
        name: &'static str,
        rule: Rule,
        wanted: &'static str,
        read: impl FnOnce(&Json<'a>) -> Option<T>,
    ) -> Sent<T> {
        let (path, object, diagnostics) = match &mut self.mode {
            Mode::Describe(description) => {
                description.add(name, rule.is_required, rule.schema());
                return Sent::Absent;
            }
            Mode::Read { path, object, diagnostics } => (path, object, diagnostics),
        };
        self.declared.push(name);
        match object.get(name) {
            None => Sent::Absent,
            Some(value) => scalar(&value, path.member(name), diagnostics, wanted, read),
        }
    }

    fn report_unknown(self) {
        const CODE: ViolationCode = ViolationCode::UnknownMember;
        let Self { mode: Mode::Read { path, object, diagnostics }, declared } = self else { return };
        for name in object.names().filter(|name| !declared.contains(name)) {
            if name.len() > LONGEST_NAME {
                let problem = ValueProblem::new(CODE, "has a member that does not exist");
                diagnostics.report(path.clone(), problem.actual(excerpt(name)));
                continue;
            }
            let path = path.member(name.to_owned());
            if !diagnostics.tells(&path, CODE) {
                diagnostics.omit(1);
                continue;
            }
            let problem = ValueProblem::new(CODE, "is not a member of this object");
            let problem = match diagnostics.nearest(name, declared.iter().copied()) {
                Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
                None => problem.expected(declared.clone()),
            };
            diagnostics.report(path, problem);
        }
    }
}

fn scalar<'a, T>(
    value: &Json<'a>,
    path: Path,
    diagnostics: &mut Diagnostics,
    wanted: &'static str,
    read: impl FnOnce(&Json<'a>) -> Option<T>,
) -> Sent<T> {
    if matches!(value, Json::Null) {
        return Sent::Null;
    }
    match read(value) {
        Some(read) => Sent::Given(read),
        None => {
            diagnostics.report(path, wrong_type(wanted, value));
            Sent::Unreadable
        }
    }
}

fn text(value: &Json<'_>) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Enough of a text to recognise it.
fn excerpt(text: &str) -> String {
    text.chars().take(100).collect()
}

/// The problem of a value that is of another JSON type.
fn wrong_type(wanted: &'static str, value: &Json<'_>) -> ValueProblem {
    let actual = match value {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    };
    ValueProblem::new(ViolationCode::WrongType, format!("is not {wanted}")).expected(wanted).actual(actual)
}

#[expect(clippy::cast_possible_truncation, reason = "what is beyond i128 stands for its ends, far beyond every limit")]
fn whole_number(value: &Json<'_>) -> Option<i128> {
    let Json::Number(number) = value else { return None };
    if let Some(number) = number.as_i64() {
        return Some(i128::from(number));
    }
    if let Some(number) = number.as_u64() {
        return Some(i128::from(number));
    }
    number.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i128)
}
