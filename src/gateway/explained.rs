//! What a refused client is told on a host that explains refusals.
//!
//! It is told of the reason and of the certificate that it showed itself, and of nothing else. What the realm's people
//! read is not for it: that may name anchors, helpers, lists and what an operator wrote down.

use crate::clock::Moment;
use crate::pki::certificate::{Certificate, Facts};
use crate::trust::finding::named;
use crate::trust::judge::Distrust;
use crate::trust::reason::Reason;

/// Why a client is refused, in words that it may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The code.
    pub reason: Reason,
    /// What it showed, and what to do.
    pub message: String,
}

impl Explained {
    /// Words for a client that was distrusted at the moment `now`.
    pub fn of(distrust: &Distrust, now: Moment) -> Self {
        let (reason, advice) = (distrust.reason, distrust.reason.advice());
        let message = match &distrust.leaf {
            Some(leaf) => format!("{} {advice}", shown(reason, leaf, now)),
            None => advice.to_owned(),
        };
        Self { reason, message }
    }
}

/// What the client's own certificate has to do with the reason.
fn shown(reason: Reason, leaf: &Certificate, now: Moment) -> String {
    let facts = leaf.facts();
    let this = format!(
        "You showed the certificate {} (serial {}), which was issued by {}",
        named(&facts.subject),
        facts.serial,
        named(&facts.issuer)
    );
    match more(reason, leaf, facts, now) {
        Some(more) => format!("{this}, {more}."),
        None => format!("{this}."),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "where the certificate itself says nothing more, its name is enough"
)]
fn more(reason: Reason, leaf: &Certificate, facts: &Facts, now: Moment) -> Option<String> {
    Some(match reason {
        Reason::Expired | Reason::NotYetValid => format!(
            "and is valid from {} to {}; it is now {now}",
            facts.not_before, facts.not_after
        ),
        Reason::WrongUsage => {
            let usage = facts.key_usage.map(|usage| usage.names().join(", "));
            let extended = facts.extended_key_usage.as_ref();
            let extended = extended.map(|usages| listed(usages));
            let none = || "none".to_owned();
            let ca = if facts.is_ca() { " and is a CA's" } else { "" };
            format!(
                "has the key usage {} and the extended key usage {}{ca}",
                usage.unwrap_or_else(none),
                extended.unwrap_or_else(none)
            )
        }
        Reason::WeakKey | Reason::WeakSignature => format!(
            "has a key of the kind {} and is signed with {}",
            facts.key, facts.signature_algorithm
        ),
        Reason::NameConstraint => format!("for the names {}", listed(&facts.sans)),
        Reason::NotPinned => format!(
            "with the SHA-256 {}, that of its key being {}",
            leaf.fingerprint(),
            facts.spki_sha256
        ),
        _ => return None,
    })
}

/// The first of some texts, which the certificate made.
fn listed(texts: &[String]) -> String {
    const MOST: usize = 8;
    let mut told: Vec<String> = texts.iter().take(MOST).map(|text| named(text)).collect();
    if texts.len() > MOST {
        told.push("…".to_owned());
    }
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::testing::{Pki, now};

    const SECRET: &str = "The deny list says: CN=globex, ask Ada about the trust anchor CN=Root.";

    fn told(reason: Reason, leaf: Option<Certificate>) -> Explained {
        let distrust = Distrust {
            reason,
            detail: SECRET.to_owned(),
            leaf,
        };
        Explained::of(&distrust, now())
    }

    #[test]
    fn every_reason_is_told_with_the_clients_own_certificate_and_nothing_else() {
        let pki = Pki::new();
        let leaf = &pki.leaf.certificate;
        for reason in Reason::ALL {
            let explained = told(reason, Some(leaf.clone()));
            let message = &explained.message;
            assert_eq!(explained.reason, reason);
            assert!(message.starts_with("You showed the certificate CN=client-1"));
            assert!(message.contains(&leaf.facts().serial), "{message}");
            assert!(message.ends_with(reason.advice()), "{message}");
            for secret in ["globex", "Ada", "deny list", "CN=Root"] {
                assert!(!message.contains(secret), "{reason}: {message}");
            }
            let bare = told(reason, None).message;
            assert_eq!(bare, reason.advice());
        }
    }

    #[test]
    fn what_the_certificate_has_to_do_with_the_reason_is_told() {
        let pki = Pki::new();
        let leaf = &pki.leaf.certificate;
        for (reason, words) in [
            (Reason::Expired, "to 2028-01-01"),
            (Reason::NotYetValid, "valid from 2027-01-01"),
            (Reason::WrongUsage, "clientAuth"),
            (Reason::WeakKey, "P-256"),
            (Reason::WeakSignature, "ecdsa-with-SHA256"),
            (Reason::NameConstraint, "client-1.acme.example"),
            (Reason::NotPinned, &leaf.fingerprint().to_string()),
            (Reason::UnknownIssuer, "issued by CN=Test Root"),
        ] {
            let message = told(reason, Some(leaf.clone())).message;
            assert!(message.contains(words), "{reason}: {message}");
        }
    }
}
