//! For how long a thread had work for a processor, its own or that of the thread that copies the log.

use std::cell::Cell;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

thread_local! {
    static WRITTEN: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// For how long the calling thread had a processor, and another one has for it. Only how much it grows while something
/// is done means anything.
///
/// What it writes counts twice: its pages are written to the log, and copied from there later.
#[must_use]
pub fn busy_time() -> Duration {
    time_of_thread() + WRITTEN.get()
}

/// The calling thread writes, until this is dropped.
pub(crate) struct Writing {
    began: Duration,
}

impl Writing {
    pub(crate) fn begin() -> Self {
        Self { began: time_of_thread() }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        WRITTEN.set(WRITTEN.get() + time_of_thread().saturating_sub(self.began));
    }
}

fn time_of_thread() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::thread::sleep;

    use super::*;

    const WHILE: Duration = Duration::from_millis(20);

    fn work() {
        let until = time_of_thread() + WHILE;
        let mut number = 1_u64;
        while time_of_thread() < until {
            number = black_box(number.wrapping_mul(31));
        }
    }

    #[test]
    fn work_counts_once_writing_twice_and_sleep_not_at_all() {
        let (began, before) = (time_of_thread(), busy_time());
        work();
        {
            let _writing = Writing::begin();
            work();
            sleep(10 * WHILE);
        }
        let busy = busy_time().saturating_sub(before);
        let worked = time_of_thread().saturating_sub(began);
        assert!((3 * WHILE..=2 * worked).contains(&busy), "{busy:?} of {worked:?}");
    }
}
