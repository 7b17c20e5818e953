//! From a text to a unit: products, quotients and powers. What one symbol means is in `spellings`.
//!
//! The grammar is UCUM's (§1 to §10), with the signs that people use for the same things: `m·s⁻¹`, `m s-1`, `m*s^-1`,
//! `m s**-1`, `m per s`. The work is bounded by the length of the text and by the depth of its parentheses.

use octofhir_ucum::Number;

use crate::spellings::{self, Reading};
use crate::{MAX_CHARS, Unit};

/// How deep parentheses can be nested.
const MAX_DEPTH: usize = 4;

/// The largest power of a symbol. Above it, a text is a mistake or an attack.
const MAX_POWER: i8 = 9;

/// The largest power of ten as a number, which is that of UCUM's largest prefix.
const MAX_POWER_OF_TEN: i32 = 24;

/// The most digits of a number in a unit (`kg/100.m2`).
const MAX_DIGITS: usize = 6;

pub(crate) fn read(text: &str) -> Option<Unit> {
    let text = text.trim();
    if text.chars().nth(MAX_CHARS).is_some() {
        return None;
    }
    let chars: Vec<char> = text.chars().flat_map(plain).collect();
    let whole: String = chars.iter().collect();
    if let Reading::Whole(unit) = spellings::reading(&whole) {
        return unit;
    }
    let mut reader = Reader { chars: &chars, at: 0, depth: 0 };
    let unit = reader.product()?;
    (reader.at == chars.len()).then_some(unit)
}

/// The characters that stand for the same as this one, from those that are easily typed. The micro sign is UCUM's `u`.
fn plain(char: char) -> impl Iterator<Item = char> {
    let (first, second) = match char {
        '\u{2103}' => ('°', Some('C')),
        '\u{2109}' => ('°', Some('F')),
        '\u{b5}' | '\u{3bc}' => ('u', None),
        '\u{ba}' | '\u{2da}' => ('°', None),
        '\u{2126}' => ('Ω', None),
        '\u{212a}' => ('K', None),
        '\u{2113}' => ('l', None),
        '\u{2082}' => ('2', None),
        '\u{2212}' | '\u{2010}'..='\u{2013}' => ('-', None),
        '\u{2215}' | '\u{2044}' => ('/', None),
        '\u{b7}' | '\u{22c5}' | '\u{2219}' | '\u{2022}' | '\u{d7}' => ('·', None),
        space if space.is_whitespace() => (' ', None),
        other => (other, None),
    };
    std::iter::once(first).chain(second)
}

/// What stands between two factors.
#[derive(Clone, Copy, PartialEq)]
enum Sign {
    End,
    Times,
    /// No sign, but a space.
    Beside,
    Over,
}

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    /// Factors from left to right (UCUM §7.4), to the end of the text or a parenthesis.
    fn product(&mut self) -> Option<Unit> {
        let mut is_divided = self.eat('/');
        let (first, power) = self.factor()?;
        // One unit by itself keeps its zero point.
        let mut unit = match (is_divided, power) {
            (false, 1) => first,
            (false, _) => Unit::one().times(first, power)?,
            (true, _) => Unit::one().times(first, -power)?,
        };
        loop {
            let sign = self.sign()?;
            match sign {
                Sign::End => return Some(unit),
                Sign::Over => is_divided = true,
                // Whether `W/m²·K` is per kelvin or times kelvin depends on who reads it.
                Sign::Times | Sign::Beside if is_divided => return None,
                // A `1.5`, or the power of `m*2`.
                Sign::Times | Sign::Beside if self.peek()?.is_ascii_digit() => return None,
                Sign::Times | Sign::Beside => {}
            }
            let start = self.at;
            let (factor, power) = self.factor()?;
            // `kg N` is nitrogen, and `kg K` potassium.
            if sign == Sign::Beside && power == 1 && is_element(&self.chars[start..self.at]) && is_amount(&unit) {
                return None;
            }
            unit = unit.times(factor, if sign == Sign::Over { -power } else { power })?;
        }
    }

    /// What stands between two factors, and the spaces around it. `None` if they are written without anything between
    /// them, which is another symbol.
    fn sign(&mut self) -> Option<Sign> {
        // `m²K`: the power separates as well as a space does.
        let is_apart = self.follows_superscript();
        let is_apart = self.skip_spaces() || is_apart;
        let sign = match self.peek() {
            None | Some(')') => return Some(Sign::End),
            Some('/') => Sign::Over,
            Some('.' | '*' | '·') => Sign::Times,
            Some(_) if is_apart => {
                return Some(if self.eat_per() { Sign::Over } else { Sign::Beside });
            }
            Some(_) => return None,
        };
        self.at += 1;
        self.skip_spaces();
        Some(sign)
    }

    /// A symbol, a number, an annotation or a parenthesis, and its power.
    fn factor(&mut self) -> Option<(Unit, i8)> {
        match self.peek()? {
            '(' => {
                if self.depth == MAX_DEPTH {
                    return None;
                }
                self.at += 1;
                self.depth += 1;
                let unit = self.product()?;
                self.depth -= 1;
                self.eat(')').then_some((unit, 1))
            }
            // UCUM §6: what is annotated is for people, and worth one.
            '{' => self.annotation().map(|()| (Unit::one(), 1)),
            digit if digit.is_ascii_digit() => {
                let unit = Unit::number(self.number()?);
                self.annotate()?;
                Some((unit, 1))
            }
            _ => {
                let (unit, power) = self.symbol()?;
                self.annotate()?;
                Some((unit, power))
            }
        }
    }

    fn annotate(&mut self) -> Option<()> {
        if self.peek() == Some('{') { self.annotation() } else { Some(()) }
    }

    fn annotation(&mut self) -> Option<()> {
        let length = self.rest().iter().position(|&char| char == '}')?;
        let has_text = length > 1 && !self.rest()[1..length].contains(&'{');
        self.at += length + 1;
        has_text.then_some(())
    }

    /// `1`, `100`, or a power of ten: UCUM's `10*6`, or `10^6`.
    fn number(&mut self) -> Option<Number> {
        let digits = self.digits();
        if digits.len() > MAX_DIGITS || digits.starts_with('0') {
            return None;
        }
        if digits == "10" {
            let before = self.at;
            if (self.eat('*') || self.eat('^'))
                && let Some(power) = self.signed()
            {
                return (power.abs() <= MAX_POWER_OF_TEN).then(|| Number::power_of_ten(power));
            }
            self.at = before;
        }
        digits.parse().ok().map(Number::from_i64)
    }

    fn symbol(&mut self) -> Option<(Unit, i8)> {
        let start = self.at;
        while let Some(char) = self.peek() {
            if char == '[' {
                self.at += self.rest().iter().position(|&char| char == ']')?;
            } else if !(char.is_alphanumeric() && superscript(char).is_none() || "%‰°_'".contains(char)) {
                break;
            }
            self.at += 1;
        }
        let text: String = self.chars[start..self.at].iter().collect();
        // `mmH2O` is a symbol with a digit; `m2` is a symbol and its power.
        if self.peek() == Some('{') && spellings::is_varied(&text) {
            return None;
        }
        if let Some(unit) = spellings::symbol(&text) {
            return Some((unit, self.power()?));
        }
        let symbol = text.trim_end_matches(|char: char| char.is_ascii_digit());
        let power = text[symbol.len()..].parse().ok().and_then(bounded)?;
        Some((spellings::symbol(symbol)?, power))
    }

    /// What is written after a symbol without a space: `-1`, `^-1`, `**-1`, `⁻¹`; 1 if there is nothing.
    fn power(&mut self) -> Option<i8> {
        match self.peek() {
            Some('^') => self.at += 1,
            Some('*') if self.chars.get(self.at + 1) == Some(&'*') => self.at += 2,
            Some('-' | '+') => {}
            Some(char) if superscript(char).is_some() => {
                let length = self.rest().iter().map_while(|&char| superscript(char)).count();
                let text: String = self.rest()[..length].iter().filter_map(|&char| superscript(char)).collect();
                self.at += length;
                return text.parse().ok().and_then(bounded);
            }
            _ => return Some(1),
        }
        let is_enclosed = self.eat('(');
        let power = self.signed().and_then(bounded)?;
        (!is_enclosed || self.eat(')')).then_some(power)
    }

    /// An integer with or without a sign. What follows `**` in `10**6` is one, too.
    fn signed(&mut self) -> Option<i32> {
        self.eat('*');
        let is_negative = self.eat('-');
        if !is_negative {
            self.eat('+');
        }
        let digits = self.digits();
        let value: i32 = digits.parse().ok().filter(|_| digits.len() <= MAX_DIGITS)?;
        Some(if is_negative { -value } else { value })
    }

    fn digits(&mut self) -> String {
        let digits: String = self.rest().iter().take_while(|char| char.is_ascii_digit()).collect();
        self.at += digits.len();
        digits
    }

    fn rest(&self) -> &[char] {
        self.chars.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn eat(&mut self, char: char) -> bool {
        let is_there = self.peek() == Some(char);
        self.at += usize::from(is_there);
        is_there
    }

    fn eat_per(&mut self) -> bool {
        let is_there = self.rest().starts_with(&['p', 'e', 'r', ' ']);
        self.at += if is_there { 4 } else { 0 };
        is_there
    }

    fn skip_spaces(&mut self) -> bool {
        let before = self.at;
        while self.eat(' ') {}
        self.at > before
    }

    fn follows_superscript(&self) -> bool {
        self.at.checked_sub(1).and_then(|at| self.chars.get(at)).is_some_and(|&char| superscript(char).is_some())
    }
}

fn is_element(text: &[char]) -> bool {
    matches!(text, [char] if char.is_ascii_uppercase())
}

/// Whether the unit is one of mass or of moles.
fn is_amount(unit: &Unit) -> bool {
    ["g", "mol"].iter().filter_map(|symbol| spellings::symbol(symbol)).any(|of| of.dimension() == unit.dimension())
}

fn bounded(power: i32) -> Option<i8> {
    i8::try_from(power).ok().filter(|power| *power != 0 && power.unsigned_abs() <= MAX_POWER.unsigned_abs())
}

fn superscript(char: char) -> Option<char> {
    Some(match char {
        '⁻' => '-',
        '⁺' => '+',
        '⁰' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴' => '4',
        '⁵' => '5',
        '⁶' => '6',
        '⁷' => '7',
        '⁸' => '8',
        '⁹' => '9',
        _ => return None,
    })
}
