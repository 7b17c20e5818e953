//! Texts and other values: one constructor each, through which what it gave passes unchanged.

use prediction_domain::model::{
    Contract, Description, Diagnostics, ExpectedIntervalMinutes, InputId, InputKind, InputRole, JobName,
    MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_WORD_CHARS, Metric, OutputRole, PageRequest, Path, Position,
    RetentionHours, Revision, RoleName, SourceName, Timestamp, Unit, VersionLabel, ViolationCode,
};
use prediction_domain::requests::{BindingDraft, PredictionDraft, Sent, check_bindings, validate_predictions};
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;

use crate::strategies::any_text;

macro_rules! parsing {
    ($($test:ident: $type:ident, up to $most:expr, $kept:expr;)+) => {
        proptest! {
            $(#[test]
            fn $test(text in any_text()) {
                let kept: fn(&str) -> String = $kept;
                match $type::parse(&text) {
                    Ok(parsed) => {
                        prop_assert_eq!(parsed.as_str(), kept(&text));
                        prop_assert!(parsed.as_str().chars().count() <= $most);
                        prop_assert_eq!($type::parse(parsed.as_str()).unwrap(), parsed);
                    }
                    Err(problem) => {
                        let kept = kept(&text);
                        let right = match problem.code {
                            ViolationCode::TooShort => kept.is_empty(),
                            ViolationCode::TooLong => kept.chars().count() > $most,
                            ViolationCode::ControlCharacter => kept.chars().any(char::is_control),
                            // Which, the unit tests tell.
                            ViolationCode::InvisibleCharacter => !kept.is_ascii() || kept.trim().is_empty(),
                            _ => false,
                        };
                        prop_assert!(right, "{:?}: {:?}", text, problem);
                    }
                }
            })+
        }
    };
}

parsing! {
    source_names_are_trimmed_and_composed: SourceName, up to MAX_NAME_CHARS, |text| text.trim().nfc().collect();
    job_names_are_trimmed_and_composed: JobName, up to MAX_NAME_CHARS, |text| text.trim().nfc().collect();
    labels_are_trimmed_and_composed: VersionLabel, up to MAX_WORD_CHARS, |text| text.trim().nfc().collect();
    role_names_are_composed: RoleName, up to MAX_WORD_CHARS, |text| text.nfc().collect();
    kinds_are_composed: InputKind, up to MAX_WORD_CHARS, |text| text.nfc().collect();
    metrics_are_composed: Metric, up to MAX_WORD_CHARS, |text| text.nfc().collect();
    units_are_composed: Unit, up to MAX_WORD_CHARS, |text| text.nfc().collect();
    descriptions_are_kept: Description, up to MAX_DESCRIPTION_CHARS, str::to_owned;
}

proptest! {
    #[test]
    fn what_was_stored_is_restored_as_it_is(text in any_text()) {
        if let Ok(name) = SourceName::parse(&text) {
            prop_assert_eq!(SourceName::restore(name.as_str()), Ok(name));
        }
        if let Ok(role) = RoleName::restore(&text) {
            prop_assert_eq!(role.as_str(), text);
        }
    }

    #[test]
    fn the_key_of_a_source_name_is_a_key_of_its_case_and_form(text in any_text()) {
        let Ok(name) = SourceName::parse(&text) else { return Ok(()) };
        let key = name.key();
        let same = |other: String| SourceName::parse(&other).map(|other| other.key());
        for other in [key.clone(), name.as_str().nfd().collect(), format!(" {name}\t")] {
            // Some texts get longer than a name may be.
            if let Ok(other) = same(other) {
                prop_assert_eq!(&other, &key);
            }
        }
        if let Ok(lower) = same(name.as_str().to_lowercase()) {
            prop_assert_eq!(&lower, &key);
        }
    }

    #[test]
    fn the_key_of_a_label_drops_a_v_before_a_digit_and_nothing_else(text in any_text()) {
        let Ok(label) = VersionLabel::parse(&text) else { return Ok(()) };
        let key = label.key();
        let again = VersionLabel::parse(key).unwrap();
        prop_assert_eq!(again.key(), key);
        let digit_first = label.as_str().starts_with(|c: char| c.is_ascii_digit());
        if digit_first {
            prop_assert_eq!(key, label.as_str());
            for other in [format!("v{label}"), format!("V{label}")] {
                if let Ok(other) = VersionLabel::parse(&other) {
                    prop_assert_eq!(other.key(), key);
                }
            }
        } else if !label.as_str().starts_with(['v', 'V']) {
            prop_assert_eq!(key, label.as_str());
        }
    }

    #[test]
    fn ids_read_back_as_they_are_written(bits in any::<u128>()) {
        let uuid = uuid::Uuid::from_u128(bits);
        match InputId::from_uuid(uuid) {
            Ok(id) => {
                prop_assert_eq!(InputId::parse(&id.to_string()).unwrap(), id);
                prop_assert_eq!(InputId::parse(&id.to_string().to_uppercase()).unwrap(), id);
                prop_assert_eq!(id.as_uuid(), uuid);
            }
            Err(problem) => prop_assert!(bits == 0 && problem.code == ViolationCode::NilUuid),
        }
    }

    #[test]
    fn no_text_makes_an_id_panic(text in any_text()) {
        if let Ok(id) = InputId::parse(&text) {
            prop_assert!(text.eq_ignore_ascii_case(&id.to_string()));
        }
    }

    #[test]
    fn times_are_exact_to_the_microsecond(micros in -62_135_596_800_000_000_i64..253_402_300_799_999_999) {
        let time = Timestamp::from_micros(micros).unwrap();
        prop_assert_eq!(time.as_micros(), micros);
        prop_assert_eq!(Timestamp::truncated(time.as_datetime()), time);
        let text = time.to_string();
        let read = chrono::DateTime::parse_from_rfc3339(&text).unwrap();
        prop_assert_eq!(read.timestamp_micros(), micros);
        prop_assert!(text.ends_with('Z') && text.len() == "2026-06-01T12:00:00.000001Z".len(), "{}", text);
    }

    #[test]
    fn no_time_panics(micros in any::<i64>()) {
        if let Some(time) = Timestamp::from_micros(micros) {
            prop_assert_eq!(time.as_micros(), micros);
        }
    }

    #[test]
    fn periods_are_whole_numbers_from_one_to_ten_years(number in prop_oneof![any::<i128>(), -2_i128..6_000_000]) {
        for (accepted, max) in [
            (ExpectedIntervalMinutes::new(number).ok().map(ExpectedIntervalMinutes::as_i32), 5_256_000),
            (RetentionHours::new(number).ok().map(RetentionHours::as_i32), 87_600),
        ] {
            let expected = if (1..=max).contains(&number) { i32::try_from(number).ok() } else { None };
            prop_assert_eq!(accepted, expected);
        }
    }

    #[test]
    fn revisions_count_from_one(number in any::<i64>()) {
        prop_assert_eq!(Revision::new(number).map(Revision::as_i64), (number >= 1).then_some(number));
    }

    #[test]
    fn pages_have_1_to_200_items(limit in any::<u16>()) {
        prop_assert_eq!(
            PageRequest::<Position>::new(limit, None).map(|page| page.limit()),
            (1..=200).contains(&limit).then_some(usize::from(limit))
        );
    }
}

/// Contracts never change, so what is defined in another form has to stay usable.
#[test]
fn a_role_that_an_earlier_release_stored_decomposed_is_bound_and_reported_in_either_form() {
    let decomposed = RoleName::restore("e\u{301}").unwrap();
    let kind = InputKind::restore("a\u{30a}").unwrap();
    let input = InputRole {
        role: decomposed.clone(),
        input_kind: kind.clone(),
        ..InputRole::required("role", "sensor", "celsius").unwrap()
    };
    let output = OutputRole { role: decomposed.clone(), ..OutputRole::required("role", "risk").unwrap() };
    let contract = Contract::new(vec![input], vec![output]).unwrap();
    for role in ["e\u{301}", "\u{e9}"] {
        for input_type in [Sent::Absent, Sent::Given("a\u{30a}".to_owned()), Sent::Given("\u{e5}".to_owned())] {
            let binding = BindingDraft {
                role: Sent::Given(role.to_owned()),
                input_id: Sent::Given("55555555-5555-5555-5555-555555555555".to_owned()),
                input_type,
            };
            let bound = check_bindings(&contract, &[binding]).unwrap();
            assert_eq!((&bound.as_slice()[0].role, &bound.as_slice()[0].input_type), (&decomposed, &kind));
        }
        let value = PredictionDraft {
            role: Sent::Given(role.to_owned()),
            at: Sent::Given("2026-06-01T12:00:00Z".to_owned()),
            value: Sent::Given(1.0),
        };
        let judged =
            validate_predictions(&mut Diagnostics::default(), &Path::root(), Some(&contract), &[Sent::Given(value)])
                .unwrap();
        assert_eq!(judged[0].role, decomposed);
    }
}
