//! How many connections there are, and how many there can be.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prediction_http::{ConnectionEnd, Runtime, network};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open for other reasons than a connection of a client, besides the files that the options tell:
/// listeners, what the runtime needs, connections of clients that are told that there are too many.
const OTHER_FILES: u64 = 128;

/// The connections of clients.
pub(crate) struct Connections {
    most: usize,
    most_per_peer: Option<usize>,
    open: AtomicUsize,
    by_peer: Mutex<HashMap<IpAddr, usize>>,
    is_draining: AtomicBool,
    runtime: Arc<Runtime>,
}

/// The place of a connection among the others, until it is dropped.
pub(crate) struct Place {
    connections: Arc<Connections>,
    peer: Option<IpAddr>,
}

impl Connections {
    /// No connections yet, and so many at the most.
    pub(crate) fn new(most: usize, most_per_peer: Option<usize>, runtime: Arc<Runtime>) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_per_peer,
            open: AtomicUsize::new(0),
            by_peer: Mutex::default(),
            is_draining: AtomicBool::new(false),
            runtime,
        })
    }

    /// A place for a connection of that peer, unless there are too many.
    pub(crate) fn admit(self: &Arc<Self>, peer: Option<IpAddr>) -> Option<Place> {
        let peer = peer.filter(|_| self.most_per_peer.is_some()).map(network);
        let has_room = |open| (open < self.most).then_some(open + 1);
        if self.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, has_room).is_err() {
            self.runtime.note_ended_connection(ConnectionEnd::TooMany);
            return None;
        }
        if let (Some(peer), Some(most)) = (peer, self.most_per_peer) {
            let mut by_peer = self.by_peer.lock().unwrap_or_else(PoisonError::into_inner);
            let own = by_peer.entry(peer).or_default();
            if *own >= most {
                drop(by_peer);
                self.open.fetch_sub(1, Ordering::AcqRel);
                self.runtime.note_ended_connection(ConnectionEnd::TooMany);
                return None;
            }
            *own += 1;
        }
        self.runtime.note_opened_connection();
        Some(Place { connections: Arc::clone(self), peer })
    }

    /// From now on, the server does not wait for a client that does not read.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
    }
}

impl Place {
    /// Whether the service is waiting for its connections to end.
    pub(crate) fn is_draining(&self) -> bool {
        self.connections.is_draining.load(Ordering::Acquire)
    }

    /// Notes that the connection ends because its peer takes too little.
    pub(crate) fn note_slow_reader(&self) {
        self.connections.runtime.note_ended_connection(ConnectionEnd::SlowReader);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(peer) = self.peer {
            let mut by_peer = self.connections.by_peer.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(own) = by_peer.get_mut(&peer) {
                *own -= 1;
                if *own == 0 {
                    by_peer.remove(&peer);
                }
            }
        }
        self.connections.open.fetch_sub(1, Ordering::AcqRel);
        self.connections.runtime.note_closed_connection();
    }
}

/// Has the operating system allow so many connections beside what else needs files, and tells how many it does.
pub(crate) fn allowed(wanted: u32, others: usize) -> usize {
    let others = OTHER_FILES.saturating_add(others as u64);
    let files = others.saturating_add(u64::from(wanted));
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX).min(files);
    let mut current = limit.current.unwrap_or(u64::MAX);
    if current < most {
        match setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limit.maximum }) {
            Ok(()) => current = most,
            Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
        }
    }
    let allowed = u64::from(wanted).min(current.saturating_sub(others).max(16));
    if allowed < u64::from(wanted) {
        tracing::warn!(
            wanted,
            allowed,
            "the operating system allows fewer open files than --max-connections needs (ulimit -n)"
        );
    }
    usize::try_from(allowed).unwrap_or(usize::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
