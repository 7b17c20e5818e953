//! In what a job is different at two of its revisions.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::job::JobRevision;
use crate::model::text::RoleName;

/// One thing that is different about a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobDifference {
    /// The member of the job.
    pub member: &'static str,
    /// Of bindings and outputs: the role.
    pub role: Option<RoleName>,
    /// What it was; `null`: nothing.
    pub from: Value,
    /// What it is; `null`: nothing.
    pub to: Value,
}

impl JobRevision {
    /// What changed from this revision to another one. Bindings and outputs are compared by role.
    #[must_use]
    pub fn compare(&self, to: &Self) -> Vec<JobDifference> {
        let whole =
            |member, from: Value, to: Value| (from != to).then_some(JobDifference { member, role: None, from, to });
        let mut differences: Vec<_> = [
            whole("source_version_id", json!(self.source_version_id), json!(to.source_version_id)),
            whole("name", json!(self.name), json!(to.name)),
            whole("active", json!(self.active), json!(to.active)),
        ]
        .into_iter()
        .flatten()
        .collect();
        let bindings = |revision: &'_ Self| revision.role_bindings.clone().into_vec();
        by_role(&mut differences, "role_bindings", &bindings(self), &bindings(to), |binding| &binding.role);
        by_role(&mut differences, "outputs", &self.outputs, &to.outputs, |output| &output.role);
        differences
    }
}

/// Roles in the order of the later revision, and then those that it lacks.
fn by_role<T: PartialEq + Serialize>(
    differences: &mut Vec<JobDifference>,
    member: &'static str,
    from: &[T],
    to: &[T],
    role: impl Fn(&T) -> &RoleName,
) {
    let of = |items: &[T]| -> BTreeMap<RoleName, Value> {
        items.iter().map(|item| (role(item).clone(), json!(item))).collect()
    };
    let (before, after) = (of(from), of(to));
    let gone = from.iter().map(&role).filter(|role| !after.contains_key(*role));
    for role in to.iter().map(&role).chain(gone) {
        let (from, to) = (before.get(role), after.get(role));
        if from != to {
            let (from, to) = (json!(from), json!(to));
            differences.push(JobDifference { member, role: Some(role.clone()), from, to });
        }
    }
}
