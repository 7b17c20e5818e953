use clap::{Parser, Subcommand};

use crate::commands::{
    api::Api, apply::Apply, apply::Plan, completions::Completions, completions::Man, context::ContextArguments,
    delete::Delete, describe::Describe, diff::Diff, explain::Explain, export::Export, get::Get, impact::Impact,
    login::Login, login::Logout, new::New, predictions::Predictions, restore::Restore, set::Activation, set::Set,
    status::Status, upgrade::Upgrade, wait::Wait, whoami::WhoAmI,
};

/// The Prediction API at a terminal.
#[derive(Debug, Parser)]
#[command(name = "prediction", version, disable_help_subcommand = true)]
pub struct CommandLine {
    /// What is to be done.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What can be done.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "the fields of the arguments are described for the help")]
pub enum Verb {
    Status(Status),
    Get(Get),
    Describe(Describe),
    Predictions(Predictions),
    New(New),
    Plan(Plan),
    Apply(Apply),
    Export(Export),
    Diff(Diff),
    Impact(Impact),
    Upgrade(Upgrade),
    Restore(Restore),
    Set(Set),
    /// Let jobs rest: runners do not run them
    Pause(Activation),
    /// Let jobs run again
    Resume(Activation),
    Delete(Delete),
    Wait(Wait),
    Explain(Explain),
    Api(Api),
    Login(Login),
    Logout(Logout),
    #[command(name = "whoami")]
    WhoAmI(WhoAmI),
    Context(ContextArguments),
    Completions(Completions),
    Man(Man),
}

impl Verb {
    /// Whether all that it does is to print something. The status of the others counts also when nobody reads what they
    /// print.
    pub(crate) fn is_read(&self) -> bool {
        match self {
            Self::Status(_)
            | Self::Get(_)
            | Self::Describe(_)
            | Self::Predictions(_)
            | Self::New(_)
            | Self::Diff(_)
            | Self::Impact(_)
            | Self::Explain(_)
            | Self::Completions(_) => true,
            Self::Export(export) => !export.writes_files(),
            Self::Api(api) => api.is_read(),
            Self::Plan(_)
            | Self::Apply(_)
            | Self::Upgrade(_)
            | Self::Restore(_)
            | Self::Set(_)
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Delete(_)
            | Self::Wait(_)
            | Self::Login(_)
            | Self::Logout(_)
            | Self::WhoAmI(_)
            | Self::Context(_)
            | Self::Man(_) => false,
        }
    }

    /// Whether a word is one of the verbs.
    #[must_use]
    pub fn is_one(word: &str) -> bool {
        Self::augment_subcommands(clap::Command::new("")).get_subcommands().any(|verb| verb.get_name() == word)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
        assert!(Verb::is_one("whoami") && !Verb::is_one("serve"));
    }
}
