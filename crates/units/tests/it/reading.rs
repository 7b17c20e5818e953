//! The table of spellings, and what is left unread.

use std::collections::BTreeSet;

use prediction_domain::model::{Conversion, UnitFit};
use prediction_units::{MAX_CHARS, Unit, compare};

use crate::table::{DIFFERENT, OF_THEIR_OWN, TABLE, UNREADABLE};

fn conversion(from: &str, to: &str) -> Conversion {
    match compare(from, to) {
        UnitFit::Same => Conversion { factor: 1.0, offset: 0.0 },
        UnitFit::Convertible(conversion) => conversion,
        other => panic!("{from} to {to}: {other:?}"),
    }
}

#[track_caller]
fn assert_converts(from: &str, to: &str, factor: f64, offset: f64) {
    let found = conversion(from, to);
    let is_near = |a: f64, b: f64| (a - b).abs() <= 1e-14 * b.abs();
    assert!(is_near(found.factor, factor) && is_near(found.offset, offset), "{from} to {to}: {found:?}");
}

#[test]
fn the_table_has_many_spellings_and_each_once() {
    let spellings: BTreeSet<&str> = TABLE.iter().map(|(spelling, ..)| *spelling).collect();
    assert_eq!(spellings.len(), TABLE.len());
    assert!(TABLE.len() >= 200, "only {}", TABLE.len());
}

#[test]
fn a_spelling_is_the_same_unit_as_its_code() {
    for (spelling, code, ..) in TABLE {
        assert_eq!(compare(spelling, code), UnitFit::Same, "{spelling} and {code}");
        assert_eq!(compare(code, spelling), UnitFit::Same, "{code} and {spelling}");
    }
}

#[test]
fn a_spelling_converts_into_its_base_unit() {
    for (spelling, code, base, factor, offset) in TABLE {
        assert_converts(spelling, base, *factor, *offset);
        assert_converts(code, base, *factor, *offset);
    }
}

#[test]
fn spellings_of_different_codes_are_the_same_only_if_they_are_worth_the_same() {
    let units: Vec<_> =
        TABLE.iter().map(|row| (row, Unit::parse(row.0).unwrap(), Unit::parse(row.2).unwrap())).collect();
    for ((one, _, _, factor, offset), unit, base) in &units {
        for ((other, _, _, other_factor, other_offset), other_unit, other_base) in &units {
            let is_same = unit.fit(other_unit) == UnitFit::Same;
            if base == other_base {
                let is_equal = (factor / other_factor - 1.0).abs() < 1e-12 && (offset - other_offset).abs() < 1e-9;
                assert_eq!(is_same, is_equal, "{one} and {other}");
            } else if base.dimension() != other_base.dimension() {
                assert_eq!(unit.fit(other_unit), UnitFit::Incompatible, "{one} and {other}");
            }
        }
    }
}

#[test]
fn what_looks_alike_is_not_the_same() {
    for (one, other) in DIFFERENT {
        assert_ne!(compare(one, other), UnitFit::Same, "{one} and {other}");
        assert_ne!(compare(other, one), UnitFit::Same, "{other} and {one}");
    }
}

#[test]
fn what_could_mean_two_units_is_not_read() {
    for text in UNREADABLE {
        assert_eq!(Unit::parse(text), None, "{text:?} is not read");
        assert_eq!(compare(text, text), UnitFit::Same, "{text:?} is the same as itself");
        assert_eq!(compare(text, "m"), UnitFit::Unverified, "{text:?} may be metres for all we know");
    }
}

#[test]
fn factors_are_those_of_books() {
    let converts = |from: &str, to: &str, factor: f64, offset: f64| {
        assert_eq!(conversion(from, to), Conversion { factor, offset }, "{from} to {to}");
    };
    converts("km/h", "m/s", 1.0 / 3.6, 0.0);
    converts("m/s", "km/h", 3.6, 0.0);
    converts("°F", "°C", 5.0 / 9.0, -160.0 / 9.0);
    converts("°C", "°F", 1.8, 32.0);
    converts("°C", "K", 1.0, 273.15);
    converts("K", "°C", 1.0, -273.15);
    converts("%", "1", 0.01, 0.0);
    converts("1", "%", 100.0, 0.0);
    converts("m3/m3", "%", 100.0, 0.0);
    converts("kWh", "MJ", 3.6, 0.0);
    converts("inch", "mm", 25.4, 0.0);
    converts("W/m²", "kW/m2", 0.001, 0.0);
    converts("MJ/m2/d", "kWh/m²/d", 1.0 / 3.6, 0.0);
    converts("kPa", "hPa", 10.0, 0.0);
    converts("GB", "MB", 1000.0, 0.0);
}

#[test]
fn units_of_other_names_are_the_same_if_they_are_worth_the_same() {
    for (one, other) in
        [("hPa", "mbar"), ("mm", "l/m²"), ("dS/m", "mS/cm"), ("W", "J/s"), ("VA", "W"), ("mg/l", "g/m3")]
    {
        assert_eq!(compare(one, other), UnitFit::Same, "{one} and {other}");
    }
}

#[test]
fn units_of_other_dimensions_are_incompatible() {
    for (one, other) in [
        ("°C", "%"),
        ("m", "m²"),
        ("W", "Wh"),
        ("mm", "kg/m²"),
        ("mol", "1"),
        ("MB", "%"),
        ("deg", "%"),
        ("lux", "W/m²"),
        ("µmol/m²/s", "W/m²"),
        ("°C", "°C/h"),
    ] {
        assert_eq!(compare(one, other), UnitFit::Incompatible, "{one} and {other}");
        assert_eq!(compare(other, one), UnitFit::Incompatible, "{other} and {one}");
    }
}

#[test]
fn a_scale_of_its_own_is_equal_to_itself_only() {
    let names = OF_THEIR_OWN.iter().map(|(spelling, _)| *spelling).chain(["1", "mol/L", "W", "°C"]);
    let names: Vec<&str> = names.collect();
    for (spelling, code) in OF_THEIR_OWN {
        assert_eq!(compare(spelling, code), UnitFit::Same, "{spelling} and {code}");
        for other in names.iter().filter(|other| *other != spelling) {
            assert_eq!(compare(spelling, other), UnitFit::Incompatible, "{spelling} and {other}");
        }
    }
}

#[test]
fn a_temperature_in_a_product_is_a_difference() {
    assert_eq!(compare("W/m²/°C", "W/m2/K"), UnitFit::Same);
    assert_eq!(conversion("W/°F", "W/K"), Conversion { factor: 1.8, offset: 0.0 });
    assert_eq!(compare("°C·d", "K.d"), UnitFit::Same);
}

#[test]
fn white_space_around_a_text_does_not_count() {
    assert_eq!(compare(" m/s ", "m/s"), UnitFit::Same);
    assert_eq!(compare("fairly warm\t", "fairly warm"), UnitFit::Same);
    assert_eq!(compare("fairly warm", "fairly cold"), UnitFit::Unverified);
}

#[test]
fn a_text_is_read_up_to_its_most_characters() {
    let longest = format!("m{{{}}}", "é".repeat(MAX_CHARS - 3));
    assert_eq!(longest.chars().count(), MAX_CHARS);
    assert_eq!(compare(&longest, "m"), UnitFit::Same);
    assert_eq!(Unit::parse(&longest.replacen('é', "éé", 1)), None);
}

#[test]
fn parentheses_are_read_a_few_levels_deep() {
    assert_eq!(compare("((((m))))", "m"), UnitFit::Same);
    assert_eq!(Unit::parse("(((((m)))))"), None);
    assert_eq!(Unit::parse(&"(".repeat(MAX_CHARS)), None);
}

#[test]
fn a_factor_that_no_double_holds_is_not_read() {
    assert_eq!(Unit::parse("Ym9.Ym9"), None);
    assert_eq!(Unit::parse("ym9.ym9"), None);
    assert!(Unit::parse("Ym9").is_some());
    assert_eq!(compare("Ym9", "ym9"), UnitFit::Unverified);
    assert_eq!(compare("ym9", "Ym9"), UnitFit::Unverified);
}

#[test]
fn annotations_are_for_people() {
    assert_eq!(compare("mg{nitrate}/L", "mg/L"), UnitFit::Same);
    assert_eq!(compare("{pulses}/min", "1/min"), UnitFit::Same);
}

#[test]
fn codes_of_ucum_that_nobody_listed_are_read_in_brackets() {
    assert_eq!(conversion("[acr_us]", "m2").offset.total_cmp(&0.0), std::cmp::Ordering::Equal);
    assert_eq!(conversion("[gal_us]", "L"), Conversion { factor: 3.785_411_784, offset: 0.0 });
    assert_eq!(Unit::parse("[iU]"), None, "an arbitrary unit converts into nothing");
    assert_eq!(Unit::parse("B[SPL]"), None, "a logarithm converts by no factor");
}
