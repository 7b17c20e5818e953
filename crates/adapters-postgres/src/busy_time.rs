//! For how long a thread had work for a processor, its own or one of the database.
//!
//! The processes of the database are not this one's, so they are not asked what they do. What is known not to be work
//! is left out: waiting for the disk in commits, and for a connection. Locks, and the network, count as work. So does
//! the disk where one statement is a transaction: it commits before it answers.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

thread_local! {
    static WAITED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// For how long the calling thread, or the database for it, may have had work for a processor. Only how much it grows
/// while something is done means anything.
#[must_use]
pub fn busy_time() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed().saturating_sub(WAITED.get())
}

/// Does something that is no work for a processor.
pub(crate) fn waiting<T>(wait: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = wait();
    WAITED.set(WAITED.get() + began.elapsed());
    done
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    const WHILE: Duration = Duration::from_millis(50);

    #[test]
    fn only_what_is_known_to_be_waiting_is_no_work() {
        let began = Instant::now();
        let before = busy_time();
        assert_eq!(
            waiting(|| {
                sleep(WHILE);
                7
            }),
            7
        );
        let waited = busy_time().saturating_sub(before);
        assert!(waited + WHILE <= began.elapsed(), "{waited:?}");
        sleep(WHILE);
        assert!(busy_time() >= before + WHILE);
    }
}
