use std::io::{IsTerminal as _, LineWriter, Write as _};
use std::process::ExitCode;

use crate::command_line::Verb;
use crate::console::Console;
use crate::dispatch::run;
use crate::failure::exit;
use crate::surroundings::Surroundings;

/// The narrowest terminal that is believed.
const NARROWEST: usize = 20;

/// Does what a verb says, with the standard streams and the environment of this process. The command is what is being
/// run, for completions and manuals.
#[must_use]
pub fn run_in_process(verb: &Verb, command: clap::Command) -> ExitCode {
    let stdout = std::io::stdout();
    let is_terminal = stdout.is_terminal();
    // https://no-color.org: whatever it is set to, unless it is empty.
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    let mut out = LineWriter::new(stdout.lock());
    let mut console = Console {
        out: &mut out,
        err: &mut std::io::stderr(),
        input: &mut std::io::stdin().lock(),
        width: if is_terminal { width() } else { None },
        is_terminal,
        can_ask: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
        colour: is_terminal && !is_plain && !is_dumb,
    };
    let code = run(verb, &mut console, &Surroundings::of_process(), command);
    ExitCode::from(code)
}

/// What a command line ends with that makes no sense, or asked for help.
#[must_use]
pub fn usage_exit(error: &clap::Error) -> ExitCode {
    // Who has closed the pipe has read enough of the help.
    let _ = error.print();
    let _ = std::io::stdout().flush();
    ExitCode::from(if error.use_stderr() { exit::USAGE } else { exit::DONE })
}

/// How wide the terminal is: what it says itself, unless the environment says otherwise.
fn width() -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let own = || rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col));
    told.or_else(own).filter(|width| *width >= NARROWEST)
}
