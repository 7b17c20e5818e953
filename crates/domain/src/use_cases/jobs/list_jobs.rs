//! Lists of jobs: in creation order, or the worst first.

use std::cell::Cell;
use std::collections::{BTreeSet, VecDeque};

use super::blocking::tell_blocking;
use super::expand_jobs::{Expanded, Expansion, expand_jobs};
use super::read_jobs::require_to_read;
use super::sift::sift;
use crate::model::{
    Caller, HealthFilter, HealthStatus, Job, JobWithHealth, MonitoredJob, NamePart, Page, PageRequest, Position, Scope,
    Timestamp, Weight,
};
use crate::ports::{JobFilter, ListedName, ListedNames, StoreFailure};
use crate::use_cases::inputs::unfit::unfit_roles;
use crate::use_cases::{Ports, UseCaseError};

/// Which jobs are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobQuestion {
    /// What a store knows of them, but for their health, which is judged when the question is asked.
    pub filter: JobFilter,
    /// Only jobs of these healths, if there are any.
    pub healths: Option<BTreeSet<HealthStatus>>,
    /// Only jobs with this in their names, without case.
    pub name_part: Option<NamePart>,
    /// Only jobs with inputs bound that do not fit.
    pub unfit: bool,
}

/// A place in a list of jobs in the order of their health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthPosition {
    /// Among the jobs of this health, which are in creation order.
    pub status: HealthStatus,
    /// Behind this one; before all of them, when `None`.
    pub after: Option<Position>,
}

/// How many names are looked at for one page: four thousand took 21 ms among a million jobs on PostgreSQL (p99), and 20
/// is the bound. A part that is in few names is looked for page by page.
const MOST_NAMES: usize = 3_000;
/// How many where the worst come first: each is looked up behind what was judged of its job.
const MOST_NAMES_BY_HEALTH: usize = 1_500;
/// How many at first, and how many times as many then: a part that is in many names is soon found.
const NAMES_AT_FIRST: usize = 500;
const MORE_NAMES: usize = 4;
/// How many jobs are read at once that were found by their names: each may have 200 bindings.
const FOUND_AT_ONCE: usize = 32;

/// Jobs of the caller's scope in creation order, with what is to be shown beside them, which counts for the budget of
/// the page. Where few jobs are wanted of those that are looked at (by a part of their names, or unfit ones), a page
/// may have few or none, and be followed by others.
pub fn list_jobs(
    ports: &Ports,
    caller: &Caller,
    question: &JobQuestion,
    expansion: Expansion,
    page: &PageRequest,
) -> Result<(Page<JobWithHealth>, Expanded), UseCaseError> {
    let reading = Reading::new(ports, caller, question, MOST_NAMES)?;
    reading.expanded(page, expansion, |page| reading.in_creation_order(page))
}

/// The same jobs, the worst first: in the order of [`HealthStatus::WORST_FIRST`], those of a health in creation order.
/// A job whose health changes between two pages may be listed twice, or not at all.
pub fn list_jobs_worst_first(
    ports: &Ports,
    caller: &Caller,
    question: &JobQuestion,
    expansion: Expansion,
    page: &PageRequest<HealthPosition>,
) -> Result<(Page<JobWithHealth, HealthPosition>, Expanded), UseCaseError> {
    let reading = Reading::new(ports, caller, question, MOST_NAMES_BY_HEALTH)?;
    reading.expanded(page, expansion, |page| reading.worst_first(page))
}

/// One page that is read. All of it is judged at one time.
struct Reading<'r> {
    ports: &'r Ports,
    caller: &'r Caller,
    question: &'r JobQuestion,
    now: Timestamp,
    most_names: usize,
    names_left: Cell<usize>,
}

impl<'r> Reading<'r> {
    fn new(
        ports: &'r Ports,
        caller: &'r Caller,
        question: &'r JobQuestion,
        most_names: usize,
    ) -> Result<Self, UseCaseError> {
        require_to_read(caller, &question.filter)?;
        let names_left = Cell::new(most_names);
        Ok(Self { ports, caller, question, now: ports.clock.now(), most_names, names_left })
    }

    fn scope(&self) -> &'r Scope {
        &self.caller.scope
    }

    fn in_creation_order(&self, page: &PageRequest) -> Result<Page<JobWithHealth>, UseCaseError> {
        self.part(self.question.healths.clone(), page)
    }

    fn worst_first(
        &self,
        page: &PageRequest<HealthPosition>,
    ) -> Result<Page<JobWithHealth, HealthPosition>, UseCaseError> {
        let wanted = |status: &HealthStatus| self.question.healths.as_ref().is_none_or(|some| some.contains(status));
        let first = page.after.map(|place| place.status);
        let statuses = HealthStatus::WORST_FIRST.into_iter();
        let statuses = statuses.skip_while(|status| first.is_some_and(|first| first != *status)).filter(wanted);
        let mut items: Vec<JobWithHealth> = Vec::new();
        let mut weight = 0;
        for status in statuses {
            let after = page.after.filter(|place| place.status == status).and_then(|place| place.after);
            let is_full = items.len() == page.limit() || weight >= page.budget();
            let part = page.shorter(if is_full { 1 } else { page.limit() - items.len() }).behind(after);
            let part = part.within(page.budget().saturating_sub(weight));
            if is_full && self.question.name_part.is_none() && !self.question.unfit {
                // Whether anything is behind the page: no caller has to read another one to learn that nothing is.
                if self.part(Some(BTreeSet::from([status])), &part)?.items.is_empty() {
                    continue;
                }
            }
            if is_full || self.names_left.get() == 0 {
                return Ok(Page { items, next: Some(HealthPosition { status, after }) });
            }
            let found = self.part(Some(BTreeSet::from([status])), &part)?;
            weight += found.items.iter().map(|judged| judged.job.weight()).sum::<usize>();
            items.extend(found.items);
            if let Some(next) = found.next {
                return Ok(Page { items, next: Some(HealthPosition { status, after: Some(next) }) });
            }
        }
        Ok(Page { items, next: None })
    }

    /// Jobs of these healths, in creation order.
    fn part(
        &self,
        healths: Option<BTreeSet<HealthStatus>>,
        page: &PageRequest,
    ) -> Result<Page<JobWithHealth>, UseCaseError> {
        let health = healths.map(|statuses| HealthFilter { statuses, at: self.now });
        let filter = JobFilter { health, ..self.question.filter.clone() };
        if !self.question.unfit {
            return Ok(self.judged(&filter, page)?);
        }
        sift(
            page,
            |part| Ok(self.judged(&filter, part)?),
            |found| {
                let jobs: Vec<&Job> = found.iter().map(|judged| &judged.job).collect();
                let roles = unfit_roles(self.ports, &jobs)?;
                let unfit = found.into_iter().zip(roles).filter(|(_, roles)| !roles.is_empty());
                Ok(unfit.map(|(judged, _)| judged).collect())
            },
        )
    }

    fn judged(&self, filter: &JobFilter, page: &PageRequest) -> Result<Page<JobWithHealth>, StoreFailure> {
        let found = match &self.question.name_part {
            None => self.ports.jobs.list(self.scope(), filter, page)?,
            Some(part) => self.named(filter, part, page)?,
        };
        let items = found.items.into_iter().map(|job| job.judged_at(self.now)).collect();
        Ok(Page { items, next: found.next })
    }

    /// Those with this part in their names, among so many jobs that are looked at.
    fn named(
        &self,
        filter: &JobFilter,
        part: &NamePart,
        page: &PageRequest,
    ) -> Result<Page<MonitoredJob>, StoreFailure> {
        let mut walk = NameWalk {
            reading: self,
            filter,
            part: part.key(),
            hits: VecDeque::new(),
            after: page.after,
            at_once: NAMES_AT_FIRST,
            is_over: false,
        };
        let found = Page::filled(page, FOUND_AT_ONCE, |_, wanted| walk.find(wanted))?;
        let behind = walk.after.filter(|_| !walk.is_over);
        Ok(Page { next: found.next.or(behind), ..found })
    }

    /// A page with what is shown beside its jobs.
    fn expanded<Place: Copy>(
        &self,
        page: &PageRequest<Place>,
        expansion: Expansion,
        list: impl Fn(&PageRequest<Place>) -> Result<Page<JobWithHealth, Place>, UseCaseError>,
    ) -> Result<(Page<JobWithHealth, Place>, Expanded), UseCaseError> {
        // Also where no job is listed, so that the answer does not hang on what there is.
        expansion.require(self.caller)?;
        let mut page = *page;
        let mut expanded = Expanded::default();
        loop {
            self.names_left.set(self.most_names);
            let mut found = list(&page)?;
            let fitting = self.expand_within(&found.items, expansion, page.budget(), &mut expanded)?;
            if fitting == found.items.len() {
                tell_blocking(self.ports, &mut found.items, self.now)?;
                return Ok((found, expanded));
            }
            // A shorter page tells where the next one starts. It may hold other jobs by now.
            page = page.shorter(fitting);
        }
    }

    /// Finds what is to be shown beside the first of these jobs, as many as there is room for; one at the least. A
    /// source and a version is shown beside each job that has it. Tells how many these are.
    fn expand_within(
        &self,
        judged: &[JobWithHealth],
        expansion: Expansion,
        budget: usize,
        expanded: &mut Expanded,
    ) -> Result<usize, UseCaseError> {
        let (mut fitting, mut weight) = (0, 0);
        for few in judged.chunks(EXPANDED_AT_ONCE) {
            let unknown: Vec<&Job> =
                few.iter().map(|judged| &judged.job).filter(|job| expanded.lacks(job, expansion)).collect();
            if !unknown.is_empty() {
                expanded.extend(expand_jobs(self.ports, self.caller, unknown, expansion)?);
            }
            for JobWithHealth { job, .. } in few {
                weight += job.weight() + expanded.weight_beside(job);
                if fitting > 0 && weight > budget {
                    return Ok(fitting);
                }
                fitting += 1;
            }
        }
        Ok(fitting)
    }
}

/// For how many jobs at once what is shown beside them is read: a version may be as large as a request.
const EXPANDED_AT_ONCE: usize = 8;

/// Looks through the names of a list for those with a part in them.
struct NameWalk<'w> {
    reading: &'w Reading<'w>,
    filter: &'w JobFilter,
    /// Without case.
    part: String,
    /// What was found, and not taken yet.
    hits: VecDeque<ListedName>,
    /// Up to where names were looked at.
    after: Option<Position>,
    at_once: usize,
    /// Whether there are no others.
    is_over: bool,
}

impl NameWalk<'_> {
    /// The next jobs, with their places: so many, unless there are fewer, or enough was looked at.
    fn find(&mut self, wanted: usize) -> Result<Vec<(MonitoredJob, Position)>, StoreFailure> {
        let mut found = Vec::new();
        while found.len() < wanted {
            if self.hits.is_empty() {
                if self.look_at_more()? {
                    continue;
                }
                break;
            }
            let few = self.hits.len().min(wanted - found.len());
            let few: Vec<ListedName> = self.hits.drain(..few).collect();
            let ids: Vec<_> = few.iter().map(|named| (Scope::of([named.organisation_id]), named.id)).collect();
            let jobs = self.reading.ports.jobs.find_monitored(&ids)?;
            // One may be gone by now.
            found.extend(few.iter().zip(jobs).filter_map(|(named, job)| Some((job?, named.position))));
        }
        Ok(found)
    }

    /// Whether there were any to look at.
    fn look_at_more(&mut self) -> Result<bool, StoreFailure> {
        let left = &self.reading.names_left;
        let most = self.at_once.min(left.get());
        if self.is_over || most == 0 {
            return Ok(false);
        }
        let ListedNames { names, next } =
            self.reading.ports.jobs.names(self.reading.scope(), self.filter, self.after, most)?;
        self.is_over = next.is_none();
        self.after = next.or(self.after);
        self.at_once = self.at_once.saturating_mul(MORE_NAMES);
        // Of several organisations, more are looked at than are given, until there are no others.
        let looked_at = if self.is_over { names.len() } else { names.len().max(most) };
        left.set(left.get().saturating_sub(looked_at));
        self.hits.extend(names.into_iter().filter(|named| named.name.key().contains(&self.part)));
        Ok(true)
    }
}
