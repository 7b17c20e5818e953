//! The jobs of a document.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::change::{AppliedKey, Difference};
use super::plan::{Detail, Planner};
use super::settle::{Keeping, Settled};
use crate::model::{
    ApplyAction, CheckedBindings, Contract, Diagnostics, Job, JobId, JobName, Management, OrganisationId, Output, Path,
    Revision, RoleBinding, Source, SourceVersion, SourceVersionId, ValueProblem, VersionLabel, ViolationCode,
};
use crate::ports::Write;
use crate::requests::{BindingDraft, DescribedJobDraft, NamedBindingDraft, Sent, validate_bindings};
use crate::use_cases::UseCaseError;
use crate::use_cases::inputs::known::{InputsOfJob, RegisteredInputs, unverified_units};
use crate::use_cases::jobs::change_job::{renamed, report_bindings_at};
use crate::use_cases::jobs::readers::warn_of_readers;
use crate::use_cases::lookup::{deprecation, withdrawal};

use super::chains::Names;

/// A job of the document, as far as it is judged.
pub(super) struct DescribedJob<'a> {
    pub(super) path: Path,
    draft: &'a DescribedJobDraft,
    pub(super) organisation_id: OrganisationId,
    pub(super) name: JobName,
    pub(super) id: JobId,
    stored: Option<Job>,
    source: Option<Source>,
    /// The version that it is to run; `None` after a violation was reported.
    version: Option<SourceVersion>,
    pub(super) outputs: Vec<Output>,
    /// Its bindings with the ids of what they name; `None` if they are left out or cannot be read.
    pub(super) bindings: Option<Vec<Sent<BindingDraft>>>,
}

impl DescribedJob<'_> {
    /// The version that its outputs are of, if that is known.
    pub(super) fn version_id(&self) -> Option<SourceVersionId> {
        let version = self.version.as_ref().map(|version| version.id);
        version.or_else(|| self.stored.as_ref().map(|job| job.source_version_id))
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
    pub(super) fn bound_outputs(&self) -> Vec<(crate::model::OutputId, Option<usize>)> {
        let declared = self.version.as_ref().map(|version| version.contract.declared_inputs());
        match &self.bindings {
            Some(drafts) => {
                let place = |id: &crate::model::OutputId| {
                    let text = id.to_string();
                    drafts.iter().position(|draft| {
                        draft
                            .given()
                            .and_then(|draft| draft.input_id.given())
                            .is_some_and(|sent| sent.to_lowercase() == text)
                    })
                };
                let named = crate::requests::named_outputs(drafts, declared);
                named.into_iter().map(|id| (id, place(&id))).collect()
            }
            None => {
                let stored = self.stored.iter().flat_map(|job| job.role_bindings.outputs());
                stored.map(|id| (id, None)).collect()
            }
        }
    }
}

impl<'a> Planner<'a> {
    pub(super) fn plan_jobs(&mut self) -> Result<(), UseCaseError> {
        let mut jobs = self.describe_jobs()?;
        let mut names = Names::of(&jobs);
        for job in &mut jobs {
            job.bindings = match &job.draft.role_bindings {
                Sent::Given(drafts) => Some(names.resolve(self, job.organisation_id, &job.path, drafts)?),
                Sent::Null => Some(Vec::new()),
                Sent::Absent | Sent::Unreadable => None,
            };
        }
        names.load_bound(self, jobs.iter().filter_map(|job| job.stored.as_ref()))?;
        let order = self.judge_chains(&jobs, &mut names)?;

        let bound = jobs.iter().flat_map(|job| {
            let drafts = job.bindings.as_deref().unwrap_or_default();
            crate::use_cases::inputs::known::named(drafts).into_iter().map(|id| (job.organisation_id, id))
        });
        let known = RegisteredInputs::load(self.ports, bound)?;
        let known = known.with(self.inputs.values().cloned(), names.outputs());
        for index in order {
            self.plan_job(&jobs[index], &known, &names)?;
        }
        Ok(())
    }

    /// Reads what each job is called and what it is to run.
    fn describe_jobs(&mut self) -> Result<Vec<DescribedJob<'a>>, UseCaseError> {
        let mut seen = BTreeMap::new();
        let mut jobs = Vec::new();
        let draft = self.draft;
        for (index, draft) in draft.jobs.given().into_iter().flatten().enumerate() {
            let path = Path::of("jobs").index(index);
            let Some(draft) = self.diagnostics.require(&path, draft.as_ref()) else { continue };
            let name = self.diagnostics.read(&path.member("name"), &draft.name, |text| JobName::parse(text));
            let name = self.diagnostics.require(&path.member("name"), name);
            let owner_path = path.member("organisation_id");
            let sent = self.diagnostics.read(&owner_path, &draft.organisation_id, |text| OrganisationId::parse(text));
            let organisation_id = self.organisation_of(&owner_path, &sent)?;
            self.diagnostics.not_null(&path.member("active"), draft.active.clone());
            let (Some(name), Some(organisation_id)) = (name, organisation_id) else { continue };
            if !self.is_first(&mut seen, (organisation_id, name.clone()), ("jobs", index), &path.member("name")) {
                continue;
            }
            let stored = self.ports.jobs.find_by_name(organisation_id, &name)?;
            let source = self.source_of_job(&path, draft, stored.as_ref())?;
            let version = self.version_of_job(&path, draft, source.as_ref(), stored.as_ref())?;
            let before = stored.as_ref().map_or(&[][..], |job| job.outputs.as_slice());
            let outputs = match &version {
                Some(version) if stored.as_ref().is_none_or(|job| job.source_version_id != version.id) => {
                    Output::for_contract(&version.contract, before, || self.ports.ids.output_id())
                }
                _ => before.to_vec(),
            };
            let id = stored.as_ref().map_or_else(|| self.ports.ids.job_id(), |job| job.id);
            self.places.insert(id, path.clone());
            self.described.jobs.insert(id);
            jobs.push(DescribedJob {
                path,
                draft,
                organisation_id,
                name,
                id,
                stored,
                source,
                version,
                outputs,
                bindings: None,
            });
        }
        Ok(jobs)
    }

    fn source_of_job(
        &mut self,
        path: &Path,
        draft: &DescribedJobDraft,
        stored: Option<&Job>,
    ) -> Result<Option<Source>, UseCaseError> {
        let path = path.member("source");
        let named = match (&draft.source, stored) {
            (Sent::Absent, Some(stored)) => {
                return Ok(self.ports.sources.find_many(&[stored.source_id])?.pop().flatten());
            }
            (sent, _) => self.diagnostics.require(&path, sent.as_ref()),
        };
        let Some(named) = named else { return Ok(None) };
        let Some(source) = self.named_source(&path, named)? else { return Ok(None) };
        if let Some(stored) = stored
            && stored.source_id != source.id
        {
            let before = self.ports.sources.find_many(&[stored.source_id])?.pop().flatten();
            let problem = ValueProblem::new(ViolationCode::ImmutableField, "never changes")
                .expected(json!(before.map(|source| source.name)))
                .actual(json!(source.name))
                .hint("delete the job first, or give this one another name");
            self.diagnostics.report(path.member("name"), problem);
            return Ok(None);
        }
        self.described.sources.insert(source.id);
        Ok(Some(source))
    }

    fn version_of_job(
        &mut self,
        path: &Path,
        draft: &DescribedJobDraft,
        source: Option<&Source>,
        stored: Option<&Job>,
    ) -> Result<Option<SourceVersion>, UseCaseError> {
        let path = path.member("source_version");
        let label_path = path.member("version");
        let version = match (&draft.source_version, stored) {
            (Sent::Absent, Some(stored)) => self.version_by_id(stored.source_version_id)?,
            (Sent::Absent, None) => {
                let newest = match source {
                    Some(source) => self.ports.source_versions.newest(source.id)?,
                    None => None,
                };
                let problem = ValueProblem::new(ViolationCode::MissingMember, "is missing");
                let problem = match newest {
                    Some(newest) => problem.hint(format!("the newest version of the source is \"{}\"", newest.version)),
                    None => problem.hint("a job of a document says which version it runs"),
                };
                self.diagnostics.report(path, problem);
                return Ok(None);
            }
            (sent, _) => {
                let Some(named) = self.diagnostics.require(&path, sent.as_ref()) else { return Ok(None) };
                let label = self.diagnostics.read(&label_path, &named.version, |text| VersionLabel::restore(text));
                let Some(label) = self.diagnostics.require(&label_path, label) else { return Ok(None) };
                let Some(source) = source else { return Ok(None) };
                match self.version(source, &label)?.cloned() {
                    Some(version) => Some(version),
                    None if self.is_described_as_version(source, &label) => None,
                    None => {
                        let problem = self.unknown_version(source, &label)?;
                        self.diagnostics.report(label_path.clone(), problem);
                        None
                    }
                }
            }
        };
        let Some(version) = version else { return Ok(None) };
        let comes_to_it = stored.is_none_or(|job| job.source_version_id != version.id);
        if comes_to_it && let Some(problem) = withdrawal(&version) {
            self.diagnostics.report(label_path, problem);
        }
        self.warnings.extend(deprecation(&version).filter(|_| comes_to_it));
        self.described.versions.insert(version.id);
        Ok(Some(version))
    }

    pub(super) fn version_by_id(&mut self, id: SourceVersionId) -> Result<Option<SourceVersion>, UseCaseError> {
        let known = self.versions.values().flatten().find(|version| version.id == id);
        if let Some(version) = known {
            return Ok(Some(version.clone()));
        }
        let found = self.ports.source_versions.find_many(&[id])?.pop().flatten();
        if let Some(version) = &found {
            self.versions.insert((version.source_id, version.version.key().to_owned()), Some(version.clone()));
        }
        Ok(found)
    }

    /// Whether the document has a version of that name that is wrong: that is told there.
    fn is_described_as_version(&self, source: &Source, label: &VersionLabel) -> bool {
        let described = self.draft.source_versions.given().into_iter().flatten().filter_map(Sent::given);
        described.into_iter().any(|described| {
            let of_source = described.source.given().and_then(|source| source.name.given());
            let version = described.version.version.given().and_then(|text| VersionLabel::restore(text).ok());
            of_source.is_some_and(|name| *name == source.name.as_str())
                && version.is_some_and(|version| version.key() == label.key())
        })
    }

    fn unknown_version(&mut self, source: &Source, label: &VersionLabel) -> Result<ValueProblem, UseCaseError> {
        let message = format!("is not a version of the source \"{}\"", source.name);
        let problem = ValueProblem::new(ViolationCode::UnknownSourceVersion, message).actual(label.as_str());
        let known = self.versions.values().flatten().filter(|version| version.source_id == source.id);
        let known: Vec<String> = known.map(|version| version.version.to_string()).collect();
        Ok(match self.diagnostics.nearest(label.as_str(), known.iter().map(String::as_str)) {
            Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
            None => match self.ports.source_versions.newest(source.id)? {
                Some(newest) => problem.hint(format!("the newest version of the source is \"{}\"", newest.version)),
                None => problem.hint("a version is described under source_versions, or is there already"),
            },
        })
    }

    fn plan_job(
        &mut self,
        job: &DescribedJob<'_>,
        known: &RegisteredInputs,
        names: &Names,
    ) -> Result<(), UseCaseError> {
        let bindings = self.judge_bindings(job, known)?;
        match &job.stored {
            None => {
                self.new_job(job, bindings, names);
                Ok(())
            }
            Some(stored) => self.change_stored_job(job, stored, bindings, names),
        }
    }

    /// The bindings that the job is to have; `None` after a violation was reported.
    fn judge_bindings(
        &mut self,
        job: &DescribedJob<'_>,
        known: &RegisteredInputs,
    ) -> Result<Option<CheckedBindings>, UseCaseError> {
        let path = job.path.member("role_bindings");
        let contract = job.version.as_ref().map(|version| &version.contract);
        let declared = contract.map(Contract::declared_inputs);
        let changes = job
            .stored
            .as_ref()
            .is_none_or(|stored| job.version.as_ref().is_some_and(|version| version.id != stored.source_version_id));
        let there = job.stored.as_ref().map(|stored| &stored.role_bindings).filter(|_| !changes);
        let judge = |apart: &mut Diagnostics, drafts: &[Sent<BindingDraft>]| {
            let checked = validate_bindings(apart, &path, declared, drafts);
            let inputs: InputsOfJob = known.for_bindings(self.ports, job.organisation_id, None, drafts, declared)?;
            let known = inputs.known(self.ports);
            known.judge(apart, &path, declared, drafts, there);
            let units = contract.zip(checked.as_ref()).map(|(contract, checked)| {
                let new =
                    checked.iter().filter(|binding| there.is_none_or(|there| !there.iter().any(|had| had == *binding)));
                unverified_units(&known, contract, new)
            });
            Ok::<_, UseCaseError>((checked, units.unwrap_or_default()))
        };
        let mut apart = Diagnostics::default();
        let (checked, units) = match (&job.bindings, &job.stored) {
            (Some(drafts), _) => {
                let judged = judge(&mut apart, drafts)?;
                self.report_at_names(job, apart);
                judged
            }
            (None, Some(stored)) if changes => {
                let Some(version) = &job.version else { return Ok(None) };
                let kept = renamed(self.ports, stored, version)?;
                let drafts: Vec<_> = kept.iter().map(|binding| Sent::Given(BindingDraft::from(binding))).collect();
                let judged = judge(&mut apart, &drafts)?;
                let hint = Some("send role_bindings that fit the version");
                let place = job.path.member("source_version");
                let what = "does not fit the bindings that the job has";
                report_bindings_at(&mut self.diagnostics, &place, apart, &drafts, what, hint);
                judged
            }
            (None, Some(stored)) => (Some(stored.role_bindings.clone()), Vec::new()),
            (None, None) => {
                if !matches!(job.draft.role_bindings, Sent::Unreadable) {
                    self.diagnostics.require::<()>(&path, Sent::Absent);
                }
                (None, Vec::new())
            }
        };
        self.warnings.extend(units.into_iter().map(|warning| of_job(warning, job)));
        Ok(checked)
    }

    /// Mistakes about an output are told where it is named.
    fn report_at_names(&mut self, job: &DescribedJob<'_>, apart: Diagnostics) {
        let Some(violations) = apart.into_violations() else { return };
        self.diagnostics.omit(violations.omitted());
        let list = job.path.member("role_bindings");
        for violation in violations.into_vec() {
            let index = violation.path.segments().iter().rev().find_map(|segment| match segment {
                crate::model::Segment::Index(index) => Some(*index),
                crate::model::Segment::Member(_) => None,
            });
            let is_of_id = |index: usize| violation.path == list.index(index).member("input_id");
            let path = match index.filter(|index| is_of_id(*index)) {
                Some(index) => job.place_of_binding(index),
                None => violation.path.clone(),
            };
            // The subject of the sentence is the member, and is put before it again.
            let subject = violation.path.segments().last();
            let subject = match subject {
                Some(crate::model::Segment::Member(name)) => name.as_ref(),
                _ => "the item",
            };
            let message = violation.message.strip_prefix(subject).map_or(violation.message.as_str(), str::trim_start);
            let problem = ValueProblem {
                code: violation.code,
                message: message.to_owned().into(),
                expected: violation.expected,
                actual: violation.actual,
                hint: violation.hint,
            };
            self.diagnostics.report(path, problem);
        }
    }

    fn new_job(&mut self, job: &DescribedJob<'_>, bindings: Option<CheckedBindings>, names: &Names) {
        let (Some(role_bindings), Some(source), Some(version), Some(set)) =
            (bindings, &job.source, &job.version, self.set.clone())
        else {
            return;
        };
        let new = Job {
            id: job.id,
            organisation_id: job.organisation_id,
            source_id: source.id,
            source_version_id: version.id,
            name: job.name.clone(),
            active: job.draft.active.given().copied().unwrap_or(true),
            activated_at: None,
            role_bindings,
            outputs: job.outputs.clone(),
            revision: Revision::FIRST,
            created_at: self.now,
            updated_at: self.now,
            updated_by: Some(self.by.clone()),
            management: Some(Management { set, revision: Revision::FIRST }),
        };
        let mut bindings: Vec<Value> = new.role_bindings.iter().map(|binding| names.described(binding)).collect();
        bindings.sort_by_key(ToString::to_string);
        let content = json!([source.name, version.version, new.active, bindings]);
        let detail = Detail { content, ..Detail::default() };
        let key = AppliedKey::Job { organisation_id: new.organisation_id, name: new.name.clone() };
        let action = (ApplyAction::Create, Some(new.revision));
        self.change(key, new.id.as_uuid(), action, Some(&job.path), detail);
        self.writes.jobs.push(Write::New(new));
    }

    fn change_stored_job(
        &mut self,
        job: &DescribedJob<'_>,
        stored: &Job,
        bindings: Option<CheckedBindings>,
        names: &Names,
    ) -> Result<(), UseCaseError> {
        let keeper = stored.management.as_ref().map(|management| management.set.clone());
        let keeping = self.keeping(&job.path, keeper.as_ref());
        let (Some(role_bindings), Some(version), Some(keeping)) = (bindings, &job.version, keeping) else {
            return Ok(());
        };
        let wanted = Job {
            source_version_id: version.id,
            active: job.draft.active.given().copied().unwrap_or(stored.active),
            role_bindings,
            outputs: job.outputs.clone(),
            ..stored.clone()
        };
        let differences = self.differences(job, stored, &wanted, names)?;
        self.write_job(stored, wanted, keeping, differences, Some(&job.path))
    }

    /// Writes a stored job as it is to be.
    pub(super) fn write_job(
        &mut self,
        stored: &Job,
        wanted: Job,
        keeping: Keeping,
        differences: Vec<Difference>,
        place: Option<&Path>,
    ) -> Result<(), UseCaseError> {
        let warnings = warn_of_readers(self.ports, stored, &wanted)?;
        self.warnings.extend(warnings);
        let Some(Settled { action, changed_outside, value, write }) = self.settle(stored, wanted, keeping) else {
            return Ok(());
        };
        let action = if place.is_none() { ApplyAction::Pause } else { action };
        let key = AppliedKey::Job { organisation_id: value.organisation_id, name: value.name.clone() };
        let detail = Detail { differences, changed_outside, ..Detail::default() };
        self.change(key, value.id.as_uuid(), (action, Some(value.revision)), place, detail);
        self.writes.jobs.extend(write);
        Ok(())
    }

    /// In what a job is different, in the words of a document.
    fn differences(
        &mut self,
        job: &DescribedJob<'_>,
        stored: &Job,
        wanted: &Job,
        names: &Names,
    ) -> Result<Vec<Difference>, UseCaseError> {
        let mut differences = Vec::new();
        if stored.source_version_id != wanted.source_version_id {
            let before = self.version_by_id(stored.source_version_id)?.map(|version| version.version);
            let after = job.version.as_ref().map(|version| &version.version);
            let path = Path::of("source_version").member("version");
            differences.push(Difference { path, stored: json!(before), wanted: json!(after) });
        }
        if stored.active != wanted.active {
            let path = Path::of("active");
            differences.push(Difference { path, stored: json!(stored.active), wanted: json!(wanted.active) });
        }
        if stored.role_bindings != wanted.role_bindings {
            differences.extend(binding_differences(job, stored, wanted, names));
        }
        Ok(differences)
    }
}

/// Role by role: where the document has the binding, or else at the list.
fn binding_differences(job: &DescribedJob<'_>, stored: &Job, wanted: &Job, names: &Names) -> Vec<Difference> {
    let list = Path::of("role_bindings");
    let by_role = |job: &Job| -> BTreeMap<String, RoleBinding> {
        job.role_bindings.iter().map(|binding| (binding.role.to_string(), binding.clone())).collect()
    };
    let (before, after) = (by_role(stored), by_role(wanted));
    let place = |role: &str| {
        let drafts = job.draft.role_bindings.given()?;
        let of_role = |draft: &Sent<NamedBindingDraft>| {
            draft.given().and_then(|draft| draft.binding.role.given()).is_some_and(|sent| sent == role)
        };
        drafts.iter().position(of_role)
    };
    let roles: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = |role: &&String| before.get(*role) != after.get(*role);
    let described = |binding: Option<&RoleBinding>| binding.map_or(Value::Null, |binding| names.described(binding));
    roles
        .into_iter()
        .filter(differs)
        .map(|role| Difference {
            path: place(role).map_or_else(|| list.clone(), |index| list.index(index)),
            stored: described(before.get(role)),
            wanted: described(after.get(role)),
        })
        .collect()
}

fn of_job(mut warning: crate::use_cases::Warning, job: &DescribedJob<'_>) -> crate::use_cases::Warning {
    if let Value::Object(details) = &mut warning.details {
        details.insert("document".to_owned(), json!(job.path.to_json_pointer()));
    }
    warning
}
