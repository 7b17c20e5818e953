use prediction_domain::model::{JobId, Revision, ValueProblem, ViolationCode};
use prediction_domain::use_cases::get_job_revision;

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, fresh};
use crate::wire::job_revision::JobRevisionBody;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let revision = call.part("revision", parse)?;
    call.no_query()?;

    let kept = call.api().read(move |ports| get_job_revision(ports, &caller, id, revision)).await?;
    fresh(&call, &entity_tag(kept.revision), JobRevisionBody::from(kept)).await
}

fn parse(text: &str) -> Result<Revision, ValueProblem> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_plain);
    number
        .and_then(Revision::new)
        .ok_or_else(|| ValueProblem::new(ViolationCode::OutOfRange, "is not a whole number of at least 1"))
}
