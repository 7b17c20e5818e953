use std::collections::{BTreeMap, BTreeSet};

use super::directory::Directory;
use super::put_input::{InputOutcome, may_unfit, outcome};
use super::unfit::unfit_warnings;
use crate::model::{
    Caller, Diagnostics, Input, InputId, InputPosition, OrganisationId, Path, Permission, Revision, ValueProblem,
    ViolationCode,
};
use crate::ports::{PutInputsError, WriteMode};
use crate::requests::{IMPORTED_INPUTS, ImportDraft, InputSpec, Submission};
use crate::use_cases::{MAX_ATTEMPTS, Ports, UseCaseError, Warning, contended};

/// What became of one input of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportedInput {
    /// The input.
    pub id: InputId,
    /// Whose it is.
    pub organisation_id: OrganisationId,
    /// What became of it.
    pub outcome: InputOutcome,
    /// Its revision now.
    pub revision: Revision,
}

/// What became of an import, in the order of its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputsImported {
    /// The inputs.
    pub inputs: Vec<ImportedInput>,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
}

/// Registers and changes many inputs: all of it is stored or nothing. What changes nothing leaves the revision, so that
/// everything can be sent again each night.
pub fn import_inputs(
    ports: &Ports,
    caller: &Caller,
    submission: &Submission<ImportDraft>,
    mode: WriteMode,
) -> Result<InputsImported, UseCaseError> {
    caller.require(Permission::InputsWrite)?;
    for _ in 0..MAX_ATTEMPTS {
        let Plan { planned, may_unfit: concerned } = plan(ports, caller, submission)?;
        let warnings = unfit_warnings(ports, &concerned.iter().collect::<Vec<_>>())?;
        let changed: Vec<Input> = planned
            .iter()
            .filter(|(_, outcome)| *outcome != InputOutcome::Unchanged)
            .map(|(input, _)| input.clone())
            .collect();
        let stored = if changed.is_empty() { Ok(()) } else { ports.inputs.put_many(&changed, mode) };
        match stored {
            Ok(()) => {
                let imported = |(input, outcome): (Input, InputOutcome)| ImportedInput {
                    id: input.id,
                    organisation_id: input.organisation_id,
                    outcome,
                    revision: input.revision,
                };
                return Ok(InputsImported { inputs: planned.into_iter().map(imported).collect(), warnings });
            }
            Err(PutInputsError::Stale) => {}
            Err(PutInputsError::Store(failure)) => return Err(failure.into()),
        }
    }
    Err(contended())
}

/// What is to be stored.
struct Plan {
    planned: Vec<(Input, InputOutcome)>,
    /// Those that may not fit any more where they are bound.
    may_unfit: Vec<Input>,
}

fn plan(ports: &Ports, caller: &Caller, submission: &Submission<ImportDraft>) -> Result<Plan, UseCaseError> {
    let mut diagnostics = submission.diagnostics.clone();
    let list_path = Path::of("items");
    let items = diagnostics.require(&list_path, submission.content.items.as_ref());
    let items = items.map_or(&[][..], Vec::as_slice);
    if let Some(too_many) = IMPORTED_INPUTS.exceeded_by(items.len()) {
        diagnostics.report(list_path, too_many);
        return Ok(diagnostics.finish(None)?);
    }
    let specs: Vec<Option<(Path, InputId, InputSpec)>> = items
        .iter()
        .enumerate()
        .map(|(index, draft)| {
            let path = list_path.index(index);
            let draft = diagnostics.require(&path, draft.as_ref())?;
            let spec = InputSpec::read(&mut diagnostics, &path, draft);
            let id = diagnostics.require(&path.member("id"), spec.id.clone());
            Some((path, id?, spec))
        })
        .collect();
    let ids: BTreeSet<InputId> = specs.iter().flatten().map(|(_, id, _)| *id).collect();
    let directory = Directory::load(ports, caller, &ids.into_iter().collect::<Vec<_>>())?;
    let now = ports.clock.now();
    let mut seen = BTreeMap::new();
    let mut planned = Vec::with_capacity(items.len());
    let mut concerned = Vec::new();
    for (index, spec) in specs.into_iter().enumerate() {
        let Some((path, id, spec)) = spec else { continue };
        let stored = directory.find(caller, id, &spec.organisation_id)?;
        judge_revision(&mut diagnostics, &path, &spec, stored);
        let Some(input) = directory.put(&mut diagnostics, caller, &path, id, &spec, now)? else { continue };
        if let Some(first) = seen.insert(input.position(), index) {
            diagnostics.report(path.member("id"), second_time(&input.position(), first));
        }
        let outcome = outcome(stored, &input);
        if may_unfit(stored, &input) {
            concerned.push(input.clone());
        }
        planned.push((input, outcome));
    }
    Ok(diagnostics.finish(Some(Plan { planned, may_unfit: concerned }))?)
}

/// An item can name the revision that it changes.
fn judge_revision(diagnostics: &mut Diagnostics, path: &Path, spec: &InputSpec, stored: Option<&Input>) {
    let Some(sent) = spec.revision.given() else { return };
    let current = stored.map(|stored| stored.revision);
    if current.is_none_or(|current| i128::from(current.as_i64()) != *sent) {
        let problem = ValueProblem::new(ViolationCode::UnknownRevision, "is not the revision that is stored");
        let problem = problem.expected(serde_json::json!(current)).actual(sent.to_string());
        diagnostics.report(path.member("revision"), problem);
    }
}

fn second_time(position: &InputPosition, first: usize) -> ValueProblem {
    ValueProblem::new(ViolationCode::DuplicateInput, format!("is the input of items[{first}] again"))
        .actual(position.id.to_string())
}
