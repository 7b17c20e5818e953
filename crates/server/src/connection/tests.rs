use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};

use super::*;
use crate::connections::Connections;

fn second(number: u32) -> Duration {
    Duration::from_secs(1) * number
}

/// Looks each second while the answer waits, and gives when the client was too slow, if it was. What it takes in each
/// second is told.
fn looks(taken: impl IntoIterator<Item = usize>, is_draining: bool) -> Option<usize> {
    let start = Instant::now();
    let mut pace = Pace::default();
    for (number, bytes) in taken.into_iter().enumerate() {
        let now = start + second(u32::try_from(number).unwrap());
        pace.waits(now);
        if bytes > 0 {
            let later = now + Duration::from_millis(500);
            pace.took(bytes, later);
            pace.waits(later);
        }
        if pace.is_too_slow(now + second(1), is_draining) {
            return Some(number + 1);
        }
    }
    None
}

#[test]
fn a_reader_that_takes_nothing_is_too_slow_after_ten_seconds() {
    assert_eq!(looks([0; 30], false), Some(10));
    assert_eq!(looks([100; 30], false), Some(10), "as is who takes next to nothing");
    assert_eq!(looks([[0; 9].as_slice(), &[20_000]].concat().repeat(9), false), None, "what comes late counts as well");
    assert_eq!(looks([2_000; 1_000], false), None);
}

#[test]
fn while_the_service_drains_a_reader_that_takes_nothing_is_not_waited_for() {
    assert_eq!(looks([5_000, 5_000, 5_000, 0, 0, 0, 0], true), Some(6), "three seconds after what it took last");
    assert_eq!(looks([5_000; 30], true), None);
}

#[test]
fn time_in_which_nothing_waits_does_not_count() {
    let start = Instant::now();
    let mut pace = Pace::default();
    for minute in 0..60 {
        let now = start + second(60 * minute);
        pace.waits(now);
        pace.took(20, now + Duration::from_millis(100));
        assert!(!pace.is_too_slow(now + second(59), false));
    }
}

struct Pair {
    client: TcpStream,
    server: Connection,
    connections: Arc<Connections>,
}

async fn pair() -> Pair {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpSocket::new_v4().unwrap();
    // So that what it has not read is with the server, as when it is far away.
    client.set_recv_buffer_size(4 * 1024).unwrap();
    let client = client.connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, peer) = listener.accept().await.unwrap();
    let connections = Connections::new(1, None, crate::connections::tests::runtime());
    let place = connections.admit(Some(peer.ip())).unwrap();
    Pair { client, server: Connection::new(stream, place), connections }
}

/// Writes until the client is given up.
async fn write_on(server: &mut Connection) -> io::Error {
    loop {
        if let Err(error) = server.write_all(&[b'x'; 8 * 1024]).await {
            return error;
        }
    }
}

#[actix_web::test]
async fn a_client_that_does_not_read_is_left() {
    let mut pair = pair().await;
    // Nothing is to be done but to wait, so the clock jumps from one look to the next.
    tokio::time::pause();
    let start = Instant::now();
    assert_eq!(write_on(&mut pair.server).await.kind(), io::ErrorKind::TimedOut);
    assert!(start.elapsed() >= WINDOW);
    drop(pair.server);
    tokio::time::resume();
    let error = pair.client.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "it knows that something is missing");
    assert!(pair.connections.admit(None).is_some(), "there is room for another one");
}

#[actix_web::test]
async fn a_drain_does_not_wait_for_a_client_that_does_not_read() {
    let mut pair = pair().await;
    pair.connections.drain();
    tokio::time::pause();
    let start = Instant::now();
    assert_eq!(write_on(&mut pair.server).await.kind(), io::ErrorKind::TimedOut);
    assert!(
        (LONGEST_PAUSE_WHEN_DRAINING..=2 * LONGEST_PAUSE_WHEN_DRAINING).contains(&start.elapsed()),
        "{:?}",
        start.elapsed()
    );
}

/// What the kernel takes at once it takes in large steps; the client reads all the time.
#[actix_web::test]
async fn a_client_that_reads_slowly_is_served_on() {
    for (is_draining, a_second) in [(false, 2 * 1024), (true, 10 * 1024)] {
        let mut pair = pair().await;
        if is_draining {
            pair.connections.drain();
        }
        // Ends when the client has gone.
        let serve = write_on(&mut pair.server);
        let read = async {
            let mut some = vec![0; a_second / 4];
            for quarter in 0..4 * 60 {
                tokio::time::sleep(second(1) / 4).await;
                if let Err(error) = pair.client.read_exact(&mut some).await {
                    panic!("after {quarter} quarters of a second, draining: {is_draining}: {error}");
                }
            }
        };
        tokio::time::pause();
        futures_util::pin_mut!(serve, read);
        let end = futures_util::future::select(serve, read).await;
        assert!(matches!(end, futures_util::future::Either::Right(_)), "draining: {is_draining}: it was left");
        tokio::time::resume();
    }
}

#[actix_web::test]
async fn a_connection_on_which_nothing_happens_ends() {
    let mut pair = pair().await;
    let mut byte = [0];
    pair.client.write_all(b"x").await.unwrap();
    pair.server.read_exact(&mut byte).await.unwrap();
    tokio::time::pause();
    let start = Instant::now();
    let error = pair.server.read_exact(&mut byte).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!((LONGEST_SILENCE..2 * LONGEST_SILENCE).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[actix_web::test]
async fn a_client_that_reads_has_all_the_time_it_needs() {
    let mut pair = pair().await;
    let size = 4 * 1024 * 1024;
    let sent = vec![b'x'; size];
    let write = async {
        pair.server.write_all(&sent).await?;
        pair.server.shutdown().await
    };
    let read = async {
        let mut all = Vec::new();
        pair.client.read_to_end(&mut all).await.map(|_| all.len())
    };
    let (written, read) = futures_util::join!(write, read);
    written.unwrap();
    assert_eq!(read.unwrap(), size);
}
