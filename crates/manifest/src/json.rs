//! JSON with places. `serde_json` judges the syntax; this reads what it accepted.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Number, Value};

use crate::MAX_DEPTH;
use crate::file::{File, Place};
use crate::mistake::{Mistake, Mistakes};
use crate::node::{Content, Node, Refusal, Span};
use crate::scalar::{float, integer};
use crate::yaml::too_deep;

/// Reads a JSON file. `None` if it is empty, or its syntax is wrong.
pub(crate) fn parse(file: &Arc<File>, mistakes: &mut Mistakes) -> Option<Node> {
    let text = file.text().unwrap_or_default();
    if text.trim_ascii().is_empty() {
        return None;
    }
    if let Some(at) = first_too_deep(text) {
        mistakes.push(too_deep(Place::new(file, at..at + 1)));
        return None;
    }
    if let Err(error) = serde_json::from_str::<Value>(text) {
        mistakes.push(syntax(file, text, &error));
        return None;
    }
    let mut reading = Reading { file, text, at: 0, mistakes };
    // What serde_json accepted is read to its end.
    reading.value(None)
}

/// The first bracket that is in too many others.
fn first_too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'[' | b'{' if !is_text => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(at);
                }
            }
            b']' | b'}' if !is_text => depth = depth.saturating_sub(1),
            _ => (),
        }
    }
    None
}

fn syntax(file: &Arc<File>, text: &str, error: &serde_json::Error) -> Mistake {
    // Lines end with a line feed there; column 0 is the end of the line before.
    let line = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let mut at = (line + error.column()).saturating_sub(1).min(text.len());
    if at >= text.len() {
        at = text.trim_end().len();
    }
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let sign = text[at..].chars().next().filter(|sign| !sign.is_whitespace());
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
    let place = Place::new(file, at..at + sign.map_or(0, char::len_utf8));
    Mistake::new("json_syntax", format!("is not JSON: {message}")).at(place)
}

struct Reading<'a, 'm> {
    file: &'a Arc<File>,
    text: &'a str,
    at: usize,
    mistakes: &'m mut Mistakes,
}

impl Reading<'_, '_> {
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes a sign, if it comes next.
    fn takes(&mut self, sign: u8) -> bool {
        let is_next = self.peek() == Some(sign);
        self.at += usize::from(is_next);
        is_next
    }

    fn value(&mut self, key: Option<Span>) -> Option<Node> {
        let first = self.peek()?;
        let start = self.at;
        let content = match first {
            b'{' => self.object()?,
            b'[' => self.list()?,
            b'"' => Content::Scalar(Value::String(self.string()?)),
            _ => self.word()?,
        };
        Some(Node { file: self.file.order(), span: Span::new(start..self.at), key, content })
    }

    fn list(&mut self) -> Option<Content> {
        self.at += 1;
        let mut items = Vec::new();
        while !self.takes(b']') {
            items.push(self.value(None)?);
            self.takes(b',');
        }
        Some(Content::List(items))
    }

    fn object(&mut self) -> Option<Content> {
        self.at += 1;
        let mut members = Vec::new();
        let mut keys: HashMap<String, Span> = HashMap::new();
        while !self.takes(b'}') {
            self.peek()?;
            let start = self.at;
            let name = self.string()?;
            let key = Span::new(start..self.at);
            self.takes(b':');
            let node = self.value(Some(key))?;
            self.takes(b',');
            if let Some(first) = keys.get(&name) {
                let mistake = Mistake::new("duplicate_member", format!("`{name}` stands twice in one object"));
                let place = |span: Span| Place::new(self.file, span.range());
                self.mistakes.push(mistake.at(place(key)).note("it stands here first", place(*first)));
            } else {
                keys.insert(name.clone(), key);
                members.push((name, node));
            }
        }
        Some(Content::Object(members))
    }

    fn string(&mut self) -> Option<String> {
        let rest = self.text.get(self.at..)?;
        let mut is_escaped = false;
        let length = rest.bytes().skip(1).position(|byte| {
            let is_end = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            is_end
        })?;
        self.at += length + 2;
        serde_json::from_str(&rest[..length + 2]).ok()
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<Content> {
        let rest = self.text.get(self.at..)?;
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let word = &rest[..rest.bytes().take_while(is_part).count()];
        // Anything else would be read for ever.
        if word.is_empty() {
            return None;
        }
        self.at += word.len();
        Some(match word {
            "true" => Content::Scalar(Value::Bool(true)),
            "false" => Content::Scalar(Value::Bool(false)),
            "null" => Content::Scalar(Value::Null),
            _ => number(word).map_or_else(Content::Refused, |number| Content::Scalar(Value::Number(number))),
        })
    }
}

fn number(word: &str) -> Result<Number, Refusal> {
    // Zero with a sign is a double in JSON, too: an integer would lose the sign.
    if word.contains(['.', 'e', 'E']) || word == "-0" { float(word) } else { integer(word).ok_or(Refusal::TooLarge) }
}
