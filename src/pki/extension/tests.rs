use rcgen::{CertificateParams, CustomExtension, KeyPair};

use super::*;
use crate::pki::certificate::{Certificate, Facts};

const ALL_USAGES: [&str; 9] = [
    "digitalSignature",
    "contentCommitment",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

/// A certificate with extensions of these OIDs (below 2.5.29), contents and criticality.
fn with_extensions(extensions: &[(u64, Vec<u8>, bool)]) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.custom_extensions = extensions
        .iter()
        .map(|(id, content, critical)| {
            let mut extension =
                CustomExtension::from_oid_content(&[2, 5, 29, *id], content.clone());
            extension.set_criticality(*critical);
            extension
        })
        .collect();
    params
        .self_signed(&KeyPair::generate().unwrap())
        .unwrap()
        .der()
        .to_vec()
}

fn facts_with(id: u64, content: &[u8]) -> Facts {
    Certificate::from_der(&with_extensions(&[(id, content.to_vec(), false)]))
        .unwrap()
        .facts()
        .clone()
}

#[test]
fn refuses_an_extension_that_occurs_twice() {
    let usage = (15, vec![3, 2, 7, 0x80], true);
    assert_eq!(
        Certificate::from_der(&with_extensions(&[usage.clone(), usage])),
        Err(InvalidCertificate::DuplicateExtension {
            oid: "2.5.29.15".to_owned()
        })
    );
}

#[test]
fn refuses_extensions_that_it_must_understand_and_cannot_decode() {
    let cases: [(u64, &[u8]); 45] = [
        (9, b"\x05\x00"),
        (14, b"\x05\x00"),
        (14, b"\x04\x01"),
        (15, b"\x05\x00"),
        (15, b"\x03\x00"),
        (15, b"\x03\x02\x08\x80"),
        (17, b"\x05\x00"),
        (17, b"\x30\x02\x82\x05"),
        (17, b"\x30\x00\x00"),
        (17, b"\x30\x00"),
        (17, b"\x30\x03\x82\x01\xe9"),
        (17, b"\x30\x05\x87\x03\x0a\x00\x00"),
        (18, b"\x30\x00"),
        (19, b"\x05\x00"),
        (19, b"\x30\x03\x01\x01\x01"),
        (19, b"\x30\x04\x01\x02\xff\xff"),
        (19, b"\x30\x03\x02\x01\xff"),
        (19, b"\x30\x02\x02\x00"),
        (19, b"\x30\x09\x01\x01\xff\x02\x01\x00\x02\x01\x00"),
        (19, b"\x30\x03\x04\x01\x00"),
        (30, b"\x30\x00"),
        (30, b"\x30\x02\xa0\x00"),
        (30, b"\x30\x02\xa2\x00"),
        (30, b"\x30\x06\xa0\x04\x30\x02\x82\x05"),
        (30, b"\x30\x0a\xa0\x08\x30\x06\x82\x01a\x80\x01\x01"),
        (
            30,
            b"\x30\x0e\xa1\x05\x30\x03\x82\x01a\xa0\x05\x30\x03\x82\x01a",
        ),
        (30, b"\x30\x08\xa0\x06\x30\x04\x87\x02\x0a\x00"),
        (
            30,
            b"\x30\x0e\xa0\x0c\x30\x0a\x87\x08\x0a\x00\x00\x00\xff\x00\xff\x00",
        ),
        (31, b"\x05\x00"),
        (31, b"\x30\x02\x05\x00"),
        (31, b"\x30\x02\x30\x00"),
        (31, b"\x30\x05\x30\x03\xa0\x01\xa0"),
        (32, b"\x30\x00"),
        (33, b"\x30\x00"),
        (33, b"\x30\x02\x30\x00"),
        (36, b"\x30\x00"),
        (46, b"\x05\x00"),
        (54, b"\x30\x00"),
        (54, b"\x02\x02\x00\x01"),
        (37, b"\x30\x81\x04\x06\x02\x2a\x03"),
        (35, b"\x05\x00"),
        (35, b"\x30\x01\x80"),
        (37, b"\x30\x00"),
        (37, b"\x30\x02\x05\x00"),
        (37, b"\x30\x02\x06\x00"),
    ];
    for (id, content) in cases {
        let oid = format!("2.5.29.{id}");
        let der = with_extensions(&[(id, content.to_vec(), false)]);
        assert_eq!(
            Certificate::from_der(&der),
            Err(InvalidCertificate::UndecodableExtension { oid }),
            "{content:x?}"
        );
    }
}

#[test]
fn reads_the_forms_that_extensions_may_have() {
    let constraints = |content| facts_with(19, content).basic_constraints.unwrap();
    assert_eq!(
        constraints(b"\x30\x00"),
        BasicConstraints {
            ca: false,
            path_length: None
        }
    );
    assert_eq!(
        constraints(b"\x30\x03\x01\x01\x00"),
        BasicConstraints {
            ca: false,
            path_length: None
        }
    );
    assert_eq!(
        constraints(b"\x30\x0a\x01\x01\xff\x02\x05\x01\x00\x00\x00\x00"),
        BasicConstraints {
            ca: true,
            path_length: Some(u32::MAX)
        }
    );
    assert_eq!(
        facts_with(15, b"\x03\x01\x00").key_usage.unwrap().names(),
        Vec::<&str>::new()
    );
    let all = facts_with(15, b"\x03\x03\x07\xff\x80").key_usage.unwrap();
    assert_eq!(all.names(), ALL_USAGES);
    assert!(all.digital_signature() && all.key_cert_sign() && all.crl_sign());
    let any = facts_with(37, b"\x30\x06\x06\x04\x55\x1d\x25\x00");
    assert!(any.allows_client_auth() && any.allows_server_auth());
    assert_eq!(any.extended_key_usage.unwrap(), ["anyExtendedKeyUsage"]);
    let other = facts_with(37, b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01");
    assert!(other.allows_server_auth() && !other.allows_client_auth());
    assert_eq!(facts_with(35, b"\x30\x00").authority_key_id, None);
    let point = b"\x30\x09\x30\x07\xa0\x05\xa0\x03\x86\x01a";
    let points = facts_with(31, point);
    assert_eq!(points.rare().crl_distribution_points, ["URI:a"]);
    assert_eq!(points.rare().distribution_points.len(), 1);
}

#[test]
fn tells_at_most_a_hundred_names() {
    let names = der::encode(0x82, &[b"a.example"]).repeat(130);
    let facts = facts_with(17, &der::encode(tag::SEQUENCE, &[&names]));
    assert_eq!(facts.sans.len(), 101);
    assert_eq!(facts.sans[100], "… and 30 more");
}

#[test]
fn lists_critical_extensions_that_it_does_not_know() {
    let der = with_extensions(&[
        (99, vec![5, 0], true),
        (98, vec![5, 0], false),
        (15, vec![3, 2, 7, 0x80], true),
        (32, b"\x30\x05\x30\x03\x06\x01\x2a".to_vec(), true),
        (16, vec![0x30, 0], true),
    ]);
    let certificate = Certificate::from_der(&der).unwrap();
    let facts = certificate.facts();
    assert_eq!(facts.unknown_critical, ["2.5.29.99", "2.5.29.16"]);
    assert_eq!(
        facts.critical,
        ["2.5.29.99", "2.5.29.15", "2.5.29.32", "2.5.29.16"]
    );
}

#[test]
fn critical_policies_with_a_qualifier_that_it_does_not_know_are_not_known_themselves() {
    let policies = |last: u8| {
        let kind = der::encode(tag::OID, &[&[0x2b, 6, 1, 5, 5, 7, 2, last]]);
        let qualifier = der::encode(tag::SEQUENCE, &[&kind, b"\x16\x03a:b"]);
        let qualifiers = der::encode(tag::SEQUENCE, &[&qualifier]);
        let policy = der::encode(tag::SEQUENCE, &[b"\x06\x01\x2a", &qualifiers]);
        der::encode(tag::SEQUENCE, &[&policy])
    };
    for (last, critical, unknown) in [
        (1, true, &[][..]),
        (3, true, &["2.5.29.32"]),
        (3, false, &[]),
    ] {
        let der = with_extensions(&[(32, policies(last), critical)]);
        let certificate = Certificate::from_der(&der).unwrap();
        assert_eq!(certificate.facts().unknown_critical, unknown);
        assert_eq!(
            certificate.facts().rare().policies,
            Some(vec![Oid::from_octets(&[0x2a])])
        );
    }
}

#[test]
fn knows_the_extensions_that_need_no_processing() {
    let needless = [9, 18, 46].map(|id| (id, b"\x30\x03\x82\x01a".to_vec(), true));
    let certificate = Certificate::from_der(&with_extensions(&needless)).unwrap();
    assert_eq!(certificate.facts().unknown_critical, Vec::<String>::new());
    assert_eq!(certificate.facts().critical.len(), 3);
    for last in [1, 11] {
        let access = |content: &[u8]| {
            let mut params = CertificateParams::default();
            let mut extension = CustomExtension::from_oid_content(
                &[1, 3, 6, 1, 5, 5, 7, 1, last],
                content.to_vec(),
            );
            extension.set_criticality(true);
            params.custom_extensions.push(extension);
            let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            Certificate::from_der(made.der())
        };
        let certificate = access(b"\x30\x02\x30\x00").unwrap();
        assert!(certificate.facts().unknown_critical.is_empty());
        let oid = format!("1.3.6.1.5.5.7.1.{last}");
        assert_eq!(
            access(b"\x04\x00"),
            Err(InvalidCertificate::UndecodableExtension { oid })
        );
    }
}

#[test]
fn tells_names_and_policies_as_they_are() {
    let names = facts_with(17, b"\x30\x0c\x82\x01a\x81\x01b\x86\x01c\x88\x01\x2a");
    assert_eq!(
        names.alternative_names,
        [
            GeneralName::Dns("a".to_owned()),
            GeneralName::Email("b".to_owned()),
            GeneralName::Uri("c".to_owned()),
            GeneralName::Other(8, vec![0x2a]),
        ]
    );
    let subtrees = facts_with(
        30,
        b"\x30\x15\xa0\x05\x30\x03\x82\x01a\xa1\x0c\x30\x0a\x87\x08\x0a\x00\x00\x00\xff\x00\x00\x00",
    );
    assert_eq!(
        subtrees.rare().subtrees.clone().unwrap(),
        NameSubtrees {
            permitted: vec![GeneralName::Dns("a".to_owned())],
            excluded: vec![GeneralName::Ip(vec![10, 0, 0, 0, 255, 0, 0, 0])],
        }
    );
    assert_eq!(
        subtrees.rare().name_constraints.clone().unwrap().excluded,
        ["IP:10.0.0.0/8"]
    );
    let policies = facts_with(32, b"\x30\x05\x30\x03\x06\x01\x2a")
        .rare()
        .policies
        .clone();
    assert_eq!(policies, Some(vec![Oid::from_octets(&[0x2a])]));
    assert_eq!(
        facts_with(54, b"\x02\x01\x02").rare().inhibit_any_policy,
        Some(2)
    );
    let constraints = facts_with(36, b"\x30\x03\x80\x01\x00")
        .rare()
        .policy_constraints;
    assert_eq!(constraints.unwrap().require_explicit, Some(0));
    let mappings = facts_with(33, b"\x30\x08\x30\x06\x06\x01\x2a\x06\x01\x2b")
        .rare()
        .policy_mappings
        .clone();
    assert_eq!(mappings.len(), 1);
}
