//! Sources as callers describe them.

use serde_json::{Value, json};

use crate::model::{
    Description, Diagnostics, ExpectedIntervalMinutes, OrganisationId, Path, RetentionHours, Revision, Scope, Source,
    SourceId, SourceName, Timestamp, ValueProblem, Violation, ViolationCode,
};
use crate::requests::Sent;

/// A source as a caller describes it, to be created or found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceDraft {
    /// Its identity, when the caller chooses or knows it.
    pub id: Sent<String>,
    /// See [`Source::owner_organisation_id`].
    pub owner_organisation_id: Sent<String>,
    /// See [`Source::name`].
    pub name: Sent<String>,
    /// See [`Source::description`].
    pub description: Sent<String>,
    /// See [`Source::expected_interval_minutes`].
    pub expected_interval_minutes: Sent<i128>,
    /// See [`Source::retention_hours`].
    pub retention_hours: Sent<i128>,
}

/// Changes to a source; what is left out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceChangeDraft {
    /// The members that can be changed. Its `id` may be repeated, but never changes, and its owner only by the
    /// platform.
    pub source: SourceDraft,
    /// The revision that is to be changed, and no other.
    pub revision: Sent<i128>,
    /// Whether it is meant that values are deleted by it.
    pub confirm_deletion: Sent<bool>,
}

/// A [`SourceDraft`] whose values are valid, each by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSpec {
    /// The identity that was asked for.
    pub id: Sent<SourceId>,
    /// See [`Source::owner_organisation_id`].
    pub owner_organisation_id: Sent<OrganisationId>,
    /// See [`Source::name`].
    pub name: Sent<SourceName>,
    /// See [`Source::description`].
    pub description: Sent<Description>,
    /// See [`Source::expected_interval_minutes`].
    pub expected_interval_minutes: Sent<ExpectedIntervalMinutes>,
    /// See [`Source::retention_hours`].
    pub retention_hours: Sent<RetentionHours>,
}

impl SourceSpec {
    /// Reads each value, and reports what is wrong with it.
    pub fn read(diagnostics: &mut Diagnostics, path: &Path, draft: &SourceDraft) -> Self {
        Self {
            id: diagnostics.read(&path.member("id"), &draft.id, |text| SourceId::parse(text)),
            owner_organisation_id: diagnostics.read(
                &path.member("owner_organisation_id"),
                &draft.owner_organisation_id,
                |text| OrganisationId::parse(text),
            ),
            name: diagnostics.read(&path.member("name"), &draft.name, |text| SourceName::parse(text)),
            description: diagnostics
                .read(&path.member("description"), &draft.description, |text| Description::parse(text)),
            expected_interval_minutes: diagnostics.read(
                &path.member("expected_interval_minutes"),
                &draft.expected_interval_minutes,
                |number| ExpectedIntervalMinutes::new(*number),
            ),
            retention_hours: diagnostics
                .read(&path.member("retention_hours"), &draft.retention_hours, |number| RetentionHours::new(*number)),
        }
    }

    /// Whether nothing but the identity was sent, which makes it a reference.
    #[must_use]
    pub fn is_reference(&self) -> bool {
        !matches!(self.id, Sent::Absent | Sent::Null)
            && !self.owner_organisation_id.is_present()
            && !self.name.is_present()
            && !self.description.is_present()
            && !self.expected_interval_minutes.is_present()
            && !self.retention_hours.is_present()
    }

    /// The new source of that owner that this describes. `fresh_id` is used when no id was asked for.
    #[must_use]
    pub fn create(
        &self,
        owner_organisation_id: Option<OrganisationId>,
        name: SourceName,
        fresh_id: SourceId,
        now: Timestamp,
    ) -> Source {
        Source {
            id: self.id.given().copied().unwrap_or(fresh_id),
            owner_organisation_id,
            name,
            description: self.description.clone().into_option(),
            expected_interval_minutes: self.expected_interval_minutes.clone().into_option(),
            retention_hours: self.retention_hours.clone().into_option(),
            revision: Revision::FIRST,
            created_at: now,
            updated_at: now,
            management: None,
        }
    }

    /// What this makes of a source: what is left out stays. Its identity never changes, and its owner only by the
    /// platform.
    pub fn change(&self, diagnostics: &mut Diagnostics, path: &Path, scope: &Scope, stored: &Source) -> Source {
        let id_path = path.member("id");
        if let Some(id) = diagnostics.not_null(&id_path, self.id.clone())
            && id != stored.id
        {
            diagnostics.report(
                id_path,
                ValueProblem::new(ViolationCode::ImmutableField, "never changes")
                    .expected(stored.id.to_string())
                    .actual(id.to_string()),
            );
        }
        let owner = match &self.owner_organisation_id {
            Sent::Absent | Sent::Unreadable => stored.owner_organisation_id,
            sent @ (Sent::Null | Sent::Given(_)) => sent.given().copied(),
        };
        if owner != stored.owner_organisation_id && *scope != Scope::Platform {
            diagnostics.report(
                path.member("owner_organisation_id"),
                ValueProblem::new(ViolationCode::ImmutableField, "is changed by operators of the platform only")
                    .expected(json!(stored.owner_organisation_id))
                    .actual(json!(owner)),
            );
        }
        let name = diagnostics.not_null(&path.member("name"), self.name.clone());
        Source {
            owner_organisation_id: owner,
            name: name.unwrap_or_else(|| stored.name.clone()),
            description: self.description.clone().or_keep(stored.description.clone()),
            expected_interval_minutes: self.expected_interval_minutes.clone().or_keep(stored.expected_interval_minutes),
            retention_hours: self.retention_hours.clone().or_keep(stored.retention_hours),
            ..stored.clone()
        }
    }

    /// The difference, if the source that was found is another organisation's and the request does not say that this is
    /// meant: without an owner, a request means a source of the caller's organisation or of the platform. Otherwise the
    /// first organisation to take a name would have others run its model under that name.
    #[must_use]
    pub fn unmeant_owner(&self, path: &Path, stored: &Source, own: Option<OrganisationId>) -> Option<Violation> {
        if self.owner_organisation_id.is_present() {
            return None;
        }
        let hint =
            "a setup that says whose it is, or its id, can run its versions; a source of your own needs another name";
        Some(of_another(stored, own)?.hint(hint).at(path.member("owner_organisation_id")))
    }

    /// In what a stored source is not what this describes: `expected` is what is stored. Names are compared without
    /// case, as everywhere.
    #[must_use]
    pub fn differences(&self, path: &Path, stored: &Source) -> Vec<Violation> {
        let mut differences = Vec::new();
        let mut differs = |member: &'static str, same: bool, expected: Value, actual: Value| {
            if !same {
                differences.push(
                    ValueProblem::new(ViolationCode::Differs, "is stored with another value")
                        .expected(expected)
                        .actual(actual)
                        .at(path.member(member)),
                );
            }
        };
        if let Some(id) = self.id.given() {
            differs("id", *id == stored.id, json!(stored.id), json!(id));
        }
        differs(
            "owner_organisation_id",
            self.owner_organisation_id.agrees_with(stored.owner_organisation_id.as_ref()),
            json!(stored.owner_organisation_id),
            json!(self.owner_organisation_id.given()),
        );
        if let Some(name) = self.name.given() {
            differs("name", name.key() == stored.name.key(), json!(stored.name), json!(name));
        }
        differs(
            "description",
            self.description.agrees_with(stored.description.as_ref()),
            json!(stored.description),
            json!(self.description.given()),
        );
        differs(
            "expected_interval_minutes",
            self.expected_interval_minutes.agrees_with(stored.expected_interval_minutes.as_ref()),
            json!(stored.expected_interval_minutes),
            json!(self.expected_interval_minutes.given()),
        );
        differs(
            "retention_hours",
            self.retention_hours.agrees_with(stored.retention_hours.as_ref()),
            json!(stored.retention_hours),
            json!(self.retention_hours.given()),
        );
        differences
    }
}

/// What is wrong if a source that was named means one of the organisation or of the platform, and is another one's.
pub(crate) fn of_another(source: &Source, own: Option<OrganisationId>) -> Option<ValueProblem> {
    let owner = source.owner_organisation_id;
    let problem = || ValueProblem::new(ViolationCode::Differs, "is that of another organisation");
    (owner.is_some() && owner != own).then(|| problem().expected(json!(owner)).actual(json!(own)))
}
