//! Judges the health of jobs ahead of the requests that ask for it, so that it never stands before a request.

use std::time::{Duration, Instant};

use prediction_domain::use_cases::HealthJudge;

use super::{BackgroundWork, causes};

/// How often it looks for what has ended.
const EVERY: Duration = Duration::from_secs(1);
/// The same after it failed: a database that takes no writes is no worse for it, and requests judge health themselves.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// Judges so many jobs at once.
pub(crate) struct Judging {
    judge: HealthJudge,
    batch: usize,
    has_failed: bool,
}

impl Judging {
    pub(crate) fn new(judge: HealthJudge, batch: usize) -> Self {
        Self { judge, batch, has_failed: false }
    }
}

impl BackgroundWork for Judging {
    const NAME: &'static str = "judging";

    fn step(&mut self) -> Duration {
        let began = Instant::now();
        let judged = self.judge.step(self.batch);
        if let Err(failure) = &judged
            && !self.has_failed
        {
            let cause = causes(failure);
            tracing::warn!(cause, "the health of jobs could not be judged ahead; lists by health cost more");
        }
        self.has_failed = judged.is_err();
        match judged {
            // After a batch it rests for as long as that took: the database is there for others first.
            Ok(judged) if judged.is_unfinished => began.elapsed(),
            Ok(_) => EVERY,
            Err(_) => AFTER_FAILURE,
        }
    }

    fn rest_after_panic(&self) -> Duration {
        AFTER_FAILURE
    }

    fn end(self) {}
}
