//! The statements that run often use the indexes made for them.
//!
//! What is explained is what the store really runs: diesel tells of each statement of this thread.

mod chains;
mod counting;
mod parts;

use std::cell::RefCell;
use std::collections::BTreeSet;

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use diesel::prelude::*;
use diesel::sql_types::Text;
use prediction_domain::model::{
    HealthCounts, HealthFilter, HealthStatus, Job, OrganisationId, Position, PredictionPosition, RetentionHours,
    RunNumber, RunPosition, RunStatus, Scope, SourceVersion,
};
use prediction_domain::ports::{
    Issued, JobFilter, OwnerFilter, PredictionQuery, Purged, RunFilter, SourceFilter, SourceVersionFilter, WriteMode,
};
use prediction_domain_testkit::builders::{a_prediction, a_run_of};
use prediction_domain_testkit::values::{fresh_organisation_id, hours, micros_after, page_after, role_name, set_name};

use crate::test_database::{Database, everything_of};

thread_local! {
    static STATEMENTS: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

struct Recorder;

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            STATEMENTS.with_borrow_mut(|statements| {
                if let Some(statements) = statements {
                    statements.push(query.to_string());
                }
            });
        }
    }
}

/// A store of which each connection is recorded, with a job.
pub(crate) fn recorded() -> (Database, SourceVersion, Job) {
    set_default_instrumentation(|| Some(Box::new(Recorder))).unwrap();
    Database::with_a_job()
}

/// The plans of the statements that begin with that word.
pub(crate) fn plans(database: &Database, verb: &str, act: impl FnOnce()) -> Vec<String> {
    STATEMENTS.set(Some(Vec::new()));
    act();
    let statements = STATEMENTS.take().unwrap();
    let mut connection = database.connect();
    let statements = statements.into_iter().filter(|statement| statement.starts_with(verb));
    statements.map(|statement| plan(&mut connection, &statement)).collect()
}

fn plan(connection: &mut SqliteConnection, statement: &str) -> String {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    let steps: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(connection).unwrap();
    steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("; ")
}

#[track_caller]
fn assert_plan(plans: &[String], expected: &str) {
    assert!(!plans.is_empty(), "no statement was run");
    for plan in plans {
        assert_eq!(plan, expected);
    }
}

/// What is looked up for each job, to judge its health.
pub(crate) const MONITORED: &str = "; SEARCH sources USING INDEX sqlite_autoindex_sources_1 (id=?) LEFT-JOIN; \
                         SEARCH run_summaries USING PRIMARY KEY (organisation_id=? AND job_id=?) LEFT-JOIN";

pub(crate) fn monitored(plan: &str) -> String {
    format!("{plan}{MONITORED}")
}

#[test]
fn a_job_is_found_by_its_id() {
    let (database, _, job) = recorded();
    let found = plans(&database, "SELECT", || {
        database.jobs().find_many(&[(Scope::Platform, job.id), (Scope::of([]), job.id)]).unwrap();
    });
    assert_eq!(found.len(), 1, "one statement for all");
    let plan = "SEARCH jobs USING INDEX jobs_id_idx (id=?); LIST SUBQUERY 1; SCAN json_each VIRTUAL TABLE INDEX 1:";
    assert_plan(&found, plan);

    let found = plans(&database, "SELECT", || {
        database.jobs().find_monitored(&[(Scope::Platform, job.id), (Scope::of([]), job.id)]).unwrap();
    });
    assert_eq!(found, [monitored(plan)]);
}

#[test]
fn jobs_of_organisations_are_listed_from_the_index() {
    let (database, _, job) = recorded();
    let organisations: Vec<OrganisationId> = vec![job.organisation_id, fresh_organisation_id()];
    let listed = plans(&database, "SELECT", || {
        list(&database, &Scope::of(organisations), &JobFilter::default());
    });
    assert_eq!(listed.len(), 4, "one statement for each organisation and page");
    let walked = |range: &str| monitored(&format!("SEARCH jobs USING INDEX jobs_organisation_id_idx ({range})"));
    assert_plan(&listed[..2], &walked("organisation_id=?"));
    assert_plan(&listed[2..], &walked("organisation_id=? AND rowid>?"));
}

#[test]
fn jobs_of_the_platform_are_listed_from_the_index() {
    let (database, version, _) = recorded();
    let listed = plans(&database, "SELECT", || list(&database, &Scope::Platform, &JobFilter::default()));
    assert_plan(&listed[..1], &monitored("SCAN jobs"));
    assert_plan(&listed[1..], &monitored("SEARCH jobs USING INTEGER PRIMARY KEY (rowid>?)"));

    let filter = JobFilter { source_version_id: Some(version.id), ..JobFilter::default() };
    let listed = plans(&database, "SELECT", || list(&database, &Scope::Platform, &filter));
    assert_plan(
        &listed[1..],
        &monitored("SEARCH jobs USING INDEX jobs_source_version_id_idx (source_version_id=? AND rowid>?)"),
    );
}

/// Otherwise all jobs would be walked through for it.
#[test]
fn jobs_of_no_health_are_not_looked_for() {
    let (database, _, job) = recorded();
    let health = Some(HealthFilter { statuses: BTreeSet::new(), at: job.created_at });
    let filter = JobFilter { health, ..JobFilter::default() };
    let found = plans(&database, "SELECT", || {
        assert_eq!(database.jobs().list(&Scope::Platform, &filter, &page_after(20, None)).unwrap().items, []);
    });
    assert_eq!(found, Vec::<String>::new());
    let counted = database.jobs().count_by_health(&Scope::Platform, &filter, job.created_at).unwrap();
    assert_eq!(counted, HealthCounts::default());
}

#[test]
fn jobs_of_the_platform_that_use_an_input_are_found_from_the_input() {
    let (database, version, job) = recorded();
    let input = JobFilter { input_id: Some(job.role_bindings.as_slice()[0].input_id), ..JobFilter::default() };
    for filter in [
        input.clone(),
        JobFilter { source_version_id: Some(version.id), ..input.clone() },
        JobFilter { name: Some(job.name), active: Some(true), ..input },
    ] {
        let listed = plans(&database, "SELECT", || list(&database, &Scope::Platform, &filter));
        assert_eq!(listed.len(), 2, "one statement for each page");
        for plan in listed {
            let plan = plan.replace("(id=? AND rowid>?)", "(id=?)");
            assert!(plan.starts_with("SEARCH jobs USING INDEX jobs_id_idx (id=?); LIST SUBQUERY"), "{plan}");
            assert!(plan.contains("SEARCH job_inputs USING PRIMARY KEY (input_id=?);"), "{plan}");
        }
    }
}

/// Only its own uses are looked at, in order, so that a page costs what is on it, however many jobs use the input.
#[test]
fn jobs_of_an_organisation_that_use_an_input_are_walked_through_in_order() {
    let (database, version, job) = recorded();
    let input = JobFilter { input_id: Some(job.role_bindings.as_slice()[0].input_id), ..JobFilter::default() };
    let health = HealthFilter { statuses: BTreeSet::from([HealthStatus::New]), at: job.created_at };
    let scope = Scope::of([job.organisation_id, fresh_organisation_id()]);
    let walk = monitored(
        "SEARCH used USING COVERING INDEX job_inputs_organisation_id_input_id_sequence_number_idx \
         (organisation_id=? AND input_id=? AND sequence_number>?RANGE); SEARCH jobs USING INDEX sqlite_autoindex_jobs_1 (organisation_id=? AND id=?)",
    );
    for filter in [
        input.clone(),
        JobFilter { source_version_id: Some(version.id), active: Some(true), ..input.clone() },
        JobFilter { source_id: Some(version.source_id), health: Some(health), ..input.clone() },
    ] {
        let listed = plans(&database, "SELECT", || list(&database, &scope, &filter));
        assert_eq!(listed.len(), 4, "one statement for each organisation and page");
        let own = plans(&database, "SELECT", || list(&database, &Scope::of([job.organisation_id]), &filter));
        assert_eq!(own.len(), 2, "one statement for each page");
        for plan in listed.into_iter().chain(own) {
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
            let plan = plan
                .replace(" AND sequence_number<?)", "RANGE)")
                .replace("sequence_number>?)", "sequence_number>?RANGE)");
            assert!(plan.starts_with(&walk), "{plan}");
        }
    }
    let named = JobFilter { name: Some(job.name), ..input };
    for plan in plans(&database, "SELECT", || list(&database, &scope, &named)) {
        let key = "SEARCH jobs USING INDEX sqlite_autoindex_jobs_2 (organisation_id=? AND name=?";
        assert!(plan.starts_with(key), "{plan}");
        assert!(plan.contains("USING PRIMARY KEY (input_id=? AND organisation_id=? AND job_id=?)"), "{plan}");
    }
}

#[test]
fn a_job_is_found_by_its_name() {
    let (database, _, job) = recorded();
    let found = plans(&database, "SELECT", || {
        database.jobs().find_by_name(job.organisation_id, &job.name).unwrap();
    });
    assert_plan(&found, "SEARCH jobs USING INDEX sqlite_autoindex_jobs_2 (organisation_id=? AND name=?)");
}

/// How many jobs of others have the name, or run the version, is nothing that is read.
#[test]
fn jobs_of_an_organisation_are_listed_from_what_is_its_own() {
    let (database, version, job) = recorded();
    let scope = Scope::of([job.organisation_id, fresh_organisation_id()]);
    let named = JobFilter { name: Some(job.name), ..JobFilter::default() };
    for plan in plans(&database, "SELECT", || list(&database, &scope, &named)) {
        let key = "SEARCH jobs USING INDEX sqlite_autoindex_jobs_2 (organisation_id=? AND name=?";
        assert!(plan.starts_with(key), "{plan}");
    }
    let of_version = JobFilter { source_version_id: Some(version.id), ..JobFilter::default() };
    for plan in plans(&database, "SELECT", || {
        list(&database, &scope, &of_version);
        database.jobs().count_by_health(&scope, &of_version, job.created_at).unwrap();
    }) {
        // Which of the indexes that begin so makes no difference.
        assert!(plan.starts_with("SEARCH jobs USING INDEX jobs_organisation_id_"), "{plan}");
        assert!(plan.contains("_idx (organisation_id=?"), "{plan}");
    }
    let of_set = JobFilter { managed_by: Some(set_name("vineyard")), ..JobFilter::default() };
    for plan in plans(&database, "SELECT", || list(&database, &scope, &of_set)) {
        let key = "SEARCH jobs USING INDEX jobs_managed_by_organisation_id_idx (managed_by=? AND organisation_id=?";
        assert!(plan.starts_with(key), "{plan}");
    }
    for plan in plans(&database, "SELECT", || list(&database, &Scope::Platform, &of_set)) {
        let key = "SEARCH jobs USING INDEX jobs_managed_by_organisation_id_idx (managed_by=?";
        assert!(plan.starts_with(key), "{plan}");
    }
}

#[test]
fn the_catalog_is_read_from_its_indexes() {
    let (database, version, _) = recorded();
    let (sources, versions) = (database.sources(), database.versions());
    let position = Some(Position::behind(0));
    let plans = plans(&database, "SELECT", || {
        sources.find_many(&[version.source_id]).unwrap();
        sources.list(&SourceFilter::default(), &page_after(20, position)).unwrap();
        for owner in [OwnerFilter::Platform, OwnerFilter::Organisation(fresh_organisation_id())] {
            sources
                .list(&SourceFilter { owner: Some(owner), name: None, managed_by: None }, &page_after(20, position))
                .unwrap();
        }
        versions.find_many(&[version.id]).unwrap();
        versions.find_by_label(version.source_id, &version.version).unwrap();
        versions.newest(version.source_id).unwrap();
        versions.list(&SourceVersionFilter::default(), &page_after(20, position)).unwrap();
        versions
            .list(
                &SourceVersionFilter { source_id: Some(version.source_id), stages: None, managed_by: None },
                &page_after(20, position),
            )
            .unwrap();
    });
    assert_eq!(plans.len(), 9);
    for plan in &plans[2..4] {
        assert!(plan.starts_with("SEARCH sources USING INDEX sources_owner_organisation_id_idx"), "{plan}");
    }
    for plan in plans {
        assert!(plan.starts_with("SEARCH") && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}

#[test]
fn what_is_judged_before_a_delete_is_found_from_indexes() {
    let (database, version, job) = recorded();
    let (sources, versions) = (database.sources(), database.versions());
    let found = plans(&database, "SELECT", || {
        versions.delete(&Scope::of([job.organisation_id]), version.id, WriteMode::Commit).unwrap_err();
        sources.delete(version.source_id, job.revision, WriteMode::Commit).unwrap_err();
    });
    for plan in found {
        let rest = plan.strip_prefix("MULTI-INDEX OR; INDEX 1; ").unwrap_or(&plan);
        assert!(rest.starts_with("SEARCH") && !plan.contains("SCAN jobs"), "{plan}");
    }
    let deleted = plans(&database, "DELETE", || {
        database.jobs().delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit).unwrap();
    });
    assert_plan(
        &deleted,
        "SEARCH jobs USING INDEX jobs_id_idx (id=?); \
         SEARCH bound_outputs USING PRIMARY KEY (organisation_id=? AND job_id=?); \
         SEARCH run_counters USING PRIMARY KEY (organisation_id=? AND job_id=?); \
         SEARCH job_revisions USING PRIMARY KEY (organisation_id=? AND job_id=?)",
    );
}

#[test]
fn the_revisions_of_a_job_are_read_from_their_indexes() {
    let (database, _, job) = recorded();
    let found = plans(&database, "SELECT", || {
        for after in [None, Some(job.revision)] {
            database.jobs().revisions(job.organisation_id, job.id, &page_after(20, after)).unwrap();
        }
        database.jobs().revision(job.organisation_id, job.id, job.revision).unwrap();
    });
    let kept = "SEARCH job_revisions USING PRIMARY KEY (organisation_id=? AND job_id=? AND revision>?)";
    let current = "SEARCH jobs USING INDEX jobs_id_idx (id=?)";
    assert_eq!(found[..4], [kept, current, kept, current]);
    let kept = "SEARCH job_revisions USING PRIMARY KEY (organisation_id=? AND job_id=? AND revision=?)";
    assert_eq!(found[4..], [kept, current]);
}

#[test]
fn runs_are_read_from_their_indexes() {
    let (database, _, job) = recorded();
    let run = a_run_of(&job, &[]);
    database.runs().insert(&run, &[], None).unwrap();
    let time = Some(run.issued_at);
    let position = |micros| Some(RunPosition { issued_at: micros_after(run.issued_at, micros), id: run.id });
    let found = plans(&database, "SELECT", || {
        database.runs().find(job.organisation_id, job.id, run.id).unwrap();
        for (from, to, after) in [
            (None, None, None),
            (None, None, position(0)),
            (None, time, None),
            (time, time, position(1)),
            (time, time, position(-1)),
        ] {
            let filter = RunFilter { status: Some(RunStatus::Failed), from, to, known_at: None };
            database.runs().list(job.organisation_id, job.id, &filter, &page_after(20, after)).unwrap();
        }
    });
    let listed = |times: &str| format!("SEARCH runs USING PRIMARY KEY (organisation_id=? AND job_id=?{times})");
    assert_eq!(
        found,
        [
            "SEARCH runs USING INDEX sqlite_autoindex_runs_2 (organisation_id=? AND job_id=? AND id=?)".to_owned(),
            listed(""),
            listed(" AND (issued_at,id)<(?,?)"),
            listed(" AND issued_at<?"),
            listed(" AND issued_at>? AND issued_at<?"),
            listed(" AND issued_at>? AND (issued_at,id)<(?,?)"),
        ]
    );
}

#[test]
fn predictions_are_read_from_their_indexes() {
    let (database, _, job) = recorded();
    let values = [a_prediction("risk", job.created_at, 0.5)];
    let run = a_run_of(&job, &values);
    database.runs().insert(&run, &values, None).unwrap();
    let read = |issued, known_at, last_run| {
        let after = Some(PredictionPosition { role: role_name("a"), at: job.created_at });
        let query = PredictionQuery { issued, known_at, last_run, after, ..everything_of(&job) };
        assert_eq!(database.runs().predictions(&query).unwrap().values.len(), 1);
    };
    let key = "PRIMARY KEY (organisation_id=? AND job_id=? AND role=?";
    let run_of = "SEARCH runs USING PRIMARY KEY (organisation_id=? AND job_id=? AND issued_at=?)";
    let (known_at, last_run) = (Some(run.received_at), RunNumber::new(1));

    let newest = |number: usize, known: &str| {
        format!(
            "CO-ROUTINE times; SETUP; SEARCH predictions USING {key} AND at>? AND at<?); \
             RECURSIVE STEP; SCAN times; CORRELATED SCALAR SUBQUERY 2; SEARCH later USING {key} AND at>? AND at<?); \
             SCAN times; SEARCH newest USING {key} AND at=? AND issued_at=?); \
             CORRELATED SCALAR SUBQUERY {number}; SEARCH known USING {key} AND at=? AND issued_at>? AND issued_at<?); \
             {known}{run_of}; REUSE SUBQUERY {number}"
        )
    };
    for issued in [Issued::AtAnyTime, Issued::Until(run.issued_at)] {
        let found = plans(&database, "WITH", || read(issued, None, None));
        assert_plan(&found, &newest(4, ""));
        for (known_at, last_run) in [(known_at, None), (None, last_run), (known_at, last_run)] {
            let found = plans(&database, "WITH", || read(issued, known_at, last_run));
            let told = run_of.replace("SEARCH runs", "SEARCH told");
            let hidden = run_of.replace("SEARCH runs", "SEARCH unfinished_runs");
            assert_plan(&found, &newest(5, &format!("CORRELATED SCALAR SUBQUERY 4; {hidden}; {told}; ")));
        }
    }

    let found = plans(&database, "SELECT", || read(Issued::At(run.issued_at), known_at, None));
    let hidden = "SEARCH unfinished_runs USING PRIMARY KEY (organisation_id=? AND job_id=?)";
    let role = "SEARCH predictions USING PRIMARY KEY (organisation_id=? AND job_id=? AND role>?)";
    let of_run = format!(
        "SEARCH predictions USING INDEX predictions_organisation_id_job_id_issued_at_idx \
         (organisation_id=? AND job_id=? AND issued_at=? AND role=? AND at>? AND at<?); {run_of}"
    );
    let last_number = "SEARCH run_counters USING PRIMARY KEY (organisation_id=? AND job_id=?)";
    assert_eq!(found, [hidden, last_number, role, &of_run, role]);
    let found = plans(&database, "SELECT", || read(Issued::At(run.issued_at), None, last_run));
    assert_eq!(found, [hidden, role, &of_run, role]);
}

/// Neither values, runs, jobs nor summaries are scanned to find out that there is nothing to delete, and no writer has
/// to wait.
#[test]
fn a_purge_of_nothing_looks_into_indexes_and_takes_no_lock() {
    let (database, _, job) = with_a_value();
    let found = plans(&database, "", || {
        assert_eq!(database.retention().purge(job.created_at, 10).unwrap(), Purged::default());
    });
    assert_eq!(found, ["SCAN deleted_jobs", STALE, EXPIRED], "no transaction is begun");
}

#[test]
fn what_is_purged_is_found_from_indexes() {
    let (database, version, job) = with_a_value();
    let long_after = job.created_at.plus(hours(RetentionHours::MAX).as_time());
    let purge = || {
        let found = plans(&database, "", || {
            database.retention().purge(long_after, 10).unwrap();
        });
        // From where the transaction begins to where it ends.
        let begin = found.iter().position(String::is_empty).unwrap();
        found[begin + 1..found.len() - 1].to_vec()
    };
    let index = "INDEX predictions_organisation_id_job_id_issued_at_idx (organisation_id=? AND job_id=?";
    let values = [
        format!("SEARCH predictions USING COVERING {index} AND issued_at<?)"),
        format!("SEARCH predictions USING {index} AND (issued_at,role,at)<(?,?,?))"),
    ];
    let oldest_value = format!("SEARCH predictions USING COVERING {index})");
    let of_job =
        |table: &str, more: &str| format!("SEARCH {table} USING PRIMARY KEY (organisation_id=? AND job_id=?{more})");
    let expired = [STALE, "SCAN deleted_jobs", EXPIRED].map(str::to_owned);
    assert_eq!(
        purge(),
        [&expired[..], &values, std::slice::from_ref(&oldest_value), &[of_job("run_summaries", "")]].concat()
    );

    let other = database.set_up_job(&version);
    let run = a_run_of(&other, &[]);
    database.runs().insert(&run, &[], None).unwrap();
    database.jobs().delete(&Scope::Platform, other.id, other.revision, WriteMode::Commit).unwrap();
    let runs = [of_job("runs", ""), of_job("runs", " AND issued_at<?"), of_job("replaced_runs", "")];
    let runs = [&runs[..], &[oldest_value, of_job("runs", "")]].concat();
    let rows = [of_job("run_summaries", ""), of_job("deleted_jobs", "")];
    assert_eq!(purge(), [&expired[..2], &values, &runs, &rows, &expired[2..]].concat());
}

/// Which runs nobody goes on with.
const STALE: &str = "SEARCH unfinished_runs USING INDEX unfinished_runs_seen_at_idx (seen_at<?)";
/// The values of which sources have expired.
const EXPIRED: &str = "SCAN sources USING INDEX sqlite_autoindex_sources_1; SEARCH run_summaries USING COVERING INDEX \
                       run_summaries_source_id_values_from_idx (source_id=? AND values_from<?)";

/// With a run of one value.
fn with_a_value() -> (Database, SourceVersion, Job) {
    let (database, version, job) = recorded();
    let values = [a_prediction("risk", job.created_at, 0.5)];
    database.runs().insert(&a_run_of(&job, &values), &values, None).unwrap();
    (database, version, job)
}

/// The triggers too: EXPLAIN QUERY PLAN says nothing of them, so their statements are explained by themselves.
#[test]
fn the_triggers_use_the_primary_key() {
    let (database, _, _) = recorded();
    for (statement, expected) in [
        (
            "DELETE FROM job_inputs WHERE input_id IN (SELECT value ->> 'input_id' FROM json_each(?)) \
             AND organisation_id = ? AND job_id = ?",
            "SEARCH job_inputs USING PRIMARY KEY (input_id=? AND organisation_id=? AND job_id=?)",
        ),
        (
            "SELECT source_id FROM jobs WHERE jobs.organisation_id = ? AND jobs.id = ?",
            "SEARCH jobs USING INDEX jobs_id_idx (id=?)",
        ),
        (
            "SELECT count(*) FROM runs AS later WHERE later.organisation_id = ? AND later.job_id = ? \
             AND later.issued_at > ? AND later.succeeded = 0",
            "SEARCH later USING PRIMARY KEY (organisation_id=? AND job_id=? AND issued_at>?)",
        ),
        (
            "UPDATE run_summaries SET values_from = ? WHERE organisation_id = ? AND job_id = ? \
             AND ? > 0 AND (values_from IS NULL OR values_from > ?)",
            "SEARCH run_summaries USING PRIMARY KEY (organisation_id=? AND job_id=?)",
        ),
        (
            "UPDATE runs SET number = (SELECT last_number FROM run_counters \
             WHERE run_counters.organisation_id = ? AND run_counters.job_id = ?) \
             WHERE organisation_id = ? AND job_id = ? AND issued_at = ?",
            "SEARCH runs USING PRIMARY KEY (organisation_id=? AND job_id=? AND issued_at=?)",
        ),
    ] {
        let plan = plan(&mut database.connect(), statement);
        assert!(plan.starts_with(expected), "{plan}");
    }
}

/// The first page and the one behind some position.
pub(crate) fn list(database: &Database, scope: &Scope, filter: &JobFilter) {
    let jobs = database.jobs();
    jobs.list(scope, filter, &page_after(20, None)).unwrap();
    jobs.list(scope, filter, &page_after(20, Some(Position::behind(1)))).unwrap();
}
