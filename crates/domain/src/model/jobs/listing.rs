//! In which order jobs are listed, and by what they are counted.

use crate::model::from_text::words;

words! {
    /// In which order jobs are listed.
    JobOrder, "is not an order of jobs":
    /// That in which they were set up.
    Created = "created";
    /// The worst first: [`HealthStatus::WORST_FIRST`](crate::model::HealthStatus::WORST_FIRST).
    Health = "health";
}

words! {
    /// What jobs are counted by, beside their health.
    JobGrouping, "is not what jobs are counted by":
    /// Their sources.
    Source = "source";
    /// Their organisations.
    Organisation = "organisation";
    /// The versions that they run.
    SourceVersion = "source_version";
}
