//! The schemas of all answers.

use utoipa::OpenApi as _;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AllOf, Schema};

use crate::fields::Schemas;
use crate::{
    apply, candidate, comparison, export, health, impact, input, job, job_revision, lifecycle, lineage, organisation,
    output, problem, provenance, rules, run, setup, source, source_version, upgrade, upgrade_many, warning,
};

#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(
    apply::ApplyResult,
    apply::ApplyCounts,
    apply::ApplyChange,
    apply::ApplyDifference,
    apply::ChangedOutside,
    rules::ApplyAction,
    export::Export,
    export::ExportedDocument,
    export::ExportedSource,
    export::ExportedSourceName,
    export::ExportedSourceVersion,
    export::ExportedVersionName,
    export::ExportedInput,
    export::ExportedJob,
    export::ExportedRoleBinding,
    export::ExportedOutputName,
    source::Source,
    source::UpdatedSource,
    source::ValueCount,
    source_version::SourceVersion,
    source_version::SourceVersionItem,
    source_version::InputRole,
    source_version::OutputRole,
    comparison::SourceVersionComparison,
    comparison::SourceVersionReference,
    comparison::RoleComparison,
    comparison::MemberDifference,
    lifecycle::Lifecycle,
    health::JobHealth,
    health::JobHealthCounts,
    health::JobHealthCountsByStatus,
    health::JobHealthGroup,
    health::ServiceDegradation,
    health::ServiceHealth,
    rules::HealthStatus,
    rules::RunStatus,
    rules::Compatibility,
    rules::RoleChange,
    rules::InputAction,
    rules::LifecycleStage,
    rules::ImpactOutcome,
    impact::SourceVersionImpact,
    impact::ImpactCounts,
    impact::JobImpact,
    rules::OutputAction,
    candidate::Candidate,
    candidate::CandidateFit,
    input::Input,
    input::InputImport,
    input::InputImportCounts,
    input::InputImportResult,
    input::InputOutcome,
    input::InputUse,
    input::UpdatedInput,
    job::UnitConversion,
    lineage::Lineage,
    lineage::LineageEdge,
    lineage::LineageNode,
    lineage::SourceReference,
    organisation::Organisation,
    output::JobOutput,
    job::Job,
    job::UpdatedJob,
    job::RoleBinding,
    job::Output,
    job_revision::JobRevision,
    job_revision::JobRevisionComparison,
    job_revision::JobRevisionReference,
    job_revision::JobDifference,
    upgrade::JobUpgrade,
    upgrade::UpgradePlan,
    upgrade::UpgradeInput,
    upgrade::UpgradeOutput,
    upgrade_many::JobUpgrades,
    upgrade_many::JobUpgradeCounts,
    upgrade_many::JobUpgradeResult,
    upgrade_many::UpgradeOutcome,
    run::Run,
    run::ReportedRun,
    run::Prediction,
    provenance::Provenance,
    setup::JobSetup,
    setup::JobSetupOutcome,
    setup::Outcome,
    warning::Warning,
    problem::Problem,
    problem::ProblemEntry,
)))]
struct Answers;

/// The schemas of everything that is answered.
#[must_use]
pub fn schemas() -> Schemas {
    let mut schemas = Answers::openapi().components.unwrap_or_default().schemas;
    for schema in schemas.values_mut() {
        if let RefOr::T(Schema::Object(object)) = schema {
            object.properties.values_mut().for_each(say_in_place);
        }
    }
    if let Some(RefOr::T(Schema::Object(problem))) = schemas.get_mut("Problem") {
        for member in problem::ProblemMember::ALL {
            problem.properties.insert(member.as_str().to_owned(), member.schema());
        }
    }
    schemas
}

/// A description of a member that is written out in place is put beside its schema by the library, as one of two that
/// hold together (`allOf`). Generators make superfluous types of that.
fn say_in_place(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::AllOf(AllOf { items, .. })) = schema else { return };
    let [RefOr::T(member), RefOr::T(Schema::Object(said))] = items.as_mut_slice() else { return };
    if !said.properties.is_empty() {
        return;
    }
    let description = match member {
        Schema::Object(member) => &mut member.description,
        Schema::AnyOf(choices) => &mut choices.description,
        _ => return,
    };
    if said.description.is_some() {
        *description = said.description.take();
    }
    *schema = RefOr::T(std::mem::take(member));
}
