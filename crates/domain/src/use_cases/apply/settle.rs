//! What is written of a thing that is there, so that it becomes what the document says, and is known to be kept by it.

use super::change::ChangedOutside;
use super::plan::Planner;
use crate::model::{
    ApplyAction, Input, Job, Management, Path, Revision, SetName, Source, Subject, Timestamp, ValueProblem,
    ViolationCode,
};
use crate::ports::Write;

/// Something that has revisions, and that a set may keep.
pub(super) trait Kept: Clone + PartialEq {
    fn management(&self) -> Option<&Management>;
    fn revision(&self) -> Revision;
    fn updated_at(&self) -> Timestamp;
    fn updated_by(&self) -> Option<&Subject> {
        None
    }
    fn keep(&mut self, management: Management);
    fn advance(&mut self, stored: &Self, at: Timestamp, by: &Subject);
}

macro_rules! kept {
    ($type:ty) => {
        fn management(&self) -> Option<&Management> {
            self.management.as_ref()
        }

        fn revision(&self) -> Revision {
            self.revision
        }

        fn updated_at(&self) -> Timestamp {
            self.updated_at
        }

        fn keep(&mut self, management: Management) {
            self.management = Some(management);
        }
    };
}

impl Kept for Source {
    kept!(Source);

    fn advance(&mut self, stored: &Self, at: Timestamp, _: &Subject) {
        (self.revision, self.updated_at) = (stored.revision.next(), at);
    }
}

impl Kept for Input {
    kept!(Input);

    fn advance(&mut self, stored: &Self, at: Timestamp, _: &Subject) {
        (self.revision, self.updated_at) = (stored.revision.next(), at);
    }
}

impl Kept for Job {
    kept!(Job);

    fn updated_by(&self) -> Option<&Subject> {
        self.updated_by.as_ref()
    }

    fn advance(&mut self, stored: &Self, at: Timestamp, by: &Subject) {
        if self.active && !stored.active {
            self.activated_at = Some(at);
        }
        self.updated_by = Some(by.clone());
        (self.revision, self.updated_at) = (stored.revision.next(), at);
    }
}

/// How a thing that is there comes to be kept by the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    /// It is already.
    Already,
    /// It is from now on.
    Adopted,
}

/// What becomes of a thing that is there.
pub(super) struct Settled<T> {
    pub(super) action: ApplyAction,
    pub(super) changed_outside: Option<ChangedOutside>,
    /// What is there in the end.
    pub(super) value: T,
    pub(super) write: Option<Write<T>>,
}

impl Planner<'_> {
    /// How a thing comes to be kept by the set; `None` after a violation was reported.
    pub(super) fn keeping(&mut self, path: &Path, keeper: Option<&SetName>) -> Option<Keeping> {
        let set = self.set.as_ref()?;
        let problem = match keeper {
            Some(keeper) if keeper == set => return Some(Keeping::Already),
            Some(keeper) if self.adopt_from.as_ref() == Some(keeper) => return Some(Keeping::Adopted),
            Some(keeper) => {
                let message = format!("is kept by the set \"{keeper}\"");
                let hint =
                    format!("remove it here, or send \"adopt_from\": \"{keeper}\" to take over what that set keeps");
                ValueProblem::new(ViolationCode::ManagedByOtherSet, message).actual(keeper.as_str()).hint(hint)
            }
            None if self.adopt => return Some(Keeping::Adopted),
            None => ValueProblem::new(ViolationCode::NotManaged, "is there already, and no set keeps it")
                .hint("send \"adopt\": true to have this set keep what is there"),
        };
        self.diagnostics.report(path.clone(), problem);
        None
    }

    /// How the set keeps a new thing; `None` only in a document that is refused, whose things are judged all the same.
    pub(super) fn management_of_new(&self) -> Option<Management> {
        self.set.clone().map(|set| Management { set, revision: Revision::FIRST })
    }

    /// What is written so that a stored thing becomes the wanted one.
    pub(super) fn settle<T: Kept>(&self, stored: &T, wanted: T, keeping: Keeping) -> Option<Settled<T>> {
        let set = self.set.clone()?;
        let is_changed = wanted != *stored;
        let last = stored.management().filter(|_| keeping == Keeping::Already).map(|management| management.revision);
        let changed_outside = last
            .filter(|last| *last != stored.revision())
            .map(|_| ChangedOutside { by: stored.updated_by().cloned(), at: stored.updated_at() });
        let action = match keeping {
            Keeping::Adopted => ApplyAction::Adopt,
            Keeping::Already if is_changed => ApplyAction::Update,
            Keeping::Already => ApplyAction::Unchanged,
        };
        let mut value = wanted;
        if action != ApplyAction::Unchanged {
            value.advance(stored, self.now.max(stored.updated_at()), &self.by);
        }
        let revision = value.revision();
        value.keep(Management { set, revision });
        let is_written = action != ApplyAction::Unchanged || changed_outside.is_some();
        let write = is_written.then(|| Write::Changed { value: value.clone(), expected: stored.revision() });
        Some(Settled { action, changed_outside, value, write })
    }
}
