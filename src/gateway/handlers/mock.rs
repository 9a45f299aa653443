//! Answers with a document, in which expressions stand for parts of the call.

use http::Response;

use crate::domain::template::{JsonTemplate, Scope, TooLong};
use crate::gateway::answer::Source;
use crate::gateway::policy::Permit;
use crate::gateway::refusal::Refusal;
use crate::gateway::reply::{self, InvalidAnswer};

/// The most that a document may yield, in bytes of memory: rendering it holds up its worker, and other realms' calls
/// there, for as long as it takes.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// The answer that the document yields for this call.
///
/// # Errors
/// [`Refusal::Answer`] where it yields one that cannot be sent.
pub fn answer(
    permit: &Permit,
    document: &JsonTemplate,
    scope: &Scope,
) -> Result<Response<Source>, Refusal> {
    let rendered = document
        .render(scope, ANSWER_BYTES_MAX)
        .map_err(|TooLong| InvalidAnswer::TooLong);
    let answer = rendered.and_then(|value| reply::interpret(&value));
    let answer = answer.map_err(|invalid| {
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
