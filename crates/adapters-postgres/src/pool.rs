//! Connections, and how dead ones are noticed without asking each time.

use std::num::NonZeroU32;
use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::r2d2::R2D2Connection as _;
use r2d2::{ManageConnection, NopErrorHandler};

use crate::failure::Kind;

pub(crate) type Pool = r2d2::Pool<LinkManager>;

/// How long a request waits for a connection.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// Connections that are kept though nobody uses them; more are made on demand.
const LEAST_IDLE: u32 = 2;
/// Nothing waits for ever: a statement, a lock, a transaction that was forgotten.
const SESSION: &str = "SET statement_timeout = '4s'; \
    SET lock_timeout = '2s'; \
    SET idle_in_transaction_session_timeout = '10s'; \
    SET TIME ZONE 'UTC'";

/// How busy the connections are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Connections that are open.
    pub connections: u32,
    /// Those of them that nobody uses at the moment.
    pub idle: u32,
    /// The most connections that will be opened.
    pub max: u32,
}

/// Makes a pool that fills itself in the background, so that a process starts without its database.
pub(crate) fn open(connection_string: String, size: NonZeroU32) -> Pool {
    r2d2::Pool::builder()
        .max_size(size.get())
        .min_idle(Some(LEAST_IDLE.min(size.get())))
        .connection_timeout(LONGEST_WAIT)
        // It would cost a round trip each time. Dead connections are noticed when they fail: see `Link`.
        .test_on_check_out(false)
        // The reason is told to those who wait for the connection.
        .error_handler(Box::new(NopErrorHandler))
        .build_unchecked(LinkManager { connection_string })
}

/// Makes connections.
pub(crate) struct LinkManager {
    connection_string: String,
}

/// A connection that remembers whether it died.
pub(crate) struct Link {
    connection: PgConnection,
    is_lost: bool,
}

impl Link {
    /// The connection. Whoever gets an error from it has to [note](Self::note) it.
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Looks at an error, and has the connection thrown away if it is dead.
    pub(crate) fn note(&mut self, error: &diesel::result::Error) {
        self.is_lost |= Kind::of(error) == Kind::ConnectionLost;
    }
}

impl ManageConnection for LinkManager {
    type Connection = Link;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Link, Self::Error> {
        let mut connection = PgConnection::establish(&self.connection_string)?;
        connection.batch_execute(SESSION)?;
        Ok(Link { connection, is_lost: false })
    }

    fn is_valid(&self, link: &mut Link) -> Result<(), Self::Error> {
        Ok(link.connection.ping()?)
    }

    fn has_broken(&self, link: &mut Link) -> bool {
        // A transaction that is still open after a panic counts as broken too.
        link.is_lost || link.connection.is_broken()
    }
}
