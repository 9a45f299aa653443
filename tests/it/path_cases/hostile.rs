//! Clients that mean harm: what they send costs a bounded amount, and hurts nobody who reads of it.

use realmgate::trust::reason::Reason;

use crate::foundry::asn1::{NULL, bit_string, integer, integer_octets, oid, sequence};
use crate::foundry::certificate::{Certificate, ca, leaf, leaf_named};
use crate::foundry::extension::{
    AUTHORITY_KEY_ID, Extension, SUBJECT_KEY_ID, UNKNOWN, alternative_names, name_constraints,
    policies, policy_constraints, policy_mappings,
};
use crate::foundry::general_name::dns;
use crate::foundry::name::{CN, Name, cn, string, utf16};
use crate::path_cases::case::{Case, case};

const LIMIT: &str = "domain limit";

pub fn cases() -> Vec<Case> {
    let mut cases = texts();
    cases.extend(sizes());
    cases.extend(crowds());
    cases.extend(explosions());
    cases
}

fn texts() -> Vec<Case> {
    let root = ca("Root");
    let wide = Name::default().with_string(CN, string::BMP, &utf16("<b>\r\nclient"));
    let broken = Name::default().with_string(CN, string::UTF8, b"client\xff\xfe");
    let names = [
        ("a subject with a line break", cn("client\r\nX-Admin: yes")),
        ("a subject with a NUL", cn("client\0.example.com")),
        ("a subject with markup", cn("<script>alert(1)</script>")),
        ("a subject with an escape sequence", cn("\u{1b}[2Jclient")),
        (
            "a subject with text from right to left",
            cn("client\u{202e}gpj"),
        ),
        (
            "a subject with a formula",
            cn("=HYPERLINK(\"http://evil\")"),
        ),
        ("a subject in UTF-16 with markup and a line break", wide),
        ("a subject with octets that are no UTF-8", broken),
        ("a subject of 10,000 letters", cn(&"c".repeat(10_000))),
    ];
    names
        .iter()
        .map(|(name, subject)| {
            case(name, "4.1.2.6", &[&leaf_named(subject).issued_by(&root)])
                .trusting(&root)
                .accepted()
        })
        .collect()
}

fn hosts(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| dns(&format!("h{number}.example.com")))
        .collect()
}

fn sizes() -> Vec<Case> {
    let root = ca("Root");
    let client = leaf("client").issued_by(&root);
    let bulky = Extension::raw(UNKNOWN, &vec![7; 50_000]);
    let huge_key = {
        let modulus = integer_octets(&[&[0, 0xc1], vec![0x5b; 2047].as_slice()].concat());
        let key = sequence(&[&modulus, &integer(65_537)]);
        let algorithm = sequence(&[&oid("1.2.840.113549.1.1.1"), &NULL]);
        sequence(&[&algorithm, &bit_string(&key)])
    };
    let cases = [
        case(
            "1,000 alternative names",
            LIMIT,
            &[&client.clone().with(alternative_names(&hosts(1000)))],
        )
        .accepted(),
        case(
            "1,001 alternative names",
            LIMIT,
            &[&client.clone().with(alternative_names(&hosts(1001)))],
        )
        .refused(Reason::CertificateTooLarge),
        case(
            "a certificate of 50,000 octets",
            LIMIT,
            &[&client.clone().with(bulky)],
        )
        .accepted(),
        case(
            "an RSA key of 16,384 bits",
            LIMIT,
            &[&client.key_info(&huge_key)],
        )
        .refused(Reason::WeakKey),
    ];
    cases.into_iter().map(|one| one.trusting(&root)).collect()
}

fn crowds() -> Vec<Case> {
    let root = ca("Root");
    let sub = ca("Sub").issued_by(&root);
    let client = leaf("client").issued_by(&sub);
    let unsaid = client.clone().without(AUTHORITY_KEY_ID);
    let namesake = || ca("Sub").issued_by(&root).without(SUBJECT_KEY_ID);
    let hundred: Vec<Certificate> = (0..100).map(|_| namesake()).collect();
    let all: Vec<&Certificate> = std::iter::once(&client).chain(&hundred).collect();
    let eight: Vec<&Certificate> = std::iter::once(&unsaid)
        .chain(hundred.iter().take(8))
        .chain([&sub])
        .collect();
    let ring: Vec<Certificate> = ring();
    let of_ring = leaf("client").issued_by(&ring[0]);
    let in_ring: Vec<&Certificate> = std::iter::once(&of_ring).chain(&ring).collect();
    let roots: Vec<Certificate> = (0..99).map(|_| ca("Root")).collect();
    let crowd = case(
        "the last one of a hundred anchors of one name",
        LIMIT,
        &[&client, &sub],
    );
    vec![
        case("a hundred namesakes of the issuer", LIMIT, &all)
            .trusting(&root)
            .refused(Reason::CertificateTooLarge),
        case(
            "eight namesakes of the issuer, without key identifiers, before the real one",
            LIMIT,
            &eight,
        )
        .trusting(&root)
        .accepted(),
        case("nine CAs that all signed each other", LIMIT, &in_ring)
            .trusting(&root)
            .refused(Reason::UnknownIssuer),
        roots
            .iter()
            .fold(crowd, |crowd, root| crowd.trusting(root))
            .trusting(&root)
            .accepted(),
    ]
}

/// Three names with three certificates each, for one key of each name, by each of the three.
fn ring() -> Vec<Certificate> {
    let three = [ca("Ring A"), ca("Ring B"), ca("Ring C")];
    let names = ["Ring A", "Ring B", "Ring C"];
    let mut ring = Vec::new();
    for (name, own) in names.into_iter().zip(&three) {
        for issuer in &three {
            ring.push(ca(name).key(own.own_key()).issued_by(issuer));
        }
    }
    ring
}

fn explosions() -> Vec<Case> {
    let root = ca("Root");
    let subtrees: Vec<Vec<u8>> = (0..1200)
        .map(|number| dns(&format!("d{number}.test")))
        .collect();
    let fenced = ca("Fenced")
        .issued_by(&root)
        .with(name_constraints(&[], &subtrees));
    let many = leaf("client")
        .issued_by(&fenced)
        .with(alternative_names(&hosts(900)));
    let few = leaf("client")
        .issued_by(&fenced)
        .with(alternative_names(&hosts(20)));
    let tangle = tangle(&root);
    let client = leaf("client")
        .issued_by(&tangle[0])
        .with(policies(&POLICIES));
    let tangled: Vec<&Certificate> = std::iter::once(&client).chain(&tangle).collect();
    let cases = [
        case("1,200 subtrees and 900 names", LIMIT, &[&many, &fenced])
            .refused(Reason::NameConstraint),
        case("1,200 subtrees and 20 names", LIMIT, &[&few, &fenced]).accepted(),
        case(
            "eight policies, each mapped to all eight in each of seven CAs",
            "6.1.4 (b)",
            &tangled,
        )
        .accepted(),
    ];
    cases.into_iter().map(|one| one.trusting(&root)).collect()
}

const POLICIES: [&str; 8] = [
    "1.3.6.1.4.1.99999.3.1",
    "1.3.6.1.4.1.99999.3.2",
    "1.3.6.1.4.1.99999.3.3",
    "1.3.6.1.4.1.99999.3.4",
    "1.3.6.1.4.1.99999.3.5",
    "1.3.6.1.4.1.99999.3.6",
    "1.3.6.1.4.1.99999.3.7",
    "1.3.6.1.4.1.99999.3.8",
];

fn tangle(root: &Certificate) -> Vec<Certificate> {
    let pairs: Vec<(&str, &str)> = POLICIES
        .iter()
        .flat_map(|from| POLICIES.iter().map(|to| (*from, *to)))
        .collect();
    let mut tangle: Vec<Certificate> = Vec::new();
    for number in 0..7 {
        let issuer = tangle.first().unwrap_or(root);
        let next = ca(&format!("Tangle {number}"))
            .issued_by(issuer)
            .with(policies(&POLICIES))
            .with(policy_mappings(&pairs))
            .with(policy_constraints(Some(0), None));
        tangle.insert(0, next);
    }
    tangle
}
