use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::document::{Access, Body, Operation, dry_run, tags};
use crate::problem::{Problem, ProblemCode};
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::{PageRequest, Permission};
use prediction_domain::requests::{SelectedJobs, UpgradeSelection};
use prediction_domain::use_cases::{self, JobUpgradeOutcome, PreparedUpgrades, prepare_upgrades, upgrade_jobs};

use crate::request::{Call, Query};
use crate::routes::{Answer, TYPICAL_BODY, json};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

/// So many jobs are upgraded before others have their turn.
const AT_ONCE: usize = 20;
/// After so long, the answer says where to go on: no answer takes longer than a proxy waits.
const LONGEST: Duration = Duration::from_secs(2);

fn describe() -> Operation {
    Operation::post("/api/v1/jobs/upgrade", "upgrade_jobs")
        .tag(tags::JOBS)
        .summary("Have many jobs run another version")
        .text(
            "Upgrades jobs as `POST /jobs/{id}/upgrade` does, without binding anything anew, each by itself: all of it or \
             nothing. A job that cannot be upgraded is told, and keeps no other one from it. Jobs outside the token's \
             organisations do not exist. An answer may have fewer jobs than `limit` and a `next_cursor`.",
        )
        .access(Access::Scope(Permission::JobsWrite))
        .parameters(vec![dry_run()])
        .request(&wire::UPGRADE_JOBS, &[("upgrade", include_str!("../../../../../docs/examples/upgrade-jobs.json"))])
        .answer(200, "What became of each job", Body::Untagged("JobUpgrades"))
        .problems(&[ProblemCode::InvalidCursor, ProblemCode::OrganisationOutOfScope])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let mut query = call.query();
    let mode = query.mode();
    query.finish()?;
    let body = call.body(&caller, Permission::JobsWrite).await?;
    let submission = Arc::new(body.decode(&call.service(), &wire::UPGRADE_JOBS).await?);
    let prepared = {
        let (caller, submission) = (Arc::clone(&caller), Arc::clone(&submission));
        Arc::new(call.service().read(move |ports| prepare_upgrades(ports, &caller, &submission)).await?)
    };
    let list = name_of(&prepared);
    let mut after = match submission.content.cursor.given() {
        Some(text) => Some(Query::place_of(&list, text).ok_or_else(|| Problem::new(ProblemCode::InvalidCursor))?),
        None => None,
    };

    let (began, most) = (Instant::now(), prepared.selection().limit);
    let (mut results, mut bytes): (Vec<wire::JobUpgradeResult>, usize) = (Vec::new(), 0);
    loop {
        let limit = AT_ONCE.min(most - results.len());
        let (caller, prepared) = (Arc::clone(&caller), Arc::clone(&prepared));
        let work = move |ports: &use_cases::Ports| upgrade_jobs(ports, &caller, &prepared, after, limit, mode);
        match call.service().write(work).await {
            Ok(done) => {
                for result in done.results.into_iter().map(told) {
                    bytes += result.problem.as_ref().map_or(0, weight);
                    results.push(result);
                }
                after = done.next;
            }
            Err(problem) if results.is_empty() => return Err(problem),
            // What was done is told, and the rest can be done later.
            Err(_) => break,
        }
        let is_long = bytes > PageRequest::BUDGET || began.elapsed() > LONGEST;
        if after.is_none() || results.len() >= most || is_long {
            break;
        }
    }
    let about = TYPICAL_BODY + 200 * results.len() + bytes;
    let mut answer: wire::JobUpgrades = results.into_iter().collect();
    answer.next_cursor = Query::cursor_of(&list, after.as_ref());
    json(&call, StatusCode::OK, about, answer).await
}

/// What a cursor belongs to.
fn name_of(prepared: &PreparedUpgrades) -> String {
    let UpgradeSelection { source_version_id, jobs, .. } = prepared.selection();
    let jobs = match jobs {
        SelectedJobs::Listed(ids) => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        SelectedJobs::Matching { organisation_id, source_version_id, name } => {
            let text = |id: Option<String>| id.unwrap_or_else(|| "any".to_owned());
            let organisation = text(organisation_id.map(|id| id.to_string()));
            let version = text(source_version_id.map(|id| id.to_string()));
            format!(" of {organisation} with {version} called {name:?}")
        }
    };
    format!("upgrades to {source_version_id}:{jobs}")
}

fn told(result: use_cases::JobUpgradeResult) -> wire::JobUpgradeResult {
    let (outcome, revision, problem) = match result.outcome {
        JobUpgradeOutcome::Upgraded(revision) => (wire::UpgradeOutcome::Upgraded, Some(revision), None),
        JobUpgradeOutcome::Unchanged(revision) => (wire::UpgradeOutcome::Unchanged, Some(revision), None),
        JobUpgradeOutcome::Refused(error) => {
            let problem = Problem::from(*error).without(wire::ProblemMember::Plan);
            (wire::UpgradeOutcome::Refused, None, Some(problem.into_body()))
        }
    };
    wire::JobUpgradeResult { job_id: result.id, organisation_id: result.organisation_id, outcome, revision, problem }
}

/// About how many bytes a problem has.
fn weight(problem: &wire::Problem) -> usize {
    500 + serde_json::to_string(&problem.errors).map_or(0, |text| text.len())
}
