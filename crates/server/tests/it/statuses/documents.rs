use prediction_http::problem::ProblemCode;
use serde_json::{Value, json};

use super::world::World;
use crate::harness::{Answer, Model, ORGANISATION_A, ORGANISATION_B, insert};

/// Problems that documents come to in their own ways.
pub(super) const APPLIED: [ProblemCode; 7] = [
    ProblemCode::InUse,
    ProblemCode::NotOfTheSet,
    ProblemCode::NotTheOwner,
    ProblemCode::OrganisationOutOfScope,
    ProblemCode::PlanOutdated,
    ProblemCode::PruneLimitExceeded,
    ProblemCode::WouldDeleteValues,
];

pub(super) fn apply(world: &World<'_>, name: &str, code: ProblemCode) -> Answer {
    const PATH: &str = "/api/v1/apply";
    let server = world.server;
    let operator = server.operator();
    let with = |members: Value| {
        let mut document = json!({ "set": name });
        for (member, value) in members.as_object().unwrap() {
            insert(&mut document, &format!("/{member}"), value.clone());
        }
        document
    };
    match code {
        ProblemCode::NotOfTheSet => {
            world.source(name);
            operator.post(PATH, &with(json!({ "sources": [{ "name": name }] })))
        }
        ProblemCode::NotTheOwner => {
            world.source(name);
            server.member(ORGANISATION_B).post(PATH, &with(json!({ "adopt": true, "sources": [{ "name": name }] })))
        }
        ProblemCode::OrganisationOutOfScope => {
            server.member(ORGANISATION_B).post(PATH, &with(json!({ "organisation_id": ORGANISATION_A })))
        }
        ProblemCode::PlanOutdated => operator.post(PATH, &with(json!({ "expect_plan": "sha256:another" }))),
        ProblemCode::PruneLimitExceeded => {
            operator.post(PATH, &with(json!({ "sources": [{ "name": name }] }))).expect(200);
            operator.post(PATH, &with(json!({ "prune": "delete" })))
        }
        // A job that goes to a version without the output that another one reads.
        ProblemCode::InUse => {
            let model = Model::publish(server, name);
            let job = model.job(server, ORGANISATION_A, name);
            world.reader(name, &job);
            let output = json!([{ "role": "frost", "metric": "risk" }]);
            let contract = json!({ "input_roles": Model::contract()["input_roles"], "output_roles": output });
            model.publish_version(server, "2.0.0", contract);
            let job = json!({ "name": name, "source_version": { "version": "2.0.0" } });
            operator.post(PATH, &with(json!({ "adopt": true, "organisation_id": ORGANISATION_A, "jobs": [job] })))
        }
        _ => {
            let model = Model::publish(server, name);
            let job = model.job(server, ORGANISATION_A, name);
            let mut old = Model::report(name);
            insert(&mut old, "/issued_at", "2001-01-01T00:00:00Z");
            operator.post(&format!("{}/runs", crate::harness::path_of(&job)), &old).expect(201);
            let source = json!({ "name": name, "retention_hours": 1 });
            operator.post(PATH, &with(json!({ "adopt": true, "sources": [source] })))
        }
    }
}
