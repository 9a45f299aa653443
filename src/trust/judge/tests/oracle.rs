//! What rustls-webpki makes of the same chains: where it differs, RFC 5280 says why.

use std::time::Duration;

use rcgen::{
    CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyUsagePurpose, NameConstraints, SanType,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use time::macros::datetime;
use webpki::{EndEntityCert, KeyUsage};

use super::judged;
use crate::trust::signature::MODERN;
use crate::trust::workshop::*;

/// Whose certificate is edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Root,
    Middle,
    Leaf,
}

/// What may come of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// Both say the same.
    Agreement,
    /// We refuse what rustls-webpki accepts.
    Stricter(&'static str),
    /// We accept what rustls-webpki refuses.
    Kinder(&'static str),
}

struct Edit {
    name: &'static str,
    place: Place,
    expected: Expected,
    apply: fn(&mut CertificateParams),
}

fn permits(params: &mut CertificateParams, subtree: GeneralSubtree) {
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![subtree],
        excluded_subtrees: Vec::new(),
    });
}

fn edits() -> Vec<Edit> {
    use Expected::{Agreement, Kinder, Stricter};
    use Place::{Leaf, Middle, Root};
    let edit = |name, place, expected, apply| Edit {
        name,
        place,
        expected,
        apply,
    };
    vec![
        edit(
            "an expired anchor",
            Root,
            Stricter("6.2 leaves it open; an expired CA should have been replaced"),
            |params| params.not_after = datetime!(2030-02-01 0:00 UTC),
        ),
        edit(
            "an anchor whose path length is exceeded",
            Root,
            Stricter("6.2 lets an anchor limit its paths, 4.2.1.9 says how"),
            |params| *params = with_path_length(params.clone(), 0),
        ),
        edit(
            "an anchor that permits a domain",
            Root,
            Agreement,
            |params| permits(params, GeneralSubtree::DnsName("acme.example".to_owned())),
        ),
        edit(
            "an anchor that permits another domain",
            Root,
            Agreement,
            |params| permits(params, GeneralSubtree::DnsName("globex.example".to_owned())),
        ),
        edit(
            "an anchor that permits addresses",
            Root,
            Agreement,
            |params| {
                let subnet = CidrSubnet::from_v4_prefix([10, 0, 0, 0], 8);
                permits(params, GeneralSubtree::IpAddress(subnet))
            },
        ),
        edit("an expired intermediate", Middle, Agreement, |params| {
            params.not_after = datetime!(2030-02-01 0:00 UTC)
        }),
        edit(
            "an intermediate that is no CA",
            Middle,
            Agreement,
            |params| params.is_ca = IsCa::ExplicitNoCa,
        ),
        edit(
            "an intermediate without keyCertSign",
            Middle,
            Stricter("6.1.4 (n)"),
            |params| params.key_usages = vec![KeyUsagePurpose::CrlSign],
        ),
        edit(
            "an intermediate without key usage",
            Middle,
            Agreement,
            |params| params.key_usages = Vec::new(),
        ),
        edit(
            "an intermediate with path length 0",
            Middle,
            Agreement,
            |params| *params = with_path_length(params.clone(), 0),
        ),
        edit("an intermediate for servers", Middle, Agreement, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]
        }),
        edit("an intermediate for clients", Middle, Agreement, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]
        }),
        edit(
            "an intermediate for any usage",
            Middle,
            Kinder("4.2.1.12: anyExtendedKeyUsage includes clientAuth"),
            |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any],
        ),
        edit(
            "an intermediate with an unknown extension",
            Middle,
            Agreement,
            |params| *params = with_critical_extension(params.clone()),
        ),
        edit(
            "an intermediate that permits mail addresses",
            Middle,
            Kinder("4.2.1.10: rfc822Name"),
            |params| {
                permits(
                    params,
                    GeneralSubtree::Rfc822Name("acme.example".to_owned()),
                )
            },
        ),
        edit(
            "an intermediate that permits a directory",
            Middle,
            Kinder("4.2.1.10: directoryName"),
            |params| {
                let mut name = rcgen::DistinguishedName::new();
                name.push(DnType::OrganizationName, "Acme");
                permits(params, GeneralSubtree::DirectoryName(name))
            },
        ),
        edit(
            "an intermediate that excludes the domain",
            Middle,
            Agreement,
            |params| {
                params.name_constraints = Some(NameConstraints {
                    permitted_subtrees: Vec::new(),
                    excluded_subtrees: vec![GeneralSubtree::DnsName("acme.example".to_owned())],
                })
            },
        ),
        edit("an expired client", Leaf, Agreement, |params| {
            params.not_after = datetime!(2030-02-01 0:00 UTC)
        }),
        edit("a client of the future", Leaf, Agreement, |params| {
            params.not_before = datetime!(2030-08-01 0:00 UTC)
        }),
        edit(
            "a client since 1965",
            Leaf,
            Kinder("4.1.2.5.1: UTCTime begins in 1950"),
            |params| params.not_before = datetime!(1965-01-01 0:00 UTC),
        ),
        edit("a server", Leaf, Agreement, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]
        }),
        edit("a client and server", Leaf, Agreement, |params| {
            params
                .extended_key_usages
                .push(ExtendedKeyUsagePurpose::ServerAuth)
        }),
        edit("a client for any usage", Leaf, Agreement, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]
        }),
        edit(
            "a client that may not sign",
            Leaf,
            Stricter("4.2.1.3; RFC 8446, 4.4.2.2"),
            |params| params.key_usages = vec![KeyUsagePurpose::KeyEncipherment],
        ),
        edit("a client that is a CA", Leaf, Agreement, |params| {
            params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained)
        }),
        edit(
            "a client with an unknown extension",
            Leaf,
            Agreement,
            |params| *params = with_critical_extension(params.clone()),
        ),
        edit("a client of another domain", Leaf, Agreement, |params| {
            params.subject_alt_names = vec![SanType::DnsName("x.example".try_into().unwrap())]
        }),
        edit(
            "a client without alternative names",
            Leaf,
            Agreement,
            |params| params.subject_alt_names = Vec::new(),
        ),
    ]
}

fn acme(params: CertificateParams) -> CertificateParams {
    with(params, |params| {
        let mut name = rcgen::DistinguishedName::new();
        name.push(DnType::OrganizationName, "Acme");
        if let Some(common_name) = params.distinguished_name.get(&DnType::CommonName) {
            name.push(DnType::CommonName, common_name.clone());
        }
        params.distinguished_name = name;
    })
}

/// What we say, and what rustls-webpki says.
fn verdicts(edits: &[&Edit]) -> (bool, bool) {
    let params = |place, params| {
        with(acme(params), |params| {
            edits
                .iter()
                .filter(|edit| edit.place == place)
                .for_each(|edit| (edit.apply)(params))
        })
    };
    let leaf = with(client("client"), |params| {
        params.subject_alt_names = vec![
            SanType::DnsName("a.acme.example".try_into().unwrap()),
            SanType::Rfc822Name("a@acme.example".try_into().unwrap()),
        ]
    });
    let root = Made::root(params(Place::Root, ca("Root")));
    let middle = root.issue(params(Place::Middle, ca("Middle")));
    let leaf = middle.issue(params(Place::Leaf, leaf));
    let ours = judged(&set(&[&root]), &chain(&[&leaf, &middle])).is_ok();
    (
        ours,
        webpki_accepts(&root.der(), &middle.der(), &leaf.der()),
    )
}

fn webpki_accepts(
    root: &CertificateDer<'_>,
    middle: &CertificateDer<'_>,
    leaf: &CertificateDer<'_>,
) -> bool {
    let anchors = [webpki::anchor_from_trusted_cert(root).unwrap()];
    let time = UnixTime::since_unix_epoch(Duration::from_secs(now().unix_seconds()));
    EndEntityCert::try_from(leaf).is_ok_and(|leaf| {
        leaf.verify_for_usage(
            MODERN,
            &anchors,
            &[middle.as_ref().into()],
            time,
            KeyUsage::client_auth(),
            None,
            None,
        )
        .is_ok()
    })
}

#[test]
fn differs_from_webpki_only_where_rfc_5280_says_why() {
    assert_eq!(verdicts(&[]), (true, true));
    for edit in &edits() {
        let (ours, theirs) = verdicts(&[edit]);
        match edit.expected {
            Expected::Agreement => assert_eq!(ours, theirs, "{}", edit.name),
            Expected::Stricter(why) => assert!(!ours && theirs, "{}: {why}", edit.name),
            Expected::Kinder(why) => assert!(ours && !theirs, "{}: {why}", edit.name),
        }
    }
}

#[test]
fn two_faults_are_judged_as_each_of_them() {
    let edits = edits();
    for (place, one) in edits.iter().enumerate() {
        for two in edits.iter().skip(place + 1) {
            let (ours, theirs) = verdicts(&[one, two]);
            let pair = [one, two];
            let may_be_stricter = pair
                .iter()
                .any(|edit| matches!(edit.expected, Expected::Stricter(_)));
            let may_be_kinder = pair
                .iter()
                .any(|edit| matches!(edit.expected, Expected::Kinder(_)));
            let called = format!("{} and {}: {ours}, {theirs}", one.name, two.name);
            assert!(ours || !theirs || may_be_stricter, "{called}");
            assert!(!ours || theirs || may_be_kinder, "{called}");
        }
    }
}
