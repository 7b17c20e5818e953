//! What can be bound to a role, and the form of a setup.

use serde_json::{Value, json};

use crate::harness::{Model, ORGANISATION_A, ORGANISATION_B, Server, errors, fresh_id, insert, on_both_databases};

on_both_databases!(
    candidates_are_listed_by_how_well_they_fit,
    a_question_for_candidates_that_cannot_be_answered_says_why,
    many_that_do_not_fit_keep_none_that_fits_from_being_found,
    a_version_has_the_schema_of_its_setup,
);

fn published(server: &Server) -> Model {
    let contract = json!({
        "input_roles": [
            { "role": "air", "input_kind": "sensor", "metric": "temperature", "unit": "°C" },
            { "role": "any", "input_kind": "sensor", "metric": "temperature", "required": false },
        ],
        "output_roles": [{ "role": "frost", "metric": "risk" }],
    });
    Model::publish_with(server, "frost", contract)
}

fn register(server: &Server, organisation: &str, number: usize, input: &Value) -> String {
    let id = format!("eeeeeeee-eeee-4eee-8eee-{number:012}");
    let mut body = json!({ "organisation_id": organisation, "kind": "sensor", "name": format!("Sensor {number}") });
    for (name, value) in input.as_object().unwrap() {
        insert(&mut body, &format!("/{name}"), value.clone());
    }
    server.member(organisation).put(&format!("/api/v1/inputs/{id}"), &body).expect(201);
    id
}

fn candidates_are_listed_by_how_well_they_fit(server: &Server) {
    let model = published(server);
    let measures = |metric: Value, unit: Value| json!({ "metric": metric, "unit": unit });
    let inputs = [
        measures(json!("temperature"), json!("K")),
        measures(json!(null), json!("°C")),
        measures(json!("temperature"), json!("°C")),
        measures(json!("humidity"), json!("%")),
        measures(json!("temperature"), json!("grads")),
        measures(json!("temperature"), json!("degC")),
        measures(json!("temperature"), json!("hPa")),
        measures(json!("temperature"), json!(null)),
        measures(json!("temperature"), json!("°F")),
        json!({ "kind": "gateway", "metric": "temperature", "unit": "°C" }),
    ];
    let ids: Vec<String> =
        inputs.iter().enumerate().map(|(number, input)| register(server, ORGANISATION_A, number, input)).collect();
    register(server, ORGANISATION_B, 2, &measures(json!("temperature"), json!("°C")));
    let own = server.scoped(ORGANISATION_A, "inputs:read");
    let path = format!("{}/candidates?organisation_id={ORGANISATION_A}", model.version_path());
    let walk = |role: &str, limit: usize| {
        let mut found = Vec::new();
        let mut query = format!("{path}&role={role}&limit={limit}");
        loop {
            let page = own.get(&query).expect(200);
            for candidate in page["items"].as_array().unwrap() {
                let id = candidate["input"]["id"].as_str().unwrap();
                let number = ids.iter().position(|known| known == id).unwrap();
                found.push((number, candidate["fit"].as_str().unwrap().to_owned()));
            }
            let Some(cursor) = page["next_cursor"].as_str() else { return found };
            query = format!("{path}&role={role}&limit={limit}&cursor={cursor}");
        }
    };
    let expected = [
        (2, "exact"),
        (5, "exact"),
        (0, "convertible"),
        (8, "convertible"),
        (1, "unverified"),
        (4, "unverified"),
        (7, "unverified"),
    ];
    let expected = expected.map(|(number, fit)| (number, fit.to_owned()));
    for limit in [1, 2, 3, 7, 50] {
        assert_eq!(walk("air", limit), expected, "{limit}");
    }
    // A role without a unit takes any.
    let fits: Vec<usize> = walk("any", 50).into_iter().filter(|(_, fit)| fit == "exact").map(|(at, _)| at).collect();
    assert_eq!(fits, [0, 2, 4, 5, 6, 7, 8]);
    let named = own.get(&format!("{path}&role=air&q=SENSOR%200")).expect(200);
    let conversion = json!({ "from": "K", "to": "°C", "factor": 1.0, "offset": -273.15 });
    assert_eq!((&named["items"][0]["conversion"], named["items"].as_array().unwrap().len()), (&conversion, 1));
    // Each can be bound.
    let setup = json!({
        "organisation_id": ORGANISATION_A, "job": { "name": "Job A", "source_version_id": model.version },
        "role_bindings": [{ "role": "air", "input_id": ids[8] }],
    });
    server.operator().post("/api/v1/jobs/setup", &setup).expect(201);
}

fn a_question_for_candidates_that_cannot_be_answered_says_why(server: &Server) {
    let model = published(server);
    let own = server.member(ORGANISATION_A);
    let path = format!("{}/candidates", model.version_path());
    let problem = own.get(&path).problem(400, "invalid_query");
    let parameters: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["parameter"].as_str().unwrap()).collect();
    assert_eq!(parameters, ["organisation_id", "role"]);
    let asked = |organisation: &str, role: &str| own.get(&format!("{path}?organisation_id={organisation}&role={role}"));
    let problem = asked(ORGANISATION_A, "ari").problem(422, "invalid");
    assert_eq!(errors(&problem), [("/role", "unknown_role")]);
    assert_eq!(problem["errors"][0]["expected"], json!(["air", "any"]));
    asked(ORGANISATION_B, "air").problem(403, "organisation_out_of_scope");
    let nowhere =
        format!("/api/v1/source_versions/{}/candidates?organisation_id={ORGANISATION_A}&role=air", fresh_id());
    own.get(&nowhere).problem(404, "not_found");
}

fn many_that_do_not_fit_keep_none_that_fits_from_being_found(server: &Server) {
    let model = published(server);
    let operator = server.operator();
    for hundreds in 0..6 {
        let items: Vec<Value> = (0..1_000)
            .map(|number| {
                json!({
                    "id": format!("eeeeeeee-eeee-4eee-8eee-{:012}", hundreds * 1_000 + number), "organisation_id": ORGANISATION_A,
                    "kind": "sensor", "name": "Rain", "metric": "rain", "unit": "mm",
                })
            })
            .collect();
        operator.post("/api/v1/inputs/import", &json!({ "items": items })).expect(200);
    }
    let last = register(server, ORGANISATION_A, 999_999, &json!({ "metric": "temperature", "unit": "°C" }));
    let path = format!("{}/candidates?organisation_id={ORGANISATION_A}&role=air&limit=2", model.version_path());
    let mut query = path.clone();
    let mut found = Vec::new();
    for _ in 0..30 {
        let page = operator.get(&query).expect(200);
        found.extend(page["items"].as_array().unwrap().iter().map(|candidate| candidate["input"]["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert_eq!(found, [json!(last)]);
            return;
        };
        query = format!("{path}&cursor={cursor}");
    }
    panic!("the list does not end: {found:?}");
}

fn a_version_has_the_schema_of_its_setup(server: &Server) {
    let model = published(server);
    let path = format!("{}/setup_schema", model.version_path());
    let answer = server.member(ORGANISATION_B).get(&path);
    let schema = answer.expect(200);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["properties"]["job"]["properties"]["source_version_id"]["const"], json!(model.version));
    let titles: Vec<_> = schema["properties"]["role_bindings"]["items"]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| &role["title"])
        .collect();
    assert_eq!(titles, ["air", "any"]);
    assert_eq!(schema["properties"]["role_bindings"]["items"]["oneOf"][0]["description"], "temperature in °C");
    let tag = answer.header("etag").unwrap();
    assert_eq!(server.operator().call("GET", &path).header("If-None-Match", tag).send().status, 304);
    server
        .operator()
        .put(&format!("{}/lifecycle", model.version_path()), &json!({ "stage": "deprecated" }))
        .expect(200);
    assert_eq!(server.operator().call("GET", &path).header("If-None-Match", tag).send().status, 304);
}
