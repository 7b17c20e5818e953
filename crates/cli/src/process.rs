use std::io::{IsTerminal, LineWriter, Write as _};
use std::os::fd::AsFd;
use std::process::ExitCode;

use crate::command_line::Verb;
use crate::console::{Console, Terminal};
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
    // Each of the two may be a terminal or not: colours in a file that errors go into would be noise.
    let (out_terminal, err_terminal) = (terminal(&stdout), terminal(&std::io::stderr()));
    let mut out = LineWriter::new(stdout.lock());
    let mut console = Console {
        out: &mut out,
        err: &mut std::io::stderr(),
        input: &mut std::io::stdin().lock(),
        width: out_terminal.and_then(|terminal| terminal.width),
        is_terminal: out_terminal.is_some(),
        can_ask: std::io::stdin().is_terminal() && err_terminal.is_some(),
        colour: out_terminal.is_some_and(|terminal| terminal.colour),
        err_terminal,
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

/// What the terminal is like that a stream leads to, if it does.
fn terminal(stream: &(impl IsTerminal + AsFd)) -> Option<Terminal> {
    // https://no-color.org: whatever it is set to, unless it is empty.
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    stream.is_terminal().then(|| Terminal { width: width(stream), colour: !is_plain && !is_dumb })
}

/// How wide a terminal is: what it says itself, unless the environment says otherwise.
fn width(terminal: &impl AsFd) -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let own = || rustix::termios::tcgetwinsize(terminal).ok().map(|size| usize::from(size.ws_col));
    told.or_else(own).filter(|width| *width >= NARROWEST)
}
