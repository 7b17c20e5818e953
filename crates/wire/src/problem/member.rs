//! The members that only some problems have.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, Schema};

use crate::rules::{ANY_TEXT, COUNT, ID, REVISION, Rule};

macro_rules! members {
    ($($name:ident = $member:literal, $schema:expr, $about:literal;)+) => {
        /// A member that only some problems have.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ProblemMember {
            $(#[doc = $about] $name,)+
        }

        impl ProblemMember {
            /// Every member there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What it is called.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $member,)+ }
            }

            /// What it is, for its description.
            pub(crate) fn schema(self) -> RefOr<Schema> {
                match self { $(Self::$name => $schema($about),)+ }
            }
        }
    };
}

members! {
    ExistingId = "existing_id", one(ID), "With `conflict`: the id of what is stored.";
    Resource = "resource", one(ANY_TEXT), "With `conflict`: what is stored: `source`, `source_version`, `job` or `run`.";
    CurrentRevision = "current_revision", one(REVISION), "With `precondition_failed`: the revision that it has.";
    RequiredScope = "required_scope", one(ANY_TEXT), "With `insufficient_scope`: the scope that is needed.";
    SourceId = "source_id", one(ID), "With `not_the_owner`: the source.";
    OwnerOrganisationId = "owner_organisation_id", one(ID.nullable()),
        "With `not_the_owner`: the owner of the source; null is the platform.";
    SourceVersions = "source_versions", one(COUNT), "With `in_use`: how many versions the source has.";
    Jobs = "jobs", one(COUNT), "With `in_use`: how many jobs use the version.";
    JobIds = "job_ids", ids, "With `in_use`: those of them that the token may read.";
    Deletes = "deletes", one(Rule::named("ValueCount")), "With `would_delete_values`: what would be deleted.";
    Plan = "plan", one(Rule::named("UpgradePlan")), "With `invalid` of an upgrade: what it would do, as far as it goes.";
    NewPlan = "new_plan", one(Rule::named("ApplyResult")), "With `plan_outdated` and `prune_limit_exceeded`: what would be done now.";
    Removals = "removals", one(COUNT), "With `prune_limit_exceeded`: how many things would be removed.";
    Quota = "quota", one(ANY_TEXT), "With `quota_exceeded`: which: `jobs`, `values_per_day` or `changes_per_day`.";
    Limit = "limit", one(COUNT), "With `quota_exceeded`: how much the quota allows. With `prune_limit_exceeded`: how many things may be removed.";
    Used = "used", one(COUNT), "With `quota_exceeded`: how much is used.";
}

fn one(rule: Rule) -> impl Fn(&'static str) -> RefOr<Schema> {
    move |about| rule.about(about).schema()
}

fn ids(about: &'static str) -> RefOr<Schema> {
    RefOr::T(Schema::Array(ArrayBuilder::new().items(ID.schema()).description(Some(about)).build()))
}
