//! The question whether the store can be used, asked once for all clients that want to know at the same time.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// For how long an answer is good. A client that asks more often learns nothing more.
const GOOD_FOR: Duration = Duration::from_millis(250);

/// A check that is made once at a time, and whose outcome is shared.
#[derive(Default)]
pub(crate) struct SharedCheck {
    /// When the last one ended, and whether all was well. Held by the caller whose check it is while it is made.
    last: Mutex<Option<(Instant, bool)>>,
}

impl SharedCheck {
    /// What the check says now, or a moment ago. Why it failed is told to the caller whose check it was.
    pub(crate) async fn outcome<Failure>(
        &self,
        check: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Option<Failure>> {
        let mut last = self.last.lock().await;
        if let Some((_, is_well)) = last.filter(|(at, _)| at.elapsed() < GOOD_FOR) {
            return if is_well { Ok(()) } else { Err(None) };
        }
        let outcome = check.await;
        *last = Some((Instant::now(), outcome.is_ok()));
        outcome.map_err(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::future::join_all;

    use super::*;

    #[actix_web::test]
    async fn one_check_is_made_for_all_callers() {
        tokio::time::pause();
        let (check, made) = (SharedCheck::default(), Cell::new(0));
        let ask = |outcome: Result<(), &'static str>| {
            let made = &made;
            check.outcome(async move {
                made.set(made.get() + 1);
                tokio::time::sleep(Duration::from_secs(1)).await;
                outcome
            })
        };
        assert!(join_all((0..100).map(|_| ask(Ok(())))).await.iter().all(Result::is_ok));
        assert_eq!(made.get(), 1);
        tokio::time::advance(GOOD_FOR.saturating_sub(Duration::from_millis(1))).await;
        assert_eq!(ask(Err("broken")).await, Ok(()), "it is a moment ago");
        tokio::time::advance(Duration::from_millis(1)).await;
        let answers = join_all((0..3).map(|_| ask(Err("broken")))).await;
        assert_eq!(answers, [Err(Some("broken")), Err(None), Err(None)]);
        assert_eq!(made.get(), 2);
    }

    #[actix_web::test]
    async fn a_caller_who_goes_leaves_the_check_to_the_next() {
        let check = SharedCheck::default();
        {
            let gone = check.outcome(std::future::pending::<Result<(), ()>>());
            futures_util::pin_mut!(gone);
            assert!(futures_util::poll!(&mut gone).is_pending());
        }
        assert_eq!(check.outcome(async { Err("broken") }).await, Err(Some("broken")));
    }
}
