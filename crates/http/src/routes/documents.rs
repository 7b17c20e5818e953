//! Documents that describe many things.

pub(super) mod apply;
pub(super) mod export;
