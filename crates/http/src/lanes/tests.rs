use std::sync::atomic::Ordering;
use std::sync::{Mutex, mpsc};
use std::thread;

use super::supervision::MOST_ABANDONED;
use super::*;
use crate::metrics::Metrics;

const SETTINGS: LaneSettings = LaneSettings {
    name: "test",
    threads: 1,
    kept_free: 1,
    queue: 4,
    steady: 4,
    burst: Duration::from_secs(20),
    batch: 3,
    deadline: Duration::from_secs(20),
};
const TENANT: Tenant = Tenant(1);
const OTHER: Tenant = Tenant(2);
const THIRD: Tenant = Tenant(3);
/// For tests in which a deadline has to pass: long for a thread that is alive.
const SOON: Duration = Duration::from_millis(200);

/// No tenant counts as one that is here, so each is alone.
fn unlimited() -> Arc<TenantLimit> {
    TenantLimit::new(1, Duration::ZERO, Duration::ZERO)
}

fn metrics() -> LaneMetrics {
    Metrics::new().lane(SETTINGS.name)
}

#[actix_web::test]
async fn what_waits_is_answered_together_up_to_the_size_of_a_batch() {
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let metrics = metrics();
    let lane = Lane::start(SETTINGS, metrics.clone(), &unlimited(), move |questions: Vec<u32>| {
        gate.lock().unwrap().recv().unwrap();
        let size = questions.len();
        questions.into_iter().map(|question| (question, size)).collect()
    });
    let first = lane.ask(TENANT, 1);
    futures_util::pin_mut!(first);
    // Sent when first polled; the lane takes it and waits at the gate.
    assert!(futures_util::poll!(&mut first).is_pending());
    // A lane that has not taken it yet would make room in a queue that was full.
    while metrics.queue_length.get() > 0 {
        thread::yield_now();
    }
    for _ in 0..SETTINGS.queue {
        lane.pool.line_up(TENANT, dead(), Instant::now());
    }
    assert_eq!(lane.ask(TENANT, 9).await, Err(LaneError::Full));
    assert_eq!(metrics.shed_full.get(), 1);
    for _ in 0..8 {
        open.send(()).unwrap();
    }
    assert_eq!(first.await, Ok((1, 1)));
    while metrics.queue_length.get() > 0 {
        thread::yield_now();
    }
    let (a, b) = futures_util::join!(lane.ask(TENANT, 2), lane.ask(TENANT, 3));
    assert_eq!((a.unwrap().0, b.unwrap().0), (2, 3));
    assert!(metrics.batch_sizes.get_sample_count() >= 2);
    assert_eq!(
        metrics.batch_sizes.get_sample_sum().to_bits(),
        3_f64.to_bits(),
        "a caller that has gone is not counted"
    );
    assert_eq!(metrics.waits.get_sample_count(), 3);
}

/// A question whose caller has gone.
fn dead() -> Waiting<u32, (u32, usize)> {
    Waiting { question: 0, answer: oneshot::channel().0, until: Instant::now() + Duration::from_secs(20), open: None }
}

#[actix_web::test]
async fn the_length_of_the_queue_is_known() {
    let (open, gate) = mpsc::channel::<()>();
    let (at_gate, arrived) = mpsc::channel::<()>();
    let doors = Mutex::new((at_gate, gate));
    let metrics = metrics();
    let lane = Lane::start(
        LaneSettings { batch: 1, ..SETTINGS },
        metrics.clone(),
        &unlimited(),
        move |questions: Vec<u32>| {
            let doors = doors.lock().unwrap();
            doors.0.send(()).unwrap();
            doors.1.recv().unwrap();
            questions
        },
    );
    let asked = futures_util::future::join_all((0..3).map(|question| lane.ask(TENANT, question)));
    futures_util::pin_mut!(asked);
    assert!(futures_util::poll!(&mut asked).is_pending());
    arrived.recv().unwrap();
    assert_eq!(metrics.queue_length.get(), 2, "one is being answered");
    for _ in 0..3 {
        open.send(()).unwrap();
    }
    assert_eq!(asked.await, [Ok(0), Ok(1), Ok(2)]);
    assert_eq!(metrics.queue_length.get(), 0);
}

#[actix_web::test]
async fn a_queue_that_does_not_get_empty_takes_fewer() {
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let settings = LaneSettings { queue: 100, steady: 10, burst: SOON, batch: 1, ..SETTINGS };
    let lane = Lane::start(settings, metrics(), &unlimited(), move |questions: Vec<u32>| {
        // Ends when the sender is gone.
        let _ = gate.lock().unwrap().recv();
        questions
    });
    let ask_many = || futures_util::future::join_all((0..20).map(|question| lane.ask(TENANT, question)));
    let burst = ask_many();
    futures_util::pin_mut!(burst);
    assert!(futures_util::poll!(&mut burst).is_pending());
    tokio::time::sleep(SOON).await;
    assert_eq!(lane.ask(TENANT, 1).await, Err(LaneError::Full), "it has been too long");
    drop(open);
    let answers = burst.await;
    let refused = answers.iter().filter(|answer| **answer == Err(LaneError::Full)).count();
    assert_eq!((refused, answers.iter().flatten().count()), (9, 11), "those in front, until few wait");
    assert_eq!((answers[0], answers[19]), (Ok(0), Ok(19)));
    assert_eq!(lane.ask(TENANT, 1).await, Ok(1));
    assert!(ask_many().await.into_iter().all(|answer| answer.is_ok()), "the next burst is welcome");
}

/// One that asks of another tenant is let in, and answered in its turn; the crowd loses its last one.
#[actix_web::test]
async fn the_crowd_of_one_tenant_is_not_in_the_way_of_another() {
    let (open, gate) = mpsc::channel::<()>();
    let (at_gate, arrived) = mpsc::channel::<()>();
    let doors = Mutex::new((at_gate, gate));
    let metrics = metrics();
    let answered = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&answered);
    let lane = Lane::start(
        LaneSettings { batch: 1, ..SETTINGS },
        metrics.clone(),
        &unlimited(),
        move |questions: Vec<u32>| {
            let doors = doors.lock().unwrap();
            doors.0.send(()).unwrap();
            let _ = doors.1.recv();
            log.lock().unwrap().extend(questions.iter().copied());
            questions
        },
    );
    let crowd = futures_util::future::join_all((0..5).map(|question| lane.ask(TENANT, question)));
    futures_util::pin_mut!(crowd);
    let first = lane.ask(TENANT, 9);
    futures_util::pin_mut!(first);
    assert!(futures_util::poll!(&mut first).is_pending());
    arrived.recv().unwrap();
    assert!(futures_util::poll!(&mut crowd).is_pending(), "one of it has been refused, since four can wait");
    let newcomer = lane.ask(OTHER, 100);
    futures_util::pin_mut!(newcomer);
    assert!(futures_util::poll!(&mut newcomer).is_pending());
    assert_eq!((metrics.queue_length.get(), metrics.waiting_tenants.get()), (4, 2));
    drop(open);
    assert_eq!(newcomer.await, Ok(100));
    assert_eq!(crowd.await, [Ok(0), Ok(1), Ok(2), Err(LaneError::Full), Err(LaneError::Full)]);
    assert_eq!(first.await, Ok(9));
    assert_eq!(*answered.lock().unwrap(), [9, 100, 0, 1, 2]);
    assert_eq!(metrics.shed_full.get(), 2);
}

#[actix_web::test]
async fn a_tenant_never_has_all_threads() {
    for (kept_free, flooding) in [(1, vec![TENANT]), (2, vec![TENANT]), (2, vec![TENANT, THIRD])] {
        let (open, gate) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let (at_gate, arrived) = mpsc::channel::<()>();
        let settings = LaneSettings { threads: 3, kept_free, queue: 100, ..SETTINGS };
        let lane = <WorkLane>::start(settings, metrics(), &unlimited());
        let wait = |tenant| {
            let (gate, at_gate) = (Arc::clone(&gate), at_gate.clone());
            lane.run(tenant, move || {
                at_gate.send(()).unwrap();
                let _ = gate.lock().map(|gate| gate.recv());
            })
        };
        let questions = (0..20).flat_map(|_| flooding.iter().copied());
        let flood = futures_util::future::join_all(questions.map(wait));
        futures_util::pin_mut!(flood);
        assert!(futures_util::poll!(&mut flood).is_pending());
        for _ in 0..flooding.len() * (3 - kept_free) {
            arrived.recv().unwrap();
        }
        for answer in 0..10 {
            assert_eq!(lane.run(OTHER, move || answer).await, Ok(answer), "one thread is left for others");
        }
        assert!(arrived.try_recv().is_err());
        drop(open);
        assert!(flood.await.into_iter().all(|answer| answer == Ok(())));
    }
}

/// The threads that a tenant has in one lane it does not have in another, as soon as another tenant is here.
#[actix_web::test]
async fn beside_others_a_tenant_has_so_many_threads_of_all_lanes() {
    let limit = TenantLimit::new(1, Duration::from_hours(1), Duration::from_hours(1));
    let lanes =
        [(); 2].map(|()| <WorkLane>::start(LaneSettings { threads: 3, queue: 100, ..SETTINGS }, metrics(), &limit));
    assert_eq!(lanes[0].run(OTHER, || 0).await, Ok(0));
    let (open, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let (at_gate, arrived) = mpsc::channel::<usize>();
    let wait = |lane: usize| {
        let (gate, at_gate) = (Arc::clone(&gate), at_gate.clone());
        lanes[lane].run(TENANT, move || {
            at_gate.send(lane).unwrap();
            let _ = gate.lock().map(|gate| gate.recv());
        })
    };
    let flood = futures_util::future::join_all((0..20).map(|number| wait(number % 2)));
    futures_util::pin_mut!(flood);
    assert!(futures_util::poll!(&mut flood).is_pending());
    let first = arrived.recv().unwrap();
    for lane in &lanes {
        for answer in 0..10 {
            assert_eq!(lane.run(OTHER, move || answer).await, Ok(answer));
        }
    }
    let mut served = vec![first];
    for _ in 0..19 {
        assert!(arrived.try_recv().is_err(), "it has one thread already");
        open.send(()).unwrap();
        served.push(arrived.recv().unwrap());
    }
    open.send(()).unwrap();
    assert!(flood.await.into_iter().all(|answer| answer == Ok(())));
    for lane in 0..2 {
        assert_eq!(served.iter().filter(|served| **served == lane).count(), 10);
    }
}

/// What is asked when the lane is dropped is answered, whatever thread it takes.
#[actix_web::test]
async fn a_lane_that_is_dropped_answers_its_last_questions() {
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let done = Arc::new(Mutex::new(0));
    let count = Arc::clone(&done);
    let settings = LaneSettings { threads: 2, queue: 100, batch: 1, ..SETTINGS };
    let lane = Lane::start(settings, metrics(), &unlimited(), move |questions: Vec<oneshot::Sender<()>>| {
        let _ = gate.lock().unwrap().recv();
        *count.lock().unwrap() += questions.len();
        questions
    });
    let (questions, ends): (Vec<_>, Vec<_>) = (0..10).map(|_| oneshot::channel()).unzip();
    let (answers, lost): (Vec<_>, Vec<_>) = (0..10).map(|_| oneshot::channel()).unzip();
    for (question, answer) in questions.into_iter().zip(answers) {
        let until = Instant::now() + Duration::from_secs(20);
        lane.pool.line_up(TENANT, Waiting { question, answer, until, open: None }, Instant::now());
    }
    drop(lane);
    drop(open);
    for answer in lost {
        assert!(answer.await.is_ok());
    }
    drop(ends);
    assert_eq!(*done.lock().unwrap(), 10);
}

#[actix_web::test]
async fn a_panic_loses_the_answer_and_not_the_lane() {
    let lane = <WorkLane>::start(SETTINGS, metrics(), &unlimited());
    assert_eq!(lane.run(TENANT, || -> u32 { panic!("on purpose") }).await, Err(LaneError::Lost));
    assert_eq!(lane.run(TENANT, || 7).await, Ok(7));
}

#[actix_web::test]
async fn a_passed_deadline_is_told_and_the_question_costs_nothing() {
    let metrics = metrics();
    let settings = LaneSettings { deadline: Duration::ZERO, ..SETTINGS };
    let lane = Lane::start(settings, metrics.clone(), &unlimited(), |_: Vec<u32>| -> Vec<u32> {
        unreachable!("no caller waits any more")
    });
    assert_eq!(lane.ask(TENANT, 1).await, Err(LaneError::TimedOut));
    assert_eq!(metrics.shed_deadline.get(), 1);
}

#[actix_web::test]
async fn a_stuck_thread_is_replaced_until_too_many_are() {
    let metrics = metrics();
    let (open, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let lane = <WorkLane>::start(LaneSettings { deadline: 5 * SOON, ..SETTINGS }, metrics.clone(), &unlimited());
    let stuck = || {
        let gate = Arc::clone(&gate);
        lane.run(TENANT, move || {
            // Ends when the sender is gone.
            let _ = gate.lock().map(|gate| gate.recv());
        })
    };
    for replaced in 0..=MOST_ABANDONED as u64 {
        assert_eq!(metrics.replaced.get(), replaced);
        assert_eq!(stuck().await, Err(LaneError::TimedOut));
        if replaced < MOST_ABANDONED as u64 {
            assert_eq!(lane.run(TENANT, || 7).await, Ok(7), "another thread answers");
        }
    }
    assert_eq!(lane.run(TENANT, || 7).await, Err(LaneError::Stuck));
    assert_eq!(metrics.shed_stuck.get(), 1);
    assert_eq!(metrics.replaced.get(), MOST_ABANDONED as u64);

    drop(open);
    while lane.run(TENANT, || 7).await != Ok(7) {
        // The threads that were stuck end or go on; each try is refused at once until they do.
    }
    // What was stuck is no longer counted, so that others can be replaced again.
    while lane.0.pool.abandoned.load(Ordering::Acquire) > 0 {
        thread::yield_now();
    }
}

#[actix_web::test]
async fn a_thread_that_died_is_replaced() {
    /// Panics when it is dropped, which nothing expects.
    struct Grenade(bool);

    impl Drop for Grenade {
        fn drop(&mut self) {
            assert!(!self.0, "on purpose");
        }
    }

    let metrics = metrics();
    let (open, gate) = mpsc::channel::<()>();
    let (at_gate, arrived) = mpsc::channel::<()>();
    let doors = Mutex::new((at_gate, gate));
    let lane = Lane::start(SETTINGS, metrics.clone(), &unlimited(), move |questions: Vec<bool>| {
        let doors = doors.lock().unwrap();
        doors.0.send(()).unwrap();
        doors.1.recv().unwrap();
        questions.into_iter().map(Grenade).collect()
    });
    {
        let asked = lane.ask(TENANT, true);
        futures_util::pin_mut!(asked);
        assert!(futures_util::poll!(&mut asked).is_pending());
        arrived.recv().unwrap();
    }
    // No caller takes the answer, so the thread has to drop it.
    open.send(()).unwrap();
    while lane.pool.is_well(Instant::now()) {
        thread::yield_now();
    }
    open.send(()).unwrap();
    assert!(lane.ask(TENANT, false).await.is_ok());
    assert_eq!(metrics.replaced.get(), 1);
    assert_eq!(lane.pool.abandoned.load(Ordering::Acquire), 0, "there is no thread that could come back");
}
