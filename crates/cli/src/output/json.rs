use prediction_client::is_unprintable;

use super::node::Node;

/// JSON for people and programs: indented, members in their order, ended by a line end. Characters that a terminal
/// would obey are escaped, which is the same text to whoever reads JSON.
pub(crate) fn pretty(node: &Node) -> String {
    let mut text = String::new();
    write(node, 0, &mut text);
    text.push('\n');
    text
}

fn write(node: &Node, depth: usize, out: &mut String) {
    match node {
        Node::Null => out.push_str("null"),
        Node::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Node::Number(number) => out.push_str(number),
        Node::Text(text) => out.push_str(&quoted(text)),
        Node::List(items) if items.is_empty() => out.push_str("[]"),
        Node::Map(members) if members.is_empty() => out.push_str("{}"),
        Node::List(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                line(place, depth + 1, out);
                write(item, depth + 1, out);
            }
            end(depth, out);
            out.push(']');
        }
        Node::Map(members) => {
            out.push('{');
            for (place, (name, value)) in members.iter().enumerate() {
                line(place, depth + 1, out);
                out.push_str(&quoted(name));
                out.push_str(": ");
                write(value, depth + 1, out);
            }
            end(depth, out);
            out.push('}');
        }
    }
}

fn line(place: usize, depth: usize, out: &mut String) {
    if place > 0 {
        out.push(',');
    }
    end(depth, out);
}

fn end(depth: usize, out: &mut String) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

/// A text as JSON writes it. YAML reads no pairs of escapes for one character: it has a writer of its own.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            _ if is_unprintable(character) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    quoted.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_numbers_their_digits() {
        let text = r#"{"z":1,"a":[14.2,1e300,-0.5,18446744073709551615,true,null],"m":{},"l":[]}"#;
        let node: Node = serde_json::from_str(text).unwrap();
        insta::assert_snapshot!(pretty(&node), @r#"
        {
          "z": 1,
          "a": [
            14.2,
            1e+300,
            -0.5,
            18446744073709551615,
            true,
            null
          ],
          "m": {},
          "l": []
        }
        "#);
    }

    #[test]
    fn hostile_texts_are_escaped_and_stay_the_same() {
        let text = "a\u{1b}[2J\u{202e}\u{e0041}\n\"\\é";
        let written = pretty(&Node::Text(text.to_owned()));
        assert_eq!(written, "\"a\\u001b[2J\\u202e\\udb40\\udc41\\n\\\"\\\\é\"\n");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }
}
