//! Decoding JSON objects into drafts, with everything that is wrong with their shape.

use prediction_domain::model::{Path, Sent, Submission, ValueProblem, Violation, ViolationCode, nearest};

use crate::problem::Problem;
use crate::request::{Body, ParsedBody};
use crate::strict_json::{Json, Members};

/// Decodes a body that has to be an object. Anything else that is wrong is carried along in the submission.
pub(crate) fn decode<T>(body: &Body, decode: impl FnOnce(&mut Fields<'_>) -> T) -> Result<Submission<T>, Problem> {
    let ParsedBody { value, mut violations } = body.parse()?;
    match Fields::read(&value, Path::root(), &mut violations, decode) {
        Sent::Given(content) => Ok(Submission { content, violations }),
        _ => Err(Body::not_an_object(wrong_type("an object", &value).at(Path::root()))),
    }
}

/// The members of one object. Each accessor declares a member; what is there and was not declared is unknown.
pub(crate) struct Fields<'a> {
    path: Path,
    object: &'a Members<'a>,
    declared: Vec<&'static str>,
    violations: &'a mut Vec<Violation>,
}

impl<'a> Fields<'a> {
    /// Reads a value that has to be an object, and reports it when it is not. `null` is left to the domain to judge.
    fn read<T>(
        value: &'a Json<'a>,
        path: Path,
        violations: &'a mut Vec<Violation>,
        decode: impl FnOnce(&mut Fields<'_>) -> T,
    ) -> Sent<T> {
        match value {
            Json::Object(object) => {
                let mut fields = Fields { path, object, declared: Vec::new(), violations };
                let decoded = decode(&mut fields);
                fields.report_unknown();
                Sent::Given(decoded)
            }
            Json::Null => Sent::Null,
            other => {
                violations.push(wrong_type("an object", other).at(path));
                Sent::Unreadable
            }
        }
    }

    /// A member that is text.
    pub(crate) fn text(&mut self, name: &'static str) -> Sent<String> {
        self.scalar(name, "a string", |value| value.as_str().map(str::to_owned))
    }

    /// A member that is true or false.
    pub(crate) fn flag(&mut self, name: &'static str) -> Sent<bool> {
        self.scalar(name, "true or false", Json::as_bool)
    }

    /// A member that is a whole number, however it is written: `720`, `720.0` and `7.2e2` are one number. What is larger
    /// than an `i128` stands for the largest one; every limit is far below.
    pub(crate) fn whole_number(&mut self, name: &'static str) -> Sent<i128> {
        self.scalar(name, "a whole number", whole_number)
    }

    /// A member that is a number. JSON has none that are not finite.
    pub(crate) fn number(&mut self, name: &'static str) -> Sent<f64> {
        self.scalar(name, "a number", Json::as_f64)
    }

    /// A member that is an object.
    pub(crate) fn object<T>(&mut self, name: &'static str, decode: impl FnOnce(&mut Fields<'_>) -> T) -> Sent<T> {
        self.declared.push(name);
        match self.object.get(name) {
            None => Sent::Absent,
            Some(value) => Fields::read(value, self.path.member(name), self.violations, decode),
        }
    }

    /// A member that is a list of objects.
    pub(crate) fn objects<T>(
        &mut self,
        name: &'static str,
        decode: impl Fn(&mut Fields<'_>) -> T,
    ) -> Sent<Vec<Sent<T>>> {
        self.declared.push(name);
        let path = self.path.member(name);
        match self.object.get(name) {
            None => Sent::Absent,
            Some(Json::Null) => Sent::Null,
            Some(Json::Array(items)) => Sent::Given(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| Fields::read(item, path.index(index), self.violations, &decode))
                    .collect(),
            ),
            Some(other) => {
                self.violations.push(wrong_type("a list", other).at(path));
                Sent::Unreadable
            }
        }
    }

    /// A member that is a list of so many objects at the most. The items of a longer one
    /// are not read: its length is what is wrong with it.
    pub(crate) fn some_objects<T>(
        &mut self,
        name: &'static str,
        most: usize,
        decode: impl Fn(&mut Fields<'_>) -> T,
    ) -> Sent<Vec<Sent<T>>> {
        match self.object.get(name) {
            Some(Json::Array(items)) if items.len() > most => {
                self.declared.push(name);
                Sent::Given(items.iter().map(|_| Sent::Unreadable).collect())
            }
            _ => self.objects(name, decode),
        }
    }

    /// Members that answers have and requests may repeat, with whatever value.
    pub(crate) fn computed(&mut self, names: &[&'static str]) {
        self.declared.extend(names);
    }

    /// Reports that two members contradict each other.
    pub(crate) fn report(&mut self, name: &'static str, problem: ValueProblem) {
        self.violations.push(problem.at(self.path.member(name)));
    }

    fn scalar<T>(
        &mut self,
        name: &'static str,
        wanted: &'static str,
        read: impl FnOnce(&Json<'a>) -> Option<T>,
    ) -> Sent<T> {
        self.declared.push(name);
        match self.object.get(name) {
            None => Sent::Absent,
            Some(Json::Null) => Sent::Null,
            Some(value) => match read(value) {
                Some(read) => Sent::Given(read),
                None => {
                    self.violations.push(wrong_type(wanted, value).at(self.path.member(name)));
                    Sent::Unreadable
                }
            },
        }
    }

    fn report_unknown(&mut self) {
        /// More of them tell nobody more.
        const MOST: usize = 100;
        let unknown = self.object.names().filter(|name| !self.declared.contains(name));
        for name in unknown.take(MOST) {
            let problem = ValueProblem::new(ViolationCode::UnknownMember, "is not a member of this object");
            let problem = match nearest(name, self.declared.iter().copied()) {
                Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
                None => problem.expected(self.declared.clone()),
            };
            self.violations.push(problem.at(self.path.member(name.to_owned())));
        }
    }
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
