use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// What a client waits with between two attempts. Tests have one that does not wait.
pub trait Pause: Send + Sync {
    /// The time that has passed since some moment that never changes.
    fn passed(&self) -> Duration;

    /// Waits that long.
    fn sleep(&self, time: Duration);

    /// A number from 0 to 1, another one each time: of clients that failed together not all shall come back together.
    fn share(&self) -> f64;
}

impl<P: Pause + ?Sized> Pause for Arc<P> {
    fn passed(&self) -> Duration {
        (**self).passed()
    }

    fn sleep(&self, time: Duration) {
        (**self).sleep(time);
    }

    fn share(&self) -> f64 {
        (**self).share()
    }
}

/// Waits for real.
#[derive(Debug, Clone, Copy)]
pub struct SystemPause(Instant);

impl Default for SystemPause {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Pause for SystemPause {
    fn passed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }

    fn share(&self) -> f64 {
        // The standard library keys each such hasher differently; that is random enough to spread clients.
        let random = RandomState::new().build_hasher().finish() >> 32;
        f64::from(u32::try_from(random).unwrap_or_default()) / f64::from(u32::MAX)
    }
}
