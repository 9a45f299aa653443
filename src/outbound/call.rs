//! One call: a connection, the request out, the answer in.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::outbound::body::UpstreamBody;
use crate::outbound::budget::Slot;
use crate::outbound::error::{Bound, OutboundError};
use crate::outbound::link::{Failed, Link};
use crate::outbound::outgoing::Outgoing;
use crate::outbound::pool::Pools;
use crate::outbound::tls_failure::TlsFailure;
use crate::snapshot::client_tls::Target;

impl<B> Pools<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Sends `request` to `target` and returns the answer as soon as its head is there, be it before the request's body
    /// is sent. The request has the path (origin form), `Host` and headers that the upstream is to see. How long the
    /// head may take is the caller's affair: dropping the future cuts the connection.
    ///
    /// A pooled connection can turn out to have been closed meanwhile. Then the request is sent once more, on a new
    /// connection, if not a byte of it was sent, or if it is idempotent and without body and no byte of an answer came
    /// (RFC 9110 §9.2.2). Nothing else is tried twice.
    ///
    /// # Errors
    /// [`OutboundError`].
    pub async fn call(
        &self,
        target: &Target,
        mut request: Request<B>,
    ) -> Result<Response<UpstreamBody<B>>, OutboundError> {
        *request.version_mut() = Version::HTTP_11;
        let request = request.map(Outgoing::new);
        let mut link = match self.shard().take(target.id) {
            Some(link) => link,
            None => Box::pin(self.obtain(target, Reuse::Welcome)).await?,
        };
        let second_try = SecondTry::of(&link, &request);
        match link.exchange(request).await {
            Ok(answer) => self.answer(target, answer, link),
            Err(failed) => {
                drop(link);
                Box::pin(self.call_again(target, failed, second_try)).await
            }
        }
    }

    /// What follows on a call that failed: the same once more on a new connection, where that is right, or the error.
    async fn call_again(
        &self,
        target: &Target,
        failed: Failed<B>,
        second_try: SecondTry,
    ) -> Result<Response<UpstreamBody<B>>, OutboundError> {
        let request = match (second_try, failed.unsent) {
            (SecondTry::IfUnsent | SecondTry::With(_), Some(request)) => request,
            (SecondTry::With(copy), None) if !failed.answered => copy.into_request(),
            _ => return Err(told(target, failed.error)),
        };
        let mut link = self.obtain(target, Reuse::No).await?;
        match link.exchange(request).await {
            Ok(answer) => self.answer(target, answer, link),
            Err(failed) => Err(told(target, failed.error)),
        }
    }

    fn answer(
        &self,
        target: &Target,
        answer: Response<Incoming>,
        link: Link<B>,
    ) -> Result<Response<UpstreamBody<B>>, OutboundError> {
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(OutboundError::SwitchedProtocols {
                host: target.url.host().into(),
            });
        }
        Ok(answer.map(|incoming| UpstreamBody::new(incoming, link, self.shard())))
    }

    /// A connection to `target`: a new one, or, where there is no room for one, what becomes free first.
    async fn obtain(&self, target: &Target, reuse: Reuse) -> Result<Link<B>, OutboundError> {
        let slot = match self.budget().reserve(target.id) {
            Ok(slot) => slot,
            Err(bound) => match self.wait(target, bound, reuse).await? {
                Obtained::Link(link) => return Ok(link),
                Obtained::Slot(slot) => slot,
            },
        };
        Link::open(target, self.guard(), self.limits(), slot).await
    }

    /// Waits until there is room for a connection, or, where that is as good, one has become idle.
    async fn wait(
        &self,
        target: &Target,
        mut bound: Bound,
        reuse: Reuse,
    ) -> Result<Obtained<B>, OutboundError> {
        let turn = self
            .budget()
            .wait(target.id)
            .map_err(|bound| OutboundError::Overload { bound })?;
        let looking = async {
            loop {
                if reuse == Reuse::Welcome
                    && let Some(link) = self.take_anywhere(target.id)
                {
                    return Obtained::Link(link);
                }
                match self.budget().reserve(target.id) {
                    Ok(slot) => return Obtained::Slot(slot),
                    Err(against) => bound = against,
                }
                if let Bound::Process { .. } = bound {
                    self.evict();
                }
                turn.changed(bound).await;
            }
        };
        let wait = Duration::from_millis(u64::from(self.limits().wait_timeout_ms));
        let obtained = timeout(wait, looking).await;
        obtained.map_err(|_| OutboundError::Overload { bound })
    }
}

/// Whether a connection that was used before will do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reuse {
    Welcome,
    No,
}

enum Obtained<B> {
    Link(Link<B>),
    Slot(Slot),
}

/// Whether a request may be sent a second time if it fails.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack for one call; a box would cost every call an allocation"
)]
enum SecondTry {
    /// On a new connection, nothing tells that it would fare better.
    Never,
    /// Where not a byte of it was sent.
    IfUnsent,
    /// Also where not a byte of an answer came.
    With(Copy),
}

/// All there is to an idempotent request without body.
struct Copy {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl SecondTry {
    fn of<B>(link: &Link<B>, request: &Request<Outgoing<B>>) -> Self {
        if !link.is_used() {
            return Self::Never;
        }
        if !request.body().is_none() || !request.method().is_idempotent() {
            return Self::IfUnsent;
        }
        Self::With(Copy {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
        })
    }
}

impl Copy {
    fn into_request<B>(self) -> Request<Outgoing<B>> {
        let mut request = Request::new(Outgoing::none());
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        request
    }
}

fn told(target: &Target, source: hyper::Error) -> OutboundError {
    let host = target.url.host().into();
    if source.is_user() {
        return OutboundError::RequestBody { source };
    }
    match TlsFailure::found_in(&source) {
        Some(failure) => OutboundError::Tls { host, failure },
        None => OutboundError::Broke { host, source },
    }
}

#[cfg(test)]
mod tests;
