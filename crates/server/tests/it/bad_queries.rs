//! What clients send that is no good: queries, paths and headers. The answers are the same on both databases.

use serde_json::Value;

use crate::harness::{
    Client, Home, Model, ORGANISATION_A, RawConnection, Server, errors, fresh_id, on_both_databases, path_of,
    raw_request, same_answers,
};

on_both_databases!(
    each_bad_parameter_is_told_with_its_name,
    all_bad_parameters_are_told_at_once,
    a_cursor_is_good_for_its_own_list_only,
    an_id_in_a_path_has_to_be_a_uuid,
    tags_in_headers_have_to_be_quoted,
    what_cannot_be_decoded_is_refused,
    a_plus_sign_in_a_time_is_told_how_to_be_written,
);

fn refused(client: &Client, path: &str) -> Value {
    client.get(path).problem(400, "invalid_query")
}

fn each_bad_parameter_is_told_with_its_name(server: &Server) {
    let client = server.operator();
    for (query, parameter, code) in [
        ("limit=0", "limit", "out_of_range"),
        ("limit=201", "limit", "out_of_range"),
        ("limit=-1", "limit", "out_of_range"),
        ("limit=abc", "limit", "out_of_range"),
        ("limit=", "limit", "out_of_range"),
        ("limit=99999999999999999999", "limit", "out_of_range"),
        ("limit=1&limit=1", "limit", "duplicate_member"),
        ("cursor=&limit=0", "limit", "out_of_range"),
        ("name=", "name", "too_short"),
        ("name=a%00b", "name", "control_character"),
    ] {
        for list in ["sources", "jobs"] {
            let problem = refused(&client, &format!("/api/v1/{list}?{query}"));
            assert_eq!(errors(&problem)[0], (parameter, code), "{list}?{query}");
        }
    }
    for (query, parameter, code) in [
        ("active=yes", "active", "wrong_type"),
        ("active=", "active", "wrong_type"),
        ("active=TRUE", "active", "wrong_type"),
        ("source_id=1", "source_id", "invalid_uuid"),
        ("source_version_id=00000000-0000-0000-0000-000000000000", "source_version_id", "nil_uuid"),
        ("input_id=", "input_id", "invalid_uuid"),
        ("organisation_id=*", "organisation_id", "invalid_uuid"),
        ("expand=source,sorce_version", "expand", "out_of_range"),
        ("expand=", "expand", "out_of_range"),
    ] {
        let problem = refused(&client, &format!("/api/v1/jobs?{query}"));
        assert_eq!(errors(&problem), [(parameter, code)], "{query}");
    }
    for (path, parameter, hint) in [
        ("/api/v1/jobs?limt=5", "limt", Some("did you mean \"limit\"?")),
        ("/api/v1/jobs?organization_id=5", "organization_id", Some("did you mean \"organisation_id\"?")),
        ("/api/v1/sources?zzz", "zzz", None),
        ("/api/v1/sources?active=true", "active", None),
    ] {
        let problem = refused(&client, path);
        assert_eq!(errors(&problem), [(parameter, "unknown_member")], "{path}");
        assert_eq!(problem["errors"][0]["hint"].as_str(), hint, "{path}");
    }
    let problem = refused(&client, "/api/v1/jobs?expand=sorce");
    assert_eq!(problem["errors"][0]["hint"], "did you mean \"source\"?");
    for limit in ["1", "200"] {
        client.get(&format!("/api/v1/jobs?limit={limit}")).expect(200);
    }
}

fn what_cannot_be_decoded_is_refused(server: &Server) {
    let client = server.operator();
    client.post("/api/v1/sources", &serde_json::json!({ "name": "M\u{fc}ller" })).expect(201);
    for (query, parameter) in [
        ("name=M%FCller", "name"),
        ("name=%", "name"),
        ("name=100%", "name"),
        ("name=%zz", "name"),
        ("name=%4", "name"),
        ("name=%ED%A0%80", "name"),
        ("limit=%", "limit"),
        ("%FF=1", "%FF"),
    ] {
        let problem = refused(&client, &format!("/api/v1/sources?{query}"));
        assert_eq!(errors(&problem)[0], (parameter, "wrong_type"), "{query}");
        assert!(problem["errors"][0]["hint"].as_str().unwrap().contains("%25"), "{query}");
    }
    for name in ["M%C3%BCller", "M%c3%bcller", "m%C3%9CLLER", "%4D%C3%BCller", "+M%C3%BCller+"] {
        let found = client.get(&format!("/api/v1/sources?name={name}")).expect(200);
        assert_eq!(found["items"].as_array().unwrap().len(), 1, "{name}");
    }
    // A body is not done, either, when the query is no good.
    let post = client.call("POST", "/api/v1/sources").query("dry_run=%FF").json(&serde_json::json!({ "name": "b" }));
    post.send().problem(400, "invalid_query");
    for id in ["%FF", "%C3%BC", "%", "%zz"] {
        let mut connection = RawConnection::open(server.address);
        let token = server.home().token(&["--all-organisations"]);
        connection.send(raw_request("GET", &format!("/api/v1/jobs/{id}"), &token, &[]));
        assert!([400, 404].contains(&connection.answer().0), "{id}");
    }
}

fn a_plus_sign_in_a_time_is_told_how_to_be_written(server: &Server) {
    let client = server.operator();
    let job = path_of(&Model::publish(server, "mildew").job(server, ORGANISATION_A, "A"));
    for (list, parameters) in [("runs", vec!["from", "to"]), ("predictions", vec!["from", "to", "as_of"])] {
        for parameter in parameters {
            let problem = refused(&client, &format!("{job}/{list}?{parameter}=2026-06-01T00:00:00+01:00"));
            assert_eq!(errors(&problem), [(parameter, "invalid_time")]);
            assert!(problem["errors"][0]["hint"].as_str().unwrap().contains("%2B"), "{problem}");
            let problem = refused(&client, &format!("{job}/{list}?{parameter}=yesterday+morning"));
            assert_eq!(problem["errors"][0]["hint"], Value::Null);
            client.get(&format!("{job}/{list}?{parameter}=2026-06-01T00:00:00%2B01:00")).expect(200);
        }
    }
}

fn all_bad_parameters_are_told_at_once(server: &Server) {
    let query = "limit=0&active=yes&source_id=1&cursor=x&limt=3&name=";
    let problem = refused(&server.operator(), &format!("/api/v1/jobs?{query}"));
    let mut told = errors(&problem);
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("active", "wrong_type"),
            ("cursor", "wrong_type"),
            ("limit", "out_of_range"),
            ("limt", "unknown_member"),
            ("name", "too_short"),
            ("source_id", "invalid_uuid"),
        ]
    );
}

fn a_cursor_is_good_for_its_own_list_only(server: &Server) {
    let client = server.operator();
    let model = Model::publish(server, "mildew");
    Model::publish(server, "rust");
    for name in ["A", "B", "C"] {
        model.job(server, ORGANISATION_A, name);
    }
    let cursor = |path: &str| client.get(path).expect(200)["next_cursor"].as_str().unwrap().to_owned();
    let jobs = cursor("/api/v1/jobs?limit=1");
    let active = cursor("/api/v1/jobs?limit=1&active=true");
    let sources = cursor("/api/v1/sources?limit=1");
    client.get(&format!("/api/v1/jobs?cursor={jobs}")).expect(200);
    client.get(&format!("/api/v1/jobs?cursor={jobs}&limit=2")).expect(200);
    client.get(&format!("/api/v1/jobs?cursor={jobs}&expand=source")).expect(200);
    client.get(&format!("/api/v1/jobs?active=true&cursor={active}")).expect(200);
    let mut damaged = jobs.clone();
    damaged.replace_range(3..4, if &damaged[3..4] == "A" { "B" } else { "A" });
    for path in [
        "/api/v1/jobs?cursor=".to_owned(),
        "/api/v1/jobs?cursor=nonsense".to_owned(),
        "/api/v1/jobs?cursor=%00".to_owned(),
        format!("/api/v1/jobs?cursor={damaged}"),
        format!("/api/v1/jobs?cursor={}", &jobs[..jobs.len() - 2]),
        format!("/api/v1/jobs?cursor={jobs}AAAA"),
        format!("/api/v1/jobs?cursor={sources}"),
        format!("/api/v1/jobs?cursor={active}"),
        format!("/api/v1/jobs?active=true&cursor={jobs}"),
        format!("/api/v1/jobs?active=false&cursor={active}"),
        format!("/api/v1/sources?cursor={jobs}"),
        format!("/api/v1/source_versions?cursor={sources}"),
    ] {
        let problem = client.get(&path).problem(400, "invalid_cursor");
        assert_eq!(errors(&problem), [("cursor", "wrong_type")], "{path}");
    }
}

fn an_id_in_a_path_has_to_be_a_uuid(server: &Server) {
    let client = server.operator();
    for id in ["1", "no-uuid", "%00", "00000000-0000-0000-0000-000000000000", "f0000000-0000-4000-8000-00000000000g"] {
        for resource in ["sources", "source_versions", "jobs"] {
            client.get(&format!("/api/v1/{resource}/{id}")).problem(400, "invalid_path");
            client.delete(&format!("/api/v1/{resource}/{id}")).problem(400, "invalid_path");
        }
    }
    // However it is written.
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "A");
    let id = job["id"].as_str().unwrap();
    assert_eq!(client.get(&format!("/api/v1/jobs/{}", id.to_uppercase())).expect(200), job);
}

fn tags_in_headers_have_to_be_quoted(server: &Server) {
    let model = Model::publish(server, "mildew");
    let path = path_of(&model.job(server, ORGANISATION_A, "A"));
    let client = server.operator();
    for tag in ["1", "\"1", "\"1\" \"2\"", "w/\"1\""] {
        client.call("GET", &path).header("If-None-Match", tag).send().problem(400, "invalid_header");
        client.call("DELETE", &path).header("If-Match", tag).send().problem(400, "invalid_header");
    }
}

#[test]
fn both_databases_answer_bad_queries_alike() {
    same_answers(&Home::both(), |server| {
        let client = server.operator();
        Model::publish(server, "mildew").job(server, ORGANISATION_A, "A");
        let missing = fresh_id();
        let paths = [
            "/api/v1/jobs?limit=0&cursor=x&active=1&nme=2".to_owned(),
            "/api/v1/jobs?cursor=damaged".to_owned(),
            format!("/api/v1/jobs?input_id={missing}"),
            "/api/v1/jobs?name=%F0%9F%8C%BF".to_owned(),
            "/api/v1/sources?name=MILDEW".to_owned(),
            format!("/api/v1/source_versions?source_id={missing}"),
            format!("/api/v1/jobs/{missing}"),
            "/api/v1/jobs/nonsense".to_owned(),
            "/api/v1/nothing".to_owned(),
        ];
        paths.iter().map(|path| client.get(path)).collect()
    });
}
