//! Sources: runnable prediction models, shared by all organisations.

use std::collections::BTreeSet;
use std::fmt;

use chrono::TimeDelta;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::draft::Sent;
use super::id::{OrganisationId, SourceId};
use super::revision::Revision;
use super::text::{Description, SourceName};
use super::timestamp::Timestamp;
use super::violation::{Diagnostics, Path, ValueProblem, Violation, ViolationCode};

/// The longest interval or retention, in days: ten years.
pub const MAX_PERIOD_DAYS: i32 = 3_650;

/// A runnable prediction model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its identity.
    pub id: SourceId,
    /// The organisation that owns it. Only the owner changes it, deletes it and publishes versions of it; `None`: it is
    /// the platform's. All may use it.
    pub owner_organisation_id: Option<OrganisationId>,
    /// Its name, unique on the platform without regard to case.
    pub name: SourceName,
    /// What it predicts, for people.
    pub description: Option<Description>,
    /// How often its jobs are expected to deliver; `None`: that is not watched.
    pub expected_interval_minutes: Option<ExpectedIntervalMinutes>,
    /// How long its predictions are kept; `None`: for ever.
    pub retention_hours: Option<RetentionHours>,
    /// How often it was changed.
    pub revision: Revision,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

macro_rules! period {
    ($(#[$doc:meta])* $name:ident, $unit:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(i32);

        impl $name {
            /// The largest number: ten years.
            pub const MAX: i32 = $max;

            /// Any whole number from 1 to [`Self::MAX`].
            pub fn new(number: i128) -> Result<Self, ValueProblem> {
                match i32::try_from(number) {
                    Ok(number) if (1..=Self::MAX).contains(&number) => Ok(Self(number)),
                    _ => Err(out_of_range(number, Self::MAX)),
                }
            }

            /// The number.
            #[must_use]
            pub fn as_i32(self) -> i32 {
                self.0
            }

            /// The time that it says.
            #[must_use]
            pub fn as_time(self) -> TimeDelta {
                TimeDelta::$unit(self.0.into())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read_number(deserializer, Self::new)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

fn read_number<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: fn(i128) -> Result<T, ValueProblem>,
) -> Result<T, D::Error> {
    read(i64::deserialize(deserializer)?.into()).map_err(D::Error::custom)
}

period! {
    /// How often a model is expected to run, in minutes.
    ExpectedIntervalMinutes, minutes, MAX_PERIOD_DAYS * 24 * 60
}
period! {
    /// How long predictions are kept, in hours.
    RetentionHours, hours, MAX_PERIOD_DAYS * 24
}

fn out_of_range(number: i128, max: i32) -> ValueProblem {
    let problem = ValueProblem::new(ViolationCode::OutOfRange, format!("is not between 1 and {max}"))
        .expected(format!("a whole number from 1 to {max}"));
    match i64::try_from(number) {
        Ok(number) => problem.actual(number),
        Err(_) => problem,
    }
}

/// The keys that stores find sources by, given all sources in the order of their creation: that of its name, unless an earlier source
/// has it. That can be where fewer names were the same when they were stored.
pub fn name_keys<'a>(sources: impl IntoIterator<Item = (SourceId, &'a SourceName)>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut key_of = |(id, name): (SourceId, &SourceName)| {
        let key = name.key();
        if taken.insert(key.clone()) { key } else { name.key_beside_another(id) }
    };
    sources.into_iter().map(&mut key_of).collect()
}

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
    /// The members that can be changed. Its `id` may be repeated, but never changes, and its owner only by the platform.
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
        }
    }

    /// The difference, if the source that was found is another organisation's and the request does not say that this is
    /// meant: without an owner, a request means a source of the caller's organisation or of the platform. Otherwise the
    /// first organisation to take a name would have others run its model under that name.
    #[must_use]
    pub fn unmeant_owner(&self, path: &Path, stored: &Source, own: Option<OrganisationId>) -> Option<Violation> {
        let owner = stored.owner_organisation_id;
        if self.owner_organisation_id.is_present() || owner.is_none() || owner == own {
            return None;
        }
        let problem = ValueProblem::new(ViolationCode::Differs, "is that of another organisation")
            .expected(json!(owner))
            .actual(json!(own))
            .hint("a setup that says whose it is, or its id, can run its versions; a source of your own needs another name");
        Some(problem.at(path.member("owner_organisation_id")))
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
