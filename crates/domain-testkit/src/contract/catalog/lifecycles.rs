//! Where source versions are in their lives.

use std::collections::BTreeSet;

use prediction_domain::model::{Lifecycle, LifecycleStage, Revision, Scope, SourceVersion, SourceVersionId, Subject};
use prediction_domain::ports::{ChangeLifecycleError, JobFilter, SourceVersionFilter, WriteMode};

use crate::Stores;
use crate::builders::{a_job_of, a_source, a_version_of};
use crate::contract::fixture::{
    assert_exactly, assert_nothing_changes, assert_pages, catalog, list_named, stored_job, stored_source,
    stored_version, version, versions,
};
use crate::values::{at, description, fresh_source_version_id, revision};

/// Says everything that can be said.
fn deprecated(replaced_by: Option<SourceVersionId>) -> Lifecycle {
    Lifecycle {
        stage: LifecycleStage::Deprecated,
        reason: Some(description("葡萄: \"é\"\n\tsee 1.1.0")),
        replaced_by,
        end_of_life_at: Some(at("2027-12-31T23:59:59.999999Z")),
        revision: revision(2),
        changed_at: Some(at("2026-06-01T12:00:00.000001Z")),
        changed_by: Some(Subject::of("publisher")),
    }
}

fn in_stage(stage: LifecycleStage, number: i64) -> Lifecycle {
    Lifecycle { stage, revision: revision(number), ..deprecated(None) }
}

fn change(stores: &Stores, id: SourceVersionId, lifecycle: &Lifecycle) {
    let before = Revision::new(lifecycle.revision.as_i64() - 1).expect("it was changed");
    let changed = stores.source_versions.change_lifecycle(id, lifecycle, before, WriteMode::Commit);
    changed.expect("a lifecycle can be changed");
}

pub(crate) fn a_lifecycle_reads_back_as_it_was_stored(stores: &Stores) {
    let (source, stored) = catalog(stores);
    let other = stored_version(stores, a_version_of(source.id));
    assert_exactly(&version(stores, stored.id), &Some(stored.clone()));
    let nothing_more = Lifecycle {
        reason: None,
        replaced_by: None,
        end_of_life_at: None,
        changed_at: None,
        changed_by: None,
        ..in_stage(LifecycleStage::Active, 4)
    };
    for lifecycle in [deprecated(Some(other.id)), in_stage(LifecycleStage::Withdrawn, 3), nothing_more] {
        change(stores, stored.id, &lifecycle);
        let changed = SourceVersion { lifecycle: lifecycle.clone(), ..stored.clone() };
        assert_exactly(&version(stores, stored.id), &Some(changed.clone()));
        let found = stores.source_versions.find_by_label(source.id, &stored.version).expect("versions can be read");
        assert_exactly(&found, &Some(changed.clone()));
        let of_source = SourceVersionFilter { source_id: Some(source.id), stages: None, managed_by: None };
        assert_pages(&[changed, other.clone()], |page| versions(stores, &of_source, page));
    }
}

pub(crate) fn a_lifecycle_is_changed_at_the_revision_that_is_expected(stores: &Stores) {
    let (_, stored) = catalog(stores);
    let attempt = |id, lifecycle: &Lifecycle, expected| {
        assert_nothing_changes(stores, || {
            stores.source_versions.change_lifecycle(id, lifecycle, revision(expected), WriteMode::Commit)
        })
    };
    let missing = attempt(fresh_source_version_id(), &deprecated(None), 1);
    assert!(matches!(missing, Err(ChangeLifecycleError::Missing)), "{missing:?}");
    let missing = attempt(fresh_source_version_id(), &deprecated(None), 2);
    assert!(matches!(missing, Err(ChangeLifecycleError::Missing)), "{missing:?}");
    let nowhere = attempt(stored.id, &deprecated(Some(fresh_source_version_id())), 1);
    assert!(matches!(nowhere, Err(ChangeLifecycleError::ReplacementMissing)), "{nowhere:?}");
    let ahead = attempt(stored.id, &in_stage(LifecycleStage::Withdrawn, 3), 2);
    assert!(matches!(ahead, Err(ChangeLifecycleError::Stale { current }) if current == Revision::FIRST), "{ahead:?}");

    let tried = assert_nothing_changes(stores, || {
        stores.source_versions.change_lifecycle(stored.id, &deprecated(None), Revision::FIRST, WriteMode::DryRun)
    });
    tried.expect("it could be changed");
    change(stores, stored.id, &deprecated(None));
    for expected in [1, 3] {
        let stale = attempt(stored.id, &in_stage(LifecycleStage::Withdrawn, 4), expected);
        assert!(matches!(stale, Err(ChangeLifecycleError::Stale { current }) if current == revision(2)), "{stale:?}");
    }
    let nowhere =
        attempt(stored.id, &Lifecycle { revision: revision(3), ..deprecated(Some(fresh_source_version_id())) }, 2);
    assert!(matches!(nowhere, Err(ChangeLifecycleError::ReplacementMissing)), "{nowhere:?}");
}

pub(crate) fn the_version_to_take_is_the_newest_that_is_active_or_else_deprecated(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let [first, second, third] = [(); 3].map(|()| stored_version(stores, a_version_of(source.id)).id);
    let newest = || stores.source_versions.newest(source.id).expect("versions can be read").map(|version| version.id);
    assert_eq!(newest(), Some(third));
    change(stores, third, &in_stage(LifecycleStage::Deprecated, 2));
    assert_eq!(newest(), Some(second));
    change(stores, second, &in_stage(LifecycleStage::Withdrawn, 2));
    assert_eq!(newest(), Some(first));
    change(stores, first, &in_stage(LifecycleStage::Deprecated, 2));
    assert_eq!(newest(), Some(third), "all are deprecated or withdrawn");
    change(stores, first, &in_stage(LifecycleStage::Withdrawn, 3));
    change(stores, third, &in_stage(LifecycleStage::Withdrawn, 3));
    assert_eq!(newest(), None);
    change(stores, second, &in_stage(LifecycleStage::Active, 3));
    assert_eq!(newest(), Some(second));
}

pub(crate) fn versions_and_jobs_are_filtered_by_stage(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let of_source = [(); 4].map(|()| stored_version(stores, a_version_of(source.id)));
    let stages =
        [None, Some(LifecycleStage::Deprecated), Some(LifecycleStage::Withdrawn), Some(LifecycleStage::Active)];
    let mut stored = Vec::new();
    for (version, stage) in of_source.into_iter().zip(stages) {
        let lifecycle = stage.map_or_else(Lifecycle::default, |stage| in_stage(stage, 2));
        if stage.is_some() {
            change(stores, version.id, &lifecycle);
        }
        let version = SourceVersion { lifecycle, ..version };
        let job = stored_job(stores, a_job_of(&version));
        stored.push((version, job));
    }
    for wanted in 0..8_u32 {
        let wanted: BTreeSet<LifecycleStage> = LifecycleStage::ALL
            .into_iter()
            .enumerate()
            .filter(|(bit, _)| wanted >> bit & 1 == 1)
            .map(|(_, stage)| stage)
            .collect();
        let fitting = || stored.iter().filter(|(version, _)| wanted.contains(&version.lifecycle.stage));
        let expected: Vec<_> = fitting().map(|(version, _)| version.clone()).collect();
        let filter = SourceVersionFilter { source_id: Some(source.id), stages: Some(wanted.clone()), managed_by: None };
        assert_pages(&expected, |page| versions(stores, &filter, page));
        let expected: Vec<_> = fitting().map(|(_, job)| job.clone()).collect();
        let filter =
            JobFilter { source_id: Some(source.id), version_stages: Some(wanted.clone()), ..JobFilter::default() };
        assert_pages(&expected, |page| list_named(stores, &Scope::Platform, &filter, page));
        let counted = stores
            .jobs
            .count_by_health(&Scope::Platform, &filter, at("2026-12-31T12:00:00Z"))
            .expect("jobs can be counted");
        assert_eq!(counted.iter().map(|(_, count)| count).sum::<u64>(), expected.len() as u64, "{wanted:?}");
    }
}

/// Jobs of all organisations count, so those of other cases do, too.
pub(crate) fn jobs_are_counted_by_the_stage_of_their_version(stores: &Stores) {
    let counts = || stores.jobs.count_of_stages().expect("jobs can be counted");
    let of = |stage| counts().get(&stage).copied().unwrap_or_default();
    let (_, stored) = catalog(stores);
    stored_job(stores, a_job_of(&stored));
    let before = of(LifecycleStage::Deprecated);
    assert_eq!(of(LifecycleStage::Active), 0, "those are not counted");
    change(stores, stored.id, &in_stage(LifecycleStage::Deprecated, 2));
    assert_eq!(of(LifecycleStage::Deprecated), before + 1);
    stored_job(stores, a_job_of(&stored));
    assert_eq!(of(LifecycleStage::Deprecated), before + 2);
    change(stores, stored.id, &in_stage(LifecycleStage::Active, 3));
    assert_eq!((of(LifecycleStage::Deprecated), of(LifecycleStage::Active)), (before, 0));
}

pub(crate) fn a_replacement_can_be_deleted(stores: &Stores) {
    let (source, stored) = catalog(stores);
    let other = stored_version(stores, a_version_of(source.id));
    change(stores, stored.id, &deprecated(Some(other.id)));
    change(stores, other.id, &in_stage(LifecycleStage::Withdrawn, 2));
    stores.source_versions.delete(&Scope::Platform, other.id, WriteMode::Commit).expect("no job runs it");
    let left = version(stores, stored.id).expect("it is there").lifecycle;
    assert_exactly(&left, &deprecated(None));
    // What was said of it is gone with it.
    let again = stored_version(stores, other);
    assert_exactly(&version(stores, again.id), &Some(again.clone()));
}
