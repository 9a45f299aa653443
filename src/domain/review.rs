//! What an operator should know of a trust source's certificates before installing them.

use std::time::Duration;

use crate::clock::Moment;
use crate::pki::certificate::{Certificate, KeyAlgorithm};

/// Something that keeps certificates from being a trust source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// There is no certificate at all.
    #[error("its field chain holds no certificate: give the CA's certificate as PEM or DER")]
    Empty,
    /// A private key came along.
    #[error(
        "its field chain holds a private key, which was not kept: give the CA's certificate alone, and keep the key to yourself"
    )]
    PrivateKey,
    /// A certificate that is not a CA's.
    #[error(
        "certificate {position}, {subject}, is not a CA certificate (its basic constraints do not say CA): give the certificate of the CA that issued it"
    )]
    NotACa {
        /// Its place in the chain, from 1.
        position: usize,
        /// Its subject.
        subject: String,
    },
    /// A certificate that has ended.
    #[error("certificate {position}, {subject}, ended at {end}: give the CA's present certificate")]
    Expired {
        /// Its place in the chain, from 1.
        position: usize,
        /// Its subject.
        subject: String,
        /// When it ended.
        end: Moment,
    },
    /// The same certificate twice.
    #[error("certificate {position}, {subject}, is the same as certificate {first}: leave one out")]
    Duplicate {
        /// Its place in the chain, from 1.
        position: usize,
        /// The place of the first one.
        first: usize,
        /// Its subject.
        subject: String,
    },
    /// A key usage that keeps a CA from signing certificates.
    #[error(
        "certificate {position}, {subject}, may not sign certificates (its key usage lacks keyCertSign): give the certificate of the CA that issues the clients'"
    )]
    MayNotSign {
        /// Its place in the chain, from 1.
        position: usize,
        /// Its subject.
        subject: String,
    },
    /// An extended key usage that keeps its clients out.
    #[error(
        "certificate {position}, {subject}, is limited to usages other than client authentication: its clients could never be let in"
    )]
    NotForClients {
        /// Its place in the chain, from 1.
        position: usize,
        /// Its subject.
        subject: String,
    },
    /// A key too weak, or of a kind that cannot be checked.
    #[error(
        "certificate {position}, {subject}, has a key that is not accepted ({key}): use RSA of 2048 to 8192 bits, EC P-256, P-384 or P-521, or Ed25519"
    )]
    Key {
        /// Its place in the chain, from 1.
        position: usize,
        /// Its subject.
        subject: String,
        /// The key.
        key: String,
    },
    /// More certificates than one account may hold.
    #[error("it holds {count} certificates; an account takes at most {most}")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
}

/// Something that is worth knowing about a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Remark {
    /// It ends soon.
    #[error("{subject} ends at {end}, in {days} days")]
    EndsSoon {
        /// Its subject.
        subject: String,
        /// When it ends.
        end: Moment,
        /// In how many whole days.
        days: u64,
    },
    /// It is not valid yet.
    #[error("{subject} is not valid before {start}: no client is let in by it until then")]
    NotYetValid {
        /// Its subject.
        subject: String,
        /// When it begins.
        start: Moment,
    },
    /// One anchor was issued by another of the bundle.
    #[error(
        "{subject} was issued by {issuer}, which becomes an anchor as well: if only {subject}'s clients are meant, leave {issuer} out; if it only helps to build paths, give it as a helper"
    )]
    IssuedByAnother {
        /// Its subject.
        subject: String,
        /// Its issuer's subject.
        issuer: String,
    },
    /// It bears a name that a public authority might.
    #[error(
        "{subject} is an intermediate ({issuer} issued it): clients of its siblings are not let in"
    )]
    Intermediate {
        /// Its subject.
        subject: String,
        /// Its issuer.
        issuer: String,
    },
}

/// How many certificates one account may hold.
pub const CERTIFICATES_MAX: usize = 100;

const SOON: Duration = Duration::from_secs(30 * 24 * 3600);

/// Checks that `certificates` can be a trust source at `now`.
///
/// # Errors
/// The first [`Objection`] in the order of the certificates.
pub fn object(certificates: &[Certificate], now: Moment) -> Result<(), Objection> {
    if certificates.is_empty() {
        return Err(Objection::Empty);
    }
    if certificates.len() > CERTIFICATES_MAX {
        return Err(Objection::TooMany {
            count: certificates.len(),
            most: CERTIFICATES_MAX,
        });
    }
    for (index, certificate) in certificates.iter().enumerate() {
        let facts = certificate.facts();
        let position = index.saturating_add(1);
        let subject = facts.subject.clone();
        let before = certificates.iter().take(index);
        if let Some(first) = before
            .map(Certificate::fingerprint)
            .position(|other| other == certificate.fingerprint())
        {
            return Err(Objection::Duplicate {
                position,
                first: first.saturating_add(1),
                subject,
            });
        }
        if !facts
            .basic_constraints
            .as_ref()
            .is_some_and(|constraints| constraints.ca)
        {
            return Err(Objection::NotACa { position, subject });
        }
        if facts.not_after < now {
            return Err(Objection::Expired {
                position,
                subject,
                end: facts.not_after,
            });
        }
        if facts
            .key_usage
            .as_ref()
            .is_some_and(|usage| !usage.key_cert_sign())
        {
            return Err(Objection::MayNotSign { position, subject });
        }
        if !facts.allows_client_auth() {
            return Err(Objection::NotForClients { position, subject });
        }
        let sound = match &facts.key.algorithm {
            KeyAlgorithm::Rsa { bits } => (2048..=8192).contains(bits),
            KeyAlgorithm::EcP256
            | KeyAlgorithm::EcP384
            | KeyAlgorithm::EcP521
            | KeyAlgorithm::Ed25519 => true,
            KeyAlgorithm::Other(_) => false,
        };
        if !sound {
            return Err(Objection::Key {
                position,
                subject,
                key: facts.key.algorithm.to_string(),
            });
        }
    }
    Ok(())
}

/// What is worth knowing about `certificates` at `now`.
pub fn remark(certificates: &[Certificate], now: Moment) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for certificate in certificates {
        remarks.extend(remark_time(certificate, now));
        remarks.extend(remark_anchor(certificate, certificates));
    }
    remarks
}

/// What is worth knowing about the time of `certificates` at `now`, whatever they serve for.
pub fn remark_times(certificates: &[Certificate], now: Moment) -> Vec<Remark> {
    certificates
        .iter()
        .flat_map(|certificate| remark_time(certificate, now))
        .collect()
}

/// The place, from 0, of the first certificate that did not issue the one before it.
pub fn out_of_order(certificates: &[Certificate]) -> Option<usize> {
    certificates
        .iter()
        .zip(certificates.iter().skip(1))
        .position(|(before, after)| after.facts().raw_subject != before.facts().raw_issuer)
        .map(|position| position.saturating_add(1))
}

fn remark_time(certificate: &Certificate, now: Moment) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let facts = certificate.facts();
    let subject = || facts.subject.clone();
    if facts.not_before > now {
        remarks.push(Remark::NotYetValid {
            subject: subject(),
            start: facts.not_before,
        });
    }
    if facts.not_after >= now && facts.not_after < now.plus(SOON) {
        let days = facts.not_after.since(now).as_secs() / (24 * 3600);
        remarks.push(Remark::EndsSoon {
            subject: subject(),
            end: facts.not_after,
            days,
        });
    }
    remarks
}

/// What is worth knowing about a certificate as one anchor of several.
fn remark_anchor(certificate: &Certificate, certificates: &[Certificate]) -> Option<Remark> {
    let facts = certificate.facts();
    if facts.self_issued {
        return None;
    }
    let subject = || facts.subject.clone();
    let issuer = certificates
        .iter()
        .find(|other| other.facts().raw_subject == facts.raw_issuer);
    Some(match issuer {
        Some(issuer) => Remark::IssuedByAnother {
            subject: subject(),
            issuer: issuer.facts().subject.clone(),
        },
        None => Remark::Intermediate {
            subject: subject(),
            issuer: facts.issuer.clone(),
        },
    })
}
