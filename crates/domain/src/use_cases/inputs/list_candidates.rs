use std::collections::BTreeMap;

use crate::model::{
    Caller, Input, InputPosition, InputRole, Job, JobOutput, NamePart, OrganisationId, OutputId, Page, PageRequest,
    Path, Permission, Position, RoleName, RoleNames, Scope, SourceVersionId, Unit, UnitFit, ValueProblem,
    ViolationCode, Violations, Weight,
};
use crate::ports::{InputFilter, JobFilter};
use crate::requests::UnitComparison;
use crate::use_cases::{Ports, UseCaseError, get_source_version};

/// Something that can be bound to a role.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// What.
    pub subject: CandidateSubject,
    /// How sure it is that it fits.
    pub fit: CandidateFit,
    /// Its unit and that of the role, if both are known and not the same.
    pub unit: Option<UnitComparison>,
}

/// What can be bound to a role.
#[derive(Debug, Clone, PartialEq)]
pub enum CandidateSubject {
    /// An input.
    Input(Input),
    /// An output of a job, to a role that takes outputs.
    Output(JobOutput),
}

impl Weight for Candidate {
    fn weight(&self) -> usize {
        match &self.subject {
            CandidateSubject::Input(input) => input.weight(),
            CandidateSubject::Output(output) => output.weight(),
        }
    }
}

/// How sure it is that an input fits a role; the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CandidateFit {
    /// It measures what is needed, in the unit of the role.
    Exact,
    /// It measures what is needed, in a unit that is converted.
    Convertible,
    /// It may: its metric or its unit is not known, or cannot be read.
    Unverified,
}

impl CandidateFit {
    /// Every one there is, in that order.
    pub const ALL: [Self; 3] = [Self::Exact, Self::Convertible, Self::Unverified];
}

/// A place in the list of candidates, among those that fit as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CandidatePosition {
    /// How well they fit.
    pub fit: CandidateFit,
    /// Behind this one; `None`: before the first.
    pub after: Option<CandidatePlace>,
}

/// Behind what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CandidatePlace {
    /// An input.
    Input(InputPosition),
    /// An output, in the part of the list of jobs that begins behind this place. Behind all before that part, where no
    /// output is told, or its job is gone.
    Output {
        /// Behind this place; `None`: at the first.
        part: Option<Position>,
        /// Behind this output of the part.
        id: Option<OutputId>,
    },
}

/// Which candidates are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateQuestion {
    /// Whose inputs.
    pub organisation_id: OrganisationId,
    /// To which role of the version they are to be bound.
    pub role: RoleName,
    /// Only those with this in their name, without case.
    pub name_part: Option<NamePart>,
}

/// How many parts of the directory, or of the list of jobs, are read for one page.
const MOST_PARTS: usize = 20;

/// What an organisation has that can be bound to a role: what is in its unit first, then that whose unit is converted,
/// then that of which not enough is known.
///
/// These are inputs that are registered. To a role that takes outputs, they are the outputs of jobs, and it takes the
/// permission to read jobs, too.
pub fn list_candidates(
    ports: &Ports,
    caller: &Caller,
    id: SourceVersionId,
    question: &CandidateQuestion,
    page: &PageRequest<CandidatePosition>,
) -> Result<Page<Candidate, CandidatePosition>, UseCaseError> {
    caller.require(Permission::InputsRead)?;
    caller.require_organisation(question.organisation_id)?;
    let version = get_source_version(ports, id)?;
    let roles = version.contract.input_roles();
    let names = RoleNames::of(roles.iter().map(|role| &role.role));
    let found = names.find(&question.role).and_then(|name| roles.iter().find(|role| role.role == *name));
    let Some(role) = found else { return Err(unknown_role(&question.role, roles).into()) };
    let takes_outputs = role.input_kind.is_output();
    if takes_outputs {
        caller.require(Permission::JobsRead)?;
    }

    let mut judge = Judge { ports, role, fits: BTreeMap::new() };
    let mut items: Vec<Candidate> = Vec::new();
    let mut weight = 0;
    let mut place = page.after.unwrap_or(CandidatePosition { fit: CandidateFit::Exact, after: None });
    for _ in 0..MOST_PARTS {
        let part = if takes_outputs {
            part_of_outputs(ports, question, place.after)?
        } else {
            part_of_inputs(ports, question, role, place.after)?
        };
        for (subject, behind) in part.subjects {
            if let Some((fit, unit)) = judge.fit(&subject)
                && fit == place.fit
            {
                let candidate = Candidate { subject, fit, unit };
                weight += candidate.weight();
                let is_heavy = !items.is_empty() && weight > page.budget();
                if is_heavy || items.len() == page.limit() {
                    return Ok(Page { items, next: Some(place) });
                }
                items.push(candidate);
            }
            place.after = Some(behind);
        }
        place.after = part.next;
        if part.next.is_none() {
            let Some(fit) = CandidateFit::ALL.into_iter().find(|fit| *fit > place.fit) else {
                return Ok(Page { items, next: None });
            };
            place = CandidatePosition { fit, after: None };
        }
    }
    Ok(Page { items, next: Some(place) })
}

/// Some of what may fit, each with its place.
struct Part {
    subjects: Vec<(CandidateSubject, CandidatePlace)>,
    /// Where the rest begins; `None` if there is none.
    next: Option<CandidatePlace>,
}

fn part_of_inputs(
    ports: &Ports,
    question: &CandidateQuestion,
    role: &InputRole,
    after: Option<CandidatePlace>,
) -> Result<Part, UseCaseError> {
    let filter = InputFilter {
        kind: Some(role.input_kind.clone()),
        name_part: question.name_part.clone(),
        ..InputFilter::default()
    };
    let after = match after {
        Some(CandidatePlace::Input(position)) => Some(position),
        Some(CandidatePlace::Output { .. }) | None => None,
    };
    let part = PageRequest::new(PageRequest::MAX_LIMIT, after).unwrap_or_else(|| unreachable!("a valid limit"));
    let found = ports.inputs.list(&Scope::of([question.organisation_id]), &filter, &part)?;
    let placed = |input: Input| {
        let behind = CandidatePlace::Input(input.position());
        (CandidateSubject::Input(input), behind)
    };
    Ok(Part { subjects: found.items.into_iter().map(placed).collect(), next: found.next.map(CandidatePlace::Input) })
}

fn part_of_outputs(
    ports: &Ports,
    question: &CandidateQuestion,
    after: Option<CandidatePlace>,
) -> Result<Part, UseCaseError> {
    let (begin, id) = match after {
        Some(CandidatePlace::Output { part, id }) => (part, id),
        Some(CandidatePlace::Input(_)) | None => (None, None),
    };
    let filter = JobFilter { organisation_id: Some(question.organisation_id), ..JobFilter::default() };
    let part = PageRequest::new(PageRequest::MAX_LIMIT, begin).unwrap_or_else(|| unreachable!("a valid limit"));
    let Page { items, next } = ports.jobs.list(&Scope::of([question.organisation_id]), &filter, &part)?;
    let of_job = |job: &Job| job.outputs.iter().map(|output| JobOutput::of(job, output)).collect::<Vec<_>>();
    let mut outputs: Vec<JobOutput> = items.into_iter().flat_map(|found| of_job(&found.job)).collect();
    if let Some(place) = outputs.iter().position(|found| Some(found.output.id) == id) {
        outputs.drain(..=place);
    }
    let is_wanted = |found: &JobOutput| question.name_part.as_ref().is_none_or(|part| found.job_name.has(part));
    let placed = |found: JobOutput| {
        let behind = CandidatePlace::Output { part: begin, id: Some(found.output.id) };
        (CandidateSubject::Output(found), behind)
    };
    Ok(Part {
        subjects: outputs.into_iter().filter(is_wanted).map(placed).collect(),
        next: next.map(|next| CandidatePlace::Output { part: Some(next), id: None }),
    })
}

struct Judge<'a> {
    ports: &'a Ports,
    role: &'a InputRole,
    /// Of each unit: there are few, and many inputs.
    fits: BTreeMap<Unit, UnitFit>,
}

impl Judge<'_> {
    /// `None`: it does not fit.
    fn fit(&mut self, subject: &CandidateSubject) -> Option<(CandidateFit, Option<UnitComparison>)> {
        let (metric, unit) = match subject {
            CandidateSubject::Input(input) => (input.metric.as_ref(), input.unit.as_ref()),
            CandidateSubject::Output(found) => (Some(&found.output.metric), found.output.unit.as_ref()),
        };
        if metric.is_some_and(|metric| *metric != self.role.metric) {
            return None;
        }
        let (units, role) = (&self.ports.units, self.role);
        let judged = unit.zip(role.unit.as_ref()).map(|(from, to)| {
            let fit = *self.fits.entry(from.clone()).or_insert_with(|| units.compare(from, to));
            UnitComparison { from: from.clone(), to: to.clone(), fit }
        });
        let fit = match judged.as_ref().map(|judged| judged.fit) {
            Some(UnitFit::Incompatible) => return None,
            _ if metric.is_none() => CandidateFit::Unverified,
            Some(UnitFit::Same) => CandidateFit::Exact,
            Some(UnitFit::Convertible(_)) => CandidateFit::Convertible,
            // A role without a unit takes any.
            None if role.unit.is_none() => CandidateFit::Exact,
            Some(UnitFit::Unverified) | None => CandidateFit::Unverified,
        };
        Some((fit, judged.filter(|judged| judged.fit != UnitFit::Same)))
    }
}

fn unknown_role(role: &RoleName, roles: &[InputRole]) -> Violations {
    let known: Vec<&str> = roles.iter().map(|role| role.role.as_str()).collect();
    let problem = ValueProblem::new(ViolationCode::UnknownRole, "is not an input role of the source version");
    Violations::from(problem.expected(known).actual(role.as_str()).at(Path::of("role")))
}
