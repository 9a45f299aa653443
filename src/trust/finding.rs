//! What was found wrong, said in one sentence that names the certificate.

use crate::pki::certificate::Certificate;
use crate::trust::reason::Reason;

/// One thing that keeps a chain from being trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its code.
    pub reason: Reason,
    /// One sentence that names the certificate; bounded and escaped.
    pub detail: String,
}

impl Finding {
    /// A finding whose sentence is already made.
    pub const fn new(reason: Reason, detail: String) -> Self {
        Self { reason, detail }
    }
}

/// What part a certificate has in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The client's own.
    Client,
    /// One between the client's and the anchor.
    Intermediate,
    /// The trust anchor.
    Anchor,
}

/// The certificate in words: its part, its subject and its serial number.
pub fn called(role: Role, certificate: &Certificate) -> String {
    let part = match role {
        Role::Client => "client certificate",
        Role::Intermediate => "intermediate certificate",
        Role::Anchor => "trust anchor",
    };
    let facts = certificate.facts();
    format!("{part} {} (serial {})", named(&facts.subject), facts.serial)
}

/// A name for use within a sentence, cut where it is very long.
pub fn named(name: &str) -> String {
    const CHARS_MAX: usize = 200;
    if name.is_empty() {
        return "without a subject".to_owned();
    }
    let mut chars = name.chars();
    let kept: String = chars.by_ref().take(CHARS_MAX).collect();
    if chars.next().is_some() {
        format!("{kept}…")
    } else {
        kept
    }
}
