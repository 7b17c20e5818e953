//! How much of one tenant is answered at the same time, over all lanes, while there are others.
//!
//! Lanes keep tenants from waiting in each other's lines, and a free thread for tenants that have none. Beyond that,
//! tenants share the processors. With a thread in each lane, one tenant has more to do at a time than the machine can.
//! Then every step of every other tenant's answer waits until the operating system has been through all of it. So while
//! others are here, a tenant has only so many threads at a time. A tenant that is alone has all that there are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use super::tenant::Tenant;
use super::turns::Admission;

/// How long a tenant counts as one that is here, after it asked.
const HERE: Duration = Duration::from_secs(1);
/// For how long a place is kept for a lane that was told of it. It may have nothing to do any more.
const KEPT: Duration = Duration::from_millis(20);

/// A thread that has been at it for longer does not count: it may wait for a lock that another transaction holds in the
/// database, and what else the tenant asks for does not wait with it.
const COUNTS_FOR: Duration = Duration::from_secs(1);
/// With so many tenants it is looked which of them are not answered any more.
const FEW: usize = 64;

/// Has a lane look again.
type Wake = Arc<dyn Fn() + Send + Sync>;

/// Shared by the lanes of a service.
pub(crate) struct TenantLimit {
    /// How many threads a tenant has while there are others.
    most: usize,
    here: Duration,
    kept: Duration,
    state: Mutex<State>,
}

struct State {
    /// The tenant that asked last, and the one that asked last of all others.
    last: Option<(Tenant, Instant)>,
    last_other: Option<(Tenant, Instant)>,
    /// The tenants that are answered, or wait for that though a thread is free.
    present: HashMap<Tenant, Present>,
    lanes: Vec<Wake>,
}

#[derive(Default)]
struct Present {
    /// Since when threads are answering it.
    in_flight: Vec<Instant>,
    /// For how long it was served in each lane.
    served: Vec<Duration>,
    /// How long that was in the lane that was next last.
    now: Duration,
    /// Lanes in which it waits, each a bit.
    denied: u32,
    /// The lane whose turn it is, and until when.
    kept_for: Option<(usize, Instant)>,
}

impl TenantLimit {
    /// Leaves half of the processors to others.
    pub(crate) fn of_this_machine() -> Arc<Self> {
        let processors = available_parallelism().map_or(1, usize::from);
        Self::new((processors / 2).max(1), HERE, KEPT)
    }

    pub(super) fn new(most: usize, here: Duration, kept: Duration) -> Arc<Self> {
        let state = State { last: None, last_other: None, present: HashMap::new(), lanes: Vec::new() };
        Arc::new(Self { most, here, kept, state: Mutex::new(state) })
    }

    /// For a lane of its own, which is told when it may go on.
    pub(super) fn join(self: &Arc<Self>, wake: impl Fn() + Send + Sync + 'static) -> Membership {
        let mut state = self.state();
        state.lanes.push(Arc::new(wake));
        let lane = state.lanes.len() - 1;
        assert!(lane < u32::BITS as usize, "a lane is a bit");
        Membership { limit: Arc::clone(self), lane: Some(lane) }
    }

    /// For a lane in which nothing takes long: a tenant that asks there counts as here, and that is all.
    pub(super) fn watch(self: &Arc<Self>) -> Membership {
        Membership { limit: Arc::clone(self), lane: None }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_alone(&self, tenant: Tenant, now: Instant, here: Duration) -> bool {
        let other = if self.last.is_some_and(|(last, _)| last == tenant) { self.last_other } else { self.last };
        other.is_none_or(|(_, asked)| now.saturating_duration_since(asked) >= here)
    }
}

impl Present {
    /// Whether a lane may have a thread more answer it.
    fn has_room(&self, own: usize, most: usize, now: Instant) -> bool {
        let counts = |since: &&Instant| now.saturating_duration_since(**since) < COUNTS_FOR;
        let is_others_turn = self.kept_for.is_some_and(|(lane, until)| lane != own && now < until);
        self.in_flight.iter().filter(counts).count() < most && !is_others_turn
    }

    /// One of them is done that began then, or about then.
    fn leave(&mut self, began: Option<Instant>) {
        let apart = |since: &Instant| began.map(|began| since.max(&began).duration_since(*since.min(&began)));
        let nearest = self.in_flight.iter().enumerate().min_by_key(|(_, since)| apart(since));
        if let Some((place, _)) = nearest {
            self.in_flight.swap_remove(place);
        }
    }

    /// How long it was served in a lane.
    fn served(&mut self, lane: usize) -> &mut Duration {
        if self.served.len() <= lane {
            self.served.resize(lane + 1, Duration::ZERO);
        }
        &mut self.served[lane]
    }

    /// It waits in a lane from now on. Nothing is saved up by staying away.
    fn begin(&mut self, lane: usize) {
        let now = self.now;
        let served = self.served(lane);
        *served = now.max(*served);
    }

    /// Which lane is next after one in which it was served for a while: of those in which it waits, the one in which it
    /// was served least. And whether its place is to be kept: the other one goes on as long as it was served for less,
    /// if it has more to do.
    fn next(&mut self, own: usize, took: Duration) -> Option<(usize, bool)> {
        *self.served(own) += took;
        let denied = self.denied;
        let waiting = self.served.iter().enumerate().filter(|(lane, _)| denied & (1 << lane) != 0);
        let (next, served) = waiting.min_by_key(|(_, served)| **served)?;
        let is_kept = *served <= self.served[own];
        self.now = self.now.max((*served).min(self.served[own]));
        Some((next, is_kept))
    }
}

/// The part of a lane in it.
pub(super) struct Membership {
    limit: Arc<TenantLimit>,
    lane: Option<usize>,
}

impl Membership {
    fn judge(&self, tenant: Tenant, enters: bool) -> bool {
        let Some(own) = self.lane.filter(|_| tenant != Tenant::SERVICE) else { return true };
        let now = Instant::now();
        let state = &mut *self.limit.state();
        let has_room = state.is_alone(tenant, now, self.limit.here)
            || state.present.get(&tenant).is_none_or(|present| present.has_room(own, self.limit.most, now));
        if has_room && !enters {
            return true;
        }
        if state.present.len() > FEW {
            state.present.retain(|_, present| !present.in_flight.is_empty());
        }
        let present = state.present.entry(tenant).or_default();
        let bit = 1 << own;
        if has_room {
            present.in_flight.push(now);
            present.denied &= !bit;
            present.kept_for = present.kept_for.filter(|(lane, _)| *lane != own);
        } else {
            if present.denied & bit == 0 {
                present.begin(own);
            }
            present.denied |= bit;
        }
        has_room
    }

    /// Notes that a tenant is here.
    pub(super) fn note(&self, tenant: Tenant, now: Instant) {
        if tenant == Tenant::SERVICE {
            return;
        }
        let mut state = self.limit.state();
        if state.last.is_some_and(|(last, _)| last != tenant) {
            state.last_other = state.last;
        }
        state.last = Some((tenant, now));
    }

    /// A thread is done with a tenant, after a while. The next of the lanes in which the tenant waits is told, so that
    /// its lanes take turns. The calling thread must not hold a lock that a lane takes when it is told.
    pub(super) fn leave(&self, tenant: Tenant, took: Duration) {
        if let Some(wake) = self.lane_to_wake(tenant, took) {
            wake();
        }
    }

    fn lane_to_wake(&self, tenant: Tenant, took: Duration) -> Option<Wake> {
        let own = self.lane?;
        let state = &mut *self.limit.state();
        let present = state.present.get_mut(&tenant)?;
        let now = Instant::now();
        present.leave(now.checked_sub(took));
        let next = present.next(own, took);
        if let Some((lane, is_kept)) = next {
            present.denied &= !(1 << lane);
            present.kept_for = is_kept.then(|| (lane, now + self.limit.kept));
        } else if present.in_flight.is_empty() && present.denied == 0 {
            state.present.remove(&tenant);
        }
        next.map(|(lane, _)| Arc::clone(&state.lanes[lane]))
    }
}

impl Admission for Membership {
    fn admits(&self, tenant: Tenant) -> bool {
        self.judge(tenant, false)
    }

    fn enter(&self, tenant: Tenant) -> bool {
        self.judge(tenant, true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tenants;
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    fn joined(limit: &Arc<TenantLimit>) -> Membership {
        limit.join(|| ())
    }

    #[test]
    fn a_tenant_that_is_alone_has_all_and_one_of_several_has_a_part() {
        let limit = TenantLimit::new(2, LONG, LONG);
        let lanes = [(); 2].map(|()| joined(&limit));
        let [flooding, other, _] = tenants();
        let now = Instant::now();
        lanes[0].note(flooding, now);
        for _ in 0..5 {
            assert!(lanes[0].enter(flooding), "no other tenant is here");
        }
        lanes[1].note(other, now);
        assert!(!lanes[0].admits(flooding) && !lanes[1].enter(flooding));
        assert!(lanes[0].enter(other) && lanes[1].enter(other));
        assert!(!lanes[0].enter(other), "it has its part, too");
        for _ in 0..4 {
            assert!(!lanes[1].admits(flooding));
            lanes[0].leave(flooding, Duration::ZERO);
        }
        assert!(lanes[1].admits(flooding), "it has one of two");
    }

    #[test]
    fn a_tenant_that_asks_no_more_is_soon_gone() {
        let limit = TenantLimit::new(1, Duration::from_secs(1), LONG);
        let lane = joined(&limit);
        let [flooding, other, third] = tenants();
        let now = Instant::now();
        let long_ago = now.checked_sub(Duration::from_secs(2)).unwrap();
        lane.note(other, long_ago);
        lane.note(flooding, now);
        assert!(lane.enter(flooding) && lane.enter(flooding));
        lane.note(third, now);
        lane.note(flooding, now);
        assert!(!lane.enter(flooding));
    }

    #[test]
    fn the_service_itself_is_never_limited_nor_counts_as_another() {
        let limit = TenantLimit::new(1, LONG, LONG);
        let lane = joined(&limit);
        let [tenant, other, _] = tenants();
        let now = Instant::now();
        lane.note(tenant, now);
        lane.note(Tenant::SERVICE, now);
        assert!(lane.enter(tenant) && lane.enter(tenant));
        lane.note(other, now);
        assert!((0..9).all(|_| lane.enter(Tenant::SERVICE)));
    }

    #[test]
    fn a_place_that_is_free_is_kept_for_the_lane_that_waited() {
        let limit = TenantLimit::new(1, LONG, LONG);
        let lanes = [(); 3].map(|()| joined(&limit));
        let [tenant, other, _] = tenants();
        lanes[0].note(other, Instant::now());
        lanes[0].note(tenant, Instant::now());
        assert!(lanes[0].enter(tenant));
        assert!(!lanes[2].enter(tenant));
        lanes[0].leave(tenant, Duration::ZERO);
        let kept = limit.state().present[&tenant].kept_for.map(|(lane, _)| lane);
        assert_eq!(kept, Some(2));
        assert!(lanes[2].enter(tenant));
    }

    /// Many short questions in one lane take as long as a long one in another.
    #[test]
    fn lanes_of_a_tenant_are_served_for_as_long_as_each_other() {
        let limit = TenantLimit::new(1, LONG, LONG);
        let lanes = [(); 2].map(|()| joined(&limit));
        let took = [Duration::from_millis(100), Duration::from_millis(3)];
        let [tenant, other, _] = tenants();
        lanes[0].note(other, Instant::now());
        lanes[0].note(tenant, Instant::now());
        let mut served = [0, 0];
        for _ in 0..700 {
            // Both have something to do all the time; the lane that was served last is quicker.
            let place = (0..2).rev().find(|lane| lanes[*lane].enter(tenant)).expect("a place is free");
            assert!(!lanes[1 - place].admits(tenant));
            lanes[place].leave(tenant, took[place]);
            served[place] += 1;
        }
        assert!((18..=22).contains(&served[0]), "{served:?}");
    }

    #[test]
    fn what_takes_very_long_keeps_nothing_else_waiting() {
        let limit = TenantLimit::new(1, LONG, LONG);
        let lanes = [(); 2].map(|()| joined(&limit));
        let [tenant, other, _] = tenants();
        lanes[0].note(other, Instant::now());
        lanes[0].note(tenant, Instant::now());
        assert!(lanes[0].enter(tenant));
        assert!(!lanes[1].admits(tenant));
        limit.state().present.get_mut(&tenant).unwrap().in_flight[0] -= 2 * COUNTS_FOR;
        assert!(lanes[1].enter(tenant));
        lanes[1].leave(tenant, Duration::ZERO);
        assert!(lanes[1].enter(tenant), "the one that is left does not count");
        lanes[0].leave(tenant, 2 * COUNTS_FOR);
        assert!(!lanes[0].admits(tenant), "the one that is left counts");
    }

    #[test]
    fn of_tenants_that_have_gone_nothing_is_known() {
        let limit = TenantLimit::new(1, LONG, LONG);
        let lane = joined(&limit);
        for number in 1..1_000 {
            let tenant = Tenant(number);
            lane.note(tenant, Instant::now());
            assert!(lane.enter(tenant));
            lane.leave(tenant, Duration::ZERO);
        }
        assert!(limit.state().present.is_empty());
    }
}
