//! Permissions are asked for before any port is called: the mocks here panic at any call.

use prediction_domain::model::{
    AccessDenied, Caller, InputId, JobId, LineageDirection, OrganisationId, OutputId, Permission, Revision, RunId,
    Scope, SourceVersionId,
};
use prediction_domain::ports::{InputFilter, JobFilter, MockStore, RunFilter, WriteMode};
use prediction_domain::requests::{
    ImportDraft, InputDraft, JobChangeDraft, LifecycleChangeDraft, OrganisationDraft, Precondition, RestoreDraft,
    RunDraft, Sent, SetUpDraft, SourceChangeDraft, SourceDraft, SourceVersionDraft, UpgradeDraft, UpgradeFilterDraft,
    UpgradeManyDraft,
};
use prediction_domain::use_cases::{
    CandidateQuestion, ImpactFilter, JobQuery, Ports, PredictionFilter, UseCaseError, change_job, change_lifecycle,
    change_source, compare_job_revisions, count_jobs_by_health, create_source, delete_input, delete_job, delete_run,
    delete_source, delete_source_version, get_input, get_job_revision, get_output, get_run, import_inputs,
    judge_impact, list_candidates, list_input_uses, list_inputs, list_job_revisions, list_output_predictions,
    list_predictions, list_runs, name_organisation, prepare_set_up, prepare_upgrades, publish_source_version,
    put_input, read_lineage, report_run, restore_job, upgrade_job,
};
use prediction_domain_testkit::values::{first_page, fresh_organisation_id, role_name};

use crate::world::{CHOSEN, caller, customer, everything, given, jobs_listed, ports_of, source_id, submit};

type UseCase = fn(&Ports, &Caller) -> Result<(), UseCaseError>;

const ANY: Precondition = Precondition::None;

/// Every use case that needs a permission, with everything wrong that could be wrong.
const USE_CASES: [(&str, Permission, UseCase); 35] = [
    ("create_source", Permission::CatalogCreate, |ports, caller| {
        create_source(ports, caller, &submit(SourceDraft::default()), WriteMode::Commit).map(drop)
    }),
    ("change_source", Permission::CatalogWrite, |ports, caller| {
        let draft = submit(SourceChangeDraft::default());
        change_source(ports, caller, source_id(CHOSEN), &draft, &ANY, WriteMode::Commit).map(drop)
    }),
    ("delete_source", Permission::CatalogWrite, |ports, caller| {
        delete_source(ports, caller, source_id(CHOSEN), &ANY, WriteMode::DryRun).map(drop)
    }),
    ("publish_source_version", Permission::CatalogCreate, |ports, caller| {
        publish_source_version(ports, caller, &submit(SourceVersionDraft::default()), WriteMode::Commit).map(drop)
    }),
    ("delete_source_version", Permission::CatalogWrite, |ports, caller| {
        let id = SourceVersionId::parse(CHOSEN).unwrap();
        delete_source_version(ports, caller, id, &ANY, WriteMode::Commit).map(drop)
    }),
    ("prepare_set_up", Permission::JobsWrite, |_, caller| {
        prepare_set_up(caller, submit(SetUpDraft::default()), WriteMode::DryRun).map(drop)
    }),
    ("change_job", Permission::JobsWrite, |ports, caller| {
        change_job(ports, caller, job_id(), &submit(JobChangeDraft::default()), &ANY, WriteMode::Commit).map(drop)
    }),
    ("upgrade_job", Permission::JobsWrite, |ports, caller| {
        upgrade_job(ports, caller, job_id(), &submit(UpgradeDraft::default()), &ANY, WriteMode::Commit).map(drop)
    }),
    ("prepare_upgrades", Permission::JobsWrite, |ports, caller| {
        prepare_upgrades(ports, caller, &submit(UpgradeManyDraft::default())).map(drop)
    }),
    ("restore_job", Permission::JobsWrite, |ports, caller| {
        restore_job(ports, caller, job_id(), &submit(RestoreDraft::default()), &ANY, WriteMode::Commit).map(drop)
    }),
    ("compare_job_revisions", Permission::JobsRead, |ports, caller| {
        compare_job_revisions(ports, caller, job_id(), Revision::FIRST, None).map(drop)
    }),
    ("judge_impact", Permission::JobsRead, |ports, caller| {
        let id = SourceVersionId::parse(CHOSEN).unwrap();
        judge_impact(ports, caller, id, &ImpactFilter::default(), &first_page(50)).map(drop)
    }),
    ("change_lifecycle", Permission::CatalogWrite, |ports, caller| {
        let id = SourceVersionId::parse(CHOSEN).unwrap();
        change_lifecycle(ports, caller, id, &submit(LifecycleChangeDraft::default()), &ANY, WriteMode::Commit).map(drop)
    }),
    ("delete_job", Permission::JobsWrite, |ports, caller| {
        delete_job(ports, caller, job_id(), &ANY, WriteMode::Commit).map(drop)
    }),
    ("delete_run", Permission::JobsWrite, |ports, caller| {
        delete_run(ports, caller, job_id(), RunId::parse(CHOSEN).unwrap(), &ANY, WriteMode::Commit).map(drop)
    }),
    ("get_job", Permission::JobsRead, |_, caller| JobQuery::new(caller, job_id()).map(drop)),
    ("list_jobs", Permission::JobsRead, |ports, caller| {
        jobs_listed(ports, caller, JobFilter::default(), None, &first_page(50)).map(drop)
    }),
    ("count_jobs_by_health", Permission::JobsRead, |ports, caller| {
        count_jobs_by_health(ports, caller, &JobFilter::default()).map(drop)
    }),
    ("list_job_revisions", Permission::JobsRead, |ports, caller| {
        list_job_revisions(ports, caller, job_id(), &first_page(50)).map(drop)
    }),
    ("get_job_revision", Permission::JobsRead, |ports, caller| {
        get_job_revision(ports, caller, job_id(), Revision::FIRST).map(drop)
    }),
    ("get_input", Permission::InputsRead, |ports, caller| get_input(ports, caller, input_id(), None).map(drop)),
    ("list_inputs", Permission::InputsRead, |ports, caller| {
        list_inputs(ports, caller, &InputFilter::default(), &first_page(50)).map(drop)
    }),
    ("list_candidates", Permission::InputsRead, |ports, caller| {
        let (organisation_id, role) = (fresh_organisation_id(), role_name("air"));
        let question = CandidateQuestion { organisation_id, role, name_part: None };
        let id = SourceVersionId::parse(CHOSEN).unwrap();
        list_candidates(ports, caller, id, &question, &first_page(50)).map(drop)
    }),
    ("list_input_uses", Permission::JobsRead, |ports, caller| {
        list_input_uses(ports, caller, input_id(), &first_page(50)).map(drop)
    }),
    ("put_input", Permission::InputsWrite, |ports, caller| {
        put_input(ports, caller, input_id(), &submit(InputDraft::default()), &ANY, WriteMode::Commit).map(drop)
    }),
    ("import_inputs", Permission::InputsWrite, |ports, caller| {
        import_inputs(ports, caller, &submit(ImportDraft::default()), WriteMode::Commit).map(drop)
    }),
    ("delete_input", Permission::InputsWrite, |ports, caller| {
        delete_input(ports, caller, input_id(), None, &ANY, WriteMode::Commit).map(drop)
    }),
    ("name_organisation", Permission::InputsWrite, |ports, caller| {
        let id = OrganisationId::parse(CHOSEN).unwrap();
        name_organisation(ports, caller, id, &submit(OrganisationDraft::default()), WriteMode::Commit).map(drop)
    }),
    ("report_run", Permission::PredictionsWrite, |ports, caller| {
        report_run(ports, caller, job_id(), submit(RunDraft::default()), WriteMode::Commit).map(drop)
    }),
    ("get_run", Permission::PredictionsRead, |ports, caller| {
        get_run(ports, caller, job_id(), RunId::parse(CHOSEN).unwrap()).map(drop)
    }),
    ("list_runs", Permission::PredictionsRead, |ports, caller| {
        list_runs(ports, caller, job_id(), &RunFilter::default(), &first_page(50)).map(drop)
    }),
    ("get_output", Permission::JobsRead, |ports, caller| get_output(ports, caller, output_id()).map(drop)),
    ("read_lineage", Permission::JobsRead, |ports, caller| {
        read_lineage(ports, caller, job_id(), LineageDirection::Both, 1).map(drop)
    }),
    ("list_output_predictions", Permission::PredictionsRead, |ports, caller| {
        list_output_predictions(ports, caller, output_id(), &PredictionFilter::default(), None, 50).map(drop)
    }),
    ("list_predictions", Permission::PredictionsRead, |ports, caller| {
        list_predictions(ports, caller, job_id(), &PredictionFilter::default(), None, 50).map(drop)
    }),
];

fn input_id() -> InputId {
    InputId::parse(CHOSEN).unwrap()
}

fn output_id() -> OutputId {
    OutputId::parse(CHOSEN).unwrap()
}

fn job_id() -> JobId {
    JobId::parse(CHOSEN).unwrap()
}

#[test]
fn every_use_case_asks_for_its_permission_first() {
    let ports = ports_of(MockStore::default());
    for (name, needed, use_case) in USE_CASES {
        let others: Vec<_> = Permission::ALL.into_iter().filter(|permission| !permission.includes(needed)).collect();
        for lacking in [caller(&others, Scope::Platform), caller(&[], Scope::of([]))] {
            match use_case(&ports, &lacking) {
                Err(UseCaseError::Denied(denied)) => {
                    assert_eq!(denied, AccessDenied::InsufficientScope { required: needed }, "{name}");
                }
                other => panic!("{name} is not denied: {other:?}"),
            }
        }
    }
}

#[test]
fn naming_an_organisation_of_others_is_denied_before_anything_is_read() {
    let ports = ports_of(MockStore::default());
    let customer = customer(&Permission::ALL);
    let organisation_id = fresh_organisation_id();
    let denied = |result: Result<(), UseCaseError>| match result {
        Err(UseCaseError::Denied(denied)) => {
            assert_eq!(denied, AccessDenied::OrganisationOutOfScope { organisation_id });
        }
        other => panic!("not denied: {other:?}"),
    };
    let filter = JobFilter { organisation_id: Some(organisation_id), ..JobFilter::default() };
    denied(count_jobs_by_health(&ports, &customer, &filter).map(drop));
    denied(jobs_listed(&ports, &customer, filter, None, &first_page(50)).map(drop));
    let inputs = InputFilter { organisation_id: Some(organisation_id), ..InputFilter::default() };
    denied(list_inputs(&ports, &customer, &inputs, &first_page(50)).map(drop));
    denied(get_input(&ports, &customer, input_id(), Some(organisation_id)).map(drop));
    denied(delete_input(&ports, &customer, input_id(), Some(organisation_id), &ANY, WriteMode::Commit).map(drop));
    let draft = submit(OrganisationDraft::default());
    denied(name_organisation(&ports, &customer, organisation_id, &draft, WriteMode::Commit).map(drop));
    let filter = UpgradeFilterDraft { organisation_id: given(&organisation_id.to_string()), ..Default::default() };
    let draft = UpgradeManyDraft {
        source_version_id: given(CHOSEN),
        filter: Sent::Given(filter),
        ..UpgradeManyDraft::default()
    };
    denied(prepare_upgrades(&ports, &customer, &submit(draft)).map(drop));
    let draft = SetUpDraft { organisation_id: given(&organisation_id.to_string()), ..everything() };
    denied(prepare_set_up(&customer, draft.into(), WriteMode::Commit).map(drop));
}

#[test]
fn permissions_have_the_names_of_their_scopes() {
    for permission in Permission::ALL {
        assert_eq!(Permission::parse(permission.as_str()), Some(permission));
        assert_eq!(permission.to_string(), permission.as_str());
    }
    for other in ["", "jobs", "jobs:read ", "JOBS:READ", "jobs:*"] {
        assert_eq!(Permission::parse(other), None, "{other}");
    }
}

/// What a permission includes can be had by it alone; no other includes another.
#[test]
fn a_permission_includes_what_is_written_down_here() {
    for held in Permission::ALL {
        for needed in Permission::ALL {
            let expected = held == needed || (held, needed) == (Permission::CatalogWrite, Permission::CatalogCreate);
            assert_eq!(held.includes(needed), expected, "{held}, {needed}");
            assert_eq!(customer(&[held]).require(needed).is_ok(), expected, "{held}, {needed}");
        }
    }
}

#[test]
fn a_scope_holds_what_it_names() {
    let (own, other) = (fresh_organisation_id(), fresh_organisation_id());
    assert!(Scope::of([own]).contains(own) && !Scope::of([own]).contains(other));
    assert!(!Scope::of([]).contains(own));
    assert!(Scope::Platform.contains(own));
    assert!(Scope::of([own]).owns(Some(own)) && !Scope::of([own]).owns(Some(other)) && !Scope::of([own]).owns(None));
    assert!(!Scope::of([]).owns(Some(own)) && !Scope::of([]).owns(None));
    assert!(Scope::Platform.owns(Some(own)) && Scope::Platform.owns(None));
}
