use std::collections::BTreeMap;

use crate::model::{
    Caller, Input, InputPosition, InputRole, NamePart, OrganisationId, Page, PageRequest, Path, Permission, RoleName,
    RoleNames, Scope, SourceVersionId, Unit, UnitFit, ValueProblem, ViolationCode, Violations, Weight,
};
use crate::ports::InputFilter;
use crate::requests::UnitComparison;
use crate::use_cases::{Ports, UseCaseError, get_source_version};

/// An input that can be bound to a role.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The input.
    pub input: Input,
    /// How sure it is that it fits.
    pub fit: CandidateFit,
    /// Its unit and that of the role, if both are known and not the same.
    pub unit: Option<UnitComparison>,
}

impl Weight for Candidate {
    fn weight(&self) -> usize {
        self.input.weight()
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

/// A place in the list of candidates: behind an input, among those that fit as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CandidatePosition {
    /// How well they fit.
    pub fit: CandidateFit,
    /// Behind this one; `None`: before the first.
    pub after: Option<InputPosition>,
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

/// How many parts of the directory are read for one page.
const MOST_PARTS: usize = 20;

/// The inputs of an organisation that can be bound to a role: those in its unit first, then those whose unit is
/// converted, then those of which not enough is known.
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

    let mut judge = Judge { ports, role, fits: BTreeMap::new() };
    let scope = Scope::of([question.organisation_id]);
    let filter = InputFilter {
        kind: Some(role.input_kind.clone()),
        name_part: question.name_part.clone(),
        ..InputFilter::default()
    };
    let mut items: Vec<Candidate> = Vec::new();
    let mut weight = 0;
    let mut place = page.after.unwrap_or(CandidatePosition { fit: CandidateFit::Exact, after: None });
    for _ in 0..MOST_PARTS {
        let part = PageRequest::new(PageRequest::MAX_LIMIT, place.after);
        let part = part.unwrap_or_else(|| unreachable!("a valid limit"));
        let found = ports.inputs.list(&scope, &filter, &part)?;
        for input in found.items {
            let position = input.position();
            if let Some((fit, unit)) = judge.fit(&input)
                && fit == place.fit
            {
                let candidate = Candidate { input, fit, unit };
                weight += candidate.weight();
                let is_heavy = !items.is_empty() && weight > page.budget();
                if is_heavy || items.len() == page.limit() {
                    return Ok(Page { items, next: Some(place) });
                }
                items.push(candidate);
            }
            place.after = Some(position);
        }
        if found.next.is_none() {
            let Some(fit) = CandidateFit::ALL.into_iter().find(|fit| *fit > place.fit) else {
                return Ok(Page { items, next: None });
            };
            place = CandidatePosition { fit, after: None };
        }
    }
    Ok(Page { items, next: Some(place) })
}

struct Judge<'a> {
    ports: &'a Ports,
    role: &'a InputRole,
    /// Of each unit: there are few, and many inputs.
    fits: BTreeMap<Unit, UnitFit>,
}

impl Judge<'_> {
    /// `None`: it does not fit.
    fn fit(&mut self, input: &Input) -> Option<(CandidateFit, Option<UnitComparison>)> {
        if input.metric.as_ref().is_some_and(|metric| *metric != self.role.metric) {
            return None;
        }
        let (units, role) = (&self.ports.units, self.role);
        let judged = input.unit.as_ref().zip(role.unit.as_ref()).map(|(from, to)| {
            let fit = *self.fits.entry(from.clone()).or_insert_with(|| units.compare(from, to));
            UnitComparison { from: from.clone(), to: to.clone(), fit }
        });
        let fit = match judged.as_ref().map(|judged| judged.fit) {
            Some(UnitFit::Incompatible) => return None,
            _ if input.metric.is_none() => CandidateFit::Unverified,
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
