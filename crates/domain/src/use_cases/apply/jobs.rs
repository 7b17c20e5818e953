//! The jobs of a document.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::chains::Names;
use super::change::{AppliedKey, Difference};
use super::described_job::DescribedJob;
use super::plan::{Detail, Planner};
use super::settle::{Keeping, Settled};
use crate::model::{
    ApplyAction, CheckedBindings, Job, JobName, OrganisationId, Output, Path, Revision, Source, SourceVersion,
    ValueProblem, VersionLabel, ViolationCode, Weight,
};
use crate::ports::Write;
use crate::requests::{DescribedJobDraft, Sent, of_another};
use crate::use_cases::UseCaseError;
use crate::use_cases::inputs::known::RegisteredInputs;
use crate::use_cases::jobs::readers::warn_of_readers;
use crate::use_cases::lookup::{deprecation, withdrawal};

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

        // What a job has bound is judged anew when it comes to another version.
        let judged = jobs.iter().filter(|job| job.bindings.is_some() || job.comes_to_version());
        let bound = judged.flat_map(|job| job.named_inputs().into_iter().map(|id| (job.organisation_id, id)));
        let bound: Vec<_> = bound.collect();
        let known = RegisteredInputs::load(self.ports, bound.iter().copied())?;
        let known = known.with(self.inputs.values().cloned(), names.outputs(bound.iter().copied()));
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
            let owner_path = path.member("organisation_id");
            let sent = self.diagnostics.read(&owner_path, &draft.organisation_id, |text| OrganisationId::parse(text));
            let organisation_id = self.organisation_of(&owner_path, &sent)?;
            let name = self.job_name(&path.member("name"), &draft.name, organisation_id)?;
            self.diagnostics.not_null(&path.member("active"), draft.active.clone());
            let (Some(name), Some(organisation_id)) = (name, organisation_id) else {
                self.wrong.jobs.extend(draft.name.given().and_then(|text| JobName::restore(text).ok()));
                // What else is wrong with it is told, too.
                if let Some(source) = draft.source.given()
                    && let Some(source) = self.named_source(&path.member("source"), source)?
                    && draft.source_version.is_present()
                {
                    self.version_of_job(&path, draft, Some(&source), None)?;
                }
                continue;
            };
            if !self.is_first(&mut seen, (organisation_id, name.clone()), ("jobs", index), &path.member("name")) {
                continue;
            }
            let stored = self.ports.jobs.find_by_name(organisation_id, &name)?;
            self.afford(stored.as_ref().map_or(0, Weight::weight))?;
            let source = self.source_of_job(&path, draft, organisation_id, stored.as_ref())?;
            let version = self.version_of_job(&path, draft, source.as_ref(), stored.as_ref())?;
            let before = stored.as_ref().map_or(&[][..], |job| job.outputs.as_slice());
            let outputs = match &version {
                Some(version) if stored.as_ref().is_none_or(|job| job.source_version_id != version.id) => {
                    let outputs = Output::for_contract(&version.contract, before, || self.ports.ids.output_id());
                    self.afford(outputs.iter().map(Weight::weight).sum())?;
                    outputs.into()
                }
                _ => before.into(),
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

    /// What a job is called. One that is there may have a name that an earlier release took.
    fn job_name(
        &mut self,
        path: &Path,
        sent: &Sent<String>,
        organisation_id: Option<OrganisationId>,
    ) -> Result<Option<JobName>, UseCaseError> {
        if let (Some(text), Some(organisation_id)) = (sent.given(), organisation_id)
            && let Ok(name) = JobName::restore(text)
            && JobName::parse(text).ok().as_ref() != Some(&name)
            && self.ports.jobs.find_by_name(organisation_id, &name)?.is_some()
        {
            return Ok(Some(name));
        }
        let name = self.diagnostics.read(path, sent, |text| JobName::parse(text));
        Ok(self.diagnostics.require(path, name))
    }

    fn source_of_job(
        &mut self,
        path: &Path,
        draft: &DescribedJobDraft,
        organisation_id: OrganisationId,
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
            let message = "is another source than the job has, and that never changes";
            let problem = ValueProblem::new(ViolationCode::ImmutableField, message)
                .expected(json!(before.map(|source| source.name)))
                .actual(json!(source.name))
                .hint("delete the job first, or give this one another name");
            self.diagnostics.report(path.member("name"), problem);
            return Ok(None);
        }
        // Otherwise the first organisation to take a name would have others run its model under that name.
        if stored.is_none()
            && !named.owner_organisation_id.is_present()
            && !self.owned.contains(&source.id)
            && let Some(problem) = of_another(&source, Some(organisation_id))
        {
            let hint = "say whose it is to run its versions; a source of your own needs another name";
            self.diagnostics.report(path.member("owner_organisation_id"), problem.hint(hint));
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
    ) -> Result<Option<Arc<SourceVersion>>, UseCaseError> {
        let job_path = path;
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
                match self.version(source, &label)? {
                    Some(version) => Some(version),
                    // What is wrong with a version of the document is told there.
                    None if self.wrong.versions.contains(&(source.name.key(), label.key().to_owned())) => None,
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
        if comes_to_it && let Some(warning) = deprecation(&version) {
            self.warn(warning, Some(job_path));
        }
        self.described.sources.insert(version.source_id);
        self.described.versions.insert(version.id);
        Ok(Some(version))
    }

    fn unknown_version(&mut self, source: &Source, label: &VersionLabel) -> Result<ValueProblem, UseCaseError> {
        let message = format!("is not a version of the source \"{}\"", source.name);
        let problem = ValueProblem::new(ViolationCode::UnknownSourceVersion, message).actual(label.as_str());
        let of_source = self.versions.range((source.id, String::new())..).take_while(|((of, _), _)| *of == source.id);
        let known = of_source.filter_map(|(_, version)| version.as_ref());
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

    fn new_job(&mut self, job: &DescribedJob<'_>, bindings: Option<CheckedBindings>, names: &Names) {
        let (Some(role_bindings), Some(source), Some(version)) = (bindings, &job.source, &job.version) else {
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
            outputs: job.outputs.to_vec(),
            revision: Revision::FIRST,
            created_at: self.now,
            updated_at: self.now,
            updated_by: Some(self.by.clone()),
            management: self.management_of_new(),
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
            outputs: job.outputs.to_vec(),
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
        for warning in warnings {
            self.warn(warning, place);
        }
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
}
