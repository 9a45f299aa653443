//! What tells two trust sets apart: a digest of everything that they were built from.

use crate::pki::certificate::Certificate;
use crate::pki::crl::Crl;
use crate::pki::fingerprint::Fingerprint;
use crate::trust::anchor::Anchor;
use crate::trust::policy::{OutOfDate, Pin, Revocation, RevocationScope, Signatures, TrustPolicy};

/// The digest of these parts, each list in the order of its fingerprints.
pub fn of(
    anchors: &[Anchor],
    helpers: &[Certificate],
    policy: &TrustPolicy,
    crls: &[Crl],
) -> Fingerprint {
    let mut text = Text::default();
    text.count(anchors.len());
    for anchor in anchors {
        text.print(&anchor.certificate.fingerprint());
        text.bytes(anchor.account.as_bytes());
    }
    text.count(helpers.len());
    for helper in helpers {
        text.print(&helper.fingerprint());
    }
    text.print(&rulebook(policy, crls));
    Fingerprint::of(&text.0)
}

/// The digest of a policy and of the lists that it is decided by.
pub fn rulebook(policy: &TrustPolicy, crls: &[Crl]) -> Fingerprint {
    // Taken apart as a whole, so that a part that is added later is not forgotten here.
    let TrustPolicy {
        pins,
        revocation,
        by_anchor,
        signatures,
    } = policy;
    let mut text = Text::default();
    let mut pins = pins.clone();
    pins.sort_unstable();
    pins.dedup();
    text.count(pins.len());
    for pin in &pins {
        match pin {
            Pin::Certificate(print) => text.tag(0).print(print),
            Pin::Key(print) => text.tag(1).print(print),
        };
    }
    text.revocation(revocation);
    text.count(by_anchor.len());
    for (anchor, revocation) in by_anchor {
        text.print(anchor).revocation(revocation);
    }
    text.tag(match signatures {
        Signatures::Modern => 0,
        Signatures::Strict => 1,
    });
    text.count(crls.len());
    for crl in crls {
        text.print(&crl.fingerprint());
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
