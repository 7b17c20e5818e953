//! What a breach of each constraint of the tables means.

use diesel::result::{DatabaseErrorKind, Error};

/// What is wrong when a constraint refuses a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConstraintViolation {
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
    /// The version has a row about its lifecycle.
    LifecycleOfVersion,
    /// The version of a lifecycle does not exist.
    VersionOfLifecycle,
    /// The version that replaces another one does not exist.
    Replacement,
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
    /// The job that is bound to an output does not exist.
    JobOfBinding,
    /// The output to which a job is to be bound does not exist; or, when an output is deleted, a job is bound to it.
    BoundOutput,
    /// There is a row for the organisation already.
    OneOfAnOrganisation,
    /// There is a row about what is judged already.
    Judgement,
    /// The organisation has an input of that id.
    InputId,
    /// The organisation has a name.
    OrganisationName,
    /// A quota is used up.
    UsedUp,
    /// Another replica holds the lease.
    Lease,
    /// The value breaks a rule of the domain, so it cannot have come from there.
    Rule,
}

/// Every constraint of the tables, by name.
const MEANINGS: [(&str, ConstraintViolation); 83] = [
    ("sources_pkey", ConstraintViolation::SourceId),
    ("sources_name_key_key", ConstraintViolation::SourceName),
    ("sources_name_check", ConstraintViolation::Rule),
    ("sources_name_key_check", ConstraintViolation::Rule),
    ("sources_description_check", ConstraintViolation::Rule),
    ("sources_expected_interval_minutes_check", ConstraintViolation::Rule),
    ("sources_retention_hours_check", ConstraintViolation::Rule),
    ("sources_revision_check", ConstraintViolation::Rule),
    ("sources_managed_by_check", ConstraintViolation::Rule),
    ("sources_managed_revision_check", ConstraintViolation::Rule),
    ("sources_management_check", ConstraintViolation::Rule),
    ("source_versions_pkey", ConstraintViolation::VersionId),
    ("source_versions_source_id_id_key", ConstraintViolation::VersionId),
    ("source_versions_source_id_version_key_key", ConstraintViolation::VersionLabel),
    ("source_versions_source_id_fkey", ConstraintViolation::SourceOfVersion),
    ("source_versions_version_check", ConstraintViolation::Rule),
    ("source_versions_version_key_check", ConstraintViolation::Rule),
    ("source_versions_description_check", ConstraintViolation::Rule),
    ("source_versions_input_roles_check", ConstraintViolation::Rule),
    ("source_versions_output_roles_check", ConstraintViolation::Rule),
    ("source_versions_contract_digest_check", ConstraintViolation::Rule),
    ("source_versions_managed_by_check", ConstraintViolation::Rule),
    ("source_version_lifecycles_pkey", ConstraintViolation::LifecycleOfVersion),
    ("source_version_lifecycles_source_version_id_fkey", ConstraintViolation::VersionOfLifecycle),
    ("source_version_lifecycles_replaced_by_fkey", ConstraintViolation::Replacement),
    ("source_version_lifecycles_stage_check", ConstraintViolation::Rule),
    ("source_version_lifecycles_reason_check", ConstraintViolation::Rule),
    ("source_version_lifecycles_revision_check", ConstraintViolation::Rule),
    ("jobs_pkey", ConstraintViolation::JobId),
    ("jobs_organisation_id_name_key", ConstraintViolation::JobName),
    ("jobs_source_id_source_version_id_fkey", ConstraintViolation::VersionOfJob),
    ("jobs_name_check", ConstraintViolation::Rule),
    ("jobs_role_bindings_check", ConstraintViolation::Rule),
    ("jobs_outputs_check", ConstraintViolation::Rule),
    ("jobs_revision_check", ConstraintViolation::Rule),
    ("jobs_updated_by_check", ConstraintViolation::Rule),
    ("jobs_managed_by_check", ConstraintViolation::Rule),
    ("jobs_managed_revision_check", ConstraintViolation::Rule),
    ("jobs_management_check", ConstraintViolation::Rule),
    ("job_revisions_pkey", ConstraintViolation::JobRevision),
    ("job_revisions_organisation_id_job_id_fkey", ConstraintViolation::JobOfRevision),
    ("job_revisions_source_id_source_version_id_fkey", ConstraintViolation::VersionOfJob),
    ("runs_pkey", ConstraintViolation::RunTime),
    ("runs_organisation_id_job_id_id_key", ConstraintViolation::RunId),
    ("runs_job_revision_check", ConstraintViolation::Rule),
    ("runs_message_check", ConstraintViolation::Rule),
    ("runs_prediction_count_check", ConstraintViolation::Rule),
    ("runs_predictions_digest_check", ConstraintViolation::Rule),
    ("runs_number_check", ConstraintViolation::Rule),
    ("predictions_value_check", ConstraintViolation::Rule),
    ("replaced_runs_pkey", ConstraintViolation::RunId),
    ("replaced_runs_succeeded_check", ConstraintViolation::Rule),
    ("run_counters_pkey", ConstraintViolation::OneOfAJob),
    ("run_counters_organisation_id_job_id_fkey", ConstraintViolation::JobOfCounter),
    ("run_counters_last_number_check", ConstraintViolation::Rule),
    ("run_summaries_pkey", ConstraintViolation::OneOfAJob),
    ("run_summaries_consecutive_failures_check", ConstraintViolation::Rule),
    ("deleted_jobs_pkey", ConstraintViolation::OneOfAJob),
    ("leases_pkey", ConstraintViolation::Lease),
    ("job_counts_pkey", ConstraintViolation::OneOfAnOrganisation),
    ("job_counts_jobs_check", ConstraintViolation::Rule),
    ("daily_usage_pkey", ConstraintViolation::OneOfAnOrganisation),
    ("daily_usage_used_check", ConstraintViolation::UsedUp),
    ("job_inputs_pkey", ConstraintViolation::OneOfAJob),
    ("job_health_pkey", ConstraintViolation::OneOfAJob),
    ("job_health_status_check", ConstraintViolation::Rule),
    ("unjudged_sources_pkey", ConstraintViolation::Judgement),
    ("judgements_pkey", ConstraintViolation::Judgement),
    ("inputs_pkey", ConstraintViolation::InputId),
    ("inputs_kind_check", ConstraintViolation::Rule),
    ("inputs_name_check", ConstraintViolation::Rule),
    ("inputs_metric_check", ConstraintViolation::Rule),
    ("inputs_unit_check", ConstraintViolation::Rule),
    ("inputs_revision_check", ConstraintViolation::Rule),
    ("inputs_managed_by_check", ConstraintViolation::Rule),
    ("inputs_managed_revision_check", ConstraintViolation::Rule),
    ("inputs_management_check", ConstraintViolation::Rule),
    ("outputs_pkey", ConstraintViolation::OneOfAJob),
    ("bound_outputs_pkey", ConstraintViolation::OneOfAJob),
    ("bound_outputs_organisation_id_job_id_fkey", ConstraintViolation::JobOfBinding),
    ("bound_outputs_output_id_organisation_id_fkey", ConstraintViolation::BoundOutput),
    ("organisations_pkey", ConstraintViolation::OrganisationName),
    ("organisations_name_check", ConstraintViolation::Rule),
];

impl ConstraintViolation {
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
        match information.constraint_name() {
            Some(name) => Self::of_constraint(name),
            None => Self::of_constraint_in(information.message()),
        }
    }

    /// Of the constraint of a table, or of a part of a distributed one: there its name ends by the number of the part.
    fn of_constraint(name: &str) -> Option<Self> {
        let is = |known: &str| match name.strip_prefix(known) {
            Some("") => true,
            Some(rest) => rest.strip_prefix('_').is_some_and(is_number),
            None => false,
        };
        MEANINGS.iter().find(|(known, _)| is(known)).map(|(_, breach)| *breach)
    }

    /// Of the constraint that a message names, of a distributed table: the server that has the part tells the name, and
    /// the one in between leaves it in the message alone. In whatever language: only the name is looked for.
    fn of_constraint_in(message: &str) -> Option<Self> {
        let words = message.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        words.into_iter().find_map(Self::of_constraint)
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
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

    #[test]
    fn the_constraint_of_a_part_of_a_table_means_what_that_of_the_table_means() {
        let of = ConstraintViolation::of_constraint;
        assert_eq!(of("jobs_pkey_102014"), Some(ConstraintViolation::JobId));
        assert_eq!(of("sources_name_key_key"), Some(ConstraintViolation::SourceName));
        assert_eq!(of("jobs_pkey_"), None);
        assert_eq!(of("jobs_pkey_1x"), None);
        let told = ConstraintViolation::of_constraint_in;
        let english = "duplicate key value violates unique constraint \"jobs_organisation_id_name_key_102014\"";
        assert_eq!(told(english), Some(ConstraintViolation::JobName));
        let german = "Einfügen in Tabelle »jobs_102014« verletzt »jobs_source_id_source_version_id_fkey_102014«";
        assert_eq!(told(german), Some(ConstraintViolation::VersionOfJob));
        let of_values =
            "new row for relation \"daily_usage_102044\" violates check constraint \"daily_usage_used_check\"";
        assert_eq!(told(of_values), Some(ConstraintViolation::UsedUp));
        assert_eq!(told("of a table of another name: jobs_102014"), None);
    }
}
