//! Passes a call on to its realm's target and streams the answer back: neither body is ever gathered.
//!
//! The target sees its own base path and what the call's path has behind `/pipeline/{realm}/v{major}/{pipeline}`, the
//! query as it was sent, its own name in `Host`, where the call came from (`Forwarded`, `X-Forwarded-*`), who the client
//! is, and the call's identifier in `X-Request-Id`.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri, header};

use crate::domain::pipeline::IdentityHeaders;
use crate::gateway::answer::Source;
use crate::gateway::call::Call;
use crate::gateway::exchange::REQUEST_ID;
use crate::gateway::meter::{BodyState, Meter, Patience};
use crate::gateway::path::AmbiguousPath;
use crate::gateway::peer::{Peer, Protocol};
use crate::gateway::policy::Permit;
use crate::gateway::refusal::Refusal;
use crate::gateway::request_body::RequestBody;
use crate::gateway::{client, headers};
use crate::outbound::error::OutboundError;
use crate::snapshot::client_tls::Target;

/// Where a call is passed on to, and how.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    /// Where to.
    pub target: &'a Arc<Target>,
    /// Which identity headers it gets besides the standard ones.
    pub identity_headers: IdentityHeaders,
    /// How long a body may stand still.
    pub idle: Duration,
}

/// Passes a call on; the answer is there as soon as its head is.
///
/// # Errors
/// [`Refusal`] where there is no answer's head in time.
pub async fn pass_on(
    call: &Call,
    permit: &Permit,
    way: Way<'_>,
    head: Parts,
    body: RequestBody,
) -> Result<Response<Source>, Refusal> {
    let meter = body.meter().cloned();
    let meter = meter.as_deref();
    let timeout = Duration::from_millis(u64::from(permit.deployed().trigger.timeout.millis()));
    let request = Request::from_parts(outgoing(call.peer(), permit, way, head)?, body);
    let answer = pin!(call.worker().pools.call(way.target, request));
    let answer = within(answer, meter, timeout, way.idle).await?;
    let answer = answer.map_err(|error| explain(permit, way.target, &error, meter))?;
    let (mut head, body) = answer.into_parts();
    headers::remove_hop_by_hop(&mut head.headers);
    Ok(Response::from_parts(head, Source::streamed(body, way.idle)))
}

/// How many fields a request gets on its way, about.
const FIELDS_ADDED: usize = 20;

/// The head of the request as the target gets it.
fn outgoing(peer: &Peer, permit: &Permit, way: Way<'_>, mut head: Parts) -> Result<Parts, Refusal> {
    let fields = &mut head.headers;
    // Once, instead of step by step while they come.
    fields.reserve(FIELDS_ADDED);
    let trailers = peer.tls.protocol == Protocol::H2 || headers::takes_trailers(fields);
    headers::remove_hop_by_hop(fields);
    headers::join_cookies(fields);
    // The gateway itself answers the expectation, when it begins to read the body.
    fields.remove(header::EXPECT);
    fields.insert(header::HOST, way.target.authority.clone());
    peer.tell_forwarding(permit.port(), fields);
    client::introduce(permit.client(), way.identity_headers, fields);
    fields.insert(REQUEST_ID, permit.request_id().header_value());
    if trailers {
        fields.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    head.uri = address(permit, way.target, head.uri.query())?;
    Ok(head)
}

/// What the target is asked for.
fn address(permit: &Permit, target: &Target, query: Option<&str>) -> Result<Uri, Refusal> {
    let base = target.url.path();
    let remainder = permit
        .path()
        .as_str()
        .strip_prefix(&permit.deployed().base_path)
        .unwrap_or_default();
    let query = query.unwrap_or_default();
    let length = base
        .len()
        .saturating_add(remainder.len())
        .saturating_add(query.len())
        .saturating_add(2);
    let mut text = String::with_capacity(length);
    text.push_str(base);
    text.push_str(remainder);
    if text.is_empty() {
        text.push('/');
    }
    if !query.is_empty() {
        text.push('?');
        text.push_str(query);
    }
    // Both parts were read as parts of a URI before; only their sum could be too long for one.
    PathAndQuery::from_maybe_shared(Bytes::from(text))
        .map(Uri::from)
        .map_err(|_| Refusal::Path(AmbiguousPath::TargetTooLong))
}

/// Waits for an answer's head: `timeout` from the last byte of the request, or from its head where it has no body; while
/// its body is on the way, as long as it does not stand still for `idle`.
async fn within<F: Future>(
    mut answer: Pin<&mut F>,
    meter: Option<&Meter>,
    timeout: Duration,
    idle: Duration,
) -> Result<F::Output, Refusal> {
    let Some(meter) = meter else {
        return tokio::time::timeout(timeout, answer)
            .await
            .map_err(|_| Refusal::Timeout);
    };
    loop {
        match meter.patience(timeout, idle) {
            Patience::Wait(left) => {
                if let Ok(answer) = tokio::time::timeout(left, answer.as_mut()).await {
                    return Ok(answer);
                }
            }
            Patience::Over(refusal) => return Err(refusal),
        }
    }
}

/// Why there is no answer, for the caller; the story goes to the log.
fn explain(
    permit: &Permit,
    target: &Target,
    error: &OutboundError,
    meter: Option<&Meter>,
) -> Refusal {
    // Where the request's body failed, the target's trouble is but a consequence.
    match meter.map(Meter::state) {
        Some(BodyState::TooLarge) => return Refusal::BodyTooLarge,
        Some(BodyState::Broken) => return Refusal::BodyBroken,
        Some(BodyState::Flowing | BodyState::Complete) | None => {}
    }
    let refusal = match error {
        OutboundError::Resolve { .. }
        | OutboundError::NoAddress { .. }
        | OutboundError::NotAllowed { .. }
        | OutboundError::Connect { .. } => Refusal::UpstreamConnect,
        OutboundError::ConnectTimeout { .. } => Refusal::UpstreamConnectTimeout,
        OutboundError::Tls { .. } => Refusal::UpstreamTls,
        OutboundError::Overload { .. } => Refusal::Overload,
        OutboundError::RequestBody { .. } => Refusal::BodyBroken,
        OutboundError::Broke { .. }
        | OutboundError::BodyBroke { .. }
        | OutboundError::SwitchedProtocols { .. } => Refusal::UpstreamBroke,
    };
    let deployed = permit.deployed();
    tracing::warn!(
        realm = %deployed.realm,
        environment = %deployed.environment,
        pipeline = %deployed.key,
        revision = deployed.revision,
        connection = %target.connection,
        requestId = permit.request_id().as_str(),
        reason = refusal.reason().as_str(),
        "a call could not be passed on: {error}"
    );
    refusal
}

#[cfg(test)]
mod tests;
