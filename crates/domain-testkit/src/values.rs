//! Valid values in few words. Each function panics when the value is not valid.

use chrono::DateTime;
use prediction_domain::model::{
    Description, ExpectedIntervalMinutes, InputId, InputKind, InputName, JobId, JobName, Metric, NamePart,
    OrganisationId, OrganisationName, OutputId, PageRequest, RetentionHours, Revision, RoleName, RunId, SetName,
    SourceId, SourceName, SourceVersionId, Timestamp, Unit, VersionLabel,
};

use crate::ids::fresh_uuid;

macro_rules! text {
    ($($(#[$doc:meta])* $function:ident -> $type:ident),+ $(,)?) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $function(text: &str) -> $type {
            // Stores keep what an earlier release took, too.
            $type::parse(text)
                .or_else(|_| $type::restore(text))
                .unwrap_or_else(|problem| panic!("{text:?}: {problem}"))
        })+
    };
}

text! {
    /// The name of a source.
    source_name -> SourceName,
    /// The name of a job.
    job_name -> JobName,
    /// The name of an input.
    input_name -> InputName,
    /// The name of an organisation.
    organisation_name -> OrganisationName,
    /// A part of a name.
    name_part -> NamePart,
    /// A description.
    description -> Description,
    /// What a version is called.
    version_label -> VersionLabel,
    /// The name of a role.
    role_name -> RoleName,
    /// A kind of input.
    input_kind -> InputKind,
    /// A metric.
    metric -> Metric,
    /// A unit.
    unit -> Unit,
    /// What a set of things is called.
    set_name -> SetName,
}

macro_rules! fresh_id {
    ($($(#[$doc:meta])* $function:ident -> $type:ident),+ $(,)?) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $function() -> $type {
            $type::from_uuid(fresh_uuid()).expect("a fresh id is never nil")
        })+
    };
}

fresh_id! {
    /// An id that no source has.
    fresh_source_id -> SourceId,
    /// An id that no source version has.
    fresh_source_version_id -> SourceVersionId,
    /// An id that no job has.
    fresh_job_id -> JobId,
    /// An organisation that the store does not know.
    fresh_organisation_id -> OrganisationId,
    /// An input that the store does not know.
    fresh_input_id -> InputId,
    /// An id that no output has.
    fresh_output_id -> OutputId,
    /// An id that no run has.
    fresh_run_id -> RunId,
}

/// A point in time, written as in RFC 3339; what is finer than a microsecond is cut off.
#[must_use]
pub fn at(text: &str) -> Timestamp {
    let time = DateTime::parse_from_rfc3339(text).unwrap_or_else(|problem| panic!("{text:?}: {problem}"));
    Timestamp::truncated(time.to_utc())
}

/// A number of microseconds after a point in time; before it when negative.
#[must_use]
pub fn micros_after(time: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_micros(time.as_micros() + micros).expect("a time within the years that can be written down")
}

/// An expected interval, in minutes.
#[must_use]
pub fn minutes(number: i32) -> ExpectedIntervalMinutes {
    ExpectedIntervalMinutes::new(number.into()).expect("a valid interval")
}

/// A retention, in hours.
#[must_use]
pub fn hours(number: i32) -> RetentionHours {
    RetentionHours::new(number.into()).expect("a valid retention")
}

/// A revision.
#[must_use]
pub fn revision(number: i64) -> Revision {
    Revision::new(number).expect("a revision of at least 1")
}

/// The first items of a list.
#[must_use]
pub fn first_page<Place>(limit: u16) -> PageRequest<Place> {
    page_after(limit, None)
}

/// The items of a list behind a position.
#[must_use]
pub fn page_after<Place>(limit: u16, after: Option<Place>) -> PageRequest<Place> {
    PageRequest::new(limit, after).expect("a valid limit")
}
