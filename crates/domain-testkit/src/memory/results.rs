//! Runs, what they predict, and what of it is kept.

mod kept_history;
mod retention;
mod runs;
