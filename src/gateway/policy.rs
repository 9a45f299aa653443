//! May this call be made? Everything that is asked of a call's head, in one order, ends here in a [`Permit`].

use std::sync::Arc;

use http::header::{Entry, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use percent_encoding::percent_decode_str;

use crate::domain::environment::Gateway;
use crate::domain::trigger;
use crate::flaw::{Flaw, planted};
use crate::gateway::call::Call;
use crate::gateway::client::Client;
use crate::gateway::entitlement;
use crate::gateway::path::{AmbiguousPath, CanonicalPath};
use crate::gateway::refusal::Refusal;
use crate::gateway::request_id::RequestId;
use crate::gateway::{authority, client_rule, content, headers, seen};
use crate::snapshot::route::{CompiledHandler, Deployed};

/// A call that may be made. Handlers ask for it; only [`admit`] makes one.
pub struct Permit {
    deployed: Arc<Deployed>,
    gateway: Gateway,
    port: Option<u16>,
    method: Method,
    path: CanonicalPath,
    parameters: Vec<(String, String)>,
    client: Option<Arc<Client>>,
    request_id: RequestId,
}

impl Permit {
    /// The pipeline that is called.
    pub const fn deployed(&self) -> &Arc<Deployed> {
        &self.deployed
    }

    /// The gateway that the call came in by.
    pub const fn gateway(&self) -> Gateway {
        self.gateway
    }

    /// The port that the client named, where it named one.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The method.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The path.
    pub const fn path(&self) -> &CanonicalPath {
        &self.path
    }

    /// The route's parameters, percent-decoded.
    pub fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// The client, on the mtls gateway.
    pub fn client(&self) -> Option<&Client> {
        self.client.as_deref()
    }

    /// The call's identifier.
    pub const fn request_id(&self) -> RequestId {
        self.request_id
    }
}

/// What a 405 to CONNECT offers instead: it is no request for a path, so no trigger has a say.
const EVERY_METHOD: HeaderValue =
    HeaderValue::from_static("POST, PUT, GET, PATCH, DELETE, OPTIONS, HEAD");

/// Decides on a call by its head, and takes out of the head what only the gateway may say. `brings_body` is whether there
/// is any content.
///
/// # Errors
/// [`Refusal`]. Of several, the first in this order: size of the head, authority, path, entitlement, route, gateway, method,
/// client rule, content type.
pub fn admit(call: &mut Call, head: &mut Parts, brings_body: bool) -> Result<Permit, Refusal> {
    if head_bytes(head) > call.worker().limits.header_bytes_max as usize {
        return Err(Refusal::HeadTooLarge);
    }
    let port = match authority::check(head.version, &head.uri, &head.headers, &call.peer().host) {
        Ok(port) => port,
        Err(_) if planted(Flaw::Authority) => None,
        Err(wrong) => return Err(Refusal::Authority(wrong)),
    };
    if !is_plainly_framed(&head.headers) {
        return Err(Refusal::BodyBroken);
    }
    name_host(head);
    if head.method == Method::CONNECT {
        return Err(Refusal::MethodNotAllowed {
            allow: EVERY_METHOD,
        });
    }
    let sent = head
        .uri
        .path_and_query()
        .ok_or(Refusal::Path(AmbiguousPath::NotAbsolute))?;
    let path = CanonicalPath::of(sent).map_err(Refusal::Path)?;
    call.leads_to(path.clone());
    let worker = Arc::clone(call.worker());
    let peer = Arc::clone(call.peer());
    // Asked once, and not held beyond this decision.
    let snapshot = worker.live.load();
    let entitled = entitlement::entitle(&snapshot, &peer, &path, call.at())?;
    seen::called(&worker, &peer, &entitled, call.at());
    call.enters(entitled.realm, entitled.client.as_ref());
    let found = entitled
        .environment
        .routes
        .find(path.as_str())
        .ok_or(Refusal::NotFound)?;
    let gateway = peer.place.gateway();
    let deployed = Arc::clone(found.deployed);
    if !deployed.trigger.publication.on(gateway) && !planted(Flaw::SecondDoor) {
        return Err(Refusal::NotFound);
    }
    call.calls(&deployed);
    if !is_admitted(&head.method, &deployed) {
        return Err(Refusal::MethodNotAllowed {
            allow: deployed.allow.clone(),
        });
    }
    if let Some(client) = &entitled.client {
        client_rule::check(&peer, &deployed, client)?;
    }
    if brings_body {
        content::check_request(&deployed, &head.headers)?;
    }
    let parameters = found
        .parameters
        .iter()
        .map(|(name, value)| (name.to_owned(), decoded(value)));
    let parameters = if wants_parameters(&deployed) {
        parameters.collect()
    } else {
        Vec::new()
    };
    if !planted(Flaw::Headers) {
        headers::remove_reserved(&mut head.headers);
    }
    Ok(Permit {
        deployed,
        gateway,
        port,
        method: head.method.clone(),
        path,
        parameters,
        client: entitled.client,
        request_id: call.id(),
    })
}

/// hyper would read `gzip, chunked` like `chunked`, and so hand on a body whose coding nobody knows any more.
fn is_plainly_framed(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(one), None) => one.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// HTTP/2 names the host in the target: handlers find it where HTTP/1.1 has it.
fn name_host(head: &mut Parts) {
    if let (Entry::Vacant(host), Some(authority)) = (head.headers.entry(HOST), head.uri.authority())
    {
        // What is an authority is visible ASCII.
        if let Ok(value) = HeaderValue::from_str(authority.as_str()) {
            host.insert(value);
        }
    }
}

/// What the head takes on the wire in HTTP/1.1, within a few bytes: hyper's own bound is coarser than the setting.
fn head_bytes(head: &Parts) -> usize {
    let fields = head.headers.iter().map(|(name, value)| {
        let text = name.as_str().len().saturating_add(value.len());
        text.saturating_add(": \r\n".len())
    });
    let target = head
        .uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    fields.fold(target, usize::saturating_add)
}

/// HEAD is admitted with GET (RFC 9110, 9.3.2).
fn is_admitted(method: &Method, deployed: &Deployed) -> bool {
    let asked = match *method {
        Method::POST => trigger::Method::Post,
        Method::PUT => trigger::Method::Put,
        Method::GET | Method::HEAD => trigger::Method::Get,
        Method::PATCH => trigger::Method::Patch,
        Method::DELETE => trigger::Method::Delete,
        Method::OPTIONS => trigger::Method::Options,
        _ => return false,
    };
    deployed.trigger.methods.contains(asked)
}

/// Whether anything will look at the route's parameters.
fn wants_parameters(deployed: &Deployed) -> bool {
    match &deployed.handler {
        CompiledHandler::Echo | CompiledHandler::Mock(_) => true,
        CompiledHandler::Upstream { .. } => {
            crate::gateway::response_headers::need_scope(&deployed.response_headers)
        }
    }
}

fn decoded(value: &str) -> String {
    percent_decode_str(value).decode_utf8_lossy().into_owned()
}
