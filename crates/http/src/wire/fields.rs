//! Decoding JSON objects into drafts, with everything that is wrong with their shape.

use prediction_domain::model::{
    Judge, ListLimit, Path, Sent, Submission, ValueProblem, Violation, ViolationCode, Violations,
};
use prediction_domain::use_cases::Refusal;

use crate::problem::{Problem, ProblemCode};
use prediction_strict_json::{self as strict_json, Json, Members};

/// The longest name of a member that is shown, in bytes: longer than any that there is.
const LONGEST_NAME: usize = 200;

/// Decodes a body that has to be an object, and have so many JSON values at the most. Anything else that is wrong is carried along in the
/// submission.
pub(crate) fn decode<T>(
    bytes: &[u8],
    most_values: usize,
    decode: impl FnOnce(&mut Fields<'_>) -> T,
) -> Result<Submission<T>, Problem> {
    let invalid = |detail: String| Problem::new(ProblemCode::InvalidJson).detail(detail);
    if bytes.is_empty() {
        return Err(invalid("the request body is empty".to_owned()));
    }
    let parsed = strict_json::parse_some(bytes, most_values)
        .map_err(|error| invalid(format!("the body is not JSON: {error}")))?;
    let mut judge = Judge::default();
    for path in &parsed.duplicates {
        let problem = ValueProblem::new(ViolationCode::DuplicateMember, "stands more than once in its object");
        judge.report(path.clone(), problem);
    }
    let value = parsed.value();
    match Fields::read(&value, Path::root(), &mut judge, decode) {
        Sent::Given(_) if parsed.is_cut() => Err(too_many_values(judge, most_values)),
        Sent::Given(content) => Ok(Submission { content, judge }),
        _ => Err(refused(wrong_type("an object", &value).at(Path::root()))),
    }
}

/// What is told of a body of which not all was kept: the lists that are too long, or else that it has too many values. What else seems
/// to be wrong with it, what is missing for instance, may stand in what was not kept.
fn too_many_values(judge: Judge, most: usize) -> Problem {
    let found = judge.into_violations().map(Violations::into_vec).unwrap_or_default();
    let lists = found.into_iter().filter(|violation| violation.code == ViolationCode::TooManyItems).collect();
    Violations::new(lists).map_or_else(
        || {
            let problem = ValueProblem::new(ViolationCode::TooManyValues, format!("has more than {most} JSON values"))
                .expected(format!("at most {most} values, each object, list and member counted"));
            refused(problem.at(Path::root()))
        },
        |lists| Refusal::Invalid(lists).into(),
    )
}

fn refused(violation: Violation) -> Problem {
    Refusal::Invalid(violation.into()).into()
}

/// The members of one object. Each accessor declares a member; what is there and was not declared is unknown.
pub(crate) struct Fields<'a> {
    path: Path,
    object: Members<'a>,
    declared: Vec<&'static str>,
    judge: &'a mut Judge,
}

impl<'a> Fields<'a> {
    /// Reads a value that has to be an object, and reports it when it is not. `null` is left to the domain to judge.
    fn read<T>(
        value: &Json<'a>,
        path: Path,
        judge: &'a mut Judge,
        decode: impl FnOnce(&mut Fields<'_>) -> T,
    ) -> Sent<T> {
        match value {
            Json::Object(object) => {
                let mut fields = Fields { path, object: *object, declared: Vec::new(), judge };
                let decoded = decode(&mut fields);
                fields.report_unknown();
                Sent::Given(decoded)
            }
            Json::Null => Sent::Null,
            other => {
                judge.report(path, wrong_type("an object", other));
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
            Some(value) => Fields::read(&value, self.path.member(name), self.judge, decode),
        }
    }

    /// A member that is a list of so many objects at the most. Of a longer one nothing is read: its length is what is wrong with it.
    pub(crate) fn objects<T>(
        &mut self,
        name: &'static str,
        limit: &ListLimit,
        decode: impl Fn(&mut Fields<'_>) -> T,
    ) -> Sent<Vec<Sent<T>>> {
        self.declared.push(name);
        let path = self.path.member(name);
        match self.object.get(name) {
            None => Sent::Absent,
            Some(Json::Null) => Sent::Null,
            Some(Json::Array(items)) => match limit.exceeded_by(items.count()) {
                Some(too_many) => {
                    self.judge.report(path, too_many);
                    Sent::Unreadable
                }
                None => {
                    let mut decoded = Vec::with_capacity(items.count());
                    for (index, item) in items.iter().enumerate() {
                        decoded.push(Fields::read(&item, path.index(index), self.judge, &decode));
                    }
                    Sent::Given(decoded)
                }
            },
            Some(other) => {
                self.judge.report(path, wrong_type("a list", &other));
                Sent::Unreadable
            }
        }
    }

    /// Members that answers have and requests may repeat, with whatever value.
    pub(crate) fn computed(&mut self, names: &[&'static str]) {
        self.declared.extend(names);
    }

    /// Reports that two members contradict each other.
    pub(crate) fn report(&mut self, name: &'static str, problem: ValueProblem) {
        self.judge.report(self.path.member(name), problem);
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
            Some(value) => match read(&value) {
                Some(read) => Sent::Given(read),
                None => {
                    self.judge.report(self.path.member(name), wrong_type(wanted, &value));
                    Sent::Unreadable
                }
            },
        }
    }

    fn report_unknown(&mut self) {
        const CODE: ViolationCode = ViolationCode::UnknownMember;
        for name in self.object.names().filter(|name| !self.declared.contains(name)) {
            if name.len() > LONGEST_NAME {
                let problem = ValueProblem::new(CODE, "has a member that does not exist");
                self.judge.report(self.path.clone(), problem.actual(excerpt(name)));
                continue;
            }
            let path = self.path.member(name.to_owned());
            if !self.judge.tells(&path, CODE) {
                self.judge.omit(1);
                continue;
            }
            let problem = ValueProblem::new(CODE, "is not a member of this object");
            let problem = match self.judge.nearest(name, self.declared.iter().copied()) {
                Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
                None => problem.expected(self.declared.clone()),
            };
            self.judge.report(path, problem);
        }
    }
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
