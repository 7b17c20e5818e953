//! Everything that is wrong with a request, at once.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use smallvec::SmallVec;

use super::draft::Sent;

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
    /// What there was.
    pub actual: Option<Value>,
    /// What may have been meant.
    pub hint: Option<String>,
}

macro_rules! violation_codes {
    ($($name:ident = $code:literal, $meaning:literal;)+) => {
        /// The kinds of things that can be wrong with a request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    Disagrees = "disagrees", "Two parts of one request contradict each other.";
    ImmutableMember = "immutable_field", "A member that can never change was sent with another value.";
    UnknownSource = "unknown_source", "There is no source with that id.";
    UnknownSourceVersion = "unknown_source_version", "There is no source version with that id.";
    SourceVersionOfOtherSource = "source_version_of_other_source", "The source version belongs to another source.";
    SourceWithoutVersion = "source_without_version", "The source has no version to default to.";
    DuplicateRole = "duplicate_role", "A role named twice.";
    UnknownRole = "unknown_role", "A role that the contract does not have.";
    InputKindMismatch = "input_kind_mismatch", "An input of another kind than the role takes.";
    MissingRequiredRole = "missing_required_role", "A required input role that nothing is bound to, or a required output role without a value.";
    DuplicateValue = "duplicate_value", "Two values for one role and time.";
    UnknownRevision = "unknown_revision", "A revision that the job does not have, or that is no longer known.";
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

/// What is wrong with a value, whatever its place: turned into a [`Violation`] by whoever knows the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the value {message}")]
pub struct ValueProblem {
    /// What kind of thing.
    pub code: ViolationCode,
    /// Completes the sentence "the value …".
    pub message: Cow<'static, str>,
    /// What would have been right.
    pub expected: Option<Value>,
    /// What there was.
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

    /// Says what there was.
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

/// A non-empty list of violations in a stable order: by place, then by code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} violations, the first: {}", .0.len(), .0[0].message)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Orders the violations; `None` when there are none.
    #[must_use]
    pub fn new(mut violations: Vec<Violation>) -> Option<Self> {
        violations.sort_by(|a, b| (&a.path, a.code).cmp(&(&b.path, b.code)));
        (!violations.is_empty()).then_some(Self(violations))
    }

    /// The violations in order.
    #[must_use]
    pub fn into_vec(self) -> Vec<Violation> {
        self.0
    }
}

impl std::ops::Deref for Violations {
    type Target = [Violation];

    fn deref(&self) -> &[Violation] {
        &self.0
    }
}

impl From<Violation> for Violations {
    fn from(violation: Violation) -> Self {
        Self(vec![violation])
    }
}

/// Collects violations while a request is read.
#[derive(Debug, Default)]
pub struct Judge {
    violations: Vec<Violation>,
}

impl Judge {
    /// Starts with what has been found before.
    #[must_use]
    pub fn starting_with(violations: Vec<Violation>) -> Self {
        Self { violations }
    }

    /// Adds a violation.
    pub fn report(&mut self, path: Path, problem: ValueProblem) {
        self.violations.push(problem.at(path));
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_content(&self) -> bool {
        self.violations.is_empty()
    }

    /// How much is wrong so far.
    #[must_use]
    pub fn violation_count(&self) -> usize {
        self.violations.len()
    }

    /// Everything found, in the order in which it was found.
    #[must_use]
    pub fn into_violations(self) -> Vec<Violation> {
        self.violations
    }

    /// The value if nothing is wrong with anything, else everything that is.
    pub fn verdict<T>(self, value: Option<T>) -> Result<T, Violations> {
        match (Violations::new(self.violations), value) {
            (None, Some(value)) => Ok(value),
            (Some(violations), _) => Err(violations),
            // Only a draft with an `Unreadable` member that nobody reported gets here.
            (None, None) => Err(ValueProblem::new(ViolationCode::WrongType, "cannot be read").at(Path::root()).into()),
        }
    }

    /// Parses a member that was given, and reports what is wrong with it.
    pub fn read<Raw, T>(
        &mut self,
        path: &Path,
        sent: &Sent<Raw>,
        parse: impl FnOnce(&Raw) -> Result<T, ValueProblem>,
    ) -> Sent<T> {
        match sent {
            Sent::Absent => Sent::Absent,
            Sent::Null => Sent::Null,
            Sent::Unreadable => Sent::Unreadable,
            Sent::Given(raw) => match parse(raw) {
                Ok(value) => Sent::Given(value),
                Err(problem) => {
                    self.report(path.clone(), problem);
                    Sent::Unreadable
                }
            },
        }
    }

    /// Takes the value of a member that has to be there, and reports when it is not.
    pub fn require<T>(&mut self, path: &Path, sent: Sent<T>) -> Option<T> {
        match sent {
            Sent::Given(value) => Some(value),
            Sent::Unreadable => None,
            Sent::Absent => {
                self.report(path.clone(), ValueProblem::new(ViolationCode::MissingMember, "is missing"));
                None
            }
            Sent::Null => {
                self.report(
                    path.clone(),
                    ValueProblem::new(ViolationCode::WrongType, "must not be null").actual(Value::Null),
                );
                None
            }
        }
    }

    /// Takes the value of a member that may be left out but not be `null`.
    pub fn not_null<T>(&mut self, path: &Path, sent: Sent<T>) -> Option<T> {
        match sent {
            Sent::Absent => None,
            other => self.require(path, other),
        }
    }
}

/// The candidate nearest to what was written, when one is near enough to be meant.
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Below this similarity (Jaro-Winkler) a hint would mislead.
    const NEAR_ENOUGH: f64 = 0.8;
    let lower = lowercase(written);
    let letters = Letters::of(&lower);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other = lowercase(candidate);
            let contained = lower.len() >= 3 && (other.starts_with(&*lower) || lower.starts_with(&*other));
            if !contained && letters.most_similar(&Letters::of(&other)) < NEAR_ENOUGH {
                return None;
            }
            let similarity = strsim::jaro_winkler(&lower, &other);
            Some((if contained { similarity.max(NEAR_ENOUGH) } else { similarity }, candidate))
        })
        .filter(|(similarity, _)| *similarity >= NEAR_ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, candidate)| candidate)
}

fn lowercase(text: &str) -> Cow<'_, str> {
    let is_lowercase = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lowercase { text.into() } else { text.to_lowercase().into() }
}

/// How often each letter occurs in a text, letters that share a place counted as the same one: two texts never seem to
/// have less in common than they have. This gives a bound for their similarity in a fraction of the time that the
/// similarity takes.
struct Letters {
    counts: [u8; 32],
    total: u32,
}

impl Letters {
    fn of(text: &str) -> Self {
        let mut letters = Self { counts: [0; 32], total: 0 };
        for letter in text.chars() {
            let count = &mut letters.counts[u32::from(letter) as usize % 32];
            *count = count.saturating_add(1);
            letters.total += 1;
        }
        letters
    }

    /// The highest similarity (Jaro-Winkler) that texts of these letters can have: when all letters that both have match
    /// in the right order, and the first four are the same.
    fn most_similar(&self, other: &Self) -> f64 {
        // Counts end at 255, and two empty texts are the same.
        if self.total.max(other.total) >= 255 || self.total + other.total == 0 {
            return 1.0;
        }
        let common: u32 = self.counts.iter().zip(other.counts).map(|(a, b)| u32::from((*a).min(b))).sum();
        let common = f64::from(common);
        let jaro = (common / f64::from(self.total.max(1)) + common / f64::from(other.total.max(1)) + 1.0) / 3.0;
        jaro + 0.4 * (1.0 - jaro)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_bound_for_similarity_holds(a in "[a-f_é]{0,12}", b in "[a-f_é]{0,12}") {
            let bound = Letters::of(&a).most_similar(&Letters::of(&b));
            let similarity = strsim::jaro_winkler(&a, &b);
            proptest::prop_assert!(similarity <= bound + 1e-9, "{similarity} > {bound}");
        }
    }

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let roles = ["temperature", "humidity", "leaf_wetness"];
        assert_eq!(nearest("temprature", roles), Some("temperature"));
        assert_eq!(nearest("temp", roles), Some("temperature"));
        assert_eq!(nearest("Humidity", roles), Some("humidity"));
        assert_eq!(nearest("wind", roles), None);
    }

    #[test]
    fn violations_are_ordered_by_place_then_code() {
        let violation = |path: Path, code| ValueProblem::new(code, "is wrong").at(path);
        let list = Path::of("list");
        let violations = Violations::new(vec![
            violation(list.index(10), ViolationCode::TooLong),
            violation(list.index(9), ViolationCode::TooLong),
            violation(list.index(9), ViolationCode::WrongType),
            violation(list.clone(), ViolationCode::TooManyItems),
        ])
        .unwrap();
        let places: Vec<_> = violations.iter().map(|violation| violation.path.to_string()).collect();
        assert_eq!(places, ["list", "list[9]", "list[9]", "list[10]"]);
        assert_eq!(violations[1].code, ViolationCode::WrongType);
    }

    #[test]
    fn codes_are_unique() {
        let names: std::collections::BTreeSet<_> = ViolationCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), ViolationCode::ALL.len());
    }
}
