use std::fmt::Display;

use crate::model::{
    Caller, DeclaredInputs, Diagnostics, InputId, JobName, OrganisationId, Path, Permission, Scope, SourceId,
    SourceVersionId, Subject, ValueProblem, ViolationCode,
};
use crate::ports::WriteMode;
use crate::requests::{
    BindingDraft, Sent, SetUpDraft, SetUpJobDraft, SourceSpec, SourceVersionSpec, Submission, declared_inputs,
};
use crate::use_cases::UseCaseError;
use crate::use_cases::inputs::known;

/// A setup that its caller may ask for, with everything that is wrong with it so far.
#[derive(Debug, Clone)]
pub struct PreparedSetUp {
    pub(super) by: Subject,
    pub(super) may_create: bool,
    /// Whose sources are the caller's own.
    pub(super) scope: Scope,
    pub(super) organisation_id: Option<OrganisationId>,
    pub(super) source: Option<SourceSpec>,
    pub(super) source_version: Option<SourceVersionSpec>,
    /// What is readable of the inputs in `source_version`.
    pub(super) declared: Option<DeclaredInputs>,
    pub(super) job_name: Option<JobName>,
    pub(super) active: Option<bool>,
    pub(super) job_source_id: Option<SourceId>,
    pub(super) job_source_version_id: Option<SourceVersionId>,
    /// Whether anything, readable or not, was said about the source, and about the version.
    pub(super) names_source: bool,
    pub(super) names_version: bool,
    /// `None` when they cannot be told, which was reported: then nothing can be said about them.
    pub(super) role_bindings: Option<Vec<Sent<BindingDraft>>>,
    /// The violations that were found so far.
    pub(super) diagnostics: Diagnostics,
    pub(super) mode: WriteMode,
}

impl PreparedSetUp {
    /// The version that is referred to by its id.
    pub(super) fn version_id(&self) -> Option<SourceVersionId> {
        self.source_version.as_ref().and_then(|spec| spec.id.given().copied()).or(self.job_source_version_id)
    }

    /// The inputs that are named, each with whose it is to be.
    pub(super) fn inputs(&self) -> Vec<(OrganisationId, InputId)> {
        let (Some(organisation_id), Some(drafts)) = (self.organisation_id, &self.role_bindings) else {
            return Vec::new();
        };
        known::named(drafts).into_iter().map(|id| (organisation_id, id)).collect()
    }

    /// The sources that are referred to by their ids.
    pub(super) fn source_ids(&self) -> impl Iterator<Item = SourceId> {
        let source = self.source.as_ref().and_then(|spec| spec.id.given().copied());
        source.into_iter().chain(self.job_source_id)
    }
}

/// Judges what needs no store. Only the lack of a permission ends the request here: everything else that is wrong is
/// carried along, to be told together with what the store reveals.
pub fn prepare_set_up(
    caller: &Caller,
    submission: Submission<SetUpDraft>,
    mode: WriteMode,
) -> Result<PreparedSetUp, UseCaseError> {
    caller.require(Permission::JobsWrite)?;
    let root = Path::root();
    let Submission { content: draft, mut diagnostics } = submission;

    let organisation_id =
        diagnostics.read(&root.member("organisation_id"), &draft.organisation_id, |text| OrganisationId::parse(text));
    let organisation_id = diagnostics.require(&root.member("organisation_id"), organisation_id);
    if let Some(organisation_id) = organisation_id {
        caller.require_organisation(organisation_id)?;
    }

    let source = draft.source.given().map(|source| read_source(&mut diagnostics, source));
    let source_version = draft.source_version.given().map(|version| {
        let path = root.member("source_version");
        let spec = SourceVersionSpec::read(&mut diagnostics, &path, version);
        if matches!(spec.id, Sent::Absent | Sent::Null) {
            diagnostics.require(&path.member("version"), spec.version.clone());
        }
        spec
    });
    let no_job = SetUpJobDraft { name: Sent::Unreadable, ..SetUpJobDraft::default() };
    let job = diagnostics.require(&root.member("job"), draft.job.as_ref()).unwrap_or(&no_job);
    let path = root.member("job");
    let job_name = diagnostics.read(&path.member("name"), &job.name, |text| JobName::parse(text));
    let job_name = diagnostics.require(&path.member("name"), job_name);
    let job_source_id = diagnostics.read(&path.member("source_id"), &job.source_id, |text| SourceId::parse(text));
    let job_source_version_id = diagnostics
        .read(&path.member("source_version_id"), &job.source_version_id, |text| SourceVersionId::parse(text));
    let job_organisation_id =
        diagnostics.read(&path.member("organisation_id"), &job.organisation_id, |text| OrganisationId::parse(text));
    let role_bindings = match draft.role_bindings {
        Sent::Unreadable => None,
        sent => Some(diagnostics.require(&root.member("role_bindings"), sent).unwrap_or_default()),
    };

    let said = |present: bool, sent_null: bool| present && !sent_null;
    let prepared = PreparedSetUp {
        by: caller.to_subject(),
        may_create: caller.require(Permission::CatalogCreate).is_ok(),
        scope: caller.scope.clone(),
        organisation_id,
        names_source: said(draft.source.is_present(), draft.source == Sent::Null)
            || said(job.source_id.is_present(), job.source_id == Sent::Null),
        names_version: said(draft.source_version.is_present(), draft.source_version == Sent::Null)
            || said(job.source_version_id.is_present(), job.source_version_id == Sent::Null),
        declared: draft.source_version.given().and_then(|version| declared_inputs(&version.input_roles)),
        source,
        source_version,
        job_name,
        active: job.active.given().copied(),
        job_source_id: job_source_id.into_option(),
        job_source_version_id: job_source_version_id.into_option(),
        role_bindings,
        diagnostics: Diagnostics::default(),
        mode,
    };
    validate_agreement(&mut diagnostics, &prepared, job_organisation_id.into_option());
    Ok(PreparedSetUp { diagnostics, ..prepared })
}

fn read_source(diagnostics: &mut Diagnostics, draft: &crate::requests::SourceDraft) -> SourceSpec {
    let path = Path::of("source");
    let spec = SourceSpec::read(diagnostics, &path, draft);
    if matches!(spec.id, Sent::Absent | Sent::Null) {
        diagnostics.require(&path.member("name"), spec.name.clone());
    }
    spec
}

/// What is said twice has to be the same.
fn validate_agreement(
    diagnostics: &mut Diagnostics,
    prepared: &PreparedSetUp,
    job_organisation_id: Option<OrganisationId>,
) {
    let job = Path::of("job");
    if let (Some(top), Some(inner)) = (prepared.organisation_id, job_organisation_id)
        && top != inner
    {
        diagnostics.report(
            job.member("organisation_id"),
            disagrees("the organisation_id of the setup", &top, &inner).hint("leave it out, or null"),
        );
    }
    let source = prepared.source.as_ref().and_then(|spec| spec.id.given().copied());
    if let (Some(source), Some(inner)) = (source, prepared.job_source_id)
        && source != inner
    {
        diagnostics.report(job.member("source_id"), disagrees("the id of the source", &source, &inner));
    }
    let version = prepared.source_version.as_ref().and_then(|spec| spec.id.given().copied());
    if let (Some(version), Some(inner)) = (version, prepared.job_source_version_id)
        && version != inner
    {
        diagnostics
            .report(job.member("source_version_id"), disagrees("the id of the source_version", &version, &inner));
    }
    if !prepared.names_source && !prepared.names_version {
        diagnostics.report(
            Path::of("source"),
            ValueProblem::new(ViolationCode::MissingMember, "is missing")
                .hint("say which source to run: source, job.source_id or job.source_version_id"),
        );
    }
}

pub(super) fn disagrees(with: &str, expected: &dyn Display, actual: &dyn Display) -> ValueProblem {
    ValueProblem::new(ViolationCode::Disagrees, format!("disagrees with {with}"))
        .expected(expected.to_string())
        .actual(actual.to_string())
}
