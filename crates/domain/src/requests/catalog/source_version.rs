//! Source versions as callers describe them.

use serde_json::json;

use super::contract::{InputRoleDraft, OutputRoleDraft, validate_contract};
use crate::model::{
    Contract, Description, Diagnostics, Lifecycle, Path, SourceId, SourceVersion, SourceVersionId, Timestamp,
    ValueProblem, VersionLabel, Violation, ViolationCode,
};
use crate::requests::Sent;

/// A source version as a caller describes it, to be published or found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceVersionDraft {
    /// Its identity, when the caller chooses or knows it.
    pub id: Sent<String>,
    /// See [`SourceVersion::source_id`].
    pub source_id: Sent<String>,
    /// See [`SourceVersion::version`].
    pub version: Sent<String>,
    /// See [`SourceVersion::description`].
    pub description: Sent<String>,
    /// See [`Contract::input_roles`].
    pub input_roles: Sent<Vec<Sent<InputRoleDraft>>>,
    /// See [`Contract::output_roles`].
    pub output_roles: Sent<Vec<Sent<OutputRoleDraft>>>,
}

/// A [`SourceVersionDraft`] whose values are valid, each by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceVersionSpec {
    /// The identity that was asked for.
    pub id: Sent<SourceVersionId>,
    /// See [`SourceVersion::source_id`].
    pub source_id: Sent<SourceId>,
    /// See [`SourceVersion::version`].
    pub version: Sent<VersionLabel>,
    /// See [`SourceVersion::description`].
    pub description: Sent<Description>,
    /// See [`SourceVersion::contract`]; absent when neither list of roles was sent.
    pub contract: Sent<Contract>,
}

impl SourceVersionSpec {
    /// Reads each value, and reports what is wrong with it.
    pub fn read(diagnostics: &mut Diagnostics, path: &Path, draft: &SourceVersionDraft) -> Self {
        let contract = if draft.input_roles.is_present() || draft.output_roles.is_present() {
            match validate_contract(diagnostics, path, &draft.input_roles, &draft.output_roles) {
                Some(contract) => Sent::Given(contract),
                None => Sent::Unreadable,
            }
        } else {
            Sent::Absent
        };
        Self {
            id: diagnostics.read(&path.member("id"), &draft.id, |text| SourceVersionId::parse(text)),
            source_id: diagnostics.read(&path.member("source_id"), &draft.source_id, |text| SourceId::parse(text)),
            version: diagnostics.read(&path.member("version"), &draft.version, |text| VersionLabel::parse(text)),
            description: diagnostics
                .read(&path.member("description"), &draft.description, |text| Description::parse(text)),
            contract,
        }
    }

    /// Whether nothing but the identity was sent, which makes it a reference.
    #[must_use]
    pub fn is_reference(&self) -> bool {
        !matches!(self.id, Sent::Absent | Sent::Null)
            && !self.version.is_present()
            && !self.description.is_present()
            && !self.contract.is_present()
    }

    /// Takes the members without which no version can be published, and reports the missing ones.
    pub fn require_content(&self, diagnostics: &mut Diagnostics, path: &Path) -> Option<(VersionLabel, Contract)> {
        let version = diagnostics.require(&path.member("version"), self.version.clone());
        let contract = match &self.contract {
            Sent::Absent | Sent::Null => {
                for roles in ["input_roles", "output_roles"] {
                    diagnostics.require::<()>(&path.member(roles), Sent::Absent);
                }
                None
            }
            Sent::Unreadable => None,
            Sent::Given(contract) => Some(contract.clone()),
        };
        Some((version?, contract?))
    }

    /// The new version that this describes. `fresh_id` is used when no id was asked for.
    #[must_use]
    pub fn create(
        &self,
        (version, contract): (VersionLabel, Contract),
        source_id: SourceId,
        fresh_id: SourceVersionId,
        now: Timestamp,
    ) -> SourceVersion {
        SourceVersion {
            id: self.id.given().copied().unwrap_or(fresh_id),
            source_id,
            version,
            description: self.description.clone().into_option(),
            contract,
            created_at: now,
            lifecycle: Lifecycle::default(),
            managed_by: None,
        }
    }

    /// In what a stored version is not what this describes: `expected` is what is stored.
    #[must_use]
    pub fn differences(&self, path: &Path, stored: &SourceVersion) -> Vec<Violation> {
        let mut differences = Vec::new();
        let mut differs = |member: &'static str, expected: serde_json::Value, actual: serde_json::Value| {
            differences.push(
                ValueProblem::new(ViolationCode::Differs, "is stored with another value")
                    .expected(expected)
                    .actual(actual)
                    .at(path.member(member)),
            );
        };
        if let Some(id) = self.id.given()
            && *id != stored.id
        {
            differs("id", json!(stored.id), json!(id));
        }
        if let Some(version) = self.version.given()
            && version.key() != stored.version.key()
        {
            differs("version", json!(stored.version), json!(version));
        }
        if !self.description.agrees_with(stored.description.as_ref()) {
            differs("description", json!(stored.description), json!(self.description.given()));
        }
        if let Some(contract) = self.contract.given() {
            differences.extend(contract.differences(path, &stored.contract));
        }
        differences
    }
}
