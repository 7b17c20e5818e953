//! What the set keeps and the document does not have any more.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::chains::readers_first;
use super::change::{AppliedKey, Difference};
use super::plan::{Detail, Planner};
use super::settle::Keeping;
use crate::model::{
    ApplyAction, Input, InputPosition, Job, JobId, JobName, MAX_APPLIED, MonitoredJob, OrganisationId, OutputId, Page,
    PageRequest, Path, Permission, Position, Prune, Revision, SetName, Source, SourceName, SourceVersionHead,
    SourceVersionId, ValueProblem, ViolationCode, Weight,
};
use crate::ports::{InputFilter, JobFilter, SourceFilter, SourceVersionFilter, StoreFailure};
use crate::use_cases::{Ports, UseCaseError, Warning};

impl Planner<'_> {
    /// Plans what is to be removed; gives how much that is. Beyond what a document may describe, nothing more is looked
    /// for: that is too much, whatever limit there is.
    pub(super) fn plan_prune(&mut self, set: &SetName) -> Result<usize, UseCaseError> {
        let before = self.changes.len();
        let (prune, ports) = (self.prune, self.ports);
        let mut pruning = Pruning { planner: self, ports, set, before };
        match prune {
            Prune::Off => {}
            Prune::Pause => pruning.pause_jobs()?,
            Prune::Delete => pruning.delete()?,
        }
        Ok(pruning.removals())
    }
}

struct Pruning<'p, 'a> {
    planner: &'p mut Planner<'a>,
    ports: &'a Ports,
    set: &'p SetName,
    /// How many changes there were before.
    before: usize,
}

/// A job to be deleted.
struct LeftJob {
    organisation_id: OrganisationId,
    id: JobId,
    name: JobName,
    revision: Revision,
    outputs: Vec<OutputId>,
    /// The outputs that it reads.
    reads: Vec<OutputId>,
}

impl Pruning<'_, '_> {
    fn removals(&self) -> usize {
        self.planner.changes.len() - self.before
    }

    fn is_too_much(&self) -> bool {
        self.removals() > MAX_APPLIED
    }

    fn may(&self, permission: Permission) -> bool {
        self.planner.caller.require(permission).is_ok()
    }

    fn remove(&mut self, key: AppliedKey, id: uuid::Uuid, runs: Option<u64>) {
        self.planner.change(key, id, (ApplyAction::Delete, None), None, Detail { runs, ..Detail::default() });
    }

    fn still_used(&mut self, key: &AppliedKey) {
        let resource = key.resource();
        let warning = Warning {
            code: "still_used",
            message: format!("the {resource} is not in the document, and stays, since it is in use"),
            details: json!({ "resource": resource.as_str(), "key": key.to_json() }),
        };
        self.planner.warn(warning, None);
    }

    /// The jobs of the set that the document does not have, by pages.
    fn jobs(&self, active: Option<bool>, page: &PageRequest<Position>) -> Result<Page<Job, Position>, StoreFailure> {
        let filter = JobFilter { managed_by: Some(self.set.clone()), active, ..JobFilter::default() };
        let Page { items, next } = self.ports.jobs.list(&self.planner.caller.scope, &filter, page)?;
        let jobs = items.into_iter().map(|MonitoredJob { job, .. }| job);
        let left = jobs.filter(|job| !self.planner.described.jobs.contains(&job.id));
        Ok(Page { items: left.collect(), next })
    }

    fn pause_jobs(&mut self) -> Result<(), UseCaseError> {
        let mut after = self.may(Permission::JobsWrite).then(all);
        while let Some(request) = after.take().filter(|_| !self.is_too_much()) {
            let page = self.jobs(Some(true), &request)?;
            for job in page.items {
                self.planner.afford(job.weight())?;
                let wanted = Job { active: false, ..job.clone() };
                let difference = Difference { path: Path::of("active"), stored: json!(true), wanted: json!(false) };
                self.planner.write_job(&job, wanted, Keeping::Already, vec![difference], None)?;
            }
            after = page.next.map(behind);
        }
        Ok(())
    }

    fn delete(&mut self) -> Result<(), UseCaseError> {
        let deleted = self.delete_jobs()?;
        if self.may(Permission::InputsWrite) {
            self.delete_inputs(&deleted)?;
        }
        if self.may(Permission::CatalogWrite) {
            let versions = self.delete_versions(&deleted)?;
            self.delete_sources(&versions)?;
        }
        Ok(())
    }

    fn delete_jobs(&mut self) -> Result<Vec<(OrganisationId, JobId)>, UseCaseError> {
        let mut left: Vec<LeftJob> = Vec::new();
        let mut after = self.may(Permission::JobsWrite).then(all);
        while let Some(request) = after.take().filter(|_| left.len() <= MAX_APPLIED) {
            let page = self.jobs(None, &request)?;
            left.extend(page.items.into_iter().map(LeftJob::from));
            after = page.next.map(behind);
        }
        for job in &left {
            let Some(place) = self.planner.read.get(&job.id) else { continue };
            let message = format!("needs an output of the job \"{}\", which this document removes", job.name);
            let problem = ValueProblem::new(ViolationCode::Disagrees, message);
            let problem = problem.hint("describe that job, too, or bind another output");
            self.planner.diagnostics.report(place.clone(), problem);
        }
        self.planner.require_clean()?;
        let keys: Vec<_> = left.iter().map(|job| (job.organisation_id, job.id)).collect();
        let runs = if keys.is_empty() { Vec::new() } else { self.ports.apply.count_runs(&keys)? };
        for index in readers_first(left.iter().map(|job| (job.id, &job.outputs[..], &job.reads[..]))) {
            let LeftJob { organisation_id, id, ref name, revision, .. } = left[index];
            self.remove(
                AppliedKey::Job { organisation_id, name: name.clone() },
                id.as_uuid(),
                runs.get(index).copied(),
            );
            self.planner.writes.deleted_jobs.push((organisation_id, id, revision));
        }
        Ok(keys)
    }

    /// Deletes what no job has bound any more.
    fn delete_inputs(&mut self, deleted: &[(OrganisationId, JobId)]) -> Result<(), UseCaseError> {
        // A job that is written has bound what the plan says.
        let written = self.planner.writes.jobs.iter().map(|job| (job.value().organisation_id, job.value().id));
        let without: Vec<_> = deleted.iter().copied().chain(written).collect();
        let bound = self.bound_inputs();
        let filter = InputFilter { managed_by: Some(self.set.clone()), ..InputFilter::default() };
        let mut after = Some(all());
        while let Some(request) = after.take().filter(|_| !self.is_too_much()) {
            let page = self.ports.inputs.list(&self.planner.caller.scope, &filter, &request)?;
            let is_left = |input: &Input| !self.planner.described.inputs.contains(&input.position());
            let left: Vec<Input> = page.items.into_iter().filter(is_left).collect();
            let positions: Vec<_> = left.iter().map(Input::position).collect();
            let unused =
                if left.is_empty() { Vec::new() } else { self.ports.apply.unused_inputs(&positions, &without)? };
            for (input, is_unused) in left.into_iter().zip(unused) {
                let key = AppliedKey::Input(input.position());
                if is_unused && !bound.contains(&input.position()) {
                    self.planner.writes.deleted_inputs.push((input.position(), input.revision));
                    self.remove(key, input.id.as_uuid(), None);
                } else {
                    self.still_used(&key);
                }
            }
            after = page.next.map(behind);
        }
        Ok(())
    }

    /// What jobs of the document are to have bound.
    fn bound_inputs(&self) -> BTreeSet<InputPosition> {
        let jobs = self.planner.writes.jobs.iter().map(crate::ports::Write::value);
        jobs.flat_map(|job| {
            let position = |id| InputPosition { organisation_id: job.organisation_id, id };
            job.role_bindings.iter().map(move |binding| position(binding.input_id))
        })
        .collect()
    }

    /// Deletes what no job has any more, or had at a revision that is kept.
    fn delete_versions(
        &mut self,
        without: &[(OrganisationId, JobId)],
    ) -> Result<BTreeSet<SourceVersionId>, UseCaseError> {
        let filter = SourceVersionFilter { managed_by: Some(self.set.clone()), ..SourceVersionFilter::default() };
        let mut deleted = BTreeSet::new();
        let mut after = Some(all());
        while let Some(request) = after.take().filter(|_| !self.is_too_much()) {
            let page = self.ports.source_versions.list_heads(&filter, &request)?;
            let left = self.own_versions(page.items)?;
            let ids: Vec<_> = left.iter().map(|(version, _)| version.id).collect();
            let unused = if left.is_empty() { Vec::new() } else { self.ports.apply.unused_versions(&ids, without)? };
            for ((version, source), is_unused) in left.into_iter().zip(unused) {
                let key = AppliedKey::SourceVersion { source, version: version.version };
                if is_unused {
                    deleted.insert(version.id);
                    self.planner.writes.deleted_versions.push((version.id, self.set.clone()));
                    self.remove(key, version.id.as_uuid(), None);
                } else {
                    self.still_used(&key);
                }
            }
            after = page.next.map(behind);
        }
        Ok(deleted)
    }

    /// Those of the caller's sources that the document does not have, with the names of their sources.
    fn own_versions(
        &self,
        versions: Vec<SourceVersionHead>,
    ) -> Result<Vec<(SourceVersionHead, SourceName)>, StoreFailure> {
        let described = &self.planner.described.versions;
        let left = versions.into_iter().filter(|version| !described.contains(&version.id));
        let left: Vec<SourceVersionHead> = left.collect();
        let ids: BTreeSet<_> = left.iter().map(|version| version.source_id).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let sources = if ids.is_empty() { Vec::new() } else { self.ports.sources.find_many(&ids)? };
        let own = sources.into_iter().flatten();
        let own = own.filter(|source| self.planner.caller.scope.owns(source.owner_organisation_id));
        let own: BTreeMap<_, _> = own.map(|source| (source.id, source.name)).collect();
        let named = left.into_iter().filter_map(|version| {
            let source = own.get(&version.source_id)?.clone();
            Some((version, source))
        });
        Ok(named.collect())
    }

    /// Deletes what has no version any more.
    fn delete_sources(&mut self, deleted: &BTreeSet<SourceVersionId>) -> Result<(), UseCaseError> {
        let filter = SourceFilter { managed_by: Some(self.set.clone()), ..SourceFilter::default() };
        let mut after = Some(all());
        while let Some(request) = after.take().filter(|_| !self.is_too_much()) {
            let page = self.ports.sources.list(&filter, &request)?;
            for source in page.items {
                let is_own = self.planner.caller.scope.owns(source.owner_organisation_id);
                if !is_own || self.planner.described.sources.contains(&source.id) {
                    continue;
                }
                let key = AppliedKey::Source { name: source.name.clone() };
                if self.has_only(&source, deleted)? {
                    self.planner.writes.deleted_sources.push((source.id, source.revision));
                    self.remove(key, source.id.as_uuid(), None);
                } else {
                    self.still_used(&key);
                }
            }
            after = page.next.map(behind);
        }
        Ok(())
    }

    /// Whether a source has no versions but these.
    fn has_only(&self, source: &Source, versions: &BTreeSet<SourceVersionId>) -> Result<bool, StoreFailure> {
        let filter = SourceVersionFilter { source_id: Some(source.id), ..SourceVersionFilter::default() };
        let mut after = Some(all());
        while let Some(request) = after.take() {
            let page = self.ports.source_versions.list_heads(&filter, &request)?;
            if page.items.iter().any(|version| !versions.contains(&version.id)) {
                return Ok(false);
            }
            after = page.next.map(behind);
        }
        Ok(true)
    }
}

impl From<Job> for LeftJob {
    fn from(job: Job) -> Self {
        Self {
            organisation_id: job.organisation_id,
            id: job.id,
            revision: job.revision,
            outputs: job.outputs.iter().map(|output| output.id).collect(),
            reads: job.role_bindings.outputs().into_iter().collect(),
            name: job.name,
        }
    }
}

/// The first page of a list.
fn all<Place>() -> PageRequest<Place> {
    PageRequest::new(PageRequest::MAX_LIMIT, None).unwrap_or_else(|| unreachable!("a valid limit"))
}

/// The page behind a place.
fn behind<Place>(place: Place) -> PageRequest<Place> {
    PageRequest::new(PageRequest::MAX_LIMIT, Some(place)).unwrap_or_else(|| unreachable!("a valid limit"))
}
