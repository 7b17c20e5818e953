//! Whose turn it is: each tenant has a line, and the one that was served least of late is next.
//!
//! This is start-time fair queueing (Goyal, Vin and Cheng, 1996) with measured times in place of lengths. A tenant's
//! account tells how long it was served. A tenant that comes anew begins where the others are, so that it saves nothing
//! up by staying away. Within a line, the question that came first is next. There are no clocks and no threads in here.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::tenant::Tenant;

/// How far a tenant's account can be ahead of the others, in nanoseconds: what it took beyond that is forgotten.
/// Without this bound, one that asked one slow question would wait until each of the others had been served for as
/// long.
const MOST_AHEAD: u64 = 250_000_000;
/// What the first questions are taken to cost.
const FIRST_GUESS: u64 = 1_000_000;
/// A tenant that was not served among so many steps counts as one that comes anew.
const LATELY: u64 = 2_048;
/// So many lines are nothing to tidy up.
const FEW_LINES: usize = 16;

/// A line for each tenant that waits, is being answered, or is ahead of the others.
pub(super) struct Turns<T> {
    lines: HashMap<Tenant, Line<T>>,
    /// The tenants that wait, the next one first. No account in here is behind [`now`](Self::now).
    order: BTreeSet<Key>,
    waiting: usize,
    /// How many threads are answering each of the tenants, summed up.
    in_flight: usize,
    /// What the account of the tenant said that was served last.
    now: u64,
    /// What a question was found to cost last.
    typical: u64,
    /// Counts each tenant that comes and each question that is served.
    steps: u64,
    /// From how many lines on they are tidied up.
    many: usize,
}

/// The account, since when it stands there, and whose it is.
type Key = (u64, u64, Tenant);

struct Line<T> {
    waiting: VecDeque<T>,
    /// How many threads are answering.
    in_flight: usize,
    /// For how long it was served, in nanoseconds.
    account: u64,
    /// When it was served last, or came anew, in steps.
    since: u64,
    /// What the next question is likely to cost: what the last one did.
    likely: u64,
}

impl<T> Line<T> {
    fn key(&self, tenant: Tenant) -> Option<Key> {
        (!self.waiting.is_empty()).then_some((self.account, self.since, tenant))
    }
}

/// What becomes of a question whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is to be answered.
    Answer,
    /// It costs nothing: its caller does not wait any more, or it is refused.
    Drop,
}

/// Which tenants are answered at the moment, as far as a lane alone cannot tell.
pub(super) trait Admission {
    /// Whether there is a place for a tenant.
    fn admits(&self, tenant: Tenant) -> bool;
    /// Takes it, if there is one.
    fn enter(&self, tenant: Tenant) -> bool;
    /// When there will be one for a tenant that is not admitted, if that is known.
    fn admits_at(&self, tenant: Tenant) -> Option<Instant>;
}

/// What waits behind a question whose turn it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Behind {
    /// How many in all lines.
    pub(super) all: usize,
    /// How many in its own.
    pub(super) line: usize,
    /// How many tenants wait, its own included.
    pub(super) tenants: usize,
}

/// Questions that are answered together.
pub(super) struct Taken<T> {
    pub(super) questions: Vec<T>,
    /// The questions that [cost nothing](Fate::Drop).
    pub(super) dropped: Vec<T>,
    pub(super) shares: Shares,
}

/// How a tenant was answered by a thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Served {
    pub(super) tenant: Tenant,
    pub(super) questions: u32,
    /// How long the thread was at it, with other tenants' questions beside maybe.
    pub(super) took: Duration,
    /// For how long of that there was work for a processor for this tenant.
    pub(super) busy: Duration,
}

/// Whose questions are answered together.
#[derive(Debug, Default)]
pub(super) struct Shares(Vec<Share>);

#[derive(Debug)]
struct Share {
    tenant: Tenant,
    questions: u64,
    /// What was put on its account.
    charged: u64,
}

impl Shares {
    fn of(&mut self, tenant: Tenant) -> Option<&mut Share> {
        self.0.iter_mut().find(|share| share.tenant == tenant)
    }

    /// Whose they are.
    pub(super) fn tenants(&self) -> impl Iterator<Item = Tenant> {
        self.0.iter().map(|share| share.tenant)
    }

    /// How many there are.
    fn questions(&self) -> u64 {
        self.0.iter().map(|share| share.questions).sum()
    }

    /// How each of them was answered, if that took so long, and there was work for a processor for so long.
    pub(super) fn served(&self, took: Duration, busy: Duration) -> Vec<Served> {
        let each = busy / u32::try_from(self.questions()).unwrap_or(u32::MAX).max(1);
        let served = |share: &Share| {
            let questions = u32::try_from(share.questions).unwrap_or(u32::MAX);
            Served { tenant: share.tenant, questions, took, busy: each.saturating_mul(questions) }
        };
        self.0.iter().map(served).collect()
    }
}

impl<T> Turns<T> {
    pub(super) fn new() -> Self {
        Self {
            lines: HashMap::new(),
            order: BTreeSet::new(),
            waiting: 0,
            in_flight: 0,
            now: 0,
            typical: FIRST_GUESS,
            steps: 0,
            many: FEW_LINES,
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many tenants wait.
    pub(super) fn tenants(&self) -> usize {
        self.order.len()
    }

    /// Puts a question at the end of its tenant's line. When that many wait already, one of them has to go: the last
    /// one of the longest line, or this one if that line would then not be longer than its own. `Err` is what has to
    /// go.
    pub(super) fn push(&mut self, tenant: Tenant, question: T, most: usize) -> Result<(), T> {
        let mut displaced = None;
        if self.waiting >= most {
            let own = self.lines.get(&tenant).map_or(0, |line| line.waiting.len());
            let longest = self.lines.iter().max_by_key(|(_, line)| line.waiting.len());
            match longest.map(|(other, line)| (*other, line.waiting.len())) {
                Some((other, length)) if length > own + 1 => displaced = self.pop_last(other),
                _ => return Err(question),
            }
        }
        self.steps += 1;
        let line = self.lines.entry(tenant).or_insert_with(|| Line {
            waiting: VecDeque::new(),
            in_flight: 0,
            account: 0,
            since: 0,
            likely: self.typical,
        });
        if line.waiting.is_empty() {
            line.account = line.account.max(self.now);
            line.since = self.steps;
        }
        line.waiting.push_back(question);
        self.order.extend(line.key(tenant));
        self.waiting += 1;
        displaced.map_or(Ok(()), Err)
    }

    fn pop_last(&mut self, tenant: Tenant) -> Option<T> {
        let line = self.lines.get_mut(&tenant)?;
        let key = line.key(tenant)?;
        let last = line.waiting.pop_back();
        self.waiting -= 1;
        if line.waiting.is_empty() {
            self.order.remove(&key);
        }
        last
    }

    /// Whether a thread has anything to do.
    pub(super) fn can_take(&self, is_kept_free: bool, admission: &impl Admission) -> bool {
        self.next(is_kept_free).any(|(.., tenant)| admission.admits(tenant))
    }

    /// When a thread that has nothing to do will have, if that is known.
    pub(super) fn can_take_at(&self, admission: &impl Admission) -> Option<Instant> {
        self.order.iter().filter_map(|(.., tenant)| admission.admits_at(*tenant)).min()
    }

    /// The tenants whose turn it can be, the next one first. A thread that is kept free is for tenants that no other
    /// thread is busy with: so a single tenant never has all of them.
    fn next(&self, is_kept_free: bool) -> impl Iterator<Item = Key> {
        // There are fewer in flight than threads, so only few are passed over.
        self.order.iter().copied().filter(move |(.., tenant)| !is_kept_free || !self.is_in_flight(*tenant))
    }

    /// Whether a thread is busy with that tenant.
    pub(super) fn is_in_flight(&self, tenant: Tenant) -> bool {
        self.lines.get(&tenant).is_some_and(|line| line.in_flight > 0)
    }

    /// Takes so many questions by turns. Once a single tenant is left, what it has more than the others waits for the
    /// next time: a short line does not wait until a long one is answered.
    pub(super) fn take(
        &mut self,
        most: usize,
        is_kept_free: bool,
        admission: &impl Admission,
        mut judge: impl FnMut(&T, Behind) -> Fate,
    ) -> Taken<T> {
        let (mut questions, mut dropped, mut shares) = (Vec::new(), Vec::new(), Shares::default());
        while questions.len() < most {
            let mut next = self.next(is_kept_free).filter(|(.., tenant)| {
                shares.tenants().any(|answered| answered == *tenant) || admission.admits(*tenant)
            });
            let Some(key) = next.next() else { break };
            let is_alone = next.next().is_none();
            drop(next);
            let tenant = key.2;
            if is_alone && shares.0.len() > 1 && shares.of(tenant).is_some() {
                break;
            }
            let tenants = self.order.len();
            // A tenant that is passed over is served next, and must not be behind a newcomer then.
            let now = self.order.first().map_or(key.0, |first| first.0);
            self.order.remove(&key);
            let Some(line) = self.lines.get_mut(&tenant) else { break };
            let Some(question) = line.waiting.pop_front() else { break };
            self.waiting -= 1;
            match judge(&question, Behind { all: self.waiting, line: line.waiting.len(), tenants }) {
                Fate::Drop => dropped.push(question),
                // Another lane was quicker.
                Fate::Answer if shares.of(tenant).is_none() && !admission.enter(tenant) => {
                    line.waiting.push_front(question);
                    self.waiting += 1;
                }
                Fate::Answer => {
                    self.steps += 1;
                    self.now = now;
                    let charged = line.likely.min((now + MOST_AHEAD).saturating_sub(line.account));
                    line.account += charged;
                    line.since = self.steps;
                    match shares.of(tenant) {
                        Some(share) => {
                            share.questions += 1;
                            share.charged += charged;
                        }
                        None => shares.0.push(Share { tenant, questions: 1, charged }),
                    }
                    questions.push(question);
                }
            }
            self.order.extend(line.key(tenant));
        }
        for share in &shares.0 {
            if let Some(line) = self.lines.get_mut(&share.tenant) {
                line.in_flight += 1;
                self.in_flight += 1;
            }
        }
        self.tidy_up();
        Taken { questions, dropped, shares }
    }

    /// Takes, with a question that was taken alone, those of its tenant that wait for the same, as far as they are of
    /// use. They pass those in front of them, who lose nothing by it: they cost nothing, so nothing is charged.
    pub(super) fn join(
        &mut self,
        taken: &mut Taken<T>,
        is_same: impl Fn(&T, &T) -> bool,
        is_of_use: impl Fn(&T) -> bool,
    ) {
        let (Some(tenant), Some(asked)) = (taken.shares.tenants().next(), taken.questions.pop()) else { return };
        if let Some(line) = self.lines.get_mut(&tenant)
            && let Some(key) = line.key(tenant)
        {
            let before = line.waiting.len();
            let mut place = 0;
            while let Some(other) = line.waiting.get(place) {
                if !is_same(&asked, other) {
                    place += 1;
                } else if let Some(other) = line.waiting.remove(place) {
                    let of_use = is_of_use(&other);
                    if of_use { &mut taken.questions } else { &mut taken.dropped }.push(other);
                }
            }
            self.waiting -= before - line.waiting.len();
            if line.waiting.is_empty() {
                self.order.remove(&key);
            }
        }
        taken.questions.insert(0, asked);
    }

    /// Charges what answering took, in place of what it was likely to take.
    pub(super) fn charge(&mut self, shares: Shares, took: Duration) {
        let questions = shares.questions();
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // What costs nothing could be served for ever.
        let each = (took / questions.max(1)).clamp(1, MOST_AHEAD);
        self.typical = each;
        for Share { tenant, questions, charged } in shares.0 {
            let Some(line) = self.lines.get_mut(&tenant) else { continue };
            let key = line.key(tenant);
            line.in_flight -= 1;
            self.in_flight -= 1;
            line.likely = each;
            let account = line.account.saturating_sub(charged).saturating_add(each.saturating_mul(questions));
            // A tenant that was charged too much does not catch up with tenants that came meanwhile.
            line.account = account.clamp(self.now, self.now + MOST_AHEAD);
            if let Some(key) = key {
                self.order.remove(&key);
                self.order.extend(line.key(tenant));
            }
        }
        self.tidy_up();
    }

    /// Forgets the tenants of which nothing has to be known.
    fn tidy_up(&mut self) {
        if self.waiting == 0 && self.in_flight == 0 {
            self.lines.clear();
        } else if self.lines.len() > self.many {
            let (now, lately) = (self.now, self.steps.saturating_sub(LATELY));
            self.lines.retain(|_, line| {
                line.in_flight > 0 || !line.waiting.is_empty() || (line.account > now && line.since > lately)
            });
            self.many = FEW_LINES.max(2 * self.lines.len());
        }
    }
}

#[cfg(test)]
mod tests;
