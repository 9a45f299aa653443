//! The throw-away PKI: CAs and clients that live as long as a run.

use std::time::Duration;

use crate::clock::Moment;
use crate::pki::authority::{
    Authority, AuthorityError, AuthorityRequest, ClientRequest, Forger, Leaf,
};
use crate::pki::certificate::Certificate;
use crate::pki::key::KeyChoice;
use crate::prove::tls::{Proving, Shows};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// When something is valid.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    first: Moment,
    last: Moment,
}

impl Validity {
    /// From an hour ago for a day.
    pub fn around(now: Moment) -> Self {
        Self {
            first: now.minus(HOUR),
            last: now.plus(DAY),
        }
    }

    /// The first moment and the last.
    pub const fn bounds(self) -> (Moment, Moment) {
        (self.first, self.last)
    }

    /// Over for an hour.
    pub fn past(now: Moment) -> Self {
        Self {
            first: now.minus(DAY),
            last: now.minus(HOUR),
        }
    }

    /// Not before another hour has gone.
    pub fn ahead(now: Moment) -> Self {
        Self {
            first: now.plus(HOUR),
            last: now.plus(DAY),
        }
    }
}

/// What a CA is to be like.
pub fn ca_request(name: &str, validity: Validity) -> AuthorityRequest {
    AuthorityRequest {
        common_name: name.to_owned(),
        organization: Some("realmgate prove".to_owned()),
        not_before: validity.first,
        not_after: validity.last,
        path_length: None,
        key: KeyChoice::EcP256,
    }
}

/// What a client is to be like.
pub fn client_request(name: &str, validity: Validity) -> ClientRequest {
    ClientRequest {
        common_name: name.to_owned(),
        organization: None,
        sans: Vec::new(),
        not_before: validity.first,
        not_after: validity.last,
        key: KeyChoice::EcP256,
    }
}

/// A client that shows its certificate and `issuers` behind it.
pub fn showing(leaf: &Leaf, issuers: &[&Certificate]) -> Shows {
    let issuers = issuers.iter().map(|issuer| (*issuer).clone());
    Shows {
        chain: std::iter::once(leaf.certificate.clone())
            .chain(issuers)
            .collect(),
        key: leaf.key.clone(),
        proving: Proving::Honestly,
    }
}

/// A client that vouches for itself: its certificate is that of a CA.
///
/// # Errors
/// [`AuthorityError`].
pub fn self_signed(name: &str, validity: Validity) -> Result<Shows, AuthorityError> {
    let own = Authority::self_signed(&ca_request(name, validity))?;
    let leaf = Leaf {
        certificate: own.certificate,
        key: own.key,
    };
    Ok(showing(&leaf, &[]))
}

/// A client that says an anchor issued it, by name and key identifier, and shows what it says: alone, and behind a CA
/// that says the same of itself.
///
/// # Errors
/// [`AuthorityError`], of an anchor's name that cannot be repeated too.
pub fn forged(
    anchor: &Certificate,
    validity: Validity,
) -> Result<[(&'static str, Shows); 3], AuthorityError> {
    let forger = Forger::of(anchor)?;
    let leaf = forger.issue_client(&client_request("forged", validity))?;
    let below = forger.subordinate(&ca_request("Forged issuer", validity))?;
    let second = below.issue_client(&client_request("forged", validity))?;
    Ok([
        (
            "a certificate with its anchor's name and key identifier as issuer",
            showing(&leaf, &[]),
        ),
        (
            "the same, followed by the real anchor's certificate",
            showing(&leaf, &[anchor]),
        ),
        (
            "a good-looking certificate, followed by an issuer that the anchor is said to have signed",
            showing(&second, &[&below.certificate]),
        ),
    ])
}
