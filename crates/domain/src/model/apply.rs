//! What a document that describes many things does to what is stored.

use super::from_text::words;

words! {
    /// What becomes of one thing.
    ApplyAction, "is not an action":
    /// It is new.
    Create = "create";
    /// It is changed.
    Update = "update";
    /// It is as the document says.
    Unchanged = "unchanged";
    /// It was kept by hand or by another set, and is kept by this one from now on. It may be changed, too.
    Adopt = "adopt";
    /// It is a job that the document does not have any more: it does not run any more.
    Pause = "pause";
    /// The document does not have it any more, and it is deleted.
    Delete = "delete";
}

words! {
    /// What becomes of things of a set that its document does not have any more.
    #[derive(Default)]
    Prune, "is not a way to prune":
    /// Nothing.
    #[default]
    Off = "off";
    /// Jobs are paused.
    Pause = "pause";
    /// Jobs are deleted, and what nothing uses any more of the rest.
    Delete = "delete";
}

/// The most things of one document, and the most that one document removes.
pub const MAX_APPLIED: usize = 1_000;
/// How many things a document removes at the most if it says nothing else.
pub const DEFAULT_PRUNE_LIMIT: usize = 10;
