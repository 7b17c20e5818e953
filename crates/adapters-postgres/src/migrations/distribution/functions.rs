//! Functions of triggers that have another form where tables are distributed.
//!
//! A migration that writes one of them anew writes its form for one server: then the form here has to follow.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

/// Each by its name.
const FUNCTIONS: [(&str, &str); 2] = [
    // A table that has a copy on each server has its triggers there, too. What this one writes is on one server, and is
    // written once.
    (
        "end_judgements_of_source",
        "
BEGIN
    IF (SELECT groupid FROM pg_dist_local_group) <> 0 THEN
        RETURN NULL;
    END IF;
    INSERT INTO unjudged_sources (source_id, organisation_id, job_id)
    VALUES (NEW.id, '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000')
    ON CONFLICT ON CONSTRAINT unjudged_sources_pkey DO UPDATE SET
        organisation_id = EXCLUDED.organisation_id, job_id = EXCLUDED.job_id;
    RETURN NULL;
END;
",
    ),
    // A statement on a distributed table cannot read the rows of the trigger's statement.
    (
        "keep_inputs_and_outputs_of_new_jobs",
        "
DECLARE
    kept record;
BEGIN
    FOR kept IN
        SELECT DISTINCT added.organisation_id, (binding ->> 'input_id')::uuid AS input_id, added.sequence_number
        FROM added CROSS JOIN LATERAL jsonb_array_elements(added.role_bindings) AS binding
        WHERE added.sequence_number IS NOT NULL AND binding ->> 'input_id' IS NOT NULL
    LOOP
        INSERT INTO job_inputs (organisation_id, input_id, sequence_number)
        VALUES (kept.organisation_id, kept.input_id, kept.sequence_number);
    END LOOP;
    FOR kept IN
        SELECT (output ->> 'id')::uuid AS id, added.organisation_id, added.id AS job_id
        FROM added CROSS JOIN LATERAL jsonb_array_elements(added.outputs) AS output
    LOOP
        INSERT INTO outputs (id, organisation_id, job_id) VALUES (kept.id, kept.organisation_id, kept.job_id)
        ON CONFLICT ON CONSTRAINT outputs_pkey DO NOTHING;
    END LOOP;
    RETURN NULL;
END;
",
    ),
];

/// Gives each of them its form, on every server; tells the names of those that had another one.
pub(super) fn replace(connection: &mut PgConnection) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Source {
        #[diesel(sql_type = Text)]
        prosrc: String,
    }
    let mut replaced = Vec::new();
    for (name, body) in FUNCTIONS {
        let found: Option<Source> = sql_query("SELECT prosrc FROM pg_proc WHERE oid = $1::regproc")
            .bind::<Text, _>(name)
            .get_result(connection)
            .optional()?;
        if found.is_some_and(|found| found.prosrc == body) {
            continue;
        }
        connection.batch_execute(&format!(
            "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body${body}$body$"
        ))?;
        replaced.push(name.to_owned());
    }
    Ok(replaced)
}
