//! What becomes of one thing, and what a whole plan does.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::model::{
    ApplyAction, InputPosition, JobName, OrganisationId, Path, Revision, Segment, SetName, SourceName, Subject,
    Timestamp, VersionLabel,
};
use crate::use_cases::Resource;

/// What becomes of one thing.
#[derive(Debug, Clone, PartialEq)]
pub struct AppliedChange {
    /// What it is called.
    pub key: AppliedKey,
    /// Its identity; `None` if that is made only when the document is applied.
    pub id: Option<Uuid>,
    /// What becomes of it.
    pub action: ApplyAction,
    /// The revision that it has then; `None` if it has none, or is deleted.
    pub revision: Option<Revision>,
    /// In what it is different now.
    pub differences: Vec<Difference>,
    /// Whether there are differences that are not told, since the answer would be too large.
    pub differences_omitted: bool,
    /// Its place in the document, if it has one.
    pub place: Option<Path>,
    /// Who changed it by hand since the document was applied last, if that happened.
    pub changed_outside: Option<ChangedOutside>,
    /// How many runs are deleted with it.
    pub runs: Option<u64>,
}

/// What a thing is called, for people and for other documents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AppliedKey {
    /// A source.
    Source {
        /// Its name.
        name: SourceName,
    },
    /// A source version.
    SourceVersion {
        /// The name of its source.
        source: SourceName,
        /// The version.
        version: VersionLabel,
    },
    /// An input.
    Input(InputPosition),
    /// A job.
    Job {
        /// Whose it is.
        organisation_id: OrganisationId,
        /// Its name.
        name: JobName,
    },
}

impl AppliedKey {
    /// What kind of thing.
    #[must_use]
    pub fn resource(&self) -> Resource {
        match self {
            Self::Source { .. } => Resource::Source,
            Self::SourceVersion { .. } => Resource::SourceVersion,
            Self::Input(_) => Resource::Input,
            Self::Job { .. } => Resource::Job,
        }
    }

    /// Its members, as in a document.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Source { name } => json!({ "name": name }),
            Self::SourceVersion { source, version } => json!({ "source": { "name": source }, "version": version }),
            Self::Input(InputPosition { organisation_id, id }) => {
                json!({ "organisation_id": organisation_id, "id": id })
            }
            Self::Job { organisation_id, name } => json!({ "organisation_id": organisation_id, "name": name }),
        }
    }
}

/// A member that is stored with another value than it is to have.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Its place within the thing.
    pub path: Path,
    /// What is stored; null: nothing.
    pub stored: Value,
    /// What is to be stored; null: nothing.
    pub wanted: Value,
}

/// That something was changed by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedOutside {
    /// By whom, where that is known.
    pub by: Option<Subject>,
    /// When it was changed last.
    pub at: Timestamp,
}

/// A change, with all that makes its part of the digest.
pub(super) struct Change {
    pub(super) told: AppliedChange,
    /// What a new thing is to be, without what is made up when it is stored.
    pub(super) content: Value,
}

/// What plans are compared by: what they do to which thing. When and where that is, and the order of the document, say
/// nothing.
pub(super) fn digest(set: &SetName, changes: &[Change]) -> String {
    let mut lines: Vec<String> = changes
        .iter()
        .filter(|change| change.told.action != ApplyAction::Unchanged)
        .map(|Change { told, content }| {
            let differences: Vec<Value> = told
                .differences
                .iter()
                .map(|Difference { path, stored, wanted }| json!([members(path), stored, wanted]))
                .collect();
            let key = told.key.to_json();
            json!([told.key.resource().as_str(), key, told.action, content, differences]).to_string()
        })
        .collect();
    lines.sort_unstable();
    let mut hasher = Sha256::new();
    hasher.update(json!([set]).to_string());
    for line in lines {
        // JSON has no line ends but escaped ones.
        hasher.update("\n");
        hasher.update(line);
    }
    let mut digest = "sha256:".to_owned();
    for byte in hasher.finalize() {
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}

/// A place without its numbers: what is in a list is known by its role, wherever it is in the document.
fn members(path: &Path) -> Vec<&str> {
    let members = path.segments().iter().filter_map(|segment| match segment {
        Segment::Member(name) => Some(name.as_ref()),
        Segment::Index(_) => None,
    });
    members.collect()
}

/// How many bytes of differences an answer has room for.
const ROOM_FOR_DIFFERENCES: usize = 2 << 20;

/// What a caller is told of changes: as many differences as there is room for.
pub(super) fn told(changes: Vec<Change>) -> Vec<AppliedChange> {
    let mut room = ROOM_FOR_DIFFERENCES;
    let told = |Change { mut told, .. }: Change| {
        let size = |Difference { stored, wanted, .. }: &Difference| stored.to_string().len() + wanted.to_string().len();
        match room.checked_sub(told.differences.iter().map(size).sum()) {
            Some(left) => room = left,
            None => {
                told.differences.clear();
                told.differences_omitted = true;
            }
        }
        told
    };
    changes.into_iter().map(told).collect()
}

/// Those members that are different.
pub(super) fn different(members: impl IntoIterator<Item = (&'static str, Value, Value)>) -> Vec<Difference> {
    let differs = |(member, stored, wanted): (&'static str, Value, Value)| {
        (stored != wanted).then(|| Difference { path: Path::of(member), stored, wanted })
    };
    members.into_iter().filter_map(differs).collect()
}
