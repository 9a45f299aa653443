use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::pki::certificate::Certificate;
use crate::pki::der::encode;

const VERSION: usize = 0;
const SERIAL: usize = 1;
const ISSUER: usize = 3;
const VALIDITY: usize = 4;
const SUBJECT: usize = 5;
const KEY: usize = 6;

/// A certificate of version 3 whose signed parts were changed; its signature no longer fits, which nobody looks at here.
fn edited(edit: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    assembled(edit, &[0x03, 0x02, 0x00, 0x00])
}

fn assembled(edit: impl FnOnce(&mut Vec<Vec<u8>>), signature: &[u8]) -> Vec<u8> {
    static PLAIN: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let plain = PLAIN.get_or_init(|| {
        let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::ExplicitNoCa;
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    });
    let whole = der::single(plain).unwrap();
    let outer = whole.children_of(tag::SEQUENCE).unwrap();
    let mut parts: Vec<Vec<u8>> = outer[0]
        .children_of(tag::SEQUENCE)
        .unwrap()
        .iter()
        .map(|part| part.whole.to_vec())
        .collect();
    edit(&mut parts);
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let signed = encode(tag::SEQUENCE, &parts);
    encode(tag::SEQUENCE, &[&signed, outer[1].whole, signature])
}

fn refusal(edit: impl FnOnce(&mut Vec<Vec<u8>>)) -> InvalidCertificate {
    Certificate::from_der(&edited(edit)).unwrap_err()
}

fn with_dates(first: (u8, &str), last: (u8, &str)) -> Vec<u8> {
    let dates = [first, last].map(|(tag, text)| encode(tag, &[text.as_bytes()]));
    edited(|parts| parts[VALIDITY] = encode(tag::SEQUENCE, &[&dates[0], &dates[1]]))
}

#[test]
fn a_certificate_put_together_again_is_still_one() {
    assert!(Certificate::from_der(&edited(|_| {})).is_ok());
}

#[test]
fn reads_dates_of_all_ages() {
    let cases = [
        (tag::UTC_TIME, "500101000000Z", "1950-01-01T00:00:00Z"),
        (tag::UTC_TIME, "691231235959Z", "1969-12-31T23:59:59Z"),
        (tag::UTC_TIME, "700101000000Z", "1970-01-01T00:00:00Z"),
        (tag::UTC_TIME, "000229120000Z", "2000-02-29T12:00:00Z"),
        (tag::UTC_TIME, "491231235959Z", "2049-12-31T23:59:59Z"),
        (
            tag::GENERALIZED_TIME,
            "19020101000000Z",
            "1902-01-01T00:00:00Z",
        ),
        (
            tag::GENERALIZED_TIME,
            "00010101000000Z",
            "0001-01-01T00:00:00Z",
        ),
        (
            tag::GENERALIZED_TIME,
            "20020101000000Z",
            "2002-01-01T00:00:00Z",
        ),
        (
            tag::GENERALIZED_TIME,
            "99991231235959Z",
            "9999-12-31T23:59:59Z",
        ),
    ];
    for (tag, text, expected) in cases {
        let der = with_dates((tag, text), (tag::GENERALIZED_TIME, "99991231235959Z"));
        let certificate = Certificate::from_der(&der).unwrap();
        let facts = certificate.facts();
        assert_eq!(facts.not_before.to_string(), expected);
        assert!(facts.is_valid_at(facts.not_before));
    }
    let before_1970 = with_dates(
        (tag::UTC_TIME, "600101000000Z"),
        (tag::UTC_TIME, "680101000000Z"),
    );
    let certificate = Certificate::from_der(&before_1970).unwrap();
    for (moment, valid) in [
        ("1959-12-31T23:59:59.999Z", false),
        ("1960-01-01", true),
        ("1968-01-01T00:00:00.999Z", true),
        ("1968-01-01T00:00:01Z", false),
        ("2030-01-01", false),
    ] {
        let moment = Moment::parse(moment).unwrap();
        assert_eq!(certificate.facts().is_valid_at(moment), valid, "{moment}");
    }
}

#[test]
fn refuses_dates_in_other_forms() {
    let cases = [
        (tag::UTC_TIME, "3001010000Z"),
        (tag::UTC_TIME, "300101000000"),
        (tag::UTC_TIME, "300101000000+0000"),
        (tag::UTC_TIME, "300101000000-0100"),
        (tag::UTC_TIME, "300230000000Z"),
        (tag::UTC_TIME, "301301000000Z"),
        (tag::UTC_TIME, "300100000000Z"),
        (tag::UTC_TIME, "300101240000Z"),
        (tag::UTC_TIME, "300101006000Z"),
        (tag::UTC_TIME, "300101000060Z"),
        (tag::UTC_TIME, "20300101000000Z"),
        (tag::UTC_TIME, "3001010000:0Z"),
        (tag::UTC_TIME, ""),
        (tag::GENERALIZED_TIME, "300101000000Z"),
        (tag::GENERALIZED_TIME, "20300101000000"),
        (tag::GENERALIZED_TIME, "20300101000000.5Z"),
        (tag::GENERALIZED_TIME, "203001010000Z"),
        (0x0c, "300101000000Z"),
    ];
    for (tag, text) in cases {
        let der = with_dates((tag, text), (tag::UTC_TIME, "310101000000Z"));
        let cause = Certificate::from_der(&der).unwrap_err();
        assert!(
            matches!(
                cause,
                InvalidCertificate::UndecodableDate | InvalidCertificate::Undecodable
            ),
            "{text}: {cause}"
        );
        let strict = certificate(&der);
        assert_eq!(strict, Err(InvalidCertificate::UndecodableDate), "{text}");
    }
}

#[test]
fn accepts_serial_numbers_of_20_octets_whatever_their_sign() {
    for serial in [vec![0], vec![0xff], vec![0x7f; 20], vec![0x80; 20]] {
        let der = edited(|parts| parts[SERIAL] = encode(tag::INTEGER, &[&serial]));
        let certificate = Certificate::from_der(&der).unwrap();
        assert_eq!(certificate.facts().raw_serial, serial);
    }
    assert_eq!(
        refusal(|parts| parts[SERIAL] = encode(tag::INTEGER, &[&[1; 21]])),
        InvalidCertificate::SerialTooLong { bytes: 21 }
    );
}

#[test]
fn refuses_versions_and_what_they_do_not_have() {
    use InvalidCertificate::{BeyondItsVersion, NotDer, UnsupportedVersion};
    let version = |octets: &[u8]| encode(tag::CONTEXT_0, &[&encode(tag::INTEGER, &[octets])]);
    for octets in [&[0][..], &[3], &[0x7f], &[1, 0]] {
        let cause = refusal(|parts| parts[VERSION] = version(octets));
        assert_eq!(cause, UnsupportedVersion, "{octets:?}");
    }
    let longer = edited(|parts| parts[VERSION] = version(&[0, 2]));
    assert_eq!(certificate(&longer), Err(NotDer));
    assert_eq!(
        refusal(|parts| parts[VERSION] = version(&[1])),
        BeyondItsVersion { version: 2 }
    );
    assert_eq!(
        refusal(|parts| drop(parts.remove(VERSION))),
        BeyondItsVersion { version: 1 }
    );
    let unique_id = |tag| encode(tag, &[&[0, 7]]);
    let of_version_1 = edited(|parts| {
        parts.pop();
        parts.remove(VERSION);
    });
    let of_version_2 = edited(|parts| {
        parts[VERSION] = version(&[1]);
        parts.pop();
        parts.extend([unique_id(ISSUER_UNIQUE_ID), unique_id(SUBJECT_UNIQUE_ID)]);
    });
    for (der, expected) in [(of_version_1, 1), (of_version_2, 2)] {
        let certificate = Certificate::from_der(&der).unwrap();
        assert_eq!(certificate.facts().version, expected);
    }
    let unique_in_version_1 = refusal(|parts| {
        parts.pop();
        parts.remove(VERSION);
        parts.push(unique_id(SUBJECT_UNIQUE_ID));
    });
    assert_eq!(unique_in_version_1, BeyondItsVersion { version: 1 });
}

#[test]
fn refuses_another_outline() {
    let name = |parts: &[&[u8]]| encode(tag::SEQUENCE, parts);
    let cases: [Vec<u8>; 9] = [
        edited(|parts| parts[SUBJECT] = name(&[&[0x31, 0x00]])),
        edited(|parts| parts[ISSUER] = name(&[&[0x05, 0x00]])),
        edited(|parts| parts.push(vec![0x05, 0x00])),
        edited(|parts| *parts.last_mut().unwrap() = encode(EXTENSIONS, &[&[0x30, 0x00]])),
        edited(|parts| *parts.last_mut().unwrap() = encode(EXTENSIONS, &[])),
        edited(|parts| drop(parts.remove(KEY))),
        edited(|parts| parts.swap(SERIAL, VALIDITY)),
        assembled(|_| {}, &[0x03, 0x02, 0x01, 0x00]),
        assembled(|_| {}, &[0x04, 0x02, 0x00, 0x00]),
    ];
    for (place, der) in cases.iter().enumerate() {
        let cause = Certificate::from_der(der);
        assert_eq!(cause, Err(InvalidCertificate::Undecodable), "{place}");
    }
}

#[test]
fn octets_that_are_not_der_down_to_the_last_part_are_refused() {
    let mut deep = vec![0x05, 0x00];
    for _ in 0..DEPTH_MAX {
        deep = encode(tag::SEQUENCE, &[&deep]);
    }
    assert!(element(&deep).is_ok());
    let too_deep = encode(tag::SEQUENCE, &[&deep]);
    let good: [&[u8]; 9] = [
        b"\x30\x00",
        b"\x30\x06\x01\x01\xff\x02\x01\x00",
        b"\x02\x02\x00\x80",
        b"\x02\x02\xff\x7f",
        b"\x03\x01\x00",
        b"\x03\x02\x07\x80",
        b"\x06\x03\x2a\x03\x04",
        b"\xa0\x02\x82\x00",
        b"\x28\x00",
    ];
    for case in good {
        assert!(element(case).is_ok(), "{case:x?}");
    }
    let bad: [&[u8]; 26] = [
        &too_deep,
        b"",
        b"\x30\x00\x00",
        b"\x30\x81\x00",
        b"\x30\x80\x00\x00",
        b"\x30\x03\x30\x81\x00",
        b"\x30\x04\x30\x80\x00\x00",
        b"\x30\x02\x00\x00",
        b"\x10\x00",
        b"\x24\x02\x04\x00",
        b"\x2c\x02\x0c\x00",
        b"\x01\x00",
        b"\x01\x01\x01",
        b"\x01\x02\xff\xff",
        b"\x02\x00",
        b"\x02\x02\x00\x7f",
        b"\x02\x02\xff\x80",
        b"\x0a\x02\x00\x00",
        b"\x03\x00",
        b"\x03\x01\x01",
        b"\x03\x02\x08\x00",
        b"\x03\x02\x01\x01",
        b"\x05\x01\x00",
        b"\x06\x00",
        b"\x06\x03\x2a\x80\x01",
        b"\xa0\x03\x02\x01",
    ];
    for case in bad {
        assert_eq!(element(case), Err(NotDer), "{case:x?}");
    }
}

#[test]
fn a_kindness_of_the_library_is_not_ours() {
    // The length of the serial number written in a longer form than it needs; the library reads it all the same, or
    // refuses it too.
    let longer = edited(|parts| parts[SERIAL] = vec![0x02, 0x81, 0x01, 0x05]);
    let padded = edited(|parts| parts[SERIAL] = vec![0x02, 0x02, 0x00, 0x05]);
    for der in [longer, padded] {
        assert!(matches!(
            Certificate::from_der(&der),
            Err(InvalidCertificate::NotDer | InvalidCertificate::Undecodable)
        ));
        assert_eq!(certificate(&der), Err(InvalidCertificate::NotDer));
    }
}

#[test]
fn small_numbers_are_read_in_their_shortest_form_only() {
    let cases: [(&[u8], Result<u32, NotDer>); 8] = [
        (&[0], Ok(0)),
        (&[0x7f], Ok(127)),
        (&[0, 0x80], Ok(128)),
        (&[1, 0, 0, 0, 0], Ok(u32::MAX)),
        (&[], Err(NotDer)),
        (&[0x80], Err(NotDer)),
        (&[0xff, 0x00], Err(NotDer)),
        (&[0, 1], Err(NotDer)),
    ];
    for (octets, expected) in cases {
        assert_eq!(small_number(octets), expected, "{octets:?}");
    }
}
