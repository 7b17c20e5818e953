//! Whether the outputs that bindings name are what their roles take.

use serde_json::json;

use super::binding::Declared;
use super::measured::Measured;
use crate::model::{
    DeclaredInput, DeclaredInputs, InputKind, Job, JobName, JobOutput, OutputId, RoleName, Units, ValueProblem,
    ViolationCode,
};
use crate::requests::{BindingDraft, Sent};

/// An output of a job, as bindings are judged by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownOutput {
    /// The output, with its job.
    pub of_job: JobOutput,
    /// If the output rests on the job that is to be bound to it.
    pub cycle: Option<Cycle>,
}

impl KnownOutput {
    /// An output of a job, as far as that alone is known.
    #[must_use]
    pub fn of(job: &Job, id: OutputId) -> Option<Self> {
        Some(Self { of_job: JobOutput::of(job, job.output(id)?), cycle: None })
    }
}

/// Jobs each of which reads an output of the next one, and the last one of the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// What they are called, from the job that is to be bound; those in the middle of a long one are left out, and all
    /// where many cycles would be closed at once.
    pub names: Vec<JobName>,
    /// How many there are.
    pub jobs: usize,
}

impl Cycle {
    /// How many jobs are named at the most.
    pub const MAX_NAMED: usize = 100;
    /// Of how many outputs of one request the names are told; of others the jobs are only counted.
    pub const MAX_SHOWN: usize = 8;
    /// How many are named in the sentence; all others are beside it.
    const MAX_TOLD: usize = 5;

    /// What is wrong with the binding that closes it.
    #[must_use]
    pub(crate) fn problem(&self) -> ValueProblem {
        let Self { names, jobs } = self;
        let quoted: Vec<String> = names.iter().chain(names.first()).map(|name| format!("\"{name}\"")).collect();
        let way = match quoted.as_slice() {
            [first, _] => format!("{first} would read its own output"),
            // All are in `actual`.
            [] => format!("the job would rest on itself over {} other jobs", jobs - 1),
            [first, second, ..] if *jobs > Cycle::MAX_TOLD => {
                format!("{first} would read {second}, which rests on {first} over {} other jobs", jobs - 2)
            }
            [first, others @ ..] => format!("{first} would read {}", others.join(", which reads ")),
        };
        let problem = ValueProblem::new(ViolationCode::Cycle, format!("closes a cycle: {way}"));
        let problem = problem.actual(json!({ "jobs": jobs, "names": names }));
        problem.hint("a job cannot rest on what it predicts itself: bind another output, or unbind one on the way")
    }
}

/// The outputs that these bindings name, as far as they can be read.
pub(crate) fn named_outputs(drafts: &[Sent<BindingDraft>], declared: Option<&DeclaredInputs>) -> Vec<OutputId> {
    let takes_output = |input: &DeclaredInput| input.input_kind.as_ref().is_some_and(InputKind::is_output);
    let is_sent_as_output =
        |draft: &BindingDraft| draft.input_type.given().is_some_and(|kind| kind == InputKind::OUTPUT);
    let drafts = || drafts.iter().filter_map(Sent::given);
    let any_is_declared = declared.is_some_and(|declared| declared.roles.values().any(takes_output));
    if !any_is_declared && !drafts().any(is_sent_as_output) {
        return Vec::new();
    }
    let declared = declared.map(Declared::of);
    let is_output = |draft: &BindingDraft| {
        let role = draft.role.given().and_then(|role| RoleName::restore(role).ok());
        let input = role.as_ref().and_then(|role| declared.as_ref()?.find(role));
        match input.and_then(|(_, input)| input.input_kind.as_ref()) {
            Some(kind) => kind.is_output(),
            None => is_sent_as_output(draft),
        }
    };
    let named = drafts().filter(|draft| is_output(draft));
    named.filter_map(|draft| OutputId::parse(draft.input_id.given()?).ok()).collect()
}

/// Why a role cannot be bound to an output; the output and the role as far as they are known.
pub(super) fn misfit(
    id: OutputId,
    found: Option<&KnownOutput>,
    role: Option<(&RoleName, &DeclaredInput)>,
    units: &dyn Units,
) -> Option<ValueProblem> {
    let Some(KnownOutput { of_job: JobOutput { output, job_name, .. }, cycle }) = found else {
        let message = "is not the id of an output of a job of the organisation";
        let problem = ValueProblem::new(ViolationCode::UnknownOutput, message).actual(id.to_string());
        return Some(problem.hint("outputs are listed in their jobs, and those that fit as candidates of the version"));
    };
    if let Some(cycle) = cycle {
        return Some(cycle.problem());
    }
    let (name, role) = role?;
    let measured = Measured {
        subject: format_args!("is the output \"{}\" of \"{job_name}\"", output.role),
        metric: Some(&output.metric),
        unit: output.unit.as_ref(),
        hint_of_unit: "bind an output whose unit measures the same",
    };
    measured.misfit(name, role, units)
}
