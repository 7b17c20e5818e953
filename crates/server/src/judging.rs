//! Judges the health of jobs ahead of the requests that ask for it, on a thread of its own, so that it never stands
//! before a request.

use std::time::{Duration, Instant};

use prediction_domain::use_cases::HealthJudge;

use crate::background::{BackgroundThread, Stopped, causes, guarded};

/// How often it looks for what has ended.
const EVERY: Duration = Duration::from_secs(1);
/// The same after it failed: a database that takes no writes is no worse for it, and requests judge health themselves.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// Starts it. `batch` is how many jobs are judged at once.
pub(crate) fn start(judge: HealthJudge, batch: usize) -> anyhow::Result<BackgroundThread> {
    BackgroundThread::start("judging", move |stopped| run(&judge, batch, stopped))
}

fn run(judge: &HealthJudge, batch: usize, stopped: &Stopped) {
    let mut has_failed = false;
    loop {
        let began = Instant::now();
        let judged = guarded(|| judge.step(batch));
        if let Err(failure) = &judged
            && !has_failed
        {
            let cause = causes(failure);
            tracing::warn!(cause, "the health of jobs could not be judged ahead; lists by health cost more");
        }
        has_failed = judged.is_err();
        let pause = match judged {
            // After a batch it rests for as long as that took: the database is there for others first.
            Ok(judged) if judged.is_unfinished => began.elapsed(),
            Ok(_) => EVERY,
            Err(_) => AFTER_FAILURE,
        };
        if !stopped.rest(pause) {
            break;
        }
    }
}
