//! What is wrong with a file.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::MAX_MISTAKES;
use crate::file::Place;

/// Something that is wrong with a file, for its author. Its texts may quote what the author wrote: only
/// [`render`](crate::render) makes them safe for a terminal.
#[derive(Debug, Clone)]
pub struct Mistake {
    /// Which kind of mistake it is.
    pub code: Cow<'static, str>,
    /// What is wrong.
    pub message: String,
    /// Where; not there if no file is to blame.
    pub place: Option<Place>,
    /// What stands beside the place.
    pub label: Option<String>,
    /// What may have been meant.
    pub hint: Option<String>,
    /// Other places that have to do with it.
    pub notes: Vec<Note>,
}

/// Another place that has to do with a mistake.
#[derive(Debug, Clone)]
pub struct Note {
    /// What is there.
    pub message: String,
    /// Where.
    pub place: Place,
}

/// What a service found wrong with the document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Violation {
    /// Where in the document: a JSON pointer (RFC 6901).
    pub pointer: Option<String>,
    /// Which kind of mistake it is.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What may have been meant.
    pub hint: Option<String>,
    /// What would have been right.
    pub expected: Option<Value>,
    /// The value that the service judged.
    pub actual: Option<Value>,
}

impl Mistake {
    /// A mistake without a place.
    #[must_use]
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code: code.into(), message, place: None, label: None, hint: None, notes: Vec::new() }
    }

    /// Says where it is.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Says what stands beside the place.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Says what may have been meant.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Names another place.
    #[must_use]
    pub fn note(mut self, message: impl Into<String>, place: Place) -> Self {
        self.notes.push(Note { message: message.into(), place });
        self
    }

    /// Files in the order of reading, and places in the order of the file. What has no place stands first.
    pub(crate) fn order(&self) -> Option<(usize, Option<usize>)> {
        self.place.as_ref().map(Place::order)
    }
}

/// The mistakes that were found so far, of each file only so many.
#[derive(Debug, Default)]
pub(crate) struct Mistakes {
    found: Vec<Mistake>,
    counts: BTreeMap<usize, (usize, Option<Place>)>,
}

impl Mistakes {
    pub(crate) fn push(&mut self, mistake: Mistake) {
        if let Some(place) = &mistake.place {
            let (count, last) = self.counts.entry(place.file.order()).or_default();
            *count += 1;
            if *count > MAX_MISTAKES {
                last.get_or_insert_with(|| Place::of_file(&place.file));
                return;
            }
        }
        self.found.push(mistake);
    }

    pub(crate) fn into_sorted(self) -> Vec<Mistake> {
        let mut found = self.found;
        found.sort_by_key(Mistake::order);
        for (count, place) in self.counts.into_values() {
            let Some(place) = place else { continue };
            let more = count - MAX_MISTAKES;
            let message = format!("{more} more {} in this file", if more == 1 { "mistake" } else { "mistakes" });
            let behind = found.partition_point(|mistake| {
                mistake.place.as_ref().is_none_or(|other| other.file.order() <= place.file.order())
            });
            found.insert(behind, Mistake::new("more_mistakes", message).at(place));
        }
        found
    }
}
