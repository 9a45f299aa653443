//! What to say where a certificate was revoked, or where revocation lists do not tell.

use crate::clock::Moment;
use crate::pki::certificate::Certificate;
use crate::pki::crl::{Crl, CrlFacts, RevokedCertificate};
use crate::trust::finding::{Finding, Role, called, named};
use crate::trust::reason::Reason;

/// Why a list does not tell of a certificate; those that come nearer to telling are greater.
#[derive(Clone, Debug)]
pub enum Miss {
    /// There is none.
    NoList,
    /// This one speaks of other certificates.
    OtherPart(Crl),
    /// This one is not in force yet.
    Ahead(Crl),
    /// Nobody who may has signed this one.
    NotSigned(Crl),
    /// This one has something critical in it that is not understood.
    NotUnderstood(Crl),
    /// No more lists may be looked at.
    NoChecksLeft,
    /// There are lists for some reasons only.
    ReasonsLeft,
    /// This one was to be replaced before now.
    OutOfDate(Crl),
}

impl Miss {
    const fn rank(&self) -> u8 {
        match self {
            Self::NoList => 0,
            Self::OtherPart(_) => 1,
            Self::Ahead(_) => 2,
            Self::NotSigned(_) => 3,
            Self::NotUnderstood(_) => 4,
            Self::NoChecksLeft => 5,
            Self::ReasonsLeft => 6,
            Self::OutOfDate(_) => 7,
        }
    }

    /// Keeps the greater of both.
    pub fn or(&mut self, other: Self) {
        if other.rank() > self.rank() {
            *self = other;
        }
    }
}

/// What to say of a certificate that this entry of this list revokes.
pub fn revoked(
    role: Role,
    certificate: &Certificate,
    entry: &RevokedCertificate<'_>,
    list: &CrlFacts,
) -> Finding {
    let this = called(role, certificate);
    let why = entry.reason.map_or("", |reason| match reason {
        1 => " (keyCompromise)",
        2 => " (cACompromise)",
        3 => " (affiliationChanged)",
        4 => " (superseded)",
        5 => " (cessationOfOperation)",
        6 => " (certificateHold)",
        9 => " (privilegeWithdrawn)",
        10 => " (aACompromise)",
        _ => "",
    });
    let detail = format!(
        "The {this} was revoked at {}{why}, says the revocation list of {}: have a new certificate issued.",
        entry.revoked_at,
        dated(list)
    );
    Finding::new(Reason::Revoked, detail)
}

/// What to say of a certificate that no list tells of: `crl-out-of-date` or `revocation-unknown`.
pub fn unknown(role: Role, certificate: &Certificate, miss: &Miss, now: Moment) -> Finding {
    let this = called(role, certificate);
    let issuer = named(&certificate.facts().issuer);
    let detail = match miss {
        Miss::NoList => format!(
            "There is no revocation list for the {this}: give the one that its issuer {issuer} names for it."
        ),
        Miss::OtherPart(list) => format!(
            "The revocation list of {} is for another part of the certificates than the {this}: give the one that its \
             distribution point names.",
            dated(list.facts())
        ),
        Miss::Ahead(list) => format!(
            "The revocation list of {} is not in force yet, and there is no other for the {this}; it is now {now}: check \
             the clocks, or give the list that is in force.",
            dated(list.facts())
        ),
        Miss::NotSigned(list) => format!(
            "The revocation list of {} is signed with no key that may sign it for the {this}: give the certificate of its \
             signer as a helper, or the right list; that certificate has to allow cRLSign where it states a key usage, \
             and the signature (this is {}) has to be one that is accepted (SHA-2).",
            dated(list.facts()),
            list.facts().signature_algorithm
        ),
        Miss::NotUnderstood(list) => format!(
            "The revocation list of {} has the critical extension {}, which is not understood here, so that it does not \
             count for the {this}: ask the CA for a list without it.",
            dated(list.facts()),
            list.facts()
                .unknown_critical
                .first()
                .map_or("", String::as_str)
        ),
        Miss::NoChecksLeft => format!(
            "Too many revocation lists had to be checked for the {this}: try again, or remove the lists that are not needed."
        ),
        Miss::ReasonsLeft => format!(
            "The revocation lists for the {this} do not cover all reasons: give the others that its issuer {issuer} \
             publishes."
        ),
        Miss::OutOfDate(list) => {
            let end = list.facts().next_update.map_or_else(
                || "does not say until when it holds".to_owned(),
                |next| format!("was to be replaced by {next}"),
            );
            let detail = format!(
                "The revocation list of {}, which speaks of the {this}, {end}; it is now {now}: give the current one.",
                dated(list.facts())
            );
            return Finding::new(Reason::CrlOutOfDate, detail);
        }
    };
    Finding::new(Reason::RevocationUnknown, detail)
}

/// A list by its issuer and date.
fn dated(list: &CrlFacts) -> String {
    format!("{} of {}", named(&list.issuer), list.this_update)
}
