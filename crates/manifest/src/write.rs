//! YAML, written such that it reads back as the same document.

use serde_json::Value;

use crate::escape::is_unsafe;
use crate::node::Content;
use crate::scalar::resolve;

/// Writes a document as YAML, its members in their order. Texts are in quotes whenever a program could read them as
/// something else. Lists and objects may be nested in each other [`MAX_DEPTH`](crate::MAX_DEPTH) times to be read back.
///
/// ```
/// use serde_json::json;
///
/// let yaml = prediction_manifest::to_yaml(&json!({"jobs": [{"name": "rain", "version": "1.10"}], "prune": false}));
/// assert_eq!(yaml, "jobs:\n  - name: rain\n    version: \"1.10\"\nprune: false\n");
/// ```
#[must_use]
pub fn to_yaml(value: &Value) -> String {
    to_yaml_in_order(value, &[])
}

/// The same, but the members with these names stand before the others, in this order, in all objects.
#[must_use]
pub fn to_yaml_in_order(value: &Value, first: &[&str]) -> String {
    let mut writing = Writing { first, text: String::new() };
    writing.value(value, 0);
    writing.text
}

struct Writing<'a> {
    first: &'a [&'a str],
    text: String,
}

impl Writing<'_> {
    /// Writes a value from where the line is, with all further lines at that indentation, and ends the line.
    fn value(&mut self, value: &Value, indentation: usize) {
        match value {
            Value::Array(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    self.indent(index, indentation);
                    self.text.push_str("- ");
                    self.value(item, indentation + 2);
                }
            }
            Value::Object(members) if !members.is_empty() => {
                let mut members: Vec<(&String, &Value)> = members.iter().collect();
                let rank = |name: &str| self.first.iter().position(|first| *first == name).unwrap_or(self.first.len());
                members.sort_by_key(|(name, _)| rank(name));
                for (index, (name, member)) in members.into_iter().enumerate() {
                    self.indent(index, indentation);
                    self.member(name, member, indentation);
                }
            }
            _ => {
                self.scalar(value);
                self.text.push('\n');
            }
        }
    }

    fn member(&mut self, name: &str, member: &Value, indentation: usize) {
        /// A key before a colon can be 1024 characters long.
        const LONGEST_KEY: usize = 1000;
        let key = text(name);
        let is_long = key.len() > LONGEST_KEY;
        if is_long {
            self.text.push_str("? ");
            self.text.push_str(&key);
            self.text.push('\n');
            self.indent(1, indentation);
        } else {
            self.text.push_str(&key);
        }
        self.text.push(':');
        if is_filled(member) {
            self.text.push('\n');
            self.indent(1, indentation + 2);
            self.value(member, indentation + 2);
        } else {
            self.text.push(' ');
            self.value(member, indentation + 2);
        }
    }

    /// The first line stands behind something already.
    fn indent(&mut self, index: usize, indentation: usize) {
        if index > 0 {
            self.text.extend(std::iter::repeat_n(' ', indentation));
        }
    }

    fn scalar(&mut self, value: &Value) {
        match value {
            Value::String(string) => self.text.push_str(&text(string)),
            Value::Array(_) => self.text.push_str("[]"),
            Value::Object(_) => self.text.push_str("{}"),
            // Numbers of JSON are numbers of YAML.
            _ => self.text.push_str(&value.to_string()),
        }
    }
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    }
}

fn text(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Whether a text means itself without quotes, to every program that reads YAML.
fn is_plain(text: &str) -> bool {
    /// What YAML 1.1 takes for a boolean.
    const WORDS: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "true", "false"];
    let is_inner = |sign: char| {
        sign.is_alphanumeric() || matches!(sign, ' ' | '_' | '-' | '.' | '/' | '+' | '(' | ')' | '@' | '=') || {
            !sign.is_ascii() && is_printable(sign)
        }
    };
    let starts_well = text.starts_with(|first: char| first == '_' || !first.is_ascii() || first.is_ascii_alphabetic());
    starts_well
        && text.trim() == text
        && text.chars().all(is_inner)
        && !WORDS.contains(&&*text.to_ascii_lowercase())
        && matches!(resolve(text), Content::Scalar(Value::String(_)))
}

fn is_printable(sign: char) -> bool {
    !is_unsafe(sign) && !sign.is_whitespace() && !matches!(sign, '\u{fffe}' | '\u{ffff}')
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for sign in text.chars() {
        match sign {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            ' ' => quoted.push(' '),
            _ if is_printable(sign) => quoted.push(sign),
            _ if u32::from(sign) <= 0xffff => quoted.push_str(&format!("\\u{:04x}", u32::from(sign))),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(sign))),
        }
    }
    quoted.push('"');
    quoted
}
