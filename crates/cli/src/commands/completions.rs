use std::fs;
use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use crate::console::Console;
use crate::failure::Failure;

/// Print completions for a shell
#[derive(Debug, Args)]
pub struct Completions {
    /// bash, elvish, fish, powershell or zsh
    shell: Shell,
}

/// Write manual pages into a folder
#[derive(Debug, Args)]
pub struct Man {
    /// The folder; it is made unless it is there
    folder: PathBuf,
}

pub(crate) fn run(
    arguments: &Completions,
    console: &mut Console<'_>,
    mut command: clap::Command,
) -> Result<(), Failure> {
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut text);
    console.out.write_all(&text)?;
    Ok(())
}

pub(crate) fn man(arguments: &Man, console: &mut Console<'_>, command: clap::Command) -> Result<(), Failure> {
    fs::create_dir_all(&arguments.folder)?;
    clap_mangen::generate_to(command, &arguments.folder)?;
    Ok(console.note(&format!("The pages are in {}.", arguments.folder.display()))?)
}
