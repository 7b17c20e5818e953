//! What is stored, as a document says it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Caller, Input, InputId, InputKind, InputPosition, JobName, MonitoredJob, OrganisationId, OutputId, Page,
    PageRequest, Permission, Position, RoleName, Scope, SetName, Source, SourceId, SourceName, SourceVersion,
    SourceVersionId, VersionLabel, Weight,
};
use crate::ports::{InputFilter, JobFilter, OwnerFilter, SourceFilter, SourceVersionFilter, StoreFailure};
use crate::use_cases::lookup::{JOBS_AT_ONCE, VERSIONS_AT_ONCE};
use crate::use_cases::{Ports, UseCaseError};

/// What to export. Conditions are joined by "and".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportFilter {
    /// Only what this set keeps.
    pub set: Option<SetName>,
    /// Only this source, its versions and its jobs.
    pub source_id: Option<SourceId>,
    /// Only what is this organisation's.
    pub organisation_id: Option<OrganisationId>,
}

/// A thing, in the words of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Exported {
    /// A source.
    Source(Source),
    /// A source version.
    SourceVersion {
        /// The name of its source.
        source: SourceName,
        /// The version.
        version: SourceVersion,
    },
    /// An input.
    Input(Input),
    /// A job.
    Job(ExportedJob),
}

/// A job, in the words of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedJob {
    /// Whose it is.
    pub organisation_id: OrganisationId,
    /// Its name.
    pub name: JobName,
    /// Whether runners should run it.
    pub active: bool,
    /// The name of its source.
    pub source: SourceName,
    /// Whose that is, if it is another organisation's.
    pub source_owner: Option<OrganisationId>,
    /// The version that it runs.
    pub version: VersionLabel,
    /// Its bindings.
    pub bindings: Vec<ExportedBinding>,
}

/// A binding, in the words of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedBinding {
    /// The input role.
    pub role: RoleName,
    /// What is bound to it.
    pub bound: ExportedBound,
}

/// What is bound, in the words of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportedBound {
    /// An input, by its id.
    Input(InputId, InputKind),
    /// An output, by its job and role.
    Output(JobName, RoleName),
}

/// A place in an export: behind some thing of a kind, or before all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportPosition {
    /// Among the sources.
    Sources(Option<Position>),
    /// Among the source versions.
    SourceVersions(Option<Position>),
    /// Among the inputs.
    Inputs(Option<InputPosition>),
    /// Among the jobs.
    Jobs(Option<Position>),
}

/// Exports a part of what the caller may see: of sources and versions only the caller's own, since a document with
/// those of others could not be applied. A page may be short and have another one behind it.
pub fn export(
    ports: &Ports,
    caller: &Caller,
    filter: &ExportFilter,
    page: &PageRequest<ExportPosition>,
) -> Result<Page<Exported, ExportPosition>, UseCaseError> {
    caller.require(Permission::JobsRead)?;
    caller.require(Permission::InputsRead)?;
    if let Some(organisation_id) = filter.organisation_id {
        caller.require_organisation(organisation_id)?;
    }
    let mut export = Export { ports, caller, filter, items: Vec::new(), room: page.limit(), budget: page.budget() };
    let mut place = page.after.unwrap_or(ExportPosition::Sources(None));
    loop {
        let (is_done, next) = match place {
            ExportPosition::Sources(after) => {
                let next = export.sources(after)?;
                (
                    next.is_none(),
                    next.map_or(ExportPosition::SourceVersions(None), |next| ExportPosition::Sources(Some(next))),
                )
            }
            ExportPosition::SourceVersions(after) => {
                let next = export.versions(after)?;
                (
                    next.is_none(),
                    next.map_or(ExportPosition::Inputs(None), |next| ExportPosition::SourceVersions(Some(next))),
                )
            }
            ExportPosition::Inputs(after) => {
                let next = export.inputs(after)?;
                (next.is_none(), next.map_or(ExportPosition::Jobs(None), |next| ExportPosition::Inputs(Some(next))))
            }
            ExportPosition::Jobs(after) => match export.jobs(after)? {
                None => return Ok(Page { items: export.items, next: None }),
                Some(next) => (false, ExportPosition::Jobs(Some(next))),
            },
        };
        if !is_done || export.room == 0 {
            return Ok(Page { items: export.items, next: Some(next) });
        }
        place = next;
    }
}

struct Export<'a> {
    ports: &'a Ports,
    caller: &'a Caller,
    filter: &'a ExportFilter,
    items: Vec<Exported>,
    room: usize,
    budget: usize,
}

impl Export<'_> {
    /// The rest of the page.
    fn request<Place>(&self, after: Option<Place>) -> PageRequest<Place> {
        let limit = u16::try_from(self.room.max(1)).unwrap_or(PageRequest::MAX_LIMIT);
        let page = PageRequest::new(limit.min(PageRequest::MAX_LIMIT), after);
        page.unwrap_or_else(|| unreachable!("a valid limit")).within(self.budget.max(1))
    }

    /// Puts things on the page.
    fn add(&mut self, items: impl IntoIterator<Item = Exported>, weight: usize, read: usize) {
        self.items.extend(items);
        self.room = self.room.saturating_sub(read);
        self.budget = self.budget.saturating_sub(weight);
    }

    fn sources(&mut self, after: Option<Position>) -> Result<Option<Position>, StoreFailure> {
        let page = match self.filter.source_id {
            Some(id) => {
                let found = self.ports.sources.find_many(&[id])?.into_iter().flatten();
                Page { items: found.collect(), next: None }
            }
            None => {
                let owner = self.filter.organisation_id.map(OwnerFilter::Organisation);
                let filter = SourceFilter { name: None, owner, managed_by: self.filter.set.clone() };
                self.ports.sources.list(&filter, &self.request(after))?
            }
        };
        let (weight, read) = (page.items.iter().map(Weight::weight).sum(), page.items.len());
        let own: Vec<Exported> =
            page.items.into_iter().filter(|source| self.has(source)).map(Exported::Source).collect();
        self.add(own, weight, read);
        Ok(page.next)
    }

    /// Whether a source is to be exported.
    fn has(&self, source: &Source) -> bool {
        let ExportFilter { set, source_id: _, organisation_id } = self.filter;
        let keeper = source.management.as_ref().map(|management| &management.set);
        self.is_own(source, *organisation_id) && set.as_ref().is_none_or(|set| keeper == Some(set))
    }

    fn is_own(&self, source: &Source, organisation_id: Option<OrganisationId>) -> bool {
        let owner = source.owner_organisation_id;
        self.caller.scope.owns(owner) && organisation_id.is_none_or(|wanted| owner == Some(wanted))
    }

    fn versions(&mut self, after: Option<Position>) -> Result<Option<Position>, StoreFailure> {
        let filter =
            SourceVersionFilter { source_id: self.filter.source_id, stages: None, managed_by: self.filter.set.clone() };
        let page = self.ports.source_versions.list(&filter, &self.request(after))?;
        let (weight, read) = (page.items.iter().map(Weight::weight).sum(), page.items.len());
        let sources = self.sources_of(page.items.iter().map(|version| version.source_id))?;
        let own = page.items.into_iter().filter_map(|version| {
            let source = sources.get(&version.source_id)?;
            let source = source.name.clone();
            self.is_own(&sources[&version.source_id], self.filter.organisation_id)
                .then_some(Exported::SourceVersion { source, version })
        });
        let own: Vec<Exported> = own.collect();
        self.add(own, weight, read);
        Ok(page.next)
    }

    fn sources_of(&self, ids: impl Iterator<Item = SourceId>) -> Result<BTreeMap<SourceId, Source>, StoreFailure> {
        let ids: BTreeSet<_> = ids.collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let found = self.ports.sources.find_many(&ids.into_iter().collect::<Vec<_>>())?;
        Ok(found.into_iter().flatten().map(|source| (source.id, source)).collect())
    }

    fn inputs(&mut self, after: Option<InputPosition>) -> Result<Option<InputPosition>, StoreFailure> {
        // Inputs are of no source.
        if self.filter.source_id.is_some() {
            return Ok(None);
        }
        let filter = InputFilter {
            organisation_id: self.filter.organisation_id,
            managed_by: self.filter.set.clone(),
            ..InputFilter::default()
        };
        let page = self.ports.inputs.list(&self.caller.scope, &filter, &self.request(after))?;
        let (weight, read) = (page.items.iter().map(Weight::weight).sum(), page.items.len());
        self.add(page.items.into_iter().map(Exported::Input), weight, read);
        Ok(page.next)
    }

    fn jobs(&mut self, after: Option<Position>) -> Result<Option<Position>, StoreFailure> {
        let filter = JobFilter {
            organisation_id: self.filter.organisation_id,
            source_id: self.filter.source_id,
            managed_by: self.filter.set.clone(),
            ..JobFilter::default()
        };
        let page = self.ports.jobs.list(&self.caller.scope, &filter, &self.request(after))?;
        let (weight, read) = (page.items.iter().map(Weight::weight).sum(), page.items.len());
        let jobs = self.described(page.items)?;
        self.add(jobs.into_iter().map(Exported::Job), weight, read);
        Ok(page.next)
    }

    fn described(&self, jobs: Vec<MonitoredJob>) -> Result<Vec<ExportedJob>, StoreFailure> {
        let sources = self.sources_of(jobs.iter().map(|found| found.job.source_id))?;
        let versions: BTreeSet<SourceVersionId> = jobs.iter().map(|found| found.job.source_version_id).collect();
        let versions: Vec<_> = versions.into_iter().collect();
        let mut labels: BTreeMap<SourceVersionId, VersionLabel> = BTreeMap::new();
        for few in versions.chunks(VERSIONS_AT_ONCE) {
            let found = self.ports.source_versions.find_many(few)?.into_iter().flatten();
            labels.extend(found.map(|version| (version.id, version.version)));
        }
        let bound: BTreeSet<(OrganisationId, OutputId)> = jobs
            .iter()
            .flat_map(|found| found.job.role_bindings.outputs().into_iter().map(|id| (found.job.organisation_id, id)))
            .collect();
        let keys: Vec<_> = bound.into_iter().map(|(owner, id)| (Scope::of([owner]), id)).collect();
        let mut outputs = BTreeMap::new();
        for few in keys.chunks(JOBS_AT_ONCE) {
            let found = self.ports.chains.find_outputs(few)?.into_iter().flatten();
            outputs.extend(found.map(|found| (found.output.id, (found.job_name, found.output.role))));
        }
        let described = |MonitoredJob { job, .. }: MonitoredJob| {
            let bindings = job.role_bindings.iter().map(|binding| {
                let output = binding.output_id().and_then(|id| outputs.get(&id));
                let bound = match output {
                    Some((job, role)) => ExportedBound::Output(job.clone(), role.clone()),
                    None => ExportedBound::Input(binding.input_id, binding.input_type.clone()),
                };
                ExportedBinding { role: binding.role.clone(), bound }
            });
            // A source or version that was deleted since then has taken the job with it.
            let source = sources.get(&job.source_id)?;
            Some(ExportedJob {
                organisation_id: job.organisation_id,
                source: source.name.clone(),
                source_owner: source.owner_organisation_id.filter(|owner| *owner != job.organisation_id),
                version: labels.get(&job.source_version_id)?.clone(),
                bindings: bindings.collect(),
                active: job.active,
                name: job.name,
            })
        };
        Ok(jobs.into_iter().filter_map(described).collect())
    }
}
