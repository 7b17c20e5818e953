use prediction_domain::model::{
    Diagnostics, MAX_VIOLATIONS, PageRequest, Position, ReadingPosition, Timestamp, ValueProblem, ViolationCode,
    nearest,
};
use prediction_domain::ports::WriteMode;
use prediction_domain::use_cases::PredictionFilter;
use prediction_wire::ProblemEntry;

use super::cursor;
use super::cursor::Place;
use crate::problem::{Problem, ProblemCode};

/// How many parameters are looked at. No request has so many, so that one with more is refused for some of these.
const MAX_PAIRS: usize = MAX_VIOLATIONS;

/// The query of a request, read parameter by parameter. What is wrong is collected, to be told at once by
/// [`Query::finish`]; until then a parameter that cannot be read counts as left out.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    errors: Vec<ProblemEntry>,
    /// How many more there are, at least.
    errors_omitted: usize,
    /// For hints, which have a bound.
    diagnostics: Diagnostics,
    only_the_cursor: bool,
    /// What was read so far, with its values.
    read: String,
    list: ListName,
}

impl Query {
    /// Reads what `application/x-www-form-urlencoded` writes, and nothing that it does not: a byte that is not UTF-8,
    /// or a percent sign by itself, would otherwise become another text.
    pub(super) fn parse(text: &str) -> Self {
        let mut query = Self {
            pairs: Vec::new(),
            known: Vec::new(),
            errors: Vec::new(),
            errors_omitted: 0,
            diagnostics: Diagnostics::default(),
            only_the_cursor: true,
            read: String::new(),
            list: ListName::default(),
        };
        let mut pairs = text.split('&').filter(|pair| !pair.is_empty());
        for pair in pairs.by_ref().take(MAX_PAIRS) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decode(name), decode(value)) {
                (Some(name), Some(value)) => query.pairs.push((name, value)),
                (name, _) => {
                    let name = name.unwrap_or_else(|| pair.split_once('=').map_or(pair, |(name, _)| name).to_owned());
                    query.refuse(&excerpt(&name), &undecodable(pair));
                }
            }
        }
        query.errors_omitted = pairs.count();
        query
    }

    /// A parameter that is parsed.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, ValueProblem>,
    ) -> Option<T> {
        self.known.push(name);
        let mut values = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let value = values.next()?;
        let result = if values.next().is_some() {
            Err(ValueProblem::new(ViolationCode::DuplicateMember, "stands more than once"))
        } else {
            parse(value)
        };
        match result {
            Ok(parsed) => {
                self.read.push_str(&format!("&{name}={}:{value}", value.len()));
                Some(parsed)
            }
            Err(problem) => {
                let problem = if is_time_without_plus(value, &problem) {
                    problem.hint("a plus sign in a query is written %2B: as it is, it stands for a space")
                } else {
                    problem
                };
                self.refuse(name, &problem);
                None
            }
        }
    }

    /// A parameter that has to be there. Its value is there once [`Self::finish_with`] has found nothing wrong.
    pub(crate) fn require<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, ValueProblem>,
    ) -> Option<T> {
        let is_there = self.pairs.iter().any(|(key, _)| key == name);
        let value = self.read(name, parse);
        if !is_there {
            self.refuse(name, &ValueProblem::new(ViolationCode::MissingMember, "is missing"));
        }
        value
    }

    /// A parameter that is `true` or `false`.
    pub(crate) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.read(name, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(ValueProblem::new(ViolationCode::WrongType, "is neither true nor false")
                .expected("true or false")
                .actual(excerpt(text))),
        })
    }

    /// Whether it is a dry run: `dry_run=true`.
    pub(crate) fn mode(&mut self) -> WriteMode {
        if self.flag("dry_run") == Some(true) { WriteMode::DryRun } else { WriteMode::Commit }
    }

    /// Words from a fixed list, separated by commas.
    pub(crate) fn words(&mut self, name: &'static str, allowed: &[&'static str]) -> Vec<&'static str> {
        let words = self.read(name, |text| {
            text.split(',')
                .map(|word| {
                    allowed.iter().copied().find(|allowed| *allowed == word).ok_or_else(|| {
                        let problem = ValueProblem::new(ViolationCode::OutOfRange, "has a word that is not known")
                            .expected(allowed.to_vec())
                            .actual(excerpt(word));
                        match nearest(word, allowed.iter().copied()) {
                            Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
                            None => problem,
                        }
                    })
                })
                .collect::<Result<Vec<_>, _>>()
        });
        words.unwrap_or_default()
    }

    /// The page that is wanted, with `limit` and `cursor`. Call it after all filters, and before what makes no other
    /// list of it: a cursor belongs to what was read until here.
    pub(crate) fn page<P: Place>(&mut self, kind: &str) -> PageRequest<P> {
        let (limit, after) = self.part_of_list(kind, usize::from(PageRequest::MAX_LIMIT), cursor::read);
        let limit = limit.and_then(|limit| u16::try_from(limit).ok()).unwrap_or(PageRequest::DEFAULT_LIMIT);
        PageRequest::new(limit, after).unwrap_or_else(|| unreachable!("the limit was checked"))
    }

    /// The part of a list of values that is wanted, like [`Self::page`]; `None` when the request does not say how many.
    pub(crate) fn prediction_page(&mut self, kind: &str) -> (Option<usize>, Option<ReadingPosition>) {
        self.part_of_list(kind, PredictionFilter::MAX_LIMIT, cursor::read_reading)
    }

    /// A whole number from 1 on.
    pub(crate) fn number(&mut self, name: &'static str, most: usize) -> Option<usize> {
        self.read(name, |text| {
            text.parse::<usize>().ok().filter(|number| (1..=most).contains(number)).ok_or_else(|| {
                ValueProblem::new(ViolationCode::OutOfRange, format!("is not between 1 and {most}"))
                    .expected(format!("a whole number from 1 to {most}"))
                    .actual(excerpt(text))
            })
        })
    }

    fn part_of_list<P>(
        &mut self,
        kind: &str,
        most: usize,
        read: impl FnOnce(&str, &str) -> Option<P>,
    ) -> (Option<usize>, Option<P>) {
        let list = format!("{kind}{}", self.read);
        let limit = self.number("limit", most);
        let errors_before = self.errors.len();
        let was_only = self.only_the_cursor;
        let after = self.read("cursor", |text| {
            read(&list, text).ok_or_else(|| {
                ValueProblem::new(ViolationCode::WrongType, "is damaged, or belongs to another list or other filters")
            })
        });
        if self.errors.len() > errors_before {
            self.only_the_cursor = was_only;
        }
        self.list = ListName(list);
        (limit, after)
    }

    /// The cursor to the next page of the list that [`Self::page`] was called for.
    pub(crate) fn cursor(list: &ListName, next: Option<&impl Place>) -> Option<String> {
        next.map(|place| cursor::write(&list.0, place))
    }

    /// The place that a cursor from outside of a query leads to, if it belongs to that list.
    pub(crate) fn place_of(list: &str, cursor: &str) -> Option<Position> {
        cursor::read(list, cursor)
    }

    /// A cursor that is to be sent outside of a query.
    pub(crate) fn cursor_of(list: &str, next: Option<&Position>) -> Option<String> {
        next.map(|place| cursor::write(list, place))
    }

    /// The cursor to the next part of the list that [`Self::prediction_page`] was called for.
    pub(crate) fn prediction_cursor(list: &ListName, next: Option<&ReadingPosition>) -> Option<String> {
        next.map(|position| cursor::write_reading(&list.0, position))
    }

    /// The same query with another value of that parameter, as a reference relative to the request (RFC 3986, section
    /// 4.2).
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let others = self.pairs.iter().filter(|(key, _)| key != name);
        let pairs = others.map(|(key, value)| (key.as_str(), value.as_str())).chain([(name, value)]);
        let encoded = pairs.map(|(key, value)| format!("{}={}", encode(key), encode(value)));
        format!("?{}", encoded.collect::<Vec<_>>().join("&"))
    }

    /// Ends the query of a list: like [`Self::finish`], and tells which list it was.
    pub(crate) fn finish_list(mut self) -> Result<ListName, Problem> {
        let list = std::mem::take(&mut self.list);
        self.finish()?;
        Ok(list)
    }

    /// Refuses the request when anything is wrong with the query, unknown parameters included.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        let unknown: Vec<String> = self
            .pairs
            .iter()
            .map(|(name, _)| name.clone())
            .filter(|name| !self.known.contains(&name.as_str()))
            .collect();
        for name in unknown {
            let problem = ValueProblem::new(ViolationCode::UnknownMember, "is not a parameter of this request");
            let problem = match self.diagnostics.nearest(&name, self.known.iter().copied()) {
                Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
                None => problem,
            };
            self.refuse(&excerpt(&name), &problem);
        }
        if self.errors.is_empty() {
            return Ok(());
        }
        let code = if self.only_the_cursor { ProblemCode::InvalidCursor } else { ProblemCode::InvalidQuery };
        Err(Problem::new(code).omitting(self.errors_omitted).parameters(self.errors))
    }

    /// Ends the reading, and gives a value that was [required](Self::require).
    pub(crate) fn finish_with<T>(self, value: Option<T>) -> Result<T, Problem> {
        self.finish()?;
        Ok(value.unwrap_or_else(|| unreachable!("what is required was refused if it was not there")))
    }

    fn refuse(&mut self, parameter: &str, problem: &ValueProblem) {
        self.only_the_cursor = false;
        self.errors.push(ProblemEntry::of_parameter(parameter, problem));
    }
}

/// Which list a cursor belongs to: its kind and filters.
#[derive(Default)]
pub(crate) struct ListName(String);

/// Writes a text so that it can stand in a query: all but RFC 3986's unreserved characters as percent and two digits.
fn encode(text: &str) -> String {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let write = |byte: u8| if is_unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(write).collect()
}

/// Reads a name or a value of a query; `None` when it is not UTF-8, percent-encoded.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, tail) = match (first, tail) {
            (b'+', tail) => (b' ', tail),
            (b'%', [high, low, tail @ ..]) => (hexadecimal(*high)? << 4 | hexadecimal(*low)?, tail),
            (b'%', _) => return None,
            (byte, tail) => (*byte, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn undecodable(pair: &str) -> ValueProblem {
    ValueProblem::new(ViolationCode::WrongType, "cannot be decoded")
        .expected("UTF-8, percent-encoded")
        .actual(excerpt(pair))
        .hint("a percent sign is written %25, and ü is written %C3%BC")
}

/// Whether it would be a time if its plus sign had not been read as a space.
fn is_time_without_plus(value: &str, problem: &ValueProblem) -> bool {
    problem.code == ViolationCode::InvalidTime && Timestamp::parse(&value.replace(' ', "+")).is_ok()
}

/// Enough of a text to recognise it.
fn excerpt(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {

    use super::*;

    /// Reads the query of a list as a handler does: filters, page, and what is shown beside the items.
    fn read(text: &str) -> Result<(PageRequest, ListName), ProblemCode> {
        let mut query = Query::parse(text);
        query.flag("active");
        let page = query.page("jobs");
        query.words("expand", &["source", "source_version"]);
        query.finish_list().map(|list| (page, list)).map_err(|problem| problem.code())
    }

    #[test]
    fn a_cursor_belongs_to_the_filters_and_to_nothing_else() {
        let position = Position::behind(7);
        for first in ["active=true", "limit=1&active=true", "active=true&expand=source&limit=2"] {
            let (page, list) = read(first).unwrap();
            assert_eq!(page.after, None);
            let cursor = Query::cursor(&list, Some(&position)).unwrap();
            for next in ["active=true", "expand=source&active=true", "active=true&limit=200&expand=source_version"] {
                let (page, _) = read(&format!("{next}&cursor={cursor}")).unwrap_or_else(|code| {
                    panic!("the cursor of {first} is refused with {next}: {}", code.as_str());
                });
                assert_eq!(page.after, Some(position));
            }
            for other in ["", "active=false"] {
                assert_eq!(read(&format!("{other}&cursor={cursor}")).err(), Some(ProblemCode::InvalidCursor));
            }
        }
        assert!(Query::cursor(&read("").unwrap().1, None::<&Position>).is_none());
    }

    #[test]
    fn what_was_encoded_is_read_back() {
        for text in ["", "M\u{fc}ller", "100 %", "a+b=c&d", "\u{1F33F}\u{0}", "%41"] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text));
        }
        assert_eq!(decode("a+b").as_deref(), Some("a b"));
        for text in ["%", "%4", "%zz", "%+1", "% 1", "%FC", "%C3", "%ED%A0%80", "a%", "%E2%82"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_told_with_its_name() {
        for (text, parameter) in [("name=M%FCller", "name"), ("name=%", "name"), ("x%FF=1", "x%FF"), ("%=", "%")] {
            let mut query = Query::parse(text);
            query.read("name", |text| Ok(text.to_owned()));
            let parameters: Vec<_> = query.errors.iter().map(|error| error.parameter.clone().unwrap()).collect();
            assert_eq!(parameters, [parameter], "{text}");
            assert_eq!(query.finish().err().map(|problem| problem.code()), Some(ProblemCode::InvalidQuery));
        }
    }

    #[test]
    fn a_plus_sign_that_became_a_space_is_told() {
        let hint = |text: &str| {
            let mut query = Query::parse(text);
            query.read("from", Timestamp::parse);
            query.errors[0].hint.clone()
        };
        assert!(hint("from=2026-06-01T00:00:00+01:00").unwrap().contains("%2B"));
        for text in ["from=2026-06-01", "from=2026-06-01+00:00:00", "from=+"] {
            assert_eq!(hint(text), None, "{text}");
        }
    }

    #[test]
    fn a_bad_cursor_beside_another_mistake_is_a_bad_query() {
        assert_eq!(read("cursor=x").err(), Some(ProblemCode::InvalidCursor));
        for text in ["cursor=x&limit=0", "cursor=x&activ=true", "cursor=x&active=1", "cursor=x&expand="] {
            assert_eq!(read(text).err(), Some(ProblemCode::InvalidQuery), "{text}");
        }
    }
}
