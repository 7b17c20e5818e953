use prediction_domain::model::{
    CheckedBindings, Job, JobName, MAX_BINDINGS, MAX_NAME_CHARS, MAX_WORD_CHARS, Output, Revision, RoleBinding, Scope,
    SourceVersion,
};
use prediction_domain::ports::{DeleteJobError, UpdateJobError, WriteMode};

use crate::Stores;
use crate::builders::{a_job_of, a_version_of, bindings, contract};
use crate::contract::fixture::{
    TEXTS, all_jobs, any_job, assert_exactly, assert_nothing_changes, catalog, job, job_within, stored_job,
    stored_version,
};
use crate::values::{
    at, fresh_input_id, fresh_job_id, fresh_organisation_id, fresh_output_id, fresh_source_version_id, input_kind,
    job_name, metric, micros_after, revision, role_name, unit,
};

pub(crate) fn every_field_reads_back_as_it_was_stored(stores: &Stores) {
    let (_, version) = catalog(stores);
    let shared_input = fresh_input_id();
    let jobs = [
        a_job_of(&version),
        Job { active: false, ..a_job_of(&version) },
        Job { role_bindings: CheckedBindings::default(), ..a_job_of(&version) },
        Job { role_bindings: bindings(&[("a", shared_input), ("b", shared_input)]), ..a_job_of(&version) },
        Job { outputs: vec![an_output("with", Some("%")), an_output("without", None)], ..a_job_of(&version) },
        Job { revision: revision(5_000_000_000), ..a_job_of(&version) },
        Job {
            created_at: at("2026-12-31T23:59:59.999999Z"),
            updated_at: at("2027-01-01T00:00:00.000001Z"),
            ..a_job_of(&version)
        },
    ];
    for stored in jobs {
        stored_job(stores, stored.clone());
        assert_reads_back(stores, &stored);
    }
}

pub(crate) fn the_order_of_bindings_and_outputs_is_kept(stores: &Stores) {
    let (_, version) = catalog(stores);
    for roles in [["c", "a", "B", "ä"], ["ä", "B", "a", "c"], ["a", "c", "ä", "B"]] {
        let stored = Job {
            role_bindings: bindings(&roles.map(|role| (role, fresh_input_id()))),
            outputs: roles.iter().rev().map(|role| an_output(role, None)).collect(),
            ..a_job_of(&version)
        };
        stored_job(stores, stored.clone());
        assert_reads_back(stores, &stored);
    }
}

pub(crate) fn text_of_every_kind_reads_back_as_it_was_stored(stores: &Stores) {
    let (_, version) = catalog(stores);
    let organisation_id = fresh_organisation_id();
    for text in TEXTS {
        // Words are not trimmed.
        let word = format!(" {text} ");
        let binding = RoleBinding { role: role_name(&word), input_id: fresh_input_id(), input_type: input_kind(&word) };
        let output =
            Output { id: fresh_output_id(), role: role_name(&word), metric: metric(&word), unit: Some(unit(&word)) };
        let stored = Job {
            organisation_id,
            name: job_name(text),
            role_bindings: CheckedBindings::restored(vec![binding]).expect("one role"),
            outputs: vec![output],
            ..a_job_of(&version)
        };
        stored_job(stores, stored.clone());
        assert_reads_back(stores, &stored);
    }
    assert_eq!(all_jobs(stores).len(), TEXTS.len());
}

pub(crate) fn the_largest_job_reads_back_as_it_was_stored(stores: &Stores) {
    let (_, version) = catalog(stores);
    let stored = stored_job(stores, the_largest_job_of(&version));
    assert_reads_back(stores, &stored);
}

pub(crate) fn the_longest_names_are_stored_and_found(stores: &Stores) {
    let (_, version) = catalog(stores);
    for character in ["x", "é", "葡", "🍇"] {
        let stored = Job { name: job_name(&character.repeat(MAX_NAME_CHARS)), ..a_job_of(&version) };
        stored_job(stores, stored.clone());
        assert_reads_back(stores, &stored);
    }
}

pub(crate) fn what_is_not_stored_is_not_found(stores: &Stores) {
    let stored = any_job(stores);
    let jobs = &stores.jobs;
    assert_eq!(job(stores, fresh_job_id()), None);
    assert_eq!(jobs.find_by_name(stored.organisation_id, &job_name("unknown")).expect("jobs can be read"), None);
    assert_eq!(jobs.find_by_name(fresh_organisation_id(), &stored.name).expect("jobs can be read"), None);
    assert_eq!(jobs.find_many(&[]).expect("jobs can be read"), []);
}

pub(crate) fn names_are_found_exactly(stores: &Stores) {
    let (_, version) = catalog(stores);
    let organisation_id = fresh_organisation_id();
    let names = ["vineyard", "Vineyard", "VINEYARD", "vine yard", "vine  yard", "vinéyard", "vine_ard", "vine%"];
    let stored =
        names.map(|name| stored_job(stores, Job { organisation_id, name: job_name(name), ..a_job_of(&version) }));
    for job in stored {
        assert_reads_back(stores, &job);
    }
    let none = stores.jobs.find_by_name(organisation_id, &job_name("vIneyard")).expect("jobs can be read");
    assert_eq!(none, None);
}

pub(crate) fn find_many_answers_in_the_order_asked_for(stores: &Stores) {
    let (_, version) = catalog(stores);
    let [a, b, c] = [(); 3].map(|()| stored_job(stores, a_job_of(&version)));
    let unknown = fresh_job_id();
    let wanted = [c.id, unknown, a.id, c.id, b.id, unknown, a.id].map(|id| (Scope::Platform, id));
    let found = stores.jobs.find_many(&wanted).expect("jobs can be read");
    assert_eq!(found, [Some(c.clone()), None, Some(a.clone()), Some(c), Some(b), None, Some(a)]);
}

pub(crate) fn find_many_takes_a_thousand_ids(stores: &Stores) {
    let stored = any_job(stores);
    let mut wanted: Vec<_> = (0..999).map(|_| (Scope::of([fresh_organisation_id()]), fresh_job_id())).collect();
    wanted.push((Scope::of([stored.organisation_id]), stored.id));
    let found = stores.jobs.find_many(&wanted).expect("jobs can be read");
    assert_eq!(found.len(), 1_000);
    assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), [stored]);
}

pub(crate) fn find_many_judges_each_scope_by_itself(stores: &Stores) {
    let (_, version) = catalog(stores);
    let [a, b] = [(); 2].map(|()| stored_job(stores, a_job_of(&version)));
    let found = stores.jobs.find_many(&[
        (Scope::of([a.organisation_id]), a.id),
        (Scope::of([a.organisation_id]), b.id),
        (Scope::of([b.organisation_id]), a.id),
        (Scope::of([b.organisation_id]), b.id),
        (Scope::of([a.organisation_id, b.organisation_id]), a.id),
        (Scope::of([fresh_organisation_id(), b.organisation_id]), b.id),
        (Scope::of([]), a.id),
        (Scope::Platform, a.id),
        (Scope::of([fresh_organisation_id()]), a.id),
        (Scope::Platform, b.id),
    ]);
    let (a, b) = (Some(a), Some(b));
    let expected = [a.clone(), None, None, b.clone(), a.clone(), b.clone(), None, a.clone(), None, b.clone()];
    assert_eq!(found.expect("jobs can be read"), expected);
}

pub(crate) fn an_update_replaces_what_may_change(stores: &Stores) {
    let (source, version) = catalog(stores);
    let other_version = stored_version(
        stores,
        SourceVersion { contract: contract(&["wind", "rain"], &["mildew_risk", "yield"]), ..a_version_of(source.id) },
    );
    let stored = stored_job(stores, a_job_of(&version));
    let bystander = stored_job(stores, a_job_of(&version));
    let changed = Job {
        source_version_id: other_version.id,
        name: job_name("Another name"),
        active: false,
        role_bindings: bindings(&[("wind", fresh_input_id()), ("rain", fresh_input_id())]),
        outputs: Output::for_contract(&other_version.contract, &stored.outputs, fresh_output_id),
        revision: stored.revision.next(),
        updated_at: micros_after(stored.updated_at, 1),
        ..stored.clone()
    };
    assert_eq!(changed.outputs[0].id, stored.outputs[0].id);
    // What never changes is not taken from what is sent.
    let (other_source, _) = catalog(stores);
    let sent = Job { source_id: other_source.id, created_at: micros_after(stored.created_at, -5), ..changed.clone() };
    stores.jobs.update(&sent, stored.revision, None, WriteMode::Commit).expect("the job is changed");
    assert_reads_back(stores, &changed);
    assert_reads_back(stores, &bystander);
}

pub(crate) fn an_update_may_bind_and_unbind_everything(stores: &Stores) {
    let (_, version) = catalog(stores);
    let largest = the_largest_job_of(&version);
    let mut stored = stored_job(stores, a_job_of(&version));
    let reversed: Vec<_> = largest.role_bindings.as_slice().iter().rev().cloned().collect();
    for (role_bindings, outputs) in [
        (CheckedBindings::default(), stored.outputs.clone()),
        (largest.role_bindings.clone(), largest.outputs.clone()),
        (CheckedBindings::restored(reversed).expect("no role twice"), largest.outputs.iter().rev().cloned().collect()),
        (bindings(&[("temperature", fresh_input_id())]), vec![an_output("prediction", None)]),
        (CheckedBindings::default(), vec![an_output("prediction", Some("%"))]),
    ] {
        let changed = Job { role_bindings, outputs, ..next(&stored) };
        stores.jobs.update(&changed, stored.revision, None, WriteMode::Commit).expect("the job is changed");
        assert_reads_back(stores, &changed);
        stored = changed;
    }
}

pub(crate) fn an_update_of_nothing_is_missing(stores: &Stores) {
    let stored = any_job(stores);
    let error = refused_update(stores, &Job { id: fresh_job_id(), ..stored }, Revision::FIRST);
    assert!(matches!(error, UpdateJobError::Missing), "{error:?}");
}

pub(crate) fn an_update_under_another_organisation_is_missing(stores: &Stores) {
    let (_, version) = catalog(stores);
    let stored = stored_job(stores, a_job_of(&version));
    let neighbour = stored_job(stores, a_job_of(&version));
    for organisation_id in [neighbour.organisation_id, fresh_organisation_id()] {
        let error = refused_update(stores, &Job { organisation_id, ..next(&stored) }, stored.revision);
        assert!(matches!(error, UpdateJobError::Missing), "{error:?}");
    }
}

pub(crate) fn an_update_of_another_revision_is_stale(stores: &Stores) {
    let (_, version) = catalog(stores);
    let stored = stored_job(stores, Job { revision: revision(3), ..a_job_of(&version) });
    for expected in [1, 2, 4, 5_000_000_000] {
        let changed = Job { active: false, revision: revision(9), ..stored.clone() };
        let error = refused_update(stores, &changed, revision(expected));
        assert!(matches!(error, UpdateJobError::Stale { current } if current == stored.revision), "{error:?}");
    }
}

pub(crate) fn an_update_to_a_taken_name_is_refused_with_its_job(stores: &Stores) {
    let (stored, taken) = two_jobs_of_one_organisation(stores);
    let error = refused_update(stores, &Job { name: taken.name.clone(), ..next(&stored) }, stored.revision);
    let UpdateJobError::NameTaken(by) = error else {
        panic!("{error:?}");
    };
    assert_exactly(&*by, &taken);
}

pub(crate) fn an_update_may_take_the_name_of_another_organisations_job(stores: &Stores) {
    let (_, version) = catalog(stores);
    let [stored, other] = [(); 2].map(|()| stored_job(stores, a_job_of(&version)));
    let changed = Job { name: other.name.clone(), ..next(&stored) };
    stores.jobs.update(&changed, stored.revision, None, WriteMode::Commit).expect("the job is changed");
    assert_reads_back(stores, &changed);
    assert_reads_back(stores, &other);
}

pub(crate) fn an_update_frees_the_former_name(stores: &Stores) {
    let (stored, other) = two_jobs_of_one_organisation(stores);
    let renamed = Job { name: job_name("Another name"), ..next(&stored) };
    stores.jobs.update(&renamed, stored.revision, None, WriteMode::Commit).expect("the job is changed");
    assert_eq!(find_by_name(stores, &stored, &stored.name), None);
    let heir = Job { name: stored.name.clone(), ..next(&other) };
    stores.jobs.update(&heir, other.revision, None, WriteMode::Commit).expect("the former name is free");
    assert_reads_back(stores, &renamed);
    assert_reads_back(stores, &heir);
}

pub(crate) fn an_update_to_a_missing_version_is_refused(stores: &Stores) {
    let stored = any_job(stores);
    let changed = Job { source_version_id: fresh_source_version_id(), ..next(&stored) };
    let error = refused_update(stores, &changed, stored.revision);
    assert!(matches!(error, UpdateJobError::VersionMissing), "{error:?}");
}

pub(crate) fn an_update_to_a_version_of_another_source_is_refused(stores: &Stores) {
    let stored = any_job(stores);
    let (other_source, foreign) = catalog(stores);
    let changed = Job { source_version_id: foreign.id, ..next(&stored) };
    let error = refused_update(stores, &changed, stored.revision);
    assert!(matches!(error, UpdateJobError::VersionMissing), "{error:?}");
    // The source of a job never changes, whatever is sent.
    let error = refused_update(stores, &Job { source_id: other_source.id, ..changed }, stored.revision);
    assert!(matches!(error, UpdateJobError::VersionMissing), "{error:?}");
}

pub(crate) fn an_update_is_judged_by_existence_then_revision_then_name_then_version(stores: &Stores) {
    let (stored, taken) = two_jobs_of_one_organisation(stores);
    let wrong = Job { name: taken.name.clone(), source_version_id: fresh_source_version_id(), ..next(&stored) };
    let error = refused_update(stores, &Job { id: fresh_job_id(), ..wrong.clone() }, revision(2));
    assert!(matches!(error, UpdateJobError::Missing), "{error:?}");
    let error = refused_update(stores, &wrong, revision(2));
    assert!(matches!(error, UpdateJobError::Stale { current: Revision::FIRST }), "{error:?}");
    let error = refused_update(stores, &wrong, stored.revision);
    assert!(matches!(&error, UpdateJobError::NameTaken(by) if **by == taken), "{error:?}");
}

pub(crate) fn a_dry_run_of_an_update_is_judged_and_changes_nothing(stores: &Stores) {
    let (stored, taken) = two_jobs_of_one_organisation(stores);
    let changed = Job {
        name: job_name("Another name"),
        active: false,
        role_bindings: bindings(&[("wind", fresh_input_id())]),
        outputs: vec![an_output("wind", None)],
        ..next(&stored)
    };
    let dry_run = |job: &Job, expected| {
        assert_nothing_changes(stores, || stores.jobs.update(job, expected, None, WriteMode::DryRun))
    };
    dry_run(&changed, stored.revision).expect("the change would be made");
    let error = dry_run(&Job { id: fresh_job_id(), ..changed.clone() }, Revision::FIRST).expect_err("no such job");
    assert!(matches!(error, UpdateJobError::Missing), "{error:?}");
    let error = dry_run(&changed, revision(2)).expect_err("another revision is stored");
    assert!(matches!(error, UpdateJobError::Stale { current: Revision::FIRST }), "{error:?}");
    let error =
        dry_run(&Job { name: taken.name.clone(), ..changed.clone() }, stored.revision).expect_err("the name is taken");
    assert!(matches!(&error, UpdateJobError::NameTaken(by) if **by == taken), "{error:?}");
    let error = dry_run(&Job { source_version_id: fresh_source_version_id(), ..changed.clone() }, stored.revision)
        .expect_err("there is no such version");
    assert!(matches!(error, UpdateJobError::VersionMissing), "{error:?}");
    stores.jobs.update(&changed, stored.revision, None, WriteMode::Commit).expect("the change can still be made");
    assert_reads_back(stores, &changed);
}

pub(crate) fn a_deleted_job_is_gone_and_its_name_is_free(stores: &Stores) {
    let (stored, bystander) = two_jobs_of_one_organisation(stores);
    stores
        .jobs
        .delete(&Scope::of([stored.organisation_id]), stored.id, stored.revision, WriteMode::Commit)
        .expect("the job is deleted");
    assert_eq!(job(stores, stored.id), None);
    assert_eq!(find_by_name(stores, &stored, &stored.name), None);
    assert_eq!(all_jobs(stores), [bystander]);
    let error = refused_delete(stores, &Scope::Platform, &stored, stored.revision);
    assert!(matches!(error, DeleteJobError::Missing), "{error:?}");
    stored_job(stores, Job { id: fresh_job_id(), ..stored });
}

pub(crate) fn a_delete_of_nothing_is_missing(stores: &Stores) {
    let stored = any_job(stores);
    let error = refused_delete(stores, &Scope::Platform, &Job { id: fresh_job_id(), ..stored }, Revision::FIRST);
    assert!(matches!(error, DeleteJobError::Missing), "{error:?}");
}

pub(crate) fn a_delete_outside_the_scope_is_missing(stores: &Stores) {
    let (_, version) = catalog(stores);
    let stored = stored_job(stores, a_job_of(&version));
    let neighbour = stored_job(stores, a_job_of(&version));
    for scope in [Scope::of([]), Scope::of([neighbour.organisation_id]), Scope::of([fresh_organisation_id()])] {
        assert_eq!(job_within(stores, scope.clone(), stored.id), None);
        for expected in [1, 2] {
            let error = refused_delete(stores, &scope, &stored, revision(expected));
            assert!(matches!(error, DeleteJobError::Missing), "{error:?}");
        }
    }
    let scope = Scope::of([neighbour.organisation_id, stored.organisation_id]);
    stores.jobs.delete(&scope, stored.id, stored.revision, WriteMode::Commit).expect("the job is deleted");
    stores
        .jobs
        .delete(&Scope::Platform, neighbour.id, neighbour.revision, WriteMode::Commit)
        .expect("the job is deleted");
}

pub(crate) fn a_delete_of_another_revision_is_stale(stores: &Stores) {
    let (_, version) = catalog(stores);
    let stored = stored_job(stores, Job { revision: revision(3), ..a_job_of(&version) });
    for expected in [1, 2, 4] {
        let error = refused_delete(stores, &Scope::Platform, &stored, revision(expected));
        assert!(matches!(error, DeleteJobError::Stale { current } if current == stored.revision), "{error:?}");
    }
}

pub(crate) fn a_dry_run_of_a_delete_is_judged_and_changes_nothing(stores: &Stores) {
    let stored = any_job(stores);
    let dry_run = |scope: &Scope, expected| {
        assert_nothing_changes(stores, || stores.jobs.delete(scope, stored.id, expected, WriteMode::DryRun))
    };
    dry_run(&Scope::Platform, stored.revision).expect("the job would be deleted");
    let error = dry_run(&Scope::of([]), stored.revision).expect_err("the job cannot be seen");
    assert!(matches!(error, DeleteJobError::Missing), "{error:?}");
    let error = dry_run(&Scope::Platform, revision(2)).expect_err("another revision is stored");
    assert!(matches!(error, DeleteJobError::Stale { current: Revision::FIRST }), "{error:?}");
    stores
        .jobs
        .delete(&Scope::Platform, stored.id, stored.revision, WriteMode::Commit)
        .expect("it can still be deleted");
}

/// A job with as many and as long bindings and outputs as there may be.
fn the_largest_job_of(version: &SourceVersion) -> Job {
    a_job_with_most_bindings(version, |number| format!("{number:03}{}", "🍇".repeat(MAX_WORD_CHARS - 3)))
}

/// A job with as many bindings and outputs as there may be; `word` gives all the text in each.
pub(crate) fn a_job_with_most_bindings(version: &SourceVersion, word: fn(usize) -> String) -> Job {
    let bindings = (0..MAX_BINDINGS).rev().map(|number| RoleBinding {
        role: role_name(&word(number)),
        input_id: fresh_input_id(),
        input_type: input_kind(&word(number)),
    });
    let outputs = (0..MAX_BINDINGS).map(|number| Output {
        id: fresh_output_id(),
        role: role_name(&word(number)),
        metric: metric(&word(number)),
        unit: Some(unit(&word(number))),
    });
    Job {
        role_bindings: CheckedBindings::restored(bindings.collect()).expect("no role twice"),
        outputs: outputs.collect(),
        ..a_job_of(version)
    }
}

/// The job with the next revision and a later change.
fn next(job: &Job) -> Job {
    Job { revision: job.revision.next(), updated_at: micros_after(job.updated_at, 1), ..job.clone() }
}

fn an_output(role: &str, with_unit: Option<&str>) -> Output {
    Output { id: fresh_output_id(), role: role_name(role), metric: metric("risk"), unit: with_unit.map(unit) }
}

fn two_jobs_of_one_organisation(stores: &Stores) -> (Job, Job) {
    let (_, version) = catalog(stores);
    let first = stored_job(stores, a_job_of(&version));
    let second = Job { organisation_id: first.organisation_id, ..a_job_of(&version) };
    (first, stored_job(stores, second))
}

fn find_by_name(stores: &Stores, job: &Job, name: &JobName) -> Option<Job> {
    stores.jobs.find_by_name(job.organisation_id, name).expect("jobs can be read")
}

#[track_caller]
fn assert_reads_back(stores: &Stores, stored: &Job) {
    let expected = Some(stored.clone());
    assert_exactly(&job(stores, stored.id), &expected);
    assert_exactly(&job_within(stores, Scope::of([stored.organisation_id]), stored.id), &expected);
    assert_exactly(&find_by_name(stores, stored, &stored.name), &expected);
}

#[track_caller]
fn refused_update(stores: &Stores, job: &Job, expected: Revision) -> UpdateJobError {
    assert_nothing_changes(stores, || stores.jobs.update(job, expected, None, WriteMode::Commit))
        .expect_err("the change is refused")
}

#[track_caller]
fn refused_delete(stores: &Stores, scope: &Scope, job: &Job, expected: Revision) -> DeleteJobError {
    assert_nothing_changes(stores, || stores.jobs.delete(scope, job.id, expected, WriteMode::Commit))
        .expect_err("the delete is refused")
}
