use crate::model::{
    Diagnostics, Input, InputId, InputKind, InputName, ListLimit, Metric, OrganisationId, Path, Revision, Timestamp,
    Unit, ValueProblem, ViolationCode,
};
use crate::requests::Sent;

/// The most inputs of one import.
const MAX_IMPORTED: usize = 1_000;
/// The same, as requests are told.
pub const IMPORTED_INPUTS: ListLimit =
    ListLimit { most: MAX_IMPORTED, items: "inputs", hint: Some("import them in several requests") };

/// An input as a caller describes it. What is left out of one that is there stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputDraft {
    /// See [`Input::id`].
    pub id: Sent<String>,
    /// See [`Input::organisation_id`]. A caller of one organisation may leave it out.
    pub organisation_id: Sent<String>,
    /// See [`Input::kind`].
    pub kind: Sent<String>,
    /// See [`Input::name`].
    pub name: Sent<String>,
    /// See [`Input::metric`].
    pub metric: Sent<String>,
    /// See [`Input::unit`].
    pub unit: Sent<String>,
    /// The revision that is to be changed, and no other.
    pub revision: Sent<i128>,
}

/// Many inputs at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportDraft {
    /// At most [`IMPORTED_INPUTS`].
    pub items: Sent<Vec<Sent<InputDraft>>>,
}

/// An [`InputDraft`] whose values are valid, each by itself.
#[derive(Debug, Clone)]
pub(crate) struct InputSpec {
    pub(crate) id: Sent<InputId>,
    pub(crate) organisation_id: Sent<OrganisationId>,
    kind: Sent<InputKind>,
    name: Sent<InputName>,
    metric: Sent<Metric>,
    unit: Sent<Unit>,
    pub(crate) revision: Sent<i128>,
}

impl InputSpec {
    /// Reads each value, and reports what is wrong with it.
    pub(crate) fn read(diagnostics: &mut Diagnostics, path: &Path, draft: &InputDraft) -> Self {
        Self {
            id: diagnostics.read(&path.member("id"), &draft.id, |text| InputId::parse(text)),
            organisation_id: diagnostics
                .read(&path.member("organisation_id"), &draft.organisation_id, |text| OrganisationId::parse(text)),
            kind: diagnostics.read(&path.member("kind"), &draft.kind, |text| registrable_kind(text)),
            name: diagnostics.read(&path.member("name"), &draft.name, |text| InputName::parse(text)),
            metric: diagnostics.read(&path.member("metric"), &draft.metric, |text| Metric::parse(text)),
            unit: diagnostics.read(&path.member("unit"), &draft.unit, |text| Unit::parse(text)),
            revision: draft.revision.clone(),
        }
    }

    /// The new input of that owner that this describes, in its first revision; `None` without an owner, and after a
    /// violation was reported.
    pub(crate) fn create(
        &self,
        diagnostics: &mut Diagnostics,
        path: &Path,
        id: InputId,
        owner: Option<OrganisationId>,
        now: Timestamp,
    ) -> Option<Input> {
        let kind = diagnostics.require(&path.member("kind"), self.kind.clone());
        let name = diagnostics.require(&path.member("name"), self.name.clone());
        Some(Input {
            id,
            organisation_id: owner?,
            kind: kind?,
            name: name?,
            metric: self.metric.clone().into_option(),
            unit: self.unit.clone().into_option(),
            revision: Revision::FIRST,
            created_at: now,
            updated_at: now,
            management: None,
        })
    }

    /// What this makes of an input, in its next revision; the input itself if nothing changes.
    pub(crate) fn change(&self, diagnostics: &mut Diagnostics, path: &Path, stored: &Input, now: Timestamp) -> Input {
        let kind = diagnostics.not_null(&path.member("kind"), self.kind.clone());
        let name = diagnostics.not_null(&path.member("name"), self.name.clone());
        let changed = Input {
            kind: kind.unwrap_or_else(|| stored.kind.clone()),
            name: name.unwrap_or_else(|| stored.name.clone()),
            metric: self.metric.clone().or_keep(stored.metric.clone()),
            unit: self.unit.clone().or_keep(stored.unit.clone()),
            ..stored.clone()
        };
        if changed == *stored {
            return changed;
        }
        Input { revision: stored.revision.next(), updated_at: now.max(stored.updated_at), ..changed }
    }
}

/// Outputs of jobs are bound by their ids, and are not registered.
fn registrable_kind(text: &str) -> Result<InputKind, ValueProblem> {
    let kind = InputKind::parse(text)?;
    if kind.is_output() {
        let problem = ValueProblem::new(ViolationCode::NotAllowedHere, "is the kind of the outputs of jobs");
        return Err(problem.actual(kind.as_str()).hint("bind the output by its id: it need not be registered"));
    }
    Ok(kind)
}
