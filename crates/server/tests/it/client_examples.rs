//! The examples of requests in the OpenAPI document, sent by the client to a server.

use std::collections::BTreeSet;
use std::path::Path;

use prediction_client::{Client, ClientError, Credentials, Parameters, Reply, Token};
use serde_json::{Value, json};

use crate::harness::{Server, insert, on_both_databases};

on_both_databases!(every_example_of_a_request_is_answered_as_the_document_says);

const ORGANISATION: &str = "77777777-7777-7777-7777-777777777777";
const SOURCE: &str = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
const VERSION: &str = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";
/// Not the input of the upgrade: that one is of a metric of its own, and is not registered.
const LEAF_WETNESS: &str = "eeeeeeee-eeee-eeee-eeee-eeeeeeeeeee3";

/// The examples, and which were sent.
struct Examples {
    document: Value,
    left: BTreeSet<(String, String)>,
}

impl Examples {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
        let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut examples = Self { left: BTreeSet::new(), document };
        for operation in examples.operations() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            for name in named(&operation).keys() {
                examples.left.insert((id.clone(), name.clone()));
            }
        }
        examples
    }

    /// Those with examples.
    fn operations(&self) -> Vec<Value> {
        let paths = self.document["paths"].as_object().unwrap().values();
        let operations = paths.flat_map(|item| item.as_object().unwrap().values());
        operations.filter(|operation| !named(operation).is_empty()).cloned().collect()
    }

    /// Sends an example, and checks that the status is the expected one and in the document.
    #[track_caller]
    fn send<T>(
        &mut self,
        operation: &str,
        name: &str,
        status: u16,
        send: impl FnOnce(&Value) -> Result<Reply<T>, ClientError>,
    ) -> T {
        let operations = self.operations();
        let described = operations.iter().find(|described| described["operationId"] == operation).unwrap();
        let body = &named(described)[name]["value"];
        let what = format!("{operation}, {name}");
        let reply = send(body).unwrap_or_else(|error| panic!("{what}: {error}: {:?}", error.problem()));
        assert_eq!(reply.answer.status, status, "{what}");
        let answer = &described["responses"][status.to_string().as_str()];
        assert!(answer.is_object(), "{what}");
        assert_eq!(reply.etag().is_some(), answer["headers"]["ETag"].is_object(), "{what}");
        assert!(self.left.remove(&(operation.to_owned(), name.to_owned())), "{what} was sent before");
        reply.value
    }
}

fn named(operation: &Value) -> serde_json::Map<String, Value> {
    operation["requestBody"]["content"]["application/json"]["examples"].as_object().cloned().unwrap_or_default()
}

fn every_example_of_a_request_is_answered_as_the_document_says(server: &Server) {
    let token = Token::new(&server.home().token(&["--all-organisations"]));
    let client = Client::new(&format!("http://{}", server.address), Credentials::Fixed(token)).unwrap();
    let none = Parameters::new();
    let mut examples = Examples::read();

    examples.send("name_organisation", "tutorial", 200, |body| client.name_organisation(ORGANISATION, body, &none));
    examples.send("apply", "orchard", 200, |body| client.apply(body, &none));
    examples.send("import_inputs", "sensors", 200, |body| client.import_inputs(body, &none));
    examples.send("put_input", "sensor", 201, |body| client.put_input(LEAF_WETNESS, body, &none));
    examples.send("create_source", "tutorial", 201, |body| client.create_source(body, &none));
    let first =
        examples.send("create_source_version", "tutorial", 201, |body| client.create_source_version(body, &none));
    let job = examples.send("set_up_job", "tutorial", 201, |body| client.set_up_job(body, &none)).job;
    examples.send("set_up_job", "everything_at_once", 201, |body| client.set_up_job(body, &none));
    for name in ["succeeded", "failed"] {
        examples.send("report_run", name, 201, |body| client.report_run(job.id, body, &none));
    }
    let etag = client.get_job(job.id, &none).unwrap().etag().unwrap().to_owned();
    let this = none.clone().if_match(&etag);
    examples.send("change_job", "change", 200, |body| client.change_job(job.id, body, &this));
    let late = client.change_job(job.id, &json!({ "active": true }), &this).unwrap_err();
    assert_eq!(late.status(), Some(412), "{late}");
    examples.send("restore_job", "restore", 200, |body| client.restore_job(job.id, body, &none));
    let mut next = Value::Null;
    examples.send("create_source_version", "next", 201, |body| {
        next = body.clone();
        client.create_source_version(body, &none)
    });
    examples.send("upgrade_job", "upgrade", 200, |body| client.upgrade_job(job.id, body, &none));
    insert(&mut next, "/version", "1.2.0");
    insert(&mut next, "/id", VERSION);
    client.create_source_version(&next, &none).unwrap();
    examples.send("upgrade_jobs", "upgrade", 200, |body| client.upgrade_jobs(body, &none));
    examples.send("change_lifecycle", "deprecate", 200, |body| client.change_lifecycle(first.id, body, &none));
    examples.send("change_source", "change", 200, |body| client.change_source(SOURCE, body, &none));

    assert!(examples.left.is_empty(), "{:?} were not sent", examples.left);
}
