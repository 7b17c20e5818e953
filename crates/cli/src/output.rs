//! How results are printed.

mod json;
mod node;
mod table;
mod times;
mod yaml;

use clap::ValueEnum;

pub(crate) use json::pretty;
pub(crate) use node::Node;
pub(crate) use table::{Cell, Column, Table};
pub(crate) use times::{ago, duration, exact, parse_duration};
pub(crate) use yaml::{scalar, yaml};

use crate::console::Console;
use crate::failure::Failure;

/// In what form results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people, as wide as the terminal
    #[default]
    Table,
    /// For people, with everything there is
    Wide,
    /// What the service answered
    Json,
    /// The same as YAML
    Yaml,
    /// The columns of wide, with exact times
    Csv,
    /// Names only, one on each line
    Name,
}

/// Prints a value as JSON or YAML.
pub(crate) fn print_value(console: &mut Console<'_>, value: &Node, is_yaml: bool) -> Result<(), Failure> {
    let text = if is_yaml { yaml(value) } else { pretty(value) };
    console.out.write_all(text.as_bytes())?;
    Ok(())
}
