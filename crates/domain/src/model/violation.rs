//! Everything that is wrong with a request, at once.

mod diagnostics;
mod nearest;

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use smallvec::SmallVec;

pub use diagnostics::{Diagnostics, MAX_VIOLATIONS, Violations};
pub use nearest::nearest;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where, in the request.
    pub path: Path,
    /// What kind of thing: stable, for programs.
    pub code: ViolationCode,
    /// What, for people.
    pub message: String,
    /// What would have been right.
    pub expected: Option<Value>,
    /// The value received.
    pub actual: Option<Value>,
    /// What may have been meant.
    pub hint: Option<String>,
}

macro_rules! violation_codes {
    ($($name:ident = $code:literal, $meaning:literal;)+) => {
        /// The kinds of things that can be wrong with a request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ViolationCode {
            $(#[doc = $meaning] $name,)+
        }

        impl ViolationCode {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable name, for programs.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What it means, for people.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }
        }
    };
}

violation_codes! {
    WrongType = "wrong_type", "A value of another JSON type, null included where a value is needed.";
    MissingMember = "missing_member", "A needed member was left out.";
    UnknownMember = "unknown_member", "A member that does not exist.";
    DuplicateMember = "duplicate_member", "The same member twice in one object.";
    InvalidUuid = "invalid_uuid", "Text that is not a UUID.";
    NilUuid = "nil_uuid", "The nil UUID.";
    TooShort = "too_short", "Text with too few characters.";
    TooLong = "too_long", "Text with too many characters.";
    ControlCharacter = "control_character", "Text with a control character.";
    InvisibleCharacter = "invisible_character", "Text with a character that cannot be seen, or without one that can.";
    OutOfRange = "out_of_range", "A number that is too small or too large.";
    InvalidTime = "invalid_time", "Text that is not a time as in RFC 3339.";
    InTheFuture = "in_the_future", "A time that is too far ahead of the service's clock.";
    UnknownWord = "unknown_word", "Text that is none of the possible words.";
    NotAllowedHere = "not_allowed_here", "A member that contradicts the rest of the request.";
    TooFewItems = "too_few_items", "A list with too few items.";
    TooManyItems = "too_many_items", "A list with too many items.";
    TooManyValues = "too_many_values", "A body of more JSON values than any request needs.";
    Disagrees = "disagrees", "Two parts of one request contradict each other.";
    ImmutableField = "immutable_field", "A member that can never change was sent with another value.";
    UnknownSource = "unknown_source", "There is no source with that id.";
    UnknownSourceVersion = "unknown_source_version", "There is no source version with that id.";
    SourceVersionOfOtherSource = "source_version_of_other_source", "The source version belongs to another source.";
    VersionWithdrawn = "version_withdrawn", "The source version is withdrawn: no job comes to it.";
    SourceWithoutVersion = "source_without_version", "The source has no version to default to.";
    DuplicateRole = "duplicate_role", "A role named twice.";
    DuplicateAlias = "duplicate_alias", "A former name of an input role that is a role of the same version, or an alias twice.";
    UnknownRole = "unknown_role", "A role that the contract does not have.";
    RoleChanged = "role_changed", "An input role has another metric or unit than the one whose input it would take over.";
    InputKindMismatch = "input_kind_mismatch", "An input of another kind than the role takes.";
    UnknownInput = "unknown_input", "An input that its organisation has not registered, where all have to be.";
    UnknownOutput = "unknown_output", "There is no output with that id in the organisation of the job.";
    Cycle = "cycle", "An output that rests on the job's own outputs: the job would wait for itself.";
    MetricMismatch = "metric_mismatch", "An input or an output that measures something else than the role needs.";
    UnitIncompatible = "unit_incompatible", "An input or an output whose unit cannot be converted into that of the role.";
    MissingRequiredRole = "missing_required_role", "A required input role that nothing is bound to, or a required output role without a value.";
    DuplicateInput = "duplicate_input", "The same input twice in one import.";
    DuplicateValue = "duplicate_value", "Two values for one role and time.";
    UnknownRevision = "unknown_revision", "A revision that the job does not have, or that is no longer known.";
    DuplicateItem = "duplicate_item", "The same thing twice in one document.";
    UnknownJob = "unknown_job", "There is no job with that name in the organisation.";
    NotManaged = "not_managed", "It is there already, and no set keeps it.";
    ManagedByOtherSet = "managed_by_other_set", "Another set keeps it.";
    Differs = "differs", "What is stored is different.";
    Taken = "taken", "Something else has that name.";
}

/// The place of a value in a request, such as `role_bindings[2].role`.
///
/// Paths are made for every value that is looked at, and most are thrown away: short ones take no memory of their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Path(SmallVec<[Segment; 4]>);

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// Into an item of a list, counted from 0.
    Index(usize),
    /// Into a member of an object.
    Member(Cow<'static, str>),
}

impl Path {
    /// The request itself.
    #[must_use]
    pub const fn root() -> Self {
        Self(SmallVec::new_const())
    }

    /// A member of the request.
    pub fn of(member: impl Into<Cow<'static, str>>) -> Self {
        Self::root().member(member)
    }

    /// A member of what this path points to.
    #[must_use]
    pub fn member(&self, name: impl Into<Cow<'static, str>>) -> Self {
        self.with(Segment::Member(name.into()))
    }

    /// An item of what this path points to.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// The steps from the request to the value.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The path as a JSON pointer ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)).
    #[must_use]
    pub fn to_json_pointer(&self) -> String {
        let mut pointer = String::new();
        for segment in &self.0 {
            pointer.push('/');
            match segment {
                Segment::Index(index) => pointer.push_str(&index.to_string()),
                Segment::Member(name) => pointer.push_str(&name.replace('~', "~0").replace('/', "~1")),
            }
        }
        pointer
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Member(name) if position == 0 => f.write_str(name)?,
                Segment::Member(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for ViolationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The sentence, and where in the request.
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at {})", self.message, self.path)
    }
}

/// What is wrong with a value, whatever its place. Code that knows the place turns it into a [`Violation`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the value {message}")]
pub struct ValueProblem {
    /// What kind of thing.
    pub code: ViolationCode,
    /// Completes the sentence "the value …".
    pub message: Cow<'static, str>,
    /// What would have been right.
    pub expected: Option<Value>,
    /// The value received.
    pub actual: Option<Value>,
    /// What may have been meant.
    pub hint: Option<String>,
}

impl ValueProblem {
    /// A problem without details.
    pub fn new(code: ViolationCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), expected: None, actual: None, hint: None }
    }

    /// Text that is none of the possible words, with the one that was probably meant.
    #[must_use]
    pub fn unknown_word(text: &str, message: &'static str, words: &[&'static str]) -> Self {
        let problem = Self::new(ViolationCode::UnknownWord, message)
            .expected(words.to_vec())
            .actual(text.chars().take(100).collect::<String>());
        match nearest(text, words.iter().copied()) {
            Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
            None => problem,
        }
    }

    /// Says what would have been right.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<Value>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Adds the value received.
    #[must_use]
    pub fn actual(mut self, actual: impl Into<Value>) -> Self {
        self.actual = Some(actual.into());
        self
    }

    /// Says what may have been meant.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Puts the problem in its place.
    #[must_use]
    pub fn at(self, path: Path) -> Violation {
        let subject = match path.segments().last() {
            Some(Segment::Member(name)) => name.to_string(),
            Some(Segment::Index(_)) => "the item".to_owned(),
            None => "the request".to_owned(),
        };
        Violation {
            path,
            code: self.code,
            message: format!("{subject} {}", self.message),
            expected: self.expected,
            actual: self.actual,
            hint: self.hint,
        }
    }
}

/// How many items a list may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListLimit {
    /// The most items.
    pub most: usize,
    /// What the items are, in the plural.
    pub items: &'static str,
    /// What to do instead.
    pub hint: Option<&'static str>,
}

impl ListLimit {
    /// The problem of a list of so many items, if that is too many. It is the only one that is told of such a list: its
    /// items are not looked at.
    #[must_use]
    pub fn exceeded_by(&self, count: usize) -> Option<ValueProblem> {
        let Self { most, items, hint } = self;
        if count <= *most {
            return None;
        }
        let problem = ValueProblem::new(ViolationCode::TooManyItems, format!("has more than {most} {items}"))
            .expected(format!("at most {most} {items}"))
            .actual(count);
        Some(match hint {
            Some(hint) => problem.hint(*hint),
            None => problem,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        let names: std::collections::BTreeSet<_> = ViolationCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), ViolationCode::ALL.len());
    }

    #[test]
    fn a_pointer_escapes_what_rfc_6901_escapes() {
        assert_eq!(Path::root().to_json_pointer(), "");
        assert_eq!(Path::of("list").index(2).member("a/b~c").to_json_pointer(), "/list/2/a~1b~0c");
    }

    #[test]
    fn only_a_list_beyond_its_limit_has_a_problem() {
        let limit = ListLimit { most: 2, items: "roles", hint: None };
        assert_eq!(limit.exceeded_by(2), None);
        let problem = limit.exceeded_by(3).unwrap();
        assert_eq!((problem.code, problem.actual), (ViolationCode::TooManyItems, Some(Value::from(3))));
    }
}
