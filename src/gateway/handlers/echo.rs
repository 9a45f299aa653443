//! Answers with the message: for trying things out.

use http::Response;

use crate::domain::template::Scope;
use crate::gateway::answer::Source;
use crate::gateway::policy::Permit;
use crate::gateway::reply;

/// The message, as JSON.
pub fn answer(_permit: &Permit, scope: &Scope) -> Response<Source> {
    reply::json(&scope.message).map(Source::from)
}
