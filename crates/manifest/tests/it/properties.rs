//! What holds for all documents and files.

use prediction_manifest::{Input, Manifest, Style, read, render, to_yaml};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::support::{SHAPE, bytes, plain, read_text};

/// Texts that YAML could take for something else, and any others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[-+.~?:,\\[\\]{}#&*!|>'\"%@` \t\n0-9a-f_]{0,8}",
        "[0-9]{1,4}[-_.:][0-9]{1,2}([-_.:eE][0-9]{1,2})?",
        "[ \r\n\t\u{85}\u{a0}\u{2028}\u{feff}\u{200d}é😀x]{0,4}",
        prop::sample::select(vec![
            "no", "null", "TRUE", "~", "<<", "---", "...", "- a", "? a", ".inf", "0x1f", "=", "n"
        ])
        .prop_map(ToOwned::to_owned),
        "[a-z]{1,3}( [a-z]{1,3}){0,2}",
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Value::from),
        (-1e6..1e6).prop_map(Value::from),
        text().prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            members(text(), inner).prop_map(Value::Object),
        ]
    })
}

fn members(
    name: impl Strategy<Value = String>,
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((name, value), 0..5).prop_map(|members| members.into_iter().collect())
}

/// Any document whose members are those that there may be.
fn document() -> impl Strategy<Value = Value> {
    let list = prop::collection::vec(value(), 0..4).prop_map(Value::from);
    let member = prop_oneof![("set|organisation_id|prune|anything", value()), ("sources|inputs|jobs", list),];
    let members = prop::collection::vec(member, 0..5);
    members.prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()))
}

/// The same document without what the checks of these tests refuse.
fn is_accepted(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(is_accepted),
        Value::Object(members) => members.iter().all(|(name, member)| {
            !["version", "name", "role", "input_id", "unit"].contains(&name.as_str()) && is_accepted(member)
        }),
        _ => true,
    }
}

/// All scalars with their pointers.
fn scalars<'v>(value: &'v Value, pointer: String, found: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| scalars(item, format!("{pointer}/{index}"), found));
        }
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            scalars(member, format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), found);
        }),
        _ => found.push((pointer, value)),
    }
}

fn is_same(a: &Value, b: &Value) -> bool {
    // Equal numbers may differ in their sign or their kind.
    let text = |value: &Value| value.to_string();
    a == b && text(a) == text(b)
}

fn must_read(inputs: &[Input]) -> Manifest {
    read(inputs, &SHAPE).unwrap_or_else(|mistakes| panic!("{inputs:?}\n{}", plain(&mistakes)))
}

/// Each scalar's place holds what reads back as that scalar.
fn assert_places(manifest: &Manifest, prefix: &str) {
    let mut found = Vec::new();
    scalars(manifest.document(), String::new(), &mut found);
    for (pointer, value) in found {
        let located = manifest.locate(&pointer);
        assert!(located.absent.is_none(), "{pointer}");
        let text = located.place.text().unwrap();
        let again = must_read(&[bytes("cut", format!("{prefix}{text}"))]).into_document();
        assert!(is_same(&again["anything"], value), "{pointer}: {text:?} is {again}");
    }
}

/// Anything that is made of what means something in YAML.
const SIGNS: &str = "([-?:,\\[\\]{}#&*!|>'\"%@` \t\r\n~a1é気]|: |- |jobs:\n|name: |<<: |---\n|\\\\u){0,40}";

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(document in document().prop_filter("no checks", is_accepted)) {
        let yaml = to_yaml(&document);
        let manifest = must_read(&[bytes("a.yaml", &yaml)]);
        prop_assert!(is_same(manifest.document(), &document), "{yaml}");
        // With other ends of lines, too.
        let manifest = must_read(&[bytes("a.yaml", yaml.replace('\n', "\r\n"))]);
        prop_assert!(is_same(manifest.document(), &document), "{yaml}");
        assert_places(&manifest, "anything: ");
    }

    #[test]
    fn json_reads_as_serde_json_reads_it(document in document().prop_filter("no checks", is_accepted), pretty: bool) {
        let json = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
        let manifest = must_read(&[bytes("<stdin>", json.unwrap())]);
        prop_assert!(is_same(manifest.document(), &document));
        let mut found = Vec::new();
        scalars(manifest.document(), String::new(), &mut found);
        for (pointer, value) in found {
            let place = manifest.locate(&pointer).place;
            let again: Value = serde_json::from_str(place.text().unwrap()).unwrap();
            prop_assert!(is_same(&again, value));
        }
    }

    /// But for signs that cannot stand in YAML without an escape sequence.
    #[test]
    fn json_is_yaml(document in document().prop_filter("no checks", is_accepted), pretty: bool) {
        let json = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
        match read(&[bytes("a", format!("---\n{}", json.unwrap()))], &SHAPE) {
            Ok(manifest) => prop_assert!(is_same(manifest.document(), &document)),
            Err(mistakes) => {
                prop_assert!(mistakes.iter().all(|mistake| mistake.code == "control_character"), "{}", plain(&mistakes));
            }
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes_of_it in prop::collection::vec(any::<u8>(), 0..200), width in 0_usize..200) {
        for name in ["a.yaml", "a.json"] {
            let folder = crate::support::folder(&[]);
            let path = folder.path().join(name);
            crate::support::write(&path, &bytes_of_it);
            if let Err(mistakes) = read(&[Input::Path(path)], &SHAPE) {
                let _ = render(&mistakes, &Style { width, color: true });
            }
        }
    }

    #[test]
    fn signs_of_yaml_never_panic(text in SIGNS, width in 0_usize..200) {
        match read_text(&text) {
            Ok(manifest) => assert_places_inside(&manifest),
            Err(mistakes) => {
                for place in mistakes.iter().filter_map(|mistake| mistake.place.as_ref()) {
                    prop_assert!(place.span.is_none() || place.text().is_some());
                }
                let _ = render(&mistakes, &Style { width, color: false });
            }
        }
    }

    #[test]
    fn plain_texts_and_comments_keep_their_places(
        words in prop::collection::vec("[a-zé気😀]{1,6}", 1..6),
        gap in " {1,3}",
    ) {
        let yaml: Vec<_> = words.iter().map(|word| format!("  -{gap}{word}{gap}# {word}\n\n")).collect();
        let manifest = must_read(&[bytes("a.yaml", format!("anything:\n{}", yaml.concat()))]);
        for (index, word) in words.iter().enumerate() {
            let place = manifest.locate(&format!("/anything/{index}")).place;
            prop_assert_eq!(place.text(), Some(word.as_str()));
            prop_assert_eq!(place.line(), Some(2 * index + 2));
        }
    }
}

fn assert_places_inside(manifest: &Manifest) {
    let mut found = Vec::new();
    scalars(manifest.document(), String::new(), &mut found);
    for (pointer, _) in found {
        assert!(manifest.locate(&pointer).place.text().is_some(), "{pointer}");
    }
}
