//! Deleting sources that have versions.

use prediction_domain::model::Source;
use prediction_domain::ports::{DeleteSourceError, WriteMode};

use super::sources::refused_delete;
use crate::Stores;
use crate::builders::{a_source, a_version_of};
use crate::contract::fixture::{assert_nothing_changes, catalog, stored_source, stored_version};
use crate::values::revision;

pub(crate) fn a_delete_of_a_source_with_versions_counts_them(stores: &Stores) {
    catalog(stores);
    let stored = stored_source(stores, a_source());
    for count in 1..=3 {
        stored_version(stores, a_version_of(stored.id));
        let error = refused_delete(stores, &stored, stored.revision);
        assert!(matches!(error, DeleteSourceError::InUse { versions } if versions == count), "{error:?}");
    }
}

pub(crate) fn a_delete_of_another_revision_is_stale_before_it_is_in_use(stores: &Stores) {
    let stored = stored_source(stores, Source { revision: revision(3), ..a_source() });
    stored_version(stores, a_version_of(stored.id));
    for expected in [1, 2, 4] {
        let error = refused_delete(stores, &stored, revision(expected));
        assert!(matches!(error, DeleteSourceError::Stale { current } if current == stored.revision), "{error:?}");
    }
}

pub(crate) fn a_dry_run_of_a_delete_of_a_source_with_versions_is_judged(stores: &Stores) {
    let (used, _) = catalog(stores);
    let error = assert_nothing_changes(stores, || stores.sources.delete(used.id, used.revision, WriteMode::DryRun))
        .expect_err("the source has a version");
    assert!(matches!(error, DeleteSourceError::InUse { versions: 1 }), "{error:?}");
}
