//! A realm's installations, policy, revocation lists and deny list → whom its mTLS endpoint lets in.

use std::sync::Arc;

use imbl::OrdMap;

use crate::domain::denial::{Denial, Denied};
use crate::domain::environment::Environment;
use crate::domain::installation::Installation;
use crate::domain::realm::Realm;
use crate::domain::revocation::RevocationList;
use crate::domain::trust_policy as saved;
use crate::pki::fingerprint::Fingerprint;
use crate::snapshot::verifier::CaNames;
use crate::trust::denials;
use crate::trust::index::Name;
use crate::trust::policy;
use crate::trust::set::{InvalidTrustSet, TrustSet, TrustSource};

/// What a trust set is compiled from. None of it ever changes while it is at work: the same pieces mean the same trust.
#[derive(Clone)]
pub(crate) struct CompiledFrom {
    installations: Vec<Arc<Installation>>,
    policy: Arc<saved::TrustPolicy>,
    crls: OrdMap<Fingerprint, Arc<RevocationList>>,
    denials: OrdMap<Fingerprint, Arc<Denial>>,
}

impl CompiledFrom {
    /// What a realm has in an environment; `None` where nothing is installed.
    pub(crate) fn of(realm: &Realm, environment: Environment) -> Option<Self> {
        let installations: Vec<_> = realm.installed(environment).cloned().collect();
        (!installations.is_empty()).then(|| Self {
            installations,
            policy: Arc::clone(realm.trust_policies.get(environment)),
            crls: realm.crls.get(environment).clone(),
            denials: realm.denials.get(environment).clone(),
        })
    }

    /// Whether both are the very same pieces.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let mut of_both = self.installations.iter().zip(&other.installations);
        Arc::ptr_eq(&self.policy, &other.policy)
            && self.crls.ptr_eq(&other.crls)
            && self.denials.ptr_eq(&other.denials)
            && self.installations.len() == other.installations.len()
            && of_both.all(|(left, right)| Arc::ptr_eq(left, right))
    }

    /// Whether the realm's own host tells clients the names of its anchors.
    pub(crate) fn ca_names(&self) -> CaNames {
        if self.policy.ca_names {
            CaNames::Told
        } else {
            CaNames::Untold
        }
    }

    /// What becomes of the handshake of a client that is not let in, on the realm's own host.
    pub(crate) fn handshake(&self) -> saved::HandshakePolicy {
        self.policy.handshake
    }

    /// How much content a record has at most that the realm's own host sends.
    pub(crate) fn record_bytes(&self) -> Option<saved::RecordBytes> {
        self.policy.record_bytes
    }

    /// The trust set. What the former one found out of lists that are in both is not found out again.
    pub(crate) fn trust_set(&self, former: Option<&TrustSet>) -> Result<TrustSet, InvalidTrustSet> {
        let mut source = TrustSource {
            policy: policy(&self.policy),
            crls: self.crls.values().map(|list| list.crl.clone()).collect(),
            denials: self.denials.values().map(|of| denial(of)).collect(),
            ..TrustSource::default()
        };
        for installation in &self.installations {
            let account = installation.account.shared();
            let certificates = installation.certificates.iter().cloned();
            source
                .anchors
                .extend(certificates.map(|one| (one, Arc::clone(&account))));
            source.helpers.extend(installation.helpers.iter().cloned());
        }
        match former {
            Some(former) => TrustSet::build_again(source, former),
            None => TrustSet::build(source),
        }
    }
}

/// Whom a realm's own host would let in by this catalog's word, without compiling anything else; `None` where nothing is
/// installed.
///
/// # Errors
/// [`InvalidTrustSet`] names the first certificate that cannot serve.
pub fn trust_set(
    realm: &Realm,
    environment: Environment,
) -> Result<Option<TrustSet>, InvalidTrustSet> {
    let from = CompiledFrom::of(realm, environment);
    from.map(|from| from.trust_set(None)).transpose()
}

fn policy(of: &saved::TrustPolicy) -> policy::TrustPolicy {
    policy::TrustPolicy {
        pins: of
            .pins
            .iter()
            .map(|pin| match pin {
                saved::Pin::Certificate(fingerprint) => policy::Pin::Certificate(*fingerprint),
                saved::Pin::Key(fingerprint) => policy::Pin::Key(*fingerprint),
            })
            .collect(),
        revocation: revocation(of.revocation),
        by_anchor: of
            .exceptions
            .keys()
            .map(|anchor| (*anchor, revocation(of.of_anchor(anchor))))
            .collect(),
        signatures: match of.signatures {
            saved::Signatures::Modern => policy::Signatures::Modern,
            saved::Signatures::Strict => policy::Signatures::Strict,
        },
    }
}

fn denial(of: &Denial) -> denials::Denial {
    denials::Denial {
        what: match &of.what {
            Denied::Certificate(fingerprint) => denials::Denied::Certificate(*fingerprint),
            Denied::Key(fingerprint) => denials::Denied::Key(*fingerprint),
            Denied::Serial { serial, issuer } => denials::Denied::Serial {
                serial: serial.as_str().to_owned(),
                issuer: issuer.as_ref().map(|issuer| Name::of(issuer.der())),
            },
            Denied::Subject(subject) => denials::Denied::Subject(Name::of(subject.der())),
        },
        reason: Arc::clone(of.reason.text()),
        until: of.until,
    }
}

const fn revocation(of: saved::Revocation) -> policy::Revocation {
    policy::Revocation {
        scope: match of.scope {
            saved::RevocationScope::Off => policy::RevocationScope::Off,
            saved::RevocationScope::Leaf => policy::RevocationScope::Leaf,
            saved::RevocationScope::Chain => policy::RevocationScope::Chain,
        },
        out_of_date: match of.out_of_date {
            saved::OutOfDate::Refuse => policy::OutOfDate::Refuse,
            saved::OutOfDate::AllowHours(hours) => policy::OutOfDate::AllowHours(hours.get()),
            saved::OutOfDate::Allow => policy::OutOfDate::Allow,
        },
    }
}
