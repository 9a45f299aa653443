//! One realm's trust anchors in one environment.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::pki::certificate::Certificate;
use crate::pki::crl::Crl;
use crate::pki::fingerprint::Fingerprint;
use crate::trust::anchor::{self, Anchor, Unusable};
use crate::trust::crls::Crls;
use crate::trust::denials::{Denial, Denials};
use crate::trust::index::{Key, Name, Slot};
use crate::trust::issuer::Issuer;
use crate::trust::policy::TrustPolicy;
use crate::trust::setid;

/// An immutable set of trust anchors, with the helpers (untrusted intermediates) that complete paths to them, the
/// revocation lists, the deny list and the policy that clients are held to.
#[derive(Debug)]
pub struct TrustSet {
    id: Fingerprint,
    anchors: Vec<Anchor>,
    /// In order of their keys.
    slots: Box<[(Key, Arc<Slot>)]>,
    extras: Option<Box<Extras>>,
}

/// What most sets have nothing of: then they hold no place for it.
#[derive(Debug, Default)]
struct Extras {
    crl_signers: HashMap<Name, Vec<Certificate>>,
    policy: TrustPolicy,
    crls: Crls,
    denials: Denials,
}

static NO_EXTRAS: LazyLock<Extras> = LazyLock::new(Extras::default);

impl Extras {
    fn is_empty(&self) -> bool {
        self.crl_signers.is_empty()
            && self.policy == TrustPolicy::default()
            && self.crls.is_empty()
            && self.denials.is_empty()
    }
}

/// What a set is built from.
#[derive(Clone, Debug, Default)]
pub struct TrustSource {
    /// The trust anchors, each with the name of the account that brought it.
    pub anchors: Vec<(Certificate, Arc<str>)>,
    /// Intermediates that complete paths, and certificates that sign revocation lists only; trusted for nothing.
    pub helpers: Vec<Certificate>,
    /// What is asked beyond a path.
    pub policy: TrustPolicy,
    /// The revocation lists.
    pub crls: Vec<Crl>,
    /// What is let in no more.
    pub denials: Vec<Denial>,
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
    /// Builds a set. The same certificate twice counts once, for the account that comes first.
    ///
    /// # Errors
    /// [`InvalidTrustSet`] names the first certificate that cannot serve.
    pub fn build(source: TrustSource) -> Result<Self, InvalidTrustSet> {
        Self::build_again(source, &Self::default())
    }

    /// As [`TrustSet::build`], with what an earlier set of the same realm found out about revocation lists.
    ///
    /// # Errors
    /// As [`TrustSet::build`].
    pub fn build_again(source: TrustSource, earlier: &Self) -> Result<Self, InvalidTrustSet> {
        let TrustSource {
            anchors,
            helpers,
            policy,
            crls,
            denials,
        } = source;
        let denials = Denials::of(denials);
        let anchors = in_order(
            anchors
                .into_iter()
                .map(|(certificate, account)| Anchor {
                    certificate,
                    account,
                })
                .collect(),
            |anchor: &Anchor| anchor.certificate.fingerprint(),
        );
        let helpers = in_order(helpers, Certificate::fingerprint);
        let crls = in_order(crls, Crl::fingerprint);
        let mut filed: Vec<(Vec<Key>, Arc<Issuer>)> = Vec::new();
        for anchor in &anchors {
            let issuer =
                anchor::prepare(&anchor.certificate).map_err(|cause| InvalidTrustSet::Anchor {
                    subject: anchor.certificate.facts().subject.clone(),
                    fingerprint: anchor.certificate.fingerprint(),
                    cause,
                })?;
            filed.push((Key::of_anchor(&issuer), Arc::new(issuer)));
        }
        let rulebook = setid::rulebook(&anchors, &helpers, &policy, &crls, &denials);
        let alone = filed.iter().map(|(_, issuer)| {
            let slot = Slot {
                id: rulebook,
                issuers: [Arc::clone(issuer)].into(),
            };
            let key = Key::anchor(&issuer.certificate.fingerprint());
            (key, Arc::new(slot))
        });
        let mut slots: Vec<(Key, Arc<Slot>)> = alone.collect();
        let (crl_signers, issuers): (Vec<_>, Vec<_>) = helpers
            .iter()
            .partition(|helper| anchor::signs_only_crls(helper));
        let mut by_name: HashMap<Name, Vec<Certificate>> = HashMap::new();
        for signer in crl_signers {
            let name = Name::of(&signer.facts().raw_subject);
            by_name.entry(name).or_default().push(signer.clone());
        }
        for helper in issuers {
            let issuer = anchor::prepare(helper).map_err(|cause| InvalidTrustSet::Helper {
                subject: helper.facts().subject.clone(),
                fingerprint: helper.fingerprint(),
                cause,
            })?;
            filed.push((Key::of_helper(&issuer), Arc::new(issuer)));
        }
        slots.extend(shelved(&filed));
        slots.sort_unstable_by_key(|(key, _)| *key);
        let id = setid::of(&anchors, &helpers, &policy, &crls, &denials);
        let extras = Extras {
            crl_signers: by_name,
            policy,
            crls: Crls::build_again(&crls, earlier.crls()),
            denials,
        };
        Ok(Self {
            id,
            anchors,
            slots: slots.into(),
            extras: (!extras.is_empty()).then(|| Box::new(extras)),
        })
    }

    /// What tells it from every set that decides otherwise: a digest of everything that it was built from.
    pub const fn id(&self) -> Fingerprint {
        self.id
    }

    /// What is asked of clients beyond a path.
    pub fn policy(&self) -> &TrustPolicy {
        &self.extras().policy
    }

    /// The revocation lists.
    pub fn crls(&self) -> &Crls {
        &self.extras().crls
    }

    /// What is let in no more.
    pub fn denials(&self) -> &Denials {
        &self.extras().denials
    }

    /// The helpers of a name that sign revocation lists and nothing else, in order of their fingerprints.
    pub fn crl_signers(&self, name: &Name) -> &[Certificate] {
        self.extras()
            .crl_signers
            .get(name)
            .map_or(&[], Vec::as_slice)
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
        self.id == other.id
    }

    /// What is filed under a key.
    pub fn slot(&self, key: &Key) -> Option<&Arc<Slot>> {
        let place = self.slots.binary_search_by_key(key, |(key, _)| *key);
        self.slots.get(place.ok()?).map(|(_, slot)| slot)
    }

    /// All keys, with what is filed under them.
    pub fn slots(&self) -> impl Iterator<Item = (&Key, &Arc<Slot>)> {
        self.slots.iter().map(|(key, slot)| (key, slot))
    }

    fn extras(&self) -> &Extras {
        self.extras.as_deref().unwrap_or(&NO_EXTRAS)
    }
}

impl Default for TrustSet {
    /// The set that trusts nobody.
    fn default() -> Self {
        let (policy, denials) = (TrustPolicy::default(), Denials::default());
        Self {
            id: setid::of(&[], &[], &policy, &[], &denials),
            anchors: Vec::new(),
            slots: Box::default(),
            extras: None,
        }
    }
}

/// In order of the fingerprints, each once.
fn in_order<T>(mut items: Vec<T>, fingerprint: impl Fn(&T) -> Fingerprint) -> Vec<T> {
    items.sort_by_key(&fingerprint);
    items.dedup_by_key(|item| fingerprint(item));
    items
}

/// What is filed under each key. The same issuers under several keys are one slot in memory.
fn shelved(filed: &[(Vec<Key>, Arc<Issuer>)]) -> impl Iterator<Item = (Key, Arc<Slot>)> {
    let mut lists: HashMap<Key, Vec<Arc<Issuer>>> = HashMap::new();
    for (keys, issuer) in filed {
        for key in keys {
            lists.entry(*key).or_default().push(Arc::clone(issuer));
        }
    }
    let mut slots: HashMap<Fingerprint, Arc<Slot>> = HashMap::new();
    lists.into_iter().map(move |(key, issuers)| {
        let slot = Slot::of(issuers);
        let shared = slots.entry(slot.id).or_insert_with(|| Arc::new(slot));
        (key, Arc::clone(shared))
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};

    use super::*;
    use crate::trust::index::Name;
    use crate::trust::policy::{OutOfDate, Pin, Revocation, RevocationScope, Signatures};
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
        } = TrustSet::build(TrustSource {
            anchors,
            ..TrustSource::default()
        })
        .unwrap_err()
        else {
            panic!("an anchor was at fault");
        };
        assert_eq!(subject, certificate.certificate.facts().subject);
        assert_eq!(fingerprint, certificate.certificate.fingerprint());
        let as_helper = TrustSet::build(TrustSource {
            helpers: vec![certificate.certificate.clone()],
            ..TrustSource::default()
        });
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
                with(ca("x"), |p| {
                    p.key_usages = vec![KeyUsagePurpose::DigitalSignature]
                }),
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
        let trust = TrustSet::build(TrustSource {
            anchors,
            helpers: vec![root.clone(), root.clone()],
            ..TrustSource::default()
        })
        .unwrap();
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

    #[test]
    fn a_certificate_that_only_signs_revocation_lists_helps_and_issues_nothing() {
        let root = Made::root(ca("Root"));
        for params in [ca("Lists"), client("Lists")] {
            let signer = root.issue(with(params, |p| {
                p.key_usages = vec![KeyUsagePurpose::CrlSign]
            }));
            let trust = set_with_helpers(&[&root], &[&signer]);
            let name = Name::of(&signer.certificate.facts().raw_subject);
            assert!(trust.crl_signers(&name).iter().eq([&signer.certificate]));
            assert!(trust.slot(&Key::helpers(&name)).is_none());
        }
    }

    #[test]
    fn the_id_tells_apart_whatever_decides_otherwise() {
        let (one, two) = (Made::root(ca("One")), Made::root(ca("Two")));
        let source = |anchors: &[(&Made, &str)], helpers: &[&Made]| TrustSource {
            anchors: anchors
                .iter()
                .map(|(made, account)| (made.certificate.clone(), Arc::from(*account)))
                .collect(),
            helpers: helpers
                .iter()
                .map(|made| made.certificate.clone())
                .collect(),
            ..TrustSource::default()
        };
        let with_policy = |policy| TrustSource {
            policy,
            ..source(&[(&one, "a")], &[])
        };
        let revocation = |scope, out_of_date| Revocation { scope, out_of_date };
        let print = one.certificate.fingerprint();
        let sources = [
            TrustSource::default(),
            source(&[(&one, "a")], &[]),
            source(&[(&one, "b")], &[]),
            source(&[(&one, "a"), (&two, "a")], &[]),
            source(&[(&one, "a")], &[&two]),
            source(&[(&two, "a")], &[&one]),
            with_policy(TrustPolicy {
                pins: [Pin::Key(print)].into(),
                ..TrustPolicy::default()
            }),
            with_policy(TrustPolicy {
                pins: [Pin::Certificate(print)].into(),
                ..TrustPolicy::default()
            }),
            with_policy(TrustPolicy {
                revocation: revocation(RevocationScope::Leaf, OutOfDate::Refuse),
                ..TrustPolicy::default()
            }),
            with_policy(TrustPolicy {
                revocation: revocation(RevocationScope::Leaf, OutOfDate::AllowHours(1)),
                ..TrustPolicy::default()
            }),
            with_policy(TrustPolicy {
                revocation: revocation(RevocationScope::Leaf, OutOfDate::AllowHours(2)),
                ..TrustPolicy::default()
            }),
            with_policy(TrustPolicy {
                by_anchor: [(print, revocation(RevocationScope::Chain, OutOfDate::Allow))].into(),
                ..TrustPolicy::default()
            }),
            with_policy(TrustPolicy {
                signatures: Signatures::Strict,
                ..TrustPolicy::default()
            }),
        ];
        let built: Vec<TrustSet> = sources
            .iter()
            .map(|source| TrustSet::build(source.clone()).unwrap())
            .collect();
        for (place, left) in built.iter().enumerate() {
            for (other, right) in built.iter().enumerate() {
                assert_eq!(left.same_as(right), place == other, "{place} and {other}");
            }
        }
        let again = TrustSet::build(source(&[(&two, "a"), (&one, "a"), (&one, "z")], &[])).unwrap();
        assert!(
            again.same_as(&built[3]),
            "order and repetition do not matter"
        );
        assert!(TrustSet::default().same_as(&built[0]));
    }
}
