//! What clients send that is no good: bodies. The answers are the same on both databases.

use serde_json::{Value, json};

use crate::harness::{
    Answer, Client, Home, Model, ORGANISATION_A, RawConnection, Server, errors, fresh_id, on_both_databases,
    raw_request, same_answers,
};

on_both_databases!(
    texts_that_are_no_json_are_told_so,
    values_that_are_no_object_are_told_with_one_entry,
    members_that_stand_twice_are_told_with_their_places,
    texts_with_control_characters_are_refused,
    unknown_members_are_refused_with_what_was_meant,
    values_beyond_their_limits_are_refused,
    the_two_spellings_of_the_interval_have_to_agree,
    bodies_of_other_types_are_refused,
    bodies_that_are_too_large_are_refused_before_they_are_read,
    a_version_with_another_contract_is_a_conflict_that_shows_the_roles,
);

const SOURCES: &str = "/api/v1/sources";
const VERSIONS: &str = "/api/v1/source_versions";
const SETUP: &str = "/api/v1/jobs/setup";

fn post_text(client: &Client, path: &str, text: impl Into<Vec<u8>>) -> Answer {
    client.call("POST", path).body("application/json", text).send()
}

fn texts_that_are_no_json_are_told_so(server: &Server) {
    let client = server.operator();
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let cases: [(Vec<u8>, &str); 17] = [
        (b"".to_vec(), "the request body is empty"),
        (b" ".to_vec(), "the text ends before its value does"),
        (b"{".to_vec(), "the text ends before its value does"),
        (b"{\"name\": \"a\"".to_vec(), "the text ends before its value does"),
        (b"{\"name\": \"a\",}".to_vec(), "trailing comma"),
        (b"{\"name\": \"a\"} x".to_vec(), "trailing characters"),
        (b"{\"name\": \"a\"}{}".to_vec(), "trailing characters"),
        (b"{'name': 'a'}".to_vec(), "key must be a string"),
        (b"{name: 1}".to_vec(), "key must be a string"),
        (b"{\"name\": NaN}".to_vec(), "expected value"),
        (b"{\"retention_hours\": 1e400}".to_vec(), "number out of range"),
        (b"\xef\xbb\xbf{\"name\": \"a\"}".to_vec(), "byte order mark"),
        (b"{\"name\": \"\xff\"}".to_vec(), "not UTF-8"),
        (br#"{"name": "\ud800"}"#.to_vec(), "hex escape"),
        (br#"{"name": "a\udc00b"}"#.to_vec(), "surrogate"),
        (b"{\"name\": \"a\0b\"}".to_vec(), "control character"),
        (deep(2_000).into_bytes(), "nested deeper than 127 levels"),
    ];
    for (text, reason) in cases {
        for path in [SOURCES, VERSIONS, SETUP] {
            let shown = String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
            let problem = post_text(&client, path, text.clone()).problem(400, "invalid_json");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(reason), "{shown}: {detail}");
        }
    }
    for path in ["/api/v1/sources/", "/api/v1/jobs/"] {
        let call = client.call("PUT", &format!("{path}{}", fresh_id())).body("application/json", "");
        call.send().problem(400, "invalid_json");
    }
    assert_eq!(server.database().rows(), [0, 0, 0]);
}

fn values_that_are_no_object_are_told_with_one_entry(server: &Server) {
    let client = server.operator();
    let job = Model::publish(server, "mildew").job(server, ORGANISATION_A, "Job A");
    let job_path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    for (text, actual) in [
        ("[]", "a list"),
        ("[{}]", "a list"),
        ("\"text\"", "a string"),
        ("7", "a number"),
        ("null", "null"),
        ("true", "true or false"),
    ] {
        for (method, path) in [("POST", SOURCES), ("POST", VERSIONS), ("POST", SETUP), ("PUT", job_path.as_str())] {
            let answer = client.call(method, path).body("application/json", text).send();
            let problem = answer.problem(422, "invalid");
            assert_eq!(errors(&problem), [("", "wrong_type")], "{path}: {text}");
            assert_eq!(problem["errors"][0]["actual"], actual);
            assert_eq!(problem["errors"][0]["message"], "the request is not an object");
        }
    }
    // And where an object belongs inside.
    let setup = json!({ "organisation_id": ORGANISATION_A, "source": [], "job": "A", "role_bindings": {} });
    let problem = client.post(SETUP, &setup).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/job", "wrong_type"), ("/role_bindings", "wrong_type"), ("/source", "wrong_type")]);
}

fn members_that_stand_twice_are_told_with_their_places(server: &Server) {
    let client = server.operator();
    let problem = post_text(&client, SOURCES, r#"{"name": "a", "name": "a"}"#).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/name", "duplicate_member")]);
    let text = format!(
        r#"{{"organisation_id": "{ORGANISATION_A}", "source": {{"name": "a", "a/b": 1, "a/b": 2, "name": "b"}},
             "job": {{"name": "A"}}, "role_bindings": [{{"role": "a", "role": "a"}}]}}"#
    );
    let problem = post_text(&client, SETUP, text).problem(422, "invalid");
    let told = errors(&problem);
    for place in ["/source/a~1b", "/source/name", "/role_bindings/0/role"] {
        assert!(told.contains(&(place, "duplicate_member")), "{problem:#}");
    }
    assert!(told.contains(&("/role_bindings/0/input_id", "missing_member")), "{problem:#}");
    assert_eq!(server.database().rows(), [0, 0, 0]);
}

fn texts_with_control_characters_are_refused(server: &Server) {
    let client = server.operator();
    for escape in [r"\u0000", r"\u001b", r"\u007f", r"\u0085", r"\n"] {
        let text = format!(r#"{{"name": "a{escape}b"}}"#);
        let problem = post_text(&client, SOURCES, text).problem(422, "invalid");
        assert_eq!(errors(&problem), [("/name", "control_character")], "{escape}");
    }
    let nul = "a\0b";
    let setup = json!({
        "organisation_id": nul,
        "source": { "name": nul, "description": nul },
        "source_version": {
            "version": nul,
            "input_roles": [{ "role": nul, "input_kind": nul, "metric": nul, "unit": nul }],
            "output_roles": [{ "role": nul, "metric": nul, "description": nul }],
        },
        "job": { "name": nul },
        "role_bindings": [{ "role": nul, "input_id": nul, "input_type": nul }],
    });
    let problem = client.post(SETUP, &setup).problem(422, "invalid");
    assert_eq!(
        errors(&problem),
        [
            ("/job/name", "control_character"),
            ("/organisation_id", "invalid_uuid"),
            ("/role_bindings/0/input_id", "invalid_uuid"),
            ("/role_bindings/0/input_type", "control_character"),
            ("/role_bindings/0/role", "control_character"),
            ("/source/description", "control_character"),
            ("/source/name", "control_character"),
            ("/source_version/input_roles/0/input_kind", "control_character"),
            ("/source_version/input_roles/0/metric", "control_character"),
            ("/source_version/input_roles/0/role", "control_character"),
            ("/source_version/input_roles/0/unit", "control_character"),
            ("/source_version/output_roles/0/description", "control_character"),
            ("/source_version/output_roles/0/metric", "control_character"),
            ("/source_version/output_roles/0/role", "control_character"),
            ("/source_version/version", "control_character"),
        ]
    );
    let lines = json!({ "name": "lines", "description": "one\r\n\ttwo \u{1F33F}" });
    assert_eq!(client.post(SOURCES, &lines).expect(201)["description"], lines["description"]);
}

fn unknown_members_are_refused_with_what_was_meant(server: &Server) {
    let model = Model::publish(server, "mildew");
    let client = server.operator();
    let hinted = |problem: &Value, pointer: &str, hint: Option<&str>| {
        assert_eq!(errors(problem), [(pointer, "unknown_member")]);
        assert_eq!(problem["errors"][0]["hint"].as_str(), hint, "{problem:#}");
        assert_eq!(problem["errors"][0]["expected"].is_array(), hint.is_none(), "{problem:#}");
    };
    let refused = |body: &Value| client.post(SOURCES, body).problem(422, "invalid");
    hinted(
        &refused(&json!({ "name": "a", "retention_hour": 1 })),
        "/retention_hour",
        Some("did you mean \"retention_hours\"?"),
    );
    hinted(
        &refused(&json!({ "name": "a", "Description": "b" })),
        "/Description",
        Some("did you mean \"description\"?"),
    );
    hinted(&refused(&json!({ "name": "a", "zzz": null })), "/zzz", None);
    hinted(&refused(&json!({ "name": "a", "": 1 })), "/", None);

    let mut setup = model.setup(ORGANISATION_A, "Job A");
    setup["role_bindings"][0]["inputtype"] = json!("sensor");
    let problem = client.post(SETUP, &setup).problem(422, "invalid");
    hinted(&problem, "/role_bindings/0/inputtype", Some("did you mean \"input_type\"?"));
    let mut setup = model.setup(ORGANISATION_A, "Job A");
    setup["organization_id"] = json!(ORGANISATION_A);
    let problem = client.post(SETUP, &setup).problem(422, "invalid");
    hinted(&problem, "/organization_id", Some("did you mean \"organisation_id\"?"));
    let problem = client.put(&model.source_path(), &json!({ "nme": "b" })).problem(422, "invalid");
    hinted(&problem, "/nme", Some("did you mean \"name\"?"));
}

fn values_beyond_their_limits_are_refused(server: &Server) {
    let client = server.operator();
    let at_the_limits = json!({
        "name": "\u{e9}".repeat(200),
        "description": "\u{1F33F}".repeat(10_000),
        "expected_interval_minutes": 5_256_000,
        "retention_hours": 8.76e4,
    });
    let stored = client.post(SOURCES, &at_the_limits).expect(201);
    assert_eq!(stored["description"], at_the_limits["description"]);
    assert_eq!(stored["retention_hours"], 87_600);
    let beyond = json!({
        "name": "x".repeat(201),
        "description": "x".repeat(10_001),
        "expected_interval_minutes": 5_256_001,
        "retention_hours": 0,
    });
    let problem = client.post(SOURCES, &beyond).problem(422, "invalid");
    assert_eq!(
        errors(&problem),
        [
            ("/description", "too_long"),
            ("/expected_interval_minutes", "out_of_range"),
            ("/name", "too_long"),
            ("/retention_hours", "out_of_range"),
        ]
    );
    for (number, code) in [
        ("-1", "out_of_range"),
        ("9223372036854775808", "out_of_range"),
        ("1e300", "out_of_range"),
        ("1.5", "wrong_type"),
        ("\"720\"", "wrong_type"),
        ("true", "wrong_type"),
    ] {
        let text = format!(r#"{{"name": "a", "retention_hours": {number}}}"#);
        let problem = post_text(&client, SOURCES, text).problem(422, "invalid");
        assert_eq!(errors(&problem), [("/retention_hours", code)], "{number}");
    }
    let source_id = &stored["id"];
    let roles: Vec<Value> = (0..=200).map(|number| json!({ "role": format!("r{number}"), "metric": "m" })).collect();
    let version = json!({ "source_id": source_id, "version": "1", "input_roles": [], "output_roles": roles });
    let problem = client.post(VERSIONS, &version).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/output_roles", "too_many_items")]);
    let version = json!({ "source_id": source_id, "version": "1", "input_roles": [], "output_roles": roles[1..] });
    client.post(VERSIONS, &version).expect(201);
    let bindings: Vec<Value> =
        (0..=200).map(|number| json!({ "role": format!("r{number}"), "input_id": fresh_id() })).collect();
    let setup = json!({
        "organisation_id": ORGANISATION_A,
        "source": { "id": source_id },
        "job": { "name": "Job A" },
        "role_bindings": bindings,
    });
    let problem = client.post(SETUP, &setup).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/role_bindings", "too_many_items")]);
}

fn the_two_spellings_of_the_interval_have_to_agree(server: &Server) {
    let client = server.operator();
    let both = |one: i32, other: i32| json!({ "name": "a", "expected_interval_minutes": one, "expectedintervalminutes": other });
    let problem = client.post(SOURCES, &both(60, 61)).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/expectedintervalminutes", "disagrees")]);
    assert_eq!(client.post(SOURCES, &both(60, 60)).expect(201)["expected_interval_minutes"], 60);
    let mut setup = json!({
        "organisation_id": ORGANISATION_A, "source": both(5, 6), "job": { "name": "A" }, "role_bindings": [],
    });
    setup["source"]["name"] = json!("b");
    let problem = client.post(SETUP, &setup).problem(422, "invalid");
    assert!(errors(&problem).contains(&("/source/expectedintervalminutes", "disagrees")), "{problem:#}");
}

fn bodies_of_other_types_are_refused(server: &Server) {
    let client = server.operator();
    let body = json!({ "name": "a" }).to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json-patch+json",
        "nonsense",
        "application/json; charset=latin1",
    ] {
        let answer = client.call("POST", SOURCES).body(content_type, body.clone()).send();
        answer.problem(415, "unsupported_media_type");
    }
    let untyped = client.call("POST", SOURCES).untyped_body(body.clone()).send();
    let problem = untyped.problem(415, "unsupported_media_type");
    assert!(problem["detail"].as_str().unwrap().contains("no Content-Type"), "{problem}");
    let compressed = client.call("POST", SOURCES).header("Content-Encoding", "gzip");
    compressed.body("application/json", body.clone()).send().problem(415, "unsupported_media_type");
    for content_type in ["application/json; charset=utf-8", "APPLICATION/JSON; charset=\"UTF-8\""] {
        let answer = client.call("POST", SOURCES).body(content_type, body.clone()).send();
        assert!(answer.status < 300, "{content_type}: {}", answer.text());
    }
}

/// On one database only: heads are read before anything is asked.
#[test]
fn a_head_that_is_too_large_is_431() {
    let server = Server::start(&Home::on_sqlite());
    for head in ["GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nX-Long: ", "GET /api/v1/jobs?name="] {
        let mut connection = RawConnection::open(server.address);
        connection.send(format!("{head}{}", "a".repeat(128 * 1024 - head.len())));
        assert_eq!(connection.answer().0, 431, "{head}");
    }
    server.anonymous().get("/health/live").expect(200);
}

fn bodies_that_are_too_large_are_refused_before_they_are_read(server: &Server) {
    let token = server.home().token(&["--all-organisations"]);
    let ask = |headers: &[&str], body: &[u8]| {
        let mut connection = RawConnection::open(server.address);
        connection.send(raw_request("POST", SOURCES, &token, &[&["Content-Type: application/json"], headers].concat()));
        connection.send(body);
        let (status, body) = connection.answer();
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &problem["code"]), (413, &json!("payload_too_large")), "{headers:?}");
    };
    let two_mebibytes = vec![b' '; 2 * 1024 * 1024];
    ask(&["Content-Length: 2097152"], &two_mebibytes);
    // Nothing of it is sent: what is announced is enough.
    ask(&["Content-Length: 10737418240"], b"");
    // Not announced at all.
    let chunk = [b"200000\r\n".as_slice(), two_mebibytes.as_slice(), b"\r\n0\r\n\r\n"].concat();
    ask(&["Transfer-Encoding: chunked"], &chunk);

    // Just fits.
    let mut body = json!({ "name": "a" }).to_string().into_bytes();
    body.resize(1024 * 1024, b' ');
    server.operator().call("POST", SOURCES).body("application/json", body).send().expect(201);
}

fn a_version_with_another_contract_is_a_conflict_that_shows_the_roles(server: &Server) {
    let model = Model::publish(server, "mildew");
    let client = server.operator();
    let mut version = Model::larger_contract();
    version["source_id"] = json!(model.source);
    // The same version in another spelling.
    version["version"] = json!("v1.0.0");
    let problem = client.post(VERSIONS, &version).problem(409, "conflict");
    assert_eq!(problem["existing_id"], model.version);
    assert_eq!(problem["resource"], "source_version");
    assert_eq!(
        errors(&problem),
        [("/input_roles/1", "differs"), ("/input_roles", "differs"), ("/output_roles/0", "differs"),]
    );
    let [wind, rain, frost] = problem["errors"].as_array().unwrap().as_slice() else { panic!("{problem:#}") };
    assert_eq!((&wind["expected"], &wind["actual"]["role"]), (&Value::Null, &json!("wind")));
    assert_eq!((&rain["expected"]["role"], &rain["actual"]), (&json!("rain"), &Value::Null));
    assert_eq!((&frost["expected"], &frost["actual"]["role"]), (&Value::Null, &json!("frost")));

    let mut version = Model::contract();
    version["source_id"] = json!(model.source);
    version["version"] = json!("1.0.0");
    version["input_roles"][0]["input_kind"] = json!("station");
    let problem = client.post(VERSIONS, &version).problem(409, "conflict");
    assert_eq!(errors(&problem), [("/input_roles/0", "differs")]);
    assert_eq!(problem["errors"][0]["expected"]["input_kind"], "sensor");
    assert_eq!(problem["errors"][0]["actual"]["input_kind"], "station");
    assert_eq!(server.database().rows(), [1, 1, 0]);
}

#[test]
fn both_databases_answer_bad_bodies_alike() {
    same_answers(&Home::both(), |server| {
        let model = Model::publish(server, "mildew");
        let client = server.operator();
        let job = model.job(server, ORGANISATION_A, "Job A");
        let job_path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
        let mut other_contract = Model::larger_contract();
        other_contract["source_id"] = json!(model.source);
        other_contract["version"] = json!("1.0.0");
        let mut other_job = model.setup(ORGANISATION_A, "Job A");
        other_job["job"]["active"] = json!(false);
        other_job["role_bindings"][0]["input_id"] = json!(ORGANISATION_A);
        vec![
            post_text(&client, SOURCES, r#"{"name": "a\u0000b", "description": "\u0007", "x": 1, "x": 2}"#),
            post_text(&client, SOURCES, r#"{"name": "\ud800"}"#),
            post_text(&client, SOURCES, "[]"),
            client.post(SOURCES, &json!({ "name": "MILDEW", "retention_hours": 5, "description": "other" })),
            client.post(VERSIONS, &json!({ "source_id": model.version, "version": "", "output_roles": [] })),
            client.post(VERSIONS, &other_contract),
            client.post(SETUP, &other_job),
            client.post(SETUP, &json!({ "organisation_id": ORGANISATION_A, "job": {}, "role_bindings": [{}] })),
            client.put(&job_path, &json!({ "source_version_id": model.source, "name": null, "revision": 1 })),
            client.put(&job_path, &json!({ "revision": 7 })),
            client.delete(&model.source_path()),
            client.delete(&model.version_path()),
            client.put(&model.source_path(), &json!({ "id": fresh_id(), "retention_hours": -1 })),
            client.get(&job_path),
            client.get("/api/v1/jobs?expand=source,source_version"),
        ]
    });
}
