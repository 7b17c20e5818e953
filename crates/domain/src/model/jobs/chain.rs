//! Chains: an output of one job that another job of the same organisation has bound as an input.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::model::from_text::words;
use crate::model::id::{JobId, SourceVersionId};
use crate::model::text::RoleName;

words! {
    /// Which way a lineage is followed.
    LineageDirection, "is not a direction":
    /// To what a job rests on.
    Upstream = "upstream";
    /// To what rests on the job.
    Downstream = "downstream";
    /// Both ways.
    Both = "both";
}

/// One job reads an output of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainLink {
    /// The job that reads.
    pub job_id: JobId,
    /// The job whose output it is.
    pub upstream_job_id: JobId,
}

/// The shortest way upstream from one job to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Its jobs, the first and the last included; of a long way only the first and the last ones.
    pub shown: Vec<JobId>,
    /// How many it has.
    pub jobs: usize,
}

/// The shortest way upstream from each of these jobs to another one; `None` where there is none. So many jobs of a way
/// are shown at the most.
#[must_use]
pub fn ways_upstream(
    links: impl IntoIterator<Item = ChainLink>,
    from: &[JobId],
    to: JobId,
    most_shown: usize,
) -> Vec<Option<Way>> {
    // Walked through from its end, once for all.
    let mut downstream: BTreeMap<JobId, BTreeSet<JobId>> = BTreeMap::new();
    for link in links {
        downstream.entry(link.upstream_job_id).or_default().insert(link.job_id);
    }
    // Of each job that was reached, how many there are up to the end, and the next one.
    let mut reached: BTreeMap<JobId, (usize, Option<JobId>)> = BTreeMap::from([(to, (1, None))]);
    let mut queue = VecDeque::from([(to, 1)]);
    while let Some((job, jobs)) = queue.pop_front() {
        for reader in downstream.get(&job).into_iter().flatten() {
            if let Entry::Vacant(place) = reached.entry(*reader) {
                place.insert((jobs + 1, Some(job)));
                queue.push_back((*reader, jobs + 1));
            }
        }
    }
    let way = |start: &JobId| {
        let (jobs, _) = *reached.get(start)?;
        let all = std::iter::successors(Some(*start), |job| reached.get(job).and_then(|(_, next)| *next));
        let first = jobs.min(most_shown.div_ceil(2));
        let skipped = jobs.saturating_sub(most_shown);
        let is_shown = |place: usize| place < first || place >= first + skipped;
        let shown = all.enumerate().filter(|(place, _)| is_shown(*place)).map(|(_, job)| job);
        Some(Way { shown: shown.collect(), jobs })
    };
    from.iter().map(way).collect()
}

/// Jobs of a source that run the same version, have the same input roles bound, and whose outputs of the same roles
/// other jobs have bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobsInUse {
    /// The version that they run.
    pub source_version_id: SourceVersionId,
    /// The input roles that they have bound.
    pub roles: Vec<RoleName>,
    /// The output roles that other jobs read.
    pub outputs: Vec<RoleName>,
    /// How many there are.
    pub jobs: u64,
}

/// Jobs that read outputs of another one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Readers {
    /// How many.
    pub jobs: u64,
    /// The first ones by their ids: at most [`Readers::MAX_NAMED`].
    pub first: Vec<JobId>,
}

impl Readers {
    /// How many are named at the most.
    pub const MAX_NAMED: usize = 10;
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn job(number: u128) -> JobId {
        JobId::from_uuid(Uuid::from_u128(number)).unwrap()
    }

    #[test]
    fn the_shortest_way_is_told() {
        let link = |job_id, upstream_job_id| ChainLink { job_id: job(job_id), upstream_job_id: job(upstream_job_id) };
        // 1 reads 2 and 3, 2 reads 3, 3 reads 4; 5 reads 1. Nothing leads from 6.
        let links = [link(1, 2), link(1, 3), link(2, 3), link(3, 4), link(5, 1)];
        let ways = ways_upstream(links, &[job(5), job(2), job(4), job(6)], job(4), 10);
        let ways: Vec<_> = ways.into_iter().map(|way| way.map(|way| way.shown).unwrap_or_default()).collect();
        assert_eq!(ways, [vec![job(5), job(1), job(3), job(4)], vec![job(2), job(3), job(4)], vec![job(4)], vec![]]);
    }

    #[test]
    fn a_cycle_does_not_keep_the_search_from_ending() {
        let links = (1..=50).map(|number| ChainLink { job_id: job(number), upstream_job_id: job(number % 50 + 1) });
        let all: Vec<ChainLink> = links.collect();
        let way = |most| ways_upstream(all.iter().copied(), &[job(2)], job(1), most).remove(0).unwrap();
        assert_eq!((way(50).jobs, way(50).shown.len()), (50, 50));
        let few = way(5);
        assert_eq!((few.jobs, few.shown), (50, vec![job(2), job(3), job(4), job(50), job(1)]));
        assert_eq!((way(1).shown, way(0).shown), (vec![job(2)], vec![]));
    }
}
