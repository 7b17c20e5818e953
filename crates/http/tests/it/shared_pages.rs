//! Equal pages of jobs that wait together are read and written once.

use std::cell::Cell;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use futures_util::future::{FutureExt as _, LocalBoxFuture, join_all};
use prediction_domain::model::{Job, JobName, Page};
use prediction_domain::ports::{MockStore, StoreFailure};
use prediction_domain_testkit::builders::{a_job_of, a_source, a_version_of};
use serde_json::{Value, json};

use crate::service::{Answer, Request, Service, monitored, service_of};

/// The limit of a page that cannot be read.
const BROKEN: usize = 13;

/// A store whose lists say that they are asked for, and wait until they may answer. One of jobs has one job, which has
/// the number of the question as its name.
struct Store {
    service: Service,
    /// How long pages of jobs are asked for; 0 are pages of something else.
    asked: Receiver<usize>,
    open: Cell<Option<Sender<()>>>,
}

impl Store {
    fn new() -> Self {
        Self::of(a_job_of(&a_version_of(a_source().id)))
    }

    fn of(job: Job) -> Self {
        let (at_gate, asked) = channel();
        let (open, gate) = channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let wait = move |limit| {
            at_gate.send(limit).unwrap();
            // Ends when the sender is gone.
            let _ = gate.lock().map(|gate| gate.recv());
        };
        let mut mocks = MockStore::default();
        mocks.sources.expect_list().returning({
            let wait = wait.clone();
            move |_, _| {
                wait(0);
                Ok(Page { items: Vec::new(), next: None })
            }
        });
        mocks.inputs.expect_list_organisations().returning({
            let wait = wait.clone();
            move |_, _| {
                wait(0);
                Ok(Page { items: Vec::new(), next: None })
            }
        });
        let mut calls = 0;
        mocks.jobs.expect_list().returning(move |_, _, page| {
            calls += 1;
            wait(page.limit());
            if page.limit() == BROKEN {
                return Err(StoreFailure::Corrupt("a row that breaks a rule".into()));
            }
            let name = JobName::restore(&calls.to_string()).unwrap();
            Ok(Page { items: vec![monitored(&Job { name, ..job.clone() })], next: None })
        });
        Self { service: service_of(mocks), asked, open: Cell::new(Some(open)) }
    }

    /// Asks, as far as a caller can without an answer.
    fn ask(&self, request: Request) -> LocalBoxFuture<'_, Answer> {
        let mut asking = self.service.send(request).boxed_local();
        assert!((&mut asking).now_or_never().is_none(), "the store has not answered");
        asking
    }

    fn list(&self, limit: usize) -> LocalBoxFuture<'_, Answer> {
        self.ask(list(limit))
    }

    /// Other lists that the store is busy with, each on a thread. Of three an organisation has two.
    fn busy<const THREADS: usize>(&self) -> Vec<LocalBoxFuture<'_, Answer>> {
        let others = ["/api/v1/sources", "/api/v1/organisations"].into_iter().take(THREADS);
        others
            .map(|path| {
                let asking = self.ask(Request::new("GET", path).token(Some("customer")));
                assert_eq!(self.asked.recv(), Ok(0));
                asking
            })
            .collect()
    }

    /// Has the store answer from now on.
    fn open(&self) {
        drop(self.open.take());
    }

    /// What it was asked for, and nobody has looked at yet.
    fn also_asked(&self) -> Vec<usize> {
        let mut asked: Vec<usize> = self.asked.try_iter().collect();
        asked.sort_unstable();
        asked
    }
}

fn list(limit: usize) -> Request {
    Request::new("GET", format!("/api/v1/jobs?limit={limit}")).token(Some("customer"))
}

fn name_of(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body["items"][0]["name"].clone()
}

#[actix_web::test]
async fn equal_pages_that_wait_together_are_asked_for_once_and_others_by_themselves() {
    let store = Store::new();
    let busy = store.busy::<2>();
    let equal: Vec<_> = (0..20).map(|_| store.list(7)).collect();
    let other = store.list(8);
    store.open();
    let answers = join_all(equal).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_ne!(name_of(&answers[0]), name_of(&other.await));
    join_all(busy).await;
    assert_eq!(store.also_asked(), [7, 8]);
    let alone = store.service.send(list(7)).await;
    assert_eq!((alone.status, name_of(&alone)), (StatusCode::OK, json!("3")), "what was given is not kept");
}

#[actix_web::test]
async fn a_page_that_is_asked_for_while_the_same_is_being_read_is_read_anew() {
    let store = Store::new();
    let _busy = store.busy::<1>();
    let began = store.list(7);
    assert_eq!(store.asked.recv(), Ok(7));
    let later: Vec<_> = (0..5).map(|_| store.list(7)).collect();
    store.open();
    assert_eq!(name_of(&began.await), json!("1"));
    assert!(join_all(later).await.iter().all(|answer| name_of(answer) == json!("2")));
    assert_eq!(store.also_asked(), [7]);
}

#[actix_web::test]
async fn a_page_is_shared_by_those_with_the_same_rights() {
    let store = Store::new();
    let busy = store.busy::<2>();
    let asks = |token| store.ask(list(7).token(Some(token)));
    let answers = ["customer", "colleague", "watcher", "customer", "watcher"].map(asks);
    store.open();
    let names: Vec<Value> = join_all(answers).await.iter().map(name_of).collect();
    join_all(busy).await;
    assert_eq!(store.also_asked(), [7, 7]);
    assert!(names[0] == names[1] && names[0] == names[3] && names[2] == names[4]);
    assert_ne!(names[0], names[2]);
}

#[actix_web::test]
async fn a_page_that_fails_fails_all_who_asked_for_it_and_no_others() {
    let store = Store::new();
    let busy = store.busy::<2>();
    let broken = [BROKEN; 3].map(|limit| store.list(limit));
    let whole = [7; 3].map(|limit| store.list(limit));
    store.open();
    for answer in join_all(broken).await {
        assert_eq!((answer.status, answer.code()), (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"));
        assert_eq!(answer.body["request_id"], "the-request");
    }
    assert!(join_all(whole).await.iter().all(|answer| answer.status == StatusCode::OK));
    join_all(busy).await;
    assert_eq!(store.also_asked(), [7, BROKEN]);
}

/// What only one caller asked for is written elsewhere.
#[actix_web::test]
async fn a_shared_page_is_as_one_of_ones_own_and_each_reader_says_what_they_have() {
    let job = a_job_of(&a_version_of(a_source().id));
    let store = Store::of(job.clone());
    store.open();
    let alone = store.service.send(list(7)).await;
    let tag = alone.header("etag").unwrap().to_owned();

    let store = Store::of(job);
    let _busy = store.busy::<2>();
    let plain = [(); 2].map(|()| store.list(7));
    let known = store.ask(list(7).header("If-None-Match", &tag));
    let wrong = store.ask(list(7).header("If-None-Match", "no tag"));
    store.open();
    for answer in join_all(plain).await {
        assert_eq!(answer, alone);
    }
    let known = known.await;
    assert_eq!((known.status, known.header("etag")), (StatusCode::NOT_MODIFIED, Some(tag.as_str())));
    assert_eq!(wrong.await.status, StatusCode::BAD_REQUEST);
    assert_eq!(store.also_asked(), [7]);
}
