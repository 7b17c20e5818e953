//! What a store does as a whole.

pub(crate) mod clocks;
pub(crate) mod deletion_races;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod leases;
pub(crate) mod lists;
pub(crate) mod quotas;
pub(crate) mod races;
pub(crate) mod statistics;
pub(crate) mod weights;
