//! A request, from its head to its answer.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, HeaderName};
use http::{HeaderValue, Request, Response};
use http_body::Body;
use hyper::body::Incoming;

use crate::domain::template::Scope;
use crate::flaw::{Flaw, planted};
use crate::gateway::answer::{AnswerBody, Source};
use crate::gateway::call::Call;
use crate::gateway::content;
use crate::gateway::handlers::{echo, mock, upstream};
use crate::gateway::in_flight;
use crate::gateway::lingering::Lingering;
use crate::gateway::message;
use crate::gateway::peer::{Peer, Protocol};
use crate::gateway::policy::{self, Permit};
use crate::gateway::refusal::Refusal;
use crate::gateway::request_body::RequestBody;
use crate::gateway::response_headers;
use crate::gateway::worker::Worker;
use crate::snapshot::route::CompiledHandler;

/// Tells the caller the call's identifier.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers a request. Never fails: what goes wrong is an answer too. However it ends, dropping the future and dropping
/// the answer included, one access record tells of it.
pub async fn serve(
    worker: &Arc<Worker>,
    peer: &Arc<Peer>,
    request: Request<Incoming>,
) -> Response<AnswerBody> {
    let mut call = Box::new(Call::begin(worker, peer, &request));
    let brings_body = !request.body().is_end_stream();
    let answer = match attempt(&mut call, request).await {
        Ok(answer) => answer,
        Err(refusal) => refused(&mut call, &refusal, brings_body),
    };
    let (mut head, mut source) = answer.into_parts();
    if call.is_head() {
        source.leave_out(&mut head.headers);
    }
    head.headers.insert(REQUEST_ID, call.id().header_value());
    call.answered(head.status.as_u16());
    Response::from_parts(head, AnswerBody::new(source, call))
}

async fn attempt(call: &mut Call, request: Request<Incoming>) -> Result<Response<Source>, Refusal> {
    let (mut head, incoming) = request.into_parts();
    let incoming = Lingering::new(incoming, call.peer().tls.protocol, &call.worker().limits);
    // Before anything else is looked at: whatever is asked for, this is the answer.
    if let Some(explained) = call.peer().explained()
        && !planted(Flaw::Explain)
    {
        return Err(Refusal::Explained(Arc::clone(explained)));
    }
    let brings_body = !incoming.is_end_stream();
    let permit = policy::admit(call, &mut head, brings_body)?;
    let body = RequestBody::new(incoming, permit.deployed().trigger.request_size.bytes())?;
    call.brings(body.meter());
    let call = &*call;
    let flight = call.flight().map(|flight| &**flight);
    let handled = pin!(handle(call, &permit, head, body));
    in_flight::unless_cut(flight, handled).await?
}

async fn handle(
    call: &Call,
    permit: &Permit,
    head: http::request::Parts,
    body: RequestBody,
) -> Result<Response<Source>, Refusal> {
    let idle = Duration::from_millis(u64::from(call.worker().limits.body_idle_timeout_ms));
    let deployed = Arc::clone(permit.deployed());
    let limits = &call.worker().limits;
    let total = Duration::from_millis(u64::from(limits.gather_timeout_ms));
    // Held until the answer is made: the message is made of the body.
    let mut share = call
        .worker()
        .chores
        .gathered()
        .share(&deployed.realm, limits.gathered_bytes_max);
    let added = &deployed.response_headers;
    let (mut answer, scope) = match &deployed.handler {
        CompiledHandler::Echo => {
            let body = body.gather(idle, total, &mut share).await?;
            call.may_go_on()?;
            let scope = scope(permit, &head, &body)?;
            (echo::answer(permit, &scope), Some(scope))
        }
        CompiledHandler::Mock(document) => {
            let body = body.gather(idle, total, &mut share).await?;
            call.may_go_on()?;
            let scope = scope(permit, &head, &body)?;
            (mock::answer(permit, document, &scope)?, Some(scope))
        }
        CompiledHandler::Upstream {
            target,
            identity_headers,
        } => {
            let scope = if response_headers::need_scope(added) {
                Some(scope(permit, &head, b"")?)
            } else {
                None
            };
            let way = upstream::Way {
                target,
                identity_headers: *identity_headers,
                idle,
            };
            (
                upstream::pass_on(call, permit, way, head, body).await?,
                scope,
            )
        }
    };
    content::check_answer(
        &deployed,
        answer.headers(),
        !answer.body().is_end_stream(),
        permit.request_id(),
    )?;
    response_headers::add(added, scope.as_ref(), answer.headers_mut());
    Ok(answer)
}

fn scope(permit: &Permit, head: &http::request::Parts, body: &[u8]) -> Result<Scope, Refusal> {
    // What does not fit into a message is more than the trigger was made for.
    message::scope(permit, head.uri.query(), &head.headers, body).map_err(|_| Refusal::BodyTooLarge)
}

fn refused(call: &mut Call, refusal: &Refusal, brings_body: bool) -> Response<Source> {
    call.refused(refusal);
    let mut answer = refusal.answer(call.id()).map(Source::from);
    // A body that nobody will read stands between this request and the next.
    let ends = refusal.ends_the_connection();
    if (ends || brings_body) && call.peer().tls.protocol == Protocol::H1 {
        answer
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if ends {
        call.peer().dismiss();
    }
    answer
}

#[cfg(test)]
mod tests;
