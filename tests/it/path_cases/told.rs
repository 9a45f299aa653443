//! All cases once more, without a server: what the certificate tester tells of them is what the judgement decides.

use std::sync::Arc;

use realmgate::clock::{Clock, Moment};
use realmgate::pki::certificate::Certificate;
use realmgate::pki::crl::Crl;
use realmgate::pki::fingerprint::Fingerprint;
use realmgate::trust::judge::{Distrust, Verified, judge, judge_telling};
use realmgate::trust::limits::TrustLimits;
use realmgate::trust::outlook;
use realmgate::trust::policy::{OutOfDate, Pin, Revocation, RevocationScope, TrustPolicy};
use realmgate::trust::reason::Reason;
use realmgate::trust::set::{TrustSet, TrustSource};
use realmgate::trust::trace::{Check, Outcome, Step, Trace};
use rustls::pki_types::CertificateDer;

use crate::path_cases::all;
use crate::path_cases::case::{Case, Expected};

/// How many times each chain is spoilt.
const MUTATIONS: usize = 6;

/// The realm of a case; `None` where it cannot be.
fn set(case: &Case) -> Option<TrustSet> {
    let read = |all: &[Vec<u8>]| -> Option<Vec<Certificate>> {
        all.iter()
            .map(|der| Certificate::from_der(der).ok())
            .collect()
    };
    let account: Arc<str> = Arc::from("dgb-mtls-case");
    let anchors = read(&case.anchors)?.into_iter();
    let crls: Result<Vec<Crl>, _> = case.crls.iter().map(|der| Crl::from_der(der)).collect();
    TrustSet::build(TrustSource {
        anchors: anchors.map(|one| (one, Arc::clone(&account))).collect(),
        helpers: read(&case.helpers)?,
        policy: policy(case),
        crls: crls.ok()?,
        ..TrustSource::default()
    })
    .ok()
}

fn policy(case: &Case) -> TrustPolicy {
    let pin = |text: &String| match text.split_once(':').unwrap() {
        ("key", sha256) => Pin::Key(Fingerprint::parse(sha256).unwrap()),
        (_, sha256) => Pin::Certificate(Fingerprint::parse(sha256).unwrap()),
    };
    TrustPolicy {
        pins: case.pins.iter().map(pin).collect(),
        revocation: Revocation {
            scope: match case.revocation {
                None => RevocationScope::Off,
                Some("leaf") => RevocationScope::Leaf,
                Some(_) => RevocationScope::Chain,
            },
            out_of_date: match case.out_of_date {
                Some("\"allow\"") => OutOfDate::Allow,
                Some(hours) if hours.contains("hours") => {
                    let digits: String = hours.chars().filter(char::is_ascii_digit).collect();
                    OutOfDate::AllowHours(digits.parse().unwrap())
                }
                _ => OutOfDate::Refuse,
            },
        },
        ..TrustPolicy::default()
    }
}

/// The cases that can be judged, each with its realm.
fn judged() -> Vec<(Case, TrustSet)> {
    all()
        .into_iter()
        .filter(|case| !matches!(case.expected, Expected::NotInstalled(_)))
        .map(|case| {
            let set = set(&case).unwrap_or_else(|| panic!("{} has no realm", case.name));
            (case, set)
        })
        .collect()
}

fn chain(sent: &[Vec<u8>]) -> Vec<CertificateDer<'_>> {
    sent.iter()
        .map(|der| CertificateDer::from(der.as_slice()))
        .collect()
}

fn failed(steps: &[Step]) -> Option<(Check, &str)> {
    steps.iter().find_map(|step| match &step.outcome {
        Outcome::Failed(finding) => Some((step.check, finding.detail.as_str())),
        Outcome::Held | Outcome::NotAsked => None,
    })
}

/// Whether the steps lead to the verdict: the first objection to what was sent, or to the first path, is the one that is
/// told; a path without one is the accepted one; and without a path it is the issuers that were wanting.
fn fits(verdict: &Result<Verified, Distrust>, trace: &Trace) -> Result<(), String> {
    let (sent, paths) = (trace.sent(), trace.paths());
    let accepted = paths.iter().filter(|path| path.accepted).count();
    for path in &paths {
        if path.accepted != failed(&path.steps).is_none() {
            return Err(format!("accepted or not: {:?}", path.steps));
        }
    }
    let distrust = match verdict {
        Ok(verified) => {
            let end = paths
                .last()
                .map(|path| path.path.anchor.certificate.fingerprint());
            return (accepted == 1 && end == Some(verified.anchor))
                .then_some(())
                .ok_or_else(|| format!("{accepted} accepted paths"));
        }
        Err(distrust) => distrust,
    };
    if accepted > 0 {
        return Err(format!("{distrust}, and a path is accepted"));
    }
    let first = failed(&sent).or_else(|| paths.first().and_then(|path| failed(&path.steps)));
    match first {
        Some((_, told)) if told == distrust.detail => Ok(()),
        Some((check, told)) => Err(format!("{distrust}, and {}: {told}", check.as_str())),
        None => {
            let of_issuers = matches!(
                distrust.reason,
                Reason::NoCertificate
                    | Reason::UnknownIssuer
                    | Reason::IncompleteChain
                    | Reason::BadSignature
                    | Reason::WeakSignature
                    | Reason::WeakKey
                    | Reason::PathTooLong
                    | Reason::MalformedCertificate
                    | Reason::CertificateTooLarge
            );
            let untold = of_issuers && paths.is_empty();
            untold.then_some(()).ok_or_else(|| distrust.to_string())
        }
    }
}

#[test]
fn what_is_told_of_each_case_is_what_decides_it() {
    let (limits, now) = (TrustLimits::default(), Clock::system().now());
    let mut wrong = Vec::new();
    for (case, set) in judged() {
        let presented = chain(&case.sent);
        let (verdict, trace) = judge_telling(&set, &presented, now, &limits);
        let plain = judge(&set, &presented, now, &limits);
        let reason = |verdict: &Result<Verified, Distrust>| {
            verdict.as_ref().err().map(|distrust| distrust.reason)
        };
        assert_eq!(reason(&verdict), reason(&plain), "{}", case.name);
        // A proof of possession is no part of it.
        let holds_its_key = !case.name.contains("cannot prove");
        let expected = match case.expected {
            Expected::Refused(reason) => Some(reason),
            Expected::Accepted | Expected::NotInstalled(_) => None,
        };
        if reason(&verdict) != expected && holds_its_key {
            wrong.push(format!("{}: {:?}", case.name, reason(&verdict)));
        }
        if let Err(told) = fits(&verdict, &trace) {
            wrong.push(format!("{}: {told}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn spoilt_chains_are_told_as_they_are_judged() {
    let (limits, now) = (TrustLimits::default(), Clock::system().now());
    let mut random = 0x2545_f491_u64;
    let mut next = move |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(random >> 33).unwrap() % below.max(1)
    };
    let mut wrong = Vec::new();
    for (case, set) in judged() {
        for _ in 0..MUTATIONS {
            let mut sent = case.sent.clone();
            let place = next(sent.len());
            match next(5) {
                0 => sent.rotate_left(1),
                1 => drop(sent.remove(place)),
                2 => sent.push(case.sent[place].clone()),
                3 => sent.insert(place, b"garbage".to_vec()),
                _ => {
                    let octet = next(sent[place].len());
                    sent[place][octet] ^= 1 << next(8);
                }
            }
            let presented = chain(&sent);
            let (verdict, trace) = judge_telling(&set, &presented, now, &limits);
            let plain = judge(&set, &presented, now, &limits);
            let same = match (&verdict, &plain) {
                (Ok(one), Ok(other)) => one.says_the_same_as(other),
                (Err(one), Err(other)) => one == other,
                _ => false,
            };
            // Nothing was sent: there is nothing to tell of.
            let fits = if sent.is_empty() {
                Ok(())
            } else {
                fits(&verdict, &trace)
            };
            if let (true, Ok(())) = (same, &fits) {
                continue;
            }
            wrong.push(format!("{}: {fits:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_verdict_turns_at_the_second_that_is_told() {
    let (limits, now) = (TrustLimits::default(), Clock::system().now());
    let second = std::time::Duration::from_secs(1);
    let mut turned = 0;
    for (case, set) in judged().into_iter().step_by(5) {
        let sounding = outlook::sound(&set, &case.sent, now, &limits);
        let Some(turn) = sounding.turn else {
            continue;
        };
        let presented = chain(&case.sent);
        let reason = |at: Moment| {
            let verdict = judge(&set, &presented, at, &limits);
            verdict.map_or_else(|distrust| Some(distrust.reason), |_| None)
        };
        assert!(now < turn.at, "{}", case.name);
        let (before, after) = (reason(turn.at.minus(second)), reason(turn.at));
        assert_eq!(before, reason(now), "{}", case.name);
        assert_ne!(before, after, "{}", case.name);
        turned += 1;
    }
    assert!(turned > 20, "{turned}");
}
