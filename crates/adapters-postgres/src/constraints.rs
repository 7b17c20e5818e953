//! What a breach of each constraint of the tables means.

use diesel::result::{DatabaseErrorKind, Error};

/// What is wrong when a constraint refuses a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breach {
    /// There is a source of that id.
    SourceId,
    /// There is a source of that name.
    SourceName,
    /// There is a source version of that id.
    VersionId,
    /// The source has a version of that name.
    VersionLabel,
    /// The source of a version does not exist; or, when a source is deleted, it has versions.
    SourceOfVersion,
    /// The organisation has a job of that id.
    JobId,
    /// The organisation has a job of that name.
    JobName,
    /// The source has no version that a job is to run; or, when a version is deleted, jobs run it or ran it.
    VersionOfJob,
    /// The job of what was kept does not exist.
    JobOfRevision,
    /// The revision of a job was kept before.
    JobRevision,
    /// The job has a run of that time.
    RunTime,
    /// The job has a run of that id.
    RunId,
    /// The job of a counter does not exist.
    JobOfCounter,
    /// The row of a job, or of a job and its input, is in that table; the triggers see to it.
    OneOfAJob,
    /// There is a row for the organisation already.
    OneOfAnOrganisation,
    /// There is a row about what is judged already.
    Judgement,
    /// A quota is used up.
    UsedUp,
    /// Somebody holds the lease.
    Lease,
    /// The value breaks a rule of the domain, so it cannot have come from there.
    Rule,
}

/// Every constraint of the tables, by name.
const MEANINGS: [(&str, Breach); 55] = [
    ("sources_pkey", Breach::SourceId),
    ("sources_name_key_key", Breach::SourceName),
    ("sources_name_check", Breach::Rule),
    ("sources_name_key_check", Breach::Rule),
    ("sources_description_check", Breach::Rule),
    ("sources_expected_interval_minutes_check", Breach::Rule),
    ("sources_retention_hours_check", Breach::Rule),
    ("sources_revision_check", Breach::Rule),
    ("source_versions_pkey", Breach::VersionId),
    ("source_versions_source_id_id_key", Breach::VersionId),
    ("source_versions_source_id_version_key_key", Breach::VersionLabel),
    ("source_versions_source_id_fkey", Breach::SourceOfVersion),
    ("source_versions_version_check", Breach::Rule),
    ("source_versions_version_key_check", Breach::Rule),
    ("source_versions_description_check", Breach::Rule),
    ("source_versions_input_roles_check", Breach::Rule),
    ("source_versions_output_roles_check", Breach::Rule),
    ("source_versions_contract_digest_check", Breach::Rule),
    ("jobs_pkey", Breach::JobId),
    ("jobs_organisation_id_name_key", Breach::JobName),
    ("jobs_source_id_source_version_id_fkey", Breach::VersionOfJob),
    ("jobs_name_check", Breach::Rule),
    ("jobs_role_bindings_check", Breach::Rule),
    ("jobs_outputs_check", Breach::Rule),
    ("jobs_revision_check", Breach::Rule),
    ("jobs_updated_by_check", Breach::Rule),
    ("job_revisions_pkey", Breach::JobRevision),
    ("job_revisions_organisation_id_job_id_fkey", Breach::JobOfRevision),
    ("job_revisions_source_id_source_version_id_fkey", Breach::VersionOfJob),
    ("runs_pkey", Breach::RunTime),
    ("runs_organisation_id_job_id_id_key", Breach::RunId),
    ("runs_job_revision_check", Breach::Rule),
    ("runs_message_check", Breach::Rule),
    ("runs_prediction_count_check", Breach::Rule),
    ("runs_predictions_digest_check", Breach::Rule),
    ("runs_number_check", Breach::Rule),
    ("predictions_value_check", Breach::Rule),
    ("replaced_runs_pkey", Breach::RunId),
    ("replaced_runs_succeeded_check", Breach::Rule),
    ("run_counters_pkey", Breach::OneOfAJob),
    ("run_counters_organisation_id_job_id_fkey", Breach::JobOfCounter),
    ("run_counters_last_number_check", Breach::Rule),
    ("run_summaries_pkey", Breach::OneOfAJob),
    ("run_summaries_consecutive_failures_check", Breach::Rule),
    ("deleted_jobs_pkey", Breach::OneOfAJob),
    ("leases_pkey", Breach::Lease),
    ("job_counts_pkey", Breach::OneOfAnOrganisation),
    ("job_counts_jobs_check", Breach::Rule),
    ("daily_usage_pkey", Breach::OneOfAnOrganisation),
    ("daily_usage_used_check", Breach::UsedUp),
    ("job_inputs_pkey", Breach::OneOfAJob),
    ("job_health_pkey", Breach::OneOfAJob),
    ("job_health_status_check", Breach::Rule),
    ("unjudged_sources_pkey", Breach::Judgement),
    ("judgements_pkey", Breach::Judgement),
];

impl Breach {
    /// What a failed statement broke, when it was a constraint that stopped it.
    pub(crate) fn of(error: &Error) -> Option<Self> {
        let Error::DatabaseError(
            DatabaseErrorKind::UniqueViolation
            | DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::CheckViolation,
            information,
        ) = error
        else {
            return None;
        };
        Self::of_constraint(information.constraint_name()?)
    }

    fn of_constraint(name: &str) -> Option<Self> {
        MEANINGS.iter().find(|(known, _)| *known == name).map(|(_, breach)| *breach)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::migrations::MIGRATIONS;

    #[test]
    fn every_constraint_of_the_migrations_has_a_meaning_and_the_other_way_round() {
        let texts: Vec<&str> = MIGRATIONS.iter().map(|migration| migration.up).collect();
        let texts = texts.join("\n");
        let mut words =
            texts.lines().filter(|line| !line.trim_start().starts_with("--")).flat_map(str::split_whitespace);
        let mut named = BTreeSet::new();
        while words.any(|word| word == "CONSTRAINT") {
            named.insert(words.next().expect("a constraint has a name"));
        }
        let known: BTreeSet<&str> = MEANINGS.iter().map(|(name, _)| *name).collect();
        assert_eq!(named, known);
    }
}
