//! The directory of inputs, and organisations.

pub(crate) mod directory;
pub(crate) mod organisations;
