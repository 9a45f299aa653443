//! Deployments: pipelines put to work in one environment.

use std::sync::Arc;

use crate::clock::Moment;
use crate::domain::environment::Environment;
use crate::domain::pipeline::{Pipeline, PipelineKey};

/// Which pipeline, where. A realm has one deployment of it at most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeploymentKey {
    /// The environment.
    pub environment: Environment,
    /// The pipeline.
    pub pipeline: PipelineKey,
}

/// A pipeline at work. It holds the pipeline as it was when deployed: saving the pipeline again changes nothing that
/// serves, until it is deployed again.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Which, where.
    pub key: DeploymentKey,
    /// The pipeline as deployed.
    pub pipeline: Arc<Pipeline>,
    /// When.
    pub at: Moment,
    /// By whom.
    pub by: String,
}
