//! Short ways to write a document, and to apply it.

use prediction_domain::model::{
    ApplyAction, Caller, Contract, Description, Input, InputKind, InputRole, Job, Metric, OrganisationId, OutputRole,
    Permission, Scope, SetName, Source, SourceVersion, Unit,
};
use prediction_domain::ports::{InputFilter, WriteMode};
use prediction_domain::requests::{
    ApplyDraft, BindingDraft, DescribedJobDraft, DescribedVersionDraft, InputDraft, JobChangeDraft, NamedBindingDraft,
    OutputNameDraft, Precondition, Sent, SourceDraft, SourceNameDraft, VersionNameDraft,
};
use prediction_domain::use_cases::{
    Applied, ExportFilter, ExportPosition, Exported, ExportedBound, Ports, UseCaseError, apply, change_job, export,
    list_inputs,
};
use prediction_domain_testkit::values::{first_page, page_after, set_name};

use crate::world::{ORGANISATION, World, a_version_with, caller, given, operator};

pub(super) const SET: &str = "orchard";

pub(super) fn document(set: &str) -> ApplyDraft {
    ApplyDraft { set: given(set), organisation_id: given(ORGANISATION), ..ApplyDraft::default() }
}

pub(super) fn source_named(name: &str) -> Sent<SourceNameDraft> {
    Sent::Given(SourceNameDraft { name: given(name), ..SourceNameDraft::default() })
}

pub(super) fn version(source: &str, label: &str, contract: &Contract) -> Sent<DescribedVersionDraft> {
    Sent::Given(DescribedVersionDraft { source: source_named(source), version: a_version_with(label, contract) })
}

pub(super) fn input(id: &str) -> InputDraft {
    InputDraft {
        id: given(id),
        kind: given("sensor"),
        name: given("Sensor"),
        metric: given("celsius"),
        ..InputDraft::default()
    }
}

pub(super) fn job(name: &str, source: &str, version: &str, bindings: &[Sent<NamedBindingDraft>]) -> DescribedJobDraft {
    DescribedJobDraft {
        name: given(name),
        source: source_named(source),
        source_version: Sent::Given(VersionNameDraft { version: given(version) }),
        role_bindings: Sent::Given(bindings.to_vec()),
        ..DescribedJobDraft::default()
    }
}

pub(super) fn to_input(role: &str, id: &str) -> Sent<NamedBindingDraft> {
    let binding = BindingDraft { role: given(role), input_id: given(id), ..BindingDraft::default() };
    Sent::Given(NamedBindingDraft { binding, output: Sent::Absent })
}

pub(super) fn to_output(role: &str, job: &str, output: &str) -> Sent<NamedBindingDraft> {
    Sent::Given(NamedBindingDraft {
        binding: BindingDraft { role: given(role), ..BindingDraft::default() },
        output: Sent::Given(OutputNameDraft { job: given(job), role: given(output) }),
    })
}

/// A contract of a sensor, the output of another job, which may be left out, and these outputs.
pub(super) fn chained(outputs: &[&str]) -> Contract {
    let upstream = InputRole {
        input_kind: InputKind::restore(InputKind::OUTPUT).unwrap(),
        required: false,
        ..InputRole::required("upstream", "sensor", "risk").unwrap()
    };
    let sensor = InputRole { required: false, ..InputRole::required("sensor", "sensor", "celsius").unwrap() };
    let outputs = outputs.iter().map(|role| OutputRole::required(role, "risk").unwrap());
    Contract::new(vec![sensor, upstream], outputs.collect()).unwrap()
}

/// The set has the source "mildew" with version 1.0.0, and these jobs of it.
pub(super) fn with_jobs(jobs: Vec<DescribedJobDraft>) -> ApplyDraft {
    ApplyDraft {
        sources: Sent::Given(vec![Sent::Given(crate::world::a_source("mildew"))]),
        source_versions: Sent::Given(vec![version("mildew", "1.0.0", &chained(&["prediction"]))]),
        jobs: Sent::Given(jobs.into_iter().map(Sent::Given).collect()),
        ..document(SET)
    }
}

/// A job of version 1.0.0 of "mildew".
pub(super) fn mildew(name: &str, bindings: &[Sent<NamedBindingDraft>]) -> DescribedJobDraft {
    job(name, "mildew", "1.0.0", bindings)
}

pub(super) fn run(ports: &Ports, caller: &Caller, draft: &ApplyDraft) -> Result<Applied, UseCaseError> {
    apply(ports, caller, &draft.clone().into(), WriteMode::Commit)
}

pub(super) fn dry_run(ports: &Ports, caller: &Caller, draft: &ApplyDraft) -> Result<Applied, UseCaseError> {
    apply(ports, caller, &draft.clone().into(), WriteMode::DryRun)
}

/// The operator applies it.
pub(super) fn done(world: &World, draft: &ApplyDraft) -> Applied {
    run(&world.ports, &operator(), draft).unwrap()
}

/// What is wrong, with the pointers into the document.
#[track_caller]
pub(super) fn mistakes(world: &World, draft: &ApplyDraft) -> Vec<(String, &'static str)> {
    let before = everything(world);
    let refused = run(&world.ports, &operator(), draft);
    assert_eq!(everything(world), before);
    match refused {
        Err(UseCaseError::Invalid(violations) | UseCaseError::NotOfTheSet(violations)) => {
            violations.iter().map(|each| (each.path.to_json_pointer(), each.code.as_str())).collect()
        }
        other => panic!("not refused for what is in it: {other:?}"),
    }
}

pub(super) fn places(expected: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    expected.iter().map(|(place, code)| ((*place).to_owned(), *code)).collect()
}

/// Each thing with what becomes of it.
pub(super) fn actions(applied: &Applied) -> Vec<(String, ApplyAction)> {
    applied.changes.iter().map(|change| (change.key.to_json().to_string(), change.action)).collect()
}

pub(super) type Everything = (Vec<Source>, Vec<SourceVersion>, Vec<Job>, Vec<Input>);

/// All that is stored.
pub(super) fn everything(world: &World) -> Everything {
    let (sources, versions, jobs) = world.contents();
    let inputs = list_inputs(&world.ports, &operator(), &InputFilter::default(), &first_page(200)).unwrap();
    (sources, versions, jobs, inputs.items)
}

pub(super) fn job_named(world: &World, name: &str) -> Job {
    let jobs = everything(world).2;
    jobs.into_iter().find(|job| job.name.as_str() == name).unwrap()
}

pub(super) fn pause_by_hand(world: &World, job: &Job, is_active: bool) {
    let draft = JobChangeDraft { active: Sent::Given(is_active), ..JobChangeDraft::default() };
    let by = Caller { subject: "gardener".to_owned(), ..operator() };
    change_job(&world.ports, &by, job.id, &draft.into(), &Precondition::None, WriteMode::Commit).unwrap();
}

pub(super) fn of(organisations: &[OrganisationId]) -> Caller {
    caller(&Permission::ALL, Scope::of(organisations.iter().copied()))
}

pub(super) fn set_filter(set: &str) -> ExportFilter {
    ExportFilter { set: Some(set_name(set)), ..ExportFilter::default() }
}

/// All pages of an export.
pub(super) fn exported(ports: &Ports, caller: &Caller, filter: &ExportFilter, limit: u16) -> Vec<Exported> {
    let mut all = Vec::new();
    let mut after: Option<ExportPosition> = None;
    loop {
        let page = export(ports, caller, filter, &page_after(limit, after)).unwrap();
        assert!(page.items.len() <= usize::from(limit));
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// The document that an export is.
pub(super) fn as_document(set: &SetName, exported: &[Exported]) -> ApplyDraft {
    let text = |text: Option<&str>| text.map_or(Sent::Null, given);
    let (mut sources, mut versions, mut inputs, mut jobs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for item in exported {
        match item {
            Exported::Source(source) => sources.push(Sent::Given(SourceDraft {
                id: Sent::Absent,
                owner_organisation_id: text(source.owner_organisation_id.map(|id| id.to_string()).as_deref()),
                name: given(source.name.as_str()),
                description: text(source.description.as_ref().map(Description::as_str)),
                expected_interval_minutes: source
                    .expected_interval_minutes
                    .map_or(Sent::Null, |minutes| Sent::Given(minutes.as_i32().into())),
                retention_hours: source.retention_hours.map_or(Sent::Null, |hours| Sent::Given(hours.as_i32().into())),
            })),
            Exported::SourceVersion { source, version: stored } => {
                versions.push(version(source.as_str(), stored.version.as_str(), &stored.contract));
            }
            Exported::Input(stored) => inputs.push(Sent::Given(InputDraft {
                id: given(&stored.id.to_string()),
                organisation_id: given(&stored.organisation_id.to_string()),
                kind: given(stored.kind.as_str()),
                name: given(stored.name.as_str()),
                metric: text(stored.metric.as_ref().map(Metric::as_str)),
                unit: text(stored.unit.as_ref().map(Unit::as_str)),
                revision: Sent::Absent,
            })),
            Exported::Job(stored) => {
                let bindings = stored.bindings.iter().map(|binding| match &binding.bound {
                    ExportedBound::Input(id, _) => to_input(binding.role.as_str(), &id.to_string()),
                    ExportedBound::Output(job, role) => to_output(binding.role.as_str(), job.as_str(), role.as_str()),
                });
                let bindings: Vec<_> = bindings.collect();
                jobs.push(Sent::Given(DescribedJobDraft {
                    organisation_id: given(&stored.organisation_id.to_string()),
                    active: Sent::Given(stored.active),
                    ..job(stored.name.as_str(), stored.source.as_str(), stored.version.as_str(), &bindings)
                }));
            }
        }
    }
    ApplyDraft {
        set: given(set.as_str()),
        sources: Sent::Given(sources),
        source_versions: Sent::Given(versions),
        inputs: Sent::Given(inputs),
        jobs: Sent::Given(jobs),
        ..ApplyDraft::default()
    }
}
