use crate::document::{Access, Body, Operation, dry_run, tags};
use crate::problem::ProblemCode::{Conflict, NotTheOwner, OrganisationOutOfScope, QuotaExceeded};
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::Permission;
use prediction_domain::ports::WriteMode;
use prediction_domain::use_cases::{Outcome, prepare_set_up};

use crate::request::{Call, Shown, job_tag};
use crate::routes::{Answer, created, single};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::post("/api/v1/jobs/setup", "set_up_job")
        .tag(tags::JOBS)
        .summary("Set up a job")
        .text(
            "Everything that a job needs in one call: all of it is stored, or nothing. A source or a version that is \
             described and not there is created, which needs the scope `catalog:create` too, and for a version that \
             the source is the caller's own. Can be sent again safely: the same content answers 200 with what \
             is stored, other content 409.",
        )
        .access(Access::Scope(Permission::JobsWrite))
        .parameters(vec![dry_run()])
        .request(
            &wire::SET_UP_JOB,
            &[
                ("tutorial", include_str!("../../../../../docs/examples/setup-job.json")),
                ("everything_at_once", include_str!("../../../../../docs/examples/setup-job-with-everything.json")),
            ],
        )
        .answer(200, "It was there already, or with dry_run: what would be set up", Body::One("JobSetup"))
        .answer(201, "It was set up", Body::One("JobSetup"))
        .problems(&[Conflict, NotTheOwner, OrganisationOutOfScope, QuotaExceeded])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let mut query = call.query();
    let mode = query.mode();
    query.finish()?;
    let body = call.body(&caller, Permission::JobsWrite).await?;
    let prepare = move |submission| prepare_set_up(&caller, submission, mode);
    let prepared = body.decode_and(&call.service(), &wire::SET_UP_JOB, prepare).await?;

    let done = call.service().set_up(prepared).await?;
    let tag = job_tag(done.job.revision, &done.health, Shown::default());
    let location = format!("/api/v1/jobs/{}", done.job.id);
    let is_new = done.outcomes.job == Outcome::Created && mode == WriteMode::Commit;
    let body = wire::JobSetup::from(done);
    if is_new { created(&call, &location, &tag, body).await } else { single(&call, StatusCode::OK, &tag, body).await }
}
