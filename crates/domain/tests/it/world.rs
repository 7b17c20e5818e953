//! A service with a store in memory, or with mocks, and short ways to ask it for something.

use std::collections::BTreeSet;
use std::sync::Arc;

use prediction_domain::model::{
    Caller, Contract, Description, HealthStatus, Job, JobWithHealth, MonitoredJob, Monitoring, OrganisationId, Page,
    PageRequest, Permission, Readers, Scope, Source, SourceId, SourceVersion, Unit, ViolationCode, Violations,
};
use prediction_domain::ports::{JobFilter, MockStore, SourceFilter, SourceVersionFilter, WriteMode};
use prediction_domain::requests::{
    BindingDraft, InputRoleDraft, OutputRoleDraft, Sent, SetUpDraft, SetUpJobDraft, SourceDraft, SourceVersionDraft,
    Submission,
};
use prediction_domain::use_cases::{
    Conflict, Expansion, JobQuestion, Ports, SetUpDone, UseCaseError, create_source, list_jobs, list_source_versions,
    list_sources, prepare_set_up, publish_source_version, set_up_jobs,
};
use prediction_domain_testkit::builders::contract;
use prediction_domain_testkit::values::first_page;
use prediction_domain_testkit::{FixedClock, MemoryStore, SequentialIds};

pub(crate) const ORGANISATION: &str = "77777777-7777-7777-7777-777777777777";
pub(crate) const OTHER_ORGANISATION: &str = "88888888-8888-8888-8888-888888888888";
/// The id of something that callers choose an id for.
pub(crate) const CHOSEN: &str = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
/// The id of nothing.
pub(crate) const NOWHERE: &str = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";
pub(crate) const SENSOR: &str = "55555555-5555-5555-5555-555555555555";

/// A service with a store of its own.
pub(crate) struct World {
    pub(crate) ports: Ports,
    pub(crate) clock: Arc<FixedClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        let stores = MemoryStore::stores();
        let clock = Arc::new(FixedClock::default());
        let ports = Ports::of_store(&stores, clock.clone(), Arc::new(SequentialIds::default()));
        Self { ports, clock }
    }

    pub(crate) fn source(&self, name: &str) -> Source {
        create_source(&self.ports, &operator(), &a_source(name).into(), WriteMode::Commit).unwrap().0
    }

    pub(crate) fn version(&self, source: &Source, label: &str, inputs: &[&str]) -> SourceVersion {
        self.version_with(source, label, &contract(inputs, &["prediction"]))
    }

    pub(crate) fn version_with(&self, source: &Source, label: &str, contract: &Contract) -> SourceVersion {
        let draft = SourceVersionDraft { source_id: given(&source.id.to_string()), ..a_version_with(label, contract) };
        publish_source_version(&self.ports, &operator(), &draft.into(), WriteMode::Commit).unwrap().0
    }

    /// A job of [`ORGANISATION`] that runs this version, with every input bound to [`SENSOR`].
    pub(crate) fn job(&self, version: &SourceVersion, name: &str) -> Job {
        let roles: Vec<&str> = version.contract.input_roles().iter().map(|role| role.role.as_str()).collect();
        let job = SetUpJobDraft { source_version_id: given(&version.id.to_string()), ..a_job(name) };
        self.set_up(SetUpDraft { job: Sent::Given(job), ..binding(&roles) }).unwrap().job
    }

    pub(crate) fn set_up(&self, draft: SetUpDraft) -> Result<SetUpDone, UseCaseError> {
        self.set_up_as(&operator(), draft, WriteMode::Commit)
    }

    pub(crate) fn dry_run(&self, draft: SetUpDraft) -> Result<SetUpDone, UseCaseError> {
        self.set_up_as(&operator(), draft, WriteMode::DryRun)
    }

    pub(crate) fn set_up_as(
        &self,
        caller: &Caller,
        draft: SetUpDraft,
        mode: WriteMode,
    ) -> Result<SetUpDone, UseCaseError> {
        set_up(&self.ports, caller, draft, mode)
    }

    /// Everything that is stored.
    pub(crate) fn contents(&self) -> (Vec<Source>, Vec<SourceVersion>, Vec<Job>) {
        let page = first_page(200);
        let sources = list_sources(&self.ports, &SourceFilter::default(), &page).unwrap().items;
        let versions = list_source_versions(&self.ports, &SourceVersionFilter::default(), &page).unwrap().items;
        let jobs = jobs_listed(&self.ports, &operator(), JobFilter::default(), None, &page).unwrap().items;
        (sources, versions, jobs.into_iter().map(|judged| judged.job).collect())
    }

    /// Fails unless nothing that is stored changes.
    #[track_caller]
    pub(crate) fn unchanged<T>(&self, act: impl FnOnce() -> T) -> T {
        let before = self.contents();
        let result = act();
        assert_eq!(self.contents(), before);
        result
    }
}

/// A page of jobs, with nothing beside them.
pub(crate) fn jobs_listed(
    ports: &Ports,
    caller: &Caller,
    filter: JobFilter,
    healths: Option<BTreeSet<HealthStatus>>,
    page: &PageRequest,
) -> Result<Page<JobWithHealth>, UseCaseError> {
    let question = JobQuestion { filter, healths, ..JobQuestion::default() };
    list_jobs(ports, caller, &question, Expansion::default(), page).map(|(page, _)| page)
}

/// Sets up one job.
pub(crate) fn set_up(
    ports: &Ports,
    caller: &Caller,
    draft: SetUpDraft,
    mode: WriteMode,
) -> Result<SetUpDone, UseCaseError> {
    let prepared = prepare_set_up(caller, draft.into(), mode)?;
    let mut answers = set_up_jobs(ports, &[prepared]);
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// The same mocks, with an empty directory of inputs, and jobs that do not read outputs of others.
pub(crate) fn with_empty_directory(mut mocks: MockStore) -> MockStore {
    mocks.chains.expect_count_readers().returning(|_, _| Ok(Readers::default()));
    mocks.inputs.expect_find_many().returning(|wanted| Ok(vec![None; wanted.len()]));
    mocks
}

/// A service with mocks. Its ids are others than those of what a test stored in a world before.
pub(crate) fn ports_of(mocks: MockStore) -> Ports {
    Ports::of_store(&mocks.into(), Arc::new(FixedClock::default()), Arc::new(SequentialIds::starting_at(1_000_000)))
}

/// The job, with a source that promises nothing, before its first run.
pub(crate) fn monitored(job: &Job) -> MonitoredJob {
    MonitoredJob { job: job.clone(), monitoring: Monitoring::default() }
}

/// A caller who may do and see everything.
pub(crate) fn operator() -> Caller {
    caller(&Permission::ALL, Scope::Platform)
}

/// A caller of [`ORGANISATION`].
pub(crate) fn customer(permissions: &[Permission]) -> Caller {
    caller(permissions, Scope::of([organisation()]))
}

pub(crate) fn caller(permissions: &[Permission], scope: Scope) -> Caller {
    Caller { subject: "operator".to_owned(), permissions: permissions.iter().copied().collect(), scope }
}

pub(crate) fn organisation() -> OrganisationId {
    OrganisationId::parse(ORGANISATION).unwrap()
}

pub(crate) fn source_id(text: &str) -> SourceId {
    SourceId::parse(text).unwrap()
}

pub(crate) fn given(text: &str) -> Sent<String> {
    Sent::Given(text.to_owned())
}

pub(crate) fn a_source(name: &str) -> SourceDraft {
    SourceDraft { name: given(name), ..SourceDraft::default() }
}

pub(crate) fn source_of_id(id: &(impl ToString + ?Sized)) -> SourceDraft {
    SourceDraft { id: Sent::Given(id.to_string()), ..SourceDraft::default() }
}

/// A version with required inputs of these names and the output "prediction".
pub(crate) fn a_version(label: &str, inputs: &[&str]) -> SourceVersionDraft {
    a_version_with(label, &contract(inputs, &["prediction"]))
}

pub(crate) fn a_version_with(label: &str, contract: &Contract) -> SourceVersionDraft {
    let text = |text: Option<&str>| text.map_or(Sent::Null, given);
    let inputs = contract.input_roles().iter().map(|role| {
        Sent::Given(InputRoleDraft {
            aliases: Sent::Given(role.aliases.iter().map(|alias| given(alias.as_str())).collect()),
            role: given(role.role.as_str()),
            input_kind: given(role.input_kind.as_str()),
            metric: given(role.metric.as_str()),
            unit: text(role.unit.as_ref().map(Unit::as_str)),
            required: Sent::Given(role.required),
            description: text(role.description.as_ref().map(Description::as_str)),
        })
    });
    let outputs = contract.output_roles().iter().map(|role| {
        Sent::Given(OutputRoleDraft {
            role: given(role.role.as_str()),
            metric: given(role.metric.as_str()),
            unit: text(role.unit.as_ref().map(Unit::as_str)),
            required: Sent::Given(role.required),
            description: text(role.description.as_ref().map(Description::as_str)),
        })
    });
    SourceVersionDraft {
        version: given(label),
        input_roles: Sent::Given(inputs.collect()),
        output_roles: Sent::Given(outputs.collect()),
        ..SourceVersionDraft::default()
    }
}

pub(crate) fn version_of_id(id: &(impl ToString + ?Sized)) -> SourceVersionDraft {
    SourceVersionDraft { id: Sent::Given(id.to_string()), ..SourceVersionDraft::default() }
}

pub(crate) fn a_job(name: &str) -> SetUpJobDraft {
    SetUpJobDraft { name: given(name), ..SetUpJobDraft::default() }
}

pub(crate) fn to_sensor(role: &str) -> Sent<BindingDraft> {
    Sent::Given(BindingDraft::new(role, SENSOR, "sensor"))
}

/// A setup for [`ORGANISATION`] that names no source, version or job yet, and binds these roles to [`SENSOR`].
pub(crate) fn binding(roles: &[&str]) -> SetUpDraft {
    SetUpDraft {
        organisation_id: given(ORGANISATION),
        role_bindings: Sent::Given(roles.iter().map(|role| to_sensor(role)).collect()),
        ..SetUpDraft::default()
    }
}

/// A setup that describes all of it: the job "Job A" runs version 1.0.0 of the source "mildew", which takes a
/// temperature.
pub(crate) fn everything() -> SetUpDraft {
    SetUpDraft {
        source: Sent::Given(a_source("mildew")),
        source_version: Sent::Given(a_version("1.0.0", &["temperature"])),
        job: Sent::Given(a_job("Job A")),
        ..binding(&["temperature"])
    }
}

/// Something to send to a use case, as a JSON body would be.
pub(crate) fn submit<T>(content: T) -> Submission<T> {
    content.into()
}

/// Each place with what is wrong there.
pub(crate) type Found = Vec<(String, ViolationCode)>;

pub(crate) fn found(violations: &Violations) -> Found {
    violations.iter().map(|violation| (violation.path.to_string(), violation.code)).collect()
}

/// What is wrong with a request that was refused as invalid.
#[track_caller]
pub(crate) fn invalid<T: std::fmt::Debug>(result: Result<T, UseCaseError>) -> Found {
    match result {
        Err(UseCaseError::Invalid(violations)) => found(&violations),
        other => panic!("not invalid: {other:?}"),
    }
}

/// The conflict that a request was refused for.
#[track_caller]
pub(crate) fn conflict<T: std::fmt::Debug>(result: Result<T, UseCaseError>) -> Conflict {
    match result {
        Err(UseCaseError::Conflict(conflict)) => conflict,
        other => panic!("no conflict: {other:?}"),
    }
}

/// Where a stored thing is different, with what is stored and what was sent.
pub(crate) fn differences(conflict: &Conflict) -> Vec<(String, serde_json::Value, serde_json::Value)> {
    conflict
        .differences
        .iter()
        .map(|difference| {
            assert_eq!(difference.code, ViolationCode::Differs);
            (difference.path.to_string(), difference.expected.clone().unwrap(), difference.actual.clone().unwrap())
        })
        .collect()
}

/// Owned places, to compare with.
pub(crate) fn places(expected: &[(&str, ViolationCode)]) -> Found {
    expected.iter().map(|(path, code)| ((*path).to_owned(), *code)).collect()
}
