use prediction_domain::model::{
    ExpectedIntervalMinutes, MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, RetentionHours, Revision, Source,
};
use prediction_domain::ports::{DeleteSourceError, InsertSourceError, UpdateSourceError, WriteMode};

use crate::Stores;
use crate::builders::a_source;
use crate::contract::fixture::{TEXTS, all_sources, assert_exactly, assert_nothing_changes, source, stored_source};
use crate::values::{
    at, description, fresh_organisation_id, fresh_source_id, hours, micros_after, minutes, revision, source_name,
};

/// Names that are the same name, in pairs.
const SAME_NAMES: [(&str, &str); 8] = [
    ("Mildew-Predictor", "mILDEW-pREDICTOR"),
    ("Straße", "STRASSE"),
    ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
    ("ÉTÉ", "e\u{301}te\u{301}"),
    ("GROẞ", "groß"),
    ("ᏣᎳᎩ", "ꮳꮃꭹ"),
    ("İ", "i\u{307}"),
    ("ÅNGSTRÖM", "\u{212b}ngström"),
];

pub(crate) fn every_field_reads_back_as_it_was_stored(stores: &Stores) {
    let sources = [
        a_source(),
        Source { description: None, expected_interval_minutes: None, retention_hours: None, ..a_source() },
        Source { expected_interval_minutes: Some(minutes(1)), retention_hours: None, ..a_source() },
        Source { expected_interval_minutes: None, retention_hours: Some(hours(1)), ..a_source() },
        Source {
            expected_interval_minutes: Some(minutes(ExpectedIntervalMinutes::MAX)),
            retention_hours: Some(hours(RetentionHours::MAX)),
            ..a_source()
        },
        Source { description: Some(description("")), ..a_source() },
        Source { description: Some(description(" one\r\n\ttwo\n\nthree \n")), ..a_source() },
        Source { revision: revision(5_000_000_000), ..a_source() },
        Source { owner_organisation_id: Some(fresh_organisation_id()), ..a_source() },
        Source {
            created_at: at("2026-12-31T23:59:59.999999Z"),
            updated_at: at("2027-01-01T00:00:00.000001Z"),
            ..a_source()
        },
    ];
    for stored in sources {
        stored_source(stores, stored.clone());
        assert_exactly(&source(stores, stored.id), &Some(stored.clone()));
        let found = stores.sources.find_by_name(&stored.name).expect("sources can be read");
        assert_exactly(&found, &Some(stored));
    }
}

pub(crate) fn text_of_every_kind_reads_back_as_it_was_stored(stores: &Stores) {
    for text in TEXTS {
        let stored = stored_source(
            stores,
            Source { name: source_name(text), description: Some(description(text)), ..a_source() },
        );
        assert_exactly(&source(stores, stored.id), &Some(stored.clone()));
        let found = stores.sources.find_by_name(&stored.name).expect("sources can be read");
        assert_exactly(&found, &Some(stored));
    }
    assert_eq!(all_sources(stores).len(), TEXTS.len());
}

pub(crate) fn the_longest_texts_are_stored_and_found(stores: &Stores) {
    for character in ["x", "é", "ΐ", "ﬃ", "葡", "🍇"] {
        let stored = Source {
            name: source_name(&character.repeat(MAX_NAME_CHARS)),
            description: Some(description(&character.repeat(MAX_DESCRIPTION_CHARS))),
            ..a_source()
        };
        stored_source(stores, stored.clone());
        assert_exactly(&source(stores, stored.id), &Some(stored.clone()));
        let found = stores.sources.find_by_name(&stored.name).expect("sources can be read");
        assert_exactly(&found, &Some(stored));
    }
}

pub(crate) fn what_is_not_stored_is_not_found(stores: &Stores) {
    let unknown = a_source();
    assert_eq!(source(stores, unknown.id), None);
    assert_eq!(stores.sources.find_by_name(&unknown.name).expect("sources can be read"), None);
    assert_eq!(stores.sources.find_many(&[]).expect("sources can be read"), []);
}

pub(crate) fn find_many_answers_in_the_order_asked_for(stores: &Stores) {
    let [a, b, c] = [(); 3].map(|()| stored_source(stores, a_source()));
    let found = stores
        .sources
        .find_many(&[c.id, fresh_source_id(), a.id, c.id, b.id, fresh_source_id(), a.id])
        .expect("sources can be read");
    assert_eq!(found, [Some(c.clone()), None, Some(a.clone()), Some(c), Some(b), None, Some(a)]);
}

pub(crate) fn find_many_takes_a_thousand_ids(stores: &Stores) {
    let stored = stored_source(stores, a_source());
    let mut ids: Vec<_> = (0..999).map(|_| fresh_source_id()).collect();
    ids.push(stored.id);
    let found = stores.sources.find_many(&ids).expect("sources can be read");
    assert_eq!(found.len(), 1_000);
    assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), [stored]);
}

pub(crate) fn names_are_found_without_case(stores: &Stores) {
    for (name, same_name) in SAME_NAMES {
        let stored = stored_source(stores, Source { name: source_name(name), ..a_source() });
        let found = stores.sources.find_by_name(&source_name(same_name)).expect("sources can be read");
        assert_eq!(found, Some(stored), "{name} is {same_name}");
    }
}

pub(crate) fn names_are_not_patterns(stores: &Stores) {
    stored_source(stores, Source { name: source_name("100 percent"), ..a_source() });
    for name in ["100%", "100_percent", "100", "percent", "100 percent.", ".*", "%"] {
        assert_eq!(stores.sources.find_by_name(&source_name(name)).expect("sources can be read"), None, "{name}");
    }
}

pub(crate) fn names_that_look_alike_are_different_names(stores: &Stores) {
    let names =
        ["ete", "été", "eté", "e te", "e  te", "e\u{a0}te", "ｅte", "ete.", "ete\u{200b}", "i", "ı", "i\u{307}x"];
    let stored = names.map(|name| stored_source(stores, Source { name: source_name(name), ..a_source() }));
    for source in stored {
        assert_eq!(stores.sources.find_by_name(&source.name).expect("sources can be read"), Some(source));
    }
}

pub(crate) fn a_taken_id_is_refused_with_its_source(stores: &Stores) {
    let stored = stored_source(stores, a_source());
    assert_taken(stores, &Source { id: stored.id, ..a_source() }, &stored);
    assert_taken(stores, &stored, &stored);
}

pub(crate) fn a_taken_name_is_refused_with_its_source(stores: &Stores) {
    for (name, same_name) in SAME_NAMES {
        let stored = stored_source(stores, Source { name: source_name(name), ..a_source() });
        assert_taken(stores, &Source { name: source_name(name), ..a_source() }, &stored);
        assert_taken(stores, &Source { name: source_name(same_name), ..a_source() }, &stored);
    }
}

pub(crate) fn a_taken_id_counts_before_a_taken_name(stores: &Stores) {
    let [first, second] = [(); 2].map(|()| stored_source(stores, a_source()));
    assert_taken(stores, &Source { id: second.id, name: first.name.clone(), ..a_source() }, &second);
    assert_taken(stores, &Source { id: first.id, name: second.name, ..a_source() }, &first);
}

pub(crate) fn an_update_replaces_everything_but_id_and_creation(stores: &Stores) {
    let stored = stored_source(stores, a_source());
    let bystander = stored_source(stores, a_source());
    let changed = Source {
        owner_organisation_id: Some(fresh_organisation_id()),
        name: source_name("Another name"),
        description: Some(description("Another\ndescription")),
        expected_interval_minutes: Some(minutes(7)),
        retention_hours: Some(hours(8)),
        revision: stored.revision.next(),
        updated_at: micros_after(stored.updated_at, 1),
        ..stored.clone()
    };
    let sent = Source { created_at: micros_after(stored.created_at, -5), ..changed.clone() };
    stores.sources.update(&sent, stored.revision, WriteMode::Commit).expect("the source is changed");
    assert_exactly(&source(stores, stored.id), &Some(changed.clone()));

    let cleared = Source {
        owner_organisation_id: None,
        description: None,
        expected_interval_minutes: None,
        retention_hours: None,
        revision: changed.revision.next(),
        updated_at: micros_after(changed.updated_at, 1),
        ..changed.clone()
    };
    stores.sources.update(&cleared, changed.revision, WriteMode::Commit).expect("the source is changed");
    assert_exactly(&source(stores, stored.id), &Some(cleared));
    assert_exactly(&source(stores, bystander.id), &Some(bystander));
}

pub(crate) fn an_update_of_nothing_is_missing(stores: &Stores) {
    stored_source(stores, a_source());
    let error = refused_update(stores, &a_source(), Revision::FIRST);
    assert!(matches!(error, UpdateSourceError::Missing), "{error:?}");
}

pub(crate) fn an_update_of_another_revision_is_stale(stores: &Stores) {
    let stored = stored_source(stores, Source { revision: revision(3), ..a_source() });
    for expected in [1, 2, 4, 5_000_000_000] {
        let changed = Source { name: source_name("Another name"), revision: revision(9), ..stored.clone() };
        let error = refused_update(stores, &changed, revision(expected));
        assert!(matches!(error, UpdateSourceError::Stale { current } if current == stored.revision), "{error:?}");
    }
}

pub(crate) fn an_update_to_a_taken_name_is_refused_with_its_source(stores: &Stores) {
    for (name, same_name) in SAME_NAMES {
        let taken = stored_source(stores, Source { name: source_name(name), ..a_source() });
        let stored = stored_source(stores, a_source());
        let changed = Source { name: source_name(same_name), ..next(&stored) };
        let error = refused_update(stores, &changed, stored.revision);
        assert!(matches!(&error, UpdateSourceError::NameTaken(by) if **by == taken), "{error:?}");
    }
}

pub(crate) fn an_update_may_keep_its_name_or_change_its_case(stores: &Stores) {
    let mut stored = stored_source(stores, Source { name: source_name("Mildew"), ..a_source() });
    for name in ["Mildew", "MILDEW", "mildew"] {
        let changed = Source { name: source_name(name), ..next(&stored) };
        stores.sources.update(&changed, stored.revision, WriteMode::Commit).expect("the source is changed");
        assert_exactly(&source(stores, stored.id), &Some(changed.clone()));
        stored = changed;
    }
}

pub(crate) fn an_update_frees_the_former_name(stores: &Stores) {
    let stored = stored_source(stores, a_source());
    let renamed = Source { name: source_name("Another name"), ..next(&stored) };
    stores.sources.update(&renamed, stored.revision, WriteMode::Commit).expect("the source is changed");
    assert_eq!(stores.sources.find_by_name(&stored.name).expect("sources can be read"), None);
    let heir = stored_source(stores, Source { name: stored.name, ..a_source() });
    assert_eq!(stores.sources.find_by_name(&heir.name).expect("sources can be read"), Some(heir));
    assert_eq!(stores.sources.find_by_name(&renamed.name).expect("sources can be read"), Some(renamed));
}

pub(crate) fn an_update_is_judged_by_existence_then_revision_then_name(stores: &Stores) {
    let taken = stored_source(stores, a_source());
    let error = refused_update(stores, &Source { name: taken.name.clone(), ..a_source() }, revision(2));
    assert!(matches!(error, UpdateSourceError::Missing), "{error:?}");

    let stored = stored_source(stores, a_source());
    let error = refused_update(stores, &Source { name: taken.name, ..next(&stored) }, revision(2));
    assert!(matches!(error, UpdateSourceError::Stale { current: Revision::FIRST }), "{error:?}");
}

pub(crate) fn a_dry_run_of_an_update_is_judged_and_changes_nothing(stores: &Stores) {
    let taken = stored_source(stores, a_source());
    let stored = stored_source(stores, a_source());
    let changed = Source { name: source_name("Another name"), ..next(&stored) };
    let dry_run = |source: &Source, expected| {
        assert_nothing_changes(stores, || stores.sources.update(source, expected, WriteMode::DryRun))
    };
    dry_run(&changed, stored.revision).expect("the change would be made");
    let error = dry_run(&a_source(), Revision::FIRST).expect_err("there is no such source");
    assert!(matches!(error, UpdateSourceError::Missing), "{error:?}");
    let error = dry_run(&changed, revision(2)).expect_err("another revision is stored");
    assert!(matches!(error, UpdateSourceError::Stale { current: Revision::FIRST }), "{error:?}");
    let error = dry_run(&Source { name: taken.name.clone(), ..changed.clone() }, stored.revision)
        .expect_err("the name is taken");
    assert!(matches!(&error, UpdateSourceError::NameTaken(by) if **by == taken), "{error:?}");
    stores.sources.update(&changed, stored.revision, WriteMode::Commit).expect("the change can still be made");
}

pub(crate) fn a_deleted_source_is_gone_and_its_id_and_name_are_free(stores: &Stores) {
    let bystander = stored_source(stores, a_source());
    let stored = stored_source(stores, Source { revision: revision(4), ..a_source() });
    stores.sources.delete(stored.id, stored.revision, WriteMode::Commit).expect("the source is deleted");
    assert_eq!(source(stores, stored.id), None);
    assert_eq!(all_sources(stores), [bystander]);
    let error = refused_delete(stores, &stored, stored.revision);
    assert!(matches!(error, DeleteSourceError::Missing), "{error:?}");
    stored_source(stores, stored);
}

pub(crate) fn a_delete_of_nothing_is_missing(stores: &Stores) {
    stored_source(stores, a_source());
    let error = refused_delete(stores, &a_source(), Revision::FIRST);
    assert!(matches!(error, DeleteSourceError::Missing), "{error:?}");
}

pub(crate) fn a_delete_of_another_revision_is_stale(stores: &Stores) {
    let stored = stored_source(stores, Source { revision: revision(3), ..a_source() });
    for expected in [1, 2, 4] {
        let error = refused_delete(stores, &stored, revision(expected));
        assert!(matches!(error, DeleteSourceError::Stale { current } if current == stored.revision), "{error:?}");
    }
}

pub(crate) fn a_dry_run_of_a_delete_is_judged_and_changes_nothing(stores: &Stores) {
    let stored = stored_source(stores, a_source());
    let dry_run = |source: &Source, expected| {
        assert_nothing_changes(stores, || stores.sources.delete(source.id, expected, WriteMode::DryRun))
    };
    dry_run(&stored, stored.revision).expect("the source would be deleted");
    let error = dry_run(&a_source(), Revision::FIRST).expect_err("there is no such source");
    assert!(matches!(error, DeleteSourceError::Missing), "{error:?}");
    let error = dry_run(&stored, revision(2)).expect_err("another revision is stored");
    assert!(matches!(error, DeleteSourceError::Stale { current: Revision::FIRST }), "{error:?}");
    stores.sources.delete(stored.id, stored.revision, WriteMode::Commit).expect("the source can still be deleted");
}

/// The source with the next revision and a later change.
fn next(source: &Source) -> Source {
    Source { revision: source.revision.next(), updated_at: micros_after(source.updated_at, 1), ..source.clone() }
}

#[track_caller]
fn assert_taken(stores: &Stores, refused: &Source, by: &Source) {
    for mode in [WriteMode::DryRun, WriteMode::Commit] {
        let error = assert_nothing_changes(stores, || stores.sources.insert(refused, mode))
            .expect_err("the id or the name is taken");
        let InsertSourceError::Taken(taken) = error else {
            panic!("{error:?}");
        };
        assert_exactly(&*taken, by);
    }
}

#[track_caller]
fn refused_update(stores: &Stores, source: &Source, expected: Revision) -> UpdateSourceError {
    assert_nothing_changes(stores, || stores.sources.update(source, expected, WriteMode::Commit))
        .expect_err("the change is refused")
}

#[track_caller]
pub(crate) fn refused_delete(stores: &Stores, source: &Source, expected: Revision) -> DeleteSourceError {
    assert_nothing_changes(stores, || stores.sources.delete(source.id, expected, WriteMode::Commit))
        .expect_err("the delete is refused")
}
