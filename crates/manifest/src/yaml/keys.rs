//! The keys of objects in YAML.

use saphyr_parser::ScalarStyle;
use serde_json::Value;

use super::{Fate, Key, OpenContent, Reading};
use crate::mistake::Mistake;
use crate::node::{Content, Span};

impl Reading<'_, '_> {
    /// Whether what comes next is a key.
    pub(super) fn expects_key(&self) -> bool {
        matches!(self.open.last().map(|open| &open.content), Some(OpenContent::Object { next: None, .. }))
    }

    /// The key of the value that comes next.
    pub(super) fn next_key(&self) -> Option<&Key> {
        match self.open.last().map(|open| &open.content) {
            Some(OpenContent::Object { next, .. }) => next.as_ref(),
            _ => None,
        }
    }

    /// Takes a scalar as a key.
    pub(super) fn key(&mut self, text: &str, content: &Content, style: ScalarStyle, span: Span, is_refused: bool) {
        if is_refused {
            return self.refused_key(span);
        }
        if style == ScalarStyle::Plain && text == "<<" {
            let mistake = Mistake::new("merge_key", "merge keys are not read").at(self.place(span));
            self.mistakes.push(mistake.hint("write the members out"));
            return self.set_key(String::new(), span, Fate::Merged);
        }
        if !matches!(content, Content::Scalar(Value::String(_)) | Content::Date(_)) {
            let message = match content {
                _ if text.is_empty() => "a key is missing before the colon".to_owned(),
                Content::Refused(refusal) => refusal.mistake(text).message,
                Content::Scalar(Value::Bool(_)) => format!("a key is a text, and {text} is a boolean"),
                Content::Scalar(Value::Null) => format!("a key is a text, and {text} is null"),
                _ => format!("a key is a text, and {text} is a number"),
            };
            let mistake = Mistake::new("key_not_text", message).at(self.place(span));
            self.mistakes.push(mistake.hint(format!("quote it: {}", Value::from(text))));
            return self.refused_key(span);
        }
        let Some(OpenContent::Object { keys, .. }) = self.open.last_mut().map(|open| &mut open.content) else { return };
        if let Some(first) = keys.get(text).copied() {
            let mistake = Mistake::new("duplicate_member", format!("`{text}` stands twice in one object"));
            let mistake = mistake.at(self.place(span)).note("it stands here first", self.place(first));
            self.mistakes.push(mistake);
            return self.refused_key(span);
        }
        keys.insert(text.to_owned(), span);
        self.set_key(text.to_owned(), span, Fate::Keep);
    }

    /// Takes a key whose value does not matter.
    pub(super) fn refused_key(&mut self, span: Span) {
        self.set_key(String::new(), span, Fate::Drop);
    }

    fn set_key(&mut self, name: String, span: Span, fate: Fate) {
        let Some(open) = self.open.last_mut() else { return };
        open.end = open.end.max(span.end());
        if let OpenContent::Object { next, .. } = &mut open.content {
            *next = Some(Key { name, span, fate });
        }
    }
}
