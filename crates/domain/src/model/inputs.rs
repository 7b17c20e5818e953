//! The directory of inputs: what is known of the things that jobs are bound to, and of the organisations that have
//! them.

mod input;
mod organisation;
mod units;

pub use input::{Input, InputPosition};
pub use organisation::Organisation;
pub use units::{Conversion, UnitFit, Units, UnreadUnits};
