//! The `prediction-api` command.

mod background;
mod command_line;
mod connection;
mod connections;
mod console;
mod data_folder;
mod database;
mod demo;
mod greeting;
mod identity;
mod listener;
mod logging;
mod serve;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser as _};
use prediction_cli::Verb;

use command_line::{Command, CommandLine, MigrateOptions};

fn main() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) if names_a_verb() => return prediction_cli::usage_exit(&error),
        Err(error) => error.exit(),
    };
    if let Some(Command::Client(verb)) = &line.command {
        return prediction_cli::run_in_process(verb, CommandLine::command());
    }
    match run(line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One sentence for the person at the keyboard: what failed, and the causes behind it.
            let _ = writeln!(std::io::stderr(), "prediction-api: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the command line is for a verb of `prediction`, whose statuses scripts tell apart.
fn names_a_verb() -> bool {
    std::env::args_os().nth(1).and_then(|word| word.into_string().ok()).is_some_and(|word| Verb::is_one(&word))
}

fn run(command_line: CommandLine) -> anyhow::Result<()> {
    match command_line.command {
        None => serve::serve(command_line.serve),
        Some(Command::Serve(options)) => serve::serve(options),
        Some(Command::Token(options)) => print(&identity::mint(&options)?),
        Some(Command::Migrate(options)) => migrate(&options),
        // Done before: it has statuses of its own.
        Some(Command::Client(_)) => Ok(()),
        Some(Command::Openapi) => print(prediction_http::openapi::json().trim_end()),
    }
}

fn migrate(options: &MigrateOptions) -> anyhow::Result<()> {
    let mut tell = |sentence: &str| drop(writeln!(std::io::stderr(), "{sentence}"));
    let database = database::open(&options.database)?;
    if options.distributed {
        // Before anything is changed.
        database.check_distribution()?;
    }
    let applied = database.migrate(&mut tell)?;
    for sentence in database.correct_name_keys(&mut tell)? {
        tell(&sentence);
    }
    if applied.is_empty() {
        print("The database is up to date.")?;
    } else {
        print(&format!("Applied {}.", applied.join(", ")))?;
    }
    if !options.distributed {
        return Ok(());
    }
    let placed = database.distribute(&mut tell)?;
    if placed.is_empty() {
        return print("The tables are distributed.");
    }
    print(&format!("Distributed {}.", placed.join(", ")))
}

/// Prints a result. A reader that closed standard output early did not want the rest of it.
fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}
