mod accepts;
mod again;
mod budget;
mod demands;
mod flawed_certificates;
mod forgeries;
mod lists;
mod oracle;
mod shared;
mod verdicts;
mod wrong_issuers;

use rustls_pki_types::CertificateDer;

use crate::pki::certificate::Certificate;
use crate::trust::anchors::Anchors;
use crate::trust::judge::{Distrust, Verified, judge};
use crate::trust::limits::TrustLimits;
use crate::trust::reason::Reason;
use crate::trust::set::TrustSet;
use crate::trust::workshop::now;

fn judged<'a>(
    anchors: impl Into<Anchors<'a>>,
    presented: &[CertificateDer<'_>],
) -> Result<Verified, Distrust> {
    judge(anchors, presented, now(), &TrustLimits::default())
}

/// The chain is refused for this reason, in a sentence with these words.
fn check(trust: &TrustSet, presented: &[CertificateDer<'_>], reason: Reason, words: &[&str]) {
    check_within(trust, presented, &TrustLimits::default(), reason, words);
}

fn check_within(
    trust: &TrustSet,
    presented: &[CertificateDer<'_>],
    limits: &TrustLimits,
    reason: Reason,
    words: &[&str],
) {
    let distrust = judge(trust, presented, now(), limits).expect_err(reason.as_str());
    assert_eq!(distrust.reason, reason, "{distrust}");
    for word in words {
        assert!(
            distrust.detail.contains(word),
            "{word:?} is not in {:?}",
            distrust.detail
        );
    }
    assert!(
        distrust.detail.starts_with("The") || distrust.detail.starts_with("Certificate "),
        "{distrust}"
    );
    assert!(
        distrust.detail.ends_with('.') && distrust.detail.len() < 1500,
        "{distrust}"
    );
    let first = presented
        .first()
        .and_then(|der| Certificate::from_der(der).ok());
    assert_eq!(distrust.leaf, first);
}
