use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;

use prediction_domain::model::Timestamp;
use prediction_domain::ports::StorePorts;
use prediction_domain::use_cases::Ports;

use crate::clock::FixedClock;
use crate::ids::FreshIds;

/// A store for one test, behind all of its ports.
pub struct Stores {
    ports: StorePorts,
    /// Are dropped last.
    kept_alive: Vec<Box<dyn Any + Send + Sync>>,
}

/// The ports of the store.
impl Deref for Stores {
    type Target = StorePorts;

    fn deref(&self) -> &StorePorts {
        &self.ports
    }
}

impl From<StorePorts> for Stores {
    fn from(ports: StorePorts) -> Self {
        Self { ports, kept_alive: Vec::new() }
    }
}

/// One of several replicas of the service that use the same store, each with a clock of its own.
pub struct Replica {
    /// What its use cases need.
    pub ports: Ports,
    /// What it takes for the time.
    pub clock: Arc<FixedClock>,
}

impl Stores {
    /// The same, with what has to live as long as the store, such as a temporary folder.
    #[must_use]
    pub fn keeping(mut self, alive: impl Any + Send + Sync) -> Self {
        self.kept_alive.push(Box::new(alive));
        self
    }

    /// A replica whose clock shows that time.
    #[must_use]
    pub fn replica(&self, time: Timestamp) -> Replica {
        let clock = Arc::new(FixedClock::at(time));
        Replica { ports: Ports::of_store(self, clock.clone(), Arc::new(FreshIds)), clock }
    }
}
