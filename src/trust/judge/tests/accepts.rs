use std::rc::Rc;

use rcgen::{
    CidrSubnet, CustomExtension, DnType, DnValue, ExtendedKeyUsagePurpose, GeneralSubtree, KeyPair,
    KeyUsagePurpose, NameConstraints,
};

use super::judged;
use crate::clock::Moment;
use crate::trust::workshop::*;

#[test]
fn accepts_a_client_of_the_anchor_and_says_who_it_is() {
    let root = Made::root(ca("Root"));
    let leaf = root.issue(with(client("client-1"), |params| {
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Acme");
        params.subject_alt_names = vec![rcgen::SanType::DnsName(
            "client-1.acme.example".try_into().unwrap(),
        )];
    }));
    let verified = judged(&set(&[&root]), &chain(&[&leaf])).unwrap();
    let identity = &verified.identity;
    assert_eq!(identity.subject, leaf.certificate.facts().subject);
    assert!(identity.subject.contains("CN=client-1") && identity.subject.contains("O=Acme"));
    assert_eq!(identity.sans, ["DNS:client-1.acme.example"]);
    assert_eq!(identity.issuer, "CN=Root");
    assert_eq!(identity.serial, leaf.certificate.facts().serial);
    assert_eq!(identity.fingerprint, leaf.certificate.fingerprint());
    assert_eq!(identity.anchor, root.certificate.fingerprint());
    assert_eq!(identity.anchor_subject, "CN=Root");
    assert_eq!(&*identity.account, "dgb-mtls-test");
    assert_eq!(
        (identity.not_before, identity.not_after),
        (verified.path_starts, verified.path_ends)
    );
    assert_eq!(verified.anchor, root.certificate.fingerprint());
    assert_eq!(&*verified.chain, chain(&[&leaf]));
}

#[test]
fn accepts_whatever_rfc_5280_accepts() {
    let root = Made::root(ca("Root"));
    let middle = root.issue(ca("Middle"));
    let low = middle.issue(ca("Low"));
    let leaf = low.issue(client("client"));
    let stranger = Made::root(ca("Stranger"));
    let cases = [
        ("in order", chain(&[&leaf, &low, &middle])),
        ("in another order", chain(&[&leaf, &middle, &low])),
        ("with the root", chain(&[&leaf, &low, &middle, &root])),
        (
            "with strangers in between",
            chain(&[
                &leaf,
                &stranger,
                &middle,
                &stranger.issue(client("x")),
                &low,
            ]),
        ),
        (
            "each twice",
            chain(&[&leaf, &leaf, &low, &low, &middle, &middle]),
        ),
    ];
    for (case, presented) in cases {
        let verified = judged(&set(&[&root]), &presented)
            .unwrap_or_else(|distrust| panic!("{case}: {distrust}"));
        assert_eq!(verified.anchor, root.certificate.fingerprint(), "{case}");
    }
    let rubbish = [
        chain(&[&leaf, &low, &middle]),
        vec![vec![0x30, 0x03, 1, 2, 3].into()],
    ]
    .concat();
    assert!(
        judged(&set(&[&root]), &rubbish).is_ok(),
        "what cannot be decoded does not matter where it is not needed"
    );
}

#[test]
fn an_intermediate_can_be_the_anchor() {
    let root = Made::root(ca("Root"));
    let middle = root.issue(ca("Middle"));
    let leaf = middle.issue(client("client"));
    for presented in [
        chain(&[&leaf]),
        chain(&[&leaf, &middle]),
        chain(&[&leaf, &middle, &root]),
    ] {
        let verified = judged(&set(&[&middle]), &presented).unwrap();
        assert_eq!(verified.anchor, middle.certificate.fingerprint());
    }
    assert!(judged(&set(&[&middle, &root]), &chain(&[&leaf])).is_ok());
}

#[test]
fn helpers_complete_a_chain_that_the_client_cut_short() {
    let root = Made::root(ca("Root"));
    let middle = root.issue(ca("Middle"));
    let low = middle.issue(ca("Low"));
    let leaf = low.issue(client("client"));
    let trust = set_with_helpers(&[&root], &[&low, &middle]);
    assert!(judged(&trust, &chain(&[&leaf])).is_ok());
    assert!(judged(&trust, &chain(&[&leaf, &low])).is_ok());
    let helpers_only = set_with_helpers(&[&Made::root(ca("Other"))], &[&low, &middle]);
    assert!(
        judged(&helpers_only, &chain(&[&leaf])).is_err(),
        "a helper is not trusted by itself"
    );
}

#[test]
fn a_good_leaf_is_accepted_whatever_forgeries_follow_it() {
    let root = Made::root(ca("Root"));
    let middle = root.issue(ca("Middle"));
    let leaf = middle.issue(client("client"));
    let forged_root = Made::root(with_key_id(
        ca("Root"),
        &root.certificate.facts().subject_key_id.clone().unwrap(),
    ));
    let forged_middle = forged_root.issue(with_key_id(
        ca("Middle"),
        &middle.certificate.facts().subject_key_id.clone().unwrap(),
    ));
    let victim = forged_middle.issue(client("somebody else"));
    let verified = judged(
        &set(&[&root]),
        &chain(&[&leaf, &victim, &forged_middle, &forged_root, &middle]),
    )
    .unwrap();
    assert_eq!(verified.identity.subject, "CN=client");
    assert_eq!(verified.identity.anchor, root.certificate.fingerprint());
}

#[test]
fn names_match_in_every_spelling() {
    let spelled = |value: DnValue| {
        let mut name = rcgen::DistinguishedName::new();
        name.push(DnType::CommonName, value);
        name
    };
    let other = spelled(DnValue::PrintableString("ACME  root".try_into().unwrap()));
    let root = Made::root(ca("Acme Root"));
    let middle = root.calling_itself(other.clone()).issue(ca("Acme Root 2"));
    let other_2 = spelled(DnValue::BmpString("ACME ROOT 2".try_into().unwrap()));
    let leaf = middle.calling_itself(other_2).issue(client("client"));
    let trust = set(&[&root]);
    assert!(
        judged(
            &trust,
            &chain(&[&root.calling_itself(other).issue(client("client"))])
        )
        .is_ok()
    );
    assert!(judged(&trust, &chain(&[&leaf, &middle])).is_ok());
}

#[test]
fn certificates_that_an_issuer_gave_to_itself_do_not_count_for_the_path_length() {
    let root = Made::root(with_path_length(ca("Root"), 1));
    let new_key = root.issue(ca("Root"));
    let middle = new_key.issue(with_path_length(ca("Middle"), 0));
    let leaf = middle.issue(client("client"));
    assert!(judged(&set(&[&root]), &chain(&[&leaf, &middle, &new_key])).is_ok());
}

#[test]
fn follows_nine_intermediates() {
    let root = Made::root(ca("Root"));
    let mut path = vec![root.clone()];
    for depth in 1..=9 {
        let next = path[0].issue(ca(&format!("CA {depth}")));
        path.insert(0, next);
    }
    path.insert(0, path[0].issue(client("client")));
    path.pop();
    let presented: Vec<&Made> = path.iter().collect();
    assert!(judged(&set(&[&root]), &chain(&presented)).is_ok());
}

#[test]
fn accepts_every_kind_of_key_and_signature_of_the_modern_list() {
    let algorithms = [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ECDSA_P521_SHA512,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_RSA_SHA256,
        &rcgen::PKCS_RSA_SHA384,
        &rcgen::PKCS_RSA_SHA512,
    ];
    for algorithm in algorithms {
        let key = || Rc::new(KeyPair::generate_for(algorithm).unwrap());
        let root = Made::root_with(ca("Root"), key());
        let leaf = root.issue_for(client("client"), key());
        assert!(
            judged(&set(&[&root]), &chain(&[&leaf])).is_ok(),
            "{algorithm:?}"
        );
    }
}

#[test]
fn a_certificate_without_usages_may_be_used_for_everything() {
    let root = Made::root(with(ca("Root"), |params| params.key_usages = Vec::new()));
    let leaf = root.issue(bare("client"));
    assert!(judged(&set(&[&root]), &chain(&[&leaf])).is_ok());
}

#[test]
fn a_ca_may_be_limited_to_clients_or_to_any_usage() {
    for usage in [
        ExtendedKeyUsagePurpose::ClientAuth,
        ExtendedKeyUsagePurpose::Any,
    ] {
        let limited = |params| {
            with(params, |params| {
                params.extended_key_usages = vec![usage.clone()]
            })
        };
        let root = Made::root(limited(ca("Root")));
        let middle = root.issue(limited(ca("Middle")));
        let leaf = middle.issue(with(client("client"), |params| {
            params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
            params
                .extended_key_usages
                .push(ExtendedKeyUsagePurpose::ServerAuth);
        }));
        assert!(
            judged(&set(&[&root]), &chain(&[&leaf, &middle])).is_ok(),
            "{usage:?}"
        );
    }
}

#[test]
fn names_within_the_constraints_are_accepted() {
    let constraints = NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("acme.example".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([10, 0, 0, 0], 8)),
        ],
        excluded_subtrees: vec![GeneralSubtree::DnsName("secret.acme.example".to_owned())],
    };
    let constrained = |params| with(params, |params| params.name_constraints = Some(constraints));
    let root = Made::root(constrained(ca("Root")));
    let middle = root.issue(ca("Middle"));
    let leaf = middle.issue(with(client("client"), |params| {
        params.subject_alt_names = vec![
            rcgen::SanType::DnsName("a.acme.example".try_into().unwrap()),
            rcgen::SanType::IpAddress("10.1.2.3".parse().unwrap()),
        ];
    }));
    assert!(judged(&set(&[&root]), &chain(&[&leaf, &middle])).is_ok());
}

#[test]
fn the_path_ends_with_its_first_certificate_and_starts_with_its_last() {
    let root = Made::root(with(ca("Root"), |params| {
        params.not_after = time::macros::datetime!(2030-07-01 0:00 UTC)
    }));
    let middle = root.issue(with(ca("Middle"), |params| {
        params.not_before = time::macros::datetime!(2030-05-01 0:00 UTC)
    }));
    let leaf = middle.issue(client("client"));
    let verified = judged(&set(&[&root]), &chain(&[&leaf, &middle])).unwrap();
    assert_eq!(verified.path_starts, Moment::parse("2030-05-01").unwrap());
    assert_eq!(verified.path_ends, Moment::parse("2030-07-01").unwrap());
}

#[test]
fn extensions_that_are_unknown_but_not_critical_do_not_matter() {
    let extra = |params| {
        with(params, |params| {
            params
                .custom_extensions
                .push(CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]));
        })
    };
    let root = Made::root(extra(ca("Root")));
    assert!(
        judged(
            &set(&[&root]),
            &chain(&[&root.issue(extra(client("client")))])
        )
        .is_ok()
    );
}

#[test]
fn of_two_anchors_with_one_name_and_key_the_one_that_fits_serves() {
    let key = Rc::new(KeyPair::generate().unwrap());
    let expired = with(ca("Root"), |params| {
        params.not_after = time::macros::datetime!(2030-02-01 0:00 UTC)
    });
    let short = with_path_length(ca("Root"), 0);
    let anchors =
        [expired, short, ca("Root")].map(|params| Made::root_with(params, Rc::clone(&key)));
    let middle = anchors[2].issue(ca("Middle"));
    let leaf = middle.issue(client("client"));
    let anchors: Vec<&Made> = anchors.iter().collect();
    let verified = judged(&set(&anchors), &chain(&[&leaf, &middle])).unwrap();
    assert_eq!(verified.anchor, anchors[2].certificate.fingerprint());
}
