//! How many answers are sent piece by piece at a time: each may take as long as its reader likes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::lanes::Tenant;
use crate::problem::{Problem, ProblemCode};

/// How many there can be. Each holds a page of values.
const MOST: usize = 64;
/// How many of one tenant.
const MOST_OF_ONE: usize = MOST / 2;

/// The streams that are being sent.
#[derive(Default)]
pub(crate) struct Streams {
    by_tenant: Mutex<HashMap<Tenant, usize>>,
}

/// One of them, until it is dropped.
pub(crate) struct Stream {
    streams: Arc<Streams>,
    tenant: Tenant,
}

impl Streams {
    /// Begins one, unless there are too many already.
    pub(crate) fn begin(self: &Arc<Self>, tenant: Tenant) -> Result<Stream, Problem> {
        let mut by_tenant = self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner);
        let own = by_tenant.get(&tenant).copied().unwrap_or_default();
        if own >= MOST_OF_ONE || by_tenant.values().sum::<usize>() >= MOST {
            return Err(Problem::unavailable(ProblemCode::Overloaded).detail(
                "as many answers as possible are being sent piece by piece; ask for pages with a limit, or later",
            ));
        }
        by_tenant.insert(tenant, own + 1);
        Ok(Stream { streams: Arc::clone(self), tenant })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut by_tenant = self.streams.by_tenant.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = by_tenant.get_mut(&self.tenant) {
            *own -= 1;
            if *own == 0 {
                by_tenant.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::tenants;

    #[test]
    fn a_tenant_has_half_of_the_streams_at_most() {
        let streams = Arc::new(Streams::default());
        let [first, second, third] = tenants();
        let mut begun: Vec<_> = (0..MOST_OF_ONE).map(|_| streams.begin(first).ok().unwrap()).collect();
        assert!(streams.begin(first).is_err());
        begun.extend((0..MOST_OF_ONE).map(|_| streams.begin(second).ok().unwrap()));
        assert!(streams.begin(third).is_err());
        drop(begun.pop());
        let _of_third = streams.begin(third).ok().unwrap();
        drop(begun);
        assert_eq!(streams.by_tenant.lock().unwrap().len(), 1, "who has none is not remembered");
    }
}
