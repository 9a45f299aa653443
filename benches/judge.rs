//! What one judgement costs. Times it, or, with a number of rounds, makes only these, to count their instructions:
//!
//! ```text
//! cargo bench --bench judge -- anchors 10000
//! valgrind --tool=callgrind --toggle-collect='*measured*' target/release/deps/judge-… anchors 10000 100
//! ```
//!
//! - `anchors N`: one realm with N anchors of different names.
//! - `same-name N`: one realm with N anchors of one name.
//! - `realms N`: a shared host of N realms with an anchor each.
//! - `hit`: the same chain again.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "what goes wrong in a measurement ends it, and it reads the clock itself"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use realmgate::clock::Moment;
use realmgate::pki::certificate::Certificate;
use realmgate::trust::anchors::Anchors;
use realmgate::trust::limits::TrustLimits;
use realmgate::trust::set::{TrustSet, TrustSource};
use realmgate::trust::shared::SharedTrust;
use realmgate::trust::verdicts::Verdicts;
use rustls_pki_types::CertificateDer;

struct Root {
    params: CertificateParams,
    key: KeyPair,
    certificate: Certificate,
}

fn root(name: &str) -> Root {
    let key = KeyPair::generate().expect("a key");
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let certificate = params.self_signed(&key).expect("a certificate");
    Root {
        certificate: Certificate::from_der(certificate.der()).expect("a certificate"),
        params,
        key,
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params
}

fn client_of(root: &Root) -> Vec<CertificateDer<'static>> {
    let mut params = named("client");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().expect("a key");
    let issuer = Issuer::from_params(&root.params, &root.key);
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    vec![certificate.der().clone()]
}

fn set_of<'a>(roots: impl IntoIterator<Item = &'a Root>) -> Arc<TrustSet> {
    let anchors = roots.into_iter();
    let source = TrustSource {
        anchors: anchors
            .map(|root| (root.certificate.clone(), Arc::from("account")))
            .collect(),
        ..TrustSource::default()
    };
    Arc::new(TrustSet::build(source).expect("a trust set"))
}

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let mut arguments = arguments.iter().map(String::as_str);
    let what = arguments.next().unwrap_or("anchors");
    let number: usize = arguments
        .next()
        .map_or(1, |text| text.parse().expect("a number"));
    let rounds: Option<u32> = arguments.next().map(|text| text.parse().expect("a number"));
    let name = |place: usize| match what {
        "same-name" => "Root".to_owned(),
        _ => format!("Root {place}"),
    };
    let roots: Vec<Root> = (0..number).map(|place| root(&name(place))).collect();
    let presented = client_of(roots.get(number / 2).expect("at least one anchor"));
    let (set, shared);
    let anchors: Anchors<'_> = if what == "realms" {
        shared = roots
            .iter()
            .enumerate()
            .fold(SharedTrust::default(), |shared, (place, root)| {
                shared.with(
                    &Arc::from(format!("realm-{place}")),
                    None,
                    Some(&set_of([root])),
                )
            });
        (&shared).into()
    } else {
        set = set_of(&roots);
        (&set).into()
    };
    let verdicts = Verdicts::new(if what == "hit" { 4096 } else { 0 }, 3_600_000);
    let limits = TrustLimits::default();
    let now = Moment::parse("2030-06-01").expect("a moment");
    let judge = || measured(&verdicts, anchors, &presented, now, &limits);
    judge();
    if let Some(rounds) = rounds {
        (0..rounds).for_each(|_| judge());
        return;
    }
    const ROUNDS: u32 = 10_000;
    let start = Instant::now();
    (0..ROUNDS).for_each(|_| judge());
    println!(
        "{what} {number}: {:?} for each judgement",
        start.elapsed() / ROUNDS
    );
}

#[inline(never)]
fn measured(
    verdicts: &Verdicts,
    anchors: Anchors<'_>,
    presented: &[CertificateDer<'_>],
    now: Moment,
    limits: &TrustLimits,
) {
    let judged = verdicts.judge(anchors, black_box(presented), now, limits);
    assert!(black_box(judged).is_ok());
}
