//! What is not taken in as an anchor or a revocation list: the manifest is refused, and says why.

use crate::foundry::certificate::{Certificate, Flaw, ca, leaf};
use crate::foundry::crl::crl_of;
use crate::foundry::extension::purpose::SERVER_AUTH;
use crate::foundry::extension::usage::CRL_SIGN;
use crate::foundry::extension::{
    Extension, UNKNOWN, basic_constraints, extended_key_usage, key_usage,
};
use crate::foundry::key::{Key, Kind};
use crate::foundry::moment::utc;
use crate::path_cases::case::{Case, case};

const ANCHOR: &str = "6.1.1 (d), domain";

pub fn cases() -> Vec<Case> {
    let mut cases = anchors();
    cases.extend(lists_and_pins());
    cases
}

fn anchor(name: &'static str, anchor: &Certificate, told: &'static str) -> Case {
    case(name, ANCHOR, &[&leaf("client").issued_by(anchor)])
        .trusting(anchor)
        .not_installed(told)
}

fn anchors() -> Vec<Case> {
    let twice = ca("Root");
    let strange = Key::new(Kind::Secp256k1);
    vec![
        anchor(
            "a client certificate as the anchor",
            &leaf("Root"),
            "is not a CA certificate",
        ),
        anchor(
            "an anchor that says it is no CA",
            &ca("Root").with(basic_constraints(false, None)),
            "is not a CA certificate",
        ),
        anchor(
            "an anchor of version 1",
            &ca("Root").version_1(),
            "is not a CA certificate",
        ),
        anchor(
            "an anchor that may not sign certificates",
            &ca("Root").with(key_usage(&[CRL_SIGN])),
            "may not sign certificates",
        ),
        anchor(
            "an anchor for server authentication only",
            &ca("Root").with(extended_key_usage(&[SERVER_AUTH])),
            "is limited to usages other than client authentication",
        ),
        anchor(
            "an anchor that has expired",
            &ca("Root").until(utc("210101000000Z")),
            "ended at",
        ),
        anchor(
            "an anchor with an RSA key of 1024 bits",
            &ca("Root").key(&Key::new(Kind::Rsa1024)),
            "has a key that is not accepted",
        ),
        anchor(
            "an anchor with a key on the curve secp256k1",
            &ca("Root").key_info(&strange.info()),
            "has a key that is not accepted",
        ),
        anchor(
            "an anchor with an unknown critical extension",
            &ca("Root").with(Extension::raw(UNKNOWN, &[5, 0]).critical()),
            "is not understood here",
        ),
        anchor(
            "the same anchor twice",
            &twice,
            "is the same as certificate 1",
        )
        .trusting(&twice),
        anchor(
            "an anchor whose end is missing",
            &ca("Root").but(Flaw::CutOff),
            "export the certificate again",
        ),
    ]
}

fn lists_and_pins() -> Vec<Case> {
    let root = ca("Root");
    let client = leaf("client").issued_by(&root);
    let of = |name, clause| case(name, clause, &[&client]).trusting(&root);
    vec![
        of("a revocation list whose end is missing", "5.1")
            .given(&crl_of(&root).but(Flaw::CutOff))
            .looking_up_the_leaf()
            .not_installed("crls"),
        of("a revocation list with an octet behind it", "5.1")
            .given(&crl_of(&root).but(Flaw::TrailingOctet))
            .looking_up_the_leaf()
            .not_installed("crls"),
        of("a pin of too few digits", "domain policy")
            .pinning("certificate:0123".to_owned())
            .not_installed("pins"),
    ]
}
