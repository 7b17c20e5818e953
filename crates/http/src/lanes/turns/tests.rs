use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const MILLISECOND: Duration = Duration::from_millis(1);

fn tenant(number: u8) -> Tenant {
    Tenant(u64::from(number))
}

/// No lane has a say but this one.
struct AdmitsAll;

impl Admission for AdmitsAll {
    fn admits(&self, _: Tenant) -> bool {
        true
    }

    fn enter(&self, _: Tenant) -> bool {
        true
    }

    fn admits_at(&self, _: Tenant) -> Option<Instant> {
        None
    }
}

/// Questions are their tenant's number and what they cost in milliseconds.
type Question = (u8, u64);

fn lines(questions: impl IntoIterator<Item = Question>) -> Turns<Question> {
    let mut turns = Turns::new();
    for question in questions {
        turns.push(tenant(question.0), question, usize::MAX).unwrap();
    }
    turns
}

fn take(turns: &mut Turns<Question>, most: usize) -> Taken<Question> {
    turns.take(most, false, &AdmitsAll, |_, _| Fate::Answer)
}

/// Answers one question on the only thread, and gives it.
fn answer_one(turns: &mut Turns<Question>) -> Option<Question> {
    let taken = take(turns, 1);
    let question = *taken.questions.first()?;
    turns.charge(taken.shares, MILLISECOND * u32::try_from(question.1).unwrap());
    Some(question)
}

fn answer_all(turns: &mut Turns<Question>) -> Vec<Question> {
    std::iter::from_fn(|| answer_one(turns)).collect()
}

#[test]
fn tenants_take_turns_and_each_line_stays_in_order() {
    let mut turns = lines([(1, 10), (1, 11), (1, 12), (2, 10), (2, 11), (3, 10)]);
    let served: Vec<u8> = answer_all(&mut turns).into_iter().map(|(tenant, _)| tenant).collect();
    assert_eq!(served[..3], [1, 2, 3]);
    assert_eq!(served.len(), 6);
    let mut turns = lines((0..5).map(|cost| (1, cost)));
    assert!(answer_all(&mut turns).into_iter().map(|(_, cost)| cost).eq(0..5));
    assert!(turns.lines.is_empty(), "of an idle lane nothing has to be known");
}

#[test]
fn a_tenant_that_costs_more_is_served_less_often() {
    let mut turns = lines((0..50).map(|_| (1, 40)).chain((0..50).map(|_| (2, 10))));
    let mut used = BTreeMap::new();
    for _ in 0..40 {
        let (tenant, cost) = answer_one(&mut turns).unwrap();
        *used.entry(tenant).or_insert(0) += cost;
    }
    assert!(used[&1].abs_diff(used[&2]) <= 50, "{used:?}");
}

#[test]
fn what_a_slow_question_took_is_forgotten_in_time() {
    // The slow tenant goes on after others have been served for a quarter of a second, not for a minute.
    let mut turns = lines([(1, 60_000), (1, 1)]);
    answer_one(&mut turns);
    for _ in 0..1_000 {
        turns.push(tenant(2), (2, 10), usize::MAX).unwrap();
    }
    let before = std::iter::from_fn(|| answer_one(&mut turns)).take_while(|(tenant, _)| *tenant != 1).count();
    assert!((20..=27).contains(&before), "{before}");
}

#[test]
fn the_last_free_thread_is_for_a_tenant_that_has_none() {
    let mut turns = lines([(1, 1), (1, 1), (1, 1)]);
    let taken = take(&mut turns, 1);
    assert!(turns.can_take(false, &AdmitsAll) && !turns.can_take(true, &AdmitsAll));
    assert!(turns.take(1, true, &AdmitsAll, |_, _| Fate::Answer).questions.is_empty());
    turns.push(tenant(2), (2, 1), usize::MAX).unwrap();
    assert_eq!(turns.take(1, true, &AdmitsAll, |_, _| Fate::Answer).questions, [(2, 1)]);
    turns.charge(taken.shares, MILLISECOND);
    assert!(turns.can_take(true, &AdmitsAll), "the first tenant has none any more");
}

#[test]
fn a_batch_is_of_all_tenants_and_a_long_line_waits_for_its_end() {
    let mut turns = lines((0..60).map(|_| (1, 1)).chain([(2, 1), (3, 1), (3, 1)]));
    let first = take(&mut turns, 64).questions;
    let of = |number| first.iter().filter(|(tenant, _)| *tenant == number).count();
    assert_eq!((of(2), of(3)), (1, 2));
    assert!((1..=3).contains(&of(1)), "{first:?}");
    let second = take(&mut turns, 40).questions;
    assert_eq!(second.len(), 40, "alone, a tenant has the whole batch");
}

#[test]
fn the_longest_line_loses_its_last_one() {
    let mut turns = lines([(1, 1), (1, 2), (1, 3), (2, 1)]);
    assert_eq!(turns.push(tenant(1), (1, 4), 4), Err((1, 4)), "it is of the longest line itself");
    assert_eq!(turns.push(tenant(3), (3, 1), 4), Err((1, 3)));
    assert_eq!(turns.push(tenant(3), (3, 2), 4), Err((3, 2)), "all lines would be as long then");
    assert_eq!(turns.waiting(), 4);
    let mut answered = answer_all(&mut turns);
    answered.sort_unstable();
    assert_eq!(answered, [(1, 1), (1, 2), (2, 1), (3, 1)]);
}

#[test]
fn what_is_dropped_costs_no_turn() {
    let mut turns = lines([(1, 1), (1, 2), (2, 1)]);
    let taken =
        turns.take(1, false, &AdmitsAll, |question, _| if *question == (1, 1) { Fate::Drop } else { Fate::Answer });
    assert_eq!((taken.dropped, taken.questions), (vec![(1, 1)], vec![(1, 2)]));
    let mut left = Vec::new();
    turns.take(9, false, &AdmitsAll, |_, behind| {
        left.push((behind.all, behind.line, behind.tenants));
        Fate::Drop
    });
    assert_eq!(left, [(0, 0, 1)]);
    assert_eq!((turns.waiting(), turns.tenants()), (0, 0));
}

#[test]
fn tenants_that_come_and_go_are_not_kept() {
    let mut turns = Turns::new();
    turns.push(tenant(0), (0, 1), usize::MAX).unwrap();
    for number in 1..10_000 {
        turns.push(Tenant(number), (1, 1), usize::MAX).unwrap();
        // There is always one that waits, so that the lane is never idle.
        answer_one(&mut turns);
    }
    assert!(turns.lines.len() as u64 <= 2 * LATELY, "{}", turns.lines.len());
}

/// What happens in a lane: a question comes, of that tenant and with that cost, or a thread is free and takes that
/// many.
fn happenings() -> impl Strategy<Value = Vec<(u8, u64, usize)>> {
    proptest::collection::vec((0..6_u8, 1..40_u64, 0..4_usize), 1..200)
}

#[test]
fn those_who_share_an_answer_are_charged_for_one_and_nobody_elses_joins() {
    let mut turns = lines([(1, 5), (1, 6), (2, 5), (1, 5), (1, 7), (1, 5)]);
    let mut taken = take(&mut turns, 1);
    turns.join(&mut taken, |one, other| one.1 == other.1, |_| true);
    assert_eq!(taken.questions, [(1, 5); 3]);
    assert_eq!((turns.waiting(), turns.tenants()), (3, 2));
    turns.charge(taken.shares, 5 * MILLISECOND);
    assert_eq!(answer_all(&mut turns), [(2, 5), (1, 6), (1, 7)]);

    let mut turns = lines([(1, 5), (1, 5)]);
    let mut taken = take(&mut turns, 1);
    turns.join(&mut taken, |_, _| true, |_| false);
    assert_eq!((taken.questions.len(), taken.dropped.len()), (1, 1), "nobody waits for the other one any more");
    assert_eq!((turns.waiting(), turns.tenants()), (0, 0));
}

proptest! {
    /// One that comes anew waits for one turn of each of the others at the most, whatever they cost and however many
    /// they have.
    #[test]
    fn a_newcomer_waits_for_one_turn_of_each_other(happenings in happenings()) {
        let newcomer = 100;
        let mut turns = Turns::new();
        for (number, cost, taken) in happenings {
            turns.push(tenant(number), (number, cost), usize::MAX).unwrap();
            for _ in 0..taken.saturating_sub(2) {
                answer_one(&mut turns);
            }
        }
        turns.push(tenant(newcomer), (newcomer, 1), usize::MAX).unwrap();
        let mut served = BTreeMap::new();
        while let Some((number, _)) = answer_one(&mut turns) {
            if number == newcomer {
                break;
            }
            *served.entry(number).or_insert(0) += 1;
        }
        prop_assert!(served.values().all(|turns| *turns <= 1), "{served:?}");
    }

    /// Between two questions of one tenant, no other is served for longer than what the first of them cost, or what a
    /// tenant can be ahead, and one question of its own.
    #[test]
    fn a_tenant_that_waits_is_served_as_long_as_others(happenings in happenings()) {
        let waiting = 100;
        let mut turns = Turns::new();
        for _ in 0..20 {
            turns.push(tenant(waiting), (waiting, 7), usize::MAX).unwrap();
        }
        let mut served: BTreeMap<u8, u64> = BTreeMap::new();
        for (number, cost, taken) in happenings {
            turns.push(tenant(number), (number, cost), usize::MAX).unwrap();
            for _ in 0..taken {
                match answer_one(&mut turns) {
                    Some((number, _)) if number == waiting => served.clear(),
                    Some((number, cost)) => *served.entry(number).or_default() += cost,
                    None => break,
                }
                if turns.lines.get(&tenant(waiting)).is_none_or(|line| line.waiting.is_empty()) {
                    return Ok(());
                }
                // What another question was likely to cost is charged first, so that it can be ahead by one more.
                prop_assert!(served.values().all(|time| *time <= 7 + 2 * 40), "{served:?}");
            }
        }
    }

    /// Nothing is lost and nothing comes twice, whatever is taken, dropped and displaced.
    #[test]
    fn every_question_has_one_end(happenings in happenings(), most in 1..20_usize) {
        let mut turns = Turns::new();
        let mut ends = vec![0; happenings.len()];
        let mut in_flight = Vec::new();
        for (number, (of, cost, count)) in happenings.into_iter().enumerate() {
            if let Err(displaced) = turns.push(tenant(of), number, most) {
                ends[displaced] += 1;
            }
            prop_assert!(turns.waiting() <= most);
            let mut taken = turns.take(count, cost % 2 == 0, &AdmitsAll, |number, _| if number % 5 == 0 { Fate::Drop } else { Fate::Answer });
            if count == 1 {
                turns.join(&mut taken, |one, other| one % 3 == other % 3, |number| number % 7 > 0);
            }
            for number in taken.questions.into_iter().chain(taken.dropped) {
                ends[number] += 1;
            }
            in_flight.push(taken.shares);
            if cost % 3 == 0 {
                turns.charge(in_flight.remove(0), MILLISECOND);
            }
            let lines = turns.lines.values();
            prop_assert_eq!(turns.waiting(), lines.clone().map(|line| line.waiting.len()).sum::<usize>());
            prop_assert_eq!(turns.tenants(), lines.clone().filter(|line| !line.waiting.is_empty()).count());
            prop_assert!(turns.order.iter().all(|(account, ..)| (turns.now..=turns.now + MOST_AHEAD).contains(account)));
        }
        for shares in in_flight {
            turns.charge(shares, MILLISECOND);
        }
        for number in turns.take(usize::MAX, true, &AdmitsAll, |_, _| Fate::Answer).questions {
            ends[number] += 1;
        }
        while turns.waiting() > 0 {
            for number in turns.take(usize::MAX, false, &AdmitsAll, |_, _| Fate::Answer).questions {
                ends[number] += 1;
            }
        }
        prop_assert!(ends.iter().all(|end| *end == 1), "{ends:?}");
    }
}
