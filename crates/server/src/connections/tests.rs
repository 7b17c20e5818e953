use std::net::Ipv6Addr;

use prediction_adapters_sqlite::{Settings, SqliteStore};

use super::*;

/// The run-time of a service that is never asked anything.
pub(crate) fn runtime() -> Arc<Runtime> {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("a.db"), Settings::default()).unwrap();
    Arc::new(Runtime::new(Arc::new(store)))
}

fn peer(number: u16) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, number, 0, 0, 0, 0, 1).into()
}

#[actix_web::test]
async fn there_are_so_many_connections_in_all_and_of_one_peer() {
    let connections = Connections::new(3, Some(2), runtime());
    let first = connections.admit(Some(peer(1))).unwrap();
    let neighbour = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 9, 9, 9, 9);
    let second = connections.admit(Some(neighbour.into())).unwrap();
    assert!(connections.admit(Some(peer(1))).is_none(), "neighbours in one network are one peer");
    let third = connections.admit(Some(peer(2))).unwrap();
    assert!(connections.admit(Some(peer(3))).is_none());
    drop(first);
    let again = connections.admit(Some(peer(1))).unwrap();
    drop((second, third, again));
    assert_eq!(connections.open.load(Ordering::Acquire), 0);
    assert!(connections.by_peer.lock().unwrap().is_empty(), "who has none is not remembered");
}

#[test]
fn as_many_files_as_needed_are_allowed_or_fewer_connections() {
    assert_eq!(allowed(100, 50), 100);
    let limit = getrlimit(Resource::Nofile);
    let most = allowed(u32::MAX, 50);
    if let Some(maximum) = limit.maximum {
        assert!(most as u64 <= maximum);
    }
}
