use super::Directory;
use super::unfit::unfit_warnings;
use crate::model::{Caller, Input, InputId, Path, Permission};
use crate::ports::{PutInputsError, WriteMode};
use crate::requests::{InputDraft, InputSpec, Precondition, Sent, Submission};
use crate::use_cases::lookup::never_changes;
use crate::use_cases::{MAX_ATTEMPTS, Ports, UseCaseError, Warning, contended, require_revision};

/// What became of an input that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputOutcome {
    /// It is new.
    Created,
    /// It was there, and is changed.
    Changed,
    /// It was there like that.
    Unchanged,
}

/// An input as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputPut {
    /// The input.
    pub input: Input,
    /// What became of it.
    pub outcome: InputOutcome,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
}

/// Registers an input, or changes it. What changes nothing leaves the revision.
pub fn put_input(
    ports: &Ports,
    caller: &Caller,
    id: InputId,
    submission: &Submission<InputDraft>,
    precondition: &Precondition,
    mode: WriteMode,
) -> Result<InputPut, UseCaseError> {
    caller.require(Permission::InputsWrite)?;
    let root = Path::root();
    for _ in 0..MAX_ATTEMPTS {
        let mut diagnostics = submission.diagnostics.clone();
        never_changes(&mut diagnostics, &root.member("id"), &submission.content.id, id, InputId::parse);
        let draft = InputDraft { id: Sent::Absent, ..submission.content.clone() };
        let spec = InputSpec::read(&mut diagnostics, &root, &draft);
        let directory = Directory::load(ports, caller, &[id])?;
        let stored = directory.find(caller, id, &spec.organisation_id)?;
        match stored {
            Some(stored) => require_revision(precondition, &spec.revision, stored.revision)?,
            // A revision of something is to be changed, and there is nothing.
            None if *precondition != Precondition::None || spec.revision.given().is_some() => {
                return Err(UseCaseError::NotFound);
            }
            None => {}
        }
        let input = directory.put(&mut diagnostics, caller, &root, id, &spec, ports.clock.now())?;
        let input = diagnostics.finish(input)?;
        let outcome = outcome(stored, &input);
        if outcome == InputOutcome::Unchanged {
            return Ok(InputPut { input, outcome, warnings: Vec::new() });
        }
        let warnings = if may_unfit(stored, &input) { unfit_warnings(ports, &[&input])? } else { Vec::new() };
        match ports.inputs.put_many(std::slice::from_ref(&input), mode) {
            Ok(()) => return Ok(InputPut { input, outcome, warnings }),
            // A caller who named a revision is refused in the next round.
            Err(PutInputsError::Stale) => {}
            Err(PutInputsError::Store(failure)) => return Err(failure.into()),
        }
    }
    Err(contended())
}

/// Whether bindings that fitted may not fit any more.
pub(in crate::use_cases) fn may_unfit(stored: Option<&Input>, input: &Input) -> bool {
    stored
        .is_none_or(|stored| (&stored.kind, &stored.metric, &stored.unit) != (&input.kind, &input.metric, &input.unit))
}

/// What becomes of what is stored with that input in its place.
pub(super) fn outcome(stored: Option<&Input>, input: &Input) -> InputOutcome {
    match stored {
        None => InputOutcome::Created,
        Some(stored) if stored == input => InputOutcome::Unchanged,
        Some(_) => InputOutcome::Changed,
    }
}
