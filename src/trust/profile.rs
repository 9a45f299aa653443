//! What RFC 5280 forbids to issue and validation by 6.1 alone would let pass: certificates that contradict themselves.
//!
//! Every certificate of a path is held to this, the trust anchor too. Let pass on purpose, although RFC 5280 forbids to
//! issue it: basic constraints of a CA that are not critical (4.2.1.9; many CAs made at home are like this), missing key
//! identifiers (4.2.1.1 and 4.2.1.2), serial numbers that are not positive (4.1.2.2), subject alternative names that are
//! not critical beside a subject (which is even asked for), and name constraints that are not critical (4.2.1.10; they
//! are in force all the same).

use crate::pki::certificate::{Certificate, Facts};
use crate::pki::name;
use crate::trust::finding::{Finding, Role, called};
use crate::trust::reason::Reason;
use crate::trust::search::Path;

const SUBJECT_ALT_NAME: &str = "2.5.29.17";

/// Extensions that must not be critical (RFC 5280, 4.2.1.1, 4.2.1.2, 4.2.1.8, 4.2.1.15, 4.2.2.1 and 4.2.2.2). Where one
/// is that is known and not processed, it is as if it were unknown (6.1.4 (o), 6.1.5 (f)).
const NEVER_CRITICAL: [(&str, &str, Reason); 6] = [
    (
        "2.5.29.35",
        "authorityKeyIdentifier",
        Reason::MalformedCertificate,
    ),
    (
        "2.5.29.14",
        "subjectKeyIdentifier",
        Reason::MalformedCertificate,
    ),
    (
        "2.5.29.9",
        "subjectDirectoryAttributes",
        Reason::UnknownCriticalExtension,
    ),
    ("2.5.29.46", "freshestCRL", Reason::UnknownCriticalExtension),
    (
        "1.3.6.1.5.5.7.1.1",
        "authorityInfoAccess",
        Reason::UnknownCriticalExtension,
    ),
    (
        "1.3.6.1.5.5.7.1.11",
        "subjectInfoAccess",
        Reason::UnknownCriticalExtension,
    ),
];

/// Holds each certificate of a path to the profile.
///
/// # Errors
/// The first that contradicts itself, from the client's certificate up: `wrong-usage` for keyCertSign without being a
/// CA, `unknown-critical-extension` for one that is known and not processed, else `malformed-certificate`.
pub fn check(path: &Path) -> Result<(), Finding> {
    path.certificates()
        .try_for_each(|(role, certificate)| check_one(role, certificate))
}

/// Holds a client's certificate to what no path could mend: version 3, which TLS demands (RFC 8446, 4.4.2.3; RFC 5246,
/// 7.4.6), and an issuer (RFC 5280, 4.1.2.4).
///
/// # Errors
/// `malformed-certificate`.
pub fn check_client(leaf: &Certificate) -> Result<(), Finding> {
    let facts = leaf.facts();
    let problem = if facts.version < 3 {
        format!(
            "is of version {}, where TLS demands version 3",
            facts.version
        )
    } else if name::is_empty(&facts.raw_issuer) {
        "has no issuer".to_owned()
    } else {
        return Ok(());
    };
    let called = called(Role::Client, leaf);
    Err(Finding::new(
        Reason::MalformedCertificate,
        format!("The {called} {problem}."),
    ))
}

/// Holds one certificate of a path to the profile.
///
/// # Errors
/// As [`check`].
pub fn check_one(role: Role, certificate: &Certificate) -> Result<(), Finding> {
    let facts = certificate.facts();
    let problem = if facts.is_ca() {
        of_a_ca(facts)
    } else {
        of_no_ca(role, facts)
    };
    match problem.or_else(|| of_any(facts)) {
        None => Ok(()),
        Some((reason, problem)) => {
            let called = called(role, certificate);
            Err(Finding::new(reason, format!("The {called} {problem}.")))
        }
    }
}

/// RFC 5280, 4.1.2.6.
fn of_a_ca(facts: &Facts) -> Option<(Reason, String)> {
    name::is_empty(&facts.raw_subject).then(|| malformed("is a CA without a subject"))
}

/// RFC 5280, 4.2.1.3, 4.2.1.9, 4.2.1.10 and 4.1.2.6.
fn of_no_ca(role: Role, facts: &Facts) -> Option<(Reason, String)> {
    let signs = facts.key_usage.is_some_and(|usage| usage.key_cert_sign());
    let has_length = facts
        .basic_constraints
        .is_some_and(|constraints| constraints.path_length.is_some());
    let nameless = role == Role::Client
        && name::is_empty(&facts.raw_subject)
        && !facts.critical.iter().any(|oid| oid == SUBJECT_ALT_NAME);
    if signs {
        let problem = "has the key usage keyCertSign and is no CA".to_owned();
        Some((Reason::WrongUsage, problem))
    } else if has_length {
        Some(malformed("has a path length and is no CA"))
    } else if facts.rare().subtrees.is_some() {
        Some(malformed("has name constraints and is no CA"))
    } else if nameless {
        Some(malformed(
            "has no subject, and no critical alternative names in its place",
        ))
    } else {
        None
    }
}

/// RFC 5280, 4.1.2.4, and what must not be critical.
fn of_any(facts: &Facts) -> Option<(Reason, String)> {
    if name::is_empty(&facts.raw_issuer) {
        return Some(malformed("has no issuer"));
    }
    let (_, name, reason) = NEVER_CRITICAL
        .iter()
        .find(|(oid, ..)| facts.critical.iter().any(|critical| critical == oid))?;
    let problem = format!("has the extension {name} marked as critical, which it must not be");
    Some((*reason, problem))
}

fn malformed(problem: &str) -> (Reason, String) {
    (Reason::MalformedCertificate, problem.to_owned())
}

#[cfg(test)]
mod tests;
