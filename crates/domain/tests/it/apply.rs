//! Documents: what applying, exporting and pruning them promise.

mod bounds;
mod isolation;
mod laws;
mod mistakes;
mod ownership;
mod pictures;
mod prune;
mod races;
mod words;
