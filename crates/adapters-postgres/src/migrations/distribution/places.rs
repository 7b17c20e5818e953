//! Where the rows of each table are, in a database that is distributed over several servers.

/// Where the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// With all else of their organisation, whose id is in that column.
    WithOrganisation(&'static str),
    /// A copy on each server: what rows of organisations refer to, and what triggers on them read.
    Everywhere,
    /// On the server that the service connects to.
    Here,
}

use Place::{Everywhere, Here, WithOrganisation};

const ORGANISATION: Place = WithOrganisation("organisation_id");

/// The table with which all others of organisations are placed.
pub(super) const FIRST: &str = "jobs";

/// Every table of the schema, in the order in which they are placed.
pub(super) const PLACES: [(&str, Place); 22] = [
    ("sources", Everywhere),
    ("source_versions", Everywhere),
    ("source_version_lifecycles", Everywhere),
    ("judgements", Everywhere),
    // It is written by a trigger on the server that the service connects to, and read from there alone.
    ("unjudged_sources", Here),
    ("leases", Here),
    (FIRST, ORGANISATION),
    ("organisations", WithOrganisation("id")),
    ("inputs", ORGANISATION),
    ("outputs", ORGANISATION),
    ("bound_outputs", ORGANISATION),
    ("job_inputs", ORGANISATION),
    ("job_health", ORGANISATION),
    ("job_counts", ORGANISATION),
    ("daily_usage", ORGANISATION),
    ("job_revisions", ORGANISATION),
    ("deleted_jobs", ORGANISATION),
    ("run_counters", ORGANISATION),
    ("run_summaries", ORGANISATION),
    ("runs", ORGANISATION),
    ("replaced_runs", ORGANISATION),
    ("predictions", ORGANISATION),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::super::MIGRATIONS;
    use super::*;

    #[test]
    fn every_table_of_the_migrations_has_a_place() {
        let made: BTreeSet<&str> = MIGRATIONS
            .iter()
            .flat_map(|migration| migration.up.lines())
            .filter_map(|line| line.strip_prefix("CREATE TABLE "))
            .filter_map(|rest| rest.split_whitespace().next())
            .collect();
        let placed: BTreeSet<&str> = PLACES.iter().map(|(table, _)| *table).collect();
        assert_eq!(placed.len(), PLACES.len(), "a table has one place");
        assert_eq!(made, placed);
    }

    #[test]
    fn what_belongs_to_an_organisation_is_placed_with_it() {
        let schema = include_str!("../../schema.rs");
        for table in schema.split("diesel::table! {").skip(1) {
            let name = table.split_whitespace().next().expect("a table has a name");
            let key = table.split_once('(').and_then(|(_, rest)| rest.split_once(')')).expect("a table has a key").0;
            let has_organisation = key.split(", ").any(|column| column == "organisation_id");
            let place = PLACES.iter().find(|(table, _)| *table == name).map(|(_, place)| *place);
            assert_eq!(has_organisation, place == Some(ORGANISATION), "{name} is at {place:?}");
        }
    }
}
