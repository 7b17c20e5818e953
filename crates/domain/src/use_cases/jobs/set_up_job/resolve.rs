//! Finding what a setup refers to, or describing what is to be created.

use super::catalog::Catalog;
use super::prepare::{PreparedSetUp, disagrees};
use crate::model::{
    Diagnostics, JobId, Path, Scope, Source, SourceId, SourceVersion, Timestamp, ValueProblem, Violation, ViolationCode,
};
use crate::ports::StoreFailure;
use crate::requests::{Sent, SourceSpec, SourceVersionSpec};
use crate::use_cases::lookup::{unknown_source_version, version_of_other_source};
use crate::use_cases::{Conflict, Ports, Resource};

/// Something that a setup needs.
pub(super) enum Resolved<T> {
    /// It is stored.
    Stored(T),
    /// It is to be created.
    New(T),
}

impl<T> Resolved<T> {
    pub(super) fn get(&self) -> &T {
        match self {
            Self::Stored(value) | Self::New(value) => value,
        }
    }

    pub(super) fn is_new(&self) -> bool {
        matches!(self, Self::New(_))
    }
}

/// What a setup refers to, and what is wrong with it so far.
pub(super) struct Resolution {
    /// Its source; `None` when it cannot be told, which is reported.
    pub(super) source: Option<Resolved<Source>>,
    /// Its version; likewise.
    pub(super) version: Option<Resolved<SourceVersion>>,
    pub(super) diagnostics: Diagnostics,
    pub(super) conflict: Option<Conflict>,
    /// That the source was found by its name, and is another organisation's.
    pub(super) unmeant_owner: Option<Violation>,
    /// Whether the version that is stored is another one than the request describes.
    pub(super) version_clashes: bool,
    /// Whether the version was chosen by us, since nothing said which.
    pub(super) version_defaulted: bool,
    /// Whether it was chosen for being the newest, and not because the job has it.
    pub(super) version_is_newest: bool,
    /// The job of that name, where it was looked for.
    pub(super) known_job: Option<JobId>,
}

/// Resolves the parts of one setup, and collects what is wrong with them.
pub(super) struct Resolver<'a> {
    ports: &'a Ports,
    catalog: &'a Catalog,
    prepared: &'a PreparedSetUp,
    now: Timestamp,
    diagnostics: Diagnostics,
    conflict: Option<Conflict>,
    unmeant_owner: Option<Violation>,
    version_clashes: bool,
    version_defaulted: bool,
    version_is_newest: bool,
    known_job: Option<JobId>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(ports: &'a Ports, catalog: &'a Catalog, prepared: &'a PreparedSetUp, now: Timestamp) -> Self {
        Self {
            ports,
            catalog,
            prepared,
            now,
            diagnostics: prepared.diagnostics.clone(),
            conflict: None,
            unmeant_owner: None,
            version_clashes: false,
            version_defaulted: false,
            version_is_newest: false,
            known_job: None,
        }
    }

    pub(super) fn resolve(mut self) -> Result<Resolution, StoreFailure> {
        let source = self.source()?;
        let version = self.version(source.as_ref())?;
        Ok(Resolution {
            source,
            version,
            diagnostics: self.diagnostics,
            conflict: self.conflict,
            unmeant_owner: self.unmeant_owner,
            version_clashes: self.version_clashes,
            version_defaulted: self.version_defaulted,
            version_is_newest: self.version_is_newest,
            known_job: self.known_job,
        })
    }

    fn source(&mut self) -> Result<Option<Resolved<Source>>, StoreFailure> {
        let resolved = match &self.prepared.source {
            Some(spec) => self.described_source(spec)?,
            None => None,
        };
        let Some(inner) = self.prepared.job_source_id else {
            return Ok(resolved.or_else(|| self.source_of_version()));
        };
        let Some(resolved) = resolved else {
            // Alone, or beside a source that cannot be read: then at least the bindings can be judged with it.
            let found = self.catalog.source(inner).cloned();
            if found.is_none() && self.prepared.source.is_none() {
                self.diagnostics.report(Path::of("job").member("source_id"), unknown_source(inner));
            }
            return Ok(found.map(Resolved::Stored));
        };
        let was_compared = self.prepared.source.as_ref().is_some_and(|spec| spec.id.given().is_some());
        if !was_compared && (resolved.is_new() || resolved.get().id != inner) {
            let problem = match &resolved {
                Resolved::Stored(source) => disagrees("the source of that name", &source.id, &inner),
                Resolved::New(_) => {
                    ValueProblem::new(ViolationCode::Disagrees, "disagrees with the source, which does not exist yet")
                        .actual(inner.to_string())
                }
            };
            self.diagnostics.report(Path::of("job").member("source_id"), problem);
        }
        Ok(Some(resolved))
    }

    fn version(&mut self, source: Option<&Resolved<Source>>) -> Result<Option<Resolved<SourceVersion>>, StoreFailure> {
        let described = match &self.prepared.source_version {
            Some(spec) => self.described_version(spec, source)?,
            None => None,
        };
        if described.is_some() {
            if let (Some(version), Some(inner)) = (&described, self.prepared.job_source_version_id) {
                self.compare_with_job(version, inner);
            }
            return Ok(described);
        }
        if let Some(id) = self.prepared.job_source_version_id {
            let path = Path::of("job").member("source_version_id");
            let Some(version) = self.catalog.version(id) else {
                if self.prepared.source_version.is_none() {
                    self.diagnostics.report(path, unknown_source_version(id));
                }
                return Ok(None);
            };
            if self.prepared.source_version.is_none() {
                self.judge_owner(&path, version, source);
            }
            return Ok(Some(Resolved::Stored(version.clone())));
        }
        if self.prepared.names_version { Ok(None) } else { self.default_version(source) }
    }

    fn described_source(&mut self, spec: &SourceSpec) -> Result<Option<Resolved<Source>>, StoreFailure> {
        let path = Path::of("source");
        let id = match &spec.id {
            Sent::Given(id) => Some(*id),
            Sent::Absent | Sent::Null => None,
            Sent::Unreadable => return Ok(None),
        };
        if let Some(stored) = id.and_then(|id| self.catalog.source(id)) {
            if !spec.is_reference() {
                self.clash(Resource::Source, stored.id.as_uuid(), spec.differences(&path, stored));
            }
            return Ok(Some(Resolved::Stored(stored.clone())));
        }
        if let Some(id) = id
            && spec.is_reference()
        {
            self.diagnostics.report(path.member("id"), unknown_source(id));
            return Ok(None);
        }
        // Without an id, a missing name was reported when the setup was prepared.
        match &spec.name {
            Sent::Absent if id.is_some() => self.diagnostics.report(
                path.member("name"),
                ValueProblem::new(ViolationCode::MissingMember, "is missing")
                    .hint("there is no source of that id, and a new one needs a name"),
            ),
            Sent::Null if id.is_some() => {
                self.diagnostics.require::<()>(&path.member("name"), Sent::Null);
            }
            _ => {}
        }
        let Some(name) = spec.name.given() else { return Ok(None) };
        if let Some(stored) = self.ports.sources.find_by_name(name)? {
            self.clash(Resource::Source, stored.id.as_uuid(), spec.differences(&path, &stored));
            self.unmeant_owner = spec.unmeant_owner(&path, &stored, self.prepared.organisation_id);
            return Ok(Some(Resolved::Stored(stored)));
        }
        let owner = match &spec.owner_organisation_id {
            Sent::Given(owner) => Some(*owner),
            Sent::Absent if self.prepared.scope != Scope::Platform => self.prepared.organisation_id,
            Sent::Absent | Sent::Null | Sent::Unreadable => None,
        };
        Ok(Some(Resolved::New(spec.create(owner, name.clone(), self.ports.ids.source_id(), self.now))))
    }

    /// When only a version was named, its source.
    fn source_of_version(&self) -> Option<Resolved<Source>> {
        if self.prepared.names_source {
            return None;
        }
        let version = self.catalog.version(self.prepared.version_id()?)?;
        self.catalog.source(version.source_id).cloned().map(Resolved::Stored)
    }

    fn described_version(
        &mut self,
        spec: &SourceVersionSpec,
        source: Option<&Resolved<Source>>,
    ) -> Result<Option<Resolved<SourceVersion>>, StoreFailure> {
        let path = Path::of("source_version");
        let id = match &spec.id {
            Sent::Given(id) => Some(*id),
            Sent::Absent | Sent::Null => None,
            Sent::Unreadable => return Ok(None),
        };
        if let (Some(said), Some(source)) = (spec.source_id.given(), source)
            && *said != source.get().id
        {
            let problem = ValueProblem::new(ViolationCode::Disagrees, "disagrees with the source of the setup")
                .actual(said.to_string());
            let problem = match self.known_id(source) {
                Some(id) => problem.expected(id.to_string()),
                None => problem,
            };
            self.diagnostics.report(path.member("source_id"), problem);
        }
        if let Some(stored) = id.and_then(|id| self.catalog.version(id)) {
            if !spec.is_reference() {
                self.clash(Resource::SourceVersion, stored.id.as_uuid(), spec.differences(&path, stored));
            }
            self.judge_owner(&path.member("id"), stored, source);
            return Ok(Some(Resolved::Stored(stored.clone())));
        }
        if let Some(id) = id
            && spec.is_reference()
        {
            self.diagnostics.report(path.member("id"), unknown_source_version(id));
            return Ok(None);
        }
        let Some(source) = source else {
            if !self.prepared.names_source {
                self.diagnostics.report(
                    Path::of("source"),
                    ValueProblem::new(ViolationCode::MissingMember, "is missing")
                        .hint("a version that is described belongs to a source: send source, or job.source_id"),
                );
            }
            return Ok(None);
        };
        if let (Resolved::Stored(source), Some(label)) = (source, spec.version.given())
            && let Some(stored) = self.ports.source_versions.find_by_label(source.id, label)?
        {
            self.clash(Resource::SourceVersion, stored.id.as_uuid(), spec.differences(&path, &stored));
            return Ok(Some(Resolved::Stored(stored)));
        }
        // Without an id, a missing version was reported when the setup was prepared.
        if id.is_none() && spec.version.given().is_none() {
            return Ok(None);
        }
        let Some(content) = spec.require_content(&mut self.diagnostics, &path) else { return Ok(None) };
        let fresh = self.ports.ids.source_version_id();
        Ok(Some(Resolved::New(spec.create(content, source.get().id, fresh, self.now))))
    }

    /// The version that the job of that name has, so that a setup can be sent again after a newer version came out;
    /// else the one that was published last.
    fn default_version(
        &mut self,
        source: Option<&Resolved<Source>>,
    ) -> Result<Option<Resolved<SourceVersion>>, StoreFailure> {
        let Some(source) = source else { return Ok(None) };
        let found = match source {
            Resolved::New(_) => None,
            Resolved::Stored(source) => match self.version_of_existing_job(source.id)? {
                Some(version) => Some(version),
                None => {
                    self.version_is_newest = true;
                    self.ports.source_versions.newest(source.id)?
                }
            },
        };
        if found.is_none() {
            let name = &source.get().name;
            self.diagnostics.report(
                Path::of("source_version"),
                ValueProblem::new(
                    ViolationCode::SourceWithoutVersion,
                    format!("is missing, and the source \"{name}\" has no version to take instead"),
                )
                .hint("describe a version, or publish one first"),
            );
        }
        self.version_defaulted = found.is_some();
        Ok(found.map(Resolved::Stored))
    }

    fn version_of_existing_job(&mut self, source_id: SourceId) -> Result<Option<SourceVersion>, StoreFailure> {
        let (Some(organisation_id), Some(name)) = (self.prepared.organisation_id, &self.prepared.job_name) else {
            return Ok(None);
        };
        let Some(job) = self.ports.jobs.find_by_name(organisation_id, name)? else { return Ok(None) };
        self.known_job = Some(job.id);
        if job.source_id != source_id {
            return Ok(None);
        }
        Ok(self.ports.source_versions.find_many(&[job.source_version_id])?.pop().flatten())
    }

    /// A version that was described without an id, beside one that is named by id.
    fn compare_with_job(&mut self, version: &Resolved<SourceVersion>, inner: crate::model::SourceVersionId) {
        let was_compared = self.prepared.source_version.as_ref().is_some_and(|spec| spec.id.given().is_some());
        if !was_compared && (version.is_new() || version.get().id != inner) {
            let path = Path::of("job").member("source_version_id");
            let problem = match version {
                Resolved::Stored(version) => disagrees("the source_version of that name", &version.id, &inner),
                Resolved::New(_) => ValueProblem::new(
                    ViolationCode::Disagrees,
                    "disagrees with the source_version, which does not exist yet",
                )
                .actual(inner.to_string()),
            };
            self.diagnostics.report(path, problem);
        }
    }

    /// The id of the source, unless it was made up just now: no caller could have sent that one.
    fn known_id(&self, source: &Resolved<Source>) -> Option<SourceId> {
        let chosen = self.prepared.source.as_ref().is_some_and(|spec| spec.id.given().is_some());
        (!source.is_new() || chosen).then(|| source.get().id)
    }

    /// A version has to be one of the source's. Where the request names two sources that disagree, that was reported,
    /// and the version may belong to either.
    fn judge_owner(&mut self, path: &Path, version: &SourceVersion, source: Option<&Resolved<Source>>) {
        let Some(source) = source else { return };
        let owner = version.source_id;
        let disagreed = self.prepared.source.is_some() && self.prepared.job_source_id == Some(owner);
        if source.get().id != owner && !disagreed {
            let problem = version_of_other_source("belongs to another source", self.known_id(source), owner);
            self.diagnostics.report(path.clone(), problem);
        }
    }

    /// Remembers that what is stored is different. The first thing that clashes is named, the differences of all told.
    fn clash(&mut self, resource: Resource, existing_id: uuid::Uuid, differences: Vec<Violation>) {
        if differences.is_empty() {
            return;
        }
        self.version_clashes |= resource == Resource::SourceVersion;
        match &mut self.conflict {
            Some(conflict) => conflict.differences.extend(differences),
            None => self.conflict = Some(Conflict { resource, existing_id, differences }),
        }
    }
}

fn unknown_source(id: SourceId) -> ValueProblem {
    ValueProblem::new(ViolationCode::UnknownSource, "is not the id of a source").actual(id.to_string())
}
