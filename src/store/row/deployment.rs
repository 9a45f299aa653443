//! The row of a deployment, with the pipeline as it was deployed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::deployment::{Deployment, DeploymentKey};
use crate::store::row::codec::{self, RowError};
use crate::store::row::pipeline::PipelineV1;
use crate::store::seal::RowSeal;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeploymentRowV1<'a> {
    at: i64,
    by: &'a str,
    #[serde(borrow)]
    pipeline: PipelineV1<'a>,
}

/// The row of a deployment.
pub(crate) fn encode(of: &Deployment, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let row = DeploymentRowV1 {
        at: of.at.unix_millis(),
        by: &of.by,
        pipeline: PipelineV1::from(&*of.pipeline),
    };
    codec::encode(VERSION, &row, seal)
}

/// The deployment of a row.
pub(crate) fn decode(
    key: DeploymentKey,
    row: &[u8],
    seal: &RowSeal<'_>,
) -> Result<Deployment, RowError> {
    let (_, body) = codec::open(VERSION, row, seal)?;
    let row: DeploymentRowV1<'_> = codec::decode(body)?;
    Ok(Deployment {
        pipeline: Arc::new(row.pipeline.named(key.pipeline.clone())?),
        key,
        at: codec::moment(row.at),
        by: row.by.to_owned(),
    })
}
