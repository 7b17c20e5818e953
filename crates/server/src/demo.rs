//! What `serve --demo` shows: three models and five customers, whose jobs have run for two weeks. It is made through
//! the use cases, as it would have come about, under a clock of its own; in a folder that goes with the process.

mod catalogue;
mod jobs;
mod reports;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Context as _;
use chrono::TimeDelta;
use prediction_adapters_system::{SystemClock, TimeOrderedIds};
use prediction_domain::model::{Caller, Permission, Scope, Timestamp};
use prediction_domain::ports::{Clock, StorePorts};
use prediction_domain::requests::Sent;
use prediction_domain::use_cases::Ports;
use prediction_units::UcumUnits;
use tempfile::TempDir;

/// For how long the jobs have run.
const DAYS: i64 = 15;

/// The folder of a demo. It is removed when this is dropped.
pub(crate) struct Demo(TempDir);

impl Demo {
    /// Makes it.
    pub(crate) fn begin() -> anyhow::Result<Self> {
        let made = tempfile::Builder::new().prefix("prediction-api-demo-").tempdir();
        Ok(Self(made.context("cannot make a folder for the demo")?))
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }
}

/// Fills an empty store with it.
pub(crate) fn fill(store: &StorePorts) -> anyhow::Result<()> {
    let history = History::begin(store, SystemClock.now());
    history.make().map_err(|refused| anyhow::anyhow!("the demo could not be made: {refused:?}"))
}

/// What is being made, and how far.
struct History {
    ports: Ports,
    clock: Arc<DemoClock>,
    now: Timestamp,
}

impl History {
    fn begin(store: &StorePorts, now: Timestamp) -> Self {
        let clock = Arc::new(DemoClock(AtomicI64::new(now.as_micros())));
        let ports = Ports::of_store(store, Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(TimeOrderedIds));
        Self { ports: Ports { units: Arc::new(UcumUnits), ..ports }, clock, now }
    }

    /// In the order in which it came about: nothing is told of what had not happened yet.
    fn make(&self) -> Result<(), prediction_domain::use_cases::UseCaseError> {
        self.set(TimeDelta::days(DAYS));
        let mut catalogue = self.publish()?;
        let jobs = self.set_up(&catalogue)?;
        for day in (1..DAYS).rev() {
            self.change(day, &mut catalogue, &jobs)?;
            self.report_day(day, &jobs)?;
        }
        self.end(&catalogue, &jobs)
    }

    /// It is so long before now.
    fn set(&self, before: TimeDelta) -> Timestamp {
        let time = self.now.plus(-before);
        self.clock.0.store(time.as_micros(), Ordering::Relaxed);
        time
    }
}

/// Shows what it is set to.
struct DemoClock(AtomicI64);

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed)).unwrap_or_else(|| SystemClock.now())
    }
}

/// Somebody who may do everything.
fn person(subject: &str) -> Caller {
    Caller { subject: subject.to_owned(), permissions: Permission::ALL.into_iter().collect(), scope: Scope::Platform }
}

/// The runners' account.
const RUNNER: &str = "runner";
/// Publishes models.
const SCIENTIST: &str = "ines@models.example";
/// Sets jobs up, and looks after them.
const OPERATORS: [&str; 2] = ["jonas@operations.example", "amira@operations.example"];

fn given(text: impl Into<String>) -> Sent<String> {
    Sent::Given(text.into())
}
