//! The domain's ports on PostgreSQL 15 and later.
//!
//! ```no_run
//! use prediction_adapters_postgres::{PostgresStore, PostgresUrl, Settings};
//!
//! let url = PostgresUrl::parse("postgres://prediction@localhost/prediction", |name| std::env::var(name).ok())?;
//! let store = PostgresStore::connect(Settings::new(url));
//! store.migrate()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`PostgresStore`] implements all [ports](prediction_domain::ports) of the store.
//!
//! # Where to look
//!
//! | question | file |
//! | --- | --- |
//! | which SQL runs? | `catalog/`, `jobs/` and `results/`, in files of the same names as in the adapter for SQLite |
//! | what is a row, and when is it corrupt? | `rows/` |
//! | what do quotas count? | `quotas.rs` |
//! | what does a breach of a constraint mean? | `constraints.rs` |
//! | when is something tried again? | `database.rs` |
//! | whose session is behind a connection, and what if it is shared? | `server_connection.rs` |
//! | what if the server does not answer any more? | `pool.rs` |
//! | how much work was it? | `busy_time.rs` |
//! | to whom do we speak without TLS? | `connect/tls.rs` |
//! | what if tables are distributed over servers? | `distributed.rs`; `migrations/distribution.rs` places the tables |
//! | what are the tables? | `migrations/postgres` at the top of the workspace; `schema.rs` is generated from them |

mod apply;
mod busy_time;
mod catalog;
mod connect;
mod constraints;
mod database;
mod distributed;
mod failure;
mod health;
mod inputs;
mod jobs;
mod leases;
mod migrations;
mod paging;
mod pool;
mod quotas;
mod results;
mod rows;
mod schema;
mod server_connection;
mod settings;
mod start_up;
mod statement;
mod statistics;
mod store;
mod unfit;

pub use busy_time::busy_time;
pub use connect::{PostgresUrl, UrlError};
pub use migrations::LockRetry;
pub use pool::PoolState;
pub use server_connection::Pooling;
pub use settings::Settings;
pub use start_up::StartUpError;
pub use store::PostgresStore;
pub use unfit::Unfit;
