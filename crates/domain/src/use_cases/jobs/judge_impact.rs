use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::sift::sift;
use crate::model::{
    BoundJobs, Caller, CheckedBindings, Compatibility, Contract, ImpactCounts, ImpactOutcome, InputId, Job, JobImpact,
    JobsInUse, OrganisationId, OutputId, Page, PageRequest, Permission, Position, RoleBinding, RoleName, SourceVersion,
    SourceVersionId,
};
use crate::ports::JobFilter;
use crate::requests::{UpgradeOutlook, upgrade_outlook};
use crate::use_cases::lookup::withdrawal;
use crate::use_cases::{Ports, UseCaseError, contended, get_source_version};

/// Which jobs are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImpactFilter {
    /// Only jobs of this organisation.
    pub organisation_id: Option<OrganisationId>,
    /// Only jobs that run this version.
    pub source_version_id: Option<SourceVersionId>,
    /// Only jobs of this outcome are listed; all are counted.
    pub outcome: Option<ImpactOutcome>,
}

/// What an upgrade to a version would do to the jobs of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impact {
    /// How many jobs there are of each outcome; only with the first page, since all jobs are looked at for it.
    pub counts: Option<ImpactCounts>,
    /// Jobs that run another version, in creation order.
    pub items: Vec<JobImpact>,
    /// Behind which place there may be more; `None` if there are none.
    pub next: Option<Position>,
}

/// What an upgrade to a version would do to each job of its source in the caller's scope, without help. It is what an
/// upgrade of each job would say in a dry run.
pub fn judge_impact(
    ports: &Ports,
    caller: &Caller,
    id: SourceVersionId,
    filter: &ImpactFilter,
    page: &PageRequest,
) -> Result<Impact, UseCaseError> {
    caller.require(Permission::JobsRead)?;
    if let Some(organisation_id) = filter.organisation_id {
        caller.require_organisation(organisation_id)?;
    }
    let to = get_source_version(ports, id)?;
    let jobs = JobFilter {
        organisation_id: filter.organisation_id,
        source_id: Some(to.source_id),
        source_version_id: filter.source_version_id,
        ..JobFilter::default()
    };
    let mut judge = Judge { ports, to: &to, known: BTreeMap::new() };
    let counts = if page.after.is_none() { Some(judge.count(caller, &jobs)?) } else { None };
    let Page { items, next } = judge.list(caller, filter, &jobs, page)?;
    Ok(Impact { counts, items, next })
}

/// Judges jobs, with what it has learnt of the versions that they run.
struct Judge<'a> {
    ports: &'a Ports,
    to: &'a SourceVersion,
    known: BTreeMap<SourceVersionId, Known>,
}

/// A version that jobs run, and the outputs of which readers would miss something.
struct Known {
    contract: Contract,
    changed_outputs: Vec<RoleName>,
    /// Those that the version lacks.
    removed_outputs: Vec<RoleName>,
}

impl Judge<'_> {
    fn known(&mut self, id: SourceVersionId) -> Result<&Known, UseCaseError> {
        match self.known.entry(id) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let found = self.ports.source_versions.find_many(&[id])?.pop().flatten();
                // A job keeps its version from being deleted: the job was changed since it was read.
                let contract = found.ok_or_else(contended)?.contract;
                let compared = contract.compare_with(&self.to.contract, self.ports.units.as_ref());
                let outputs = compared.output_roles.into_iter();
                let changed = outputs.filter(|role| role.compatibility == Compatibility::Breaking);
                let changed_outputs = changed.map(|role| role.role).collect();
                let has = |role: &RoleName| self.to.contract.output_roles().iter().any(|other| other.role == *role);
                let roles = contract.output_roles().iter().map(|role| &role.role);
                let removed_outputs = roles.filter(|role| !has(role)).cloned().collect();
                Ok(place.insert(Known { contract, changed_outputs, removed_outputs }))
            }
        }
    }

    fn count(&mut self, caller: &Caller, jobs: &JobFilter) -> Result<ImpactCounts, UseCaseError> {
        let mut counts: ImpactCounts = ImpactOutcome::ALL.into_iter().map(|outcome| (outcome, 0)).collect();
        for group in self.ports.jobs.count_by_bound_roles(&caller.scope, jobs)? {
            *counts.entry(self.of_group(&group)?).or_default() += group.jobs;
        }
        self.move_blocked(caller, jobs, &mut counts)?;
        Ok(counts)
    }

    /// Jobs that lose an output that others read are blocked, whatever they were counted as.
    fn move_blocked(
        &mut self,
        caller: &Caller,
        jobs: &JobFilter,
        counts: &mut ImpactCounts,
    ) -> Result<(), UseCaseError> {
        if self.known.values().all(|known| known.removed_outputs.is_empty()) {
            return Ok(());
        }
        for JobsInUse { source_version_id, roles, outputs, jobs } in
            self.ports.chains.count_jobs_in_use(&caller.scope, jobs)?
        {
            if source_version_id == self.to.id {
                continue;
            }
            let removed = &self.known(source_version_id)?.removed_outputs;
            if !outputs.iter().any(|role| removed.contains(role)) {
                continue;
            }
            let counted = self.of_group(&BoundJobs { source_version_id, roles, jobs })?;
            if let Some(count) = counts.get_mut(&counted) {
                *count = count.saturating_sub(jobs);
            }
            *counts.entry(ImpactOutcome::Blocked).or_default() += jobs;
        }
        Ok(())
    }

    fn of_group(&mut self, group: &BoundJobs) -> Result<ImpactOutcome, UseCaseError> {
        if group.source_version_id == self.to.id {
            return Ok(ImpactOutcome::UpToDate);
        }
        let (to, units) = (self.to, self.ports.units.as_ref());
        let known = self.known(group.source_version_id)?;
        // Which inputs they are makes no difference; each is of the kind that its role takes.
        let roles = known.contract.input_roles().iter().filter(|role| group.roles.contains(&role.role));
        let bound = roles.map(|role| RoleBinding {
            role: role.role.clone(),
            input_id: any_input(),
            input_type: role.input_kind.clone(),
        });
        let outlook =
            upgrade_outlook(&CheckedBindings::of_checked(bound.collect()), &known.contract, &to.contract, units);
        Ok(outcome(to, &outlook, &known.changed_outputs))
    }

    fn of_job(&mut self, job: Job, read: &BTreeSet<OutputId>) -> Result<JobImpact, UseCaseError> {
        let (to, units) = (self.to, self.ports.units.as_ref());
        let known = self.known(job.source_version_id)?;
        let outlook = upgrade_outlook(&job.role_bindings, &known.contract, &to.contract, units);
        let in_use = job.outputs.iter().filter(|output| read.contains(&output.id)).map(|output| &output.role);
        let outputs_in_use: Vec<RoleName> =
            in_use.filter(|role| known.removed_outputs.contains(role)).cloned().collect();
        let outcome = outcome(to, &outlook, &known.changed_outputs);
        Ok(JobImpact {
            job_id: job.id,
            organisation_id: job.organisation_id,
            name: job.name,
            source_version_id: job.source_version_id,
            outcome: if outputs_in_use.is_empty() { outcome } else { ImpactOutcome::Blocked },
            missing_roles: outlook.missing,
            dropped_roles: outlook.dropped,
            changed_outputs: known.changed_outputs.clone(),
            outputs_in_use,
        })
    }

    /// Which outputs of each of these jobs others read. It is not asked where no output would be gone.
    fn outputs_in_use(&mut self, jobs: &[Job]) -> Result<Vec<BTreeSet<OutputId>>, UseCaseError> {
        let mut removes = false;
        for job in jobs {
            removes |= !self.known(job.source_version_id)?.removed_outputs.is_empty();
        }
        if !removes {
            return Ok(vec![BTreeSet::new(); jobs.len()]);
        }
        let wanted: Vec<_> = jobs.iter().map(|job| (job.organisation_id, job.id)).collect();
        Ok(self.ports.chains.outputs_in_use(&wanted)?)
    }

    fn list(
        &mut self,
        caller: &Caller,
        filter: &ImpactFilter,
        jobs: &JobFilter,
        page: &PageRequest,
    ) -> Result<Page<JobImpact>, UseCaseError> {
        let ports = self.ports;
        sift(
            page,
            |part| Ok(ports.jobs.list(&caller.scope, jobs, part)?),
            |found| {
                let others = found.into_iter().map(|found| found.job);
                let others = others.filter(|job| job.source_version_id != self.to.id).collect::<Vec<_>>();
                let read = self.outputs_in_use(&others)?;
                let judged = others.into_iter().zip(&read).map(|(job, read)| self.of_job(job, read));
                let impacts = judged.collect::<Result<Vec<_>, _>>()?;
                let is_wanted = |impact: &JobImpact| filter.outcome.is_none_or(|wanted| impact.outcome == wanted);
                Ok(impacts.into_iter().filter(is_wanted).collect())
            },
        )
    }
}

fn any_input() -> InputId {
    InputId::from_uuid(Uuid::from_u128(1)).unwrap_or_else(|_| unreachable!("it is not the nil UUID"))
}

fn outcome(to: &SourceVersion, outlook: &UpgradeOutlook, changed_outputs: &[RoleName]) -> ImpactOutcome {
    if withdrawal(to).is_some() {
        ImpactOutcome::Blocked
    } else if !outlook.missing.is_empty() {
        ImpactOutcome::NeedsBinding
    } else if changed_outputs.is_empty() {
        ImpactOutcome::Ready
    } else {
        ImpactOutcome::Breaking
    }
}
