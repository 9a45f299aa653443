use proptest::prelude::*;
use rustls_pki_types::CertificateDer;

use super::judged;
use crate::pki::openssl::Openssl;
use crate::trust::judge::judge;
use crate::trust::limits::TrustLimits;
use crate::trust::set::{TrustSet, TrustSource};
use crate::trust::workshop::*;

#[test]
fn not_one_byte_of_a_path_can_be_changed() {
    let root = Made::root(ca("Root"));
    let middle = root.issue(ca("Middle"));
    let leaf = middle.issue(client("client"));
    let trust = set(&[&root]);
    let good = chain(&[&leaf, &middle]);
    assert!(judged(&trust, &good).is_ok());
    for (place, certificate) in good.iter().enumerate() {
        for byte in 0..certificate.len() {
            for bits in [0x01, 0x20, 0x80] {
                let mut altered = certificate.to_vec();
                altered[byte] ^= bits;
                let mut presented = good.clone();
                presented[place] = altered.into();
                assert!(
                    judged(&trust, &presented).is_err(),
                    "byte {byte} of certificate {place}"
                );
            }
        }
    }
}

#[test]
fn a_signature_cannot_be_moved_to_another_certificate() {
    let root = Made::root(ca("Root"));
    let (one, two) = (root.issue(client("one")), root.issue(client("two")));
    let [signed, donor] = [&one, &two].map(|made| made.certificate.der().to_vec());
    let trust = set(&[&root]);
    let tail = signed.len().min(donor.len()).saturating_sub(60);
    for from in tail..signed.len().min(donor.len()) {
        let moved = [
            &signed[..from],
            &donor[from
                .saturating_add(donor.len())
                .saturating_sub(signed.len())..],
        ]
        .concat();
        let accepted = judged(&trust, &[CertificateDer::from(moved.clone())]).is_ok();
        assert_eq!(accepted, moved == signed, "from byte {from}");
    }
}

#[test]
fn accepts_rsa_pss_and_other_peoples_encodings() {
    let openssl = Openssl::new();
    let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32";
    openssl.run(&format!(
        "req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 3650 -subj /O=Acme/CN=Root -sha256 {pss}"
    ));
    openssl
        .run("req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /O=Acme/CN=client");
    openssl.put(
        "client.cnf",
        "keyUsage=digitalSignature\nextendedKeyUsage=clientAuth\nsubjectAltName=DNS:c.example\n",
    );
    openssl.run(&format!(
        "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -days 365 -extfile client.cnf -out leaf.pem {pss}"
    ));
    let read = |name: &str| {
        let der = openssl.run(&format!("x509 -in {name} -outform DER"));
        crate::pki::certificate::Certificate::from_der(&der).unwrap()
    };
    let (root, leaf) = (read("root.pem"), read("leaf.pem"));
    let today = leaf.facts().not_before;
    let trust = TrustSet::build(TrustSource {
        anchors: vec![(root, "openssl".into())],
        ..TrustSource::default()
    })
    .unwrap();
    judge(&trust, &[der(&leaf)], today, &TrustLimits::default()).unwrap();
}

#[test]
fn accepts_rsa_exponents_from_3_to_33_bits() {
    let openssl = Openssl::new();
    openssl.put(
        "client.cnf",
        "keyUsage=digitalSignature\nextendedKeyUsage=clientAuth\n",
    );
    for (exponent, accepted) in [
        ("3", true),
        ("65537", true),
        ("4294967297", true),
        ("8589934593", false),
    ] {
        let key = format!("-newkey rsa:2048 -pkeyopt rsa_keygen_pubexp:{exponent} -nodes");
        openssl.run(&format!(
            "req -x509 {key} -keyout root.key -out root.pem -days 3650 -subj /CN=Root"
        ));
        openssl.run("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr -subj /CN=client");
        openssl.run("x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -days 365 -extfile client.cnf -out leaf.pem");
        let read = |name: &str| {
            let der = openssl.run(&format!("x509 -in {name} -outform DER"));
            crate::pki::certificate::Certificate::from_der(&der).unwrap()
        };
        let (root, leaf) = (read("root.pem"), read("leaf.pem"));
        let today = leaf.facts().not_before;
        let trust = TrustSet::build(TrustSource {
            anchors: vec![(root, "openssl".into())],
            ..TrustSource::default()
        })
        .unwrap();
        let judged = judge(&trust, &[der(&leaf)], today, &TrustLimits::default());
        assert_eq!(judged.is_ok(), accepted, "{exponent}: {judged:?}");
    }
}

proptest! {
    #[test]
    fn never_panics_on_damaged_chains(
        cuts in prop::collection::vec((0_usize..3, 0_usize..700, any::<u8>(), any::<bool>()), 1..6),
    ) {
        thread_local! {
            static GOOD: (TrustSet, Vec<CertificateDer<'static>>) = {
                let root = Made::root(ca("Root"));
                let middle = root.issue(ca("Middle"));
                let leaf = middle.issue(client("client"));
                (set_with_helpers(&[&root], &[&middle]), chain(&[&leaf, &middle, &root]))
            };
        }
        GOOD.with(|(trust, good)| {
            let mut presented: Vec<Vec<u8>> = good.iter().map(|der| der.to_vec()).collect();
            for (certificate, byte, value, cut) in cuts {
                let certificate = &mut presented[certificate];
                if cut {
                    certificate.truncate(byte);
                } else if let Some(place) = certificate.get_mut(byte) {
                    *place = value;
                }
            }
            let untouched = presented[0] == *good[0];
            let presented: Vec<CertificateDer<'_>> = presented.into_iter().map(CertificateDer::from).collect();
            prop_assert_eq!(judged(trust, &presented).is_ok(), untouched);
            Ok(())
        })?;
    }
}
