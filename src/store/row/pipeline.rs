//! The row of a pipeline.

use serde::{Deserialize, Serialize};

use crate::domain::name::{ConnectionName, PipelineName};
use crate::domain::pipeline::{Handler, IdentityHeaders, Pipeline, PipelineKey};
use crate::domain::template::JsonTemplate;
use crate::store::row::codec::{self, RowError};
use crate::store::row::trigger::TriggerV1;
use crate::store::seal::RowSeal;

const VERSION: u8 = 1;

/// A pipeline without its name and version, which are its row's key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PipelineV1<'a> {
    revision: u64,
    updated: i64,
    #[serde(borrow)]
    trigger: TriggerV1<'a>,
    #[serde(borrow)]
    handler: HandlerV1<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum HandlerV1<'a> {
    Echo,
    /// The document as JSON text.
    Mock {
        document: String,
    },
    Upstream {
        connection: &'a str,
        readable: bool,
        forwarded_client_cert: bool,
    },
}

impl<'a> From<&'a Pipeline> for PipelineV1<'a> {
    fn from(pipeline: &'a Pipeline) -> Self {
        Self {
            revision: pipeline.revision,
            updated: pipeline.updated.unix_millis(),
            trigger: TriggerV1::from(&pipeline.trigger),
            handler: match &pipeline.handler {
                Handler::Echo => HandlerV1::Echo,
                Handler::Mock(template) => HandlerV1::Mock {
                    document: template.source().to_string(),
                },
                Handler::Upstream {
                    connection,
                    identity_headers,
                } => HandlerV1::Upstream {
                    connection: connection.as_str(),
                    readable: identity_headers.readable,
                    forwarded_client_cert: identity_headers.forwarded_client_cert,
                },
            },
        }
    }
}

impl PipelineV1<'_> {
    /// The pipeline of that name and version.
    pub(crate) fn named(self, key: PipelineKey) -> Result<Pipeline, RowError> {
        Ok(Pipeline {
            key,
            revision: self.revision,
            trigger: self.trigger.try_into()?,
            handler: match self.handler {
                HandlerV1::Echo => Handler::Echo,
                HandlerV1::Mock { document } => {
                    Handler::Mock(JsonTemplate::parse(serde_json::from_str(&document)?)?)
                }
                HandlerV1::Upstream {
                    connection,
                    readable,
                    forwarded_client_cert,
                } => Handler::Upstream {
                    connection: ConnectionName::parse(connection)?,
                    identity_headers: IdentityHeaders {
                        readable,
                        forwarded_client_cert,
                    },
                },
            },
            updated: codec::moment(self.updated),
        })
    }
}

/// The name and version that a row's key tells.
pub(crate) fn key(name: &str, major: u16) -> Result<PipelineKey, RowError> {
    Ok(PipelineKey {
        name: PipelineName::parse(name)?,
        major,
    })
}

/// The row of a pipeline.
pub(crate) fn encode(pipeline: &Pipeline, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    codec::encode(VERSION, &PipelineV1::from(pipeline), seal)
}

/// The pipeline of a row.
pub(crate) fn decode(
    key: PipelineKey,
    row: &[u8],
    seal: &RowSeal<'_>,
) -> Result<Pipeline, RowError> {
    let (_, body) = codec::open(VERSION, row, seal)?;
    codec::decode::<PipelineV1<'_>>(body)?.named(key)
}
