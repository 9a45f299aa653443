//! Proving that a registrant holds a CA's key: drawing the challenge, and taking the answer in.
//!
//! Both are for the request where one waits, else for what is at work: an installation of `test` whose keys are proven
//! can then be promoted where `prod` asks for proof.

use std::sync::Arc;

use crate::domain::catalog::Circumstances;
use crate::domain::change::{Change, Touched};
use crate::domain::environment::Environment;
use crate::domain::installation::Installation;
use crate::domain::installing;
use crate::domain::intake::IntakeObjection;
use crate::domain::key_proof::{Challenge, GivenProof, KeyProof, Question, Unproven};
use crate::domain::name::AccountName;
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::pki::certificate::Certificate;
use crate::pki::fingerprint::Fingerprint;

/// The installation whose keys are to be proven.
///
/// # Errors
/// [`Rejection::NothingInstalled`].
pub fn subject<'a>(
    realm: &'a Realm,
    environment: Environment,
    name: &AccountName,
) -> Result<&'a Arc<Installation>, Rejection> {
    realm
        .requested(environment, name)
        .or_else(|| realm.installed_of(environment, name))
        .ok_or_else(|| installing::nothing(realm, environment, name))
}

/// Gives the installation its challenge, unless it has one.
pub(crate) fn challenge(
    realm: &mut Realm,
    environment: Environment,
    name: &AccountName,
    random: Challenge,
) -> Result<Change, Rejection> {
    let subject = subject(realm, environment, name)?;
    if subject.challenge.is_some() {
        return Ok(Change::nothing());
    }
    let subject = Arc::clone(subject);
    let audit = installing::fact(
        "installation.challenge",
        realm,
        environment,
        name,
        subject.id,
        &subject.certificates,
    );
    if let Some(installation) = realm.installations.get_mut(&subject.id) {
        Arc::make_mut(installation).challenge = Some(random);
    }
    Ok(Change {
        touched: vec![Touched::Installation(realm.name.clone(), subject.id)],
        audit: Some(audit),
        warnings: Vec::new(),
    })
}

/// Takes a proof in: of the certificate `ca`, or of whichever it is a proof of.
pub(crate) fn prove(
    realm: &mut Realm,
    environment: Environment,
    name: &AccountName,
    ca: Option<&Fingerprint>,
    proof: &GivenProof,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    let subject = Arc::clone(subject(realm, environment, name)?);
    let Some(random) = subject.challenge else {
        return Err(Rejection::Intake(IntakeObjection::NoChallenge {
            account: name.clone(),
            environment,
        }));
    };
    let asked: Vec<&Certificate> = subject
        .certificates
        .iter()
        .filter(|of| ca.is_none_or(|ca| of.fingerprint() == *ca))
        .collect();
    if let Some(ca) = ca.filter(|_| asked.is_empty()) {
        return Err(Rejection::Intake(IntakeObjection::NoSuchCa {
            account: name.clone(),
            environment,
            sha256: *ca,
        }));
    }
    let anchor = proven(realm, &subject, random, &asked, proof).map_err(|source| {
        let subjects = asked.iter().map(|of| of.facts().subject.clone()).collect();
        Rejection::Intake(IntakeObjection::NoProof { subjects, source })
    })?;
    if subject.is_proven(&anchor) {
        return Ok(Change::nothing());
    }
    if let Some(installation) = realm.installations.get_mut(&subject.id) {
        Arc::make_mut(installation).proofs.push(KeyProof {
            anchor,
            way: proof.way(),
            at: around.now,
            by: around.actor.name.clone(),
        });
    }
    let mut audit = installing::fact(
        "installation.prove-key",
        realm,
        environment,
        name,
        subject.id,
        &subject.certificates,
    );
    audit.detail.push(("proven", anchor.to_string()));
    audit.detail.push(("way", proof.way().as_str().to_owned()));
    Ok(Change {
        touched: vec![Touched::Installation(realm.name.clone(), subject.id)],
        audit: Some(audit),
        warnings: Vec::new(),
    })
}

/// Which certificate's key it is a proof of; else what stands most closely in the way.
fn proven(
    realm: &Realm,
    subject: &Installation,
    random: Challenge,
    asked: &[&Certificate],
    proof: &GivenProof,
) -> Result<Fingerprint, Unproven> {
    let mut nearest = match proof {
        GivenProof::Signature(_) => Unproven::Signature,
        GivenProof::Certificate(_) => Unproven::Token,
    };
    for anchor in asked {
        let sha256 = anchor.fingerprint();
        let question = Question::of(&realm.name, subject, random, &sha256);
        match question.answered_by(proof, anchor) {
            Ok(()) => return Ok(sha256),
            // It bears this one's token: what else is wrong with it says more.
            Err(Unproven::Token) => {}
            Err(why) => nearest = why,
        }
    }
    Err(nearest)
}
