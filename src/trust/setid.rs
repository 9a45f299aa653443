//! What tells two trust sets apart: a digest of everything that they were built from.

use crate::pki::certificate::Certificate;
use crate::pki::crl::Crl;
use crate::pki::fingerprint::Fingerprint;
use crate::trust::anchor::Anchor;
use crate::trust::denials::Denials;
use crate::trust::policy::{OutOfDate, Pin, Revocation, RevocationScope, Signatures, TrustPolicy};

/// The digest of these parts, each list in the order of its fingerprints.
pub fn of(
    anchors: &[Anchor],
    helpers: &[Certificate],
    policy: &TrustPolicy,
    crls: &[Crl],
    denials: &Denials,
) -> Fingerprint {
    let mut text = Text::default();
    text.count(anchors.len());
    for anchor in anchors {
        text.print(&anchor.certificate.fingerprint());
        text.bytes(anchor.account.as_bytes());
    }
    text.deciders(helpers, crls).policy(policy).denials(denials);
    Fingerprint::of(&text.0)
}

/// What tells apart what owners demand of the same path. Of those who demand nothing it is the least of all, so that
/// they are asked first.
pub fn rulebook(
    anchors: &[Anchor],
    helpers: &[Certificate],
    policy: &TrustPolicy,
    crls: &[Crl],
    denials: &Denials,
) -> Fingerprint {
    let asks_lists = std::iter::once(&policy.revocation)
        .chain(policy.by_anchor.values())
        .any(|revocation| revocation.scope != RevocationScope::Off);
    let demands_nothing = policy.pins.is_empty()
        && policy.signatures == Signatures::Modern
        && !asks_lists
        && denials.is_empty();
    if demands_nothing {
        return Fingerprint::from_bytes([0; 32]);
    }
    let mut text = Text::default();
    text.policy(policy).denials(denials);
    // Whose lists count follows from the lists, and from who may have signed them.
    if asks_lists {
        text.count(anchors.len());
        for anchor in anchors {
            text.print(&anchor.certificate.fingerprint());
        }
        text.deciders(helpers, crls);
    }
    Fingerprint::of(&text.0)
}

/// Octets of which no two different lists of parts make the same: every part has a fixed length or says its own.
#[derive(Default)]
struct Text(Vec<u8>);

impl Text {
    fn tag(&mut self, tag: u8) -> &mut Self {
        self.0.push(tag);
        self
    }

    fn count(&mut self, count: usize) -> &mut Self {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.0.extend_from_slice(&count.to_be_bytes());
        self
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
        self
    }

    fn print(&mut self, print: &Fingerprint) -> &mut Self {
        self.0.extend_from_slice(print.as_bytes());
        self
    }

    fn deciders(&mut self, helpers: &[Certificate], crls: &[Crl]) -> &mut Self {
        self.count(helpers.len());
        for helper in helpers {
            self.print(&helper.fingerprint());
        }
        self.count(crls.len());
        for crl in crls {
            self.print(&crl.fingerprint());
        }
        self
    }

    fn policy(&mut self, policy: &TrustPolicy) -> &mut Self {
        // Taken apart as a whole, so that a part that is added later is not forgotten here.
        let TrustPolicy {
            pins,
            revocation,
            by_anchor,
            signatures,
        } = policy;
        self.count(pins.len());
        for pin in pins {
            match pin {
                Pin::Certificate(print) => self.tag(0).print(print),
                Pin::Key(print) => self.tag(1).print(print),
            };
        }
        self.revocation(revocation);
        self.count(by_anchor.len());
        for (anchor, revocation) in by_anchor {
            self.print(anchor).revocation(revocation);
        }
        self.tag(match signatures {
            Signatures::Modern => 0,
            Signatures::Strict => 1,
        })
    }

    fn denials(&mut self, denials: &Denials) -> &mut Self {
        match denials.id() {
            Some(id) => self.tag(1).print(&id),
            None => self.tag(0),
        }
    }

    fn revocation(&mut self, revocation: &Revocation) -> &mut Self {
        let Revocation { scope, out_of_date } = revocation;
        self.tag(match scope {
            RevocationScope::Off => 0,
            RevocationScope::Leaf => 1,
            RevocationScope::Chain => 2,
        });
        let (tag, hours) = match out_of_date {
            OutOfDate::Refuse => (0, 0),
            OutOfDate::AllowHours(hours) => (1, *hours),
            OutOfDate::Allow => (2, 0),
        };
        self.tag(tag);
        self.0.extend_from_slice(&hours.to_be_bytes());
        self
    }
}
