use std::collections::BTreeSet;

use prediction_domain::model::{
    Input, InputId, InputPosition, Job, NamePart, Organisation, OrganisationId, Page, PageRequest, Revision, Scope,
    Weight,
};
use prediction_domain::ports::{
    DeleteInputError, InputFilter, InputRepository, PutInputsError, StoreFailure, WriteMode,
};

use crate::memory::{Kind, MemoryStore, State, is_kept_by, lasts};

impl InputRepository for MemoryStore {
    fn find_many(&self, wanted: &[(OrganisationId, InputId)]) -> Result<Vec<Option<Input>>, StoreFailure> {
        let state = self.state();
        Ok(wanted.iter().map(|key| state.inputs.get(key).cloned()).collect())
    }

    fn find_by_ids(&self, scope: &Scope, ids: &[InputId]) -> Result<Vec<Input>, StoreFailure> {
        let state = self.state();
        let wanted = |input: &&Input| ids.contains(&input.id) && scope.contains(input.organisation_id);
        Ok(state.inputs.values().filter(wanted).cloned().collect())
    }

    fn are_bound(&self, wanted: &[(OrganisationId, InputId)]) -> Result<Vec<bool>, StoreFailure> {
        let state = self.state();
        let is_bound = |(organisation_id, id): &(OrganisationId, InputId)| {
            state.jobs.values().any(|job| is_user(job, *organisation_id, *id))
        };
        Ok(wanted.iter().map(is_bound).collect())
    }

    fn list(
        &self,
        scope: &Scope,
        filter: &InputFilter,
        page: &PageRequest<InputPosition>,
    ) -> Result<Page<Input, InputPosition>, StoreFailure> {
        let InputFilter { organisation_id, kind, metric, name_part, managed_by } = filter;
        let name_part = name_part.as_ref().map(NamePart::key);
        let state = self.state();
        let wanted = state.inputs.values().filter(|input| {
            scope.contains(input.organisation_id)
                && organisation_id.is_none_or(|organisation_id| input.organisation_id == organisation_id)
                && kind.as_ref().is_none_or(|kind| input.kind == *kind)
                && metric.as_ref().is_none_or(|metric| input.metric.as_ref() == Some(metric))
                && managed_by.as_ref().is_none_or(|set| is_kept_by(input.management.as_ref(), set))
                && name_part.as_ref().is_none_or(|part| input.name.key().contains(part))
        });
        Ok(page_behind(wanted.map(|input| (input.clone(), input.position())), page))
    }

    fn put_many(&self, inputs: &[Input], mode: WriteMode) -> Result<(), PutInputsError> {
        let mut state = self.state();
        for input in inputs {
            state.judge_input(input, input.revision.previous())?;
        }
        if lasts(mode) {
            for input in inputs {
                state.put_input(input);
            }
        }
        Ok(())
    }

    fn delete(
        &self,
        organisation_id: OrganisationId,
        id: InputId,
        expected: Revision,
        mode: WriteMode,
    ) -> Result<(), DeleteInputError> {
        self.state().delete_input((organisation_id, id), expected, mode)
    }

    fn name_organisation(&self, organisation: &Organisation, mode: WriteMode) -> Result<(), StoreFailure> {
        let mut state = self.state();
        if lasts(mode) {
            match &organisation.name {
                Some(name) => drop(state.organisation_names.insert(organisation.id, name.clone())),
                None => drop(state.organisation_names.remove(&organisation.id)),
            }
        }
        Ok(())
    }

    fn find_organisation(&self, id: OrganisationId) -> Result<Option<Organisation>, StoreFailure> {
        let state = self.state();
        Ok(state.organisations().contains(&id).then(|| state.organisation(id)))
    }

    fn list_organisations(
        &self,
        scope: &Scope,
        page: &PageRequest<OrganisationId>,
    ) -> Result<Page<Organisation, OrganisationId>, StoreFailure> {
        let state = self.state();
        let known = state.organisations();
        let visible = known.iter().filter(|id| scope.contains(**id));
        Ok(page_behind(visible.map(|id| (state.organisation(*id), *id)), page))
    }
}

impl State {
    /// Whether an input can be stored in the place of that revision, or of nothing.
    pub(super) fn judge_input(&self, input: &Input, expected: Option<Revision>) -> Result<(), PutInputsError> {
        let stored = self.inputs.get(&(input.organisation_id, input.id));
        let is_expected = stored.map(|stored| stored.revision) == expected;
        if is_expected { Ok(()) } else { Err(PutInputsError::Stale) }
    }

    pub(super) fn put_input(&mut self, input: &Input) {
        let key = (input.organisation_id, input.id);
        let created_at = self.inputs.get(&key).map_or(input.created_at, |stored| stored.created_at);
        self.inputs.insert(key, Input { created_at, ..input.clone() });
    }

    pub(super) fn delete_input(
        &mut self,
        key: (OrganisationId, InputId),
        expected: Revision,
        mode: WriteMode,
    ) -> Result<(), DeleteInputError> {
        let stored = self.inputs.get(&key).ok_or(DeleteInputError::Missing)?;
        if stored.revision != expected {
            return Err(DeleteInputError::Stale { current: stored.revision });
        }
        let mut users: Vec<&Job> = self.jobs.values().filter(|job| is_user(job, key.0, key.1)).collect();
        if !users.is_empty() {
            users.sort_by_key(|job| self.position(Kind::Job, job.id.as_uuid()));
            let first = users.iter().take(DeleteInputError::MAX_NAMED).map(|job| job.id).collect();
            return Err(DeleteInputError::InUse { jobs: users.len() as u64, first });
        }
        if lasts(mode) {
            self.inputs.remove(&key);
        }
        Ok(())
    }

    fn organisations(&self) -> BTreeSet<OrganisationId> {
        let of_jobs = self.jobs.values().map(|job| job.organisation_id);
        let of_inputs = self.inputs.keys().map(|(organisation_id, _)| *organisation_id);
        of_jobs.chain(of_inputs).chain(self.organisation_names.keys().copied()).collect()
    }

    fn organisation(&self, id: OrganisationId) -> Organisation {
        Organisation { id, name: self.organisation_names.get(&id).cloned() }
    }
}

pub(super) fn is_user(job: &Job, organisation_id: OrganisationId, id: InputId) -> bool {
    job.organisation_id == organisation_id && job.role_bindings.iter().any(|binding| binding.input_id == id)
}

/// The wanted part of a list that is in the order of its places.
fn page_behind<T: Weight, Place: Copy + Ord>(
    items: impl Iterator<Item = (T, Place)>,
    page: &PageRequest<Place>,
) -> Page<T, Place> {
    let behind = items.filter(|(_, place)| page.after.is_none_or(|after| *place > after));
    Page::of_placed(behind.collect(), page)
}
