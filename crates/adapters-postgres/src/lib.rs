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
//! | which SQL runs? | `sources.rs`, `source_versions.rs`, `jobs.rs` and `runs.rs` with their folders, `retention.rs` |
//! | what is a row, and when is it corrupt? | `rows/` |
//! | what do quotas count? | `quotas.rs` |
//! | what does a breach of a constraint mean? | `constraints.rs` |
//! | when is something tried again? | `database.rs` |
//! | whose session is behind a connection, and what if it is shared? | `link.rs` |
//! | what if the server does not answer any more? | `pool.rs` |
//! | to whom do we speak without TLS? | `connect/tls.rs` |
//! | what are the tables? | `migrations/postgres` at the top of the workspace; `schema.rs` is generated from them |

mod connect;
mod constraints;
mod database;
mod failure;
mod health;
mod history;
mod jobs;
mod judgements;
mod link;
mod migrations;
mod name_keys;
mod paging;
mod pool;
mod quotas;
mod retention;
mod rows;
mod runs;
mod schema;
mod source_versions;
mod sources;
mod start_up;
mod statistics;
mod store;
mod unfit;

pub use connect::{PostgresUrl, UrlError};
pub use link::Pooling;
pub use migrations::MigrationPatience;
pub use pool::PoolState;
pub use start_up::StartUpError;
pub use store::{PostgresStore, Settings};
pub use unfit::Unfit;
