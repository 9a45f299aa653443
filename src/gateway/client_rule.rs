//! Client rules: which of the clients that a realm trusts may call a pipeline.
//!
//! A rule is a pure function of the client, so its answer is kept: by the connection, so that its next call costs next
//! to nothing, and by what is deployed, for clients that come again. What is deployed anew, or a client that is judged by
//! other anchors, is another question.

use std::sync::{Arc, PoisonError, Weak};

use crate::flaw::{Flaw, planted};
use crate::gateway::client::Client;
use crate::gateway::peer::Peer;
use crate::gateway::refusal::Refusal;
use crate::snapshot::route::Deployed;
use crate::trust::judge::Verified;

/// How many answers one connection keeps. Beyond it the longest known pipeline's rule is asked anew.
const ANSWERS_MAX: usize = 8;

/// What the rules of deployed pipelines said of one connection's client when they were last asked.
#[derive(Debug, Default)]
pub struct Answers(Vec<Answer>);

#[derive(Debug)]
struct Answer {
    /// Both are held weakly: once replaced they cost little memory, and nothing later can be mistaken for them.
    deployed: Weak<Deployed>,
    client: Weak<Verified>,
    /// Why the client is kept out.
    refused: Option<Arc<str>>,
}

impl Answer {
    fn is_of(&self, deployed: &Arc<Deployed>, client: &Arc<Verified>) -> bool {
        std::ptr::eq(self.deployed.as_ptr(), Arc::as_ptr(deployed))
            && std::ptr::eq(self.client.as_ptr(), Arc::as_ptr(client))
    }
}

/// Whether the rule of what is deployed, where it has one, lets the client in.
///
/// # Errors
/// [`Refusal::ClientRule`].
pub(crate) fn check(
    peer: &Peer,
    deployed: &Arc<Deployed>,
    client: &Arc<Client>,
) -> Result<(), Refusal> {
    let Some(rule) = &deployed.trigger.client_rule else {
        return Ok(());
    };
    if planted(Flaw::Rules) {
        return Ok(());
    }
    let answers = peer.answers();
    let mut known = answers.lock().unwrap_or_else(PoisonError::into_inner);
    let refused = match known
        .0
        .iter()
        .find(|one| one.is_of(deployed, client.verified()))
    {
        Some(answer) => answer.refused.clone(),
        None => {
            let answers = &deployed.rule_answers;
            let refused = answers.objection(rule, &deployed.key, client.verified());
            // What was redeployed, or judged again, is asked for no more.
            known
                .0
                .retain(|one| one.deployed.strong_count() > 0 && one.client.strong_count() > 0);
            if known.0.len() >= ANSWERS_MAX {
                known.0.remove(0);
            }
            known.0.push(Answer {
                deployed: Arc::downgrade(deployed),
                client: Arc::downgrade(client.verified()),
                refused: refused.clone(),
            });
            refused
        }
    };
    match refused {
        Some(detail) => Err(Refusal::ClientRule { detail }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
