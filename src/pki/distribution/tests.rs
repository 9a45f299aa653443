use super::*;
use crate::pki::crl_writer::{directory_name, full_name, name, relative_name, uri};
use crate::pki::der::encode;

fn points(points: &[&[&[u8]]]) -> Result<Vec<DistributionPoint>, NotDer> {
    let points: Vec<u8> = points
        .iter()
        .flat_map(|parts| encode(tag::SEQUENCE, parts))
        .collect();
    DistributionPoint::list(&encode(tag::SEQUENCE, &[&points]))
}

fn issuing(parts: &[&[u8]]) -> Result<IssuingDistributionPoint, NotDer> {
    IssuingDistributionPoint::decode(&encode(tag::SEQUENCE, parts))
}

fn crl_issuer(names: &[&[u8]]) -> Vec<u8> {
    encode(CRL_ISSUER, names)
}

const KEY_COMPROMISE: &[u8] = &[REASONS, 2, 6, 0x40];

#[test]
fn reads_the_points_of_a_certificate() {
    let url = uri("http://ca.example/1.crl");
    let directory = name(&["Lists"]);
    let full = PointName::Full(vec![
        GeneralName::Uri("http://ca.example/1.crl".to_owned()),
        GeneralName::Directory(directory.clone()),
    ]);
    let found = points(&[
        &[&full_name(&[&url, &directory_name(&directory)])],
        &[&relative_name("1"), KEY_COMPROMISE],
        &[&crl_issuer(&[&directory_name(&directory)])],
    ]);
    assert_eq!(
        found.unwrap(),
        [
            DistributionPoint {
                name: Some(full),
                reasons: None,
                crl_issuer: vec![],
            },
            DistributionPoint {
                name: Some(PointName::Relative(name(&["1"])[2..].to_vec())),
                reasons: Some(Reasons::from_bits(&[0x40])),
                crl_issuer: vec![],
            },
            DistributionPoint {
                name: None,
                reasons: None,
                crl_issuer: vec![directory],
            },
        ]
    );
}

#[test]
fn refuses_points_that_say_nothing_or_contradict_themselves() {
    let full = full_name(&[&uri("http://ca.example/1.crl")]);
    let cases: [&[&[u8]]; 11] = [
        &[],
        &[KEY_COMPROMISE],
        &[KEY_COMPROMISE, &full],
        &[&full, &full],
        &[&full, &[REASONS, 0]],
        &[&full, &[REASONS, 2, 8, 0x40]],
        &[&full, &[REASONS, 1, 7]],
        &[&full_name(&[])],
        &[&full, &crl_issuer(&[])],
        &[&full, &crl_issuer(&[&uri("http://ca.example")])],
        &[&full, &[0x83, 0]],
    ];
    for (place, case) in cases.into_iter().enumerate() {
        assert_eq!(points(&[case]), Err(NotDer), "{place}");
    }
    assert_eq!(points(&[]), Err(NotDer));
}

#[test]
fn reads_what_a_list_is_for() {
    let full = full_name(&[&uri("http://ca.example/1.crl")]);
    let named = Some(PointName::Full(vec![GeneralName::Uri(
        "http://ca.example/1.crl".to_owned(),
    )]));
    let blank = IssuingDistributionPoint::default();
    let cases: [(&[&[u8]], IssuingDistributionPoint); 6] = [
        (
            &[&full],
            IssuingDistributionPoint {
                name: named.clone(),
                ..blank.clone()
            },
        ),
        (
            &[&[0x81, 1, 0xff]],
            IssuingDistributionPoint {
                user_certificates_only: true,
                ..blank.clone()
            },
        ),
        (
            &[&[0x82, 1, 0xff]],
            IssuingDistributionPoint {
                ca_certificates_only: true,
                ..blank.clone()
            },
        ),
        (
            &[&[0x85, 1, 0xff]],
            IssuingDistributionPoint {
                attribute_certificates_only: true,
                ..blank.clone()
            },
        ),
        (
            &[&[0x83, 2, 6, 0x40]],
            IssuingDistributionPoint {
                reasons: Some(Reasons::from_bits(&[0x40])),
                ..blank.clone()
            },
        ),
        (
            &[&full, &[0x81, 1, 0xff], &[0x82, 1, 0], &[0x84, 1, 0xff]],
            IssuingDistributionPoint {
                name: named,
                user_certificates_only: true,
                indirect: true,
                ..blank
            },
        ),
    ];
    for (parts, expected) in cases {
        assert_eq!(issuing(parts), Ok(expected));
    }
}

#[test]
fn refuses_lists_that_are_for_nothing_or_for_several_kinds_of_certificates() {
    let cases: [&[&[u8]]; 7] = [
        &[],
        &[&[0x81, 1, 0]],
        &[&[0x81, 1, 0xff], &[0x82, 1, 0xff]],
        &[&[0x82, 1, 0xff], &[0x85, 1, 0xff]],
        &[&[0x84, 1, 0xff], &[0x81, 1, 0xff]],
        &[&[0x84, 1, 1]],
        &[&[0x86, 1, 0xff]],
    ];
    for case in cases {
        assert_eq!(issuing(case), Err(NotDer), "{case:?}");
    }
}
