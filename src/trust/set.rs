//! One realm's trust anchors in one environment.

use std::collections::HashMap;
use std::sync::Arc;

use crate::pki::certificate::Certificate;
use crate::pki::fingerprint::Fingerprint;
use crate::trust::anchor::{self, Anchor, Unusable};
use crate::trust::index::{Key, Slot};
use crate::trust::issuer::Issuer;

/// An immutable set of trust anchors, with the helpers (untrusted intermediates) that complete paths to them.
#[derive(Debug, Default)]
pub struct TrustSet {
    anchors: Vec<Anchor>,
    slots: HashMap<Key, Arc<Slot>>,
}

/// A certificate that cannot be put to work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTrustSet {
    /// Among the anchors.
    #[error("the certificate {subject} (SHA-256 {fingerprint}) cannot be a trust anchor: {cause}")]
    Anchor {
        /// Its subject.
        subject: String,
        /// Its SHA-256.
        fingerprint: Fingerprint,
        /// What is wrong with it.
        cause: Unusable,
    },
    /// Among the helpers.
    #[error(
        "the certificate {subject} (SHA-256 {fingerprint}) cannot help to build paths: {cause}"
    )]
    Helper {
        /// Its subject.
        subject: String,
        /// Its SHA-256.
        fingerprint: Fingerprint,
        /// What is wrong with it.
        cause: Unusable,
    },
}

impl TrustSet {
    /// Builds a set from certificates and the accounts that brought them. The same certificate twice counts once, for
    /// the account that comes first.
    ///
    /// # Errors
    /// [`InvalidTrustSet`] names the first certificate that cannot serve.
    pub fn build(
        anchors: Vec<(Certificate, Arc<str>)>,
        helpers: Vec<Certificate>,
    ) -> Result<Self, InvalidTrustSet> {
        let mut filed: Vec<(Vec<Key>, Arc<Issuer>)> = Vec::new();
        let mut kept: Vec<Anchor> = anchors
            .into_iter()
            .map(|(certificate, account)| Anchor {
                certificate,
                account,
            })
            .collect();
        kept.sort_by_key(|anchor| anchor.certificate.fingerprint());
        kept.dedup_by_key(|anchor| anchor.certificate.fingerprint());
        for kept in &kept {
            let issuer =
                anchor::prepare(&kept.certificate).map_err(|cause| InvalidTrustSet::Anchor {
                    subject: kept.certificate.facts().subject.clone(),
                    fingerprint: kept.certificate.fingerprint(),
                    cause,
                })?;
            filed.push((Key::of_anchor(&issuer), Arc::new(issuer)));
        }
        let mut helpers = helpers;
        helpers.sort_by_key(Certificate::fingerprint);
        helpers.dedup_by_key(|helper| helper.fingerprint());
        for helper in &helpers {
            let issuer = anchor::prepare(helper).map_err(|cause| InvalidTrustSet::Helper {
                subject: helper.facts().subject.clone(),
                fingerprint: helper.fingerprint(),
                cause,
            })?;
            filed.push((Key::of_helper(&issuer), Arc::new(issuer)));
        }
        Ok(Self {
            anchors: kept,
            slots: slots(filed),
        })
    }

    /// The anchors, in order of their fingerprints.
    pub fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// The anchor with this certificate.
    pub fn anchor(&self, fingerprint: &Fingerprint) -> Option<&Anchor> {
        let place = self
            .anchors
            .binary_search_by_key(fingerprint, |anchor| anchor.certificate.fingerprint());
        self.anchors.get(place.ok()?)
    }

    /// Whether the certificate with this SHA-256 is an anchor.
    pub fn has_anchor(&self, fingerprint: &Fingerprint) -> bool {
        self.anchor(fingerprint).is_some()
    }

    /// Whether there are no anchors, so that nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// Whether both let in the same clients, by the same accounts and helpers.
    pub fn same_as(&self, other: &Self) -> bool {
        let brought = |set: &Self| -> Vec<(Fingerprint, Arc<str>)> {
            let anchors = set.anchors.iter();
            anchors
                .map(|anchor| {
                    (
                        anchor.certificate.fingerprint(),
                        Arc::clone(&anchor.account),
                    )
                })
                .collect()
        };
        let filed_alike = |(key, slot): (&Key, &Arc<Slot>)| {
            other.slot(key).is_some_and(|theirs| theirs.id == slot.id)
        };
        self.slots.len() == other.slots.len()
            && self.slots.iter().all(filed_alike)
            && brought(self) == brought(other)
    }

    /// What is filed under a key.
    pub fn slot(&self, key: &Key) -> Option<&Arc<Slot>> {
        self.slots.get(key)
    }

    /// All keys, with what is filed under them.
    pub fn slots(&self) -> impl Iterator<Item = (&Key, &Arc<Slot>)> {
        self.slots.iter()
    }
}

fn slots(filed: Vec<(Vec<Key>, Arc<Issuer>)>) -> HashMap<Key, Arc<Slot>> {
    let mut lists: HashMap<Key, Vec<Arc<Issuer>>> = HashMap::new();
    for (keys, issuer) in filed {
        for key in keys {
            lists.entry(key).or_default().push(Arc::clone(&issuer));
        }
    }
    lists
        .into_iter()
        .map(|(key, issuers)| (key, Arc::new(Slot::of(issuers))))
        .collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};

    use super::*;
    use crate::trust::workshop::*;

    fn cause(certificate: &Made) -> Unusable {
        let good = Made::root(ca("Good"));
        let account: Arc<str> = Arc::from("dgb-mtls-test");
        let anchors = vec![
            (good.certificate, Arc::clone(&account)),
            (certificate.certificate.clone(), account),
        ];
        let InvalidTrustSet::Anchor {
            subject,
            fingerprint,
            cause,
        } = TrustSet::build(anchors, Vec::new()).unwrap_err()
        else {
            panic!("an anchor was at fault");
        };
        assert_eq!(subject, certificate.certificate.facts().subject);
        assert_eq!(fingerprint, certificate.certificate.fingerprint());
        let as_helper = TrustSet::build(Vec::new(), vec![certificate.certificate.clone()]);
        assert_eq!(
            as_helper.unwrap_err(),
            InvalidTrustSet::Helper {
                subject,
                fingerprint,
                cause: cause.clone()
            }
        );
        cause
    }

    #[test]
    fn says_which_certificate_cannot_serve_and_why() {
        let cases = [
            (client("x"), Unusable::NotACa),
            (bare("x"), Unusable::NotACa),
            (
                with(ca("x"), |p| p.key_usages = vec![KeyUsagePurpose::CrlSign]),
                Unusable::MayNotSign,
            ),
            (
                with(ca("x"), |p| {
                    p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]
                }),
                Unusable::NotForClients,
            ),
            (
                with_critical_extension(ca("x")),
                Unusable::UnknownCriticalExtension {
                    oid: "1.2.3.4".to_owned(),
                },
            ),
        ];
        for (params, expected) in cases {
            assert_eq!(cause(&Made::root(params)), expected);
        }
    }

    #[test]
    fn the_same_certificate_twice_counts_once_for_the_first_account() {
        let root = Made::root(ca("Root")).certificate;
        let anchors = vec![
            (root.clone(), Arc::from("first")),
            (root.clone(), Arc::from("second")),
        ];
        let trust = TrustSet::build(anchors, vec![root.clone(), root.clone()]).unwrap();
        assert_eq!(trust.anchors().len(), 1);
        assert_eq!(
            &*trust.anchor(&root.fingerprint()).unwrap().account,
            "first"
        );
        assert!(trust.has_anchor(&root.fingerprint()) && !trust.is_empty());
    }

    #[test]
    fn helpers_are_no_anchors() {
        let (root, helper) = (Made::root(ca("Root")), Made::root(ca("Helper")));
        let trust = set_with_helpers(&[&root], &[&helper]);
        assert!(!trust.has_anchor(&helper.certificate.fingerprint()));
        assert!(set_with_helpers(&[], &[&helper]).is_empty());
    }
}
