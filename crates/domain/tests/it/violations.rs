//! Violations have one order, in whatever order they were found.

use prediction_domain::model::{
    Diagnostics, MAX_VIOLATIONS, Path, ValueProblem, Violation, ViolationCode, Violations, nearest,
};
use prediction_domain::requests::Sent;
use proptest::collection::vec;
use proptest::prelude::*;

fn path() -> impl Strategy<Value = Path> {
    let segment = prop_oneof!["[a-c]".prop_map(Ok), (0_usize..12).prop_map(Err),];
    vec(segment, 0..4).prop_map(|segments| {
        segments.into_iter().fold(Path::root(), |path, segment| match segment {
            Ok(member) => path.member(member),
            Err(index) => path.index(index),
        })
    })
}

fn violation() -> impl Strategy<Value = Violation> {
    (path(), proptest::sample::select(ViolationCode::ALL))
        .prop_map(|(path, code)| ValueProblem::new(code, "is wrong").at(path))
}

proptest! {
    #[test]
    fn the_order_does_not_depend_on_the_order_of_finding(
        (violations, shuffled) in vec(violation(), 1..12).prop_flat_map(|violations| {
            (Just(violations.clone()), Just(violations).prop_shuffle())
        })
    ) {
        let ordered = Violations::new(violations).unwrap();
        prop_assert_eq!(&Violations::new(shuffled).unwrap(), &ordered);
        prop_assert_eq!(&Violations::new(ordered.clone().into_vec()).unwrap(), &ordered);
        prop_assert!(ordered.windows(2).all(|pair| (&pair[0].path, pair[0].code) <= (&pair[1].path, pair[1].code)));
    }

    #[test]
    fn what_was_found_at_one_place_stays_in_the_order_of_finding(count in 1_usize..10) {
        let same = |number: usize| ValueProblem::new(ViolationCode::Differs, format!("is {number}")).at(Path::of("a"));
        let violations = Violations::new((0..count).map(same).collect()).unwrap();
        let messages: Vec<_> = violations.iter().map(|violation| violation.message.clone()).collect();
        prop_assert_eq!(messages, (0..count).map(|number| format!("a is {number}")).collect::<Vec<_>>());
    }

    /// However many there are: those that are told are the first ones, and the others are counted.
    #[test]
    fn the_first_violations_are_told(found in vec(violation(), 0..1_500)) {
        let mut diagnostics = Diagnostics::default();
        for violation in &found {
            let problem = ValueProblem::new(violation.code, "is wrong");
            diagnostics.report(violation.path.clone(), problem);
        }
        prop_assert_eq!(diagnostics.violation_count(), found.len());
        let told = diagnostics.into_violations();
        prop_assert_eq!(&told, &Violations::new(found.clone()));
        let (told, count) = told.map_or((0, 0), |told| (told.len(), told.count()));
        prop_assert_eq!((told, count), (found.len().min(MAX_VIOLATIONS), found.len()));
    }

    #[test]
    fn a_hint_is_always_a_candidate(written in r"\PC{0,12}", candidates in vec(r"\PC{0,12}", 0..6)) {
        let candidates: Vec<&str> = candidates.iter().map(String::as_str).collect();
        let hint = nearest(&written, candidates.iter().copied());
        prop_assert!(hint.is_none_or(|hint| candidates.contains(&hint)));
        let mut reversed = candidates.clone();
        reversed.reverse();
        prop_assert_eq!(nearest(&written, reversed), hint, "the order of the candidates means nothing");
        if candidates.contains(&written.as_str()) && !written.is_empty() {
            prop_assert_eq!(hint.map(str::to_lowercase), Some(written.to_lowercase()));
        }
    }
}

#[test]
fn diagnostics_without_violations_and_without_a_value_still_say_something() {
    let verdict = Diagnostics::default().finish::<()>(None).unwrap_err();
    assert_eq!((verdict[0].path.to_string().as_str(), verdict[0].code), ("", ViolationCode::WrongType));
    assert_eq!(Violations::new(Vec::new()), None);
}

#[test]
fn what_was_sent_is_kept_apart_from_what_was_not() {
    let sent = [Sent::Absent, Sent::Null, Sent::Unreadable, Sent::Given(1)];
    assert_eq!(sent.clone().map(Sent::into_option), [None, None, None, Some(1)]);
    assert_eq!(sent.clone().map(|sent| sent.or_keep(Some(2))), [Some(2), None, Some(2), Some(1)]);
    assert_eq!(sent.clone().map(|sent| sent.agrees_with(Some(&1))), [true, false, true, true]);
    assert_eq!(sent.clone().map(|sent| sent.agrees_with(None)), [true, true, true, false]);
    assert_eq!(sent.map(|sent| sent.is_present()), [false, true, true, true]);
}
