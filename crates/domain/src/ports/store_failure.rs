use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The store could not do its work, for no fault of the request. One failure can be the answer to many requests.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFailure {
    /// The store cannot be reached, is overloaded or is shutting down. Trying again may help.
    #[error("the store is not available")]
    Unavailable(#[source] Cause),
    /// A part of the store cannot be reached: of what is asked together, the rest can be answered if it is asked alone.
    #[error("a part of the store is not available")]
    PartlyUnavailable(#[source] Cause),
    /// The store takes no writes, since it is read-only or full. Reading may work. Trying again may help after the
    /// operator has repaired the store.
    #[error("the store takes no writes")]
    NotWritable(#[source] Cause),
    /// What is stored breaks a rule of the model.
    #[error("the store holds something that cannot be")]
    Corrupt(#[source] Cause),
    /// The store refused in an unforeseen way.
    #[error("the store failed")]
    Internal(#[source] Cause),
}

/// Why a store failed: any error, or a text. Clones share it, with its own causes.
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Cause {
    fn from(error: E) -> Self {
        Self(Arc::from(error.into()))
    }
}

impl Deref for Cause {
    type Target = dyn Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no connection")]
    struct NoConnection(#[source] std::io::Error);

    #[test]
    fn each_of_many_answers_has_all_causes() {
        let refused = NoConnection(std::io::Error::other("refused"));
        let failure = StoreFailure::Unavailable(refused.into());
        let again = failure.clone();
        drop(failure);
        let mut causes = vec![again.to_string()];
        let mut cause = again.source();
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        assert_eq!(causes, ["the store is not available", "no connection", "refused"]);
    }
}
