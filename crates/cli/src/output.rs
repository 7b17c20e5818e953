//! How results are printed.

mod json;
mod node;
mod table;
mod times;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use prediction_manifest::to_yaml;
use serde_json::Value;

pub(crate) use json::pretty;
pub(crate) use node::Node;
pub(crate) use table::{Cell, Column, Table};
pub(crate) use times::{ago, duration, exact, parse_duration};

use crate::console::Console;
use crate::failure::Failure;

/// In what form results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people, as wide as the terminal
    #[default]
    Table,
    /// For people, with everything there is
    Wide,
    /// What the service answered
    Json,
    /// The same as YAML
    Yaml,
    /// The columns of wide, with exact times
    Csv,
    /// Names only, one on each line
    Name,
}

/// Reads the forms that a verb can print its result in. Another one is refused with the command line, before anything
/// is asked or changed.
pub(crate) fn one_of(formats: &[Format]) -> impl TypedValueParser<Value = Format> + use<> {
    let known = formats.iter().filter_map(ValueEnum::to_possible_value);
    PossibleValuesParser::new(known).map(|word| Format::from_str(&word, false).unwrap_or_default())
}

/// A value as YAML, by the writer of documents.
pub(crate) fn yaml(node: &Node) -> String {
    to_yaml(&node.to_value())
}

/// A text as a scalar of YAML: plain where nobody can take it for anything else, else in quotation marks.
pub(crate) fn scalar(text: &str) -> String {
    to_yaml(&Value::from(text)).trim_end_matches('\n').to_owned()
}

/// Prints a value as JSON or YAML.
pub(crate) fn print_value(console: &mut Console<'_>, value: &Node, is_yaml: bool) -> Result<(), Failure> {
    let text = if is_yaml { yaml(value) } else { pretty(value) };
    console.out.write_all(text.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use prediction_client::is_unprintable;

    use super::*;

    #[test]
    fn what_could_be_something_else_is_quoted() {
        for plain in ["Job A", "on_time", "mildew-predictor", "v1.0.0", "Weingut Müller"] {
            assert_eq!(scalar(plain), plain);
        }
        for quoted in ["", "1.10", "true", "No", "null", "a: b", "a #b", "- a", "~", "a ", " a", "2026-06-01", "@a"] {
            assert_eq!(scalar(quoted), format!("\"{quoted}\""));
        }
        assert_eq!(scalar("a\u{1b}[2J"), "\"a\\u001b[2J\"");
    }

    #[test]
    fn values_are_nested() {
        let text =
            r#"{"name":"Job A","version":"1.10","bindings":[{"role":"t","ids":[1,2]},[3],{}],"none":null,"empty":[]}"#;
        let node: Node = serde_json::from_str(text).unwrap();
        insta::assert_snapshot!(yaml(&node), @r#"
        name: Job A
        version: "1.10"
        bindings:
          - role: t
            ids:
              - 1
              - 2
          - - 3
          - {}
        none: null
        empty: []
        "#);
    }

    #[test]
    fn no_form_has_a_character_that_steers_a_terminal() {
        for character in (0..=u32::from(char::MAX)).filter_map(char::from_u32).filter(|sign| is_unprintable(*sign)) {
            let text = Node::Text(format!("a{character}b"));
            for shown in [pretty(&text), yaml(&text), crate::console::harmless(&text.plain().unwrap(), true)] {
                let shown = shown.trim_end_matches('\n');
                // A line end ends a line, in texts of more than one.
                assert!(character == '\n' || !shown.contains(character), "{shown:?}");
            }
        }
    }
}
