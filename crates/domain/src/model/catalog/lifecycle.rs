//! What becomes of a source version after it was published. Its contract never changes; whether it should be run does.

use std::fmt;

use serde::Serialize;

use crate::model::access::Subject;
use crate::model::from_text::from_text;
use crate::model::id::SourceVersionId;
use crate::model::revision::Revision;
use crate::model::text::Description;
use crate::model::timestamp::Timestamp;
use crate::model::violation::ValueProblem;

/// Whether a source version should be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LifecycleStage {
    /// It should: so it begins.
    #[default]
    Active,
    /// Jobs should leave it; a job that comes to it is told so.
    Deprecated,
    /// No job comes to it. Jobs that run it go on.
    Withdrawn,
}

impl LifecycleStage {
    /// Every stage there is.
    pub const ALL: [Self; 3] = [Self::Active, Self::Deprecated, Self::Withdrawn];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deprecated => "deprecated",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The stage of that name.
    pub fn parse(text: &str) -> Result<Self, ValueProblem> {
        let found = Self::ALL.into_iter().find(|stage| stage.as_str() == text);
        found.ok_or_else(|| {
            ValueProblem::unknown_word(text, "is not a stage of a source version", &Self::ALL.map(Self::as_str))
        })
    }
}

from_text!(LifecycleStage, parse: Self::parse, restore: Self::parse);

impl fmt::Display for LifecycleStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a source version is in its life. It begins active, and says nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// Whether it should be run.
    pub stage: LifecycleStage,
    /// Why, for people.
    pub reason: Option<Description>,
    /// The version of the same source that should be run instead.
    pub replaced_by: Option<SourceVersionId>,
    /// When it will not be supported any more. The service does nothing then.
    pub end_of_life_at: Option<Timestamp>,
    /// How often this was changed.
    pub revision: Revision,
    /// When this was last changed; `None` if it never was.
    pub changed_at: Option<Timestamp>,
    /// The author of the last change.
    pub changed_by: Option<Subject>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            stage: LifecycleStage::Active,
            reason: None,
            replaced_by: None,
            end_of_life_at: None,
            revision: Revision::FIRST,
            changed_at: None,
            changed_by: None,
        }
    }
}
