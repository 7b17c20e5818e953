use std::io::{self, BufRead, Write};

/// What a command reads from and prints to, and what it may assume about who reads it.
pub struct Console<'a> {
    /// For results.
    pub out: &'a mut dyn Write,
    /// For people: what is going on, and what went wrong.
    pub err: &'a mut dyn Write,
    /// What is typed, or piped in.
    pub input: &'a mut dyn BufRead,
    /// How many columns there are, of a terminal.
    pub width: Option<usize>,
    /// Whether results are read by a person at a terminal.
    pub is_terminal: bool,
    /// Whether a person can be asked.
    pub can_ask: bool,
    /// Whether colours help.
    pub colour: bool,
}

/// What a part of a text is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Somebody should look at it.
    Doubtful,
    /// Something is wrong.
    Bad,
    /// Less important than the rest.
    Faint,
    /// The name of a part.
    Heading,
}

impl Tone {
    /// What a terminal is told (ECMA-48, section 8.3.117).
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Doubtful => "33",
            Self::Bad => "31",
            Self::Faint => "2",
            Self::Heading => "1",
        }
    }
}

impl Console<'_> {
    /// Prints a line of a result.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Tells a person something beside the result.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.err, "{text}")
    }

    /// A text in a tone.
    pub(crate) fn toned(&self, text: &str, tone: Tone) -> String {
        toned(text, tone, self.colour)
    }

    /// Asks a person to agree.
    pub(crate) fn agrees(&mut self, question: &str) -> io::Result<bool> {
        write!(self.err, "{question} [y/N] ")?;
        self.err.flush()?;
        let mut answer = String::new();
        self.input.read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}

/// A text in a tone, if there are colours.
pub(crate) fn toned(text: &str, tone: Tone, colour: bool) -> String {
    if colour && !text.is_empty() { format!("\u{1b}[{}m{text}\u{1b}[0m", tone.code()) } else { text.to_owned() }
}
