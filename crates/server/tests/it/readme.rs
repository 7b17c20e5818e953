//! The commands of the README and of pages, as they are printed and pasted: into a shell, from start to end, and once
//! more.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Server, on_both_databases};

on_both_databases!(
    what_the_first_screen_prints_is_what_happens,
    what_is_printed_about_git_can_be_pasted_twice,
    what_the_tutorial_prints_can_be_pasted_twice,
    what_is_printed_about_new_versions_can_be_pasted_twice,
    what_is_printed_about_a_sensor_registry_can_be_pasted_twice,
    what_is_printed_about_chains_can_be_pasted_twice,
);

const README: &str = include_str!("../../../../README.md");

const GIT: &str = include_str!("../../../../docs/keep-your-configuration-in-git.md");

const NEW_VERSION: &str = include_str!("../../../../docs/publish-a-new-version.md");

const REGISTRY: &str = include_str!("../../../../docs/connect-your-sensor-registry.md");

const CHAIN: &str = include_str!("../../../../docs/let-one-model-feed-another.md");

const TUTORIAL: &str = include_str!("../../../../docs/tutorial.md");

/// All commands for a shell in some Markdown, in one text.
fn commands(page: &str) -> String {
    let blocks: Vec<&str> =
        page.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n")).collect();
    assert!(blocks.len() >= 3);
    blocks.concat()
}

/// What the commands print and complain about, in `sh`, in the project's folder.
fn paste(server: &Server, walk: &str) -> (String, String) {
    let url = format!("http://{}", server.address);
    // Another port than usual, the program that was built, and no waiting.
    for as_printed in ["http://localhost:8000", "cargo run -q --"] {
        assert!(walk.contains(as_printed), "{as_printed}");
    }
    let walk = walk
        .replace("http://localhost:8000", &url)
        .replace("cargo run -q --", env!("CARGO_BIN_EXE_prediction-api"))
        .replace("sleep 60", ":");
    let output = Command::new("sh")
        .args(["-c", &walk])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .env("PREDICTION_API_DATA_DIR", server.home().data_folder())
        .env("PREDICTION_API_URL", &url)
        .output()
        .expect("sh can be run");
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// What was printed in lines that begin with that word.
fn told<'a>(printed: &'a str, word: &str) -> Vec<&'a str> {
    printed.lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).collect()
}

/// What was answered: each a line, or a problem in lines.
fn answers(printed: &str) -> Vec<Value> {
    let mut answers = Vec::new();
    let mut problem = String::new();
    for line in printed.lines() {
        if line == "{" || !problem.is_empty() {
            problem.push_str(line);
            if line == "}" {
                answers.push(serde_json::from_str(&std::mem::take(&mut problem)).unwrap());
            }
        } else {
            answers.extend(serde_json::from_str::<Value>(line));
        }
    }
    answers
}

/// What commands for the command line print, with files of their own; what is complained about stands last.
fn paste_commands(server: &Server, commands: &str) -> (String, String) {
    let folder = server.home().folder().join("pasted");
    std::fs::create_dir_all(&folder).unwrap();
    let commands = commands
        .replace("target/", &format!("{}/", folder.display()))
        .replace("cargo run -q --", env!("CARGO_BIN_EXE_prediction-api"))
        .replace("http://localhost:8000", &format!("http://{}", server.address));
    let output = Command::new("sh")
        .args(["-e", "-c", &commands])
        .current_dir(&folder)
        .env("PREDICTION_API_DATA_DIR", server.home().data_folder())
        .env("PREDICTION_URL", format!("http://{}", server.address))
        .env("PREDICTION_CONFIG_DIR", &folder)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap().replace(&format!("{}/", folder.display()), "target/");
    (text(output.stdout), text(output.stderr))
}

/// Of the README's first screen: the commands with mistakes, how these are shown, and the commands that mend them.
fn first_screen() -> [&'static str; 3] {
    let (screen, _) = README.split_once("## Request by request").unwrap();
    let blocks: Vec<&str> = screen.split("```").skip(1).step_by(2).collect();
    let [_, wrong, shown, mended] = blocks[..] else { panic!("{blocks:?}") };
    [wrong.strip_prefix("sh\n").unwrap(), shown.strip_prefix("text\n").unwrap(), mended.strip_prefix("sh\n").unwrap()]
}

fn what_the_first_screen_prints_is_what_happens(server: &Server) {
    let [wrong, shown, mended] = first_screen();
    let (printed, complained) = paste_commands(server, wrong);
    assert_eq!((printed.as_str(), complained.as_str()), ("", shown));
    let (printed, complained) = paste_commands(server, mended);
    assert!(printed.contains("Done: 5 created; 0 unchanged.") && printed.contains("2 jobs: "), "{printed}{complained}");
    assert!(printed.contains("Plan: nothing to change; 5 unchanged."), "{printed}");
    let (printed, complained) = paste_commands(server, mended);
    assert!(printed.contains("Done: nothing to change; 5 unchanged."), "{printed}{complained}");
}

fn what_is_printed_about_git_can_be_pasted_twice(server: &Server) {
    let page = commands(GIT);
    // The README's first screen leads here, and what it made stays what it is.
    let [wrong, _, mended] = first_screen();
    paste_commands(server, wrong);
    paste_commands(server, mended);
    let (printed, complained) = paste_commands(server, &page);
    for expected in [
        "Plan: 7 to create; 0 unchanged.",
        "Done: 7 created; 0 unchanged.",
        "changed by hand by local",
        "Plan: 1 to delete; 6 unchanged.",
        "Done: 1 deleted; 6 unchanged.",
    ] {
        assert!(printed.contains(expected), "{expected}: {printed}{complained}");
    }
    assert!(printed.trim_end().ends_with("Plan: nothing to change; 6 unchanged."), "{printed}{complained}");
    let (printed, complained) = paste_commands(server, &page);
    assert!(printed.contains("Done: 1 created; 6 unchanged."), "{printed}{complained}");
    assert!(printed.trim_end().ends_with("Plan: nothing to change; 6 unchanged."), "{printed}{complained}");
    let (printed, complained) = paste_commands(server, mended);
    assert!(printed.contains("Done: nothing to change; 5 unchanged."), "{printed}{complained}");
}

fn what_the_tutorial_prints_can_be_pasted_twice(server: &Server) {
    let needed = Command::new("jq").arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(needed, "jq is missing, which the tutorial needs: sudo apt install jq");
    let (serving, steps) = TUTORIAL.split_once("second terminal").unwrap();
    assert!(serving.contains("sudo apt install jq") && serving.contains("```sh\ncargo run\n```"));
    let commands = commands(steps);
    assert!(commands.contains("sleep 60"), "which this test does not wait for");
    // The greeting's first request is that of step 1: a test beside the greeting holds them together.
    let body = commands.split("curl -s $API/sources ").nth(1).unwrap().split('\'').nth(1).unwrap();
    let first: Value = serde_json::from_str(body).unwrap();
    let source = server.operator().post("/api/v1/sources", &first).expect(201);
    let mistakes = steps.split("```json\n").find(|block| block.starts_with("{\n")).unwrap();
    let mistakes: Value = serde_json::from_str(mistakes.split("```").next().unwrap()).unwrap();

    let mut pasted = Vec::new();
    for time in 1..=2 {
        let (printed, complaints) = paste(server, &commands);
        assert_eq!(complaints, "", "{time}: {printed}");
        let ids: Vec<String> = ["source", "version", "job", "output"]
            .iter()
            .flat_map(|word| told(&printed, word))
            .map(str::to_owned)
            .collect();
        let [pasted_source, version, job, alert, nowcast, output] = &ids[..] else { panic!("{time}: {printed}") };
        assert!(ids.iter().all(|id| id.len() == 36), "{ids:?}");
        assert_eq!(*pasted_source, source["id"]);
        let answers = answers(&printed);
        let problems: Vec<&Value> = answers.iter().filter(|answer| answer["code"].is_string()).collect();
        let [problem] = problems[..] else { panic!("{time}: {printed}") };
        let mut shown = mistakes.clone();
        shown["request_id"] = problem["request_id"].clone();
        assert_eq!(shown, *problem);
        assert!(printed.contains("\"status\": \"paused\""), "{time}: {printed}");
        assert_eq!(printed.matches("\"to_job_id\"").count(), 1, "one job reads another: {printed}");
        assert!(printed.ends_with("204\n"), "{time}: {printed}");
        pasted.push([version, job, alert, output].map(Clone::clone));
        server.operator().get(&format!("/api/v1/jobs/{nowcast}")).problem(404, "not_found");
    }
    // What was there is answered again. The last job was deleted, and is another one.
    assert_eq!(pasted[0], pasted[1]);
    assert_eq!(server.operator().post("/api/v1/sources", &first).expect(200), source);
    assert_eq!(server.database().rows(), [3, 3, 2]);

    // What cannot work shows what was answered, and no step goes on with it.
    let misspelt = commands.replacen("\"expected_interval_minutes\": 60", "\"expected_interval_minutes\": 61", 1);
    let (printed, complaints) = paste(server, &misspelt);
    assert!(complaints.contains("\"code\":\"conflict\"") && complaints.contains("SOURCE"), "{complaints}");
    assert_eq!((told(&printed, "version"), told(&printed, "job")), (vec![""], vec![""]), "{printed}");
    assert_eq!(server.database().rows(), [3, 3, 2]);

    // The one request for everything of the OpenAPI document is about the same source and job.
    let everything = crate::harness::example("setup-job-with-everything.json");
    server.operator().post("/api/v1/jobs/setup", &everything).expect(200);
    assert_eq!(server.database().rows(), [3, 3, 2]);
}

fn what_is_printed_about_new_versions_can_be_pasted_twice(server: &Server) {
    let (_, after_start) = NEW_VERSION.split_once("Paste the rest").unwrap();
    let walk = commands(after_start);
    for time in 1..=2 {
        let (printed, complaints) = paste(server, &walk);
        assert_eq!(complaints, "", "{time}: {printed}");
        let lines: Vec<&str> = printed.lines().filter(|line| !line.is_empty()).collect();
        let answers: Vec<Value> = lines[1..].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [comparison, impact, tried, upgraded, bound, after, retired, on_retired, changes, restored] = &answers[..]
        else {
            panic!("{time}: {printed}");
        };
        assert_eq!(comparison["compatibility"], "needs_binding");
        let renamed = &comparison["input_roles"][0];
        assert_eq!((&renamed["change"], &renamed["previous_role"]), (&json!("renamed"), &json!("temperature")));
        let outcomes = |impact: &Value| {
            impact["items"].as_array().unwrap().iter().map(|item| item["outcome"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(outcomes(impact), ["ready", "needs_binding"]);
        assert_eq!(impact["items"][1]["missing_roles"], json!(["leaf_wetness"]));
        assert_eq!(tried["plan"]["inputs"][0]["action"], "renamed");
        assert_eq!(upgraded["counts"], json!({ "upgraded": 1, "unchanged": 0, "refused": 1 }));
        assert_eq!(bound["plan"]["inputs"][1]["action"], "bound");
        assert_eq!((&after["counts"]["up_to_date"], outcomes(after).len()), (&json!(2), 0));
        assert_eq!(retired["stage"], "deprecated");
        assert_eq!(on_retired["items"], json!([]));
        assert_eq!(changes["differences"][0]["member"], "source_version_id");
        assert_eq!(restored["warnings"][0]["code"], "version_deprecated");
        assert_eq!(restored["source_version_id"], changes["differences"][0]["from"]);
    }
}

fn what_is_printed_about_a_sensor_registry_can_be_pasted_twice(server: &Server) {
    let (serving, steps) = REGISTRY.split_once("second terminal").unwrap();
    assert!(serving.contains("```sh\ncargo run\n```"));
    let commands = commands(steps);
    for time in 1..=2 {
        let (printed, complaints) = paste(server, &commands);
        assert_eq!(complaints, "", "{time}: {printed}");
        let answers = answers(&printed);
        let count = |answer: &Value| answer["counts"].clone();
        assert_eq!(count(&answers[0]), json!({ "created": 2, "changed": 0, "unchanged": 0 }), "{time}");
        assert_eq!(count(&answers[1]), json!({ "created": 0, "changed": 0, "unchanged": 2 }));
        assert_eq!(answers[2]["name"], "Weingut Müller");
        assert_eq!(answers[3]["items"].as_array().unwrap().len(), 2);
        assert_eq!(answers[4]["errors"][0]["code"], "metric_mismatch", "{}", answers[4]);
        assert_eq!(answers[4]["errors"].as_array().unwrap().len(), 1);
        let job = told(&printed, "job")[0];
        let conversion = json!({ "from": "K", "to": "°C", "factor": 1.0, "offset": -273.15 });
        assert_eq!(answers[5]["role_bindings"][0]["conversion"], conversion, "{}", answers[5]);
        assert_eq!(answers[6]["warnings"][0]["code"], "bindings_unfit");
        assert_eq!((&answers[7]["items"][0]["id"], &answers[8]["items"][0]["job_id"]), (&json!(job), &json!(job)));
        assert_eq!(answers[9]["code"], "in_use");
        assert_eq!(server.database().rows()[2], 0, "the job is removed");
    }
}

fn what_is_printed_about_chains_can_be_pasted_twice(server: &Server) {
    let (serving, steps) = CHAIN.split_once("second terminal").unwrap();
    assert!(serving.contains("```sh\ncargo run\n```"));
    let commands = commands(steps);
    for time in 1..=2 {
        let (printed, complaints) = paste(server, &commands);
        assert_eq!(complaints, "", "{time}: {printed}");
        let jobs = told(&printed, "job");
        let [weather, wetness] = jobs[..] else { panic!("{time}: {printed}") };
        let answers = answers(&printed);
        let [wrong, cycle, in_use, output, lineage, paused, failing, active, air, leaves, on_time] = &answers[..]
        else {
            panic!("{time}: {printed}");
        };
        assert_eq!(
            (&wrong["errors"][0]["code"], wrong["errors"].as_array().unwrap().len()),
            (&json!("metric_mismatch"), 1)
        );
        let names = json!(["Weather of the chain", "Wetness of the chain"]);
        assert_eq!((&cycle["errors"][0]["code"], &cycle["errors"][0]["actual"]["names"]), (&json!("cycle"), &names));
        assert_eq!((&in_use["code"], &in_use["job_ids"]), (&json!("in_use"), &json!([wetness])));
        assert_eq!((&output["job_id"], &output["role"]), (&json!(weather), &json!("air")));
        let nodes = lineage["nodes"].as_array().unwrap().iter().map(|node| &node["job_id"]).collect::<Vec<_>>();
        assert_eq!(
            (nodes, &lineage["edges"][0]["from_output_id"]),
            (vec![&json!(wetness), &json!(weather)], &output["id"])
        );
        assert_eq!(paused["warnings"][0]["code"], "outputs_in_use");
        assert_eq!(
            (&failing["health"]["status"], &failing["health"]["blocked_by"]),
            (&json!("failing"), &json!([weather]))
        );
        assert_eq!((&active["active"], &active["warnings"]), (&json!(true), &Value::Null));
        assert_eq!([air, leaves].map(|page| page["items"].as_array().unwrap().len()), [2, 2]);
        assert_eq!((&on_time["health"]["status"], &on_time["health"]["blocked_by"]), (&json!("on_time"), &Value::Null));
        assert_eq!(server.database().rows()[2], 0, "the jobs are removed");
    }
}
