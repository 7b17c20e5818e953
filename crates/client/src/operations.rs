//! A method for each operation of the service. `docs/openapi.json` says what each does, asks for and answers.

use prediction_wire::{
    ApplyResult, Candidate, Export, Input, InputImport, InputUse, Job, JobHealthCounts, JobImpact, JobOutput,
    JobRevision, JobRevisionComparison, JobSetup, JobUpgrade, JobUpgrades, Lifecycle, Lineage, Organisation, Page,
    Prediction, Provenance, ReportedRun, Run, ServiceHealth, Source, SourceVersion, SourceVersionComparison,
    SourceVersionImpact, SourceVersionItem, UpdatedInput, UpdatedJob, UpdatedSource,
};
use serde_json::Value;
use ureq::http::Method;

use crate::answer::Reply;
use crate::client::Client;
use crate::error::ClientError;
use crate::items::Items;
use crate::parameters::Parameters;
use crate::request::encoded;
use crate::stream::Stream;

/// An operation of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// What the OpenAPI document calls it (`operationId`); the method of [`Client`] has the same name.
    pub id: &'static str,
    /// The method of its request.
    pub method: &'static str,
    /// Its path, with the names of what is to be filled in.
    pub path: &'static str,
}

macro_rules! path {
    ($path:literal $(, $argument:ident)*) => { format!($path $(, $argument = encoded(&$argument.to_string()))*) };
}

/// Reads, writes, deletes and lists differ in what a method takes, and in what comes back.
macro_rules! method {
    (read [$about:literal] $name:ident($($argument:ident),*) $answer:ty, $method:ident $path:literal) => {
        #[doc = $about]
        pub fn $name(&self, $($argument: impl ToString,)* parameters: &Parameters) -> Result<Reply<$answer>, ClientError> {
            let answer = self.ask(Method::$method, &path!($path $(, $argument)*), None, parameters)?;
            Ok(Reply { value: answer.read()?, answer })
        }
    };
    (text [$about:literal] $name:ident($($argument:ident),*) $answer:ty, $method:ident $path:literal) => {
        #[doc = $about]
        pub fn $name(&self, $($argument: impl ToString,)* parameters: &Parameters) -> Result<Reply<$answer>, ClientError> {
            let answer = self.as_text(&path!($path $(, $argument)*), parameters)?;
            Ok(Reply { value: answer.text()?, answer })
        }
    };
    (write [$about:literal] $name:ident($($argument:ident),*) $answer:ty, $method:ident $path:literal) => {
        #[doc = $about]
        pub fn $name(
            &self, $($argument: impl ToString,)* body: &Value, parameters: &Parameters,
        ) -> Result<Reply<$answer>, ClientError> {
            let answer = self.ask(Method::$method, &path!($path $(, $argument)*), Some(body), parameters)?;
            Ok(Reply { value: answer.read()?, answer })
        }
    };
    (delete [$about:literal] $name:ident($($argument:ident),*) $answer:ty, $method:ident $path:literal) => {
        #[doc = $about]
        #[doc = ""]
        #[doc = "What would be deleted, of a dry run; else nothing."]
        pub fn $name(
            &self, $($argument: impl ToString,)* parameters: &Parameters,
        ) -> Result<Reply<Option<$answer>>, ClientError> {
            let answer = self.ask(Method::$method, &path!($path $(, $argument)*), None, parameters)?;
            Ok(Reply { value: if answer.body.is_empty() { None } else { Some(answer.read()?) }, answer })
        }
    };
    (list [$about:literal] $name:ident + $every:ident($($argument:ident),*) $item:ty, $method:ident $path:literal) => {
        #[doc = $about]
        #[doc = ""]
        #[doc = "One page."]
        pub fn $name(
            &self, $($argument: impl ToString,)* parameters: &Parameters,
        ) -> Result<Reply<Page<$item>>, ClientError> {
            let answer = self.ask(Method::$method, &path!($path $(, $argument)*), None, parameters)?;
            Ok(Reply { value: answer.read()?, answer })
        }

        #[doc = $about]
        #[doc = ""]
        #[doc = "All pages."]
        pub fn $every(&self, $($argument: impl ToString,)* parameters: &Parameters) -> Items<$item> {
            self.items(&path!($path $(, $argument)*), parameters)
        }
    };
}

macro_rules! operations {
    ($($kind:ident $about:literal $name:ident $(+ $every:ident)? ($($argument:ident),*) -> $answer:ty = $method:ident $path:literal;)+) => {
        /// Every operation that a client has a method for.
        pub const OPERATIONS: &[Operation] =
            &[$(Operation { id: stringify!($name), method: stringify!($method), path: $path },)+];

        impl Client {
            $(method! { $kind [$about] $name $(+ $every)? ($($argument),*) $answer, $method $path })+
        }
    };
}

operations! {
    write "Makes of what is stored what a document describes." apply() -> ApplyResult = POST "/api/v1/apply";
    read "Exports what is stored as a document; one page." export() -> Export = GET "/api/v1/export";

    list "Lists inputs." list_inputs + every_input() -> Input = GET "/api/v1/inputs";
    write "Registers many inputs." import_inputs() -> InputImport = POST "/api/v1/inputs/import";
    read "Reads an input." get_input(id) -> Input = GET "/api/v1/inputs/{id}";
    write "Registers or changes an input." put_input(id) -> UpdatedInput = PUT "/api/v1/inputs/{id}";
    delete "Removes an input from the register." delete_input(id) -> Input = DELETE "/api/v1/inputs/{id}";
    list "Lists the jobs that are bound to an input." list_input_uses + every_input_use(id) -> InputUse = GET "/api/v1/inputs/{id}/jobs";

    list "Lists jobs." list_jobs + every_job() -> Job = GET "/api/v1/jobs";
    read "Counts jobs by their health." count_jobs_by_health() -> JobHealthCounts = GET "/api/v1/jobs/health";
    write "Sets up a job, with a source and a version if they are not there." set_up_job() -> JobSetup = POST "/api/v1/jobs/setup";
    write "Upgrades many jobs." upgrade_jobs() -> JobUpgrades = POST "/api/v1/jobs/upgrade";
    read "Reads a job." get_job(id) -> Job = GET "/api/v1/jobs/{id}";
    write "Changes a job." change_job(id) -> UpdatedJob = PUT "/api/v1/jobs/{id}";
    delete "Deletes a job." delete_job(id) -> Job = DELETE "/api/v1/jobs/{id}";
    read "Reads what a job reads, and what reads it." get_job_lineage(id) -> Lineage = GET "/api/v1/jobs/{id}/lineage";
    list "Reads what a job predicts." list_predictions + every_prediction(id) -> Prediction = GET "/api/v1/jobs/{id}/predictions";
    read "Reads where a value comes from." trace_prediction(id) -> Provenance = GET "/api/v1/jobs/{id}/provenance";
    write "Makes a job what it was." restore_job(id) -> UpdatedJob = POST "/api/v1/jobs/{id}/restore";
    list "Lists what a job was." list_job_revisions + every_job_revision(id) -> JobRevision = GET "/api/v1/jobs/{id}/revisions";
    read "Reads what a job was." get_job_revision(id, revision) -> JobRevision = GET "/api/v1/jobs/{id}/revisions/{revision}";
    read "Compares two revisions of a job." compare_job_revisions(id, revision) -> JobRevisionComparison = GET "/api/v1/jobs/{id}/revisions/{revision}/comparison";
    list "Lists the runs of a job." list_runs + every_run(id) -> Run = GET "/api/v1/jobs/{id}/runs";
    write "Reports a run. Only a report with `issued_at` is sent again when no answer came." report_run(id) -> ReportedRun = POST "/api/v1/jobs/{id}/runs";
    read "Reads a run." get_run(id, run_id) -> Run = GET "/api/v1/jobs/{id}/runs/{run_id}";
    delete "Deletes a run and its values." delete_run(id, run_id) -> Run = DELETE "/api/v1/jobs/{id}/runs/{run_id}";
    write "Upgrades a job to another version." upgrade_job(id) -> JobUpgrade = POST "/api/v1/jobs/{id}/upgrade";

    list "Lists organisations." list_organisations + every_organisation() -> Organisation = GET "/api/v1/organisations";
    read "Reads an organisation." get_organisation(id) -> Organisation = GET "/api/v1/organisations/{id}";
    write "Names an organisation." name_organisation(id) -> Organisation = PUT "/api/v1/organisations/{id}";

    read "Reads an output." get_output(id) -> JobOutput = GET "/api/v1/outputs/{id}";
    list "Reads what is predicted in an output." list_output_predictions + every_output_prediction(id) -> Prediction = GET "/api/v1/outputs/{id}/predictions";

    list "Lists versions." list_source_versions + every_source_version() -> SourceVersionItem = GET "/api/v1/source_versions";
    write "Publishes a version." create_source_version() -> SourceVersion = POST "/api/v1/source_versions";
    read "Reads a version." get_source_version(id) -> SourceVersion = GET "/api/v1/source_versions/{id}";
    delete "Deletes a version that no job runs." delete_source_version(id) -> SourceVersion = DELETE "/api/v1/source_versions/{id}";
    list "Lists what a role can be bound to." list_candidates + every_candidate(id) -> Candidate = GET "/api/v1/source_versions/{id}/candidates";
    read "Compares two versions." compare_source_versions(id) -> SourceVersionComparison = GET "/api/v1/source_versions/{id}/comparison";
    read "Judges what an upgrade to a version would do; one page." judge_impact(id) -> SourceVersionImpact = GET "/api/v1/source_versions/{id}/impact";
    read "Reads where a version is in its life." get_lifecycle(id) -> Lifecycle = GET "/api/v1/source_versions/{id}/lifecycle";
    write "Changes where a version is in its life." change_lifecycle(id) -> Lifecycle = PUT "/api/v1/source_versions/{id}/lifecycle";
    read "Reads the schema of a setup of a job that runs a version." get_setup_schema(id) -> Value = GET "/api/v1/source_versions/{id}/setup_schema";

    list "Lists sources." list_sources + every_source() -> Source = GET "/api/v1/sources";
    write "Creates a source." create_source() -> Source = POST "/api/v1/sources";
    read "Reads a source." get_source(id) -> Source = GET "/api/v1/sources/{id}";
    write "Changes a source." change_source(id) -> UpdatedSource = PUT "/api/v1/sources/{id}";
    delete "Deletes a source without versions." delete_source(id) -> Source = DELETE "/api/v1/sources/{id}";

    read "Whether the service runs." live() -> ServiceHealth = GET "/health/live";
    read "Whether the service can answer." ready() -> ServiceHealth = GET "/health/ready";
    text "Figures of the service, for Prometheus." metrics() -> String = GET "/metrics";
    read "The OpenAPI document." openapi() -> Value = GET "/openapi.json";
    text "The page on all problems." list_problems() -> String = GET "/problems";
    text "The page on a problem." get_problem(code) -> String = GET "/problems/{code}";
}

#[expect(clippy::needless_pass_by_value, reason = "an id is passed as to the other methods")]
impl Client {
    /// What an upgrade to a version would do to each job of its source: all pages of [`Self::judge_impact`].
    pub fn every_impact(&self, id: impl ToString, parameters: &Parameters) -> Items<JobImpact> {
        self.items(&path!("/api/v1/source_versions/{id}/impact", id), parameters)
    }

    /// What a job predicts, as CSV, to the last row.
    pub fn predictions_csv(&self, id: impl ToString, parameters: &Parameters) -> Result<Stream, ClientError> {
        self.csv(&path!("/api/v1/jobs/{id}/predictions", id), parameters)
    }

    /// What is predicted in an output, as CSV, to the last row.
    pub fn output_predictions_csv(&self, id: impl ToString, parameters: &Parameters) -> Result<Stream, ClientError> {
        self.csv(&path!("/api/v1/outputs/{id}/predictions", id), parameters)
    }

    fn csv(&self, path: &str, parameters: &Parameters) -> Result<Stream, ClientError> {
        self.stream(path, &parameters.pairs(), "text/csv")
    }

    fn as_text(&self, path: &str, parameters: &Parameters) -> Result<crate::Answer, ClientError> {
        self.send(Method::GET, path, &parameters.pairs(), None, &[("accept", "*/*")])
    }
}
