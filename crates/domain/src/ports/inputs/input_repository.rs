use crate::model::{
    Input, InputId, InputKind, InputPosition, JobId, Metric, NamePart, Organisation, OrganisationId, Page, PageRequest,
    Revision, Scope, SetName,
};
use crate::ports::{StoreFailure, WriteMode};

/// Stores the directory of inputs, and the names of organisations. What is outside the given scope does not exist, for
/// any method.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait InputRepository: Send + Sync {
    /// Finds these inputs, in the order asked for; `None` where the organisation has not registered one.
    fn find_many(&self, wanted: &[(OrganisationId, InputId)]) -> Result<Vec<Option<Input>>, StoreFailure>;

    /// Finds all inputs with one of these ids, ordered by organisation and id: each organisation may have one of each.
    fn find_by_ids(&self, scope: &Scope, ids: &[InputId]) -> Result<Vec<Input>, StoreFailure>;

    /// Tells which of these inputs some job of that organisation has bound, in the order asked for.
    fn are_bound(&self, wanted: &[(OrganisationId, InputId)]) -> Result<Vec<bool>, StoreFailure>;

    /// Lists inputs, ordered by organisation and id.
    fn list(
        &self,
        scope: &Scope,
        filter: &InputFilter,
        page: &PageRequest<InputPosition>,
    ) -> Result<Page<Input, InputPosition>, StoreFailure>;

    /// Stores all of these inputs or none: each in its first revision is new, and each other one replaces the revision
    /// before its own. No input is twice among them.
    fn put_many(&self, inputs: &[Input], mode: WriteMode) -> Result<(), PutInputsError>;

    /// Deletes an input that no job of its organisation has bound, if it is still at revision `expected`.
    fn delete(
        &self,
        organisation_id: OrganisationId,
        id: InputId,
        expected: Revision,
        mode: WriteMode,
    ) -> Result<(), DeleteInputError>;

    /// Keeps the name of an organisation; `None` removes it.
    fn name_organisation(&self, organisation: &Organisation, mode: WriteMode) -> Result<(), StoreFailure>;

    /// Finds the organisation, if it has a name, an input or a job.
    fn find_organisation(&self, id: OrganisationId) -> Result<Option<Organisation>, StoreFailure>;

    /// Lists the organisations that have a name, an input or a job, ordered by their ids.
    fn list_organisations(
        &self,
        scope: &Scope,
        page: &PageRequest<OrganisationId>,
    ) -> Result<Page<Organisation, OrganisationId>, StoreFailure>;
}

/// Which inputs to list. Conditions are joined by "and".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputFilter {
    /// Only inputs of this organisation.
    pub organisation_id: Option<OrganisationId>,
    /// Only inputs of this kind.
    pub kind: Option<InputKind>,
    /// Only inputs that measure this.
    pub metric: Option<Metric>,
    /// Only inputs with this in their name, without case.
    pub name_part: Option<NamePart>,
    /// Only inputs that this set keeps.
    pub managed_by: Option<SetName>,
}

/// Why inputs were not stored.
#[derive(Debug, thiserror::Error)]
pub enum PutInputsError {
    /// At least one is not at the revision before, or is there already.
    #[error("an input was changed in the meantime")]
    Stale,
    /// The store failed.
    #[error("inputs could not be stored")]
    Store(#[from] StoreFailure),
}

/// Why an input was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteInputError {
    /// There is none of that id in that organisation.
    #[error("there is no such input")]
    Missing,
    /// It was changed in the meantime.
    #[error("the input is at revision {current}")]
    Stale {
        /// The stored revision.
        current: Revision,
    },
    /// Jobs of its organisation have it bound.
    #[error("{jobs} jobs have the input bound")]
    InUse {
        /// How many.
        jobs: u64,
        /// The first ones, in creation order: at most [`DeleteInputError::MAX_NAMED`].
        first: Vec<JobId>,
    },
    /// The store failed.
    #[error("an input could not be deleted")]
    Store(#[from] StoreFailure),
}

impl DeleteInputError {
    /// How many jobs are named at the most.
    pub const MAX_NAMED: usize = 10;
}
