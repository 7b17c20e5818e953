//! Documents that describe many things.

use super::{BindingDraft, InputDraft, Sent, SourceDraft, SourceVersionDraft};
use crate::model::{ListLimit, MAX_APPLIED};

/// The most things of a kind in one document; of all kinds together there are as many.
pub const APPLIED_THINGS: ListLimit =
    ListLimit { most: MAX_APPLIED, items: "things", hint: Some("make several sets of them") };

/// Everything that a set of things is to be, as a caller describes it. What is left out of a thing stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApplyDraft {
    /// What the set is called.
    pub set: Sent<String>,
    /// Whose inputs and jobs they are, where these do not say it.
    pub organisation_id: Sent<String>,
    /// The digest of the plan that was looked at.
    pub expect_plan: Sent<String>,
    /// Whether things that are there and that no set keeps come to this set.
    pub adopt: Sent<bool>,
    /// Another set, whose things come to this one.
    pub adopt_from: Sent<String>,
    /// What becomes of things of the set that are not in the document: [`Prune`](crate::model::Prune).
    pub prune: Sent<String>,
    /// How many these may be.
    pub prune_limit: Sent<i128>,
    /// Whether it is meant that values are deleted by shorter retentions.
    pub confirm_deletion: Sent<bool>,
    /// Sources, by their names.
    pub sources: Sent<Vec<Sent<SourceDraft>>>,
    /// Source versions, by their sources and versions.
    pub source_versions: Sent<Vec<Sent<DescribedVersionDraft>>>,
    /// Inputs, by organisation and id.
    pub inputs: Sent<Vec<Sent<InputDraft>>>,
    /// Jobs, by organisation and name.
    pub jobs: Sent<Vec<Sent<DescribedJobDraft>>>,
}

/// A source version in an [`ApplyDraft`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribedVersionDraft {
    /// Its source.
    pub source: Sent<SourceNameDraft>,
    /// The version itself, without ids.
    pub version: SourceVersionDraft,
}

/// A job in an [`ApplyDraft`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribedJobDraft {
    /// Whose job it is.
    pub organisation_id: Sent<String>,
    /// See [`Job::name`](crate::model::Job::name).
    pub name: Sent<String>,
    /// See [`Job::active`](crate::model::Job::active).
    pub active: Sent<bool>,
    /// Its source.
    pub source: Sent<SourceNameDraft>,
    /// The version of it that the job is to run.
    pub source_version: Sent<VersionNameDraft>,
    /// All bindings.
    pub role_bindings: Sent<Vec<Sent<NamedBindingDraft>>>,
}

/// A source, named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceNameDraft {
    /// See [`Source::name`](crate::model::Source::name).
    pub name: Sent<String>,
    /// Whose it is, to be said of a source of another organisation.
    pub owner_organisation_id: Sent<String>,
}

/// A version of a source, named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VersionNameDraft {
    /// See [`SourceVersion::version`](crate::model::SourceVersion::version).
    pub version: Sent<String>,
}

/// A binding in a [`DescribedJobDraft`]: to an input by its id, or to an output by the name of its job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamedBindingDraft {
    /// What is bound, by its id.
    pub binding: BindingDraft,
    /// Instead of the id.
    pub output: Sent<OutputNameDraft>,
}

/// An output of a job of the same organisation, named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutputNameDraft {
    /// The name of the job.
    pub job: Sent<String>,
    /// The output role.
    pub role: Sent<String>,
}
