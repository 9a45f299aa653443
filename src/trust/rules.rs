//! The rules of RFC 5280, 6.1 for a path whose signatures are proven: validity, keys, usages, CA flags, lengths.
//!
//! The trust anchor is held to them like every other certificate, which RFC 5280, 6.2 leaves open. Stricter than
//! RFC 5280 asks:
//! - a CA certificate is not accepted as a client's own, although RFC 5280, 4.2.1.9 lets a path end in one;
//! - a client certificate with extended key usages has to name clientAuth, anyExtendedKeyUsage is not enough
//!   (RFC 5280, 4.2.1.12 leaves that to the application); a CA's extended key usages apply to what it issues.

use crate::clock::Moment;
use crate::pki::certificate::Certificate;
use crate::trust::finding::{Finding, Role, called};
use crate::trust::limits::TrustLimits;
use crate::trust::reason::Reason;
use crate::trust::search::Path;
use crate::trust::signature::is_key_accepted;
use crate::trust::trace::{Check, Exam};

/// Holds a path to the rules.
///
/// # Errors
/// The first finding, in the order of the rules above; within one rule from the client to the anchor.
pub fn check(
    path: &Path,
    now: Moment,
    limits: &TrustLimits,
    exam: &Exam<'_>,
) -> Result<(), Finding> {
    check_with(client, path, now, limits, exam)
}

/// Holds the path of a certificate that signs revocation lists to the rules: all but those for a client's own.
///
/// # Errors
/// As [`check`].
pub fn check_signer(path: &Path, now: Moment, limits: &TrustLimits) -> Result<(), Finding> {
    check_with(|_| Ok(()), path, now, limits, &Exam::unwatched())
}

fn check_with(
    client: fn(&Certificate) -> Result<(), Finding>,
    path: &Path,
    now: Moment,
    limits: &TrustLimits,
    exam: &Exam<'_>,
) -> Result<(), Finding> {
    let all = || path.certificates().enumerate();
    exam.each(Check::Names, all(), |role, one| size(role, one, limits))?;
    exam.each(Check::Validity, all(), |role, one| validity(role, one, now))?;
    exam.each(Check::Key, all(), |role, one| key(role, one, limits))?;
    exam.each(Check::ClientUsage, all().take(1), |_, leaf| client(leaf))?;
    exam.each(Check::IssuerUsage, all().skip(1), issuer)?;
    exam.ask(Check::PathLength, || lengths(path))?;
    exam.each(Check::CriticalExtensions, all(), extensions)
}

fn size(role: Role, certificate: &Certificate, limits: &TrustLimits) -> Result<(), Finding> {
    let names = certificate.facts().alternative_names.len();
    if names <= limits.sans_max {
        return Ok(());
    }
    let detail = format!(
        "The {} has {names} alternative names, where {} are allowed.",
        called(role, certificate),
        limits.sans_max
    );
    Err(Finding::new(Reason::CertificateTooLarge, detail))
}

fn validity(role: Role, certificate: &Certificate, now: Moment) -> Result<(), Finding> {
    let facts = certificate.facts();
    if facts.is_valid_at(now) {
        return Ok(());
    }
    let called = called(role, certificate);
    Err(if now < facts.not_before {
        let detail = format!(
            "The {called} is not valid before {}; it is now {now}.",
            facts.not_before
        );
        Finding::new(Reason::NotYetValid, detail)
    } else {
        Finding::new(
            Reason::Expired,
            format!(
                "The {called} expired at {}; it is now {now}.",
                facts.not_after
            ),
        )
    })
}

fn key(role: Role, certificate: &Certificate, limits: &TrustLimits) -> Result<(), Finding> {
    let key = &certificate.facts().key.algorithm;
    if is_key_accepted(key, limits) {
        return Ok(());
    }
    let called = called(role, certificate);
    Err(Finding::new(
        Reason::WeakKey,
        format!("The {called} has a key ({key}) that is not accepted."),
    ))
}

/// RFC 5280, 4.2.1.9 and 4.2.1.12; RFC 8446, 4.4.2.2 for the key usage, which has to allow the signature that proves
/// possession of the key.
fn client(leaf: &Certificate) -> Result<(), Finding> {
    let facts = leaf.facts();
    let called = called(Role::Client, leaf);
    let problem = if facts.is_ca() {
        format!("The {called} is a CA certificate, which cannot identify a client.")
    } else if let Some(usage) = facts.key_usage.filter(|usage| !usage.digital_signature()) {
        format!(
            "The {called} has the key usage {}, without digitalSignature.",
            list(&usage.names())
        )
    } else if let Some(usages) = facts
        .extended_key_usage
        .as_ref()
        .filter(|usages| !names_client_auth(usages))
    {
        format!(
            "The {called} has the extended key usage {}, without clientAuth.",
            list(usages)
        )
    } else {
        return Ok(());
    };
    Err(Finding::new(Reason::WrongUsage, problem))
}

/// RFC 5280, 6.1.4 (k) and (n), and what is usual for a CA's extended key usage.
fn issuer(role: Role, certificate: &Certificate) -> Result<(), Finding> {
    let facts = certificate.facts();
    let called = called(role, certificate);
    if !facts.is_ca() {
        return Err(Finding::new(
            Reason::NotACa,
            format!("The {called} issued another one but is not a CA."),
        ));
    }
    if let Some(usage) = facts.key_usage.filter(|usage| !usage.key_cert_sign()) {
        let names = list(&usage.names());
        let detail = format!(
            "The {called} issued another one but has the key usage {names}, without keyCertSign."
        );
        return Err(Finding::new(Reason::WrongUsage, detail));
    }
    if !facts.allows_client_auth() {
        let usages = list(facts.extended_key_usage.as_deref().unwrap_or_default());
        let detail = format!(
            "The {called} has the extended key usage {usages}, so that it may not issue for clients."
        );
        return Err(Finding::new(Reason::WrongUsage, detail));
    }
    Ok(())
}

/// RFC 5280, 6.1.4 (l) and (m): certificates that an issuer gave to itself do not count.
fn lengths(path: &Path) -> Result<(), Finding> {
    let mut below: u32 = 0;
    let above_the_leaf = path
        .certificates()
        .filter(|(role, _)| *role != Role::Client);
    for (role, certificate) in above_the_leaf {
        let facts = certificate.facts();
        let limit = facts
            .basic_constraints
            .and_then(|constraints| constraints.path_length);
        if let Some(limit) = limit.filter(|limit| below > *limit) {
            let called = called(role, certificate);
            let detail = format!(
                "The {called} allows {limit} intermediate certificates below it, and there are {below}."
            );
            return Err(Finding::new(Reason::PathTooLong, detail));
        }
        if !facts.self_issued {
            below = below.saturating_add(1);
        }
    }
    Ok(())
}

fn extensions(role: Role, certificate: &Certificate) -> Result<(), Finding> {
    let Some(oid) = certificate.facts().unknown_critical.first() else {
        return Ok(());
    };
    let called = called(role, certificate);
    let detail =
        format!("The {called} has the critical extension {oid}, which is not understood here.");
    Err(Finding::new(Reason::UnknownCriticalExtension, detail))
}

fn names_client_auth(usages: &[String]) -> bool {
    usages.iter().any(|usage| usage == "clientAuth")
}

fn list<S: AsRef<str>>(names: &[S]) -> String {
    const NAMES_MAX: usize = 10;
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).take(NAMES_MAX).collect();
    if names.is_empty() {
        "(none)".to_owned()
    } else {
        names.join(" ")
    }
}
