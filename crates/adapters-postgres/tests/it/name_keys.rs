//! The keys of sources' names where another release computed them.

use prediction_adapters_postgres::{LockRetry, PostgresStore};
use prediction_domain::model::{Description, Source, SourceId, SourceName};
use prediction_domain::ports::{SourceRepository as _, UpdateSourceError, WriteMode};

use crate::test_database::TestDatabase;

const FIRST: &str = "f0000000-0000-4000-8000-000000000003";
const SECOND: &str = "f0000000-0000-4000-8000-000000000001";
const OTHER: &str = "f0000000-0000-4000-8000-000000000002";
const CHEROKEE: &str = "f0000000-0000-4000-8000-000000000004";

/// Sources with the keys that the release before gave them: upper case, then lower case. The clock runs backwards: what
/// is earlier is what was stored before.
fn stored_before() -> TestDatabase {
    let database = TestDatabase::migrated();
    for (number, (id, name, key)) in
        [(FIRST, "STRAẞE", "straße"), (SECOND, "straße", "strasse"), (OTHER, "Rust", "rust"), (CHEROKEE, "ᏣᎳᎩ", "ꮳꮃꭹ")]
            .into_iter()
            .enumerate()
    {
        database.execute(&format!(
            "INSERT INTO sources (id, name, name_key, revision, created_at, updated_at) \
             VALUES ('{id}', '{name}', '{key}', 1, '2026-11-2{day}', '2026-11-2{day}')",
            day = 9 - number
        ));
    }
    database
}

fn correct(store: &PostgresStore) -> Vec<String> {
    store.correct_name_keys(&LockRetry::default(), &mut |_| ()).unwrap()
}

fn keys(database: &TestDatabase) -> Vec<String> {
    database.texts("SELECT name_key AS value FROM sources ORDER BY sequence_number")
}

fn named(name: &str) -> SourceName {
    SourceName::parse(name).unwrap()
}

fn find(database: &TestDatabase, id: &str) -> Source {
    database.store().find_many(&[SourceId::parse(id).unwrap()]).unwrap().pop().flatten().unwrap()
}

#[test]
fn the_earlier_source_is_found_by_the_name_and_the_later_one_by_its_id() {
    let database = stored_before();
    let store = database.store();
    let told = correct(&store);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[1].contains(SECOND) && told[1].contains("of an earlier source"), "{told:?}");
    let beside = format!("strasse\u{1f}{SECOND}");
    assert_eq!(keys(&database), ["strasse", &beside, "rust", "ᏣᎳᎩ"]);
    for name in ["strasse", "STRASSE", "straße", "STRAẞE"] {
        assert_eq!(store.find_by_name(&named(name)).unwrap().unwrap().id.to_string(), FIRST, "{name}");
    }
    assert_eq!(store.find_by_name(&named("ꮳꮃꭹ")).unwrap().unwrap().id.to_string(), CHEROKEE);
    assert_eq!(find(&database, SECOND).name.as_str(), "straße");
    assert_eq!(correct(&store), Vec::<String>::new());
}

#[test]
fn a_source_beside_another_can_be_changed_and_is_set_right_by_renaming_either() {
    let database = stored_before();
    let store = database.store();
    correct(&store);
    let change = |source: &Source, name: &str| {
        let description = Some(Description::parse(name).unwrap());
        let changed = Source { name: named(name), description, revision: source.revision.next(), ..source.clone() };
        store.update(&changed, source.revision, WriteMode::Commit).map(|()| changed)
    };
    // Its name stays, so it does not clash.
    let second = change(&find(&database, SECOND), "straße").unwrap();
    assert!(keys(&database)[1].ends_with(SECOND));
    assert!(matches!(change(&second, "Strasse"), Err(UpdateSourceError::NameTaken(_))));
    change(&find(&database, FIRST), "Weg").unwrap();
    correct(&store);
    assert_eq!(keys(&database), ["weg", "strasse", "rust", "ᏣᎳᎩ"]);
    assert_eq!(store.find_by_name(&named("STRASSE")).unwrap().unwrap().id.to_string(), SECOND);
    change(&second, "Gasse").unwrap();
    assert_eq!(keys(&database)[1], "gasse");
}

#[test]
fn what_the_release_before_stores_meanwhile_is_corrected_the_next_time() {
    let database = stored_before();
    let store = database.store();
    correct(&store);
    database.execute(&format!("UPDATE sources SET name_key = 'straße' WHERE id = '{FIRST}'"));
    database.execute(&format!("UPDATE sources SET name_key = 'strasse' WHERE id = '{SECOND}'"));
    assert_eq!(correct(&store).len(), 2);
    assert_eq!(keys(&database)[..2], ["strasse".to_owned(), format!("strasse\u{1f}{SECOND}")]);
    // A source that is gone makes room.
    database.execute(&format!("DELETE FROM sources WHERE id = '{FIRST}'"));
    assert_eq!(correct(&store).len(), 1);
    assert_eq!(keys(&database), ["strasse", "rust", "ᏣᎳᎩ"]);
}
