//! From a verb to what it does.

use std::io::Write as _;

use crate::command_line::Verb;
use crate::commands::{
    api, apply, completions, context, delete, describe, diff, explain, export, get, impact, login, new, predictions,
    restore, set, status, upgrade, wait, whoami,
};
use crate::console::{Console, Output};
use crate::failure::{Failure, exit};
use crate::surroundings::Surroundings;

/// Does what a verb says, and gives the status that the process ends with. The command is what is being run, for
/// completions and manuals.
#[must_use]
pub fn run(verb: &Verb, console: &mut Console<'_>, around: &Surroundings, command: clap::Command) -> u8 {
    // What people are told never decides how a command goes on, or ends.
    let mut err = Output::lasting(&mut *console.err);
    let mut out = if verb.is_read() { Output::awaited(&mut *console.out) } else { Output::lasting(&mut *console.out) };
    let mut inner = Console {
        out: &mut out,
        err: &mut err,
        input: &mut *console.input,
        width: console.width,
        is_terminal: console.is_terminal,
        can_ask: console.can_ask,
        colour: console.colour,
        err_terminal: console.err_terminal,
    };
    let done = perform(verb, &mut inner, around, command);
    let done = done.and_then(|()| Ok(out.flush()?));
    let done = match (done, out.failure()) {
        (Ok(()) | Err(Failure::Changes), Some(error)) => {
            Err(Failure::Refused(format!("all was done, but what was done cannot be printed: {error}")))
        }
        (done, _) => done,
    };
    match done {
        Ok(()) => exit::DONE,
        Err(failure) => {
            // Where nobody can be told, the status has to be enough.
            let _ = failure.tell(&mut err);
            failure.code()
        }
    }
}

fn perform(
    verb: &Verb,
    console: &mut Console<'_>,
    around: &Surroundings,
    command: clap::Command,
) -> Result<(), Failure> {
    match verb {
        Verb::Status(arguments) => status::run(arguments, console, around),
        Verb::Get(arguments) => get::run(arguments, console, around),
        Verb::Describe(arguments) => describe::run(arguments, console, around),
        Verb::Predictions(arguments) => predictions::run(arguments, console, around),
        Verb::New(arguments) => new::run(arguments, console, around),
        Verb::Plan(arguments) => apply::plan(arguments, console, around),
        Verb::Apply(arguments) => apply::run(arguments, console, around),
        Verb::Export(arguments) => export::run(arguments, console, around),
        Verb::Diff(arguments) => diff::run(arguments, console, around),
        Verb::Impact(arguments) => impact::run(arguments, console, around),
        Verb::Upgrade(arguments) => upgrade::run(arguments, console, around),
        Verb::Restore(arguments) => restore::run(arguments, console, around),
        Verb::Set(arguments) => set::run(arguments, console, around),
        Verb::Pause(arguments) => set::activate(arguments, false, console, around),
        Verb::Resume(arguments) => set::activate(arguments, true, console, around),
        Verb::Delete(arguments) => delete::run(arguments, console, around),
        Verb::Wait(arguments) => wait::run(arguments, console, around),
        Verb::Explain(arguments) => explain::run(arguments, console),
        Verb::Api(arguments) => api::run(arguments, console, around),
        Verb::Login(arguments) => login::run(arguments, console, around),
        Verb::Logout(arguments) => login::logout(arguments, console, around),
        Verb::WhoAmI(arguments) => whoami::run(arguments, console, around),
        Verb::Context(arguments) => context::run(arguments, console, around),
        Verb::Completions(arguments) => completions::run(arguments, console, command),
        Verb::Man(arguments) => completions::man(arguments, console, command),
    }
}
