use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::pki::crl_writer::{
    Draft, certificate_issuer, extension, full_name, integer, name, reason_code, time, uri,
};
use crate::pki::openssl::Openssl;

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn draft() -> Draft {
    Draft::of(&name(&["Lists of Acme"]))
}

fn read(draft: &Draft) -> Result<Crl, InvalidCrl> {
    Crl::from_der(&draft.sign(&key()))
}

fn moment(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn entries(list: &Crl) -> Vec<(Vec<u8>, String, Option<u8>, String)> {
    list.entries()
        .map(|entry| {
            (
                entry.raw_serial.to_vec(),
                entry.revoked_at.to_string(),
                entry.reason,
                name::text(entry.raw_issuer),
            )
        })
        .collect()
}

/// A CA of openssl's making with one revoked certificate, serial 0x1001.
fn openssl_ca(options: &str) -> Openssl {
    let openssl = Openssl::new();
    openssl.run("req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout k.pem -out c.pem -subj /CN=x");
    openssl.put(
        "db",
        "R\t400101000000Z\t260203040506Z,keyCompromise\t1001\tunknown\t/CN=client\n",
    );
    openssl.put("number", "0A1B\n");
    openssl.put(
        "conf",
        format!(
            "[ca]\ndefault_ca=x\n[x]\ndatabase=db\ndefault_md=sha256\ndefault_crl_days=30\n{options}"
        ),
    );
    openssl
}

#[test]
fn reads_the_lists_of_openssl() {
    let openssl = openssl_ca("");
    let pem = openssl.run("ca -config conf -gencrl -keyfile k.pem -cert c.pem");
    let [first] = &read_crls(&pem, 1).unwrap()[..] else {
        panic!("one list");
    };
    assert_eq!(first.facts().issuer, "CN=x");
    assert_eq!(first.facts().number, None);
    assert_eq!(first.facts().signature_algorithm, "ecdsa-with-SHA256");
    assert!(first.facts().next_update.unwrap() > first.facts().this_update);

    let extended = "crlnumber=number\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid:always\n\
                    issuingDistributionPoint=critical,@p\n[p]\nfullname=URI:http://ca.example/x.crl\n\
                    onlyuser=TRUE\nindirectCRL=TRUE\n";
    let openssl = openssl_ca(extended);
    let pem = openssl.run("ca -config conf -gencrl -keyfile k.pem -cert c.pem");
    let second = &read_crls(&pem, 1).unwrap()[0];
    let facts = second.facts();
    assert_eq!(facts.number.as_deref(), Some(&[0x0a, 0x1b][..]));
    assert_eq!(facts.authority_key_id.as_ref().map(Vec::len), Some(20));
    let scope = facts.scope.as_ref().unwrap();
    assert!(scope.user_certificates_only && scope.indirect && scope.name.is_some());
    assert!(facts.unknown_critical.is_empty());
    let expected = (
        vec![0x10, 0x01],
        "2026-02-03T04:05:06Z".to_owned(),
        Some(1),
        "CN=x".to_owned(),
    );
    assert_eq!(entries(second), [expected]);
    assert_eq!(second.to_pem().as_bytes(), pem);

    let certificate =
        Certificate::from_der(&pem::read(&openssl.get("c.pem")).unwrap()[0].der).unwrap();
    assert!(signed_by(second, &certificate));
    assert!(!signed_by(first, &certificate));
}

#[test]
fn reads_the_lists_of_rcgen() {
    use rcgen::{
        CertificateRevocationListParams, IsCa, Issuer, KeyIdMethod, RevocationReason,
        RevokedCertParams,
    };
    use time::macros::datetime;
    let mut ca = CertificateParams::new(vec![]).unwrap();
    ca.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_key = key();
    let certificate = Certificate::from_der(ca.self_signed(&ca_key).unwrap().der()).unwrap();
    let written = CertificateRevocationListParams {
        this_update: datetime!(1969-06-01 0:00 UTC),
        next_update: datetime!(2051-06-01 0:00 UTC),
        crl_number: 0_u64.into(),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: 0x80_u64.into(),
            revocation_time: datetime!(2024-06-01 0:00 UTC),
            reason_code: Some(RevocationReason::CertificateHold),
            invalidity_date: Some(datetime!(2024-05-01 0:00 UTC)),
        }],
        key_identifier_method: KeyIdMethod::PreSpecified(vec![1, 2]),
    }
    .signed_by(&Issuer::new(ca, &ca_key))
    .unwrap();
    let list = Crl::from_der(written.der()).unwrap();
    let facts = list.facts();
    assert_eq!(facts.this_update, moment("1969-06-01"));
    assert_eq!(facts.next_update, Some(moment("2051-06-01")));
    assert_eq!(facts.number, Some(vec![]));
    assert_eq!(facts.authority_key_id, Some(vec![1, 2]));
    let [entry] = &entries(&list)[..] else {
        panic!("one entry");
    };
    assert_eq!((&entry.0[..], entry.2), (&[0, 0x80][..], Some(6)));
    assert!(signed_by(&list, &certificate));
}

#[test]
fn hands_the_issuer_of_an_entry_on_to_those_that_follow() {
    let other = name(&["Other"]);
    let list = read(
        &draft()
            .revoked(&[1], 1)
            .entry(&[2], &[certificate_issuer(&other)])
            .revoked(&[3], 4),
    )
    .unwrap();
    let issuers: Vec<String> = entries(&list).into_iter().map(|entry| entry.3).collect();
    assert_eq!(issuers, ["CN=Lists of Acme", "CN=Other", "CN=Other"]);
    for (place, entry) in list.placed_entries() {
        assert_eq!(list.entry_at(place).unwrap().raw_serial, entry.raw_serial);
    }
    let serials = list
        .placed_entries()
        .map(|(place, _)| list.serial_at(place));
    assert_eq!(
        serials.collect::<Vec<_>>(),
        [Some(&[1][..]), Some(&[2]), Some(&[3])]
    );
    assert_eq!(list.entry_at(0), None);
    assert_eq!(list.entry_at(u32::MAX), None);
}

#[test]
fn notes_critical_extensions_that_it_does_not_understand() {
    let in_list = draft()
        .extension(99, true, &[5, 0])
        .extension(98, false, &[5, 0]);
    let in_entry = draft()
        .entry(&[1], &[extension(99, true, &[5, 0])])
        .entry(&[2], &[extension(99, true, &[5, 0]), reason_code(1)]);
    for draft in [in_list, in_entry] {
        let list = read(&draft).unwrap();
        assert_eq!(list.facts().unknown_critical, ["2.5.29.99"]);
    }
}

#[test]
fn reads_a_delta_list_whether_or_not_it_is_marked_critical() {
    for critical in [true, false] {
        let list = read(&draft().number(9).extension(27, critical, &integer(&[7]))).unwrap();
        assert_eq!(list.facts().delta_base, Some(vec![7]));
    }
}

#[test]
fn reads_a_list_of_version_1_and_one_without_an_end() {
    let mut old = draft().entry(&[1], &[]).dates("2030-05-15", None);
    old.version = None;
    let list = read(&old).unwrap();
    assert_eq!(
        (list.entries().count(), list.facts().next_update),
        (1, None)
    );
}

#[test]
fn refuses_lists_that_contradict_themselves_or_are_damaged() {
    let undecodable_extension = |arc: u8| InvalidCrl::UndecodableExtension {
        oid: format!("2.5.29.{arc}"),
    };
    let edit = |edit: fn(&mut Draft)| {
        let mut draft = draft();
        edit(&mut draft);
        draft
    };
    let entry = |position| InvalidCrl::UndecodableEntry { position };
    let cases: Vec<(Draft, InvalidCrl)> = vec![
        (
            edit(|draft| draft.outer_algorithm = b"\x30\x05\x06\x03\x2b\x65\x70".to_vec()),
            InvalidCrl::AlgorithmsDiffer,
        ),
        (
            edit(|draft| draft.version = Some(0)),
            InvalidCrl::Undecodable,
        ),
        (
            edit(|draft| draft.version = Some(2)),
            InvalidCrl::Undecodable,
        ),
        (
            edit(|draft| {
                draft.version = None;
                *draft = draft.clone().number(1);
            }),
            InvalidCrl::Undecodable,
        ),
        (
            edit(|draft| {
                draft.version = None;
                *draft = draft.clone().entry(&[1], &[]).revoked(&[2], 1);
            }),
            entry(2),
        ),
        (
            edit(|draft| draft.this_update = integer(&[1])),
            InvalidCrl::Undecodable,
        ),
        (
            edit(|draft| draft.issuer = vec![tag::SEQUENCE, 0]),
            InvalidCrl::Undecodable,
        ),
        (
            draft().number(1).number(2),
            InvalidCrl::DuplicateExtension {
                oid: "2.5.29.20".to_owned(),
            },
        ),
        (
            draft().extension(20, false, &integer(&[0x80])),
            undecodable_extension(20),
        ),
        (
            draft().extension(20, false, &integer(&[])),
            undecodable_extension(20),
        ),
        (
            draft().extension(27, true, &[5, 0]),
            undecodable_extension(27),
        ),
        (
            draft().extension(35, false, &[4, 0]),
            undecodable_extension(35),
        ),
        (draft().scope(&[]), undecodable_extension(28)),
        (
            draft().scope(&[&[0x81, 1, 0xff], &[0x82, 1, 0xff]]),
            undecodable_extension(28),
        ),
        (draft().entry(&[], &[]), entry(1)),
        (draft().entry(&[0, 1], &[]), entry(1)),
        (draft().entry(&[1; 65], &[]), entry(1)),
        (draft().revoked(&[1], 1).revoked(&[2], 7), entry(2)),
        (draft().revoked(&[1], 11), entry(1)),
        (
            draft().entry(&[1], &[reason_code(1), reason_code(1)]),
            entry(1),
        ),
        (
            draft().entry(&[1], &[extension(29, true, &[0x30, 0])]),
            entry(1),
        ),
        (
            edit(|draft| draft.entries = vec![time("2030-01-01")]),
            entry(1),
        ),
    ];
    for (place, (draft, expected)) in cases.into_iter().enumerate() {
        assert_eq!(read(&draft), Err(expected), "{place}");
    }
}

#[test]
fn refuses_what_is_too_long_or_has_something_behind_it() {
    let mut der = draft().sign(&key());
    der.extend([1, 2, 3]);
    assert_eq!(
        Crl::from_der(&der),
        Err(InvalidCrl::TrailingBytes { bytes: 3 })
    );
    let bytes = CRL_BYTES_MAX + 1;
    assert_eq!(
        Crl::from_der(&vec![0; bytes]),
        Err(InvalidCrl::TooLarge {
            bytes,
            limit: CRL_BYTES_MAX
        })
    );
    assert_eq!(Crl::from_der(b""), Err(InvalidCrl::Undecodable));
}

#[test]
fn reads_uploads_of_several_lists_and_of_nothing_else() {
    let first = read(&draft().number(1)).unwrap();
    let second = read(&draft().number(2).scope(&[&full_name(&[&uri("http://x")])])).unwrap();
    let both = format!("{}\n# the second\n{}", first.to_pem(), second.to_pem());
    assert_eq!(
        read_crls(both.as_bytes(), 2),
        Ok(vec![first.clone(), second])
    );
    assert_eq!(read_crls(first.der(), 1), Ok(vec![first.clone()]));
    assert_eq!(
        read_crls(both.as_bytes(), 1),
        Err(InvalidCrl::TooMany { count: 2, limit: 1 })
    );
    let mixed = format!(
        "{}{}",
        first.to_pem(),
        first.to_pem().replace("X509 CRL", "CERTIFICATE")
    );
    assert!(matches!(
        read_crls(mixed.as_bytes(), 9),
        Err(InvalidCrl::OtherBlock { .. })
    ));
    let commented = format!("0 revoked\n{}", first.to_pem());
    assert_eq!(read_crls(commented.as_bytes(), 1), Ok(vec![first]));
    for text in [
        "hello",
        "<html>not found</html>",
        "MIIBpjCBjwIBATANBgkqhkiG9w0BAQsFADBN",
    ] {
        let told = read_crls(text.as_bytes(), 9).unwrap_err().to_string();
        assert!(told.contains("-----BEGIN X509 CRL-----"), "{text}: {told}");
    }
    for nothing in [b"".as_slice(), b" \n"] {
        assert_eq!(read_crls(nothing, 9), Err(InvalidCrl::Empty));
    }
}

fn sample() -> Vec<u8> {
    draft()
        .number(3)
        .delta(1)
        .key_id(b"key")
        .scope(&[&full_name(&[&uri("http://x")]), &[0x84, 1, 0xff]])
        .revoked(&[1], 1)
        .entry(
            &[2],
            &[certificate_issuer(&name(&["Other"])), reason_code(6)],
        )
        .sign(&key())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_make_it_panic(input in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_crls(&input, 4);
    }

    #[test]
    fn no_change_of_a_list_makes_it_panic_or_lose_entries(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        static SAMPLE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(sample);
        let mut der = SAMPLE.clone();
        for (place, octet) in changes {
            let place = place.index(der.len());
            der[place] = octet;
        }
        if let Some(cut) = cut {
            der.truncate(cut.index(der.len()));
        }
        if let Ok(list) = Crl::from_der(&der) {
            let (start, end) = list.0.entries;
            let expected = der::elements(&der[start..end]).unwrap().len();
            prop_assert_eq!(list.entries().count(), expected);
        }
    }
}
