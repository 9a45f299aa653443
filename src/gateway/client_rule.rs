//! Client rules: which of the clients that a realm trusts may call a pipeline.
//!
//! A rule is a pure function of the client, so it is asked once per connection, deployed pipeline and client, and its
//! answer is kept. What is deployed anew, or a client that is judged by other anchors, is another question.

use std::sync::{Arc, PoisonError, Weak};

use crate::flaw::{Flaw, planted};
use crate::gateway::client::Client;
use crate::gateway::peer::Peer;
use crate::gateway::refusal::Refusal;
use crate::pki::certificate::Certificate;
use crate::pki::general_name::{GeneralName, NAMES_MAX};
use crate::pki::{name, printable};
use crate::rule::client_rule::{ClientRule, Verdict};
use crate::rule::facts::{Facts, Names};
use crate::snapshot::route::Deployed;
use crate::trust::finding::named;

/// How many answers one connection keeps. Beyond it the longest known pipeline's rule is asked anew.
const ANSWERS_MAX: usize = 8;

/// What the rules of deployed pipelines said of one connection's client when they were last asked.
#[derive(Debug, Default)]
pub struct Answers(Vec<Answer>);

#[derive(Debug)]
struct Answer {
    /// Both are held weakly: once replaced they cost little memory, and nothing later can be mistaken for them.
    deployed: Weak<Deployed>,
    client: Weak<Client>,
    /// Why the client is kept out.
    refused: Option<Arc<str>>,
}

impl Answer {
    fn is_of(&self, deployed: &Arc<Deployed>, client: &Arc<Client>) -> bool {
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
    let refused = match known.0.iter().find(|one| one.is_of(deployed, client)) {
        Some(answer) => answer.refused.clone(),
        None => {
            let refused = ask(rule, deployed, client);
            // What was redeployed, or judged again, is asked for no more.
            known
                .0
                .retain(|one| one.deployed.strong_count() > 0 && one.client.strong_count() > 0);
            if known.0.len() >= ANSWERS_MAX {
                known.0.remove(0);
            }
            known.0.push(Answer {
                deployed: Arc::downgrade(deployed),
                client: Arc::downgrade(client),
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

/// Why the rule keeps the client out; `None` where it does not.
fn ask(rule: &ClientRule, deployed: &Deployed, client: &Client) -> Option<Arc<str>> {
    let (subject, pipeline) = (named(&client.identity().subject), &deployed.key);
    let leaf = client.verified().leaf();
    let facts = leaf.as_ref().map(Certificate::facts);
    let names = facts.and_then(|facts| names(&facts.raw_subject, &facts.alternative_names));
    let Some(names) = names else {
        return Some(
            format!("The client rule of {pipeline} cannot be asked of the client {subject}: its names cannot be decoded.")
                .into(),
        );
    };
    match verdict(rule, client, &names) {
        Verdict::Admitted => None,
        Verdict::NotAdmitted => {
            Some(format!("The client rule of {pipeline} does not admit the client {subject}.").into())
        }
        Verdict::Failed(failure) => Some(
            format!("The client rule of {pipeline} has no answer for the client {subject}, which is a refusal: {failure}.")
                .into(),
        ),
    }
}

fn verdict(rule: &ClientRule, client: &Client, names: &Names) -> Verdict {
    let identity = client.identity();
    rule.admits(&Facts {
        subject: &identity.subject,
        sans: &identity.sans,
        issuer: &identity.issuer,
        serial: &identity.serial,
        fingerprint: &identity.fingerprint.to_string(),
        anchor: &identity.anchor.to_string(),
        anchor_subject: &identity.anchor_subject,
        account: &identity.account,
        names,
    })
}

/// The single names of a certificate, whose subject is the DER of its Name; `None` where that cannot be decoded.
fn names(subject: &[u8], alternative: &[GeneralName]) -> Option<Names> {
    let of_subject = |kind| name::printed_values(subject, kind).map(bounded);
    let mut names = Names {
        common_names: of_subject("2.5.4.3")?,
        organizations: of_subject("2.5.4.10")?,
        organizational_units: of_subject("2.5.4.11")?,
        ..Names::default()
    };
    for name in alternative {
        match name {
            GeneralName::Dns(text) => {
                names.dns.push(printable::alone(&text.to_ascii_lowercase()));
            }
            GeneralName::Email(text) => names.emails.push(printable::alone(text)),
            GeneralName::Uri(text) => names.uris.push(printable::alone(text)),
            GeneralName::Ip(_) | GeneralName::Directory(_) | GeneralName::Other(..) => {}
        }
    }
    for list in [&mut names.dns, &mut names.emails, &mut names.uris] {
        *list = bounded(std::mem::take(list));
    }
    Some(names)
}

/// At most so many names as are told elsewhere; the mark of omission keeps rules from being asked of them.
fn bounded(mut names: Vec<String>) -> Vec<String> {
    if names.len() > NAMES_MAX {
        names.truncate(NAMES_MAX);
        names.push("…".to_owned());
    }
    names
}

#[cfg(test)]
mod tests;
