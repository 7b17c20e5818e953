use std::io::{self, BufRead, ErrorKind, Write};

use prediction_client::{is_unprintable, printable};

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
    /// Whether colours help in results.
    pub colour: bool,
    /// What people read, which may be another terminal, or none.
    pub err_terminal: Option<Terminal>,
}

/// What a terminal is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// How many columns there are, if that is known.
    pub width: Option<usize>,
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
    const ALL: [Self; 5] = [Self::Good, Self::Doubtful, Self::Bad, Self::Faint, Self::Heading];
    const END: &'static str = "\u{1b}[0m";

    fn begin(self) -> String {
        format!("\u{1b}[{}m", self.code())
    }

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

impl<'a> Console<'a> {
    /// One where nothing is a terminal.
    pub fn piped(out: &'a mut dyn Write, err: &'a mut dyn Write, input: &'a mut dyn BufRead) -> Self {
        Self { out, err, input, width: None, is_terminal: false, can_ask: false, colour: false, err_terminal: None }
    }

    /// Prints a line of a result.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", harmless(text, self.colour))
    }

    /// Tells a person something beside the result.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.err, "{}", harmless(text, false))
    }

    /// A text in a tone.
    pub(crate) fn toned(&self, text: &str, tone: Tone) -> String {
        toned(text, tone, self.colour)
    }

    /// Asks a person to agree.
    pub(crate) fn agrees(&mut self, question: &str) -> io::Result<bool> {
        write!(self.err, "{} [y/N] ", harmless(question, false))?;
        self.err.flush()?;
        let mut answer = String::new();
        self.input.read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}

/// Lines of a text, whoever wrote parts of it, such that they cannot steer a terminal. Tones stay if there are colours.
pub(crate) fn harmless(text: &str, colour: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_unprintable) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        let tones = || Tone::ALL.iter().map(|tone| tone.begin()).chain([Tone::END.to_owned()]);
        let kept = match rest.chars().next() {
            Some('\n') => Some("\n".to_owned()),
            _ if colour => tones().find(|tone| rest.starts_with(tone.as_str())),
            _ => None,
        };
        let length = kept.as_ref().map_or_else(|| rest.chars().next().map_or(0, char::len_utf8), String::len);
        match kept {
            Some(kept) => shown.push_str(&kept),
            None => shown.push_str(&printable(&rest[..length])),
        }
        rest = &rest[length..];
    }
    shown + rest
}

/// A text in a tone, if there are colours.
pub(crate) fn toned(text: &str, tone: Tone, colour: bool) -> String {
    if colour && !text.is_empty() { format!("{}{text}{}", tone.begin(), Tone::END) } else { text.to_owned() }
}

/// Where something is printed to.
pub(crate) struct Output<'a> {
    to: &'a mut dyn Write,
    is_awaited: bool,
    failure: Option<io::Error>,
}

impl<'a> Output<'a> {
    /// All there is to do is to print: it ends with who reads it.
    pub(crate) fn awaited(to: &'a mut dyn Write) -> Self {
        Self { to, is_awaited: true, failure: None }
    }

    /// Something else is done as well, and its status counts. It goes on as if all was printed when its reader is gone,
    /// so that no change is left half done.
    pub(crate) fn lasting(to: &'a mut dyn Write) -> Self {
        Self { to, is_awaited: false, failure: None }
    }

    /// Why something was not printed, unless its reader had enough.
    pub(crate) fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref().filter(|failure| failure.kind() != ErrorKind::BrokenPipe)
    }

    fn done<T>(&mut self, outcome: io::Result<T>, instead: T) -> io::Result<T> {
        match outcome {
            Err(error) if !self.is_awaited && error.kind() != ErrorKind::Interrupted => {
                self.failure.get_or_insert(error);
                Ok(instead)
            }
            outcome => outcome,
        }
    }
}

impl Write for Output<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            return Ok(text.len());
        }
        let outcome = self.to.write(text);
        self.done(outcome, text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.failure.is_some() {
            return Ok(());
        }
        let outcome = self.to.flush();
        self.done(outcome, ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tones_steer_a_terminal() {
        let text = format!("a\n{} \u{1b}[2J\u{1b}[31m\u{202e}b\r\t", toned("good", Tone::Good, true));
        assert_eq!(
            harmless(&text, true),
            "a\n\u{1b}[32mgood\u{1b}[0m \\u{1b}[2J\u{1b}[31m\\u{202e}b\\u{d}\\u{9}",
            "a colour does no harm"
        );
        assert!(!harmless(&text, false).contains('\u{1b}'));
        assert_eq!(harmless("Weingut Müller\n", false), "Weingut Müller\n");
    }

    #[test]
    fn lines_and_notes_are_harmless() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut input = &b"n\n"[..];
        let mut console = Console::piped(&mut out, &mut err, &mut input);
        console.line("\u{1b}[2J").unwrap();
        console.note("\u{1b}[2J").unwrap();
        assert!(!console.agrees("\u{1b}[2J?").unwrap());
        assert!(!out.contains(&0x1b) && !err.contains(&0x1b));
    }
}
