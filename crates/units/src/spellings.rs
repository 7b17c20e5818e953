//! What the symbols of units mean: UCUM's, and those that people write instead.
//!
//! Only symbols of these tables are read, and UCUM's codes in brackets. UCUM alone would read `ft` as a femtotonne and
//! `pH` as a picohenry.

use octofhir_ucum::{Number, SpecialKind, analyse, evaluate, parse_expression};

use crate::{Dimension, Unit};

/// Texts that are a unit as a whole, without the spaces in them, and on scales of their own.
const OWN: &[(&str, &str)] =
    &[("dB", "dB"), ("dBm", "dBm"), ("dBA", "dBA"), ("dB(A)", "dBA"), ("pH", "[pH]"), ("[pH]", "[pH]")];

/// Texts that are a percentage as a whole, without the spaces in them: of what is the metric's business.
const PERCENTAGES: &[&str] = &["%RH", "%rH", "%rh", "%r.H.", "RH%", "%vol", "%Vol", "vol%", "Vol%", "Vol.-%", "%VWC"];

/// Columns of a liquid as pressures, without the spaces in them.
const COLUMNS: &[&str] = &["mmHg", "inHg", "mmH2O", "cmH2O", "mH2O", "inH2O"];

/// The first word of a temperature in two words.
const DEGREES: &[&str] = &["°", "deg", "Deg", "degree", "Degree", "degrees", "Degrees"];

/// Symbols that mean two things: coulomb or Celsius, farad or Fahrenheit, a picohenry or an acidity, a picofarad or
/// the suction of a soil, petasiemens or metric horsepower, petaampere or a pascal in capitals, gigaseconds or gauss,
/// femtolitres or the fluid ounce's `fl oz`.
const AMBIGUOUS: &[&str] = &["C", "F", "pH", "pF", "PS", "PA", "Gs", "fl"];

/// Symbols of which people say in braces which they mean, as in `t{long}`: UCUM would read over it.
const VARIED: &[&str] =
    &["BTU", "Btu", "cal", "kcal", "Mcal", "oz", "lb", "t", "ft", "in", "mi", "yd", "a", "d", "h", "min"];

/// Symbols that take no prefix, as UCUM writes them.
const WITHOUT_PREFIX: &[(&str, &str)] = &[
    ("%", "%"),
    ("‰", "[ppth]"),
    ("ppm", "[ppm]"),
    ("ppmv", "[ppm]"),
    ("ppb", "[ppb]"),
    ("ppbv", "[ppb]"),
    ("pct", "%"),
    ("count", "1"),
    ("counts", "1"),
    ("fraction", "1"),
    ("ratio", "1"),
    ("unitless", "1"),
    ("dimensionless", "1"),
    ("°C", "Cel"),
    ("degC", "Cel"),
    ("Cel", "Cel"),
    ("°F", "[degF]"),
    ("degF", "[degF]"),
    ("°K", "K"),
    ("degK", "K"),
    ("°", "deg"),
    ("deg", "deg"),
    ("sec", "s"),
    ("secs", "s"),
    ("min", "min"),
    ("mins", "min"),
    ("h", "h"),
    ("hr", "h"),
    ("hrs", "h"),
    ("d", "d"),
    ("wk", "wk"),
    ("a", "a"),
    ("yr", "a"),
    ("rpm", "/min"),
    ("cps", "/s"),
    ("in", "[in_i]"),
    ("ft", "[ft_i]"),
    ("feet", "[ft_i]"),
    ("yd", "[yd_i]"),
    ("mi", "[mi_i]"),
    ("nmi", "[nmi_i]"),
    ("mph", "[mi_i]/h"),
    ("kph", "km/h"),
    ("kmh", "km/h"),
    ("kmph", "km/h"),
    ("kn", "[kn_i]"),
    ("kts", "[kn_i]"),
    ("ha", "har"),
    ("har", "har"),
    ("t", "t"),
    ("dt", "dt"),
    ("Mt", "Mt"),
    ("lb", "[lb_av]"),
    ("lbs", "[lb_av]"),
    ("oz", "[oz_av]"),
    ("atm", "atm"),
    ("mb", "mbar"),
    ("psi", "[psi]"),
    ("mmHg", "mm[Hg]"),
    ("inHg", "[in_i'Hg]"),
    ("mmH2O", "mm[H2O]"),
    ("cmH2O", "cm[H2O]"),
    ("mH2O", "m[H2O]"),
    ("inH2O", "[in_i'H2O]"),
    ("BTU", "[Btu_IT]"),
    ("Btu", "[Btu_IT]"),
    ("hp", "[HP]"),
    ("cfm", "[cft_i]/min"),
    ("bps", "bit/s"),
    ("kbps", "kbit/s"),
    ("Mbps", "Mbit/s"),
];

/// Symbols that take a prefix, as UCUM writes them.
const WITH_PREFIX: &[(&str, &str)] = &[
    ("m", "m"),
    ("g", "g"),
    ("s", "s"),
    ("K", "K"),
    ("rad", "rad"),
    ("sr", "sr"),
    ("mol", "mol"),
    ("kat", "kat"),
    ("cd", "cd"),
    ("A", "A"),
    ("V", "V"),
    ("W", "W"),
    ("Wp", "W"),
    ("J", "J"),
    ("N", "N"),
    ("Pa", "Pa"),
    ("Hz", "Hz"),
    ("C", "C"),
    ("F", "F"),
    ("S", "S"),
    ("mho", "mho"),
    ("Ohm", "Ohm"),
    ("ohm", "Ohm"),
    ("Ω", "Ohm"),
    ("Wb", "Wb"),
    ("T", "T"),
    ("H", "H"),
    ("lm", "lm"),
    ("lx", "lx"),
    ("lux", "lx"),
    ("Bq", "Bq"),
    ("Ci", "Ci"),
    ("Gy", "Gy"),
    ("Sv", "Sv"),
    ("l", "l"),
    ("L", "L"),
    ("bar", "bar"),
    ("dyn", "dyn"),
    ("erg", "erg"),
    ("eV", "eV"),
    ("cal", "cal"),
    ("Wh", "W.h"),
    ("Ws", "W.s"),
    ("Ah", "A.h"),
    ("VA", "V.A"),
    ("VAh", "V.A.h"),
    ("var", "V.A"),
    ("VAr", "V.A"),
    ("VAR", "V.A"),
    ("varh", "V.A.h"),
    ("Nm", "N.m"),
    ("bit", "bit"),
];

/// Prefixes, with their names.
const PREFIXES: &[(&str, &str)] = &[
    ("Y", "yotta"),
    ("Z", "zetta"),
    ("E", "exa"),
    ("P", "peta"),
    ("T", "tera"),
    ("G", "giga"),
    ("M", "mega"),
    ("k", "kilo"),
    ("h", "hecto"),
    ("da", "deka"),
    ("d", "deci"),
    ("c", "centi"),
    ("m", "milli"),
    ("u", "micro"),
    ("n", "nano"),
    ("p", "pico"),
    ("f", "femto"),
    ("a", "atto"),
    ("z", "zepto"),
    ("y", "yocto"),
];

/// Symbols of bytes. A `B` alone, or with another prefix, may be a bel; UCUM writes bytes as `By`.
const BYTES: &[(&str, &str)] = &[
    ("By", "By"),
    ("kB", "kBy"),
    ("MB", "MBy"),
    ("GB", "GBy"),
    ("TB", "TBy"),
    ("kBy", "kBy"),
    ("MBy", "MBy"),
    ("GBy", "GBy"),
];

/// Names of units, in small letters and in the singular, as UCUM writes them, and whether they take the name of a
/// prefix.
const NAMES: &[(&str, &str, bool)] = &[
    ("metre", "m", true),
    ("meter", "m", true),
    ("gram", "g", true),
    ("second", "s", true),
    ("kelvin", "K", true),
    ("pascal", "Pa", true),
    ("bar", "bar", true),
    ("watt", "W", true),
    ("joule", "J", true),
    ("volt", "V", true),
    ("amp", "A", true),
    ("ampere", "A", true),
    ("ohm", "Ohm", true),
    ("siemens", "S", true),
    ("hertz", "Hz", true),
    ("newton", "N", true),
    ("litre", "l", true),
    ("liter", "l", true),
    ("lux", "lx", true),
    ("lumen", "lm", true),
    ("mole", "mol", true),
    ("bit", "bit", true),
    ("byte", "By", true),
    ("minute", "min", false),
    ("hour", "h", false),
    ("day", "d", false),
    ("week", "wk", false),
    ("year", "a", false),
    ("degree", "deg", false),
    ("radian", "rad", false),
    ("celsius", "Cel", false),
    ("centigrade", "Cel", false),
    ("fahrenheit", "[degF]", false),
    ("percent", "%", false),
    ("permille", "[ppth]", false),
    ("inch", "[in_i]", false),
    ("inche", "[in_i]", false),
    ("foot", "[ft_i]", false),
    ("mile", "[mi_i]", false),
    ("knot", "[kn_i]", false),
    ("hectare", "har", false),
    ("tonne", "t", false),
];

/// How a text is to be read.
pub(crate) enum Reading {
    /// It is this unit as a whole, or none.
    Whole(Option<Unit>),
    /// It is a product of symbols.
    InParts,
}

/// Whether a text is more than the product of its parts.
pub(crate) fn reading(text: &str) -> Reading {
    let squeezed: String = text.chars().filter(|char| *char != ' ').collect();
    if let Some(name) = find(OWN, &squeezed) {
        return Reading::Whole(Some(Unit::own(name)));
    }
    if PERCENTAGES.contains(&squeezed.as_str()) {
        return Reading::Whole(evaluated("%"));
    }
    if COLUMNS.contains(&squeezed.as_str()) {
        return Reading::Whole(symbol(&squeezed));
    }
    let (degrees, scale) = text.split_once([' ', '_']).unwrap_or_default();
    let scale = scale.trim_start();
    if !DEGREES.contains(&degrees) || !scale.starts_with(char::is_alphabetic) || scale.starts_with("per ") {
        return Reading::InParts;
    }
    Reading::Whole(match scale {
        "C" | "Celsius" | "celsius" => evaluated("Cel"),
        "F" | "Fahrenheit" | "fahrenheit" => evaluated("[degF]"),
        "K" | "Kelvin" | "kelvin" => evaluated("K"),
        // `degrees N` is a latitude, and no product of an angle and newtons.
        _ => None,
    })
}

/// Whether an annotation could say which unit the symbol is.
pub(crate) fn is_varied(symbol: &str) -> bool {
    VARIED.contains(&symbol)
}

/// A symbol without its power.
pub(crate) fn symbol(text: &str) -> Option<Unit> {
    if AMBIGUOUS.contains(&text) {
        return None;
    }
    if let Some(code) = find(WITHOUT_PREFIX, text).or_else(|| find(WITH_PREFIX, text)) {
        return evaluated(code);
    }
    if let Some(code) = find(BYTES, text) {
        return evaluated(code);
    }
    if text.contains('[') {
        // A digit at the end is a power, which the reader bounds.
        return if text.ends_with(|char: char| char.is_ascii_digit()) { None } else { evaluated(text) };
    }
    let prefixed = PREFIXES.iter().find_map(|(prefix, _)| {
        let code = find(WITH_PREFIX, text.strip_prefix(prefix)?)?;
        Some(format!("{prefix}{code}"))
    });
    prefixed.or_else(|| name(text)).and_then(|code| evaluated(&code))
}

/// The code of a unit that is written as a word, in small letters or with a capital first one.
fn name(text: &str) -> Option<String> {
    let mut chars = text.chars();
    let first = chars.next()?.to_ascii_lowercase();
    let word = format!("{first}{}", chars.as_str());
    let of = |word: &str, has_prefix: bool| {
        let singular = word.strip_suffix('s').unwrap_or(word);
        let is_it = |name: &str| name == word || name == singular;
        NAMES.iter().find(|(name, _, takes_one)| is_it(name) && (*takes_one || !has_prefix)).map(|(_, code, _)| *code)
    };
    if let Some(code) = of(&word, false) {
        return Some(code.to_owned());
    }
    PREFIXES.iter().find_map(|(prefix, name)| Some(format!("{prefix}{}", of(word.strip_prefix(name)?, true)?)))
}

fn find(table: &[(&'static str, &'static str)], text: &str) -> Option<&'static str> {
    table.iter().find(|(spelling, _)| *spelling == text).map(|(_, code)| *code)
}

/// What a code of UCUM is worth. `None` for what the tables do not have, for arbitrary units (`[iU]`), which convert
/// into nothing, and for logarithms: those of them that are read are in [`OWN`].
fn evaluated(code: &str) -> Option<Unit> {
    let known = parse_expression(code).ok().and_then(|expression| evaluate(&expression).ok())?;
    if !known.arbitrary.is_empty() {
        return None;
    }
    let counts = |atoms: &[&str]| i8::from(atoms.iter().any(|atom| code.ends_with(atom)));
    let dimension = Dimension::new(known.dim.0, counts(&["mol", "kat"]), counts(&["bit", "By", "bit/s"]));
    let Some(special) = known.special else {
        return Some(Unit { dimension, factor: known.factor, offset: Number::ZERO });
    };
    if !matches!(special.unit.special, SpecialKind::Celsius | SpecialKind::Fahrenheit | SpecialKind::Reaumur) {
        return None;
    }
    let factor = known.factor.checked_mul(special.scale)?;
    // Only for a code that is known: when it fails, `analyse` looks for similar codes, which takes long.
    Some(Unit { dimension, factor, offset: analyse(code).ok()?.offset })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_spelling_stands_once_and_is_read() {
        let names = NAMES.iter().map(|(name, code, _)| (*name, *code));
        let all: Vec<_> = [WITHOUT_PREFIX, WITH_PREFIX, BYTES].concat().into_iter().chain(names).collect();
        let spellings: BTreeSet<&str> = all.iter().map(|(spelling, _)| *spelling).collect();
        assert_eq!(all.len() - spellings.len(), 4, "bar, bit, lux and ohm are symbols and names");
        for (spelling, code) in all {
            let is_read = symbol(spelling) == evaluated(code) && evaluated(code).is_some();
            assert!(is_read || AMBIGUOUS.contains(&spelling), "{spelling} as {code}");
        }
    }

    #[test]
    fn a_symbol_with_a_prefix_is_no_other_symbol() {
        let mut seen = BTreeSet::new();
        for (prefix, _) in PREFIXES {
            for (spelling, code) in WITH_PREFIX {
                let text = format!("{prefix}{spelling}");
                assert!(seen.insert(text.clone()), "{text} has two prefixes");
                // These are the exceptions, and each is read as the one that people mean.
                let is_apart =
                    ["min", "cd", "Nm", "PA", "PS", "pF", "pH", "Gs", "fl", "Mt", "dt"].contains(&text.as_str());
                let prefixed = evaluated(&format!("{prefix}{code}"));
                assert!(prefixed.is_some(), "{text}");
                assert!(is_apart || symbol(&text) == prefixed, "{text}");
            }
        }
    }
}
