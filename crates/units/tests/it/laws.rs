//! What holds for every unit.

use std::sync::LazyLock;

use proptest::prelude::*;

use prediction_domain::model::{Conversion, UnitFit};
use prediction_units::{Unit, compare};

use crate::table::{DIFFERENT, OF_THEIR_OWN, TABLE, UNREADABLE};

/// What people measure, and what they never do.
const VALUES: &[f64] = &[0.0, 1.0, -40.0, 98.6, 1_013.25, -1e-9, 1e12];

/// The spellings that are read.
static READABLE: LazyLock<Vec<(&str, Unit)>> =
    LazyLock::new(|| spellings().into_iter().filter_map(|text| Some((text, Unit::parse(text)?))).collect());

/// The units among them, each once.
static UNITS: LazyLock<Vec<(&str, Unit)>> = LazyLock::new(|| {
    let mut units: Vec<(&str, Unit)> = Vec::new();
    for (text, unit) in READABLE.iter() {
        if units.iter().all(|(_, other)| other != unit) {
            units.push((text, *unit));
        }
    }
    units
});

/// Texts that people write, readable or not.
fn spellings() -> Vec<&'static str> {
    let table = TABLE.iter().flat_map(|(spelling, code, base, ..)| [*spelling, *code, *base]);
    let own = OF_THEIR_OWN.iter().flat_map(|(spelling, code)| [*spelling, *code]);
    let different = DIFFERENT.iter().flat_map(|(one, other)| [*one, *other]);
    table.chain(own).chain(different).chain(UNREADABLE.iter().copied()).collect()
}

fn spelling() -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(spellings())
}

/// Products and quotients of spellings, with powers.
fn product() -> impl Strategy<Value = String> {
    let part = (spelling(), prop::sample::select(vec!["", "2", "-1", "^2", "²", "⁻¹", "**-3", "9"]));
    let sign = prop::sample::select(vec!["/", ".", "·", "*", " ", " / "]);
    (part.clone(), prop::collection::vec((sign, part), 0..4)).prop_map(|((unit, power), others)| {
        let others = others.into_iter().map(|(sign, (unit, power))| format!("{sign}{unit}{power}"));
        format!("{unit}{power}{}", others.collect::<String>())
    })
}

/// Texts of the characters that matter to the reader.
fn soup() -> impl Strategy<Value = String> {
    "[mskgKWhPadCF0-9./*^()\\[\\]{}%°µ²³⁻·'eE +−-]{0,70}"
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![spelling().prop_map(str::to_owned), product(), soup(), any::<String>()]
}

fn kind(fit: UnitFit) -> &'static str {
    match fit {
        UnitFit::Same => "same",
        UnitFit::Convertible(_) => "convertible",
        UnitFit::Incompatible => "incompatible",
        UnitFit::Unverified => "unverified",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn every_text_is_answered(one in text(), other in text()) {
        match compare(&one, &other) {
            UnitFit::Convertible(conversion) => {
                prop_assert!(conversion.factor.is_normal() && conversion.factor > 0.0);
                prop_assert!(conversion.offset == 0.0 || conversion.offset.is_normal());
            }
            UnitFit::Same | UnitFit::Incompatible | UnitFit::Unverified => {}
        }
    }

    #[test]
    fn a_text_is_the_same_as_itself(one in text()) {
        prop_assert_eq!(compare(&one, &one), UnitFit::Same);
        if let Some(unit) = Unit::parse(&one) {
            prop_assert_eq!(unit.fit(&unit), UnitFit::Same);
        }
    }

    #[test]
    fn fit_is_symmetric(one in text(), other in text()) {
        prop_assert_eq!(kind(compare(&one, &other)), kind(compare(&other, &one)));
    }

    #[test]
    fn conversion_there_and_back_is_the_identity(one in product(), other in product(), value in -1e9..1e9_f64) {
        assert_returns(compare(&one, &other), compare(&other, &one), value)?;
    }

    #[test]
    fn a_unit_to_a_power_is_the_unit_that_often(one in spelling(), count in 2..5_usize) {
        prop_assume!(Unit::parse(one).is_some() && Unit::parse(&format!("({one})")).is_some());
        let product = vec![format!("({one})"); count].join(".");
        let nested = format!("({}).({one})", vec![format!("({one})"); count - 1].join("."));
        if let (Some(product), Some(nested)) = (Unit::parse(&product), Unit::parse(&nested)) {
            prop_assert_eq!(product.fit(&nested), UnitFit::Same);
        }
    }
}

fn conversion(from: &Unit, to: &Unit) -> Conversion {
    match from.fit(to) {
        UnitFit::Convertible(conversion) => conversion,
        UnitFit::Same => Conversion { factor: 1.0, offset: 0.0 },
        other => panic!("{from:?} to {to:?}: {other:?}"),
    }
}

fn assert_returns(there: UnitFit, back: UnitFit, value: f64) -> Result<(), TestCaseError> {
    if let (UnitFit::Convertible(there), UnitFit::Convertible(back)) = (there, back) {
        let returned = back.apply(there.apply(value));
        let size = value.abs() + (there.offset * back.factor).abs();
        prop_assert!((returned - value).abs() <= 1e-12 * size, "{there:?}: {value} came back as {returned}");
    }
    Ok(())
}

#[test]
fn conversion_there_and_back_is_the_identity_for_every_spelling() {
    for (one, unit) in UNITS.iter() {
        for (other, target) in UNITS.iter() {
            for value in VALUES {
                assert_returns(unit.fit(target), target.fit(unit), *value)
                    .map_err(|error| (one, other, error))
                    .unwrap();
            }
        }
    }
}

#[test]
fn conversion_goes_by_any_way() {
    for (first, one) in UNITS.iter() {
        for (second, two) in UNITS.iter().filter(|(_, two)| two.dimension() == one.dimension()) {
            for (third, three) in UNITS.iter().filter(|(_, three)| three.dimension() == one.dimension()) {
                let (direct, before, after) = (conversion(one, three), conversion(one, two), conversion(two, three));
                for value in VALUES {
                    let (there, by_way) = (direct.apply(*value), after.apply(before.apply(*value)));
                    let size = there.abs() + after.offset.abs() + (after.factor * before.offset).abs();
                    assert!((there - by_way).abs() <= 1e-12 * size, "{first}, {second}, {third}: {there}, {by_way}");
                }
            }
        }
    }
}

#[test]
fn same_is_an_equivalence_and_goes_with_dimensions() {
    for (first, one) in READABLE.iter() {
        for (second, other) in READABLE.iter() {
            let fit = one.fit(other);
            let is_other = one.dimension() != other.dimension();
            assert_eq!(fit == UnitFit::Incompatible, is_other, "{first} and {second}");
            assert_eq!(kind(fit), kind(other.fit(one)), "{first} and {second}");
            if fit != UnitFit::Same {
                continue;
            }
            for (third, another) in UNITS.iter() {
                let are_alike = kind(one.fit(another)) == kind(other.fit(another));
                assert!(are_alike, "{first} is {second}, and {third} makes a difference");
            }
        }
    }
}
