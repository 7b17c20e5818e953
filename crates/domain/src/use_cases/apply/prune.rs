//! What the set keeps and the document does not have any more.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::chains::readers_first;
use super::change::{AppliedKey, Difference};
use super::plan::{Detail, Planner};
use super::settle::Keeping;
use crate::model::{
    ApplyAction, Input, InputPosition, Job, PageRequest, Path, Permission, Prune, SetName, Source, SourceName,
    SourceVersionHead, ValueProblem, ViolationCode,
};
use crate::ports::{InputFilter, JobFilter, SourceFilter, SourceVersionFilter, StoreFailure, Unused, UnusedQuestion};
use crate::use_cases::{UseCaseError, Warning};

impl Planner<'_> {
    /// Plans what is to be removed; gives how much that is.
    pub(super) fn plan_prune(&mut self, set: &SetName) -> Result<usize, UseCaseError> {
        let may = |permission| self.caller.require(permission).is_ok();
        let (jobs, inputs, catalog) =
            (may(Permission::JobsWrite), may(Permission::InputsWrite), may(Permission::CatalogWrite));
        let before = self.changes.len();
        match self.prune {
            Prune::Off => {}
            Prune::Pause => {
                let left = if jobs { self.left_jobs(set)? } else { Vec::new() };
                for job in left.into_iter().filter(|job| job.active) {
                    self.pause(&job)?;
                }
            }
            Prune::Delete => {
                let left = if jobs { self.left_jobs(set)? } else { Vec::new() };
                self.delete_jobs(&left)?;
                let inputs = if inputs { self.left_inputs(set)? } else { Vec::new() };
                let (versions, sources) = if catalog {
                    (self.left_versions(set)?, self.left_sources(set)?)
                } else {
                    (Vec::new(), Vec::new())
                };
                self.delete_rest(&left, inputs, versions, sources)?;
            }
        }
        Ok(self.changes.len() - before)
    }

    fn pause(&mut self, job: &Job) -> Result<(), UseCaseError> {
        let wanted = Job { active: false, ..job.clone() };
        let difference = Difference { path: Path::of("active"), stored: json!(true), wanted: json!(false) };
        self.write_job(job, wanted, Keeping::Already, vec![difference], None)
    }

    fn delete_jobs(&mut self, jobs: &[Job]) -> Result<(), UseCaseError> {
        for job in jobs {
            let Some(place) = self.read.get(&job.id) else { continue };
            let message = format!("needs an output of the job \"{}\", which this document removes", job.name);
            let problem = ValueProblem::new(ViolationCode::Disagrees, message);
            self.diagnostics.report(place.clone(), problem.hint("describe that job, too, or bind another output"));
        }
        std::mem::take(&mut self.diagnostics).finish(Some(())).map_err(UseCaseError::Invalid)?;
        let keys: Vec<_> = jobs.iter().map(|job| (job.organisation_id, job.id)).collect();
        let runs = if keys.is_empty() { Vec::new() } else { self.ports.apply.count_runs(&keys)? };
        for index in readers_first(jobs) {
            let job = &jobs[index];
            let key = AppliedKey::Job { organisation_id: job.organisation_id, name: job.name.clone() };
            let detail = Detail { runs: runs.get(index).copied(), ..Detail::default() };
            self.change(key, job.id.as_uuid(), (ApplyAction::Delete, None), None, detail);
            self.writes.deleted_jobs.push((job.organisation_id, job.id, job.revision));
        }
        Ok(())
    }

    /// Deletes what nothing needs any more, and tells what is still needed.
    fn delete_rest(
        &mut self,
        deleted_jobs: &[Job],
        inputs: Vec<Input>,
        versions: Vec<(SourceVersionHead, SourceName)>,
        sources: Vec<Source>,
    ) -> Result<(), UseCaseError> {
        let deleted_keys: Vec<_> = deleted_jobs.iter().map(|job| (job.organisation_id, job.id)).collect();
        // A job that is written has bound what the plan says; its earlier revisions have versions all the same.
        let written = self.writes.jobs.iter().map(|job| (job.value().organisation_id, job.value().id));
        let unused_inputs = self.unused(&UnusedQuestion {
            inputs: inputs.iter().map(Input::position).collect(),
            without: deleted_keys.iter().copied().chain(written).collect(),
            ..UnusedQuestion::default()
        })?;
        let unused_versions = self.unused(&UnusedQuestion {
            versions: versions.iter().map(|(version, _)| version.id).collect(),
            without: deleted_keys,
            ..UnusedQuestion::default()
        })?;
        let bound = self.bound_inputs();
        for (input, is_unused) in inputs.into_iter().zip(unused_inputs.inputs) {
            let key = AppliedKey::Input(input.position());
            if is_unused && !bound.contains(&input.position()) {
                self.writes.deleted_inputs.push((input.position(), input.revision));
                self.change(key, input.id.as_uuid(), (ApplyAction::Delete, None), None, Detail::default());
            } else {
                self.still_used(&key);
            }
        }
        let mut deleted = BTreeSet::new();
        for ((version, source), is_unused) in versions.into_iter().zip(unused_versions.versions) {
            let key = AppliedKey::SourceVersion { source, version: version.version };
            if is_unused {
                deleted.insert(version.id);
                self.writes.deleted_versions.push(version.id);
                self.change(key, version.id.as_uuid(), (ApplyAction::Delete, None), None, Detail::default());
            } else {
                self.still_used(&key);
            }
        }
        for source in sources {
            let key = AppliedKey::Source { name: source.name.clone() };
            let filter = SourceVersionFilter { source_id: Some(source.id), ..SourceVersionFilter::default() };
            let left = pages(|page| self.ports.source_versions.list_heads(&filter, page))?;
            if left.iter().all(|version| deleted.contains(&version.id)) {
                self.writes.deleted_sources.push((source.id, source.revision));
                self.change(key, source.id.as_uuid(), (ApplyAction::Delete, None), None, Detail::default());
            } else {
                self.still_used(&key);
            }
        }
        Ok(())
    }

    fn unused(&self, question: &UnusedQuestion) -> Result<Unused, StoreFailure> {
        let is_empty = question.versions.is_empty() && question.inputs.is_empty();
        if is_empty { Ok(Unused::default()) } else { self.ports.apply.unused(question) }
    }

    /// What jobs of the document are to have bound.
    fn bound_inputs(&self) -> BTreeSet<InputPosition> {
        let jobs = self.writes.jobs.iter().map(crate::ports::Write::value);
        jobs.flat_map(|job| {
            let position = |id| InputPosition { organisation_id: job.organisation_id, id };
            job.role_bindings.iter().map(move |binding| position(binding.input_id))
        })
        .collect()
    }

    fn still_used(&mut self, key: &AppliedKey) {
        let resource = key.resource();
        self.warnings.push(Warning {
            code: "still_used",
            message: format!("the {resource} is not in the document, and stays, since it is in use"),
            details: json!({ "resource": resource.as_str(), "key": key.to_json() }),
        });
    }

    fn left_jobs(&self, set: &SetName) -> Result<Vec<Job>, StoreFailure> {
        let filter = JobFilter { managed_by: Some(set.clone()), ..JobFilter::default() };
        let found = pages(|page| self.ports.jobs.list(&self.caller.scope, &filter, page))?;
        Ok(found.into_iter().map(|found| found.job).filter(|job| !self.described.jobs.contains(&job.id)).collect())
    }

    fn left_inputs(&self, set: &SetName) -> Result<Vec<Input>, StoreFailure> {
        let filter = InputFilter { managed_by: Some(set.clone()), ..InputFilter::default() };
        let mut found = pages(|page| self.ports.inputs.list(&self.caller.scope, &filter, page))?;
        found.retain(|input| !self.described.inputs.contains(&input.position()));
        Ok(found)
    }

    /// With the names of their sources.
    fn left_versions(&self, set: &SetName) -> Result<Vec<(SourceVersionHead, SourceName)>, StoreFailure> {
        let filter = SourceVersionFilter { managed_by: Some(set.clone()), ..SourceVersionFilter::default() };
        let mut found = pages(|page| self.ports.source_versions.list_heads(&filter, page))?;
        found.retain(|version| !self.described.versions.contains(&version.id));
        let ids: BTreeSet<_> = found.iter().map(|version| version.source_id).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let sources = if ids.is_empty() { Vec::new() } else { self.ports.sources.find_many(&ids)? };
        let own = sources.into_iter().flatten();
        let own = own.filter(|source| self.caller.scope.owns(source.owner_organisation_id));
        let own: BTreeMap<_, _> = own.map(|source| (source.id, source.name)).collect();
        let named = found.into_iter().filter_map(|version| {
            let source = own.get(&version.source_id)?.clone();
            Some((version, source))
        });
        Ok(named.collect())
    }

    fn left_sources(&self, set: &SetName) -> Result<Vec<Source>, StoreFailure> {
        let filter = SourceFilter { managed_by: Some(set.clone()), ..SourceFilter::default() };
        let mut found = pages(|page| self.ports.sources.list(&filter, page))?;
        found.retain(|source| {
            !self.described.sources.contains(&source.id) && self.caller.scope.owns(source.owner_organisation_id)
        });
        Ok(found)
    }
}

/// All that is on the pages of a list.
fn pages<T, Place: Copy>(
    mut read: impl FnMut(&PageRequest<Place>) -> Result<crate::model::Page<T, Place>, StoreFailure>,
) -> Result<Vec<T>, StoreFailure> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = PageRequest::new(PageRequest::MAX_LIMIT, after).unwrap_or_else(|| unreachable!("a valid limit"));
        let found = read(&page)?;
        all.extend(found.items);
        after = found.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}
