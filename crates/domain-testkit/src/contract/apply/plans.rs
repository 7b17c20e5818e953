use prediction_domain::model::{Input, Job, Lifecycle, OrganisationId, PageRequest, Revision, Source, SourceVersion};
use prediction_domain::ports::{AdoptedVersion, ApplyPlan, SourceVersionFilter, Write, WriteMode};

pub(crate) use super::random_plans::random_plans_give_what_the_model_gives;
use super::{a_plan_of_jobs, apply, changed, kept_by};
use crate::Stores;
use crate::builders::{a_job_of, a_plan_of_nothing, a_source, a_version_of, an_input_of, bindings};
use crate::contract::fixture::{
    all_jobs, all_sources, all_versions, any_job, assert_exactly, assert_nothing_changes, catalog, first_inputs, job,
    source, stored_job, stored_source, stored_version, version, versions,
};
use crate::contract::jobs::chains::reading;
use crate::values::{
    description, first_page, fresh_organisation_id, input_name, job_name, micros_after, set_name, source_name,
};

const SET: &str = "Weinberg № 1";

/// A source, two versions of it, two inputs, a job and one that reads it: all of it new and kept by a set.
fn everything(organisation_id: OrganisationId) -> ApplyPlan {
    let first = Revision::FIRST;
    let source = Source { management: Some(kept_by(SET, first)), ..a_source() };
    let version = || SourceVersion { managed_by: Some(set_name(SET)), ..a_version_of(source.id) };
    let versions = vec![version(), version()];
    let mut inputs = [(); 2].map(|()| Input { management: Some(kept_by(SET, first)), ..an_input_of(organisation_id) });
    inputs.sort_by_key(Input::position);
    let upstream = Job {
        organisation_id,
        role_bindings: bindings(&[("temperature", inputs[0].id), ("humidity", inputs[1].id)]),
        management: Some(kept_by(SET, first)),
        ..a_job_of(&versions[0])
    };
    let reader = Job {
        organisation_id,
        role_bindings: reading(&[upstream.outputs[0].id]),
        management: Some(kept_by(SET, first)),
        ..a_job_of(&versions[1])
    };
    ApplyPlan {
        sources: vec![Write::New(source)],
        new_versions: versions,
        inputs: inputs.into_iter().map(Write::New).collect(),
        ..a_plan_of_jobs([&upstream, &reader])
    }
}

fn values<T: Clone>(writes: &[Write<T>]) -> Vec<T> {
    writes.iter().map(|write| write.value().clone()).collect()
}

pub(crate) fn everything_of_a_plan_reads_back_as_it_was_stored(stores: &Stores) {
    apply(stores, &a_plan_of_nothing());
    let plan = everything(fresh_organisation_id());
    apply(stores, &plan);
    assert_exactly(&all_sources(stores), &values(&plan.sources));
    assert_exactly(&all_versions(stores), &plan.new_versions);
    assert_exactly(&first_inputs(stores), &values(&plan.inputs));
    assert_exactly(&all_jobs(stores), &values(&plan.jobs));
    let heads = stores.source_versions.list_heads(&SourceVersionFilter::default(), &first_page(9)).expect("are listed");
    assert_exactly(&heads.items, &plan.new_versions.into_iter().map(Into::into).collect());
    // What nothing keeps is stored by a plan as well.
    let unkept = any_job(stores);
    let new = Job { organisation_id: unkept.organisation_id, name: job_name("another"), ..unkept.clone() };
    let new = Job { id: crate::values::fresh_job_id(), outputs: Vec::new(), ..new };
    apply(stores, &a_plan_of_jobs([&new]));
    assert_exactly(&job(stores, new.id), &Some(new));
}

pub(crate) fn what_a_plan_changes_reads_back(stores: &Stores) {
    let plan = everything(fresh_organisation_id());
    apply(stores, &plan);
    let (first, second) = (Revision::FIRST, Revision::FIRST.next());
    let source = plan.sources[0].value();
    let source = Source { name: source_name("renamed"), description: None, revision: second, ..source.clone() };
    let source = Source { management: None, updated_at: micros_after(source.updated_at, 1), ..source };
    let mut inputs = values(&plan.inputs);
    inputs[1] = Input {
        name: input_name("renamed"),
        unit: None,
        revision: second,
        management: Some(kept_by("other", second)),
        ..inputs[1].clone()
    };
    let mut jobs = values(&plan.jobs);
    for (job, management) in jobs.iter_mut().zip([Some(kept_by(SET, second)), None]) {
        let (name, updated_at) = (job_name(&format!("renamed {}", job.id)), micros_after(job.updated_at, 1));
        *job = Job { name, active: false, revision: second, updated_at, management, ..job.clone() };
    }
    jobs[1].role_bindings = reading(&[]);
    let jobs_to_change = jobs.iter().map(|job| Write::Changed { value: job.clone(), expected: first });
    let changes = ApplyPlan {
        sources: vec![Write::Changed { value: source.clone(), expected: first }],
        inputs: vec![Write::Changed { value: inputs[1].clone(), expected: first }],
        jobs: jobs_to_change.collect(),
        ..a_plan_of_nothing()
    };
    apply(stores, &changes);
    assert_exactly(&all_sources(stores), &vec![source]);
    assert_exactly(&first_inputs(stores), &inputs);
    assert_exactly(&all_jobs(stores), &jobs);
    assert_eq!(revisions(stores, &jobs[0]), [first, second]);
    // A change of a single thing replaces what keeps it, too.
    let by_hand = Job { management: Some(kept_by("third", first)), revision: second.next(), ..jobs[0].clone() };
    stores.jobs.update(&by_hand, second, None, WriteMode::Commit).expect("it is changed");
    assert_exactly(&job(stores, by_hand.id), &Some(by_hand));
}

pub(crate) fn a_change_of_management_alone_makes_no_revision(stores: &Stores) {
    let stored = any_job(stores);
    let of_job = source(stores, stored.source_id).expect("it is stored");
    let input = an_input_of(stored.organisation_id);
    stores.inputs.put_many(std::slice::from_ref(&input), WriteMode::Commit).expect("it is stored");
    let expected = Revision::FIRST;
    for management in [Some(kept_by(SET, expected)), Some(kept_by("other", expected.next())), None] {
        let job = Job { management: management.clone(), ..stored.clone() };
        let source = Source { management: management.clone(), ..of_job.clone() };
        let input = Input { management: management.clone(), ..input.clone() };
        let plan = ApplyPlan {
            sources: vec![Write::Changed { value: source.clone(), expected }],
            inputs: vec![Write::Changed { value: input.clone(), expected }],
            jobs: vec![Write::Changed { value: job.clone(), expected }],
            ..a_plan_of_nothing()
        };
        apply(stores, &plan);
        assert_exactly(&all_jobs(stores), &vec![job]);
        assert_exactly(&all_sources(stores), &vec![source]);
        assert_exactly(&first_inputs(stores), &vec![input]);
        assert_eq!(revisions(stores, &stored), [expected]);
    }
}

fn revisions(stores: &Stores, job: &Job) -> Vec<Revision> {
    let page = first_page(PageRequest::MAX_LIMIT);
    let kept = stores.jobs.revisions(job.organisation_id, job.id, &page).expect("revisions can be listed");
    kept.items.into_iter().map(|kept| kept.revision).collect()
}

pub(crate) fn a_version_that_is_adopted_stays_what_it_was(stores: &Stores) {
    let used = any_job(stores);
    let before = version(stores, used.source_version_id).expect("it is stored");
    let lifecycle =
        Lifecycle { reason: Some(description("old")), revision: Revision::FIRST.next(), ..Lifecycle::default() };
    stores
        .source_versions
        .change_lifecycle(before.id, &lifecycle, Revision::FIRST, WriteMode::Commit)
        .expect("it is changed");
    for (from, set) in [(None, SET), (Some(SET), "other")] {
        let adopted_versions = vec![AdoptedVersion { id: before.id, from: from.map(set_name), to: set_name(set) }];
        apply(stores, &ApplyPlan { adopted_versions, ..a_plan_of_nothing() });
        let adopted = SourceVersion { lifecycle: lifecycle.clone(), managed_by: Some(set_name(set)), ..before.clone() };
        assert_exactly(&version(stores, before.id), &Some(adopted.clone()));
        assert_exactly(&versions(stores, &SourceVersionFilter::default(), &first_page(9)).items, &vec![adopted]);
    }
}

pub(crate) fn things_are_deleted_in_the_order_of_the_plan(stores: &Stores) {
    let kept = any_job(stores);
    let kept_version = all_versions(stores);
    let plan = everything(fresh_organisation_id());
    apply(stores, &plan);
    let deleted_jobs = plan.jobs.iter().rev().map(Write::value);
    let deletions = ApplyPlan {
        deleted_jobs: deleted_jobs.map(|job| (job.organisation_id, job.id, job.revision)).collect(),
        deleted_versions: plan.new_versions.iter().map(|version| (version.id, set_name(SET))).collect(),
        deleted_sources: values(&plan.sources).iter().map(|source| (source.id, source.revision)).collect(),
        deleted_inputs: values(&plan.inputs).iter().map(|input| (input.position(), input.revision)).collect(),
        ..a_plan_of_nothing()
    };
    apply(stores, &deletions);
    assert_exactly(&all_jobs(stores), &vec![kept]);
    assert_exactly(&all_versions(stores), &kept_version);
    assert_eq!((all_sources(stores).len(), first_inputs(stores).len()), (1, 0));
    // Names and ids are free again.
    apply(stores, &plan);
}

pub(crate) fn a_dry_run_of_a_plan_stores_nothing(stores: &Stores) {
    let (source, version) = catalog(stores);
    let unused = stored_version(stores, a_version_of(source.id));
    let empty = stored_source(stores, a_source());
    let [one, other] = [(); 2].map(|()| stored_job(stores, a_job_of(&version)));
    let input = an_input_of(one.organisation_id);
    stores.inputs.put_many(std::slice::from_ref(&input), WriteMode::Commit).expect("it is stored");
    let everything = everything(one.organisation_id);
    let mut jobs = everything.jobs.clone();
    jobs.push(changed(Job { active: false, ..one.clone() }));
    let plan = ApplyPlan {
        jobs,
        adopted_versions: [version.id, unused.id].map(|id| AdoptedVersion { id, from: None, to: set_name(SET) }).into(),
        deleted_jobs: vec![(other.organisation_id, other.id, other.revision)],
        deleted_versions: vec![(unused.id, set_name(SET))],
        deleted_sources: vec![(empty.id, empty.revision)],
        deleted_inputs: vec![(input.position(), input.revision)],
        ..everything
    };
    let dry = ApplyPlan { mode: WriteMode::DryRun, ..plan.clone() };
    for _ in 0..2 {
        assert_nothing_changes(stores, || apply(stores, &dry));
        assert_eq!(revisions(stores, &one), [one.revision]);
    }
    apply(stores, &plan);
    assert_eq!(job(stores, other.id), None);
}

pub(crate) fn a_thousand_jobs_and_inputs_are_stored_at_once(stores: &Stores) {
    let (_, version) = catalog(stores);
    let organisation_id = fresh_organisation_id();
    let management = Some(kept_by(SET, Revision::FIRST));
    let new = |number| {
        let name = job_name(&format!("job {number:04}"));
        let job = Job { organisation_id, name, management: management.clone(), ..a_job_of(&version) };
        let input = Input { management: management.clone(), ..an_input_of(organisation_id) };
        (job, input)
    };
    let (jobs, inputs): (Vec<Job>, Vec<Input>) = (0..1_000).map(new).unzip();
    let inputs = inputs.into_iter().map(Write::New).collect();
    apply(stores, &ApplyPlan { inputs, ..a_plan_of_jobs(&jobs) });
    assert_eq!(all_jobs(stores), jobs, "in the order of the plan");
}
