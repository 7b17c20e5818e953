use std::net::Ipv6Addr;

use prediction_adapters_system::{SystemClock, TimeOrderedIds};
use prediction_domain::use_cases::Ports;
use prediction_identity::{TokenRejected, TokenVerifier, Verified};

use super::*;

/// A service that is never asked anything.
pub(crate) fn api() -> Api {
    struct NoCaller;

    impl TokenVerifier for NoCaller {
        fn verify<'a>(&'a self, _: &'a str) -> futures_util::future::BoxFuture<'a, Result<Verified, TokenRejected>> {
            Box::pin(std::future::ready(Err(TokenRejected::KeysUnavailable)))
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let store = prediction_adapters_sqlite::SqliteStore::open(
        folder.path().join("a.db"),
        prediction_adapters_sqlite::Settings::default(),
    );
    let store = crate::database::Database::Sqlite(store.unwrap()).ports();
    let ports = Ports::of_store(&store, Arc::new(SystemClock), Arc::new(TimeOrderedIds));
    Api::start(ports, store.health, Arc::new(NoCaller))
}

fn peer(number: u16) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, number, 0, 0, 0, 0, 1).into()
}

#[actix_web::test]
async fn there_are_so_many_connections_in_all_and_of_one_peer() {
    let connections = Connections::new(3, Some(2), web::Data::new(api()));
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
