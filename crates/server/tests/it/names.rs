//! Texts come back as they were sent, in NFC; names are compared without case; what cannot be seen is refused.

use serde_json::{Value, json};

use crate::harness::{Home, Model, ORGANISATION_A, Server, errors, fresh_id, on_both_databases, path_of, same_answers};

on_both_databases!(
    names_that_differ_only_in_case_are_one,
    a_role_is_the_same_in_either_form,
    names_that_cannot_be_seen_are_refused,
);

/// The text as it stands in a query.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
}

fn names_that_differ_only_in_case_are_one(server: &Server) {
    let client = server.operator();
    for (first, others) in [
        ("straße", &["STRAẞE", "STRASSE", "strasse", " Straße "][..]),
        ("ΟΔΥΣΣΕΥΣ", &["οδυσσευς", "οδυσσευσ"]),
        ("ᏣᎳᎩ", &["ꮳꮃꭹ"]),
        ("e\u{301}clair", &["\u{c9}CLAIR", "E\u{301}clair"]),
        ("İzmir", &["i\u{307}zmir"]),
    ] {
        let source = client.post("/api/v1/sources", &json!({ "name": first })).expect(201);
        for other in others {
            let again = client.post("/api/v1/sources", &json!({ "name": other })).expect(200);
            assert_eq!(again, source, "{other}");
            let encoded = encoded(other);
            let found = client.get(&format!("/api/v1/sources?name={encoded}")).expect(200);
            assert_eq!(found["items"], json!([source]), "{other}");
        }
    }
    for other in ["ızmir", "izmir"] {
        client.post("/api/v1/sources", &json!({ "name": other })).expect(201);
    }
}

fn a_role_is_the_same_in_either_form(server: &Server) {
    let client = server.operator();
    let (composed, decomposed) = ("temp\u{e9}rature", "tempe\u{301}rature");
    let mut stored = Vec::new();
    for (defined, referred) in [(composed, decomposed), (decomposed, composed)] {
        let source = client.post("/api/v1/sources", &json!({ "name": fresh_id() })).expect(201);
        let version = json!({
            "source_id": source["id"],
            "version": defined,
            "input_roles": [{ "role": defined, "input_kind": defined, "metric": defined, "unit": "K" }],
            "output_roles": [{ "role": defined, "metric": defined, "unit": "\u{212a}" }],
        });
        let version = client.post("/api/v1/source_versions", &version).expect(201);
        assert_eq!(version["input_roles"][0]["role"], composed);
        assert_eq!(version["output_roles"][0]["unit"], "K");
        stored.push(version["contract_digest"].clone());
        let setup = json!({
            "organisation_id": ORGANISATION_A,
            "source": { "id": source["id"] },
            "source_version": { "version": referred },
            "job": { "name": fresh_id() },
            "role_bindings": [{ "role": referred, "input_id": fresh_id(), "input_type": referred }],
        });
        let job = client.post("/api/v1/jobs/setup", &setup).expect(201)["job"].clone();
        assert_eq!(job["role_bindings"][0]["role"], composed);
        assert_eq!(job["role_bindings"][0]["input_type"], composed);
        let report = |role: &str| {
            json!({
                "issued_at": "2026-06-01T12:00:00Z",
                "status": "succeeded",
                "predictions": [{ "role": role, "at": "2026-06-01T13:00:00Z", "value": 1 }],
            })
        };
        let runs = format!("{}/runs", path_of(&job));
        client.post(&runs, &report(referred)).expect(201);
        client.post(&runs, &report(defined)).expect(200);
        let mut twice = report(composed);
        twice["predictions"]
            .as_array_mut()
            .unwrap()
            .extend(report(decomposed)["predictions"].as_array().unwrap().clone());
        let problem = client.post(&runs, &twice).problem(422, "invalid");
        assert_eq!(errors(&problem), [("/predictions/1", "duplicate_value")]);
        let encoded = encoded(decomposed);
        for query in [String::new(), format!("?role={encoded}")] {
            let values = client.get(&format!("{}/predictions{query}", path_of(&job))).expect(200);
            assert_eq!(values["items"][0]["role"], composed, "{query}");
        }
    }
    assert_eq!(stored[0], stored[1], "the digest is over the composed texts");
}

fn names_that_cannot_be_seen_are_refused(server: &Server) {
    let client = server.operator();
    let rows = server.database().rows();
    for text in
        ["\u{200b}", "\u{2060}\u{ad}", "\u{3164}", "\u{200d}", "\u{fe0f}", "\u{2800}", "a\u{202e}b", "\u{feff}a"]
    {
        let setup = json!({
            "organisation_id": ORGANISATION_A,
            "source": { "name": text },
            "source_version": {
                "version": text,
                "input_roles": [{ "role": text, "input_kind": text, "metric": text, "unit": text }],
                "output_roles": [{ "role": text, "metric": text, "unit": text }],
            },
            "job": { "name": text },
            "role_bindings": [],
        });
        let problem = client.post("/api/v1/jobs/setup", &setup).problem(422, "invalid");
        let told: Vec<_> = errors(&problem).into_iter().filter(|(_, code)| *code == "invisible_character").collect();
        let places = [
            "/job/name",
            "/source/name",
            "/source_version/input_roles/0/input_kind",
            "/source_version/input_roles/0/metric",
            "/source_version/input_roles/0/role",
            "/source_version/input_roles/0/unit",
            "/source_version/output_roles/0/metric",
            "/source_version/output_roles/0/role",
            "/source_version/output_roles/0/unit",
            "/source_version/version",
        ];
        assert_eq!(told.iter().map(|(place, _)| *place).collect::<Vec<_>>(), places, "{text:?}");
    }
    for blank in [" ", "\u{a0}\u{3000}"] {
        let version = json!({
            "source_id": fresh_id(),
            "version": "1",
            "input_roles": [],
            "output_roles": [{ "role": blank, "metric": "m" }],
        });
        let problem = client.post("/api/v1/source_versions", &version).problem(422, "invalid");
        assert!(errors(&problem).contains(&("/output_roles/0/role", "invisible_character")), "{problem}");
    }
    assert_eq!(server.database().rows(), rows);
}

/// Texts of all scripts, with what is folded, composed, invisible or refused among them.
fn texts() -> Vec<String> {
    const BLOCKS: [(u32, u32); 12] = [
        (0x20, 0x7e),
        (0xa0, 0x17f),
        (0x300, 0x34f),
        (0x370, 0x3ff),
        (0x600, 0x6ff),
        (0x1100, 0x11ff),
        (0x13a0, 0x13ff),
        (0x1e00, 0x1fff),
        (0x2000, 0x206f),
        (0xab70, 0xabbf),
        (0xf900, 0xfaff),
        (0x1f300, 0x1f64f),
    ];
    // A linear congruence (Knuth's MMIX): the same texts each time.
    let mut state = 2026_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut text = |number: usize| -> String {
        let characters = (0..=random(6)).map(|_| {
            let (first, last) = BLOCKS[random(BLOCKS.len())];
            let code = first + u32::try_from(random(usize::try_from(last - first).unwrap() + 1)).unwrap();
            char::from_u32(code).unwrap()
        });
        let characters: String = characters.collect();
        format!("{number}{characters}")
    };
    (0..180).map(&mut text).collect()
}

#[test]
fn both_databases_keep_texts_alike_and_as_they_are() {
    same_answers(&Home::both(), |server| {
        let client = server.operator();
        let mut answers = Vec::new();
        for text in texts() {
            let body = json!({ "name": text, "description": text });
            let stored = client.post("/api/v1/sources", &body);
            if stored.status == 201 {
                let stored = stored.expect(201);
                assert_eq!(stored["description"], text.as_str());
                let path = format!("/api/v1/sources/{}", stored["id"].as_str().unwrap());
                assert_eq!(client.get(&path).expect(200), stored);
                // What was answered is the same thing again, and so is its other case.
                let again = json!({ "name": stored["name"], "description": text });
                assert_eq!(client.post("/api/v1/sources", &again).expect(200), stored);
                let lower = stored["name"].as_str().unwrap().to_lowercase();
                let again = client.post("/api/v1/sources", &json!({ "name": lower }));
                assert!(again.status == 200 || again.status == 422, "{}", again.text());
            }
            answers.push(stored);
        }
        answers.push(client.get("/api/v1/sources?limit=200"));
        answers
    });
}

#[test]
fn both_databases_sort_and_keep_roles_alike() {
    same_answers(&Home::both(), |server| {
        let client = server.operator();
        let model = Model::publish(server, "mildew");
        let good = |text: &String| {
            let role = json!([{ "role": text, "metric": text, "unit": text }]);
            let version =
                json!({ "source_id": model.source, "version": text, "input_roles": [], "output_roles": role });
            client.post("/api/v1/source_versions", &version).status == 201
        };
        let texts: Vec<String> = texts().into_iter().filter(good).take(150).collect();
        let roles: Vec<Value> = texts.iter().map(|text| json!({ "role": text, "metric": text })).collect();
        let version = json!({ "source_id": model.source, "version": "all", "input_roles": [], "output_roles": roles });
        let version = client.post("/api/v1/source_versions", &version);
        let job = json!({
            "organisation_id": ORGANISATION_A,
            "source": { "id": model.source },
            "source_version": { "version": "all" },
            "job": { "name": "Job" },
            "role_bindings": [],
        });
        let job = client.post("/api/v1/jobs/setup", &job).expect(201)["job"].clone();
        let values: Vec<Value> =
            texts.iter().map(|text| json!({ "role": text, "at": "2026-06-01T13:00:00Z", "value": 1 })).collect();
        let report = json!({ "issued_at": "2026-06-01T12:00:00Z", "status": "succeeded", "predictions": values });
        client.post(&format!("{}/runs", path_of(&job)), &report).expect(201);
        vec![version, client.get(&format!("{}/predictions", path_of(&job)))]
    });
}
