//! From a verb to what it does.

use crate::command_line::Verb;
use crate::commands::{
    api, apply, completions, context, delete, describe, diff, explain, export, get, impact, login, new, predictions,
    restore, set, status, upgrade, wait, whoami,
};
use crate::console::Console;
use crate::failure::exit;
use crate::surroundings::Surroundings;

/// Does what a verb says, and gives the status that the process ends with. The command is what is being run, for
/// completions and manuals.
#[must_use]
pub fn run(verb: &Verb, console: &mut Console<'_>, around: &Surroundings, command: clap::Command) -> u8 {
    let done = match verb {
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
        Verb::Pause(arguments) => set::pause(arguments, console, around),
        Verb::Resume(arguments) => set::resume(arguments, console, around),
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
    };
    let done = done.and_then(|()| Ok(console.out.flush()?));
    match done {
        Ok(()) => exit::DONE,
        Err(failure) => {
            // Where nobody can be told, the status has to be enough.
            let _ = failure.tell(console.err);
            failure.code()
        }
    }
}
