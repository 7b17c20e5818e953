use std::io::{self, IsTerminal as _, Stdout, Write};

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
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| OneLine(std::io::stdout()));
    match format {
        LogFormat::Pretty => log.with_ansi(terminal).init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).with_span_list(false).init(),
    }
    Ok(())
}

/// Writes so that a line is one to every reader, and shows nothing else than it says. What is in a text of a line is
/// escaped as JSON escapes it, where JSON and the standard library leave it: C1 controls, U+2028 and U+2029, and what
/// directs the writing.
struct OneLine<W>(W);

impl Write for OneLine<Stdout> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        write_escaped(&mut self.0.lock(), line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn write_escaped(out: &mut impl Write, line: &[u8]) -> io::Result<()> {
    let Some(text) = std::str::from_utf8(line).ok().filter(|text| text.contains(is_deceiving)) else {
        return out.write_all(line);
    };
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_deceiving(character) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    out.write_all(escaped.as_bytes())
}

fn is_deceiving(character: char) -> bool {
    matches!(
        character,
        '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write_escaped(&mut out, text.as_bytes()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_ends_a_line_to_some_readers_is_escaped() {
        for character in ['\u{85}', '\u{2028}', '\u{2029}', '\u{202e}', '\u{2066}', '\u{9b}', '\u{7f}'] {
            let line = format!("{{\"a\":\"x{character}y\"}}\n");
            let escaped = written(&line);
            assert_eq!(escaped, format!("{{\"a\":\"x\\u{:04x}y\"}}\n", u32::from(character)));
            let read: serde_json::Value = serde_json::from_str(&escaped).unwrap();
            assert_eq!(read["a"], format!("x{character}y"));
        }
    }

    #[test]
    fn everything_else_is_written_as_it_is() {
        for text in ["", "a line\n", "\u{1b}[2mdim\u{1b}[0m é 🌾 \u{200d}\n"] {
            assert_eq!(written(text), text);
        }
    }
}
