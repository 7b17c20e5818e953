//! What becomes of one thing, and what a whole plan does.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Serialize, Serializer};
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

impl Difference {
    /// About how many bytes it takes in an answer.
    pub(super) fn size(&self) -> usize {
        self.stored.to_string().len() + self.wanted.to_string().len()
    }
}

/// That something was changed by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedOutside {
    /// By whom, where that is known.
    pub by: Option<Subject>,
    /// When it was changed last.
    pub at: Timestamp,
}

/// A change, with its part of the digest.
pub(super) struct Change {
    pub(super) told: AppliedChange,
    /// `None` of what stays as it is.
    pub(super) digest: Option<Digest>,
}

pub(super) type Digest = [u8; 32];

/// What a change does to which thing, and what a new thing is to be, without what is made up when it is stored. When
/// and where that is says nothing.
pub(super) fn digest_of(told: &AppliedChange, content: &Value) -> Option<Digest> {
    if told.action == ApplyAction::Unchanged {
        return None;
    }
    let differences: Vec<Value> = told
        .differences
        .iter()
        .map(|Difference { path, stored, wanted }| json!([members(path), stored, wanted]))
        .collect();
    let line = json!([told.key.resource().as_str(), told.key.to_json(), told.action, content, differences]);
    Some(Sha256::digest(canonical(&line)).into())
}

/// What plans are compared by: all that they do, in whatever order the document has it.
pub(super) fn digest(set: &SetName, changes: impl Iterator<Item = Digest>) -> String {
    let mut changes: Vec<Digest> = changes.collect();
    changes.sort_unstable();
    let mut hasher = Sha256::new();
    hasher.update(Sha256::digest(set.as_str()));
    for change in changes {
        hasher.update(change);
    }
    let mut digest = "sha256:".to_owned();
    for byte in hasher.finalize() {
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}

/// JSON with the members of each object by name. A `Value` has them in another order in programs that ask `serde_json`
/// to keep that of the text.
fn canonical(value: &Value) -> String {
    struct Sorted<'a>(&'a Value);

    impl Serialize for Sorted<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
                Value::Object(members) => {
                    let members: BTreeMap<_, _> = members.iter().map(|(name, value)| (name, Sorted(value))).collect();
                    serializer.collect_map(members)
                }
                other => other.serialize(serializer),
            }
        }
    }

    serde_json::to_string(&Sorted(value)).unwrap_or_else(|_| unreachable!("a value is always JSON"))
}

/// A place without its numbers: what is in a list is known by its role, wherever it is in the document.
fn members(path: &Path) -> Vec<&str> {
    let members = path.segments().iter().filter_map(|segment| match segment {
        Segment::Member(name) => Some(name.as_ref()),
        Segment::Index(_) => None,
    });
    members.collect()
}

/// Those members that are different.
pub(super) fn different(members: impl IntoIterator<Item = (&'static str, Value, Value)>) -> Vec<Difference> {
    let differs = |(member, stored, wanted): (&'static str, Value, Value)| {
        (stored != wanted).then(|| Difference { path: Path::of(member), stored, wanted })
    };
    members.into_iter().filter_map(differs).collect()
}
