use prediction_client::printable;
use prediction_domain::model::Timestamp;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::times::{ago, exact};
use crate::console::{Console, Tone, toned};
use crate::failure::Failure;

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// 0 is always shown. Of the others those with higher numbers give way first.
    pub(crate) rank: u8,
    /// Whether it has sentences, whose beginnings are worth having.
    pub(crate) is_prose: bool,
}

impl Column {
    /// Only shown by the wide format, and in CSV.
    pub(crate) const WIDE: u8 = u8::MAX;

    pub(crate) const fn new(name: &'static str, rank: u8) -> Self {
        Self { name, rank, is_prose: false }
    }

    /// A column of sentences: they are cut before columns give way.
    pub(crate) const fn prose(name: &'static str, rank: u8) -> Self {
        Self { name, rank, is_prose: true }
    }
}

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Toned(String, Tone),
    /// At the right.
    Number(String),
    Time(Timestamp),
    None,
}

impl Cell {
    pub(crate) fn text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::None, |text| Self::Text(text.into()))
    }

    /// The status of a job's health, or of a run, or the stage of a version.
    pub(crate) fn state(word: &str) -> Self {
        let tone = match word {
            "on_time" | "succeeded" | "ready" | "upgraded" => Tone::Good,
            "late" | "new" | "deprecated" | "needs_binding" => Tone::Doubtful,
            "overdue" | "failing" | "failed" | "withdrawn" | "blocked" | "breaking" | "refused" => Tone::Bad,
            "paused" | "unmonitored" | "up_to_date" | "unchanged" => Tone::Faint,
            _ => return Self::Text(word.to_owned()),
        };
        Self::Toned(word.to_owned(), tone)
    }

    fn shown(&self, now: Timestamp) -> String {
        match self {
            // A row is a line.
            Self::Text(text) | Self::Toned(text, _) | Self::Number(text) => {
                printable(&text.replace("\r\n", " ").replace(['\n', '\r', '\t'], " "))
            }
            Self::Time(time) => ago(*time, now),
            Self::None => "-".to_owned(),
        }
    }

    fn exact(&self) -> String {
        match self {
            Self::Text(text) | Self::Toned(text, _) | Self::Number(text) => text.clone(),
            Self::Time(time) => exact(*time),
            Self::None => String::new(),
        }
    }
}

/// Rows of cells below names of columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// What is between two columns.
const GAP: usize = 2;
/// A column that is cut has so many characters at least.
const NARROWEST: usize = 8;
/// One of sentences has so many, or gives way.
const NARROWEST_PROSE: usize = 20;

impl Table {
    pub(crate) fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Prints it for people.
    pub(crate) fn print(&self, console: &mut Console<'_>, now: Timestamp, is_wide: bool) -> Result<(), Failure> {
        let text = self.text(console.width, now, is_wide, console.colour);
        console.out.write_all(text.as_bytes())?;
        Ok(())
    }

    /// Prints all columns as CSV, with exact times.
    pub(crate) fn print_csv(&self, console: &mut Console<'_>) -> Result<(), Failure> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let names = self.columns.iter().map(|column| column.name.to_lowercase().replace(' ', "_"));
        let mut rows: Vec<Vec<String>> = vec![names.collect()];
        // A terminal is not told what a name says; a file gets it to the letter.
        let kept = |text: String| if console.is_terminal { printable(&text) } else { text };
        rows.extend(self.rows.iter().map(|row| row.iter().map(|cell| kept(cell.exact())).collect()));
        for row in rows {
            writer.write_record(row).map_err(std::io::Error::other)?;
        }
        let text = writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
        console.out.write_all(&text)?;
        Ok(())
    }

    fn text(&self, width: Option<usize>, now: Timestamp, is_wide: bool, colour: bool) -> String {
        let cells: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(|cell| cell.shown(now)).collect()).collect();
        let natural = |place: usize| {
            let widest = cells.iter().map(|row| row[place].width()).max().unwrap_or(0);
            widest.max(self.columns[place].name.width())
        };
        let chosen = (0..self.columns.len()).filter(|&place| is_wide || self.columns[place].rank < Column::WIDE);
        let mut chosen: Vec<(usize, usize)> = chosen.map(|place| (place, natural(place))).collect();
        if let Some(width) = width.filter(|_| !is_wide) {
            self.fit(&mut chosen, width);
        }
        let mut text = String::new();
        let heads: Vec<String> = self.columns.iter().map(|column| column.name.to_owned()).collect();
        line(&heads, &chosen, |_| Some(Tone::Heading), |_| false, colour, &mut text);
        for (row, shown) in self.rows.iter().zip(&cells) {
            let tone = |place: usize| match &row[place] {
                Cell::Toned(_, tone) => Some(*tone),
                _ => None,
            };
            let is_number = |place: usize| matches!(&row[place], Cell::Number(_));
            line(shown, &chosen, tone, is_number, colour, &mut text);
        }
        text
    }

    /// Leaves columns out until the rest fits with its sentences cut, and then cuts.
    fn fit(&self, chosen: &mut Vec<(usize, usize)>, width: usize) {
        let gaps = |chosen: &[(usize, usize)]| GAP * chosen.len().saturating_sub(1);
        let total = |chosen: &[(usize, usize)]| chosen.iter().map(|(_, width)| width).sum::<usize>() + gaps(chosen);
        let is_prose = |place: usize| self.columns[place].is_prose;
        let least = |chosen: &[(usize, usize)]| {
            let widths =
                chosen.iter().map(|&(place, width)| if is_prose(place) { width.min(NARROWEST_PROSE) } else { width });
            widths.sum::<usize>() + gaps(chosen)
        };
        while least(chosen) > width {
            let ranks = chosen.iter().enumerate().map(|(at, (place, _))| (self.columns[*place].rank, at));
            match ranks.max() {
                Some((rank, at)) if rank > 0 => drop(chosen.remove(at)),
                _ => break,
            }
        }
        // Sentences first, and a character at a time, so that the widest two lose alike.
        while total(chosen) > width {
            let narrower = |&(place, width): &(usize, usize)| is_prose(place) && width > NARROWEST_PROSE;
            let prose = chosen.iter().copied().filter(narrower).max_by_key(|(_, width)| *width);
            let widest = prose.or_else(|| chosen.iter().copied().max_by_key(|(_, width)| *width));
            let Some((place, _)) = widest.filter(|(_, width)| *width > NARROWEST) else { break };
            for (_, width) in chosen.iter_mut().filter(|(other, _)| *other == place) {
                *width -= 1;
            }
        }
    }
}

fn line(
    cells: &[String],
    chosen: &[(usize, usize)],
    tone: impl Fn(usize) -> Option<Tone>,
    is_number: impl Fn(usize) -> bool,
    colour: bool,
    out: &mut String,
) {
    for (at, &(place, width)) in chosen.iter().enumerate() {
        let text = cut(&cells[place], width);
        let blank = " ".repeat(width - text.width().min(width));
        let text = match tone(place) {
            Some(tone) => toned(&text, tone, colour),
            None => text,
        };
        let is_last = at + 1 == chosen.len();
        if is_number(place) {
            out.push_str(&blank);
        }
        out.push_str(&text);
        if !is_last {
            if !is_number(place) {
                out.push_str(&blank);
            }
            out.push_str(&" ".repeat(GAP));
        }
    }
    out.push('\n');
}

/// A text of that many columns at the most.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(character);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let columns = [
            Column::new("NAME", 0),
            Column::new("HEALTH", 0),
            Column::new("RUNS", 1),
            Column::new("LAST RUN", 2),
            Column::new("ID", Column::WIDE),
        ];
        let row = |name: &str, health, runs: &str, last| {
            vec![
                Cell::Text(name.to_owned()),
                Cell::state(health),
                Cell::Number(runs.to_owned()),
                last,
                Cell::text(Some("1")),
            ]
        };
        let time = Cell::Time(Timestamp::parse("2026-06-01T09:00:00Z").unwrap());
        let rows = vec![
            row("Frost warning, north field", "on_time", "12", time),
            row("葡萄园 \u{1b}[31m\u{202e}", "failing", "1", Cell::None),
        ];
        Table { columns: columns.to_vec(), rows }
    }

    fn text(width: Option<usize>, is_wide: bool, colour: bool) -> String {
        table().text(width, Timestamp::parse("2026-06-01T12:00:00Z").unwrap(), is_wide, colour)
    }

    #[test]
    fn a_table_fits_its_terminal() {
        insta::assert_snapshot!(text(Some(80), false, false), @r"
        NAME                        HEALTH   RUNS  LAST RUN
        Frost warning, north field  on_time    12  3 h ago
        葡萄园 \u{1b}[31m\u{202e}   failing     1  -
        ");
        insta::assert_snapshot!(text(Some(40), false, false), @r"
        NAME                        HEALTH
        Frost warning, north field  on_time
        葡萄园 \u{1b}[31m\u{202e}   failing
        ");
        insta::assert_snapshot!(text(Some(24), false, false), @r"
        NAME             HEALTH
        Frost warning,…  on_time
        葡萄园 \u{1b}[…  failing
        ");
        insta::assert_snapshot!(text(None, true, false), @r"
        NAME                        HEALTH   RUNS  LAST RUN  ID
        Frost warning, north field  on_time    12  3 h ago   1
        葡萄园 \u{1b}[31m\u{202e}   failing     1  -         1
        ");
    }

    #[test]
    fn colours_are_for_states_and_heads() {
        let coloured = text(Some(80), false, true);
        assert!(coloured.starts_with("\u{1b}[1mNAME\u{1b}[0m"), "{coloured}");
        assert!(coloured.contains("\u{1b}[32mon_time\u{1b}[0m") && coloured.contains("\u{1b}[31mfailing\u{1b}[0m"));
        assert_eq!(coloured.matches("\u{1b}[31m").count(), 1, "none is from a name: {coloured:?}");
    }

    #[test]
    fn csv_is_exact() {
        let mut out = Vec::new();
        let (mut err, mut input) = (std::io::sink(), std::io::empty());
        let mut console = Console { width: Some(10), colour: true, ..Console::piped(&mut out, &mut err, &mut input) };
        table().print_csv(&mut console).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "name,health,runs,last_run,id\n\"Frost warning, north field\",on_time,12,2026-06-01T09:00:00Z,1\n葡萄园 \
             \u{1b}[31m\u{202e},failing,1,,1\n"
        );
    }
}
