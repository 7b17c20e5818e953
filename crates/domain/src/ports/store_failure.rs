use std::error::Error;

type Cause = Box<dyn Error + Send + Sync>;

/// The store could not do its work, for no fault of the request.
#[derive(Debug, thiserror::Error)]
pub enum StoreFailure {
    /// The store cannot be reached, is overloaded or is shutting down. Trying again may help.
    #[error("the store is not available")]
    Unavailable(#[source] Cause),
    /// The store takes no writes, since it is read-only or full. Reading may work. Trying again may help when somebody has looked
    /// after it.
    #[error("the store takes no writes")]
    NotWritable(#[source] Cause),
    /// What is stored breaks a rule of the model.
    #[error("the store holds something that cannot be")]
    Corrupt(#[source] Cause),
    /// The store refused in a way that nobody foresaw.
    #[error("the store failed")]
    Internal(#[source] Cause),
}

impl StoreFailure {
    /// The same failure, for another of those who waited for one answer.
    #[must_use]
    pub fn shared(&self) -> Self {
        match self {
            Self::Unavailable(cause) => Self::Unavailable(cause.to_string().into()),
            Self::NotWritable(cause) => Self::NotWritable(cause.to_string().into()),
            Self::Corrupt(cause) => Self::Corrupt(cause.to_string().into()),
            Self::Internal(cause) => Self::Internal(cause.to_string().into()),
        }
    }
}
