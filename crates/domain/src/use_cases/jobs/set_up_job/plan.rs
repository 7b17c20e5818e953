use std::num::NonZeroU64;

use serde_json::json;

use super::catalog::Catalog;
use super::differences::differences;
use super::resolve::{Resolution, Resolved, Resolver};
use super::{Outcomes, PreparedSetUp, Warning};
use crate::model::{
    AccessDenied, CheckedBindings, Diagnostics, Job, JobId, Output, OwnersRight, Path, Permission, Revision, Source,
    SourceVersion,
};
use crate::ports::JobSetUp;
use crate::requests::validate_bindings;
use crate::use_cases::inputs::known::unverified_units;
use crate::use_cases::lookup::{deprecation, withdrawal};
use crate::use_cases::{Conflict, Outcome, Ports, Resource, UseCaseError};

/// A setup that can be carried out, with what its caller will be told.
pub(super) struct Plan {
    pub(super) set_up: JobSetUp,
    pub(super) source: Source,
    pub(super) source_version: SourceVersion,
    pub(super) outcomes: Outcomes,
    pub(super) warnings: Vec<Warning>,
    /// Whether the version is that which was published last, because nothing said which.
    pub(super) version_is_newest: bool,
    /// Whether the plan would be another one if the job were there already: then its source and version are, too, and a
    /// version that nothing named is the job's.
    pub(super) rests_on_absence: bool,
    /// The job of that name, if the plan was made with it in view.
    pub(super) known_job: Option<JobId>,
}

/// Judges a setup against what is stored: either it becomes a plan, or everything that is wrong with it is told.
pub(super) fn plan(ports: &Ports, catalog: &Catalog, prepared: &PreparedSetUp) -> Result<Plan, UseCaseError> {
    let now = ports.clock.now();
    let Resolution {
        source,
        version,
        mut diagnostics,
        mut conflict,
        unmeant_owner,
        version_clashes,
        version_defaulted,
        version_is_newest,
        known_job,
    } = Resolver::new(ports, catalog, prepared, now).resolve()?;

    if let Some(Resolved::Stored(version)) = &version
        && let Some(problem) = withdrawal(version)
        && !is_run_already(ports, prepared, version)?
    {
        let is_described = prepared.source_version.is_some() || prepared.job_source_version_id.is_none();
        let path = Path::of(if is_described { "source_version" } else { "job" });
        let path = if is_described { path } else { path.member("source_version_id") };
        diagnostics.report(path, problem);
    }
    let declared = match &version {
        // Bindings that fit the version of the request are not what is wrong with it when another one is stored.
        Some(_) if version_clashes && prepared.declared.is_some() => prepared.declared.as_ref(),
        Some(version) => Some(version.get().contract.declared_inputs()),
        None => prepared.declared.as_ref(),
    };
    let drafts = prepared.role_bindings.as_ref();
    let role_bindings =
        drafts.and_then(|drafts| validate_bindings(&mut diagnostics, &Path::of("role_bindings"), declared, drafts));

    let inputs = match prepared.organisation_id.zip(drafts) {
        // Nothing rests on a job that is not there yet, so there are no cycles.
        Some((organisation_id, drafts)) => {
            Some(catalog.inputs().for_bindings(ports, organisation_id, None, drafts, declared)?)
        }
        None => None,
    };
    let known = inputs.as_ref().map(|inputs| inputs.known(ports)).filter(|known| !known.is_empty());
    if let (Some(known), Some(drafts)) = (&known, drafts) {
        let mut misfits = Diagnostics::default();
        known.judge(&mut misfits, &Path::of("role_bindings"), declared, drafts, None);
        let are_bound = || are_bound_already(ports, prepared, role_bindings.as_ref());
        if misfits.violation_count() > 0 && !are_bound()? {
            diagnostics.extend(misfits);
        }
    }

    let whole = role_bindings.zip(source).zip(version).zip(prepared.organisation_id).zip(prepared.job_name.clone());
    let ((((role_bindings, source), version), organisation_id), name) = diagnostics.finish(whole)?;
    if conflict.is_none() {
        require_creation(prepared, &source, &version)?;
    }
    if let Some(difference) = unmeant_owner {
        let differences = conflict.take().map(|conflict| conflict.differences).unwrap_or_default();
        let differences = differences.into_iter().chain([difference]).collect();
        conflict = Some(Conflict { resource: Resource::Source, existing_id: source.get().id.as_uuid(), differences });
    }

    let outcomes = Outcomes { source: outcome(&source), source_version: outcome(&version), job: Outcome::Created };
    let defaulted = version_defaulted.then(|| defaulted(version.get()));
    let units = known.map(|known| unverified_units(&known, &version.get().contract, &role_bindings));
    let warnings = defaulted.into_iter().chain(deprecation(version.get())).chain(units.into_iter().flatten()).collect();
    let job = Job {
        id: ports.ids.job_id(),
        organisation_id,
        source_id: source.get().id,
        source_version_id: version.get().id,
        name,
        active: prepared.active.unwrap_or(true),
        activated_at: None,
        role_bindings,
        outputs: Output::for_contract(&version.get().contract, &[], || ports.ids.output_id()),
        revision: Revision::FIRST,
        created_at: now,
        updated_at: now,
        updated_by: Some(prepared.by.clone()),
        management: None,
    };
    if let Some(mut conflict) = conflict {
        // The job of that name may differ, too.
        if let Some(stored) = ports.jobs.find_by_name(organisation_id, &job.name)? {
            conflict.differences.extend(differences(prepared, &job, &stored));
        }
        conflict.differences.sort_by(|one, other| one.path.cmp(&other.path));
        return Err(UseCaseError::Conflict(conflict));
    }
    Ok(Plan {
        set_up: JobSetUp {
            new_source: new(&source),
            new_version: new(&version),
            job,
            most_jobs: ports.quotas.jobs.map(NonZeroU64::get),
            mode: prepared.mode,
        },
        source: source.get().clone(),
        source_version: version.get().clone(),
        outcomes,
        warnings,
        version_is_newest,
        rests_on_absence: source.is_new() || version.is_new() || version_is_newest,
        known_job,
    })
}

/// Whether the job of that name runs the version: then it is not the setup that has it come there.
fn is_run_already(ports: &Ports, prepared: &PreparedSetUp, version: &SourceVersion) -> Result<bool, UseCaseError> {
    let (Some(organisation_id), Some(name)) = (prepared.organisation_id, &prepared.job_name) else { return Ok(false) };
    let job = ports.jobs.find_by_name(organisation_id, name)?;
    Ok(job.is_some_and(|job| job.source_version_id == version.id))
}

/// Whether the job of that name has the same bindings: then the setup changes nothing about them. What is known of its
/// inputs may have changed since.
fn are_bound_already(
    ports: &Ports,
    prepared: &PreparedSetUp,
    bindings: Option<&CheckedBindings>,
) -> Result<bool, UseCaseError> {
    let (Some(organisation_id), Some(name)) = (prepared.organisation_id, &prepared.job_name) else { return Ok(false) };
    let Some(bindings) = bindings else { return Ok(false) };
    let job = ports.jobs.find_by_name(organisation_id, name)?;
    Ok(job.is_some_and(|job| job.role_bindings == *bindings))
}

/// Refuses unless the caller may create what is new.
fn require_creation(
    prepared: &PreparedSetUp,
    source: &Resolved<Source>,
    version: &Resolved<SourceVersion>,
) -> Result<(), AccessDenied> {
    if !source.is_new() && !version.is_new() {
        return Ok(());
    }
    if !prepared.may_create {
        return Err(AccessDenied::InsufficientScope { required: Permission::CatalogCreate });
    }
    match source {
        Resolved::Stored(source) => prepared.scope.require_own(source, OwnersRight::Publish),
        Resolved::New(source) if prepared.scope.owns(source.owner_organisation_id) => Ok(()),
        Resolved::New(source) => Err(match source.owner_organisation_id {
            Some(organisation_id) => AccessDenied::OrganisationOutOfScope { organisation_id },
            None => AccessDenied::NotThePlatform,
        }),
    }
}

fn outcome<T>(resolved: &Resolved<T>) -> Outcome {
    if resolved.is_new() { Outcome::Created } else { Outcome::Reused }
}

fn new<T: Clone>(resolved: &Resolved<T>) -> Option<T> {
    match resolved {
        Resolved::New(value) => Some(value.clone()),
        Resolved::Stored(_) => None,
    }
}

fn defaulted(version: &SourceVersion) -> Warning {
    Warning {
        code: "version_defaulted",
        message: format!("no version was named, so the job is pinned to version {}", version.version),
        details: json!({ "source_version_id": version.id, "version": version.version }),
    }
}
