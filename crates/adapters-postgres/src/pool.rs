//! The pool of connections, how dead ones are noticed without asking each time, and what becomes of it when its server
//! does not answer any more.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use r2d2::NopErrorHandler;

use crate::server_connection::{ServerConnection, ServerConnectionManager};

/// How long a request waits for a connection.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// Idle connections that are kept; more are made on demand.
const LEAST_IDLE: u32 = 2;
/// When something has taken so long, connections are made that could be used instead.
const DOUBTFUL_AFTER: Duration = Duration::from_millis(1500);
/// When something has taken so long, its server does not answer: it would have ended a statement by itself before.
const LOST_AFTER: Duration = Duration::from_millis(4500);

/// How busy the connections are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Connections that are open.
    pub connections: u32,
    /// Those of them that are idle.
    pub idle: u32,
    /// The most connections that will be opened.
    pub max: u32,
}

/// A pool that is replaced when its server does not answer.
///
/// A server whose processes stand still keeps its connections: nothing ends, and the kernel of its machine confirms all
/// that is sent. All idle connections of the pool lead there, and each use of one costs a thread. So when something
/// takes longer than a server that is alive lets it, the whole pool is left alone, and another one is filled, which
/// finds the server that takes writes now. What was under way in the old one may come back, and then its connections
/// are closed.
///
/// Each thread that asks for a connection looks after this, so that no thread is needed that only watches.
pub(crate) struct Pool {
    manager: ServerConnectionManager,
    size: NonZeroU32,
    fillings: Mutex<Fillings>,
}

struct Fillings {
    current: Filling,
    /// What would take its place.
    spare: Option<Filling>,
}

/// A pool, and since when each of its connections that is in use has been.
#[derive(Clone)]
struct Filling {
    pool: r2d2::Pool<ServerConnectionManager>,
    /// Which host was tried first when it was made.
    first_host: usize,
    in_use: Arc<Mutex<InUse>>,
}

#[derive(Default)]
struct InUse {
    /// In the order in which they were given out.
    since: BTreeMap<u64, Instant>,
    next: u64,
}

/// A connection that is given back when it is dropped.
pub(crate) struct PooledConnection {
    connection: r2d2::PooledConnection<ServerConnectionManager>,
    number: u64,
    in_use: Arc<Mutex<InUse>>,
}

impl Pool {
    /// Makes a pool that fills itself in the background, so that a process starts without its database.
    pub(crate) fn new(manager: ServerConnectionManager, size: NonZeroU32) -> Self {
        let fillings = Fillings { current: Filling::new(&manager, size), spare: None };
        Self { manager, size, fillings: Mutex::new(fillings) }
    }

    pub(crate) fn manager(&self) -> &ServerConnectionManager {
        &self.manager
    }

    pub(crate) fn get(&self) -> Result<PooledConnection, r2d2::Error> {
        let filling = self.filling(Instant::now());
        let connection = filling.pool.get()?;
        let mut in_use = lock(&filling.in_use);
        let number = in_use.next;
        in_use.next += 1;
        in_use.since.insert(number, Instant::now());
        drop(in_use);
        Ok(PooledConnection { connection, number, in_use: filling.in_use })
    }

    pub(crate) fn state(&self) -> PoolState {
        let state = lock(&self.fillings).current.pool.state();
        PoolState { connections: state.connections, idle: state.idle_connections, max: self.size.get() }
    }

    /// The one to be used.
    fn filling(&self, now: Instant) -> Filling {
        let mut fillings = lock(&self.fillings);
        let oldest = lock(&fillings.current.in_use).since.first_key_value().map(|(_, since)| *since);
        let age = oldest.map_or(Duration::ZERO, |oldest| now.saturating_duration_since(oldest));
        let make = || Filling::new(&self.manager, self.size);
        let left = if age >= LOST_AFTER {
            self.manager.hosts().pass_over(fillings.current.first_host);
            let mut next = fillings.spare.take().unwrap_or_else(make);
            // What was made a while ago connects where others do now.
            next.first_host = self.manager.hosts().first();
            Some(std::mem::replace(&mut fillings.current, next))
        } else if age >= DOUBTFUL_AFTER {
            fillings.spare.get_or_insert_with(make);
            None
        } else {
            fillings.spare.take()
        };
        let current = fillings.current.clone();
        drop(fillings);
        // Closes what is idle, which is not to be waited for.
        drop(left);
        current
    }
}

impl Filling {
    fn new(manager: &ServerConnectionManager, size: NonZeroU32) -> Self {
        let first_host = manager.hosts().first();
        let pool = r2d2::Pool::builder()
            .max_size(size.get())
            .min_idle(Some(LEAST_IDLE.min(size.get())))
            .connection_timeout(LONGEST_WAIT)
            // It would cost a round trip each time. Dead connections are noticed when they fail: see
            // `ServerConnection`.
            .test_on_check_out(false)
            // The threads that wait for the connection are told the reason.
            .error_handler(Box::new(NopErrorHandler))
            .build_unchecked(manager.clone());
        Self { pool, first_host, in_use: Arc::default() }
    }
}

impl Deref for PooledConnection {
    type Target = ServerConnection;

    fn deref(&self) -> &ServerConnection {
        &self.connection
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut ServerConnection {
        &mut self.connection
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        lock(&self.in_use).since.remove(&self.number);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
