//! The `prediction` command.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use prediction_cli::{CommandLine, run_in_process, usage_exit};

fn main() -> ExitCode {
    match CommandLine::try_parse() {
        Ok(line) => run_in_process(&line.verb, CommandLine::command()),
        Err(error) => usage_exit(&error),
    }
}
