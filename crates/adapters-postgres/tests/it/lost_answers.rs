//! A connection that dies between a commit and its answer.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use prediction_adapters_postgres::{PostgresStore, Settings};
use prediction_domain::model::{Job, Run, Scope, latest_issue};
use prediction_domain::ports::{InsertRunError, JobSetUp, JobSetUpOutcome, StoreHealth as _};
use prediction_domain_testkit::builders::{a_job_of, a_plan_for, a_plan_for_everything, a_prediction, a_run_of};
use prediction_domain_testkit::values::{at, micros_after};

use crate::test_database::{TestDatabase, jobs, runs, settings};

/// Stands between the store and the server, and can lose an answer.
struct Proxy {
    port: u16,
    lose_next_answer: Arc<AtomicBool>,
}

impl Proxy {
    fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let lose_next_answer = Arc::new(AtomicBool::new(false));
        let lose = Arc::clone(&lose_next_answer);
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let server = TcpStream::connect(&server).unwrap();
                let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || forward(from_client, to_server, &AtomicBool::new(false)));
                let lose = Arc::clone(&lose);
                thread::spawn(move || forward(server, client, &lose));
            }
        });
        Self { port, lose_next_answer }
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, lose: &AtomicBool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if lose.swap(false, Ordering::SeqCst) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// The first answer on a connection is about the statement, and nothing is stored yet; the second one is about the
/// jobs.
#[test]
fn jobs_whose_commit_was_not_heard_of_are_created_once() {
    for is_prepared in [false, true] {
        let database = TestDatabase::migrated();
        let everything = a_plan_for_everything();
        let direct = database.store();
        jobs(&direct).set_up_many(std::slice::from_ref(&everything)).remove(0).unwrap();
        let version = everything.new_version.unwrap();

        let (proxy, store) = through_proxy(&database);
        if is_prepared {
            jobs(&store).set_up_many(&[a_plan_for(a_job_of(&version))]).remove(0).unwrap();
        }

        let stored = a_job_of(&version);
        jobs(&direct).set_up_many(&[a_plan_for(stored.clone())]).remove(0).unwrap();
        let same_name =
            Job { organisation_id: stored.organisation_id, name: stored.name.clone(), ..a_job_of(&version) };
        let job = a_job_of(&version);
        let planned = [&job, &a_job_of(&version), &same_name, &job];
        let plans: Vec<JobSetUp> = planned.into_iter().cloned().map(a_plan_for).collect();
        let before = database.count("SELECT count(*) FROM jobs");
        proxy.lose_next_answer.store(true, Ordering::SeqCst);
        let answers: Vec<_> = jobs(&store).set_up_many(&plans).into_iter().map(Result::unwrap).collect();
        assert!(!proxy.lose_next_answer.load(Ordering::SeqCst), "an answer was lost");
        let expected = [
            JobSetUpOutcome::Created,
            JobSetUpOutcome::Created,
            JobSetUpOutcome::NameTaken(Box::new(stored)),
            JobSetUpOutcome::NameTaken(Box::new(job.clone())),
        ];
        assert_eq!(answers, expected, "prepared: {is_prepared}");
        assert_eq!(jobs(&store).find_many(&[(Scope::Platform, job.id)]).unwrap(), [Some(job)]);
        assert_eq!(database.count("SELECT count(*) FROM jobs"), before + 2);
    }
}

/// The first report of a connection, since of a later one the first answer is about the statement.
#[test]
fn a_run_whose_commit_was_not_heard_of_is_stored_once_and_is_new() {
    let database = TestDatabase::migrated();
    let plan = a_plan_for_everything();
    jobs(&database.store()).set_up_many(std::slice::from_ref(&plan)).remove(0).unwrap();
    let (proxy, store) = through_proxy(&database);
    let values = [a_prediction("mildew_risk", at("2026-06-01T12:00:00Z"), 0.5)];
    runs(&store).insert(&a_run_of(&plan.job, &values), &values, None).unwrap();
    let run = a_run_of(&plan.job, &values);
    proxy.lose_next_answer.store(true, Ordering::SeqCst);
    runs(&store).insert(&run, &values, None).unwrap();
    assert!(!proxy.lose_next_answer.load(Ordering::SeqCst), "an answer was lost");
    assert_eq!(database.count("SELECT count(*) FROM runs"), 2);
    // Who really sends it again is told so.
    let error = runs(&store).insert(&run, &values, None).unwrap_err();
    assert!(matches!(&error, InsertRunError::IssuedAtTaken(taken) if **taken == run), "{error:?}");
}

/// It would have another time the second time, so that only its id tells that it is the same.
#[test]
fn a_run_without_a_time_whose_commit_was_not_heard_of_is_stored_once() {
    let database = TestDatabase::migrated();
    let plan = a_plan_for_everything();
    jobs(&database.store()).set_up_many(std::slice::from_ref(&plan)).remove(0).unwrap();
    let (proxy, store) = through_proxy(&database);
    let next = |run: &Run| runs(&store).insert_next(run, latest_issue(run.issued_at), &[], None).unwrap();
    let first = a_run_of(&plan.job, &[]);
    assert_eq!(next(&first), first.issued_at);
    let run = Run { issued_at: first.issued_at, ..a_run_of(&plan.job, &[]) };
    proxy.lose_next_answer.store(true, Ordering::SeqCst);
    let issued_at = next(&run);
    assert!(!proxy.lose_next_answer.load(Ordering::SeqCst), "an answer was lost");
    assert_eq!(issued_at, micros_after(first.issued_at, 1));
    assert_eq!(database.count("SELECT count(*) FROM runs"), 2);
    assert_eq!(runs(&store).find(run.organisation_id, run.job_id, run.id).unwrap().unwrap().issued_at, issued_at);
}

/// A store with one connection, which leads through a proxy.
fn through_proxy(database: &TestDatabase) -> (Proxy, PostgresStore) {
    let url = database.url();
    let (_, server) = url.rsplit_once('@').unwrap();
    let (server, _) = server.split_once('/').unwrap();
    let proxy = Proxy::before(server.to_owned());
    let through_proxy = settings(&url.replace(server, &format!("127.0.0.1:{}", proxy.port)));
    let store = PostgresStore::connect(Settings { pool_size: NonZeroU32::MIN, ..through_proxy });
    store.check().unwrap();
    (proxy, store)
}
