//! Jobs with inputs bound that do not fit any more: an input may be changed after it was bound.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use uuid::Uuid;

use super::known::RegisteredInputs;
use crate::model::{
    Input, Job, JobId, JobOutput, OrganisationId, OutputId, Page, PageRequest, RoleBinding, RoleName, Scope,
    SourceVersion, SourceVersionId,
};
use crate::ports::{JobFilter, StoreFailure};
use crate::requests::KnownOutput;
use crate::use_cases::lookup::{JOBS_AT_ONCE, VERSIONS_AT_ONCE};
use crate::use_cases::{Ports, Warning};

/// So many jobs are named in a warning.
const MOST_NAMED: usize = 10;
/// So many jobs are looked at for the warnings of a request.
const MOST_LOOKED_AT: usize = 1_000;

/// The roles of each of these jobs whose inputs do not fit.
pub(crate) fn unfit_roles(ports: &Ports, jobs: &[&Job]) -> Result<Vec<Vec<RoleName>>, StoreFailure> {
    let registered = RegisteredInputs::of_jobs(ports, jobs)?;
    judge(ports, jobs, &registered, |_| true)
}

/// The same of the bindings that are wanted: of other inputs, `registered` need not know.
fn judge(
    ports: &Ports,
    jobs: &[&Job],
    registered: &RegisteredInputs,
    is_wanted: impl Fn(&RoleBinding) -> bool,
) -> Result<Vec<Vec<RoleName>>, StoreFailure> {
    let known: Vec<_> = jobs.iter().map(|job| registered.for_job(ports, job)).collect();
    let concerned = || jobs.iter().zip(&known).enumerate().filter(|(_, (_, known))| !known.is_empty());
    let ids: BTreeSet<SourceVersionId> = concerned().map(|(_, (job, _))| job.source_version_id).collect();
    let mut unfit = vec![Vec::new(); jobs.len()];
    for few in ids.into_iter().collect::<Vec<_>>().chunks(VERSIONS_AT_ONCE) {
        let found = ports.source_versions.find_many(few)?.into_iter().flatten();
        let versions: BTreeMap<SourceVersionId, SourceVersion> = found.map(|version| (version.id, version)).collect();
        for (place, (job, known)) in concerned() {
            let Some(version) = versions.get(&job.source_version_id) else { continue };
            let is_unfit = |binding: &&RoleBinding| is_wanted(binding) && !known.fits(&version.contract, binding);
            unfit[place] = job.role_bindings.iter().filter(is_unfit).map(|binding| binding.role.clone()).collect();
        }
    }
    Ok(unfit)
}

/// The versions that these jobs run.
pub(crate) fn versions_of<'a>(
    ports: &Ports,
    jobs: impl Iterator<Item = &'a Job>,
) -> Result<BTreeMap<SourceVersionId, SourceVersion>, StoreFailure> {
    let ids: BTreeSet<SourceVersionId> = jobs.map(|job| job.source_version_id).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found = ports.source_versions.find_many(&ids.into_iter().collect::<Vec<_>>())?;
    Ok(found.into_iter().flatten().map(|version| (version.id, version)).collect())
}

/// What a caller should know who changes these inputs: which of their jobs they do not fit any more.
pub(in crate::use_cases) fn unfit_warnings(ports: &Ports, inputs: &[&Input]) -> Result<Vec<Warning>, StoreFailure> {
    let mut warnings = Vec::new();
    let mut left = MOST_LOOKED_AT;
    let keys: Vec<_> = inputs.iter().map(|input| input.position().into()).collect();
    let are_bound = if keys.is_empty() { Vec::new() } else { ports.inputs.are_bound(&keys)? };
    for (input, _) in inputs.iter().zip(are_bound).filter(|(_, is_bound)| *is_bound) {
        let mut unfit: Vec<(JobId, RoleName)> = Vec::new();
        let mut after = None;
        let mut is_complete = true;
        loop {
            if left == 0 {
                is_complete = false;
                break;
            }
            let limit = u16::try_from(left).unwrap_or(PageRequest::MAX_LIMIT).min(PageRequest::MAX_LIMIT);
            let page = PageRequest::new(limit, after).unwrap_or_else(|| unreachable!("a valid limit"));
            let Page { items, next } = users_of(ports, input, &page)?;
            left -= items.len();
            let registered = RegisteredInputs::from_iter([(*input).clone()]);
            let jobs: Vec<&Job> = items.iter().collect();
            let of_input = |binding: &RoleBinding| binding.input_id == input.id && binding.output_id().is_none();
            for (job, roles) in jobs.iter().zip(judge(ports, &jobs, &registered, of_input)?) {
                unfit.extend(roles.into_iter().map(|role| (job.id, role)));
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        if !unfit.is_empty() {
            let subject = Subject { what: "input", name: input.name.as_str(), id: input.id.as_uuid() };
            warnings.push(warning(&subject, &unfit, is_complete));
        }
    }
    Ok(warnings)
}

fn users_of(ports: &Ports, input: &Input, page: &PageRequest) -> Result<Page<Job>, StoreFailure> {
    let filter = JobFilter { input_id: Some(input.id), ..JobFilter::default() };
    let Page { items, next } = ports.jobs.list(&Scope::of([input.organisation_id]), &filter, page)?;
    Ok(Page { items: items.into_iter().map(|found| found.job).collect(), next })
}

/// What a caller should know who changes these outputs of a job: which jobs that read them they do not fit any more.
pub(crate) fn unfit_readers(
    ports: &Ports,
    organisation_id: OrganisationId,
    outputs: &[KnownOutput],
) -> Result<Vec<Warning>, StoreFailure> {
    let Some(KnownOutput { of_job: JobOutput { job_id, .. }, .. }) = outputs.first() else { return Ok(Vec::new()) };
    let mut readers =
        ports.chains.readers_of(organisation_id, &BTreeSet::from([*job_id]), MOST_LOOKED_AT.saturating_add(1))?;
    let is_complete = readers.len() <= MOST_LOOKED_AT;
    readers.truncate(MOST_LOOKED_AT);
    let changed: BTreeSet<OutputId> = outputs.iter().map(|output| output.of_job.output.id).collect();
    let registered: RegisteredInputs = outputs.iter().map(|output| (organisation_id, output.clone())).collect();
    let is_changed = |binding: &RoleBinding| binding.output_id().is_some_and(|id| changed.contains(&id));
    let mut unfit: BTreeMap<OutputId, Vec<(JobId, RoleName)>> = BTreeMap::new();
    for few in readers.chunks(JOBS_AT_ONCE) {
        let wanted: Vec<_> = few.iter().map(|id| (Scope::of([organisation_id]), *id)).collect();
        let found: Vec<Job> = ports.jobs.find_many(&wanted)?.into_iter().flatten().collect();
        let jobs: Vec<&Job> = found.iter().collect();
        for (job, roles) in jobs.iter().zip(judge(ports, &jobs, &registered, is_changed)?) {
            for binding in job.role_bindings.iter().filter(|binding| roles.contains(&binding.role)) {
                if let Some(id) = binding.output_id() {
                    unfit.entry(id).or_default().push((job.id, binding.role.clone()));
                }
            }
        }
    }
    let warn = |output: &KnownOutput| {
        let unfit = unfit.get(&output.of_job.output.id).filter(|unfit| !unfit.is_empty())?;
        let subject =
            Subject { what: "output", name: output.of_job.output.role.as_str(), id: output.of_job.output.id.as_uuid() };
        Some(warning(&subject, unfit, is_complete))
    };
    Ok(outputs.iter().filter_map(warn).collect())
}

/// What does not fit any more.
struct Subject<'a> {
    what: &'static str,
    name: &'a str,
    id: Uuid,
}

fn warning(subject: &Subject<'_>, unfit: &[(JobId, RoleName)], is_complete: bool) -> Warning {
    let Subject { what, name, id } = subject;
    let jobs: BTreeSet<JobId> = unfit.iter().map(|(job, _)| *job).collect();
    let at_least = if is_complete { "" } else { "at least " };
    let count = if jobs.len() == 1 { "1 job has".to_owned() } else { format!("{at_least}{} jobs have", jobs.len()) };
    let named: Vec<_> =
        unfit.iter().take(MOST_NAMED).map(|(job, role)| json!({ "job_id": job, "role": role })).collect();
    let mut details = json!({ "jobs": jobs.len(), "at_least": !is_complete, "bindings": named });
    details[format!("{what}_id")] = json!(id);
    Warning {
        code: "bindings_unfit",
        message: format!("{count} the {what} \"{name}\" bound to a role that it does not fit"),
        details,
    }
}
