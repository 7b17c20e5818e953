use clap::ValueEnum;

/// What there are lists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Versions that run for an organisation
    #[value(alias = "job")]
    Jobs,
    /// Models
    #[value(alias = "source")]
    Sources,
    /// Contracts of models
    #[value(aliases = ["version", "source_versions", "source-versions"])]
    Versions,
    /// What runners reported
    #[value(alias = "run")]
    Runs,
    /// What a job was
    #[value(alias = "revision")]
    Revisions,
    /// What jobs read
    #[value(alias = "input")]
    Inputs,
    /// Customers
    #[value(aliases = ["organisation", "organizations", "organization", "orgs", "org"])]
    Organisations,
}

impl Kind {
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Sources => "sources",
            Self::Versions => "versions",
            Self::Runs => "runs",
            Self::Revisions => "revisions",
            Self::Inputs => "inputs",
            Self::Organisations => "organisations",
        }
    }

    /// Where the list is; those of a job are below it.
    pub(super) fn root(self) -> &'static str {
        match self {
            Self::Jobs | Self::Runs | Self::Revisions => "/api/v1/jobs",
            Self::Sources => "/api/v1/sources",
            Self::Versions => "/api/v1/source_versions",
            Self::Inputs => "/api/v1/inputs",
            Self::Organisations => "/api/v1/organisations",
        }
    }

    pub(super) fn is_of_a_job(self) -> bool {
        matches!(self, Self::Runs | Self::Revisions)
    }

    /// The member that people know one by.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Jobs | Self::Sources | Self::Inputs | Self::Organisations => "name",
            Self::Versions => "version",
            Self::Runs => "id",
            Self::Revisions => "revision",
        }
    }

    /// Those that tell which one is meant. Others would be ignored.
    pub(super) fn filters_of_one(self) -> &'static [&'static str] {
        match self {
            Self::Jobs | Self::Inputs | Self::Runs | Self::Revisions => &["--organisation"],
            Self::Versions => &["--source"],
            Self::Sources | Self::Organisations => &[],
        }
    }

    pub(super) fn filters(self) -> &'static [&'static str] {
        match self {
            Self::Jobs => {
                &["--organisation", "--source", "--version", "--health", "--input", "--stage", "--active", "--unfit"]
            }
            Self::Versions => &["--source", "--stage"],
            Self::Runs => &["--organisation", "--status", "--from", "--to"],
            Self::Sources | Self::Revisions => &["--organisation"],
            Self::Inputs => &["--organisation", "--input-kind", "--metric", "--search"],
            Self::Organisations => &[],
        }
    }
}
