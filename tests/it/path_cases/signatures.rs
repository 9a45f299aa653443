//! Signatures, their algorithms, and keys (RFC 5280, 6.1.3 (a)(1); RFC 8446 and 5246 for the proof of possession).

use realmgate::trust::reason::Reason;

use crate::foundry::certificate::{Flaw, ca, leaf};
use crate::foundry::key::{Key, Kind, Signing};
use crate::path_cases::case::{Case, case};

const SIGNATURE: &str = "6.1.3 (a)(1)";

pub fn cases() -> Vec<Case> {
    let mut cases = wrong_signatures();
    cases.extend(good_keys());
    cases.extend(good_algorithms());
    cases.extend(weak_ones());
    cases
}

fn wrong_signatures() -> Vec<Case> {
    let root = ca("Root");
    let sub = ca("Sub").issued_by(&root);
    let client = leaf("client").issued_by(&sub);
    let other = Key::new(Kind::P256);
    let broken_sub = sub.clone().but(Flaw::BrokenSignature);
    let forged_sub = sub.clone().signed_with(&other);
    let split_sub = sub.clone().signing_outside(Signing::EcdsaSha384);
    let cases = vec![
        case(
            "an anchor, one intermediate and a client",
            SIGNATURE,
            &[&client, &sub],
        )
        .accepted(),
        case(
            "a client whose issuer is the anchor",
            SIGNATURE,
            &[&leaf("client").issued_by(&root)],
        )
        .accepted(),
        case(
            "the client certificate's signature is damaged",
            SIGNATURE,
            &[&client.clone().but(Flaw::BrokenSignature), &sub],
        )
        .refused(Reason::BadSignature),
        case(
            "the intermediate's signature is damaged",
            SIGNATURE,
            &[&client, &broken_sub],
        )
        .refused(Reason::BadSignature),
        case(
            "the client certificate is signed with another key than the issuer's",
            SIGNATURE,
            &[&client.clone().signed_with(&other), &sub],
        )
        .refused(Reason::BadSignature),
        case(
            "the intermediate is signed with another key than the anchor's",
            SIGNATURE,
            &[&client, &forged_sub],
        )
        .refused(Reason::BadSignature),
        case(
            "the client certificate states two different signature algorithms",
            "4.1.1.2",
            &[&client.clone().signing_outside(Signing::EcdsaSha384), &sub],
        )
        .refused(Reason::MalformedCertificate),
        case(
            "the intermediate states two different signature algorithms",
            "4.1.1.2",
            &[&client, &split_sub],
        )
        .refused(Reason::MalformedCertificate),
        case(
            "the signature's algorithm is one for another kind of key",
            SIGNATURE,
            &[&client.clone().signing_by_name(Signing::RsaSha256), &sub],
        )
        .refused(Reason::BadSignature),
        case(
            "the client cannot prove that it has the certificate's key",
            "RFC 8446 4.4.3, RFC 5246 7.4.8",
            &[&client, &sub],
        )
        .proving_with(&other)
        .refused(Reason::BadSignature),
    ];
    cases.into_iter().map(|one| one.trusting(&root)).collect()
}

fn good_keys() -> Vec<Case> {
    let kinds = [
        ("P-384 keys all along the path", Kind::P384),
        ("P-521 keys all along the path", Kind::P521),
        ("Ed25519 keys all along the path", Kind::Ed25519),
        ("RSA keys of 2048 bits all along the path", Kind::Rsa2048),
        ("RSA keys of 3072 bits all along the path", Kind::Rsa3072),
    ];
    kinds
        .into_iter()
        .map(|(name, kind)| {
            let root = ca("Root").key(&Key::new(kind));
            let sub = ca("Sub").key(&Key::new(kind)).issued_by(&root);
            let client = leaf("client").key(&Key::new(kind)).issued_by(&sub);
            case(name, "6.1.4 (f)", &[&client, &sub])
                .trusting(&root)
                .accepted()
        })
        .collect()
}

fn good_algorithms() -> Vec<Case> {
    let ways = [
        (
            "a P-256 key signs with SHA-384",
            Kind::P256,
            Signing::EcdsaSha384,
        ),
        (
            "a P-384 key signs with SHA-256",
            Kind::P384,
            Signing::EcdsaSha256,
        ),
        (
            "an RSA key signs with SHA-512",
            Kind::Rsa2048,
            Signing::RsaSha512,
        ),
        (
            "an RSA key signs with PSS and SHA-256",
            Kind::Rsa2048,
            Signing::RsaPssSha256,
        ),
    ];
    ways.into_iter()
        .map(|(name, kind, signing)| {
            let root = ca("Root").key(&Key::new(kind)).signing(signing);
            let client = leaf("client").issued_by(&root).signing(signing);
            case(name, "4.1.1.2, RFC 4055", &[&client])
                .trusting(&root)
                .accepted()
        })
        .collect()
}

fn weak_ones() -> Vec<Case> {
    let root = ca("Root");
    let rsa_root = ca("RSA Root").key(&Key::new(Kind::Rsa2048));
    let sub = ca("Sub").issued_by(&root);
    let small_key = Key::new(Kind::Rsa1024);
    let small_sub = ca("Small Sub").key(&small_key).issued_by(&root);
    let strange_key = Key::new(Kind::Secp256k1);
    let strange_sub = sub.clone().key_info(&strange_key.info());
    let sha1_sub = ca("SHA-1 Sub")
        .issued_by(&rsa_root)
        .signing(Signing::RsaSha1);
    let sha1_root = ca("SHA-1 Root")
        .key(&Key::new(Kind::Rsa2048))
        .signing(Signing::RsaSha1);
    let forged_root = ca("Forged Root").but(Flaw::BrokenSignature);
    let weak = |name, clause, sent: &[_]| case(name, clause, sent).refused(Reason::WeakKey);
    let unsafely = |name, sent: &[_]| {
        case(name, "6.1.3 (a)(1), RFC 9155", sent)
            .trusting(&rsa_root)
            .trusting(&root)
            .refused(Reason::WeakSignature)
    };
    vec![
        weak(
            "the client has an RSA key of 1024 bits",
            "4.1.2.7, SP 800-131A",
            &[&leaf("client").key(&small_key).issued_by(&root)],
        )
        .trusting(&root),
        weak(
            "the intermediate has an RSA key of 1024 bits",
            "4.1.2.7, SP 800-131A",
            &[&leaf("client").issued_by(&small_sub), &small_sub],
        )
        .trusting(&root),
        weak(
            "the client has a key on the curve secp256k1",
            "4.1.2.7, RFC 8446 4.2.7",
            &[&leaf("client").key(&strange_key).issued_by(&root)],
        )
        .trusting(&root),
        weak(
            "the intermediate has a key on the curve secp256k1",
            "4.1.2.7, RFC 8446 4.2.7",
            &[&leaf("client").issued_by(&sub), &strange_sub],
        )
        .trusting(&root),
        unsafely(
            "the client certificate is signed with RSA and SHA-1",
            &[&leaf("client")
                .issued_by(&rsa_root)
                .signing(Signing::RsaSha1)],
        ),
        unsafely(
            "the client certificate is signed with RSA and MD5",
            &[&leaf("client").issued_by(&rsa_root).signing(Signing::RsaMd5)],
        ),
        unsafely(
            "the client certificate is signed with ECDSA and SHA-1",
            &[&leaf("client").issued_by(&root).signing(Signing::EcdsaSha1)],
        ),
        unsafely(
            "the intermediate is signed with RSA and SHA-1",
            &[&leaf("client").issued_by(&sha1_sub), &sha1_sub],
        ),
        case(
            "the anchor signed itself with SHA-1, which says nothing",
            "6.1 (the anchor is not part of the path)",
            &[&leaf("client").issued_by(&sha1_root)],
        )
        .trusting(&sha1_root)
        .accepted(),
        case(
            "the anchor's own signature is damaged, which says nothing",
            "6.1 (the anchor is not part of the path)",
            &[&leaf("client").issued_by(&forged_root)],
        )
        .trusting(&forged_root)
        .accepted(),
    ]
}
