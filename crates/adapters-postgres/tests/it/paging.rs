//! Reading page by page beside writers.

use diesel::connection::SimpleConnection as _;
use prediction_domain::model::Position;
use prediction_domain::ports::{SourceFilter, WriteMode};
use prediction_domain_testkit::builders::a_source;
use prediction_domain_testkit::values::page_after;

use crate::test_database::{TestDatabase, sources};

/// A transaction that has its number and commits late: its row may be passed over by who is reading. What was
/// acknowledged when the reading began is not, and a reading that begins afterwards sees everything.
#[test]
fn what_was_acknowledged_is_read_beside_a_transaction_that_is_overtaken() {
    let database = TestDatabase::migrated();
    let store = database.store();
    let sources = sources(&store);
    let store_one = || {
        let source = a_source();
        sources.insert(&source, WriteMode::Commit).unwrap();
        source.id
    };
    let read = |limit, after: Option<Position>| {
        let page = sources.list(&SourceFilter::default(), &page_after(limit, after)).unwrap();
        (page.items.iter().map(|source| source.id).collect::<Vec<_>>(), page.next)
    };
    let (first, second) = (store_one(), store_one());
    let mut slow = database.connection();
    slow.batch_execute(
        "BEGIN; INSERT INTO sources (id, name, name_key, revision, created_at, updated_at) \
         VALUES ('00000000-0000-0000-0000-000000000001', 'slow', 'slow', 1, '2000-01-01Z', '2000-01-01Z')",
    )
    .unwrap();
    let fast = store_one();

    // Two readings: one is behind the slow one's place when that commits, one is not.
    let (seen, before) = read(2, None);
    assert_eq!(seen, [first, second]);
    let (seen, behind) = read(3, None);
    assert_eq!((seen, behind), (vec![first, second, fast], None));
    slow.batch_execute("COMMIT").unwrap();
    let (seen, end) = read(2, before);
    assert_eq!((seen.len(), seen[1], end), (2, fast, None));
    let slow = seen[0];
    assert_eq!(slow.to_string(), "00000000-0000-0000-0000-000000000001");
    assert_eq!(read(200, None).0, [first, second, slow, fast]);
}
