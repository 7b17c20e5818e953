//! Which of several hosts is tried first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::{Connection as _, ConnectionResult, PgConnection};

use super::PostgresUrl;

/// From when on a connection took so long that another host is to be tried before the first one.
const SLOW: Duration = Duration::from_secs(1);

/// The hosts of a URL, in the order in which they are tried.
///
/// libpq tries them in the order of the URL, each time. A host that stands still takes each connection, never answers
/// it, and so costs the whole time-out each time before the next host is tried. So after a slow attempt the next one
/// begins with the host behind, as after a pool of connections that no answer came from. The order has no meaning of
/// its own where the URL wants a server that takes writes: there is at most one. Elsewhere it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Hosts(Arc<Orders>);

#[derive(Debug)]
struct Orders {
    /// One for each host that may be tried first.
    urls: Vec<PostgresUrl>,
    first: AtomicUsize,
}

impl Hosts {
    pub(crate) fn new(url: &PostgresUrl) -> Self {
        let number = if url.wants_the_primary() { url.host_count() } else { 1 };
        let urls = (0..number).map(|first| url.beginning_with(first)).collect();
        Self(Arc::new(Orders { urls, first: AtomicUsize::new(0) }))
    }

    /// Opens a connection, with options for the server if there are any.
    pub(crate) fn connect(&self, options: Option<&str>) -> ConnectionResult<PgConnection> {
        let first = self.first();
        let began = Instant::now();
        let connection = PgConnection::establish(&self.0.urls[first].connection_string(options));
        if began.elapsed() >= SLOW {
            self.pass_over(first);
        }
        connection
    }

    /// Which host is tried first now.
    pub(crate) fn first(&self) -> usize {
        self.0.first.load(Ordering::Relaxed)
    }

    /// Has the host behind that one tried first, unless the order has changed since.
    pub(crate) fn pass_over(&self, first: usize) {
        let next = (first + 1) % self.0.urls.len();
        let _ = self.0.first.compare_exchange(first, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}
