//! Is the content of a request, or of its answer, of a type that the trigger admits?

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};

use crate::domain::media_type::MediaRange;
use crate::gateway::refusal::Refusal;
use crate::gateway::reply::InvalidAnswer;
use crate::gateway::request_id::RequestId;
use crate::snapshot::route::Deployed;

/// Holds a request that brings a body to the trigger's content types.
///
/// Without `Content-Type` it is of no type that is known, so only a trigger that admits all types takes it. Two types
/// are none: whoever serves the request might go by the other.
///
/// # Errors
/// [`Refusal::UnsupportedMediaType`].
pub fn check_request(deployed: &Deployed, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(types) = deployed.trigger.kind.content_types() else {
        return Ok(());
    };
    if types.requests.is_empty() || stated(headers).is_some_and(|of| lies_in(&types.requests, of)) {
        Ok(())
    } else {
        Err(Refusal::UnsupportedMediaType {
            accept: deployed.accept.clone(),
        })
    }
}

/// Holds a handler's answer to the trigger's content types; `has_body` is whether it brings any content.
///
/// # Errors
/// [`Refusal::Answer`].
pub fn check_answer(
    deployed: &Deployed,
    headers: &HeaderMap,
    has_body: bool,
    id: RequestId,
) -> Result<(), Refusal> {
    let Some(types) = deployed.trigger.kind.content_types() else {
        return Ok(());
    };
    let silent = !has_body && !headers.contains_key(CONTENT_TYPE);
    if silent || stated(headers).is_some_and(|of| lies_in(&types.responses, of)) {
        return Ok(());
    }
    tracing::warn!(
        realm = %deployed.realm,
        environment = %deployed.environment,
        pipeline = %deployed.key,
        revision = deployed.revision,
        requestId = id.as_str(),
        contentType = ?headers.get(CONTENT_TYPE),
        "a handler's answer is of a content type that the trigger does not admit: it became a 500"
    );
    Err(Refusal::Answer(InvalidAnswer::ForeignContentType))
}

/// The one value of `Content-Type`.
fn stated(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    values.next().filter(|_| values.next().is_none())
}

fn lies_in(ranges: &[MediaRange], content_type: &HeaderValue) -> bool {
    content_type
        .to_str()
        .is_ok_and(|text| ranges.iter().any(|range| range.takes(text)))
}
