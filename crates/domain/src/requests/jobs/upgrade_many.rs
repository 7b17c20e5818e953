//! Upgrades of many jobs, as callers describe them.

use crate::model::{
    Diagnostics, JobId, JobName, ListLimit, OrganisationId, Path, SourceVersionId, ValueProblem, ViolationCode,
};
use crate::requests::Sent;

/// The most jobs of one upgrade.
const MAX_UPGRADES: usize = 1_000;
/// The same, as requests are told.
pub const UPGRADES: ListLimit =
    ListLimit { most: MAX_UPGRADES, items: "jobs", hint: Some("upgrade them in several requests") };

/// An upgrade of many jobs as a caller describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpgradeManyDraft {
    /// The version to go to.
    pub source_version_id: Sent<String>,
    /// Which jobs, by their ids.
    pub jobs: Sent<Vec<Sent<String>>>,
    /// Which jobs, by what they are.
    pub filter: Sent<UpgradeFilterDraft>,
    /// How many at the most.
    pub limit: Sent<i128>,
    /// Where the upgrade goes on, as the answer before said.
    pub cursor: Sent<String>,
}

/// Which jobs are upgraded. Conditions are joined by "and".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpgradeFilterDraft {
    /// Only jobs of this organisation.
    pub organisation_id: Sent<String>,
    /// Only jobs that run this version.
    pub source_version_id: Sent<String>,
    /// Only jobs with this name.
    pub name: Sent<String>,
}

/// Which jobs are upgraded, and to which version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpgradeSelection {
    /// The version to go to.
    pub source_version_id: SourceVersionId,
    /// Which jobs.
    pub jobs: SelectedJobs,
    /// How many at the most.
    pub limit: usize,
}

/// Which jobs are upgraded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectedJobs {
    /// These.
    Listed(Vec<JobId>),
    /// All of the source that fulfil these conditions.
    Matching {
        /// Only jobs of this organisation.
        organisation_id: Option<OrganisationId>,
        /// Only jobs that run this version.
        source_version_id: Option<SourceVersionId>,
        /// Only jobs with this name.
        name: Option<JobName>,
    },
}

impl UpgradeSelection {
    /// How many jobs when the request does not say how many.
    pub const DEFAULT_LIMIT: usize = 100;

    /// Reads what was sent, and reports everything that is wrong with it.
    pub fn read(diagnostics: &mut Diagnostics, draft: &UpgradeManyDraft) -> Option<Self> {
        let root = Path::root();
        let version_path = root.member("source_version_id");
        let version = diagnostics.read(&version_path, &draft.source_version_id, |text| SourceVersionId::parse(text));
        let version = diagnostics.require(&version_path, version);
        let limit_path = root.member("limit");
        let limit = diagnostics.read(&limit_path, &draft.limit, |number| {
            usize::try_from(*number).ok().filter(|limit| (1..=MAX_UPGRADES).contains(limit)).ok_or_else(|| {
                ValueProblem::new(ViolationCode::OutOfRange, format!("is not between 1 and {MAX_UPGRADES}"))
                    .actual(number.to_string())
            })
        });
        let is_limit_fine = !matches!(limit, Sent::Unreadable);
        let jobs = Self::read_jobs(diagnostics, draft);
        let limit = limit.into_option().unwrap_or(Self::DEFAULT_LIMIT);
        Some(Self { source_version_id: version?, jobs: jobs.filter(|_| is_limit_fine)?, limit })
    }

    fn read_jobs(diagnostics: &mut Diagnostics, draft: &UpgradeManyDraft) -> Option<SelectedJobs> {
        let (jobs, filter) = (Path::of("jobs"), Path::of("filter"));
        let listed = match &draft.jobs {
            Sent::Given(ids) => Some(read_ids(diagnostics, &jobs, ids)),
            Sent::Unreadable => Some(None),
            Sent::Absent | Sent::Null => None,
        };
        let matching = match &draft.filter {
            Sent::Given(draft) => Some(read_filter(diagnostics, &filter, draft)),
            Sent::Unreadable => Some(None),
            Sent::Absent | Sent::Null => None,
        };
        match (listed, matching) {
            (Some(_), Some(_)) => {
                let problem = ValueProblem::new(ViolationCode::NotAllowedHere, "says once more which jobs");
                diagnostics.report(filter, problem.hint("send either jobs or filter"));
                None
            }
            (None, None) => {
                let problem = ValueProblem::new(ViolationCode::MissingMember, "is missing");
                let hint = "send jobs with their ids, or filter; {} matches all jobs of the source";
                diagnostics.report(jobs, problem.hint(hint));
                None
            }
            (Some(listed), None) => listed,
            (None, Some(matching)) => matching,
        }
    }
}

fn read_ids(diagnostics: &mut Diagnostics, path: &Path, ids: &[Sent<String>]) -> Option<SelectedJobs> {
    if let Some(too_many) = UPGRADES.exceeded_by(ids.len()) {
        diagnostics.report(path.clone(), too_many);
        return None;
    }
    let read = |(index, id): (usize, &Sent<String>)| {
        let path = path.index(index);
        let id = diagnostics.read(&path, id, |text| JobId::parse(text));
        diagnostics.require(&path, id)
    };
    let ids: Vec<Option<JobId>> = ids.iter().enumerate().map(read).collect();
    Some(SelectedJobs::Listed(ids.into_iter().collect::<Option<_>>()?))
}

fn read_filter(diagnostics: &mut Diagnostics, path: &Path, draft: &UpgradeFilterDraft) -> Option<SelectedJobs> {
    let organisation =
        diagnostics.read(&path.member("organisation_id"), &draft.organisation_id, |text| OrganisationId::parse(text));
    let version = diagnostics
        .read(&path.member("source_version_id"), &draft.source_version_id, |text| SourceVersionId::parse(text));
    let name = diagnostics.read(&path.member("name"), &draft.name, |text| JobName::parse(text));
    let is_unreadable = matches!(organisation, Sent::Unreadable)
        || matches!(version, Sent::Unreadable)
        || matches!(name, Sent::Unreadable);
    (!is_unreadable).then(|| SelectedJobs::Matching {
        organisation_id: organisation.into_option(),
        source_version_id: version.into_option(),
        name: name.into_option(),
    })
}
