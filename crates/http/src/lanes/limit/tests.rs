use std::num::NonZeroU8;

use super::super::tenants;
use super::*;

const LONG: Duration = Duration::from_hours(1);

fn once(tenant: Tenant, took: Duration) -> Served {
    Served { tenant, questions: 1, took, busy: took }
}

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
        lanes[0].leave(&once(flooding, Duration::ZERO));
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
    lanes[0].leave(&once(tenant, Duration::ZERO));
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
        lanes[place].leave(&once(tenant, took[place]));
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
    lanes[1].leave(&once(tenant, Duration::ZERO));
    assert!(lanes[1].enter(tenant), "the one that is left does not count");
    lanes[0].leave(&once(tenant, 2 * COUNTS_FOR));
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
        lane.leave(&once(tenant, Duration::ZERO));
    }
    assert!(limit.state().present.is_empty());
}

/// Of a tenant that has much to do, where each other one is here all the time.
fn sharing(percent: u8) -> Arc<TenantLimit> {
    let share = TenantShare { percent: NonZeroU8::new(percent).unwrap(), busy_time: || Duration::ZERO };
    TenantLimit::with_share(1, Some(share), [LONG; 3])
}

/// A question that takes a minute of a processor, as far as that counts.
fn answer_one(lane: &Membership, tenant: Tenant) -> Duration {
    assert!(lane.enter(tenant));
    lane.leave(&once(tenant, Duration::from_mins(1)))
}

/// So many of them, one after the other; returns how long the tenant is to pause.
fn answer_some(lane: &Membership, tenant: Tenant, count: usize) -> Duration {
    (0..count).map(|_| answer_one(lane, tenant)).sum()
}

/// After so many the tenant has had its second.
const FOUR: usize = 4;

#[test]
fn who_asks_for_much_at_once_pauses_when_it_had_its_share() {
    let limit = sharing(1);
    let (lane, other_lane) = (joined(&limit), joined(&limit));
    let [crowd, other, _] = tenants();
    let now = Instant::now();
    let _others = lane.note(other, now);
    let _open = [lane.note(crowd, now), other_lane.note(crowd, now)];
    assert_eq!(answer_some(&lane, crowd, FOUR), Duration::ZERO, "for a second there is no pause");
    let pause = answer_one(&lane, crowd);
    // A quarter of a second counts, of which it has a hundredth of the time.
    assert!((Duration::from_secs(10)..=Duration::from_secs(25)).contains(&pause), "{pause:?}");
    assert!(!lane.admits(crowd) && !other_lane.admits(crowd) && !other_lane.enter(crowd));
    assert!(lane.admits(other), "it is the other one's time");
    let until = lane.admits_at(crowd).unwrap();
    assert!(until > now && until <= Instant::now() + pause);
    assert_eq!(lane.admits_at(other), None);
}

#[test]
fn who_asks_for_one_thing_after_the_other_never_pauses() {
    let limit = sharing(1);
    let (lane, other_lane) = (joined(&limit), joined(&limit));
    let [tenant, other, _] = tenants();
    let _others = lane.note(other, Instant::now());
    for _ in 0..3 * FOUR {
        for lane in [&lane, &other_lane] {
            let open = lane.note(tenant, Instant::now());
            assert!(lane.enter(tenant));
            // Before the thread has given it back, the next question may be there.
            drop(open);
            let next = lane.note(tenant, Instant::now());
            assert_eq!(lane.leave(&once(tenant, Duration::from_mins(1))), Duration::ZERO);
            drop(next);
        }
    }
    assert!(lane.admits(tenant));
}

#[test]
fn who_is_alone_never_pauses_and_owes_nothing_when_others_come() {
    let limit = sharing(1);
    let lane = joined(&limit);
    let [crowd, other, _] = tenants();
    let now = Instant::now();
    let _open = [lane.note(crowd, now), lane.note(crowd, now)];
    assert_eq!(answer_some(&lane, crowd, 3 * FOUR), Duration::ZERO);
    let _others = lane.note(other, Instant::now());
    assert!(lane.admits(crowd));
    assert_eq!(answer_some(&lane, crowd, FOUR), Duration::ZERO);
    assert!(answer_one(&lane, crowd) > Duration::ZERO);
}

#[test]
fn among_crowds_nobody_pauses_until_somebody_comes_who_is_none() {
    let limit = sharing(1);
    let lane = joined(&limit);
    let [crowd, other, quiet] = tenants();
    let now = Instant::now();
    // Their first questions came when nobody was known to be a crowd.
    let long_ago = now.checked_sub(LONG).unwrap();
    let _open = [other, crowd].map(|tenant| [lane.note(tenant, long_ago), lane.note(tenant, now)]);
    let pauses = |tenant| answer_some(&lane, tenant, FOUR + 1);
    assert_eq!([pauses(crowd), pauses(other)], [Duration::ZERO; 2]);
    let _quiet = lane.note(quiet, now);
    assert!(pauses(crowd) > Duration::ZERO);
    assert!(pauses(other) > Duration::ZERO);
}

#[test]
fn a_crowd_that_comes_in_waves_is_a_crowd_between_them() {
    let limit = sharing(1);
    let lane = joined(&limit);
    let [crowd, other, _] = tenants();
    let now = Instant::now();
    let long_ago = now.checked_sub(LONG).unwrap();
    drop([crowd, other].map(|tenant| [lane.note(tenant, long_ago), lane.note(tenant, now)]));
    for _ in 0..FOUR {
        for tenant in [crowd, other] {
            let wave = [lane.note(tenant, now), lane.note(tenant, now)];
            assert_eq!(answer_some(&lane, tenant, 2), Duration::ZERO);
            drop(wave);
        }
    }
}

#[test]
fn all_of_the_time_is_without_pauses_and_nothing_is_kept() {
    let limit = sharing(100);
    let lane = joined(&limit);
    let [crowd, other, _] = tenants();
    let now = Instant::now();
    assert!([other, crowd, crowd].iter().all(|tenant| lane.note(*tenant, now).is_none()));
    assert_eq!(answer_some(&lane, crowd, 3 * FOUR), Duration::ZERO);
    assert!(limit.state().present.is_empty());
}

#[test]
fn who_has_gone_is_forgotten_unless_it_owes_something() {
    let limit = sharing(1);
    let lane = joined(&limit);
    let [crowd, other, _] = tenants();
    let now = Instant::now();
    let others = lane.note(other, now);
    let open = [lane.note(crowd, now), lane.note(crowd, now)];
    assert!(lane.enter(other));
    lane.leave(&once(other, Duration::ZERO));
    answer_some(&lane, crowd, FOUR + 1);
    drop((others, open));
    assert_eq!(limit.state().present.keys().collect::<Vec<_>>(), [&crowd]);
}
