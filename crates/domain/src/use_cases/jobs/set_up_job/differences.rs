//! What a job of that name has, where it is not the planned one.

use serde_json::{Value, json};

use super::PreparedSetUp;
use crate::model::{Job, Path, ValueProblem, Violation, ViolationCode};

/// In what the stored job is not what is planned.
pub(super) fn differences(prepared: &PreparedSetUp, planned: &Job, stored: &Job) -> Vec<Violation> {
    let job = Path::of("job");
    let mut differences = Vec::new();
    let mut differs = |path: Path, expected: Value, actual: Value| {
        let problem = ValueProblem::new(ViolationCode::Differs, "is not what the job of that name has");
        differences.push(problem.expected(expected).actual(actual).at(path));
    };
    if planned.source_id != stored.source_id {
        let path = if prepared.source.is_some() { Path::of("source") } else { job.member("source_id") };
        differs(path, json!({ "id": stored.source_id }), json!({ "id": planned.source_id }));
    }
    if planned.source_version_id != stored.source_version_id {
        let path = if prepared.job_source_version_id.is_some() && prepared.source_version.is_none() {
            job.member("source_version_id")
        } else {
            Path::of("source_version")
        };
        differs(path, json!({ "id": stored.source_version_id }), json!({ "id": planned.source_version_id }));
    }
    if prepared.active.is_some_and(|active| active != stored.active) {
        differs(job.member("active"), json!(stored.active), json!(planned.active));
    }
    if planned.role_bindings != stored.role_bindings {
        differs(
            Path::of("role_bindings"),
            json!(stored.role_bindings.as_slice()),
            json!(planned.role_bindings.as_slice()),
        );
    }
    differences
}
