//! What requests may cost, whatever is in them: bodies as large and as costly as the OpenAPI document's shapes let them
//! be, at every operation that takes one. Judged is what does not depend on how busy the machine is: memory, the length
//! of answers, and which threads did the work. `scripts/faults` measures how long others wait meanwhile.

mod shapes;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use prediction_http::openapi::{Operation, operations};
use serde_json::{Value, json};

use self::shapes::{Costly, Document};
use crate::harness::{Answer, Client, Home, Model, ORGANISATION_A, Server, path_of};

/// What a process may take, in KiB, with eight such requests at a time.
const MOST_MEMORY: u64 = 200 * 1024;
/// How many are sent at a time.
const AT_ONCE: usize = 8;
/// The longest answer to a request that is refused, in bytes: what `docs/api/errors.md` says.
const LONGEST_ERROR: usize = 640 * 1024;
/// From when on a body is dealt with by the lane for it, in bytes.
const LARGE: usize = 16 * 1024;

/// A body, and where it is sent.
struct Case {
    method: &'static str,
    path: String,
    costly: Costly,
}

impl Case {
    fn send(&self, client: &Client) -> Answer {
        client.call(self.method, &self.path).body("application/json", self.costly.body.clone()).send()
    }

    /// `None` when the connection broke.
    fn try_send(&self, client: &Client) -> Option<Answer> {
        client.call(self.method, &self.path).body("application/json", self.costly.body.clone()).try_send().ok()
    }

    fn name(&self) -> String {
        format!("{} {}: {}", self.method, self.path, self.costly.name)
    }
}

/// A server with a source, a version with as many roles and as long names as there may be, a job of it, and a run.
struct World {
    server: Server,
    ids: BTreeMap<&'static str, String>,
}

impl World {
    fn on(home: &std::sync::Arc<Home>) -> Self {
        let server = Server::start(home);
        let operator = server.operator();
        let model = Model::publish(&server, "costly");
        let job = model.job(&server, ORGANISATION_A, "Costly");
        let name = |letter: &str, number: usize| format!("{}{number:04}", letter.repeat(96));
        let inputs: Vec<Value> = (0..200)
            .map(|number| json!({ "role": name("i", number), "input_kind": name("k", 0), "metric": "m", "required": false }))
            .collect();
        let outputs: Vec<Value> =
            (0..200).map(|number| json!({ "role": name("o", number), "metric": "m", "required": false })).collect();
        let version = json!({
            "source_id": model.source, "version": "costly", "input_roles": inputs, "output_roles": outputs,
        });
        let version = operator.post("/api/v1/source_versions", &version).expect(201);
        let change = json!({ "source_version_id": version["id"], "role_bindings": [] });
        operator.put(&path_of(&job), &change).expect(200);
        let report = json!({ "status": "failed", "message": "it failed" });
        let run = operator.post(&format!("{}/runs", path_of(&job)), &report).expect(201);
        let input = json!({ "organisation_id": ORGANISATION_A, "kind": "sensor", "name": "Sensor" });
        operator.put(&format!("/api/v1/inputs/{}", model.input), &input).expect(201);
        let text = |value: &Value| value["id"].as_str().unwrap().to_owned();
        let ids = BTreeMap::from([
            ("apply", String::new()),
            ("sources", model.source.clone()),
            ("inputs", model.input.clone()),
            ("organisations", ORGANISATION_A.to_owned()),
            ("source_versions", text(&version)),
            ("jobs", text(&job)),
            ("run", text(&run)),
            ("outputs", text(&job["outputs"][0])),
        ]);
        Self { server, ids }
    }

    /// The operation's path with things that there are.
    fn path_of(&self, operation: &Operation) -> String {
        let kind = operation.path.split('/').nth(3).unwrap();
        let id = self.ids.get(kind).unwrap_or_else(|| panic!("{} is of no known kind", operation.path));
        operation.path.replace("{id}", id).replace("{run_id}", &self.ids["run"])
    }

    /// Costly bodies for every operation that takes one: as large as they may be, or a part of that.
    fn cases(&self, part: usize) -> Vec<Case> {
        let document = Document::committed(&self.ids);
        let mut cases = Vec::new();
        for operation in operations() {
            let Some(request) = &operation.request else { continue };
            let is_large = ["ReportRunRequest", "ApplyRequest"].contains(&request.shape.name());
            let most = if is_large { 4 } else { 1 } * 1024 * 1024 / part;
            let bodies = document.costly_bodies(request.shape.name(), most);
            assert!(bodies.len() >= 10, "{} {}: {}", operation.method, operation.path, bodies.len());
            // Nothing is to be gone when the next one comes.
            let path = self.path_of(&operation);
            let path = if operation.method == "DELETE" { format!("{path}?dry_run=true") } else { path };
            cases.extend(bodies.into_iter().map(|costly| Case {
                method: operation.method,
                path: path.clone(),
                costly,
            }));
        }
        cases
    }

    /// How many computations were done apart.
    fn computations(&self) -> u64 {
        let metrics = self.server.anonymous().get("/metrics").text();
        let count = metrics
            .lines()
            .find_map(|line| line.strip_prefix("prediction_lane_batch_size_count{lane=\"computations\"} "));
        count.map_or(0, |count| count.parse().unwrap())
    }
}

/// Whatever is sent: what is refused is refused briefly, and nothing breaks. That there is no room at the moment is an
/// answer.
#[track_caller]
fn assert_answered(name: &str, answer: &Answer) {
    assert!(answer.status < 500 || answer.status == 503, "{name}: {}", answer.text());
    if answer.status >= 400 {
        assert!(answer.body.len() <= LONGEST_ERROR, "{name}: an answer of {} bytes", answer.body.len());
        let errors = answer.json()["errors"].as_array().map_or(0, Vec::len);
        assert!(errors <= 200, "{name}: {errors} errors");
    }
}

#[test]
fn eight_costly_bodies_at_a_time_stay_within_the_memory_that_there_is() {
    let world = World::on(&Home::on_sqlite());
    let mut cases = world.cases(1);
    // Those that are costly in the same way at the same time.
    cases.sort_by(|one, other| one.costly.name.cmp(&other.costly.name));
    let client = world.server.operator();
    let (before, is_done) = (world.computations(), AtomicBool::new(false));
    let mut answered_large = 0;
    thread::scope(|scope| {
        let live = scope.spawn(|| {
            let anonymous = world.server.anonymous();
            while !is_done.load(Ordering::Relaxed) {
                anonymous.get("/health/live").expect(200);
            }
        });
        for batch in cases.chunks(AT_ONCE) {
            world.server.forget_peak_memory();
            let answers: Vec<(&Case, Answer)> = thread::scope(|scope| {
                let senders: Vec<_> = batch.iter().map(|case| (case, scope.spawn(|| case.send(&client)))).collect();
                senders.into_iter().map(|(case, sender)| (case, sender.join().unwrap())).collect()
            });
            for (case, answer) in answers {
                assert_answered(&case.name(), &answer);
                answered_large += u64::from(case.costly.body.len() > LARGE && answer.status != 503);
            }
            let peak = world.server.peak_memory();
            let names: Vec<String> = batch.iter().map(Case::name).collect();
            assert!(peak < MOST_MEMORY, "{peak} KiB with {names:#?}");
        }
        is_done.store(true, Ordering::Relaxed);
        live.join().unwrap();
    });
    // Not by the threads that serve connections: each large body that was let in is a computation of its own.
    let computed = world.computations() - before;
    assert!(computed >= answered_large && answered_large > 100, "{computed} of {answered_large}");
}

/// Each by itself: memory is a small multiple of the body.
#[test]
fn a_costly_body_takes_a_small_multiple_of_itself() {
    /// What the allocator and the store keep beside.
    const SLACK: u64 = 4 * 1024;
    let world = World::on(&Home::on_sqlite());
    let client = world.server.operator();
    let mut seen = BTreeMap::new();
    for case in world.cases(4) {
        // A shape of one kind of body costs the same at each operation that decodes it.
        if case.method == "DELETE" || case.method == "PUT" {
            continue;
        }
        world.server.forget_peak_memory();
        let before = world.server.memory();
        assert_answered(&case.name(), &case.send(&client));
        let more = world.server.peak_memory().saturating_sub(before);
        let bytes = case.costly.body.len() as u64;
        seen.insert(case.name(), (more, bytes));
        assert!(more <= 8 * bytes / 1024 + 1024 + SLACK, "{}: {more} KiB for {bytes} bytes", case.name());
    }
    assert!(seen.len() > 50, "{}", seen.len());
}

#[test]
fn a_token_without_a_scope_costs_next_to_nothing() {
    let world = World::on(&Home::on_sqlite());
    let without_scope = world.server.scoped(ORGANISATION_A, "predictions:read");
    let cases = world.cases(4);
    world.server.forget_peak_memory();
    let before = world.server.memory();
    let computations = world.computations();
    thread::scope(|scope| {
        for number in 0..AT_ONCE {
            let (cases, without_scope) = (&cases, &without_scope);
            // A few of each operation, others from each thread.
            scope.spawn(move || {
                for case in cases.iter().skip(number).step_by(4 * AT_ONCE) {
                    // The connection may be closed while the body is still being sent: then there is no answer to be
                    // read.
                    if let Some(answer) = case.try_send(without_scope) {
                        answer.problem(403, "insufficient_scope");
                    }
                }
            });
        }
    });
    let more = world.server.peak_memory().saturating_sub(before);
    assert!(more < 16 * 1024, "{more} KiB");
    assert_eq!(world.computations(), computations, "nothing was read");
}
