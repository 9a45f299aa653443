//! Answers with a document, in which expressions stand for parts of the call.

use http::Response;

use crate::domain::template::{JsonTemplate, Scope};
use crate::gateway::answer::Source;
use crate::gateway::policy::Permit;
use crate::gateway::refusal::Refusal;
use crate::gateway::reply;

/// The answer that the document yields for this call.
///
/// # Errors
/// [`Refusal::Answer`] where it yields one that cannot be sent.
pub fn answer(
    permit: &Permit,
    document: &JsonTemplate,
    scope: &Scope,
) -> Result<Response<Source>, Refusal> {
    let answer = reply::interpret(&document.render(scope)).map_err(|invalid| {
        let deployed = permit.deployed();
        tracing::warn!(
            realm = %deployed.realm,
            environment = %deployed.environment,
            pipeline = %deployed.key,
            revision = deployed.revision,
            requestId = permit.request_id().as_str(),
            "a mock's document yielded an answer that cannot be sent: {invalid}"
        );
        Refusal::Answer(invalid)
    })?;
    Ok(answer.map(Source::from))
}
