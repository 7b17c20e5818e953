use prediction_domain::model::{JobId, OrganisationId, Revision};
use prediction_domain::requests::{UPGRADES, UpgradeFilterDraft, UpgradeManyDraft};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::{List, Part, Shape};
use crate::problem::Problem;
use crate::rules::{self, ANY_TEXT, ID, NAME, Rule};

/// What became of many jobs that were to be upgraded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobUpgrades {
    /// What became of each job.
    pub results: Vec<JobUpgradeResult>,
    /// How many of these results there are of each outcome.
    pub counts: JobUpgradeCounts,
    /// Send the request again with this cursor to go on; null: that was all.
    pub next_cursor: Option<String>,
}

/// How many jobs there are of each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobUpgradeCounts {
    /// They run the version now.
    #[schema(value_type = rules::Count, inline)]
    pub upgraded: u64,
    /// They ran it before.
    #[schema(value_type = rules::Count, inline)]
    pub unchanged: u64,
    /// They are as they were.
    #[schema(value_type = rules::Count, inline)]
    pub refused: u64,
}

/// What became of one job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobUpgradeResult {
    /// The job.
    #[schema(value_type = rules::Id, inline)]
    pub job_id: JobId,
    /// The organisation that it runs for; null of a job that is not there.
    #[schema(value_type = rules::NullableId, inline)]
    pub organisation_id: Option<OrganisationId>,
    /// What became of it.
    #[schema(value_type = OpenUpgradeOutcome, inline)]
    pub outcome: UpgradeOutcome,
    /// Its revision now; null of one that was refused.
    #[schema(value_type = rules::NullableRevision, inline)]
    pub revision: Option<Revision>,
    /// Why it was refused: what an upgrade of this job alone answers, without the plan.
    pub problem: Option<Problem>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpgradeOutcome {
    /// It runs the version now.
    Upgraded,
    /// It ran the version before.
    Unchanged,
    /// It is as it was.
    Refused,
}

/// Stands for an outcome where answers are described.
type OpenUpgradeOutcome = rules::Open<UpgradeOutcome>;

impl FromIterator<JobUpgradeResult> for JobUpgrades {
    fn from_iter<I: IntoIterator<Item = JobUpgradeResult>>(results: I) -> Self {
        let results: Vec<_> = results.into_iter().collect();
        let mut counts = JobUpgradeCounts::default();
        for result in &results {
            match result.outcome {
                UpgradeOutcome::Upgraded => counts.upgraded += 1,
                UpgradeOutcome::Unchanged => counts.unchanged += 1,
                UpgradeOutcome::Refused => counts.refused += 1,
            }
        }
        Self { results, counts, next_cursor: None }
    }
}

static UPGRADE_FILTER: Shape<UpgradeFilterDraft> = Shape {
    name: "UpgradeJobsFilter",
    about: "Which jobs of the source are upgraded: those for which all of this holds.",
    members: |fields| UpgradeFilterDraft {
        organisation_id: fields.text("organisation_id", ID.nullable().about("Jobs of this organisation.")),
        source_version_id: fields.text("source_version_id", ID.nullable().about("Jobs that run this version.")),
        name: fields.text("name", NAME.nullable().about("Jobs with this name.")),
    },
};

/// Which jobs are upgraded, and to which version.
pub static UPGRADE_JOBS: Shape<UpgradeManyDraft> = Shape {
    name: "UpgradeJobsRequest",
    about: "Which jobs are upgraded, and to which version. Either `jobs` or `filter` says which ones.",
    members: |fields| UpgradeManyDraft {
        source_version_id: fields.text("source_version_id", ID.required()),
        jobs: fields.texts("jobs", List::of(&UPGRADES).nullable().about("The ids of the jobs."), ID),
        filter: fields.object("filter", Part::OPTIONAL, &UPGRADE_FILTER),
        limit: fields.whole_number("limit", LIMIT.nullable().about("So many jobs at the most; 100 when left out.")),
        cursor: fields.text("cursor", ANY_TEXT.nullable().about("The `next_cursor` of the answer before.")),
    },
};

const LIMIT: Rule = rules::whole(1, UPGRADES.most);
