//! A job of a document.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{
    InputId, Job, JobId, JobName, OrganisationId, Output, OutputId, Path, Source, SourceVersion, SourceVersionId,
};
use crate::requests::{BindingDraft, DescribedJobDraft, Sent, named_outputs};
use crate::use_cases::inputs::known::named;

/// A job of the document, as far as it is judged.
pub(super) struct DescribedJob<'a> {
    pub(super) path: Path,
    pub(super) draft: &'a DescribedJobDraft,
    pub(super) organisation_id: OrganisationId,
    pub(super) name: JobName,
    pub(super) id: JobId,
    pub(super) stored: Option<Job>,
    pub(super) source: Option<Source>,
    /// The version that it is to run; `None` after a violation was reported.
    pub(super) version: Option<Arc<SourceVersion>>,
    pub(super) outputs: Arc<[Output]>,
    /// Its bindings with the ids of what they name; `None` if they are left out or cannot be read.
    pub(super) bindings: Option<Vec<Sent<BindingDraft>>>,
}

impl DescribedJob<'_> {
    /// The version that its outputs are of, if that is known.
    pub(super) fn version_id(&self) -> Option<SourceVersionId> {
        let version = self.version.as_ref().map(|version| version.id);
        version.or_else(|| self.stored.as_ref().map(|job| job.source_version_id))
    }

    /// Whether a violation was reported about what it is to run.
    pub(super) fn version_is_wrong(&self) -> bool {
        self.version.is_none()
    }

    /// Whether it is to run another version than it did, or any at all for the first time.
    pub(super) fn comes_to_version(&self) -> bool {
        let stored = self.stored.as_ref();
        stored.is_none_or(|stored| self.version.as_ref().is_some_and(|version| version.id != stored.source_version_id))
    }

    /// Where a binding is in the document, or else the job that has it already.
    pub(super) fn place_of(&self, binding: Option<usize>) -> Path {
        binding.map_or_else(|| self.path.clone(), |index| self.place_of_binding(index))
    }

    /// The inputs that its bindings name, or else those that it has.
    pub(super) fn named_inputs(&self) -> Vec<InputId> {
        match (&self.bindings, &self.stored) {
            (Some(drafts), _) => named(drafts),
            (None, Some(stored)) => stored.role_bindings.iter().map(|binding| binding.input_id).collect(),
            (None, None) => Vec::new(),
        }
    }

    /// Where a mistake about what is bound is told.
    pub(super) fn place_of_binding(&self, index: usize) -> Path {
        let path = self.path.member("role_bindings").index(index);
        path.member(if self.names_output(index) { "output" } else { "input_id" })
    }

    fn names_output(&self, index: usize) -> bool {
        let drafts = self.draft.role_bindings.given();
        drafts.and_then(|drafts| drafts.get(index)?.given()).is_some_and(|draft| draft.output.is_present())
    }

    /// The outputs that it is to have bound, with the places of the bindings in the document, where they have one.
    pub(super) fn bound_outputs(&self) -> Vec<(OutputId, Option<usize>)> {
        let declared = self.version.as_ref().map(|version| version.contract.declared_inputs());
        match &self.bindings {
            Some(drafts) => {
                let named = named_outputs(drafts, declared);
                if named.is_empty() {
                    return Vec::new();
                }
                let sent = |draft: &Sent<BindingDraft>| OutputId::parse(draft.given()?.input_id.given()?).ok();
                // Of two, the first stays.
                let places = drafts.iter().enumerate().rev().filter_map(|(index, draft)| Some((sent(draft)?, index)));
                let places: BTreeMap<OutputId, usize> = places.collect();
                named.into_iter().map(|id| (id, places.get(&id).copied())).collect()
            }
            None => {
                let stored = self.stored.iter().flat_map(|job| job.role_bindings.outputs());
                stored.map(|id| (id, None)).collect()
            }
        }
    }
}
