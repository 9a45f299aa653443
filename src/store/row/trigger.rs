//! A trigger inside the row of its pipeline. Its values are stored as they were written and parsed again on load.

use serde::{Deserialize, Serialize};

use crate::domain::media_type::MediaRange;
use crate::domain::trigger::{
    ContentTypes, InvalidTrigger, Method, MethodSet, Publication, RequestSizeMb, ResponseHeader,
    RoutePattern, TimeoutMs, Trigger, TriggerKind,
};
use crate::rule::client_rule::ClientRule;
use crate::store::row::codec::RowError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TriggerV1<'a> {
    #[serde(borrow)]
    methods: Vec<&'a str>,
    timeout_ms: u32,
    request_mb: u32,
    #[serde(borrow)]
    response_headers: Vec<(&'a str, &'a str)>,
    external: bool,
    internal: bool,
    mtls: bool,
    #[serde(borrow)]
    routes: Vec<&'a str>,
    /// Not there in rows that were written before there were client rules.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    client_rule: Option<&'a str>,
    /// There in rows of triggers of type http only.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    http: Option<HttpV1<'a>>,
}

/// What only a trigger of type http has.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpV1<'a> {
    #[serde(borrow)]
    requests: Vec<&'a str>,
    #[serde(borrow)]
    responses: Vec<&'a str>,
}

impl<'a> From<&'a Trigger> for TriggerV1<'a> {
    fn from(trigger: &'a Trigger) -> Self {
        let headers = trigger.response_headers.iter();
        Self {
            methods: trigger.methods.iter().map(Method::as_str).collect(),
            timeout_ms: trigger.timeout.millis(),
            request_mb: trigger.request_size.megabytes(),
            response_headers: headers
                .map(|header| (header.name.as_str(), header.value.source()))
                .collect(),
            external: trigger.publication.external,
            internal: trigger.publication.internal,
            mtls: trigger.publication.mtls,
            routes: trigger.routes.iter().map(RoutePattern::as_str).collect(),
            client_rule: trigger.client_rule.as_ref().map(ClientRule::as_str),
            http: trigger.kind.content_types().map(HttpV1::from),
        }
    }
}

impl<'a> From<&'a ContentTypes> for HttpV1<'a> {
    fn from(types: &'a ContentTypes) -> Self {
        Self {
            requests: types.requests.iter().map(MediaRange::as_str).collect(),
            responses: types.responses.iter().map(MediaRange::as_str).collect(),
        }
    }
}

impl TryFrom<HttpV1<'_>> for ContentTypes {
    type Error = RowError;

    fn try_from(row: HttpV1<'_>) -> Result<Self, RowError> {
        let read = |types: Vec<&str>| {
            let ranges = types.into_iter().map(MediaRange::parse);
            ranges
                .collect::<Result<_, _>>()
                .map_err(InvalidTrigger::MediaRange)
        };
        Ok(Self {
            requests: read(row.requests)?,
            responses: read(row.responses)?,
        })
    }
}

impl TryFrom<TriggerV1<'_>> for Trigger {
    type Error = RowError;

    fn try_from(row: TriggerV1<'_>) -> Result<Self, RowError> {
        let methods = row
            .methods
            .into_iter()
            .map(Method::parse)
            .collect::<Result<Vec<_>, _>>()?;
        let headers = row.response_headers.into_iter();
        let http = row.http.map(ContentTypes::try_from).transpose()?;
        Ok(Self {
            kind: http.map_or(TriggerKind::Rest, TriggerKind::Http),
            methods: MethodSet::of(methods)?,
            timeout: TimeoutMs::new(row.timeout_ms)?,
            request_size: RequestSizeMb::new(row.request_mb)?,
            response_headers: headers
                .map(|(name, value)| ResponseHeader::parse(name, value))
                .collect::<Result<_, _>>()?,
            publication: Publication {
                external: row.external,
                internal: row.internal,
                mtls: row.mtls,
            },
            routes: row
                .routes
                .into_iter()
                .map(RoutePattern::parse)
                .collect::<Result<_, _>>()?,
            client_rule: row.client_rule.map(ClientRule::parse).transpose()?,
        })
    }
}
