use crate::model::{ContractComparison, Path, SourceVersion, SourceVersionId, ValueProblem, ViolationCode, Violations};
use crate::use_cases::{Ports, UseCaseError};

/// Two versions of one source, side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedVersions {
    /// From which.
    pub from: SourceVersion,
    /// To which.
    pub to: SourceVersion,
    /// What changes.
    pub comparison: ContractComparison,
}

/// What changes for a job that goes from the version `with` to the version `id` of the same source. Open to every
/// identified caller, as reading both is.
pub fn compare_source_versions(
    ports: &Ports,
    id: SourceVersionId,
    with: SourceVersionId,
) -> Result<ComparedVersions, UseCaseError> {
    let mut found = ports.source_versions.find_many(&[id, with])?.into_iter();
    let to = found.next().flatten().ok_or(UseCaseError::NotFound)?;
    let refuse = |problem: ValueProblem| Violations::from(problem.at(Path::of("with")));
    let from = found.next().flatten().ok_or_else(|| {
        let problem = ValueProblem::new(ViolationCode::UnknownSourceVersion, "is not the id of a source version");
        refuse(problem.actual(with.to_string()))
    })?;
    if from.source_id != to.source_id {
        let problem = ValueProblem::new(ViolationCode::SourceVersionOfOtherSource, "belongs to another source");
        let problem = problem.expected(to.source_id.to_string()).actual(from.source_id.to_string());
        return Err(refuse(problem).into());
    }
    let comparison = from.contract.compare(&to.contract);
    Ok(ComparedVersions { from, to, comparison })
}
