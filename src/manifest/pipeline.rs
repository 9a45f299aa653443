//! Pipelines of a manifest, and what becomes of them.

use serde_json::Value;

use crate::domain::command::Command;
use crate::domain::media_type::MediaRange;
use crate::domain::name::RealmName;
use crate::domain::pipeline::{Handler, IdentityHeaders, Pipeline, PipelineKey};
use crate::domain::template::{InvalidTemplate, JsonTemplate};
use crate::domain::trigger::{
    ContentTypes, InvalidTrigger, MethodSet, Publication, REQUEST_MB_DEFAULT,
    RESPONSE_TYPE_DEFAULT, RequestSizeMb, ResponseHeader, TIMEOUT_MS_DEFAULT, TimeoutMs, Trigger,
    TriggerKind,
};
use crate::manifest::document::{
    HandlerDocument, HandlerWord, PipelineBody, TriggerDocument, TriggerWord,
};
use crate::manifest::text::Text;

/// How the toml crate marks a date inside of a generic value.
const TOML_DATE: &str = "$__toml_private_datetime";

/// Why a pipeline of a manifest cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPipeline {
    /// With mTLS on, whether the pipeline is open to the internet as well has no default.
    #[error(
        "'trigger.external' must be stated where 'trigger.mtls' is true: write external = false to let in verified clients only, or external = true to answer everybody as well"
    )]
    ExternalNotStated,
    /// The trigger breaks a rule.
    #[error(transparent)]
    Trigger(InvalidTrigger),
    /// A trigger with something that is not its own.
    #[error(
        "'trigger.{key}' is no parameter of a trigger of type {kind}: leave it out, or write type = \"http\""
    )]
    TriggerKey {
        /// The trigger's type.
        kind: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A handler without something that it needs.
    #[error("a handler of type {handler} needs '{key}'")]
    HandlerLacks {
        /// The handler's type.
        handler: &'static str,
        /// The missing key.
        key: &'static str,
    },
    /// A handler with something that is not its own.
    #[error("'{key}' is no key of a handler of type {handler}: leave it out")]
    HandlerKey {
        /// The handler's type.
        handler: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A mock document given twice.
    #[error("both 'document' and 'document-json' are given: give one of them")]
    DocumentTwice,
    /// A mock document that is no JSON.
    #[error("'document-json' is no JSON: line {line}, column {column}")]
    DocumentJson {
        /// The line in the text, from 1.
        line: usize,
        /// The column in the line, from 1.
        column: usize,
    },
    /// A mock document with an expression that cannot be read.
    #[error("the mock document cannot be read: {0}")]
    Template(InvalidTemplate),
}

/// The command that brings a pipeline to what its document says.
///
/// # Errors
/// [`InvalidPipeline`].
pub fn command(
    realm: &RealmName,
    key: &PipelineKey,
    body: &PipelineBody,
) -> Result<Command, InvalidPipeline> {
    Ok(Command::SavePipeline {
        realm: realm.clone(),
        key: key.clone(),
        trigger: trigger(&body.trigger)?,
        handler: handler(&body.handler)?,
    })
}

fn trigger(document: &TriggerDocument) -> Result<Trigger, InvalidPipeline> {
    let external = match document.external {
        Some(stated) => stated,
        None if document.mtls => return Err(InvalidPipeline::ExternalNotStated),
        None => true,
    };
    let methods = match &document.methods {
        Some(methods) => MethodSet::of(methods.iter().map(|method| method.0))
            .map_err(InvalidPipeline::Trigger)?,
        None => MethodSet::ALL,
    };
    let headers = document
        .response_headers
        .iter()
        .map(|(name, value)| ResponseHeader::parse(name, value));
    Ok(Trigger {
        kind: kind(document)?,
        methods,
        timeout: TimeoutMs::new(document.timeout_ms.unwrap_or(TIMEOUT_MS_DEFAULT))
            .map_err(InvalidPipeline::Trigger)?,
        request_size: RequestSizeMb::new(document.request_size_mb.unwrap_or(REQUEST_MB_DEFAULT))
            .map_err(InvalidPipeline::Trigger)?,
        response_headers: headers
            .collect::<Result<_, _>>()
            .map_err(InvalidPipeline::Trigger)?,
        publication: Publication {
            external,
            internal: document.internal,
            mtls: document.mtls,
        },
        routes: document
            .routes
            .iter()
            .map(|route| route.0.clone())
            .collect(),
        client_rule: document.client_rule.as_ref().map(|rule| rule.0.clone()),
    })
}

fn kind(document: &TriggerDocument) -> Result<TriggerKind, InvalidPipeline> {
    let ranges = |given: &[Text<MediaRange>]| given.iter().map(|range| range.0.clone()).collect();
    let requests = document.request_content_types.as_deref();
    let responses = document.response_content_types.as_deref();
    match document.kind {
        TriggerWord::Rest => {
            let foreign = [
                ("request-content-types", requests.is_some()),
                ("response-content-types", responses.is_some()),
            ];
            match foreign.into_iter().find(|(_, given)| *given) {
                Some((key, _)) => Err(InvalidPipeline::TriggerKey { kind: "rest", key }),
                None => Ok(TriggerKind::Rest),
            }
        }
        TriggerWord::Http => Ok(TriggerKind::Http(ContentTypes {
            requests: requests.map(ranges).unwrap_or_default(),
            responses: match responses {
                Some(given) => ranges(given),
                None => vec![
                    MediaRange::parse(RESPONSE_TYPE_DEFAULT)
                        .map_err(|source| InvalidPipeline::Trigger(source.into()))?,
                ],
            },
        })),
    }
}

fn handler(document: &HandlerDocument) -> Result<Handler, InvalidPipeline> {
    let upstream_keys = [
        ("connection", document.connection.is_some()),
        (
            "readable-identity-headers",
            document.readable_identity_headers.is_some(),
        ),
        (
            "x-forwarded-client-cert",
            document.x_forwarded_client_cert.is_some(),
        ),
    ];
    let mock_keys = [
        ("document", document.document.is_some()),
        ("document-json", document.document_json.is_some()),
    ];
    let (handler, foreign): (&'static str, Vec<(&'static str, bool)>) = match document.kind {
        HandlerWord::Echo => ("echo", upstream_keys.into_iter().chain(mock_keys).collect()),
        HandlerWord::Mock => ("mock", upstream_keys.to_vec()),
        HandlerWord::Upstream => ("upstream", mock_keys.to_vec()),
    };
    if let Some((key, _)) = foreign.into_iter().find(|(_, given)| *given) {
        return Err(InvalidPipeline::HandlerKey { handler, key });
    }
    match document.kind {
        HandlerWord::Echo => Ok(Handler::Echo),
        HandlerWord::Mock => {
            let source = mock_document(document)?;
            JsonTemplate::parse(source)
                .map(Handler::Mock)
                .map_err(InvalidPipeline::Template)
        }
        HandlerWord::Upstream => {
            let lacks = InvalidPipeline::HandlerLacks {
                handler,
                key: "connection",
            };
            Ok(Handler::Upstream {
                connection: document.connection.as_ref().ok_or(lacks)?.0.clone(),
                identity_headers: IdentityHeaders {
                    readable: document.readable_identity_headers.unwrap_or(false),
                    forwarded_client_cert: document.x_forwarded_client_cert.unwrap_or(false),
                },
            })
        }
    }
}

fn mock_document(document: &HandlerDocument) -> Result<Value, InvalidPipeline> {
    match (&document.document, &document.document_json) {
        (Some(_), Some(_)) => Err(InvalidPipeline::DocumentTwice),
        (Some(value), None) => Ok(with_dates_as_text(value)),
        (None, Some(text)) => {
            serde_json::from_str(text).map_err(|error| InvalidPipeline::DocumentJson {
                line: error.line(),
                column: error.column(),
            })
        }
        (None, None) => Err(InvalidPipeline::HandlerLacks {
            handler: "mock",
            key: "document",
        }),
    }
}

/// TOML has dates, JSON has none: they become their text.
fn with_dates_as_text(value: &Value) -> Value {
    match value {
        Value::Object(entries) => match entries.get(TOML_DATE) {
            Some(Value::String(date)) if entries.len() == 1 => Value::String(date.clone()),
            _ => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), with_dates_as_text(value)))
                    .collect(),
            ),
        },
        Value::Array(items) => Value::Array(items.iter().map(with_dates_as_text).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// A pipeline as its document: what a `PUT` of it would leave unchanged.
pub fn document(pipeline: &Pipeline) -> PipelineBody {
    let trigger = &pipeline.trigger;
    let headers = trigger.response_headers.iter();
    let types = trigger.kind.content_types();
    let ranges = |of: &[MediaRange]| of.iter().cloned().map(Text).collect();
    let blank = HandlerDocument {
        kind: HandlerWord::Echo,
        document: None,
        document_json: None,
        connection: None,
        readable_identity_headers: None,
        x_forwarded_client_cert: None,
    };
    PipelineBody {
        trigger: TriggerDocument {
            kind: match trigger.kind {
                TriggerKind::Rest => TriggerWord::Rest,
                TriggerKind::Http(_) => TriggerWord::Http,
            },
            request_content_types: types
                .filter(|types| !types.requests.is_empty())
                .map(|types| ranges(&types.requests)),
            response_content_types: types.map(|types| ranges(&types.responses)),
            methods: Some(trigger.methods.iter().map(Text).collect()),
            timeout_ms: Some(trigger.timeout.millis()),
            request_size_mb: Some(trigger.request_size.megabytes()),
            external: Some(trigger.publication.external),
            internal: trigger.publication.internal,
            mtls: trigger.publication.mtls,
            routes: trigger.routes.iter().cloned().map(Text).collect(),
            client_rule: trigger.client_rule.clone().map(Text),
            response_headers: headers
                .map(|of| (of.name.clone(), of.value.source().to_owned()))
                .collect(),
        },
        handler: match &pipeline.handler {
            Handler::Echo => blank,
            Handler::Mock(template) => HandlerDocument {
                kind: HandlerWord::Mock,
                document: Some(template.source()),
                ..blank
            },
            Handler::Upstream {
                connection,
                identity_headers,
            } => HandlerDocument {
                kind: HandlerWord::Upstream,
                connection: Some(Text(connection.clone())),
                readable_identity_headers: Some(identity_headers.readable),
                x_forwarded_client_cert: Some(identity_headers.forwarded_client_cert),
                ..blank
            },
        },
    }
}

#[cfg(test)]
mod tests;
