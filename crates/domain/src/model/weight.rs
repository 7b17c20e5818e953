//! How much of an answer things take.

use super::catalog::Source;
use super::catalog::{InputRole, Lifecycle, OutputRole};
use super::catalog::{SourceVersion, SourceVersionHead};
use super::inputs::{Input, Organisation};
use super::jobs::RoleBinding;
use super::jobs::{Job, JobOutput, JobRevision, Output};
use super::jobs::{JobWithHealth, MonitoredJob};
use super::results::Run;

/// What takes room in an answer.
pub trait Weight {
    /// About how many bytes it has as JSON: its texts, and what comes with them. Characters that JSON escapes take up
    /// to twice as much.
    fn weight(&self) -> usize;
}

/// The names of members, ids, times and numbers of a thing.
const THING: usize = 500;
/// The same of a part of it.
const PART: usize = 120;

fn of_texts<const N: usize>(texts: [&str; N]) -> usize {
    texts.iter().map(|text| text.len()).sum()
}

/// Of a text that there may be.
macro_rules! text {
    ($text:expr) => {
        $text.as_ref().map_or("", |text| text.as_str())
    };
}

fn of_all<'a, T: Weight + 'a>(parts: impl IntoIterator<Item = &'a T>) -> usize {
    parts.into_iter().map(Weight::weight).sum()
}

impl Weight for Source {
    fn weight(&self) -> usize {
        THING + of_texts([self.name.as_str(), text!(self.description)])
    }
}

impl Weight for Lifecycle {
    fn weight(&self) -> usize {
        2 * PART + of_texts([text!(self.reason), text!(self.changed_by)])
    }
}

impl Weight for SourceVersionHead {
    fn weight(&self) -> usize {
        THING + of_texts([self.version.as_str(), text!(self.description)]) + self.lifecycle.weight()
    }
}

impl Weight for SourceVersion {
    fn weight(&self) -> usize {
        let texts = of_texts([self.version.as_str(), text!(self.description)]);
        let roles = of_all(self.contract.input_roles()) + of_all(self.contract.output_roles());
        THING + texts + roles + self.lifecycle.weight()
    }
}

impl Weight for InputRole {
    fn weight(&self) -> usize {
        let words = [self.role.as_str(), self.input_kind.as_str(), self.metric.as_str()];
        let aliases: usize = self.aliases.iter().map(|alias| alias.as_str().len() + 3).sum();
        PART + of_texts(words) + of_texts([text!(self.unit), text!(self.description)]) + aliases
    }
}

impl Weight for OutputRole {
    fn weight(&self) -> usize {
        PART + of_texts([self.role.as_str(), self.metric.as_str(), text!(self.unit), text!(self.description)])
    }
}

impl Weight for RoleBinding {
    fn weight(&self) -> usize {
        PART + of_texts([self.role.as_str(), self.input_type.as_str()])
    }
}

impl Weight for Output {
    fn weight(&self) -> usize {
        PART + of_texts([self.role.as_str(), self.metric.as_str(), text!(self.unit)])
    }
}

impl Weight for JobOutput {
    fn weight(&self) -> usize {
        2 * PART + self.job_name.as_str().len() + self.output.weight()
    }
}

impl Weight for Job {
    fn weight(&self) -> usize {
        let texts = of_texts([self.name.as_str(), text!(self.updated_by)]);
        THING + texts + of_all(self.role_bindings.as_slice()) + of_all(&self.outputs)
    }
}

/// What is known of its runs has its place among the members of the job.
impl Weight for MonitoredJob {
    fn weight(&self) -> usize {
        self.job.weight()
    }
}

impl Weight for JobWithHealth {
    fn weight(&self) -> usize {
        self.job.weight()
    }
}

impl Weight for JobRevision {
    fn weight(&self) -> usize {
        let texts = of_texts([self.name.as_str(), text!(self.changed_by)]);
        THING + texts + of_all(self.role_bindings.as_slice()) + of_all(&self.outputs)
    }
}

impl Weight for Run {
    fn weight(&self) -> usize {
        THING + text!(self.message).len()
    }
}

impl Weight for Input {
    fn weight(&self) -> usize {
        THING + of_texts([self.kind.as_str(), self.name.as_str(), text!(self.metric), text!(self.unit)])
    }
}

impl Weight for Organisation {
    fn weight(&self) -> usize {
        PART + text!(self.name).len()
    }
}
