//! What failed statements mean is told by their SQLSTATE, in whatever language the server speaks.

use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::result::Error;
use prediction_adapters_postgres::PostgresStore;
use prediction_domain::ports::{InsertSourceError, StoreFailure, StoreHealth as _, WriteMode};
use prediction_domain_testkit::builders::a_source;
use prediction_pg_sqlstate::SqlState;

use crate::test_database::{TestDatabase, settings, sources};

/// What a caller is told.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Stored,
    /// 503: later perhaps.
    Unavailable,
    /// The same, until an operator has looked after the database.
    NotWritable,
    /// 500: an operator has to look.
    Internal,
}

/// Stores a source; gives also the text that goes to the log.
fn insert(store: &PostgresStore) -> (Told, String) {
    match sources(store).insert(&a_source(), WriteMode::Commit) {
        Ok(()) => (Told::Stored, String::new()),
        Err(InsertSourceError::Store(StoreFailure::Unavailable(cause))) => (Told::Unavailable, cause.to_string()),
        Err(InsertSourceError::Store(StoreFailure::NotWritable(cause))) => (Told::NotWritable, cause.to_string()),
        Err(InsertSourceError::Store(StoreFailure::Internal(cause))) => (Told::Internal, cause.to_string()),
        Err(other) => panic!("{other:?}"),
    }
}

/// Has the statement fail that stores a source: each time, or as often as given.
fn fail_with(database: &TestDatabase, code: &str, times: Option<u32>) {
    let times = times.map_or("NULL".to_owned(), |times| times.to_string());
    database.execute(&format!(
        "DROP SEQUENCE IF EXISTS attempts CASCADE; CREATE SEQUENCE attempts;
         GRANT ALL ON SEQUENCE attempts TO PUBLIC;
         CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF nextval('attempts') <= COALESCE({times}, 1000000) THEN
             RAISE EXCEPTION 'Das ist schiefgegangen, ığüşöç' USING ERRCODE = '{code}';
           END IF;
           RETURN NEW;
         END $$;
         DROP TRIGGER IF EXISTS fail ON sources;
         CREATE TRIGGER fail BEFORE INSERT ON sources FOR EACH ROW EXECUTE FUNCTION fail()"
    ));
}

/// The languages in which the server can speak, of those that are tried. A role with the right sets it, so the service
/// does not.
fn languages(database: &TestDatabase) -> Vec<&'static str> {
    let is_there = |language: &&str| {
        let mut connection = database.connection();
        match connection.batch_execute(&format!("SET lc_messages = '{language}'")) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(SqlState::of(&error).unwrap().as_str(), "22023", "{error}");
                false
            }
        }
    };
    ["C", "de_DE.UTF-8", "ja_JP.UTF-8", "tr_TR.UTF-8"].into_iter().filter(is_there).collect()
}

#[test]
fn the_code_is_read_from_any_error_of_the_server() {
    let database = TestDatabase::empty();
    let mut connection = database.connection();
    for code in ["UX123", "53100", "40P01", "00001", "ZZZZZ", "P0001", "XX000"] {
        let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'text' USING ERRCODE = '{code}', DETAIL = 'more'; END $$");
        let error = connection.batch_execute(&raise).unwrap_err();
        assert_eq!(SqlState::of(&error), SqlState::parse(code), "{error}");
    }
    // With parameters, prepared, and by a constraint, of which diesel makes a kind of its own.
    connection.batch_execute("CREATE TABLE rows (number integer UNIQUE); INSERT INTO rows VALUES (1)").unwrap();
    let insert = diesel::sql_query("INSERT INTO rows VALUES ($1)").bind::<diesel::sql_types::Integer, _>(1);
    let error = diesel::RunQueryDsl::execute(insert, &mut connection).unwrap_err();
    assert_eq!(SqlState::of(&error), SqlState::parse("23505"), "{error}");
    // When the connection ends the server says nothing any more; libpq may.
    connection.batch_execute("SELECT pg_terminate_backend(pg_backend_pid())").unwrap_err();
    let error = connection.batch_execute("SELECT 1").unwrap_err();
    assert_eq!(SqlState::of(&error), None, "{error}");
}

#[test]
fn each_code_means_what_it_says_in_every_language() {
    let database = TestDatabase::migrated();
    let name = database.name();
    // As an application's role, which may not choose the language.
    let role = format!("{name}_role");
    database.execute(&format!(
        "CREATE ROLE {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; \
         GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}"
    ));
    let separator = if database.url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options=-c%20role%3D{role}", database.url());
    let again: [&str; 9] = ["40001", "40P01", "57P01", "57P02", "57P03", "25006", "08006", "26000", "42P05"];
    let not_writable: [&str; 2] = ["53100", "25006"];
    let not_now: [&str; 13] = [
        "53000", "53200", "53300", "53400", "55000", "55006", "55P03", "57000", "57014", "58000", "58030", "40001",
        "08006",
    ];
    let never: [&str; 6] = ["22012", "42501", "42P01", "P0001", "XX000", "UX123"];
    for language in languages(&database) {
        database.execute(&format!("ALTER DATABASE {name} SET lc_messages = '{language}'"));
        let store = PostgresStore::connect(settings(&url));
        for code in again {
            fail_with(&database, code, Some(1));
            assert_eq!(insert(&store).0, Told::Stored, "{code} once, {language}");
        }
        for (codes, expected) in
            [(&not_now[..], Told::Unavailable), (&not_writable, Told::NotWritable), (&never, Told::Internal)]
        {
            for code in codes {
                fail_with(&database, code, None);
                let (told, text) = insert(&store);
                assert_eq!(told, expected, "{code}, {language}: {text}");
                assert!(text.ends_with(&format!("(SQLSTATE {code})")), "{text}");
            }
        }
    }
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

/// What the server itself says, in its language.
#[test]
fn what_takes_too_long_is_unavailable_in_every_language() {
    let database = TestDatabase::migrated();
    let name = database.name();
    for language in languages(&database) {
        database.execute(&format!("ALTER DATABASE {name} SET lc_messages = '{language}'"));
        let store = database.store();
        store.check().unwrap();
        let mut other = database.connection();
        let undone = other.transaction(|other| {
            other.batch_execute("LOCK TABLE sources IN EXCLUSIVE MODE")?;
            let (told, text) = insert(&store);
            assert_eq!(told, Told::Unavailable, "{text}");
            assert!(text.ends_with("(SQLSTATE 55P03)"), "{text}");
            Err::<(), _>(Error::RollbackTransaction)
        });
        assert_eq!(undone, Err(Error::RollbackTransaction));
        database.execute(
            "CREATE OR REPLACE FUNCTION rest() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); \
             RETURN NEW; END $$; \
             CREATE OR REPLACE TRIGGER rest BEFORE INSERT ON sources FOR EACH ROW EXECUTE FUNCTION rest()",
        );
        let (told, text) = insert(&store);
        assert_eq!(told, Told::Unavailable, "{text}");
        assert!(text.ends_with("(SQLSTATE 57014)"), "{text}");
        database.execute("DROP TRIGGER rest ON sources");
    }
}
