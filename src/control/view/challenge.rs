//! What the keys of an installation's CAs have to answer, and which of them did.

use std::sync::Arc;

use aws_lc_rs::rand;
use serde::Serialize;

use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::executing::Done;
use crate::control::view::time::Time;
use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::key_proof::{Challenge, Question};
use crate::domain::name::{AccountName, RealmName};
use crate::domain::proving;
use crate::domain::token::Actor;
use crate::manifest::key_proof::KeyProofBody;

/// What the keys of an installation's CAs have to answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChallengeSheet {
    /// Whose.
    pub realm: String,
    /// Where.
    pub environment: &'static str,
    /// Which account.
    pub account: String,
    /// The account's revision that it is for: a changed account is asked anew.
    pub account_revision: u64,
    /// The word of the installation's state.
    pub state: &'static str,
    /// Whether nothing is installed here without proof.
    pub demanded: bool,
    /// Each of its CAs.
    pub anchors: Vec<ChallengedAnchor>,
}

/// What the key of one CA has to answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChallengedAnchor {
    /// The CA's subject.
    pub subject: String,
    /// The SHA-256 of its certificate.
    pub fingerprint: String,
    /// Kind and size of its key.
    pub key: String,
    /// The exact text to be signed, the line feed at its end included.
    pub text: String,
    /// What a certificate has to bear instead, as common name or as `urn:realmgate:challenge:TOKEN`.
    pub token: String,
    /// Whether the key was proven.
    pub proven: Option<ProofView>,
}

/// That a key was proven.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProofView {
    /// `signature` or `certificate`.
    pub way: &'static str,
    /// When.
    pub at: Time,
    /// Who brought it.
    pub by: String,
}

impl Control {
    /// What the keys of an installation's CAs have to answer: of the request that waits, else of what is installed. Who
    /// asks first draws it; it stays the same from then on.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn challenge(
        self: &Arc<Self>,
        actor: Actor,
        realm: RealmName,
        environment: Environment,
        account: AccountName,
    ) -> Result<ChallengeSheet, ControlError> {
        self.blocking(move |control| {
            let mut random = [0; 32];
            rand::fill(&mut random).map_err(|_| ControlError::Random)?;
            let command = Command::ChallengeInstallation {
                realm: realm.clone(),
                environment,
                account: account.clone(),
                random: Challenge(random),
            };
            control.execute_blocking(&actor, &[command])?;
            control.challenged(&actor, &realm, environment, &account)
        })
        .await
    }

    /// Takes in a proof that the registrant holds a CA's key.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn prove_key(
        self: &Arc<Self>,
        actor: Actor,
        realm: RealmName,
        environment: Environment,
        account: AccountName,
        body: KeyProofBody,
    ) -> Result<Done, ControlError> {
        let proof = body.read().map_err(ControlError::KeyProof)?;
        let command = Command::ProveKey {
            realm,
            environment,
            account,
            ca: body.ca.map(|ca| ca.0),
            proof,
        };
        self.execute(actor, vec![command]).await
    }

    fn challenged(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
        account: &AccountName,
    ) -> Result<ChallengeSheet, ControlError> {
        let realm = self.seen_realm(actor, realm)?;
        let installation = proving::subject(&realm, environment, account)?;
        let questions = installation.certificates.iter().filter_map(|anchor| {
            let sha256 = anchor.fingerprint();
            let question =
                Question::of(&realm.name, installation, installation.challenge?, &sha256);
            let proof = installation.proofs.iter().find(|of| of.anchor == sha256);
            Some(ChallengedAnchor {
                subject: anchor.facts().subject.clone(),
                fingerprint: sha256.to_string(),
                key: anchor.facts().key.to_string(),
                text: question.text,
                token: question.token,
                proven: proof.map(|proof| ProofView {
                    way: proof.way.as_str(),
                    at: Time(proof.at),
                    by: proof.by.clone(),
                }),
            })
        });
        Ok(ChallengeSheet {
            realm: realm.name.to_string(),
            environment: environment.as_str(),
            account: account.to_string(),
            account_revision: installation.account_revision,
            state: installation.state.as_str(),
            demanded: self.intake.ca_key_proof.holds_in(environment),
            anchors: questions.collect(),
        })
    }
}
