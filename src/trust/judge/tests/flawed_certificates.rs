use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};
use time::macros::datetime;

use super::{check, check_within, judged};
use crate::trust::judge::judge;
use crate::trust::limits::TrustLimits;
use crate::trust::reason::Reason;
use crate::trust::workshop::*;

#[test]
fn no_certificate() {
    check(
        &set(&[&Made::root(ca("Root"))]),
        &[],
        Reason::NoCertificate,
        &[],
    );
}

#[test]
fn expired_and_not_yet_valid_at_each_place_of_the_path() {
    let past = |params| {
        with(params, |params| {
            params.not_after = datetime!(2030-05-31 23:59:58 UTC)
        })
    };
    let future = |params| {
        with(params, |params| {
            params.not_before = datetime!(2030-06-01 0:00:01 UTC)
        })
    };
    let same = |params| params;
    type Edit<'a> = &'a dyn Fn(rcgen::CertificateParams) -> rcgen::CertificateParams;
    let cases: [(Edit<'_>, Edit<'_>, Edit<'_>, Reason, &str); 6] = [
        (
            &same,
            &same,
            &past,
            Reason::Expired,
            "client certificate CN=client",
        ),
        (
            &same,
            &past,
            &same,
            Reason::Expired,
            "intermediate certificate CN=Middle",
        ),
        (&past, &same, &same, Reason::Expired, "trust anchor CN=Root"),
        (
            &same,
            &same,
            &future,
            Reason::NotYetValid,
            "client certificate CN=client",
        ),
        (
            &same,
            &future,
            &same,
            Reason::NotYetValid,
            "intermediate certificate CN=Middle",
        ),
        (
            &future,
            &same,
            &same,
            Reason::NotYetValid,
            "trust anchor CN=Root",
        ),
    ];
    for (of_root, of_middle, of_leaf, reason, words) in cases {
        let root = Made::root(of_root(ca("Root")));
        let middle = root.issue(of_middle(ca("Middle")));
        let leaf = middle.issue(of_leaf(client("client")));
        check(
            &set(&[&root]),
            &chain(&[&leaf, &middle]),
            reason,
            &[words, "2030-0"],
        );
    }
}

#[test]
fn the_last_second_of_the_validity_still_belongs_to_it() {
    let until = |end| with(client("client"), |params| params.not_after = end);
    let root = Made::root(ca("Root"));
    assert!(
        judged(
            &set(&[&root]),
            &chain(&[&root.issue(until(datetime!(2030-06-01 0:00:00 UTC)))])
        )
        .is_ok()
    );
    let late = root.issue(until(datetime!(2030-05-31 23:59:59 UTC)));
    check(
        &set(&[&root]),
        &chain(&[&late]),
        Reason::Expired,
        &["2030-05-31T23:59:59Z"],
    );
}

#[test]
fn a_usage_that_does_not_fit() {
    let root = Made::root(ca("Root"));
    let trust = set(&[&root]);
    let usage = |usages: &[KeyUsagePurpose]| {
        with(client("client"), |params| {
            params.key_usages = usages.to_vec()
        })
    };
    let purpose = |purposes: &[ExtendedKeyUsagePurpose]| {
        with(client("client"), |params| {
            params.extended_key_usages = purposes.to_vec()
        })
    };
    let cases = [
        (
            usage(&[KeyUsagePurpose::KeyEncipherment]),
            "keyEncipherment",
        ),
        (
            purpose(&[ExtendedKeyUsagePurpose::ServerAuth]),
            "serverAuth",
        ),
        (
            purpose(&[ExtendedKeyUsagePurpose::Any]),
            "anyExtendedKeyUsage",
        ),
        (ca("client"), "CA certificate"),
        (
            with(ca("client"), |params| {
                params.key_usages.push(KeyUsagePurpose::DigitalSignature)
            }),
            "CA certificate",
        ),
    ];
    for (params, words) in cases {
        check(
            &trust,
            &chain(&[&root.issue(params)]),
            Reason::WrongUsage,
            &["client certificate CN=client", words],
        );
    }
}

#[test]
fn a_critical_extension_that_is_not_understood() {
    let root = Made::root(ca("Root"));
    let trust = set(&[&root]);
    let leaf = root.issue(with_critical_extension(client("client")));
    check(
        &trust,
        &chain(&[&leaf]),
        Reason::UnknownCriticalExtension,
        &["client certificate CN=client", "1.2.3.4"],
    );
    let middle = root.issue(with_critical_extension(ca("Middle")));
    let presented = chain(&[&middle.issue(client("client")), &middle]);
    check(
        &trust,
        &presented,
        Reason::UnknownCriticalExtension,
        &["intermediate certificate CN=Middle", "1.2.3.4"],
    );
}

#[test]
fn keys_that_are_too_short_or_too_long() {
    let root = Made::root(ca("Root"));
    let trust = set(&[&root]);
    for bits in [1024, 16384] {
        let key = format!("RSA {bits}");
        let leaf = root.issue_for_rsa(&client("client"), bits);
        check(
            &trust,
            &[der(&leaf)],
            Reason::WeakKey,
            &["client certificate CN=client", &key],
        );
        let middle = root.issue_for_rsa(&ca("Middle"), bits);
        let leaf = Made::root(ca("Middle")).issue(with(client("client"), |params| {
            params.use_authority_key_identifier_extension = false;
        }));
        let presented = [leaf.der(), der(&middle)];
        check(
            &trust,
            &presented,
            Reason::WeakKey,
            &["intermediate certificate CN=Middle", &key],
        );
    }
    let strict = TrustLimits {
        rsa_bits_min: 3072,
        ..TrustLimits::default()
    };
    let leaf = root.issue_for_rsa(&client("client"), 2048);
    check_within(
        &trust,
        &[der(&leaf)],
        &strict,
        Reason::WeakKey,
        &["RSA 2048"],
    );
    assert!(judged(&trust, &[der(&leaf)]).is_ok());
}

#[test]
fn signatures_that_are_weak_or_wrong() {
    let root = Made::root(ca("Root"));
    let trust = set(&[&root]);
    let leaf = root.issue(client("client")).certificate;
    let sha_224 = replaced(leaf.der(), &[0xce, 0x3d, 4, 3, 2], &[0xce, 0x3d, 4, 3, 1]);
    check(
        &trust,
        &[sha_224.into()],
        Reason::WeakSignature,
        &["CN=client", "ecdsa-with-SHA224"],
    );

    let mut altered = leaf.der().to_vec();
    *altered.last_mut().unwrap() ^= 1;
    check(
        &trust,
        &[altered.into()],
        Reason::BadSignature,
        &["CN=client", "trust anchor CN=Root"],
    );

    let renamed = replaced(leaf.der(), b"client", b"cl1ent");
    check(
        &trust,
        &[renamed.into()],
        Reason::BadSignature,
        &["CN=cl1ent"],
    );

    let middle = root.issue(ca("Middle"));
    let below = middle.issue(client("client"));
    let mut altered = middle.certificate.der().to_vec();
    *altered.last_mut().unwrap() ^= 1;
    let presented = [below.der(), altered.into()];
    check(
        &trust,
        &presented,
        Reason::BadSignature,
        &["intermediate certificate CN=Middle", "trust anchor CN=Root"],
    );
}

#[test]
fn certificates_that_cannot_be_decoded() {
    let root = Made::root(ca("Root"));
    let trust = set(&[&root]);
    let middle = root.issue(ca("Middle"));
    let leaf = middle.issue(client("client"));
    let whole = leaf.certificate.der();
    let trailing = [whole, &[0]].concat();
    for bytes in [
        &[][..],
        &[0x30, 0x00],
        b"-----BEGIN CERTIFICATE-----",
        &whole[..100],
        &trailing,
    ] {
        check(
            &trust,
            &[bytes.to_vec().into()],
            Reason::MalformedCertificate,
            &["client certificate"],
        );
    }
    let cut = middle.certificate.der()[..200].to_vec();
    check(
        &trust,
        &[leaf.der(), cut.into()],
        Reason::MalformedCertificate,
        &["Certificate 2"],
    );
    // UTCTime reaches back to 1950 (RFC 5280, 4.1.2.5.1).
    let old = root.issue(with(client("client"), |params| {
        params.not_before = datetime!(1965-01-01 0:00 UTC)
    }));
    assert!(judged(&trust, &chain(&[&old])).is_ok());
}

#[test]
fn certificates_with_more_alternative_names_than_allowed() {
    let names = |count: u32| {
        with(client("client"), |params| {
            params.subject_alt_names = (0..count)
                .map(|n| rcgen::SanType::DnsName(format!("{n}.acme.example").try_into().unwrap()))
                .collect();
        })
    };
    let root = Made::root(ca("Root"));
    let trust = set(&[&root]);
    let limits = TrustLimits {
        sans_max: 20,
        ..TrustLimits::default()
    };
    let presented = chain(&[&root.issue(names(20))]);
    assert!(judge(&trust, &presented, now(), &limits).is_ok());
    check_within(
        &trust,
        &chain(&[&root.issue(names(21))]),
        &limits,
        Reason::CertificateTooLarge,
        &["client certificate CN=client", "21", "20"],
    );
    check(
        &trust,
        &chain(&[&root.issue(names(1_001))]),
        Reason::CertificateTooLarge,
        &["1001", "1000"],
    );
}

#[test]
fn chains_that_are_too_large() {
    let root = Made::root(ca("Root"));
    let trust = set(&[&root]);
    let leaf = root.issue(client("client"));
    check(
        &trust,
        &vec![leaf.der(); 11],
        Reason::CertificateTooLarge,
        &["11", "10"],
    );
    let limits = TrustLimits {
        chain_bytes_max: leaf.der().len(),
        ..TrustLimits::default()
    };
    check_within(
        &trust,
        &chain(&[&leaf, &root]),
        &limits,
        Reason::CertificateTooLarge,
        &["bytes"],
    );
    assert!(judge(&trust, &chain(&[&leaf]), now(), &limits).is_ok());
    let huge = vec![0x30; 65 * 1024];
    check(
        &trust,
        &[huge.clone().into()],
        Reason::CertificateTooLarge,
        &["66560"],
    );
    let generous = TrustLimits {
        chain_bytes_max: usize::MAX,
        ..TrustLimits::default()
    };
    check_within(
        &trust,
        &[huge.into()],
        &generous,
        Reason::CertificateTooLarge,
        &["65536"],
    );
}

#[test]
fn names_made_to_deceive_are_shown_escaped_and_cut() {
    let root = Made::root(ca("Root"));
    let deceiving = format!("a\r\nb\u{202e}\u{1b}[31m<b>{}", "x".repeat(5000));
    let leaf = Made::root(ca("Stranger")).issue(client(&deceiving));
    let distrust = judged(&set(&[&root]), &chain(&[&leaf])).unwrap_err();
    assert!(distrust.detail.contains(r"a\0D\0Ab"), "{}", distrust.detail);
    assert!(
        !distrust
            .detail
            .chars()
            .any(|c| c.is_control() || c == '\u{202e}'),
        "{}",
        distrust.detail
    );
    assert!(distrust.detail.len() < 1000, "{}", distrust.detail.len());
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut out = bytes.to_vec();
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, w)| *w == from)
        .map(|(i, _)| i)
        .collect();
    assert!(!places.is_empty());
    for place in places {
        out.splice(place..place.saturating_add(to.len()), to.iter().copied());
    }
    out
}
