use std::io::IsTerminal as _;

use anyhow::anyhow;
use tracing_subscriber::EnvFilter;

use crate::command_line::{LogFormat, ServeOptions};

/// Starts the log, on standard output.
pub(crate) fn start(options: &ServeOptions) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .parse(&options.log)
        .map_err(|error| anyhow!("--log {:?} is not a level or a list of levels: {error}", options.log))?;
    let terminal = std::io::stdout().is_terminal();
    let format = options.log_format.unwrap_or(if terminal { LogFormat::Pretty } else { LogFormat::Json });
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    match format {
        LogFormat::Pretty => log.with_ansi(terminal).init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).with_span_list(false).init(),
    }
    Ok(())
}
