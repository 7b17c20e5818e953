//! Servers that speak another language, and know other letters. `./scripts/test` runs all of these tests on some of
//! them, and this one says that it really does.

use diesel::connection::SimpleConnection as _;

use crate::test_database::TestDatabase;

#[test]
fn the_server_is_the_one_that_the_run_is_about() {
    let Ok(locale) = std::env::var("PREDICTION_TEST_POSTGRES_LOCALE") else { return };
    let database = TestDatabase::empty();
    let settings = database.texts(
        "SELECT current_setting('lc_messages') || ' ' || datcollate || ' ' || datctype AS value FROM pg_database \
         WHERE datname = current_database()",
    );
    assert_eq!(settings, [format!("{locale} {locale} {locale}")]);
    let message = database.connection().batch_execute("SELECT 1 / 0").unwrap_err().to_string();
    let small = database.texts("SELECT lower('I') AS value").concat();
    match locale.as_str() {
        "de_DE.UTF-8" => assert_eq!(message, "Division durch Null"),
        "tr_TR.UTF-8" => assert_eq!(small, "ı", "{message}"),
        _ => panic!("nothing is known of {locale}"),
    }
}
