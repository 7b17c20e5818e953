//! Sources: runnable prediction models, shared by all organisations.

use std::collections::BTreeSet;
use std::fmt;

use chrono::TimeDelta;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::id::{OrganisationId, SourceId};
use crate::model::management::Management;
use crate::model::revision::Revision;
use crate::model::text::{Description, SourceName};
use crate::model::timestamp::Timestamp;
use crate::model::violation::{ValueProblem, ViolationCode};

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
    /// What keeps it, if it is not kept by hand.
    pub management: Option<Management>,
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

/// The keys that stores find sources by, given all sources in the order of their creation: that of its name, unless an
/// earlier source has it. That can be where fewer names were the same when they were stored.
pub fn name_keys<'a>(sources: impl IntoIterator<Item = (SourceId, &'a SourceName)>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut key_of = |(id, name): (SourceId, &SourceName)| {
        let key = name.key();
        if taken.insert(key.clone()) { key } else { name.key_beside_another(id) }
    };
    sources.into_iter().map(&mut key_of).collect()
}
