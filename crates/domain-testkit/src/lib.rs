//! What tests of this service, and of services that use its domain, are made with.
//!
//! - [`FixedClock`] and [`SequentialIds`]: the ports that give time and identities, under the test's control.
//! - [`Replica`]: one of several services on one store, each with a clock of its own.
//! - [`builders`] and [`values`]: valid entities and values in few words.
//! - [`MemoryStore`]: every repository, in memory.
//! - [`contract_suite!`]: the specification of the repositories, as tests. A store is right when it passes.
//!
//! # How to add an adapter
//!
//! ```no_run
//! use prediction_domain_testkit::{MemoryStore, Stores};
//!
//! /// Makes an empty store that no other test shares.
//! fn make_stores() -> Stores {
//!     MemoryStore::stores()
//! }
//!
//! prediction_domain_testkit::contract_suite!(make_stores);
//! # fn main() {}
//! ```
//!
//! # A store of one port
//!
//! A program that stores only sources runs only their part of the suite. This one is `examples/own_store.rs`; all of
//! its tests pass:
//!
//! ```no_run
#![doc = include_str!("../examples/own_store.rs")]
//! ```
#![expect(
    clippy::missing_panics_doc,
    reason = "everything in test support panics when it is misused: that is a test's failure"
)]

pub mod builders;
mod clock;
#[macro_use]
pub mod contract;
mod ids;
mod memory;
mod stores;
pub mod values;

pub use clock::FixedClock;
pub use ids::{FreshIds, SequentialIds, fresh_uuid};
pub use memory::MemoryStore;
pub use stores::{Replica, Stores};
