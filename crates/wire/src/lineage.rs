use prediction_domain::model::{JobId, JobName, OutputId, RoleName, SourceId, SourceName};
use prediction_domain::use_cases;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::comparison::SourceVersionReference;
use crate::health::JobHealth;
use crate::rules;

/// What a job rests on, and what rests on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lineage {
    /// The jobs: that which was asked for first, and the nearest before others. At most 1,000.
    pub nodes: Vec<LineageNode>,
    /// Which of these reads which output of which other of these. At most 5,000.
    pub edges: Vec<LineageEdge>,
    /// Whether there is more: further away than was asked for, or more than fits.
    pub truncated: bool,
}

/// A job in a lineage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineageNode {
    /// The job.
    #[schema(value_type = rules::Id, inline)]
    pub job_id: JobId,
    /// What it is called.
    #[schema(value_type = rules::Name, inline)]
    pub name: JobName,
    /// Its source.
    pub source: SourceReference,
    /// The version that it runs.
    pub source_version: SourceVersionReference,
    /// Whether it delivers.
    pub health: JobHealth,
}

/// Which source it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceReference {
    /// Its identity.
    #[schema(value_type = rules::Id, inline)]
    pub id: SourceId,
    /// What it is called.
    #[schema(value_type = rules::Name, inline)]
    pub name: SourceName,
}

/// An input role of a job that is bound to an output of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineageEdge {
    /// The output.
    #[schema(value_type = rules::Id, inline)]
    pub from_output_id: OutputId,
    /// The job that predicts it.
    #[schema(value_type = rules::Id, inline)]
    pub from_job_id: JobId,
    /// The job that reads it.
    #[schema(value_type = rules::Id, inline)]
    pub to_job_id: JobId,
    /// The input role of that job.
    #[schema(value_type = rules::Word, inline)]
    pub role: RoleName,
}

impl From<use_cases::Lineage> for Lineage {
    fn from(lineage: use_cases::Lineage) -> Self {
        let node = |node: use_cases::LineageNode| LineageNode {
            job_id: node.job.job.id,
            name: node.job.job.name,
            source: SourceReference { id: node.source.id, name: node.source.name },
            source_version: node.source_version.into(),
            health: node.job.health.into(),
        };
        let edge = |edge: use_cases::LineageEdge| LineageEdge {
            from_output_id: edge.from_output_id,
            from_job_id: edge.from_job_id,
            to_job_id: edge.to_job_id,
            role: edge.role,
        };
        Self {
            nodes: lineage.nodes.into_iter().map(node).collect(),
            edges: lineage.edges.into_iter().map(edge).collect(),
            truncated: lineage.truncated,
        }
    }
}
