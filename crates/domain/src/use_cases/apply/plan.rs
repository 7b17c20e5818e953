//! Planning: from a document to what is to be stored.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::Applied;
use super::change::{AppliedChange, AppliedKey, Change, ChangedOutside, Difference, digest, digest_of};
use crate::model::{
    AccessDenied, ApplyAction, Caller, DEFAULT_PRUNE_LIMIT, Diagnostics, Input, InputId, InputPosition, JobId, JobName,
    MAX_APPLIED, OrganisationId, Path, Permission, Prune, Revision, Scope, SetName, Source, SourceId, SourceName,
    SourceVersion, SourceVersionId, Subject, Timestamp, ValueCount, ValueProblem, VersionLabel, ViolationCode,
};
use crate::ports::{ApplyPlan, WriteMode};
use crate::requests::{APPLIED_THINGS, ApplyDraft, DescribedVersionDraft, Sent, Submission};
use crate::use_cases::lookup::one_of_organisations;
use crate::use_cases::{Ports, UseCaseError, Warning};

/// The most warnings that are told.
const MOST_WARNINGS: usize = 200;
/// How many bytes of differences an answer has room for.
const ROOM_FOR_DIFFERENCES: usize = 2 << 20;

/// A document that can be carried out.
pub(super) struct Planned {
    pub(super) applied: Applied,
    pub(super) writes: ApplyPlan,
    /// Where the jobs are in the document.
    pub(super) places: BTreeMap<JobId, Path>,
}

/// Judges a document against what is stored, and collects what is to be done and what is wrong.
pub(super) struct Planner<'a> {
    pub(super) ports: &'a Ports,
    pub(super) caller: &'a Caller,
    pub(super) draft: &'a ApplyDraft,
    pub(super) now: Timestamp,
    pub(super) by: Subject,
    pub(super) diagnostics: Diagnostics,
    /// `None` after a violation was reported.
    pub(super) set: Option<SetName>,
    pub(super) adopt: bool,
    pub(super) adopt_from: Option<SetName>,
    pub(super) prune: Prune,
    pub(super) prune_limit: usize,
    /// Whose things they are that do not say it.
    pub(super) organisation_id: Sent<OrganisationId>,
    pub(super) changes: Vec<Change>,
    pub(super) writes: ApplyPlan,
    pub(super) warnings: Vec<Warning>,
    pub(super) places: BTreeMap<JobId, Path>,
    /// The sources that were looked for by name, as they are to be.
    pub(super) sources: BTreeMap<String, Option<Source>>,
    /// The versions that were looked for, likewise. Many jobs share one.
    pub(super) versions: BTreeMap<(SourceId, String), Option<Arc<SourceVersion>>>,
    /// Those that there are, by their ids.
    pub(super) versions_by_id: BTreeMap<SourceVersionId, Arc<SourceVersion>>,
    /// The inputs of the document, as they are to be.
    pub(super) inputs: BTreeMap<InputPosition, Input>,
    /// Those of which the document says, under `sources`, whose they are.
    pub(super) owned: BTreeSet<SourceId>,
    /// What is in the document, by identity.
    pub(super) described: Described,
    /// What is in the document, and cannot be planned.
    pub(super) wrong: Wrong,
    /// How much of what is stored was read.
    pub(super) read_bytes: usize,
    /// How many bytes of differences the answer still has room for.
    pub(super) room_for_differences: usize,
    /// The jobs outside the document whose outputs jobs of it are to read, each with the first place.
    pub(super) read: BTreeMap<JobId, Path>,
}

/// What a document has, and what is wrong with it is told there: whatever refers to it is not told to be wrong, too.
#[derive(Default)]
pub(super) struct Wrong {
    /// All sources of the document, by the keys of their names.
    pub(super) sources: BTreeSet<String>,
    /// All versions of the document, by the keys of the names of their sources and by their own.
    pub(super) versions: BTreeSet<(String, String)>,
    /// The inputs that cannot be planned, as far as their ids can be read.
    pub(super) inputs: BTreeSet<InputId>,
    /// The names of the jobs that cannot be planned.
    pub(super) jobs: BTreeSet<JobName>,
}

/// What a document has, or refers to: nothing of it is pruned.
#[derive(Default)]
pub(super) struct Described {
    pub(super) sources: BTreeSet<SourceId>,
    pub(super) versions: BTreeSet<SourceVersionId>,
    pub(super) inputs: BTreeSet<InputPosition>,
    pub(super) jobs: BTreeSet<JobId>,
}

impl<'a> Planner<'a> {
    /// Reads what the document says of itself.
    pub(super) fn new(
        ports: &'a Ports,
        caller: &'a Caller,
        submission: &'a Submission<ApplyDraft>,
        mode: WriteMode,
    ) -> Result<Self, AccessDenied> {
        let Submission { content: draft, diagnostics } = submission;
        let mut diagnostics = diagnostics.clone();
        let set = diagnostics.read(&Path::of("set"), &draft.set, |text| SetName::parse(text));
        let set = diagnostics.require(&Path::of("set"), set);
        let path = Path::of("organisation_id");
        let organisation_id = diagnostics.read(&path, &draft.organisation_id, |text| OrganisationId::parse(text));
        if let Some(organisation_id) = organisation_id.given() {
            caller.require_organisation(*organisation_id)?;
        }
        let adopt_from = diagnostics.read(&Path::of("adopt_from"), &draft.adopt_from, |text| SetName::restore(text));
        let prune = diagnostics.read(&Path::of("prune"), &draft.prune, |text| Prune::parse(text));
        let limit = diagnostics.read(&Path::of("prune_limit"), &draft.prune_limit, |number| prune_limit(*number));
        let prune = diagnostics.not_null(&Path::of("prune"), prune);
        let limit = diagnostics.not_null(&Path::of("prune_limit"), limit);
        for (member, flag) in [("adopt", &draft.adopt), ("confirm_deletion", &draft.confirm_deletion)] {
            diagnostics.not_null(&Path::of(member), flag.clone());
        }
        let counts = [
            draft.sources.given().map(Vec::len),
            draft.source_versions.given().map(Vec::len),
            draft.inputs.given().map(Vec::len),
            draft.jobs.given().map(Vec::len),
        ];
        if let Some(too_many) = APPLIED_THINGS.exceeded_by(counts.into_iter().flatten().sum()) {
            diagnostics.report(Path::root(), too_many);
        }
        let [sources, versions, inputs, jobs] = counts.map(|count| count.is_some_and(|count| count > 0));
        for (is_sent, permission) in [
            (sources || versions, Permission::CatalogCreate),
            (inputs, Permission::InputsWrite),
            (jobs, Permission::JobsWrite),
        ] {
            if is_sent {
                caller.require(permission)?;
            }
        }
        Ok(Self {
            ports,
            caller,
            draft,
            now: ports.clock.now(),
            by: caller.to_subject(),
            diagnostics,
            set,
            adopt: draft.adopt.given().copied().unwrap_or_default(),
            adopt_from: adopt_from.into_option(),
            prune: prune.unwrap_or_default(),
            prune_limit: limit.unwrap_or(DEFAULT_PRUNE_LIMIT),
            organisation_id,
            changes: Vec::new(),
            writes: ApplyPlan {
                most_jobs: ports.quotas.jobs.map(NonZeroU64::get),
                allowance: ports.allowance_of_change(),
                ..ApplyPlan::of_nothing(mode)
            },
            warnings: Vec::new(),
            places: BTreeMap::new(),
            sources: BTreeMap::new(),
            versions: BTreeMap::new(),
            versions_by_id: BTreeMap::new(),
            inputs: BTreeMap::new(),
            owned: BTreeSet::new(),
            described: Described::default(),
            wrong: Wrong::of(draft),
            read_bytes: 0,
            room_for_differences: ROOM_FOR_DIFFERENCES,
            read: BTreeMap::new(),
        })
    }

    pub(super) fn plan(mut self) -> Result<Planned, UseCaseError> {
        // Nothing of a document that is too long is judged.
        if self.diagnostics.has_told(ViolationCode::TooManyItems) {
            self.require_clean()?;
        }
        let deletes = self.plan_sources()?;
        self.plan_source_versions()?;
        self.plan_inputs()?;
        self.plan_jobs()?;
        let set = std::mem::take(&mut self.diagnostics).finish(self.set.clone()).map_err(refusal)?;
        if !deletes.is_none() && self.draft.confirm_deletion.given() != Some(&true) {
            return Err(UseCaseError::WouldDelete(deletes));
        }
        let removals = self.plan_prune(&set)?;
        // Jobs were planned in another order: each behind those whose outputs it reads.
        self.changes.sort_by(|one, other| {
            (one.told.place.is_none(), rank(one)).cmp(&(other.told.place.is_none(), rank(other)))
        });
        let plan_digest = digest(&set, self.changes.iter_mut().filter_map(|change| change.digest.take()));
        let changes = self.changes.into_iter().map(|change| change.told).collect();
        let applied = Applied { plan_digest, changes, warnings: self.warnings };
        let is_empty = self.described.is_empty();
        // A document that has lost all that it had is nearly always a mistake: the limit has to be said then.
        let limit = if is_empty && self.draft.prune_limit.given().is_none() { 0 } else { self.prune_limit };
        if removals > limit {
            return Err(UseCaseError::PruneLimitExceeded { limit, removals, plan: Box::new(applied) });
        }
        Ok(Planned { applied, writes: self.writes, places: self.places })
    }

    /// Tells a change.
    pub(super) fn change(
        &mut self,
        key: AppliedKey,
        id: Uuid,
        (action, revision): (ApplyAction, Option<Revision>),
        place: Option<&Path>,
        detail: Detail,
    ) {
        // Of what is new, a dry run would make up an id that nothing has in the end.
        let id = (action != ApplyAction::Create || self.writes.mode == WriteMode::Commit).then_some(id);
        let Detail { differences, changed_outside, content, runs } = detail;
        let mut told = AppliedChange {
            key,
            id,
            action,
            revision,
            differences,
            differences_omitted: false,
            place: place.cloned(),
            changed_outside,
            runs,
        };
        let digest = digest_of(&told, &content);
        match self.room_for_differences.checked_sub(told.differences.iter().map(Difference::size).sum()) {
            Some(left) => self.room_for_differences = left,
            None => {
                told.differences = Vec::new();
                told.differences_omitted = true;
            }
        }
        self.changes.push(Change { told, digest });
    }

    /// Tells what the caller should know, with what it is about in the document.
    pub(super) fn warn(&mut self, mut warning: Warning, place: Option<&Path>) {
        if let (Value::Object(details), Some(place)) = (&mut warning.details, place) {
            details.insert("document".to_owned(), json!(place.to_json_pointer()));
        }
        if self.warnings.len() < MOST_WARNINGS {
            self.warnings.push(warning);
        }
    }

    /// Whether a key is there for the first time; reports it otherwise.
    pub(super) fn is_first<K: Ord>(
        &mut self,
        seen: &mut BTreeMap<K, usize>,
        key: K,
        (list, index): (&'static str, usize),
        path: &Path,
    ) -> bool {
        let Some(first) = seen.get(&key) else {
            seen.insert(key, index);
            return true;
        };
        let message = format!("is described by {list}[{first}] already");
        self.diagnostics.report(path.clone(), ValueProblem::new(ViolationCode::DuplicateItem, message));
        false
    }

    /// Whose a thing is: as it says, or else the document, or else the caller's only organisation. `None` after a
    /// violation was reported.
    pub(super) fn organisation_of(
        &mut self,
        path: &Path,
        sent: &Sent<OrganisationId>,
    ) -> Result<Option<OrganisationId>, AccessDenied> {
        let hint = "say whose it is, here or for the whole document";
        let sent = if matches!(sent, Sent::Absent | Sent::Null) { &self.organisation_id } else { sent };
        match sent {
            Sent::Given(organisation_id) => {
                self.caller.require_organisation(*organisation_id)?;
                return Ok(Some(*organisation_id));
            }
            Sent::Unreadable => return Ok(None),
            Sent::Absent | Sent::Null => {}
        }
        let problem = match &self.caller.scope {
            Scope::Organisations(own) if own.is_empty() => return Err(AccessDenied::NoOrganisation),
            Scope::Organisations(own) if own.len() == 1 => return Ok(own.first().copied()),
            Scope::Organisations(own) => one_of_organisations(own.iter(), hint),
            Scope::Platform => ValueProblem::new(ViolationCode::MissingMember, "is missing").hint(hint),
        };
        self.diagnostics.report(path.clone(), problem);
        Ok(None)
    }

    /// Whether a binding names an input of the document that is wrong.
    pub(super) fn is_wrong_input(&self, id: &Sent<String>) -> bool {
        let id = id.given().filter(|_| !self.wrong.inputs.is_empty()).and_then(|text| InputId::parse(text).ok());
        id.is_some_and(|id| self.wrong.inputs.contains(&id))
    }
}

impl Wrong {
    fn of(draft: &ApplyDraft) -> Self {
        let key = |name: &Sent<String>| Some(SourceName::restore(name.given()?).ok()?.key());
        let sources = draft.sources.given().into_iter().flatten().filter_map(Sent::given);
        let versions = draft.source_versions.given().into_iter().flatten().filter_map(Sent::given);
        let version = |described: &DescribedVersionDraft| {
            let label = VersionLabel::restore(described.version.version.given()?).ok()?;
            Some((key(&described.source.given()?.name)?, label.key().to_owned()))
        };
        Self {
            sources: sources.filter_map(|source| key(&source.name)).collect(),
            versions: versions.filter_map(version).collect(),
            ..Self::default()
        }
    }
}

impl Described {
    fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.versions.is_empty() && self.inputs.is_empty() && self.jobs.is_empty()
    }
}

/// What else is told of a change.
#[derive(Default)]
pub(super) struct Detail {
    pub(super) differences: Vec<Difference>,
    pub(super) changed_outside: Option<ChangedOutside>,
    pub(super) content: Value,
    pub(super) runs: Option<u64>,
}

/// The order of what is in the document; what is removed stays in the order in which it was planned.
fn rank(change: &Change) -> Option<(crate::use_cases::Resource, &Path)> {
    change.told.place.as_ref().map(|place| (change.told.key.resource(), place))
}

/// Values that would be deleted, of several sources.
pub(super) fn add(counts: &mut ValueCount, more: ValueCount) {
    counts.values += more.values;
    counts.jobs += more.jobs;
    counts.is_at_least |= more.is_at_least;
}

/// If the document is right and what is stored is in its way, that is a conflict.
fn refusal(violations: crate::model::Violations) -> UseCaseError {
    let is_of_sets = |code| matches!(code, ViolationCode::ManagedByOtherSet | ViolationCode::NotManaged);
    if violations.iter().all(|violation| is_of_sets(violation.code)) {
        UseCaseError::NotOfTheSet(violations)
    } else {
        UseCaseError::Invalid(violations)
    }
}

fn prune_limit(number: i128) -> Result<usize, ValueProblem> {
    let limit = usize::try_from(number).ok().filter(|limit| *limit <= MAX_APPLIED);
    limit.ok_or_else(|| {
        ValueProblem::new(ViolationCode::OutOfRange, format!("is not between 0 and {MAX_APPLIED}"))
            .expected(format!("a whole number from 0 to {MAX_APPLIED}"))
    })
}
