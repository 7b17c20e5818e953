//! What the use cases refuse, as problems: the only mapping there is.

use std::time::Duration;

use actix_web::http::header::WWW_AUTHENTICATE;
use prediction_domain::model::{
    AccessDenied, ApplyAction, MAX_APPLIED, OwnersRight, Quota, QuotaExceeded, Readers, RoleName, ValueCount,
    Violations,
};
use prediction_domain::ports::StoreFailure;
use prediction_domain::use_cases::{Conflict, InUse, UseCaseError};
use serde_json::json;

use super::{Problem, ProblemCode};
use prediction_identity::challenge::Challenge;
use prediction_wire::{ApplyResult, ProblemMember, UpgradePlan};

impl From<UseCaseError> for Problem {
    fn from(refusal: UseCaseError) -> Self {
        match refusal {
            UseCaseError::Denied(denied) => denied.into(),
            UseCaseError::NotFound => Self::new(ProblemCode::NotFound),
            UseCaseError::Stale { current } => Self::new(ProblemCode::PreconditionFailed)
                .detail(format!("the current revision is {current}"))
                .member(ProblemMember::CurrentRevision, current.as_i64()),
            UseCaseError::WeaklyTagged { current } => Self::new(ProblemCode::PreconditionFailed)
                .detail(format!(
                    "the current revision is {current}, and If-Match names only weak entity tags (W/), which match none: a \
                     proxy that compresses answers makes tags weak; send the revision in the body instead"
                ))
                .member(ProblemMember::CurrentRevision, current.as_i64()),
            UseCaseError::Invalid(violations) => Self::invalid(&violations),
            UseCaseError::NotUpgradable { violations, plan } => {
                Self::invalid(&violations).member(ProblemMember::Plan, json!(UpgradePlan::from(*plan)))
            }
            UseCaseError::Conflict(conflict) => conflict.into(),
            UseCaseError::InUse(in_use) => in_use.into(),
            UseCaseError::QuotaExceeded { exceeded, wait } => Self::quota_exceeded(exceeded, wait),
            UseCaseError::WouldDelete(count) => count.into(),
            UseCaseError::NotOfTheSet(violations) => Self::new(ProblemCode::NotOfTheSet)
                .detail(match violations.count() {
                    1 => "1 thing is there that the set does not keep".to_owned(),
                    count => format!("{count} things are there that the set does not keep"),
                })
                .omitting(violations.omitted())
                .violations(violations.iter()),
            UseCaseError::PlanOutdated(plan) => Self::new(ProblemCode::PlanOutdated)
                .detail(format!("the plan is {} now", plan.plan_digest))
                .member(ProblemMember::NewPlan, json!(within_a_problem(ApplyResult::from(*plan)))),
            UseCaseError::PruneLimitExceeded { limit, removals, plan } => Self::new(ProblemCode::PruneLimitExceeded)
                .detail(format!("{} would be removed, and at most {limit} may be", told(removals)))
                .member(ProblemMember::Removals, removals)
                .member(ProblemMember::Limit, limit)
                .member(ProblemMember::NewPlan, json!(within_a_problem(ApplyResult::from(*plan)))),
            UseCaseError::Store(failure) => failure.into(),
        }
    }
}

/// How much a plan would remove, which is counted as far as that may ever be.
fn told(removals: usize) -> String {
    if removals > MAX_APPLIED {
        return format!("more than {MAX_APPLIED} things");
    }
    counted(removals as u64, "thing")
}

/// A plan that is told beside a problem: what it would change, with the differences if they are few.
fn within_a_problem(mut plan: ApplyResult) -> ApplyResult {
    plan.changes.retain(|change| change.action != ApplyAction::Unchanged);
    let differences: Vec<_> = plan.changes.iter().map(|change| &change.differences).collect();
    if super::length_of(&differences) > super::MOST_BYTES_OF_ERRORS {
        for change in &mut plan.changes {
            change.differences_omitted |= !change.differences.is_empty();
            change.differences.clear();
        }
    }
    plan
}

impl From<AccessDenied> for Problem {
    fn from(denied: AccessDenied) -> Self {
        match denied {
            AccessDenied::InsufficientScope { required } => Self::new(ProblemCode::InsufficientScope)
                .detail(format!("the scope {required} is needed"))
                .member(ProblemMember::RequiredScope, required.as_str())
                .header(WWW_AUTHENTICATE, &Challenge::InsufficientScope(required).to_string()),
            AccessDenied::OrganisationOutOfScope { organisation_id } => Self::new(ProblemCode::OrganisationOutOfScope)
                .detail(format!("the access token is not for organisation {organisation_id}")),
            AccessDenied::NoOrganisation => Self::new(ProblemCode::OrganisationOutOfScope)
                .detail("the access token is for no organisation, so nothing can be its own"),
            AccessDenied::NotTheOwner { source_id, owner_organisation_id, right } => {
                let owner = owner_organisation_id
                    .map_or_else(|| "the platform".to_owned(), |owner| format!("organisation {owner}"));
                let right = match right {
                    OwnersRight::Change => "its owner alone changes it",
                    OwnersRight::Delete => "its owner alone deletes it and its versions",
                    OwnersRight::Publish => {
                        "its owner alone publishes its versions; run one that it has, or describe a source of your own \
                         under another name"
                    }
                };
                Self::new(ProblemCode::NotTheOwner)
                    .detail(format!("source {source_id} belongs to {owner}, and {right}"))
                    .member(ProblemMember::SourceId, json!(source_id))
                    .member(ProblemMember::OwnerOrganisationId, json!(owner_organisation_id))
            }
            AccessDenied::NotThePlatform => Self::new(ProblemCode::NotTheOwner)
                .detail("only a token for all organisations creates sources of the platform"),
        }
    }
}

impl From<Conflict> for Problem {
    fn from(conflict: Conflict) -> Self {
        Self::new(ProblemCode::Conflict)
            .detail(format!("a different {} is stored: {}", conflict.resource, conflict.existing_id))
            .member(ProblemMember::ExistingId, json!(conflict.existing_id))
            .member(ProblemMember::Resource, conflict.resource.as_str())
            .violations(&conflict.differences)
    }
}

impl From<InUse> for Problem {
    fn from(in_use: InUse) -> Self {
        match in_use {
            InUse::SourceHasVersions { versions } => Self::new(ProblemCode::InUse)
                .detail(format!("the source has {}; delete them first", counted(versions, "version")))
                .member(ProblemMember::SourceVersions, versions),
            InUse::VersionHasJobs { jobs, visible } => Self::new(ProblemCode::InUse)
                .detail(format!("the source version is used by {}", counted(jobs, "job")))
                .member(ProblemMember::Jobs, jobs)
                .member(ProblemMember::JobIds, json!(visible)),
            InUse::OutputsAreBound { readers: Readers { jobs, first }, roles } => Self::new(ProblemCode::InUse)
                .detail(format!("outputs of the job are read by {}{}", counted(jobs, "other job"), listed(&roles)))
                .member(ProblemMember::Jobs, jobs)
                .member(ProblemMember::JobIds, json!(first)),
            InUse::InputIsBound { jobs, first } => Self::new(ProblemCode::InUse)
                .detail(format!("the input is bound by {}", counted(jobs, "job")))
                .member(ProblemMember::Jobs, jobs)
                .member(ProblemMember::JobIds, json!(first)),
        }
    }
}

impl From<ValueCount> for Problem {
    fn from(count: ValueCount) -> Self {
        let ValueCount { values, jobs, is_at_least } = count;
        let so_many = format!("{} of {}", counted(values, "value"), counted(jobs, "job"));
        let at_least = if is_at_least { "at least " } else { "" };
        Self::new(ProblemCode::WouldDeleteValues)
            .detail(format!(
                "{at_least}{so_many} would be deleted at once; send confirm_deletion: true if that is meant"
            ))
            .member(ProblemMember::Deletes, json!({ "values": values, "jobs": jobs, "at_least": is_at_least }))
    }
}

impl From<StoreFailure> for Problem {
    fn from(failure: StoreFailure) -> Self {
        match failure {
            StoreFailure::Unavailable(_) | StoreFailure::PartlyUnavailable(_) => {
                Self::unavailable(ProblemCode::StoreUnavailable).caused_by(failure)
            }
            StoreFailure::NotWritable(_) => Self::unavailable(ProblemCode::StoreUnavailable)
                .detail("the database takes no writes at the moment")
                .caused_by(failure),
            _ => Self::new(ProblemCode::InternalError).caused_by(failure),
        }
    }
}

impl Problem {
    fn invalid(violations: &Violations) -> Self {
        Self::new(ProblemCode::Invalid)
            .detail(match violations.count() {
                1 => "1 thing is wrong with the request".to_owned(),
                count => format!("{count} things are wrong with the request"),
            })
            .omitting(violations.omitted())
            .violations(violations.iter())
    }

    /// What is counted by the day can be done on the next one, unless it is more than any day has; of what is stored,
    /// something has to be deleted first.
    fn quota_exceeded(exceeded: QuotaExceeded, wait: Option<Duration>) -> Self {
        let QuotaExceeded { quota, limit, used, amount } = exceeded;
        let problem = match wait {
            Some(wait) => Self::new(ProblemCode::QuotaOfDayExceeded).retry_after(wait),
            None => Self::new(ProblemCode::QuotaExceeded),
        };
        let detail = match quota {
            Quota::Jobs => format!("the organisation has {}, and may have {limit}", counted(used, "job")),
            Quota::ValuesPerDay if amount > limit => {
                format!(
                    "the report counts as {}, and the organisation may report {limit} in a day",
                    counted(amount, "value")
                )
            }
            Quota::ValuesPerDay => format!(
                "the organisation has reported {} today and may report {limit}, and the report counts as {amount}",
                counted(used, "value")
            ),
            Quota::ChangesPerDay => {
                format!("the jobs of the organisation were changed {} today, and may be {limit} times", times(used))
            }
            _ => exceeded.to_string(),
        };
        problem
            .detail(detail)
            .member(ProblemMember::Quota, quota.as_str())
            .member(ProblemMember::Limit, limit)
            .member(ProblemMember::Used, used)
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `: "risk", "certainty"`, some of them at the most.
fn listed(roles: &[RoleName]) -> String {
    const MOST: usize = 10;
    let quoted: Vec<String> = roles.iter().take(MOST).map(|role| format!("\"{role}\"")).collect();
    let more = if roles.len() > MOST { ", …" } else { "" };
    if quoted.is_empty() { String::new() } else { format!(": {}{more}", quoted.join(", ")) }
}
