//! The document, and where its values stand.

use std::sync::Arc;

use serde_json::Value;

use crate::file::{File, Place};
use crate::mistake::{Mistake, Violation};
use crate::node::{Content, Node};

/// The document that files of a user make.
#[derive(Debug, Clone)]
pub struct Manifest {
    files: Vec<Arc<File>>,
    root: Node,
    document: Value,
}

/// The place of a value.
#[derive(Debug, Clone)]
pub struct Located {
    /// Where the value stands, or the nearest that is around it. The whole file if nothing is.
    pub place: Place,
    /// The first name or index on the way that is absent, if the value is not there.
    pub absent: Option<String>,
}

impl Manifest {
    pub(crate) fn new(files: Vec<Arc<File>>, root: Node) -> Self {
        let document = root.to_value();
        Self { files, root, document }
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The document, when the places are no longer needed.
    #[must_use]
    pub fn into_document(self) -> Value {
        self.document
    }

    /// The files that it is made of, in the order of reading.
    #[must_use]
    pub fn files(&self) -> &[Arc<File>] {
        &self.files
    }

    /// Where the value at a JSON pointer (RFC 6901) stands. Of lists and objects it is the key, or the first member:
    /// never the whole of it.
    #[must_use]
    pub fn locate(&self, pointer: &str) -> Located {
        let (node, absent) = self.find(pointer);
        Located { place: self.head(node), absent }
    }

    /// Where the key of the member at a JSON pointer stands. An item of a list, which has no key, is located itself.
    #[must_use]
    pub fn locate_key(&self, pointer: &str) -> Located {
        let (node, absent) = self.find(pointer);
        let place = match node.key {
            Some(key) => Place::new(&self.files[node.file], key.range()),
            None => self.head(node),
        };
        Located { place, absent }
    }

    /// What a service found wrong, at its place in the files. A member that does not exist is told by its key.
    #[must_use]
    pub fn mistake(&self, violation: &Violation) -> Mistake {
        let mut mistake = Mistake::new(violation.code.clone(), violation.message.clone());
        mistake.hint.clone_from(&violation.hint);
        let mut label = violation.expected.as_ref().map(|expected| format!("expected {}", brief(expected)));
        if let Some(pointer) = &violation.pointer {
            let is_key = matches!(&*violation.code, "unknown_member" | "duplicate_member");
            let located = if is_key { self.locate_key(pointer) } else { self.locate(pointer) };
            if let Some(name) = located.absent {
                let absent = format!("`{name}` is absent");
                label = Some(label.map_or(absent.clone(), |label| format!("{absent}: {label}")));
            }
            mistake = mistake.at(located.place);
        }
        mistake.label = label;
        // What stands in the file needs no repeating; what the service made of it does.
        if let Some(actual) = &violation.actual
            && violation.pointer.as_ref().is_none_or(|pointer| self.document.pointer(pointer) != Some(actual))
        {
            mistake.label = Some(match mistake.label {
                Some(label) => format!("{label}, is {}", brief(actual)),
                None => format!("is {}", brief(actual)),
            });
        }
        mistake
    }

    /// The value at a pointer, or the nearest around it and what is absent there.
    fn find(&self, pointer: &str) -> (&Node, Option<String>) {
        let mut node = &self.root;
        let mut steps = pointer.split('/');
        if steps.next().is_some_and(|first| !first.is_empty()) {
            return (node, Some(pointer.to_owned()));
        }
        for step in steps {
            let name = step.replace("~1", "/").replace("~0", "~");
            match node.child(&name) {
                Some(child) => node = child,
                None => return (node, Some(name)),
            }
        }
        (node, None)
    }

    fn head(&self, node: &Node) -> Place {
        let file = &self.files[node.file];
        // The document is made of files: none of its places stands for all.
        if std::ptr::eq(node, &raw const self.root) {
            return Place::of_file(file);
        }
        let text = file.text().unwrap_or_default();
        let is_item = node.key.is_none() && matches!(node.content, Content::List(_) | Content::Object(_));
        let span = if is_item { node.first(text) } else { node.head(text) };
        Place::new(file, span.range())
    }
}

/// A value for people, if it is short.
fn brief(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST).chain(['…']).collect() }
}
