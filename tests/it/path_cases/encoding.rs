//! Encoding, versions and serial numbers (RFC 5280, 4.1).

use realmgate::trust::reason::Reason;

use crate::foundry::certificate::{Certificate, Flaw, ca, leaf};
use crate::path_cases::case::{Case, case};

const VERSION: &str = "4.1.2.1";
const SERIAL: &str = "4.1.2.2";
const DER: &str = "4.1, X.690 10";

pub fn cases() -> Vec<Case> {
    let root = ca("Root");
    let mut cases = versions(&root);
    cases.extend(serial_numbers(&root));
    cases.extend(octets(&root));
    cases.into_iter().map(|one| one.trusting(&root)).collect()
}

fn versions(root: &Certificate) -> Vec<Case> {
    let client = leaf("client").issued_by(root);
    let old_sub = ca("Old Sub").issued_by(root).version_1();
    let bare_sub = ca("Bare Sub").issued_by(root).version(None);
    vec![
        case(
            "a client certificate of version 1",
            "RFC 8446 4.4.2.3, RFC 5246 7.4.6",
            &[&client.clone().version_1()],
        )
        .refused(Reason::MalformedCertificate),
        case(
            "an intermediate of version 1",
            "6.1.4 (k)",
            &[&leaf("client").issued_by(&old_sub), &old_sub],
        )
        .refused(Reason::NotACa),
        case(
            "a client certificate of version 1 with extensions",
            VERSION,
            &[&client.clone().version(None)],
        )
        .refused(Reason::MalformedCertificate),
        case(
            "an intermediate of version 1 with extensions",
            VERSION,
            &[&leaf("client").issued_by(&bare_sub), &bare_sub],
        )
        .refused(Reason::MalformedCertificate),
        case(
            "a client certificate of version 2 with extensions",
            VERSION,
            &[&client.clone().version(Some(1))],
        )
        .refused(Reason::MalformedCertificate),
        case(
            "a client certificate of version 6",
            VERSION,
            &[&client.version(Some(5))],
        )
        .refused(Reason::MalformedCertificate),
    ]
}

fn serial_numbers(root: &Certificate) -> Vec<Case> {
    let client = leaf("client").issued_by(root);
    let good = [
        ("the serial number 0", vec![0]),
        ("a negative serial number", vec![0xff, 0x01]),
        ("a serial number of 20 octets", vec![0x7f; 20]),
    ];
    let bad = [
        ("a serial number of 21 octets", vec![0x7f; 21]),
        ("a serial number of 200 octets", vec![0x7f; 200]),
        ("a serial number without an octet", Vec::new()),
        (
            "a serial number with an octet that it does not need",
            vec![0, 1],
        ),
    ];
    let good = good
        .into_iter()
        .map(|(name, serial)| case(name, SERIAL, &[&client.clone().serial(&serial)]).accepted());
    let bad = bad.into_iter().map(|(name, serial)| {
        case(name, SERIAL, &[&client.clone().serial(&serial)]).refused(Reason::MalformedCertificate)
    });
    good.chain(bad).collect()
}

fn octets(root: &Certificate) -> Vec<Case> {
    let sub = ca("Sub").issued_by(root);
    let client = leaf("client").issued_by(&sub);
    let flaws = [
        (
            "an octet behind the client certificate",
            "an octet behind the intermediate",
            Flaw::TrailingOctet,
        ),
        (
            "the client certificate's length in too many octets",
            "the intermediate's length in too many octets",
            Flaw::LongLength,
        ),
        (
            "the client certificate's length left open",
            "the intermediate's length left open",
            Flaw::OpenLength,
        ),
        (
            "the end of the client certificate is missing",
            "the end of the intermediate is missing",
            Flaw::CutOff,
        ),
    ];
    flaws
        .into_iter()
        .flat_map(|(of_client, of_sub, flaw)| {
            let bad_client = client.clone().but(flaw);
            let bad_sub = sub.clone().but(flaw);
            [
                case(of_client, DER, &[&bad_client, &sub]),
                case(of_sub, DER, &[&client, &bad_sub]),
            ]
        })
        .map(|one| one.refused(Reason::MalformedCertificate))
        .collect()
}
