//! The sources of a document.

use std::collections::BTreeMap;

use serde_json::json;

use super::change::{AppliedKey, Difference};
use super::plan::{Detail, Planner, add};
use crate::model::{ApplyAction, OwnersRight, Path, Permission, Source, ValueCount};
use crate::ports::Write;
use crate::requests::{Sent, SourceSpec};
use crate::use_cases::UseCaseError;
use crate::use_cases::catalog::{count_expiring, owner_of_new};

impl Planner<'_> {
    /// Gives what shorter retentions would delete.
    pub(super) fn plan_sources(&mut self) -> Result<ValueCount, UseCaseError> {
        let mut deletes = ValueCount::default();
        let mut seen = BTreeMap::new();
        let draft = self.draft;
        for (index, draft) in draft.sources.given().into_iter().flatten().enumerate() {
            let path = Path::of("sources").index(index);
            let Some(draft) = self.diagnostics.require(&path, draft.as_ref()) else { continue };
            let spec = SourceSpec::read(&mut self.diagnostics, &path, draft);
            let Some(name) = self.diagnostics.require(&path.member("name"), spec.name.clone()) else { continue };
            if !self.is_first(&mut seen, name.key(), ("sources", index), &path.member("name")) {
                continue;
            }
            let planned = match self.source(&name)?.cloned() {
                Some(stored) => self.change_source(&path, &spec, stored, &mut deletes)?,
                None => self.new_source(&path, &spec)?,
            };
            if let Some(source) = planned {
                self.described.sources.insert(source.id);
                if spec.owner_organisation_id.is_present() {
                    self.owned.insert(source.id);
                }
                self.sources.insert(name.key(), Some(source));
            }
        }
        Ok(deletes)
    }

    fn new_source(&mut self, path: &Path, spec: &SourceSpec) -> Result<Option<Source>, UseCaseError> {
        let owner_path = path.member("owner_organisation_id");
        // A token of several organisations means that of the document, if it says nothing else.
        let owner = match (&spec.owner_organisation_id, &self.caller.scope) {
            (Sent::Absent, crate::model::Scope::Organisations(_)) => &self.organisation_id,
            (sent, _) => sent,
        };
        let owner = owner_of_new(&mut self.diagnostics, &owner_path, self.caller, owner)?;
        let (Some(owner), Some(name)) = (owner, spec.name.given()) else { return Ok(None) };
        let mut source = spec.create(owner, name.clone(), self.ports.ids.source_id(), self.now);
        source.management = self.management_of_new();
        let key = AppliedKey::Source { name: source.name.clone() };
        let content = json!([
            source.owner_organisation_id,
            source.description,
            source.expected_interval_minutes,
            source.retention_hours
        ]);
        let detail = Detail { content, ..Detail::default() };
        self.change(key, source.id.as_uuid(), (ApplyAction::Create, Some(source.revision)), Some(path), detail);
        self.writes.sources.push(Write::New(source.clone()));
        Ok(Some(source))
    }

    fn change_source(
        &mut self,
        path: &Path,
        spec: &SourceSpec,
        stored: Source,
        deletes: &mut ValueCount,
    ) -> Result<Option<Source>, UseCaseError> {
        self.caller.require_own(&stored, OwnersRight::Change)?;
        let keeper = stored.management.as_ref().map(|management| management.set.clone());
        let wanted = spec.change(&mut self.diagnostics, path, &self.caller.scope, &stored);
        let Some(keeping) = self.keeping(path, keeper.as_ref()) else { return Ok(Some(stored)) };
        let differences = differences(&stored, &wanted);
        let Some(settled) = self.settle(&stored, wanted, keeping) else { return Ok(Some(stored)) };
        if settled.action != ApplyAction::Unchanged {
            self.caller.require(Permission::CatalogWrite)?;
            add(deletes, count_expiring(self.ports, &stored, &settled.value, self.now)?);
        }
        let source = settled.value;
        let detail = Detail { differences, changed_outside: settled.changed_outside, ..Detail::default() };
        let key = AppliedKey::Source { name: source.name.clone() };
        self.change(key, source.id.as_uuid(), (settled.action, Some(source.revision)), Some(path), detail);
        self.writes.sources.extend(settled.write);
        Ok(Some(source))
    }
}

fn differences(stored: &Source, wanted: &Source) -> Vec<Difference> {
    let members = [
        ("owner_organisation_id", json!(stored.owner_organisation_id), json!(wanted.owner_organisation_id)),
        ("name", json!(stored.name), json!(wanted.name)),
        ("description", json!(stored.description), json!(wanted.description)),
        ("expected_interval_minutes", json!(stored.expected_interval_minutes), json!(wanted.expected_interval_minutes)),
        ("retention_hours", json!(stored.retention_hours), json!(wanted.retention_hours)),
    ];
    super::change::different(members)
}
