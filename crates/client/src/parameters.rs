use std::fmt::Display;

/// What a request says beside its path and its body: the query, and which revision it is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    pub(crate) query: Vec<(String, String)>,
    pub(crate) if_match: Option<String>,
}

impl Parameters {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a parameter of the query.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Display) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// With a parameter of the query if there is a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Nothing is to be kept of what the request does (`dry_run=true`).
    #[must_use]
    pub fn dry_run(self) -> Self {
        self.with("dry_run", true)
    }

    /// Only if the thing still has this entity tag, as [`Answer::etag`](crate::Answer::etag) gave it.
    #[must_use]
    pub fn if_match(mut self, etag: &str) -> Self {
        self.if_match = Some(etag.to_owned());
        self
    }

    /// The query, as [`Client::send`](crate::Client::send) takes it.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        self.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The same with another value of that parameter.
    pub(crate) fn replace(&mut self, name: &str, value: &str) {
        self.query.retain(|(other, _)| other != name);
        self.query.push((name.to_owned(), value.to_owned()));
    }
}
