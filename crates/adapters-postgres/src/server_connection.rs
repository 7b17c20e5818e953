//! One connection, and the session of the server at its other end.
//!
//! A session has what belongs to one client: prepared statements, settings. A pooler in transaction mode gives each
//! transaction whatever session is free. Then a statement that was prepared under a name (`__diesel_stmt_1`, for every
//! client of diesel alike) may be another client's, and the answer is to another question. So a session is never taken
//! for the connection's own unless that is proved.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use diesel::connection::{
    AnsiTransactionManager, CacheSize, Connection as _, SimpleConnection as _, TransactionManager as _,
};
use diesel::r2d2::R2D2Connection as _;
use diesel::result::{ConnectionError, Error, QueryResult};
use diesel::sql_types::{Bool, Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl as _, sql_query};
use prediction_pg_sqlstate::SqlState;
use r2d2::ManageConnection;

use crate::busy_time::waiting;
use crate::connect::{Hosts, PostgresUrl};
use crate::failure::{Kind, Told, is_of_other_server};
use crate::unfit::{OtherSession, Unfit};

/// What is between the service and its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pooling {
    /// Find it out: a session that is not proved to be the connection's own is taken for a shared one.
    #[default]
    Auto,
    /// A pooler that gives each connection a session for as long as it lasts. That is checked in each transaction.
    Session,
    /// A pooler that gives each transaction another session.
    Transaction,
}

/// The setting by which a session is told from others.
const MARK: &str = "prediction_api.session";
/// Nothing waits for ever: a statement, a lock, a transaction that was forgotten. And a statement has one processor, or
/// what the lanes give to one tenant would be several; nor is one compiled, which takes longer than nearly all of them.
const LIMITS: [(&str, &str); 6] = [
    ("max_parallel_workers_per_gather", "0"),
    ("jit", "off"),
    ("statement_timeout", "'4s'"),
    ("lock_timeout", "'2s'"),
    ("idle_in_transaction_session_timeout", "'10s'"),
    ("timezone", "'UTC'"),
];

/// A transaction has one session on each server, or it could not write what others refer to after it read from many.
const IN_TURN: (&str, &str) = ("citus.multi_shard_modify_mode", "'sequential'");

/// What is known of the session behind a connection.
#[derive(Debug)]
enum Session {
    /// It was started for this connection: it knows what was said when this connection was opened, and nowhere else. A
    /// pooler has sessions that it opened itself.
    Own,
    /// It should be this connection's for as long as that lasts. How each transaction begins: limits, and whether it
    /// still is.
    Promised { beginning: String },
    /// Each transaction may have another one. How each transaction begins.
    Shared { beginning: String },
}

/// How connections were made lately, so that it is not tried again each time. A hint and no more.
#[derive(Debug, Default)]
pub(crate) struct Experience {
    /// Whether the last one took what was said when it was opened: not known, yes, or no.
    takes_marks: AtomicU8,
    /// Whether a session that was proved to be its connection's own turned out not to be.
    was_deceived: AtomicBool,
    /// Whether the tables may be distributed over several servers: not known, yes, or no.
    distribution: AtomicU8,
}

const UNKNOWN: u8 = 0;
const DISTRIBUTED: u8 = 1;
const UNDIVIDED: u8 = 2;
const TAKES_MARKS: u8 = 1;
const TAKES_NO_MARKS: u8 = 2;

/// Makes connections.
#[derive(Debug, Clone)]
pub(crate) struct ServerConnectionManager {
    hosts: Hosts,
    pooling: Pooling,
    experience: Arc<Experience>,
}

/// A connection that remembers whether it died, and what its session is.
pub(crate) struct ServerConnection {
    connection: PgConnection,
    session: Session,
    experience: Arc<Experience>,
    is_lost: bool,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerConnectionError {
    #[error(transparent)]
    Unreachable(#[from] ConnectionError),
    #[error("{}", Told(.0))]
    Statement(#[from] Error),
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

#[derive(QueryableByName)]
struct Facts {
    #[diesel(sql_type = Nullable<Text>)]
    mark: Option<String>,
    #[diesel(sql_type = Text)]
    encoding: String,
    #[diesel(sql_type = Bool)]
    is_distributed: bool,
}

impl ServerConnection {
    /// Whether statements that were prepared are there again.
    pub(crate) fn has_own_session(&self) -> bool {
        matches!(self.session, Session::Own)
    }

    /// The connection. A caller that gets an error from it has to [note](Self::note) it.
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Looks at an error, and has the connection thrown away if it is dead.
    pub(crate) fn note(&mut self, error: &Error) {
        let is_well = self.experience.distribution.load(Ordering::Relaxed) == DISTRIBUTED && is_of_other_server(error);
        self.is_lost |= Kind::of(error) == Kind::ConnectionLost && !is_well;
        let is_of_another = SqlState::of(error).is_some_and(|code| ["26000", "42P05"].contains(&code.as_str()));
        if is_of_another && self.has_own_session() {
            self.experience.was_deceived.store(true, Ordering::Relaxed);
        }
    }

    /// Begins a transaction, with all that a session of its own has already.
    pub(crate) fn begin(&mut self) -> QueryResult<()> {
        let (Session::Promised { beginning } | Session::Shared { beginning }) = &self.session else {
            return AnsiTransactionManager::begin_transaction(&mut self.connection);
        };
        AnsiTransactionManager::begin_transaction_sql(&mut self.connection, beginning).map_err(|error| {
            // The server may have begun one of which this process does not know.
            self.is_lost = true;
            let is_division_by_zero = SqlState::of(&error) == SqlState::parse("22012");
            if is_division_by_zero { Error::QueryBuilderError(Box::new(OtherSession)) } else { error }
        })
    }

    /// Runs what is one statement. It is a transaction of its own also where it does not say so; it says so if the
    /// session has to be told its limits first.
    pub(crate) fn alone<T>(&mut self, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> QueryResult<T> {
        if self.has_own_session() {
            return work(&mut self.connection);
        }
        self.begin()?;
        match work(&mut self.connection) {
            Ok(value) => waiting(|| self.commit()).map(|()| value),
            Err(error) => {
                self.undo();
                Err(error)
            }
        }
    }

    pub(crate) fn commit(&mut self) -> QueryResult<()> {
        AnsiTransactionManager::commit_transaction(&mut self.connection)
    }

    /// Rolls back. When that fails, the connection is not used again, and the database rolls back when it notices.
    pub(crate) fn undo(&mut self) {
        if let Err(error) = AnsiTransactionManager::rollback_transaction(&mut self.connection) {
            self.note(&error);
        }
    }

    /// What the session says of itself.
    fn facts(&mut self) -> QueryResult<Facts> {
        let facts: Facts = sql_query(format!(
            "SELECT current_setting('{MARK}', true) AS mark, current_setting('server_encoding') AS encoding, \
             to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS is_distributed"
        ))
        .get_result(&mut self.connection)?;
        let distribution = if facts.is_distributed { DISTRIBUTED } else { UNDIVIDED };
        self.experience.distribution.store(distribution, Ordering::Relaxed);
        Ok(facts)
    }
}

impl ServerConnectionManager {
    pub(crate) fn new(url: &PostgresUrl, pooling: Pooling) -> Self {
        Self { hosts: Hosts::new(url), pooling, experience: Arc::default() }
    }

    /// Whether the tables may be distributed over several servers; `None` before the first connection.
    pub(crate) fn is_distributed(&self) -> Option<bool> {
        match self.experience.distribution.load(Ordering::Relaxed) {
            UNKNOWN => None,
            distribution => Some(distribution == DISTRIBUTED),
        }
    }

    pub(crate) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// A connection for statements that set their own limits, and are not prepared.
    pub(crate) fn connect_apart(&self) -> Result<PgConnection, ServerConnectionError> {
        let mut connection = self.hosts.connect(None)?;
        connection.set_prepared_statement_cache_size(CacheSize::Disabled);
        let mut server = self.with_session(connection, Session::Own);
        check_encoding(&server.facts()?)?;
        Ok(server.connection)
    }

    /// Looks whether two connections have two sessions, if that is promised.
    pub(crate) fn check_promise(&self) -> Result<(), ServerConnectionError> {
        let mut one = self.connect()?;
        let mut other = self.connect()?;
        // A pooler hands out sessions in some order. With different numbers of transactions each in turn, that is no
        // order in which each gets the same one every time.
        for (of_one, of_other) in [(1, 1), (2, 1), (1, 2), (3, 1)] {
            for (server, number) in [(&mut one, of_one), (&mut other, of_other)] {
                for _ in 0..number {
                    server.alone(|connection| connection.batch_execute("SELECT 1")).map_err(connection_error)?;
                }
            }
        }
        Ok(())
    }

    fn with_session(&self, connection: PgConnection, session: Session) -> ServerConnection {
        ServerConnection { connection, session, experience: Arc::clone(&self.experience), is_lost: false }
    }

    /// Opens a connection that says who it is, and looks whether its session knows.
    fn connect_marked(&self) -> Result<ServerConnection, ServerConnectionError> {
        let mark = fresh_mark();
        let connection = self.hosts.connect(Some(&format!("-c {MARK}={mark}")))?;
        let mut server = self.with_session(connection, Session::Own);
        let facts = server.facts()?;
        check_encoding(&facts)?;
        if facts.mark.as_ref() != Some(&mark) {
            return self.behind_pooler(server.connection);
        }
        server.connection.batch_execute(&limits("SET", facts.is_distributed))?;
        Ok(server)
    }

    /// Opens a connection that says nothing.
    fn connect_unmarked(&self) -> Result<ServerConnection, ServerConnectionError> {
        self.behind_pooler(self.hosts.connect(None)?)
    }

    /// Makes what it can of a connection whose session is not its own.
    fn behind_pooler(&self, connection: PgConnection) -> Result<ServerConnection, ServerConnectionError> {
        let mut server = self.with_session(connection, Session::Own);
        server.connection.set_prepared_statement_cache_size(CacheSize::Disabled);
        let facts = server.facts()?;
        check_encoding(&facts)?;
        let limits = limits("SET LOCAL", facts.is_distributed);
        server.session = Session::Shared { beginning: format!("BEGIN; {limits}") };
        if let Err(error) = server.begin() {
            // It has answered a moment ago, and ends the connection now.
            let is_refused = Kind::of(&error) == Kind::ConnectionLost;
            return Err(if is_refused { Unfit::NoTransactions.into() } else { error.into() });
        }
        server.commit()?;
        if self.pooling == Pooling::Session {
            let mark = fresh_mark();
            server.connection.batch_execute(&format!("SET {MARK} = '{mark}'"))?;
            server.connection.set_prepared_statement_cache_size(CacheSize::Unbounded);
            // It cannot be computed before it runs.
            let check = format!("SELECT 1 / (current_setting('{MARK}', true) IS NOT DISTINCT FROM '{mark}')::integer");
            server.session = Session::Promised { beginning: format!("BEGIN; {limits}; {check}") };
            server.begin().and_then(|()| server.commit()).map_err(connection_error)?;
        }
        Ok(server)
    }
}

impl ManageConnection for ServerConnectionManager {
    type Connection = ServerConnection;
    type Error = ServerConnectionError;

    /// An old pooler refuses a connection that says more than it knows, so that one that says nothing is opened, too,
    /// until it is known whether that is needed. Of a server that is away, only one is waited for.
    fn connect(&self) -> Result<ServerConnection, ServerConnectionError> {
        let is_deceived = self.experience.was_deceived.load(Ordering::Relaxed);
        if self.pooling == Pooling::Transaction || is_deceived {
            return self.connect_unmarked();
        }
        let remember = |what| self.experience.takes_marks.store(what, Ordering::Relaxed);
        match self.experience.takes_marks.load(Ordering::Relaxed) {
            TAKES_MARKS => self.connect_marked().inspect_err(|_| remember(UNKNOWN)),
            TAKES_NO_MARKS => self.connect_unmarked().inspect_err(|_| remember(UNKNOWN)),
            _ => {
                let unmarked = self.connect_unmarked()?;
                if let Ok(marked) = self.connect_marked() {
                    remember(TAKES_MARKS);
                    return Ok(marked);
                }
                // Unless there is something else that it could be.
                if self.connect_unmarked().is_ok() {
                    remember(TAKES_NO_MARKS);
                }
                Ok(unmarked)
            }
        }
    }

    fn is_valid(&self, server: &mut ServerConnection) -> Result<(), ServerConnectionError> {
        Ok(server.connection.ping()?)
    }

    fn has_broken(&self, server: &mut ServerConnection) -> bool {
        let is_deceived = server.has_own_session() && self.experience.was_deceived.load(Ordering::Relaxed);
        // A transaction that is still open after a panic counts as broken too.
        server.is_lost || is_deceived || server.connection.is_broken()
    }
}

fn check_encoding(facts: &Facts) -> Result<(), Unfit> {
    if facts.encoding == "UTF8" { Ok(()) } else { Err(Unfit::Encoding { encoding: facts.encoding.clone() }) }
}

fn limits(set: &str, is_distributed: bool) -> String {
    let more = is_distributed.then_some(IN_TURN);
    let settings = LIMITS.into_iter().chain(more);
    settings.map(|(name, value)| format!("{set} {name} = {value}")).collect::<Vec<_>>().join("; ")
}

fn connection_error(error: Error) -> ServerConnectionError {
    match error {
        Error::QueryBuilderError(cause) if cause.is::<OtherSession>() => Unfit::OtherSession.into(),
        error => error.into(),
    }
}

/// A text that no other connection has: two numbers of 64 bits each from the operating system's.
fn fresh_mark() -> String {
    let number = || RandomState::new().build_hasher().finish();
    format!("{:x}_{:016x}{:016x}", std::process::id(), number(), number())
}
