//! What becomes of a source version after it was published. Its contract never changes; whether it should be run does.

use crate::model::access::Subject;
use crate::model::from_text::words;
use crate::model::id::SourceVersionId;
use crate::model::revision::Revision;
use crate::model::text::Description;
use crate::model::timestamp::Timestamp;

words! {
    /// Whether a source version should be run.
    #[derive(Default)]
    LifecycleStage, "is not a stage of a source version":
    /// It should: so it begins.
    #[default]
    Active = "active";
    /// Jobs should leave it; a job that comes to it is told so.
    Deprecated = "deprecated";
    /// No job comes to it. Jobs that run it go on.
    Withdrawn = "withdrawn";
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
