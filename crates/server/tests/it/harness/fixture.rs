use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::server::Server;

pub(crate) const ORGANISATION_A: &str = "77777777-7777-7777-7777-777777777777";
pub(crate) const ORGANISATION_B: &str = "88888888-8888-8888-8888-888888888888";
pub(crate) const ORGANISATION_C: &str = "99999999-9999-9999-9999-999999999999";

/// An id that nothing has.
pub(crate) fn fresh_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("f0000000-0000-4000-8000-{:012x}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// One of the requests in `docs/examples`.
pub(crate) fn example(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Puts a value where a JSON pointer points, a new member included.
pub(crate) fn insert(body: &mut Value, pointer: &str, value: impl Into<Value>) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).unwrap() {
        Value::Object(object) => {
            object.insert(name.to_owned(), value.into());
        }
        Value::Array(items) if name == items.len().to_string() => items.push(value.into()),
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value.into(),
        other => panic!("{pointer} leads into {other}"),
    }
}

/// A source with a version that takes a temperature, and rain if it is known; both predict mildew, the second version
/// frost too.
pub(crate) struct Model {
    /// The id of the source.
    pub(crate) source: String,
    /// The id of version 1.0.0.
    pub(crate) version: String,
    /// The id of the input that its jobs take.
    pub(crate) input: String,
}

impl Model {
    /// Creates the source, which belongs to [`ORGANISATION_A`], and publishes version 1.0.0.
    pub(crate) fn publish(server: &Server, name: &str) -> Self {
        Self::publish_with(server, name, Self::contract())
    }

    /// The same with other roles.
    pub(crate) fn publish_with(server: &Server, name: &str, contract: Value) -> Self {
        let source = json!({ "name": name, "owner_organisation_id": ORGANISATION_A });
        let source = server.operator().post("/api/v1/sources", &source).expect(201);
        let source = source["id"].as_str().unwrap().to_owned();
        let mut model = Self { source, version: String::new(), input: fresh_id() };
        model.version = model.publish_version(server, "1.0.0", contract);
        model
    }

    /// Publishes another version, and gives its id.
    pub(crate) fn publish_version(&self, server: &Server, version: &str, mut contract: Value) -> String {
        insert(&mut contract, "/source_id", self.source.as_str());
        insert(&mut contract, "/version", version);
        let version = server.operator().post("/api/v1/source_versions", &contract).expect(201);
        version["id"].as_str().unwrap().to_owned()
    }

    /// The roles of version 1.0.0.
    pub(crate) fn contract() -> Value {
        json!({
            "input_roles": [
                { "role": "temperature", "input_kind": "sensor", "metric": "celsius" },
                { "role": "rain", "input_kind": "station", "metric": "millimetres", "required": false },
            ],
            "output_roles": [
                { "role": "mildew", "metric": "risk", "unit": "%" },
            ],
        })
    }

    /// The report of a run of a job that runs this model, with a word to tell it by.
    pub(crate) fn report(message: &str) -> Value {
        json!({
            "issued_at": "2026-06-01T12:00:00Z",
            "status": "succeeded",
            "message": message,
            "predictions": [{ "role": "mildew", "at": "2026-06-01T13:00:00Z", "value": 12.5 }],
        })
    }

    /// Roles that need wind too, and predict frost too.
    pub(crate) fn larger_contract() -> Value {
        json!({
            "input_roles": [
                { "role": "temperature", "input_kind": "sensor", "metric": "celsius" },
                { "role": "wind", "input_kind": "sensor", "metric": "metres per second" },
            ],
            "output_roles": [
                { "role": "frost", "metric": "risk", "unit": "%" },
                { "role": "mildew", "metric": "risk", "unit": "%" },
            ],
        })
    }

    /// A setup of a job for this model.
    pub(crate) fn setup(&self, organisation: &str, name: &str) -> Value {
        json!({
            "organisation_id": organisation,
            "job": { "name": name, "source_version_id": self.version },
            "role_bindings": [{ "role": "temperature", "input_id": self.input, "input_type": "sensor" }],
        })
    }

    /// Sets up a job, and gives it.
    pub(crate) fn job(&self, server: &Server, organisation: &str, name: &str) -> Value {
        server.operator().post("/api/v1/jobs/setup", &self.setup(organisation, name)).expect(201)["job"].clone()
    }

    pub(crate) fn source_path(&self) -> String {
        format!("/api/v1/sources/{}", self.source)
    }

    pub(crate) fn version_path(&self) -> String {
        format!("/api/v1/source_versions/{}", self.version)
    }
}

/// Where a job is.
pub(crate) fn path_of(job: &Value) -> String {
    format!("/api/v1/jobs/{}", job["id"].as_str().unwrap())
}
