//! The domain's ports on SQLite: the embedded default.
//!
//! ```
//! use std::sync::Arc;
//!
//! use prediction_adapters_sqlite::{Settings, SqliteStore};
//! use prediction_domain::ports::{SourceRepository, StoreHealth as _};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("predictions.db");
//! let store = Arc::new(SqliteStore::open(path, Settings::default())?);
//! store.migrate()?;
//! store.check()?;
//! let sources: Arc<dyn SourceRepository> = store;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is made
//!
//! - The file has a write-ahead log, so that readers never wait for the writer. An acknowledged write survives a power
//!   cut (`synchronous = FULL`).
//! - Every write is one immediate transaction on the only connection that writes. A batch of setups shares one
//!   transaction, and so one wait for the disk, with a savepoint for each.
//! - The log is copied into the database beside the writer, so that no commit waits for what others have written.
//! - What jobs were is kept by a trigger. A run is stored together with its values; of many values for one time, the
//!   last issued one is looked up in the index, however many there are.
//! - What the runs of a job add up to is kept by a trigger too. The health of jobs is judged from it by the domain, and
//!   by one SQL expression that says the same, where jobs are listed and counted by it.
//! - What has expired, and what belonged to deleted jobs, is deleted in short transactions. What there is to delete is
//!   known from indexes, so that looking for it when there is nothing costs next to nothing, and no lock.
//! - Row structs and SQL stay in here: `rows` turns rows into the model, and a row that breaks a rule of it is
//!   [`Corrupt`](prediction_domain::ports::StoreFailure::Corrupt).
//! - The schema is `migrations/sqlite`; `schema.rs` is generated from it.

mod apply;
mod busy_time;
mod catalog;
mod checkpoints;
mod connect;
mod connections;
mod constraints;
mod expressions;
mod failure;
mod file;
mod health;
mod inputs;
mod jobs;
mod leases;
mod log_flusher;
mod migrations;
mod paging;
mod part_writers;
mod pool;
mod processor;
mod quotas;
mod results;
mod rows;
mod schema;
mod settings;
mod start_up;
mod statement;
mod statistics;
mod store;
mod writer;

pub use busy_time::busy_time;
pub use connect::{SCHEME, UrlError, path_of_url};
pub use settings::Settings;
pub use start_up::StartUpError;
pub use store::SqliteStore;
