//! The inputs of a document.

use std::collections::BTreeMap;

use serde_json::json;

use super::change::{AppliedKey, Difference, different};
use super::plan::{Detail, Planner};
use crate::model::{ApplyAction, Input, InputPosition, Path};
use crate::ports::Write;
use crate::requests::InputSpec;
use crate::use_cases::inputs::put_input::may_unfit;
use crate::use_cases::inputs::unfit::unfit_warnings;
use crate::use_cases::{UseCaseError, Warning};

impl Planner<'_> {
    pub(super) fn plan_inputs(&mut self) -> Result<(), UseCaseError> {
        let mut seen = BTreeMap::new();
        let mut specs = Vec::new();
        let draft = self.draft;
        for (index, draft) in draft.inputs.given().into_iter().flatten().enumerate() {
            let path = Path::of("inputs").index(index);
            let Some(draft) = self.diagnostics.require(&path, draft.as_ref()) else { continue };
            let spec = InputSpec::read(&mut self.diagnostics, &path, draft);
            let id = self.diagnostics.require(&path.member("id"), spec.id.clone());
            let organisation_id = self.organisation_of(&path.member("organisation_id"), &spec.organisation_id)?;
            let (Some(id), Some(organisation_id)) = (id, organisation_id) else {
                self.wrong.inputs.extend(id);
                // What else is wrong with it is told, too.
                spec.create(&mut self.diagnostics, &path, id.unwrap_or_else(some_id), None, self.now);
                continue;
            };
            let position = InputPosition { organisation_id, id };
            if self.is_first(&mut seen, position, ("inputs", index), &path.member("id")) {
                specs.push((path, position, spec));
            }
        }
        let keys: Vec<_> = specs.iter().map(|(_, position, _)| (*position).into()).collect();
        let stored = if keys.is_empty() { Vec::new() } else { self.ports.inputs.find_many(&keys)? };
        let mut concerned = Vec::new();
        let mut places = BTreeMap::new();
        for ((path, position, spec), stored) in specs.into_iter().zip(stored) {
            let planned = match &stored {
                Some(stored) => self.change_input(&path, &spec, stored),
                None => self.new_input(&path, &spec, position),
            };
            let Some(input) = planned else {
                self.wrong.inputs.insert(position.id);
                continue;
            };
            if may_unfit(stored.as_ref(), &input) {
                concerned.push(input.clone());
                places.insert(position.id.to_string(), path);
            }
            self.described.inputs.insert(position);
            self.inputs.insert(position, input);
        }
        let warnings = unfit_warnings(self.ports, &concerned.iter().collect::<Vec<_>>())?;
        self.warn_of_inputs(warnings, &places);
        Ok(())
    }

    fn warn_of_inputs(&mut self, warnings: Vec<Warning>, places: &BTreeMap<String, Path>) {
        for warning in warnings {
            let place = warning.details["input_id"].as_str().and_then(|id| places.get(id));
            self.warn(warning, place);
        }
    }

    fn new_input(&mut self, path: &Path, spec: &InputSpec, position: InputPosition) -> Option<Input> {
        let InputPosition { organisation_id, id } = position;
        let mut input = spec.create(&mut self.diagnostics, path, id, Some(organisation_id), self.now)?;
        input.management = self.management_of_new();
        let content = json!([input.kind, input.name, input.metric, input.unit]);
        let detail = Detail { content, ..Detail::default() };
        let action = (ApplyAction::Create, Some(input.revision));
        self.change(AppliedKey::Input(position), id.as_uuid(), action, Some(path), detail);
        self.writes.inputs.push(Write::New(input.clone()));
        Some(input)
    }

    fn change_input(&mut self, path: &Path, spec: &InputSpec, stored: &Input) -> Option<Input> {
        let keeper = stored.management.as_ref().map(|management| management.set.clone());
        let wanted = spec.change(&mut self.diagnostics, path, stored, self.now);
        let Some(keeping) = self.keeping(path, keeper.as_ref()) else { return Some(wanted) };
        let differences = differences(stored, &wanted);
        let settled = self.settle(stored, wanted, keeping)?;
        let input = settled.value;
        let detail = Detail { differences, changed_outside: settled.changed_outside, ..Detail::default() };
        let action = (settled.action, Some(input.revision));
        self.change(AppliedKey::Input(input.position()), input.id.as_uuid(), action, Some(path), detail);
        self.writes.inputs.extend(settled.write);
        Some(input)
    }
}

fn differences(stored: &Input, wanted: &Input) -> Vec<Difference> {
    different([
        ("kind", json!(stored.kind), json!(wanted.kind)),
        ("name", json!(stored.name), json!(wanted.name)),
        ("metric", json!(stored.metric), json!(wanted.metric)),
        ("unit", json!(stored.unit), json!(wanted.unit)),
    ])
}

/// For an input whose id cannot be read and that is judged all the same.
fn some_id() -> crate::model::InputId {
    let id = crate::model::InputId::from_uuid(uuid::Uuid::max());
    id.unwrap_or_else(|_| unreachable!("it is not nil"))
}
