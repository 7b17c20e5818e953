//! Where a source version is to be in its life, as callers describe it.

use crate::model::{
    Description, Diagnostics, Lifecycle, LifecycleStage, Path, SourceVersionId, Timestamp, ValueProblem, ViolationCode,
    Violations,
};
use crate::requests::Sent;

/// A change of a lifecycle; what is left out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LifecycleChangeDraft {
    /// See [`Lifecycle::stage`].
    pub stage: Sent<String>,
    /// See [`Lifecycle::reason`].
    pub reason: Sent<String>,
    /// See [`Lifecycle::replaced_by`].
    pub replaced_by: Sent<String>,
    /// See [`Lifecycle::end_of_life_at`].
    pub end_of_life_at: Sent<String>,
    /// The revision that is to be changed, and no other.
    pub revision: Sent<i128>,
}

/// What a change makes of a lifecycle. An active version has no replacement and no end, so what is stored of these goes
/// with the stage.
pub(crate) fn validate_lifecycle_change(
    mut diagnostics: Diagnostics,
    draft: &LifecycleChangeDraft,
    stored: &Lifecycle,
) -> Result<Lifecycle, Violations> {
    let stage_path = Path::of("stage");
    let stage = diagnostics.read(&stage_path, &draft.stage, |text| LifecycleStage::parse(text));
    let is_known = matches!(stage, Sent::Given(_) | Sent::Absent);
    let stage = diagnostics.not_null(&stage_path, stage);
    let reason = diagnostics.read(&Path::of("reason"), &draft.reason, |text| Description::parse(text));
    let replaced_by = Path::of("replaced_by");
    let replacement = diagnostics.read(&replaced_by, &draft.replaced_by, |text| SourceVersionId::parse(text));
    let end_path = Path::of("end_of_life_at");
    let end = diagnostics.read(&end_path, &draft.end_of_life_at, |text| Timestamp::parse(text));
    let becomes = stage.unwrap_or(stored.stage);
    let is_active = is_known && becomes == LifecycleStage::Active;
    if is_active {
        let problem = || {
            let problem = ValueProblem::new(ViolationCode::NotAllowedHere, "is not for a version that is active");
            problem.hint("send stage: deprecated, or leave it out")
        };
        for (path, is_sent) in [(replaced_by, replacement.given().is_some()), (end_path, end.given().is_some())] {
            if is_sent {
                diagnostics.report(path, problem());
            }
        }
    }
    let kept = |value| if is_active { None } else { value };
    diagnostics.finish(Some(Lifecycle {
        stage: becomes,
        reason: reason.or_keep(stored.reason.clone()),
        replaced_by: replacement.or_keep(kept(stored.replaced_by)),
        end_of_life_at: end.or_keep(stored.end_of_life_at.filter(|_| !is_active)),
        ..stored.clone()
    }))
}
