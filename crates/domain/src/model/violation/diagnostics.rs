//! Where violations are collected: in one order, as many as a caller can use.

use super::nearest::nearest_within;
use super::{Path, ValueProblem, Violation, ViolationCode};
use crate::model::text::RoleName;

/// The most mistakes of one request that are told. What is beyond is counted.
pub const MAX_VIOLATIONS: usize = 200;

/// What finding hints for one request may cost, in pairs of letters that are compared: ten names of fifteen letters
/// among two hundred that are like them, or a millisecond. Without a bound, a request of 20 KB costs seconds.
const HINT_WORK: usize = 500_000;

/// A non-empty list of violations in a stable order, by place and then by code: the first [`MAX_VIOLATIONS`], and how
/// many there are beyond.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} violations, the first: {}", self.count(), .told[0].message)]
pub struct Violations {
    told: Vec<Violation>,
    omitted: usize,
}

impl Violations {
    /// Orders the violations; `None` when there are none.
    #[must_use]
    pub fn new(violations: Vec<Violation>) -> Option<Self> {
        Self::of(violations, 0)
    }

    fn of(mut told: Vec<Violation>, omitted: usize) -> Option<Self> {
        told.sort_by(|a, b| place(a).cmp(&place(b)));
        let beyond = told.len().saturating_sub(MAX_VIOLATIONS);
        told.truncate(MAX_VIOLATIONS);
        (!told.is_empty()).then_some(Self { told, omitted: omitted + beyond })
    }

    /// How many violations there are beyond those that are listed.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.told.len() + self.omitted
    }

    /// The violations that are told, in order.
    #[must_use]
    pub fn into_vec(self) -> Vec<Violation> {
        self.told
    }
}

/// The violations that are listed, in order.
impl std::ops::Deref for Violations {
    type Target = [Violation];

    fn deref(&self) -> &[Violation] {
        &self.told
    }
}

impl From<Violation> for Violations {
    fn from(violation: Violation) -> Self {
        Self { told: vec![violation], omitted: 0 }
    }
}

/// What violations are ordered by.
fn place(violation: &Violation) -> (&Path, ViolationCode) {
    (&violation.path, violation.code)
}

/// Collects violations while a request is read. It keeps only the violations that are listed in the end, so that the
/// memory is bounded whatever is in the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    /// In the order of finding, but for the first ones once there were too many.
    found: Vec<Violation>,
    /// How many are not kept.
    omitted: usize,
    /// What is not before this one is not told.
    last: Option<(Path, ViolationCode)>,
    /// What finding hints may still cost.
    hint_work: usize,
}

impl Default for Diagnostics {
    fn default() -> Self {
        Self { found: Vec::new(), omitted: 0, last: None, hint_work: HINT_WORK }
    }
}

impl Diagnostics {
    /// Adds a violation.
    pub fn report(&mut self, path: Path, problem: ValueProblem) {
        if self.tells(&path, problem.code) {
            self.found.push(problem.at(path));
            self.keep_the_first();
        } else {
            self.omit(1);
        }
    }

    /// Counts violations that need not be told.
    pub fn omit(&mut self, count: usize) {
        self.omitted += count;
    }

    /// Whether a violation of this place and code may be told in the end. If not, it can be counted without being
    /// described.
    #[must_use]
    pub fn tells(&self, path: &Path, code: ViolationCode) -> bool {
        self.last.as_ref().is_none_or(|(last, last_code)| (path, code) < (last, *last_code))
    }

    /// Whether a violation of this code is already listed: what all of them have in common is said only once.
    #[must_use]
    pub fn has_told(&self, code: ViolationCode) -> bool {
        self.found.iter().any(|violation| violation.code == code)
    }

    fn keep_the_first(&mut self) {
        if self.found.len() < 2 * MAX_VIOLATIONS {
            return;
        }
        self.found.sort_by(|a, b| place(a).cmp(&place(b)));
        self.omitted += self.found.len() - MAX_VIOLATIONS;
        self.found.truncate(MAX_VIOLATIONS);
        self.last = self.found.last().map(|violation| (violation.path.clone(), violation.code));
    }

    /// The candidate nearest to what was written, like [`nearest`](super::nearest()), while that does not cost too
    /// much: the more is wrong with a request, the fewer hints it gets.
    pub fn nearest<'a>(&mut self, written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        nearest_within(&mut self.hint_work, written, candidates)
    }

    /// Reports a role that the version does not have. Which ones it has is said with the first of them, whether or not
    /// it is clear which one is meant.
    pub fn report_unknown_role<'a, Names: Iterator<Item = &'a str>>(
        &mut self,
        path: Path,
        role: &RoleName,
        names: impl Fn() -> Names,
        direction: &str,
    ) {
        const CODE: ViolationCode = ViolationCode::UnknownRole;
        if !self.tells(&path, CODE) {
            self.omit(1);
            return;
        }
        let problem = ValueProblem::new(CODE, format!("is not an {direction} role of the source version"));
        let problem = problem.actual(role.as_str());
        let problem = if self.has_told(CODE) { problem } else { problem.expected(names().collect::<Vec<_>>()) };
        let problem = match self.nearest(role.as_str(), names()) {
            Some(name) => problem.hint(format!("did you mean \"{name}\"?")),
            None if names().next().is_none() => problem.hint(format!("the source version has no {direction} roles")),
            None => problem,
        };
        self.report(path, problem);
    }

    /// Adds everything that was found elsewhere.
    pub fn extend(&mut self, other: Self) {
        for violation in other.found {
            if self.tells(&violation.path, violation.code) {
                self.found.push(violation);
                self.keep_the_first();
            } else {
                self.omit(1);
            }
        }
        self.omit(other.omitted);
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violation_count() == 0
    }

    /// How much is wrong so far.
    #[must_use]
    pub fn violation_count(&self) -> usize {
        self.found.len() + self.omitted
    }

    /// Reads a part of a request: gives its value if nothing was found to be wrong with this part, whatever was found
    /// before.
    pub fn section<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = self.violation_count();
        let value = read(self);
        value.filter(|_| self.violation_count() == before)
    }

    /// Everything found, if anything was.
    #[must_use]
    pub fn into_violations(self) -> Option<Violations> {
        Violations::of(self.found, self.omitted)
    }

    /// The value if nothing is wrong with anything, else everything that is.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Violations> {
        match (self.into_violations(), value) {
            (None, Some(value)) => Ok(value),
            (Some(violations), _) => Err(violations),
            // Only a draft with an `Unreadable` member that was not reported gets here.
            (None, None) => Err(ValueProblem::new(ViolationCode::WrongType, "cannot be read").at(Path::root()).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_section_has_a_value_if_nothing_is_wrong_with_it() {
        let wrong = || ValueProblem::new(ViolationCode::WrongType, "is wrong");
        let mut diagnostics = Diagnostics::default();
        diagnostics.report(Path::of("before"), wrong());
        assert_eq!(diagnostics.section(|_| Some(1)), Some(1));
        assert_eq!(diagnostics.section(|_| None::<i32>), None);
        let section = diagnostics.section(|diagnostics| {
            diagnostics.report(Path::of("within"), wrong());
            Some(1)
        });
        assert_eq!(section, None);
        assert_eq!(diagnostics.violation_count(), 2);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut diagnostics = Diagnostics::default();
        for index in (0..100_000).rev() {
            diagnostics.report(Path::root().index(index), ValueProblem::new(ViolationCode::WrongType, "is wrong"));
            assert!(diagnostics.found.len() < 2 * MAX_VIOLATIONS);
        }
        let violations = diagnostics.into_violations().unwrap();
        assert_eq!((violations.len(), violations.count()), (MAX_VIOLATIONS, 100_000));
        let expected: Vec<_> = (0..MAX_VIOLATIONS).map(|index| Path::root().index(index)).collect();
        assert!(violations.iter().map(|violation| &violation.path).eq(&expected));
    }

    #[test]
    fn hints_end_when_they_have_cost_enough() {
        let mut diagnostics = Diagnostics::default();
        let names: Vec<String> = (0..200).map(|number| format!("{}{number:03}", "role".repeat(24))).collect();
        let mut hint = |written: &str| diagnostics.nearest(written, names.iter().map(String::as_str)).is_some();
        let hints = (0..200).filter(|number| hint(&format!("{}{number:03}", "elor".repeat(24)))).count();
        assert!(hints < 5, "{hints}");
        assert_eq!(diagnostics.hint_work, 0);
    }
}
