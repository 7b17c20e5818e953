//! Valid entities. Each call gives another one, with ids and names of its own, created later than those before.
//!
//! All fields are public, so a test overrides what it is about:
//!
//! ```
//! use prediction_domain::model::{Job, Source};
//! use prediction_domain_testkit::builders::{a_job_of, a_source, a_version_of};
//! use prediction_domain_testkit::values::source_name;
//!
//! let source = Source { name: source_name("mildew"), ..a_source() };
//! let version = a_version_of(source.id);
//! let job = Job { active: false, ..a_job_of(&version) };
//! assert_eq!(job.source_id, source.id);
//! ```

use std::sync::atomic::{AtomicI64, Ordering};

use prediction_domain::model::{
    CheckedBindings, Contract, Input, InputId, InputRole, Job, Lifecycle, OrganisationId, Output, OutputRole,
    Prediction, PredictionsDigest, Revision, RoleBinding, Run, RunStatus, Source, SourceId, SourceVersion, Subject,
    Timestamp,
};
use prediction_domain::ports::{ApplyPlan, JobSetUp, WriteMode};

use crate::ids::fresh_uuid;
use crate::values::{
    at, description, fresh_input_id, fresh_job_id, fresh_organisation_id, fresh_output_id, fresh_run_id,
    fresh_source_id, fresh_source_version_id, hours, input_kind, input_name, job_name, metric, micros_after, minutes,
    role_name, source_name, unit, version_label,
};

/// A source of the platform, with every other optional value.
#[must_use]
pub fn a_source() -> Source {
    let now = later();
    Source {
        id: fresh_source_id(),
        owner_organisation_id: None,
        name: source_name(&format!("Mildew predictor {}", fresh_uuid())),
        description: Some(description("Predicts mildew.")),
        expected_interval_minutes: Some(minutes(60)),
        retention_hours: Some(hours(24 * 365)),
        revision: Revision::FIRST,
        created_at: now,
        updated_at: now,
        management: None,
    }
}

/// A version of that source with [`a_contract`].
#[must_use]
pub fn a_version_of(source_id: SourceId) -> SourceVersion {
    SourceVersion {
        id: fresh_source_version_id(),
        source_id,
        version: version_label(&format!("1.0.0+{}", fresh_uuid())),
        description: Some(description("First release.")),
        contract: a_contract(),
        created_at: later(),
        lifecycle: Lifecycle::default(),
        managed_by: None,
    }
}

/// Two required sensors in, one prediction out.
#[must_use]
pub fn a_contract() -> Contract {
    contract(&["temperature", "humidity"], &["mildew_risk"])
}

/// A contract of required roles of these names; the inputs are sensors.
#[must_use]
pub fn contract(inputs: &[&str], outputs: &[&str]) -> Contract {
    let inputs = inputs.iter().map(|role| InputRole::required(role, "sensor", "celsius").expect("a valid role"));
    let outputs = outputs.iter().map(|role| OutputRole::required(role, "risk").expect("a valid role"));
    Contract::new(inputs.collect(), outputs.collect()).expect("a valid contract")
}

/// A sensor of that organisation, with every optional value.
#[must_use]
pub fn an_input_of(organisation_id: OrganisationId) -> Input {
    let now = later();
    Input {
        id: fresh_input_id(),
        organisation_id,
        kind: input_kind("sensor"),
        name: input_name(&format!("Sensor {}", fresh_uuid())),
        metric: Some(metric("celsius")),
        unit: Some(unit("°C")),
        revision: Revision::FIRST,
        created_at: now,
        updated_at: now,
        management: None,
    }
}

/// An active job of an organisation of its own that runs that version: every input role is bound to an input of its
/// own, and every output role has its output.
#[must_use]
pub fn a_job_of(version: &SourceVersion) -> Job {
    let now = later();
    Job {
        id: fresh_job_id(),
        organisation_id: fresh_organisation_id(),
        source_id: version.source_id,
        source_version_id: version.id,
        name: job_name(&format!("Vineyard {}", fresh_uuid())),
        active: true,
        activated_at: None,
        role_bindings: all_bound(&version.contract),
        outputs: Output::for_contract(&version.contract, &[], fresh_output_id),
        revision: Revision::FIRST,
        created_at: now,
        updated_at: now,
        updated_by: Some(Subject::of("operator@example.com")),
        management: None,
    }
}

/// A run of that job that succeeded with these values.
#[must_use]
pub fn a_run_of(job: &Job, predictions: &[Prediction]) -> Run {
    let now = later();
    Run {
        id: fresh_run_id(),
        organisation_id: job.organisation_id,
        job_id: job.id,
        job_revision: job.revision,
        source_version_id: job.source_version_id,
        issued_at: now,
        status: RunStatus::Succeeded,
        message: None,
        prediction_count: u32::try_from(predictions.len()).expect("few values"),
        predictions_digest: PredictionsDigest::of(predictions),
        received_at: now,
        replaces: None,
        replaced_by: None,
    }
}

/// A value.
#[must_use]
pub fn a_prediction(role: &str, at: Timestamp, value: f64) -> Prediction {
    Prediction::new(role_name(role), at, value)
}

/// Every input role of the contract, bound to an input of its own.
#[must_use]
pub fn all_bound(contract: &Contract) -> CheckedBindings {
    let bindings = contract.input_roles().iter().map(|role| RoleBinding {
        role: role.role.clone(),
        input_id: fresh_input_id(),
        input_type: role.input_kind.clone(),
    });
    CheckedBindings::restored(bindings.collect()).expect("the roles of a contract are unique")
}

/// Roles bound to sensors.
#[must_use]
pub fn bindings(bound: &[(&str, InputId)]) -> CheckedBindings {
    let bindings = bound.iter().map(|(role, input_id)| RoleBinding {
        role: role_name(role),
        input_id: *input_id,
        input_type: input_kind("sensor"),
    });
    CheckedBindings::restored(bindings.collect()).expect("no role twice")
}

/// A plan that stores a job whose version is stored already.
#[must_use]
pub fn a_plan_for(job: Job) -> JobSetUp {
    JobSetUp { new_source: None, new_version: None, job, most_jobs: None, mode: WriteMode::Commit }
}

/// A plan that stores a source, a version of it and a job that runs it.
#[must_use]
pub fn a_plan_for_everything() -> JobSetUp {
    let source = a_source();
    let version = a_version_of(source.id);
    let job = a_job_of(&version);
    JobSetUp { new_source: Some(source), new_version: Some(version), job, most_jobs: None, mode: WriteMode::Commit }
}

/// A plan that stores and deletes nothing.
#[must_use]
pub fn a_plan_of_nothing() -> ApplyPlan {
    ApplyPlan::of_nothing(WriteMode::Commit)
}

/// A time later than all times that this gave before, and not on a full millisecond.
fn later() -> Timestamp {
    static COUNT: AtomicI64 = AtomicI64::new(1);
    micros_after(at("2026-01-01T00:00:00Z"), COUNT.fetch_add(1, Ordering::Relaxed) * 1_001)
}
