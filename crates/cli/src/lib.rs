//! The `prediction` command: the Prediction API at a terminal.
//!
//! The tree of commands is [`Verb`]; `prediction` and `prediction-api` both have it. [`run`] does what one says, with a
//! [`Console`] and [`Surroundings`] that tests replace.

mod command_line;
mod commands;
mod configuration;
mod console;
mod dispatch;
mod documents;
mod failure;
mod files;
mod names;
mod output;
mod process;
mod progress;
mod session;
mod surroundings;

pub use command_line::{CommandLine, Verb};
pub use console::{Console, Terminal, Tone};
pub use dispatch::run;
pub use failure::{Failure, exit};
pub use output::Format;
pub use process::{run_in_process, usage_exit};
pub use session::{DEFAULT_DATA_FOLDER, DEFAULT_URL, Reach};
pub use surroundings::Surroundings;
