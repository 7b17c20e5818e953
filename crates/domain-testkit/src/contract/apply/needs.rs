use prediction_domain::model::{InputPosition, Job, Run, RunStatus, Scope};
use prediction_domain::ports::WriteMode;

use crate::Stores;
use crate::builders::{a_job_of, a_run_of, a_version_of};
use crate::contract::fixture::{catalog, stored_job, stored_version};
use crate::values::{fresh_input_id, fresh_job_id, fresh_organisation_id, fresh_source_version_id, micros_after};

pub(crate) fn what_nothing_would_need_is_told(stores: &Stores) {
    let (source, shared) = catalog(stores);
    let [had, unused] = [(); 2].map(|()| stored_version(stores, a_version_of(source.id)));
    let changed = stored_job(stores, a_job_of(&had));
    let one = Job {
        source_version_id: shared.id,
        role_bindings: a_job_of(&shared).role_bindings,
        revision: changed.revision.next(),
        ..changed.clone()
    };
    stores.jobs.update(&one, changed.revision, None, WriteMode::Commit).expect("it is changed");
    let other = Job { organisation_id: one.organisation_id, ..a_job_of(&shared) };
    let other = stored_job(stores, Job { role_bindings: one.role_bindings.clone(), ..other });
    let input = |job: &Job| InputPosition {
        organisation_id: job.organisation_id,
        id: job.role_bindings.as_slice()[0].input_id,
    };
    let foreign = InputPosition { organisation_id: fresh_organisation_id(), ..input(&one) };
    let nothing = InputPosition { id: fresh_input_id(), ..input(&one) };
    let versions = [unused.id, shared.id, had.id, fresh_source_version_id(), shared.id];
    let inputs = [input(&one), foreign, input(&changed), nothing, input(&other)];
    let ask = |without: &[&Job]| {
        let without: Vec<_> = without.iter().map(|job| (job.organisation_id, job.id)).collect();
        let versions = stores.apply.unused_versions(&versions, &without).expect("it is told");
        (versions, stores.apply.unused_inputs(&inputs, &without).expect("it is told"))
    };
    let told = |versions: [bool; 5], inputs: [bool; 5]| (versions.to_vec(), inputs.to_vec());
    let used = told([true, false, false, true, false], [false, true, true, true, false]);
    assert_eq!(ask(&[]), used);
    assert_eq!(ask(&[&other]), used, "one is enough");
    let of_others = Job { organisation_id: fresh_organisation_id(), ..one.clone() };
    assert_eq!(ask(&[&other, &of_others]), used);
    assert_eq!(ask(&[&one]), told([true, false, true, true, false], [false, true, true, true, false]));
    assert_eq!(ask(&[&one, &other]), told([true; 5], [true; 5]));
    assert!(stores.apply.unused_versions(&[], &[]).expect("it is told").is_empty());
    assert!(stores.apply.unused_inputs(&[], &[]).expect("it is told").is_empty());
}

pub(crate) fn the_runs_of_jobs_are_counted(stores: &Stores) {
    let (_, version) = catalog(stores);
    let [silent, busy, gone] = [(); 3].map(|()| stored_job(stores, a_job_of(&version)));
    for (job, count) in [(&busy, 3), (&gone, 2)] {
        for number in 0..count {
            let issued_at = micros_after(job.created_at, number);
            let run = Run { issued_at, status: RunStatus::Failed, ..a_run_of(job, &[]) };
            stores.runs.insert(&run, &[], None).expect("the run is stored");
        }
    }
    stores.jobs.delete(&Scope::Platform, gone.id, gone.revision, WriteMode::Commit).expect("it is deleted");
    let asked = [
        (busy.organisation_id, busy.id),
        (silent.organisation_id, silent.id),
        (gone.organisation_id, gone.id),
        (fresh_organisation_id(), busy.id),
        (busy.organisation_id, fresh_job_id()),
        (busy.organisation_id, busy.id),
    ];
    assert_eq!(stores.apply.count_runs(&asked).expect("runs are counted"), [3, 0, 0, 0, 0, 3]);
    assert_eq!(stores.apply.count_runs(&[]).expect("runs are counted"), Vec::<u64>::new());
}
