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

use super::share::{Debt, Rate, TenantShare};
use super::tenant::Tenant;
use super::turns::{Admission, Served};

/// How long a tenant counts as one that is here, after it asked.
const HERE: Duration = Duration::from_secs(1);
/// For how long a place is kept for a lane that was told of it. It may have nothing to do any more.
const KEPT: Duration = Duration::from_millis(20);

/// A thread that has been at it for longer does not count: it may wait for a lock that another transaction holds in the
/// database, and what else the tenant asks for does not wait with it.
const COUNTS_FOR: Duration = Duration::from_secs(1);
/// For how long a tenant that asked for several things at a time counts as one that does.
const CROWDED: Duration = Duration::from_secs(1);
/// With so many tenants it is looked which of them are not answered any more.
const FEW: usize = 64;

/// Has a lane look again.
type Wake = Arc<dyn Fn() + Send + Sync>;

/// Shared by the lanes of a service.
pub(crate) struct TenantLimit {
    /// How many threads a tenant has while there are others.
    most: usize,
    /// How much of the time it has them then, if that is limited.
    share: Option<(TenantShare, Rate)>,
    here: Duration,
    kept: Duration,
    crowded: Duration,
    state: Mutex<State>,
}

struct State {
    /// Those who asked.
    asked: LastTwo,
    /// Those who asked for one thing after the other: they would notice if somebody else has much.
    asked_quietly: LastTwo,
    /// The tenants that are answered, or wait for that though a thread is free, or owe something.
    present: HashMap<Tenant, Present>,
    /// From how many of them on it is looked which are not answered any more.
    many: usize,
    lanes: Vec<Wake>,
}

/// The tenant that came last, and the one that came last of all others.
#[derive(Default)]
struct LastTwo {
    last: Option<(Tenant, Instant)>,
    other: Option<(Tenant, Instant)>,
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
    /// How many questions of it have no answer yet, where that matters.
    open: u32,
    /// Until when it counts as one that asks for several things at once.
    crowd_until: Option<Instant>,
    debt: Debt,
}

impl TenantLimit {
    /// Leaves half of the processors to others.
    pub(crate) fn of_this_machine(share: Option<TenantShare>) -> Arc<Self> {
        let processors = available_parallelism().map_or(1, usize::from);
        Self::with_share((processors / 2).max(1), share, [HERE, KEPT, CROWDED])
    }

    #[cfg(test)]
    pub(super) fn new(most: usize, here: Duration, kept: Duration) -> Arc<Self> {
        Self::with_share(most, None, [here, kept, CROWDED])
    }

    fn with_share(most: usize, share: Option<TenantShare>, [here, kept, crowded]: [Duration; 3]) -> Arc<Self> {
        let share = share.filter(|share| share.percent.get() < 100).map(|share| (share, Rate::new(share, most)));
        let state = State {
            asked: LastTwo::default(),
            asked_quietly: LastTwo::default(),
            present: HashMap::new(),
            many: FEW,
            lanes: Vec::new(),
        };
        Arc::new(Self { most, share, here, kept, crowded, state: Mutex::new(state) })
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
    /// Until when a tenant is not answered, for the sake of others, as it was answered much.
    fn pause_of(&self, tenant: Tenant, limit: &TenantLimit, now: Instant) -> Option<Instant> {
        let (_, rate) = limit.share?;
        let until = self.present.get(&tenant)?.debt.pauses_until(rate, now);
        until.filter(|_| self.asked_quietly.has_others(tenant, now, limit.here))
    }
}

impl LastTwo {
    fn note(&mut self, tenant: Tenant, now: Instant) {
        if self.last.is_some_and(|(last, _)| last != tenant) {
            self.other = self.last;
        }
        self.last = Some((tenant, now));
    }

    /// Whether anybody else came a short while ago.
    fn has_others(&self, tenant: Tenant, now: Instant, here: Duration) -> bool {
        let other = if self.last.is_some_and(|(last, _)| last == tenant) { self.other } else { self.last };
        other.is_some_and(|(_, asked)| now.saturating_duration_since(asked) < here)
    }
}

impl Present {
    /// Whether something has to be known of it.
    fn is_needed(&self, now: Instant) -> bool {
        self.open > 0 || !self.in_flight.is_empty() || !self.debt.is_even(now) || self.is_crowd(now)
    }

    /// Whether nothing waits either.
    fn is_over(&self, now: Instant) -> bool {
        self.denied == 0 && !self.is_needed(now)
    }

    /// Whether a lane may have a thread more answer it.
    fn has_room(&self, own: usize, most: usize, now: Instant) -> bool {
        let counts = |since: &&Instant| now.saturating_duration_since(**since) < COUNTS_FOR;
        self.in_flight.iter().filter(counts).count() < most && !self.is_others_turn(own, now)
    }

    /// Whether its place is kept for another lane.
    fn is_others_turn(&self, own: usize, now: Instant) -> bool {
        self.kept_for.is_some_and(|(lane, until)| lane != own && now < until)
    }

    /// Whether it asks for several things at once.
    fn is_crowd(&self, now: Instant) -> bool {
        self.crowd_until.is_some_and(|until| now < until)
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

/// A question of a tenant that has no answer yet.
pub(super) struct Open {
    limit: Arc<TenantLimit>,
    tenant: Tenant,
}

impl Drop for Open {
    fn drop(&mut self) {
        let state = &mut *self.limit.state();
        let now = Instant::now();
        if let Some(present) = state.present.get_mut(&self.tenant) {
            // It may have waited for longer than a crowd is remembered.
            if present.open > 1 {
                present.crowd_until = Some(now + self.limit.crowded);
            }
            present.open = present.open.saturating_sub(1);
            if present.is_over(now) {
                state.present.remove(&self.tenant);
            }
        }
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
        let has_room = !state.asked.has_others(tenant, now, self.limit.here)
            || state.present.get(&tenant).is_none_or(|present| present.has_room(own, self.limit.most, now))
                && state.pause_of(tenant, &self.limit, now).is_none();
        if has_room && !enters {
            return true;
        }
        if state.present.len() > state.many {
            state.present.retain(|_, present| present.is_needed(now));
            state.many = FEW.max(2 * state.present.len());
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

    /// Notes that a tenant is here, and asks. What is returned is to be dropped before it gets the answer.
    pub(super) fn note(&self, tenant: Tenant, now: Instant) -> Option<Open> {
        if tenant == Tenant::SERVICE {
            return None;
        }
        let state = &mut *self.limit.state();
        state.asked.note(tenant, now);
        self.limit.share?;
        let Some(_) = self.lane else {
            if !state.present.get(&tenant).is_some_and(|present| present.is_crowd(now)) {
                state.asked_quietly.note(tenant, now);
            }
            return None;
        };
        let present = state.present.entry(tenant).or_default();
        if present.open > 0 {
            present.crowd_until = Some(now + self.limit.crowded);
        } else if !present.is_crowd(now) {
            state.asked_quietly.note(tenant, now);
        }
        present.open += 1;
        Some(Open { limit: Arc::clone(&self.limit), tenant })
    }

    /// For how long the calling thread was busy so far, if that matters.
    pub(super) fn busy_time(&self) -> Duration {
        let share = self.limit.share.filter(|_| self.lane.is_some());
        share.map_or(Duration::ZERO, |(share, _)| (share.busy_time)())
    }

    /// A thread is done with a tenant. The next of the lanes in which the tenant waits is told, so that its lanes take
    /// turns. The calling thread must not hold a lock that a lane takes when it is told. Returns how much longer the
    /// tenant is to pause for it.
    pub(super) fn leave(&self, served: &Served) -> Duration {
        let pause = self.charge(served);
        if let Some(wake) = self.lane_to_wake(served) {
            wake();
        }
        pause
    }

    /// Who asks for one thing after the other is never held up: only a crowd is, for their sake.
    fn charge(&self, served: &Served) -> Duration {
        let Some((_, rate)) = self.limit.share.filter(|_| self.lane.is_some()) else { return Duration::ZERO };
        let state = &mut *self.limit.state();
        let now = Instant::now();
        let has_quiet_others = state.asked_quietly.has_others(served.tenant, now, self.limit.here);
        match state.present.get_mut(&served.tenant) {
            Some(present) if has_quiet_others && present.is_crowd(now) => present.debt.add(served, rate, now),
            _ => Duration::ZERO,
        }
    }

    fn lane_to_wake(&self, served: &Served) -> Option<Wake> {
        let own = self.lane?;
        let state = &mut *self.limit.state();
        let now = Instant::now();
        let pause = state.pause_of(served.tenant, &self.limit, now);
        let present = state.present.get_mut(&served.tenant)?;
        present.leave(now.checked_sub(served.took));
        let next = present.next(own, served.took);
        if let Some((lane, is_kept)) = next {
            present.denied &= !(1 << lane);
            present.kept_for = is_kept.then(|| (lane, pause.unwrap_or(now) + self.limit.kept));
            if pause.is_some() {
                // It looks again by itself.
                return None;
            }
        } else if present.is_over(now) {
            state.present.remove(&served.tenant);
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

    fn admits_at(&self, tenant: Tenant) -> Option<Instant> {
        let (own, now) = (self.lane?, Instant::now());
        let state = self.limit.state();
        state.present.get(&tenant).filter(|present| !present.is_others_turn(own, now))?;
        state.pause_of(tenant, &self.limit, now)
    }
}

#[cfg(test)]
mod tests;
