use super::json::quoted;
use super::node::Node;

/// A value as YAML 1.2, which YAML 1.1 reads in the same way.
pub(crate) fn yaml(node: &Node) -> String {
    let mut text = String::new();
    match node {
        Node::Map(members) if !members.is_empty() => map(members, 0, &mut text),
        Node::List(items) if !items.is_empty() => list(items, 0, &mut text),
        other => {
            text.push_str(&leaf(other));
            text.push('\n');
        }
    }
    text
}

/// A text as a scalar: plain where nobody can take it for anything else, else in quotation marks.
pub(crate) fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

fn map(members: &[(String, Node)], depth: usize, out: &mut String) {
    for (name, value) in members {
        out.push_str(&"  ".repeat(depth));
        member(name, value, depth, out);
    }
}

fn member(name: &str, value: &Node, depth: usize, out: &mut String) {
    out.push_str(&scalar(name));
    out.push(':');
    match value {
        Node::Map(members) if !members.is_empty() => {
            out.push('\n');
            map(members, depth + 1, out);
        }
        Node::List(items) if !items.is_empty() => {
            out.push('\n');
            list(items, depth + 1, out);
        }
        other => out.push_str(&format!(" {}\n", leaf(other))),
    }
}

fn list(items: &[Node], depth: usize, out: &mut String) {
    for item in items {
        out.push_str(&"  ".repeat(depth));
        out.push_str("- ");
        match item {
            Node::Map(members) if !members.is_empty() => {
                let (name, value) = &members[0];
                member(name, value, depth + 1, out);
                map(&members[1..], depth + 1, out);
            }
            Node::List(inner) if !inner.is_empty() => {
                // The first item of the inner list stands on a line of its own.
                out.pop();
                out.push('\n');
                list(inner, depth + 1, out);
            }
            other => out.push_str(&format!("{}\n", leaf(other))),
        }
    }
}

fn leaf(node: &Node) -> String {
    match node {
        Node::Null => "null".to_owned(),
        Node::Bool(flag) => flag.to_string(),
        Node::Number(number) => number.clone(),
        Node::Text(text) => scalar(text),
        Node::List(_) => "[]".to_owned(),
        Node::Map(_) => "{}".to_owned(),
    }
}

/// Words of ASCII that begin with a letter, but those that mean something in one of the two YAMLs.
fn is_plain(text: &str) -> bool {
    const TAKEN: [&str; 11] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"];
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-. /".contains(&byte))
        && !TAKEN.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_something_else_is_quoted() {
        for plain in ["Job A", "on_time", "mildew-predictor", "v1.0.0"] {
            assert_eq!(scalar(plain), plain);
        }
        for quoted in
            ["", "1.10", "true", "No", "null", "a: b", "a #b", "- a", "~", "a ", " a", "2026-06-01", "é", "@a"]
        {
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
          -
            - 3
          - {}
        none: null
        empty: []
        "#);
    }
}
