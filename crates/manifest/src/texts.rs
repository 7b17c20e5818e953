//! Scalars that are not what they have to be.

use std::sync::Arc;

use serde_json::Value;

use crate::file::{File, Place};
use crate::mistake::{Mistake, Mistakes};
use crate::node::{Content, Node};
use crate::shape::Expect;

/// Goes through all values at a place of the document, and tells which cannot be kept, and which are no texts.
pub(crate) struct Checks<'a> {
    pub(crate) files: &'a [Arc<File>],
    pub(crate) expect: fn(&str) -> Expect,
    /// Where it is: a pointer with `*` for items.
    pub(crate) path: String,
}

impl Checks<'_> {
    pub(crate) fn check(&mut self, node: &Node, mistakes: &mut Mistakes) {
        match &node.content {
            Content::List(items) => {
                for item in items {
                    self.within("*", item, mistakes);
                }
            }
            Content::Object(members) => {
                for (name, member) in members {
                    self.within(name, member, mistakes);
                }
            }
            Content::Broken => (),
            _ => self.scalar(node, mistakes),
        }
    }

    fn within(&mut self, name: &str, node: &Node, mistakes: &mut Mistakes) {
        let length = self.path.len();
        self.path.push('/');
        if name.contains(['~', '/']) {
            self.path.push_str(&name.replace('~', "~0").replace('/', "~1"));
        } else {
            self.path.push_str(name);
        }
        self.check(node, mistakes);
        self.path.truncate(length);
    }

    fn scalar(&self, node: &Node, mistakes: &mut Mistakes) {
        let file = &self.files[node.file];
        let text = file.text().unwrap_or_default();
        let written = text.get(node.span.range()).unwrap_or_default();
        let expect = (self.expect)(&self.path);
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let kind = match &node.content {
            Content::Refused(refusal) if expect == Expect::Anything => {
                let place = Place::new(file, node.span.range());
                mistakes.push(refusal.mistake(written).at(place));
                return;
            }
            _ if expect == Expect::Anything => return,
            Content::Scalar(Value::Null) if expect == Expect::TextOrNull => return,
            Content::Scalar(Value::Null) if written.is_empty() => {
                let place = Place::new(file, node.head(text).range());
                mistakes.push(Mistake::new("not_text", format!("`{name}` is a text, and there is none")).at(place));
                return;
            }
            Content::Scalar(Value::Null) => "is null".to_owned(),
            Content::Scalar(Value::Bool(_)) => "is a boolean".to_owned(),
            Content::Scalar(Value::Number(number)) if number.to_string() == written => "is a number".to_owned(),
            Content::Scalar(Value::Number(number)) => format!("is the number {number}"),
            Content::Date(_) => "is a date to many programs".to_owned(),
            Content::Refused(_) => "is none without quotes".to_owned(),
            _ => return,
        };
        let mistake = Mistake::new("not_text", format!("`{name}` is a text, and {written} {kind}"));
        let mistake = mistake.at(Place::new(file, node.span.range()));
        mistakes.push(mistake.hint(format!("quote it: {}", Value::from(written))));
    }
}
