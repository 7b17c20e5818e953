use prediction_http::openapi::Operation;
use serde_json::{Value, json};

use crate::harness::{Call, Model, ORGANISATION_A, Server, fresh_id, insert};

/// A server with something to ask for.
pub(super) struct World<'a> {
    pub(super) server: &'a Server,
    pub(super) model: Model,
    /// Another version of it.
    next: String,
}

impl<'a> World<'a> {
    pub(super) fn new(server: &'a Server) -> Self {
        let model = Model::publish(server, "The model of all jobs");
        let next = model.publish_version(server, "1.1.0", Model::contract());
        Self { server, model, next }
    }

    /// A request that can be done, for things that no other request touches: `name` makes them its own.
    pub(super) fn valid(&self, operation: &Operation, name: &str) -> Call {
        let server = self.server;
        let (id, body) = match operation.id {
            "create_source" => (String::new(), Some(json!({ "name": name }))),
            "get_source" => (self.source(name), None),
            "delete_source" => (self.source(name), Some(json!({ "revision": 1 }))),
            "change_source" => (self.source(name), Some(json!({ "retention_hours": 1 }))),
            "create_source_version" => {
                let mut version = Model::contract();
                insert(&mut version, "/source_id", self.source(name));
                insert(&mut version, "/version", "1.0.0");
                (String::new(), Some(version))
            }
            "compare_source_versions" => {
                let version = Model::publish(server, name).version;
                let call = server.operator().call(operation.method, &operation.path_to(&version));
                return call.query(&format!("with={version}"));
            }
            "change_lifecycle" => (Model::publish(server, name).version, Some(json!({ "stage": "deprecated" }))),
            "list_candidates" => {
                let call = server.operator().call(operation.method, &operation.path_to(&self.model.version));
                return call.query(&format!("organisation_id={ORGANISATION_A}&role=temperature"));
            }
            "get_setup_schema" | "get_source_version" | "get_lifecycle" | "judge_impact" => {
                (Model::publish(server, name).version, None)
            }
            "delete_source_version" => (Model::publish(server, name).version, Some(json!({ "revision": 1 }))),
            "set_up_job" => (String::new(), Some(self.model.setup(ORGANISATION_A, name))),
            "delete_job" => (self.job(name), Some(json!({ "revision": null }))),
            "get_job" | "get_job_lineage" | "list_job_revisions" | "get_job_revision" | "list_runs"
            | "list_predictions" => (self.job(name), None),
            "get_output" | "list_output_predictions" => (self.output(name), None),
            "change_job" => (self.job(name), Some(json!({ "active": false }))),
            "upgrade_job" => (self.job(name), Some(json!({}))),
            "upgrade_jobs" => {
                self.job(name);
                let filter = json!({ "organisation_id": ORGANISATION_A, "name": name });
                (String::new(), Some(json!({ "source_version_id": self.next, "filter": filter })))
            }
            "restore_job" => {
                let job = self.job(name);
                server.operator().put(&format!("/api/v1/jobs/{job}"), &json!({ "active": false })).expect(200);
                (job, Some(json!({ "revision": 1 })))
            }
            "compare_job_revisions" => {
                let call = server.operator().call(operation.method, &operation.path_to(&self.job(name)));
                return call.query("with=1");
            }
            "trace_prediction" => {
                let job = self.job(name);
                server.operator().post(&format!("/api/v1/jobs/{job}/runs"), &Model::report(name)).expect(201);
                let call = server.operator().call(operation.method, &operation.path_to(&job));
                return call.query("role=mildew&at=2026-06-01T13:00:00Z");
            }
            "report_run" => (self.job(name), Some(Model::report(name))),
            "get_run" | "delete_run" => {
                let job = self.job(name);
                let run = server.operator().post(&format!("/api/v1/jobs/{job}/runs"), &Model::report(name)).expect(201);
                let path = operation.path.replace("{run_id}", run["id"].as_str().unwrap()).replace("{id}", &job);
                let call = server.operator().call(operation.method, &path);
                return if operation.id == "delete_run" { call.json(&json!({ "revision": 1 })) } else { call };
            }
            "get_input" => (self.input(name), None),
            "delete_input" => (self.input(name), Some(json!({ "revision": 1 }))),
            "put_input" => (fresh_id(), Some(input(name))),
            "import_inputs" => {
                let mut input = input(name);
                insert(&mut input, "/id", fresh_id());
                (String::new(), Some(json!({ "items": [input] })))
            }
            "list_input_uses" => (fresh_id(), None),
            "get_organisation" | "name_organisation" => {
                let path = format!("/api/v1/organisations/{ORGANISATION_A}");
                server.operator().put(&path, &json!({ "name": name })).expect(200);
                let body = json!({ "name": name });
                (ORGANISATION_A.to_owned(), (operation.id == "name_organisation").then_some(body))
            }
            "apply" => (String::new(), Some(json!({ "set": name, "sources": [{ "name": name }] }))),
            "list_inputs"
            | "export"
            | "list_organisations"
            | "list_sources"
            | "list_source_versions"
            | "list_jobs"
            | "count_jobs_by_health"
            | "live"
            | "ready"
            | "metrics"
            | "openapi"
            | "list_problems"
            | "get_problem" => (String::new(), None),
            unknown => panic!("say in this test what a valid request of {unknown} is"),
        };
        let path = operation.path_to(&id);
        let call = server.operator().call(operation.method, &path);
        match body {
            Some(body) => call.json(&body),
            None => call,
        }
    }

    pub(super) fn source(&self, name: &str) -> String {
        let source = self.server.operator().post("/api/v1/sources", &json!({ "name": name })).expect(201);
        source["id"].as_str().unwrap().to_owned()
    }

    pub(super) fn input(&self, name: &str) -> String {
        let id = fresh_id();
        self.server.operator().put(&format!("/api/v1/inputs/{id}"), &input(name)).expect(201);
        id
    }

    fn output(&self, name: &str) -> String {
        let job = self.model.job(self.server, ORGANISATION_A, name);
        job["outputs"][0]["id"].as_str().unwrap().to_owned()
    }

    /// A job that reads the output of another one.
    pub(super) fn reader(&self, name: &str, upstream: &Value) {
        let role = json!({ "role": "risk", "input_kind": "output", "metric": "risk", "unit": "%" });
        let contract = json!({ "input_roles": [role], "output_roles": [{ "role": "advice", "metric": "advice" }] });
        let model = Model::publish_with(self.server, &format!("reader of {name}"), contract);
        let mut setup = model.setup(ORGANISATION_A, &format!("reader of {name}"));
        let output = &upstream["outputs"][0]["id"];
        insert(&mut setup, "/role_bindings", json!([{ "role": "risk", "input_id": output, "input_type": "output" }]));
        self.server.operator().post("/api/v1/jobs/setup", &setup).expect(201);
    }

    pub(super) fn job(&self, name: &str) -> String {
        self.model.job(self.server, ORGANISATION_A, name)["id"].as_str().unwrap().to_owned()
    }
}

pub(super) fn input(name: &str) -> Value {
    json!({ "organisation_id": ORGANISATION_A, "kind": "sensor", "name": name })
}
