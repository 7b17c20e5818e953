use crate::model::{ContractComparison, Path, SourceVersion, SourceVersionId, ValueProblem, Violations};
use crate::use_cases::lookup::{unknown_source_version, version_of_other_source};
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
    let refused = |problem: ValueProblem| UseCaseError::from(Violations::from(problem.at(Path::of("with"))));
    let from = found.next().flatten().ok_or_else(|| refused(unknown_source_version(with)))?;
    if from.source_id != to.source_id {
        let problem = version_of_other_source("belongs to another source", Some(to.source_id), from.source_id);
        return Err(refused(problem));
    }
    let comparison = from.contract.compare_with(&to.contract, ports.units.as_ref());
    Ok(ComparedVersions { from, to, comparison })
}
