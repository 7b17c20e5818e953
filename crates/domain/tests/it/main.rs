//! The rules of the model as properties, and the use cases on a store in memory and on mocks.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test, as the test itself does")]

mod apply;
mod changing_jobs;
mod checking;
mod comparing_contracts;
mod contracts;
mod deleting;
mod health;
mod impact;
mod listing;
mod owners;
mod permissions;
mod port_failures;
mod purging;
mod races;
mod reading;
mod runs;
mod set_up;
mod set_up_batches;
mod set_up_naming;
mod shorter_retention;
mod source_versions;
mod sources;
mod strategies;
mod texts;
mod violations;
mod world;
