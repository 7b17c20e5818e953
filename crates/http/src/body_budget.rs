//! How much memory the bodies of requests may take, all together.
//!
//! Bytes are reserved before they are received, and the reservation is held until the request is dealt with: what
//! becomes of a body is a small multiple of it, so this bounds the memory of all. Two kinds of bodies have a share of
//! their own, so that many large ones never keep a small one waiting. Of each share a tenant has one half at the most,
//! so that no tenant can take all of it, and waiting for more has an end.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::lanes::Tenant;
use crate::metrics::BodyMetrics;

/// The most bytes of a body that is small. Nearly all are.
pub(crate) const SMALL_BODY: usize = 64 * 1024;
/// How many bytes of small bodies there are at a time.
const SMALL_SHARE: u32 = 8 * 1024 * 1024;
/// The same of large ones: four of the largest.
const LARGE_SHARE: u32 = 16 * 1024 * 1024;
/// How long a body waits for room.
const LONGEST_WAIT: Duration = Duration::from_secs(4);

/// From so many tenants on, tenants that have nothing reserved are forgotten.
const TENANTS_WORTH_A_LOOK: usize = 64;

/// The bytes that there are.
pub(crate) struct BodyBudget {
    small: Share,
    large: Share,
    metrics: BodyMetrics,
}

/// Bytes that are reserved, until it is dropped.
pub(crate) struct Reservation {
    bytes: u32,
    of_tenant: OwnedSemaphorePermit,
    of_all: OwnedSemaphorePermit,
    metrics: BodyMetrics,
}

/// What became of a body, with the memory that is reserved for it: it goes wherever this goes, and is free when the
/// request is dealt with, whether or not a client still waits for it.
pub(crate) struct Held<T> {
    content: T,
    reservation: Option<Reservation>,
}

impl<T> Held<T> {
    pub(crate) fn new(content: T, reservation: Option<Reservation>) -> Self {
        Self { content, reservation }
    }

    /// Apart. The reservation is to be kept as long as the content.
    pub(crate) fn into_parts(self) -> (T, impl Send + use<T>) {
        (self.content, self.reservation)
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.content
    }
}

/// There was no room in time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

impl BodyBudget {
    pub(crate) fn new(metrics: BodyMetrics) -> Self {
        Self { small: Share::of(SMALL_SHARE), large: Share::of(LARGE_SHARE), metrics }
    }

    /// Reserves so many bytes for a body of this tenant, and waits for them for a while.
    pub(crate) async fn reserve(&self, tenant: Tenant, bytes: usize) -> Result<Reservation, NoRoom> {
        let share = if bytes <= SMALL_BODY { &self.small } else { &self.large };
        let bytes = u32::try_from(bytes).map_err(|_| NoRoom)?;
        let reserved = tokio::time::timeout(LONGEST_WAIT, share.reserve(tenant, bytes)).await;
        let Ok(Some((of_tenant, of_all))) = reserved else {
            self.metrics.refused.inc();
            return Err(NoRoom);
        };
        self.metrics.bytes.add(i64::from(bytes));
        Ok(Reservation { bytes, of_tenant, of_all, metrics: self.metrics.clone() })
    }
}

impl Reservation {
    /// How many bytes there are.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes as usize
    }

    /// Gives back what is not needed.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes().saturating_sub(bytes);
        drop(self.of_tenant.split(surplus));
        drop(self.of_all.split(surplus));
        let surplus = u32::try_from(surplus).unwrap_or_default();
        self.bytes -= surplus;
        self.metrics.bytes.sub(i64::from(surplus));
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.metrics.bytes.sub(i64::from(self.bytes));
    }
}

/// The bytes of one kind of bodies.
struct Share {
    all: Arc<Semaphore>,
    /// How many of them one tenant may have.
    most: usize,
    /// For each tenant that has bytes reserved, what it may still have.
    tenants: Mutex<HashMap<Tenant, Weak<Semaphore>>>,
}

impl Share {
    fn of(bytes: u32) -> Self {
        let bytes = bytes as usize;
        Self { all: Arc::new(Semaphore::new(bytes)), most: bytes / 2, tenants: Mutex::default() }
    }

    /// First from what the tenant may have: a tenant that has enough already does not stand before others.
    async fn reserve(&self, tenant: Tenant, bytes: u32) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let of_tenant = self.semaphore_of(tenant).acquire_many_owned(bytes).await.ok()?;
        let of_all = Arc::clone(&self.all).acquire_many_owned(bytes).await.ok()?;
        Some((of_tenant, of_all))
    }

    fn semaphore_of(&self, tenant: Tenant) -> Arc<Semaphore> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(semaphore) = tenants.get(&tenant).and_then(Weak::upgrade) {
            return semaphore;
        }
        if tenants.len() >= TENANTS_WORTH_A_LOOK && tenants.len() == tenants.capacity() {
            tenants.retain(|_, semaphore| semaphore.strong_count() > 0);
        }
        let semaphore = Arc::new(Semaphore::new(self.most));
        tenants.insert(tenant, Arc::downgrade(&semaphore));
        semaphore
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prediction_domain::model::{Caller, Scope};

    use crate::metrics::Metrics;

    use super::*;

    fn tenant(subject: &str) -> Tenant {
        Tenant::of(&Caller { subject: subject.to_owned(), permissions: BTreeSet::new(), scope: Scope::Platform })
    }

    fn budget() -> (Metrics, BodyBudget) {
        let metrics = Metrics::new();
        let budget = BodyBudget::new(metrics.bodies());
        (metrics, budget)
    }

    const LARGEST: usize = 4 * 1024 * 1024;

    #[tokio::test(start_paused = true)]
    async fn one_tenant_has_half_of_it_and_others_do_not_wait() {
        let (_metrics, budget) = budget();
        let (one, other) = (tenant("one"), tenant("other"));
        let held = [budget.reserve(one, LARGEST).await.unwrap(), budget.reserve(one, LARGEST).await.unwrap()];
        assert!(budget.reserve(one, LARGEST).await.is_err(), "half of it is four times as much");
        let began = tokio::time::Instant::now();
        let theirs = budget.reserve(other, LARGEST).await.unwrap();
        assert!(budget.reserve(one, SMALL_BODY).await.is_ok(), "small bodies have a share of their own");
        assert_eq!(began.elapsed(), Duration::ZERO);
        drop((held, theirs));
        assert!(budget.reserve(one, LARGEST).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_has_an_end() {
        let (_metrics, budget) = budget();
        let mut held = Vec::new();
        for subject in ["one", "one", "two", "two"] {
            held.push(budget.reserve(tenant(subject), LARGEST).await.unwrap());
        }
        let began = tokio::time::Instant::now();
        assert!(budget.reserve(tenant("three"), LARGEST).await.is_err());
        assert_eq!(began.elapsed(), LONGEST_WAIT);
        held.pop();
        assert!(budget.reserve(tenant("three"), LARGEST).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_not_needed_is_given_back_and_counted() {
        let (metrics, budget) = budget();
        let mut held = budget.reserve(tenant("one"), 1_000_000).await.unwrap();
        assert_eq!(metrics.bodies().bytes.get(), 1_000_000);
        held.shrink_to(70_000);
        assert_eq!((held.bytes(), metrics.bodies().bytes.get()), (70_000, 70_000));
        assert_eq!(budget.large.all.available_permits(), LARGE_SHARE as usize - 70_000);
        drop(held);
        assert_eq!(metrics.bodies().bytes.get(), 0);
        assert_eq!(budget.large.all.available_permits(), LARGE_SHARE as usize);
    }

    #[tokio::test]
    async fn tenants_without_anything_are_forgotten() {
        let (_metrics, budget) = budget();
        for number in 0..10_000 {
            drop(budget.reserve(tenant(&number.to_string()), 1).await.unwrap());
        }
        assert!(budget.small.tenants.lock().unwrap().len() < 1_000);
    }
}
