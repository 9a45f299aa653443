//! The certificate tester: what would come of a client with a chain, now, at another moment, and after a change.
//!
//! The verdict is that of the handshake's own judgement ([`crate::trust::judge`]). Nothing is kept of what is asked, and
//! nothing is changed.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::clock::Moment;
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::foreseeing::Foreseen;
use crate::control::view::certificate::CertificateView;
use crate::control::view::tester::{
    AfterView, AnchorView, CallView, GivenView, IssuerView, ListView, NextView, OnPathView,
    PathView, SharedView, StepView, TestedView, VerdictView,
};
use crate::control::view::time::Time;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::installation::InstallationState;
use crate::domain::name::RealmName;
use crate::domain::realm::{Realm, RealmState};
use crate::domain::token::Actor;
use crate::manifest::document::ChangeDocument;
use crate::manifest::text::Text;
use crate::pki::certificate::Certificate;
use crate::pki::presented;
use crate::pki::secret::Secret;
use crate::snapshot::compile_error::CompileError;
use crate::snapshot::state::Snapshot;
use crate::snapshot::{admission, trusting, verifier};
use crate::trust::finding::{Role, named};
use crate::trust::judge::{Distrust, Verified};
use crate::trust::outlook::{self, Sounding, Turn};
use crate::trust::reason::Reason;
use crate::trust::search::key_ids_differ;
use crate::trust::set::TrustSet;
use crate::trust::shared::SharedTrust;
use crate::trust::signature::Proof;
use crate::trust::trace::{Link, Outcome, Step, TracedPath};

/// The most certificates that are shown; a handshake takes fewer.
const SHOWN_MAX: usize = 32;

/// The alert where there is no mTLS host of the realm.
const UNRECOGNIZED_NAME: &str = "unrecognized_name";

/// What is asked.
#[derive(Default)]
pub struct Question {
    /// The chain as PEM.
    pub chain: Option<Secret>,
    /// The chain as PEM or DER, in base64.
    pub chain_base64: Option<Secret>,
    /// Another moment than now.
    pub at: Option<Moment>,
    /// A change that is thought of. Where none is named, it is that all requests that wait are installed.
    pub change: Option<ChangeDocument>,
}

impl Control {
    /// What would come of a client that shows a chain to a realm. Whoever sees the realm may ask. Blocks.
    ///
    /// # Errors
    /// [`ControlError`]: the actor does not see the realm, there is no chain in what was given, or the change could not
    /// be made.
    pub fn test_certificate(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
        question: &Question,
    ) -> Result<TestedView, ControlError> {
        let present = self.seen_realm(actor, realm)?;
        let chain = chain(question)?;
        let now = self.now();
        let snapshot = self.live.load_full();
        let test = Test {
            control: self,
            environment,
            chain: &chain,
            shared: &snapshot.shared.get(environment).trust,
        };
        let at_work = at_work(&snapshot, &present, environment);
        let set = match &at_work {
            Some(set) => Some(Arc::clone(set)),
            None => trust_set(&present, environment)?,
        };
        let mut notes = notes(&present, environment);
        let after = match &question.change {
            Some(change) => {
                let foreseen = self.foresee(actor, realm, environment, change)?;
                Some(test.after(change, &foreseen, at_work.as_ref(), now)?)
            }
            None => match waiting(&present, environment) {
                None => None,
                Some(change) => {
                    // Nobody asked for it, so that it is no error where it cannot be.
                    let foreseen = self.foresee(actor, realm, environment, &change);
                    let told = foreseen
                        .and_then(|foreseen| test.after(&change, &foreseen, at_work.as_ref(), now));
                    told.map_err(|error| {
                        notes.push(format!(
                            "The requests that wait cannot be installed as they are: {error}."
                        ));
                    })
                    .ok()
                }
            },
        };
        let verdict = |moment| test.verdict(&present, set.as_deref(), test.shared, moment);
        Ok(TestedView {
            realm: realm.to_string(),
            environment: environment.as_str(),
            host: self.names().realm_host(environment, realm),
            certificates: given(&chain),
            certificates_left_out: chain.len().saturating_sub(SHOWN_MAX),
            now: verdict(now),
            at: question.at.map(verdict),
            after,
            notes,
        })
    }
}

/// The certificates that were given, each as DER.
fn chain(question: &Question) -> Result<Vec<Vec<u8>>, ControlError> {
    let (field, bytes) = match (&question.chain, &question.chain_base64) {
        (Some(_), Some(_)) | (None, None) => return Err(ControlError::ChainNotGiven),
        (Some(text), None) => ("chain", text.clone()),
        (None, Some(text)) => {
            let compact = text.expose().iter().copied();
            let compact: Vec<u8> = compact.filter(|byte| !byte.is_ascii_whitespace()).collect();
            let compact = Secret::from_bytes(compact);
            let bytes = STANDARD.decode(compact.expose());
            (
                "chainBase64",
                Secret::from_bytes(bytes.map_err(|_| ControlError::ChainNotBase64)?),
            )
        }
    };
    presented::read(bytes.expose()).map_err(|source| ControlError::Chain { field, source })
}

fn given(chain: &[Vec<u8>]) -> Vec<GivenView> {
    let shown = chain.iter().enumerate().take(SHOWN_MAX);
    shown
        .map(|(place, der)| {
            let read = Certificate::from_der(der);
            GivenView {
                place: place.saturating_add(1),
                certificate: read.as_ref().ok().map(CertificateView::of),
                problem: read
                    .err()
                    .map(|cause| format!("It cannot be decoded: {cause}.")),
            }
        })
        .collect()
}

/// What the gateway judges by.
fn at_work(snapshot: &Snapshot, realm: &Realm, environment: Environment) -> Option<Arc<TrustSet>> {
    let realm = snapshot.open_realm(realm.name.as_str())?;
    let mtls = realm.environments.get(environment).mtls.as_ref()?;
    Some(Arc::clone(&mtls.trust))
}

/// What the gateway would judge by, if the realm were at work.
fn trust_set(
    realm: &Realm,
    environment: Environment,
) -> Result<Option<Arc<TrustSet>>, ControlError> {
    let built = trusting::trust_set(realm, environment).map_err(|source| CompileError::Trust {
        realm: realm.name.clone(),
        environment,
        source,
    })?;
    Ok(built.map(Arc::new))
}

fn notes(realm: &Realm, environment: Environment) -> Vec<String> {
    let mut notes = Vec::new();
    if !realm.has_mtls(environment) {
        notes.push(format!(
            "Nothing is installed for realm {} in {environment}, so that it has no mTLS host there and every client is \
             refused: have an account installed.",
            realm.name
        ));
    }
    if realm.state == RealmState::Suspended {
        notes.push(format!(
            "Realm {} is suspended: nothing of it answers before it is resumed.",
            realm.name
        ));
    }
    notes
}

/// That all requests that wait are installed; `None` where none does.
fn waiting(realm: &Realm, environment: Environment) -> Option<ChangeDocument> {
    let accounts: Vec<_> = realm
        .installations
        .values()
        .filter(|installation| {
            installation.environment == environment
                && matches!(installation.state, InstallationState::Requested)
        })
        .map(|installation| Text(installation.account.clone()))
        .collect();
    (!accounts.is_empty()).then(|| ChangeDocument {
        install: accounts,
        ..ChangeDocument::default()
    })
}

/// A change in words, a sentence for each part.
fn in_words(change: &ChangeDocument, realm: &Realm, environment: Environment) -> Vec<String> {
    let manifest = change.manifest.iter();
    let manifest = manifest.map(|_| "The manifest is applied.".to_owned());
    let install = change.install.iter().map(|account| {
        let account = &account.0;
        match realm.requested(environment, account) {
            Some(_) => format!("The waiting request of {account} is installed."),
            None => format!("The certificates of {account} are installed."),
        }
    });
    let remove = change.remove.iter().map(|account| {
        let account = &account.0;
        format!("The installation of {account} is removed.")
    });
    manifest.chain(install).chain(remove).collect()
}

/// What is asked, and where.
struct Test<'a> {
    control: &'a Control,
    environment: Environment,
    chain: &'a [Vec<u8>],
    shared: &'a SharedTrust,
}

impl Test<'_> {
    fn after(
        &self,
        change: &ChangeDocument,
        foreseen: &Foreseen,
        before: Option<&Arc<TrustSet>>,
        now: Moment,
    ) -> Result<AfterView, ControlError> {
        let realm = foreseen.realm()?;
        let set = trust_set(realm, self.environment)?;
        let is_open = realm.state == RealmState::Active;
        let owner: Arc<str> = Arc::from(realm.name.as_str());
        let shared = self
            .shared
            .with(&owner, before, set.as_ref().filter(|_| is_open));
        Ok(AfterView {
            changes: in_words(change, foreseen.realm_before()?, self.environment),
            warnings: foreseen.warnings.iter().map(ToString::to_string).collect(),
            verdict: self.verdict(realm, set.as_deref(), &shared, now),
        })
    }

    /// The verdict of a realm with this trust; nothing is installed where there is none.
    fn verdict(
        &self,
        realm: &Realm,
        set: Option<&TrustSet>,
        shared: &SharedTrust,
        moment: Moment,
    ) -> VerdictView {
        let limits = self.control.compiler.trust_limits();
        let nobody = TrustSet::default();
        let trusting = set.unwrap_or(&nobody);
        let sounding = outlook::sound(trusting, self.chain, moment, limits);
        let at_shared = outlook::at_shared_host(shared, self.chain, moment, limits);
        let verdict = &sounding.verdict;
        let reason = verdict.as_ref().err().map(|distrust| distrust.reason);
        VerdictView {
            moment: Time(moment),
            trusted: verdict.is_ok(),
            reason: reason.map(Reason::as_str),
            sentence: sentence(verdict),
            advice: reason.map(Reason::advice),
            alert: reason.map(|reason| set.map_or(UNRECOGNIZED_NAME, |_| verifier::alert(reason))),
            anchor: verdict.as_ref().ok().map(anchor),
            next: sounding.turn.as_ref().map(next),
            shared: self.shared(
                verdict.is_ok() && realm.state == RealmState::Active,
                at_shared.is_ok(),
            ),
            pipelines: verdict
                .as_ref()
                .map(|client| self.calls(realm, client))
                .unwrap_or_default(),
            sent: sounding.trace.sent().iter().map(step).collect(),
            issuers: self.issuers(&sounding),
            paths: self.paths(&sounding, trusting),
            paths_left_out: sounding.trace.paths_left_out(),
        }
    }

    /// What a handshake there would show to anybody, and no more: which realm it is that trusts the chain, or why none
    /// does, is not told.
    fn shared(&self, own: bool, handshake: bool) -> SharedView {
        let names = self.control.names();
        let host = names.shared_host(Gateway::Mtls, self.environment);
        let sentence = match (own, handshake) {
            (true, true) => "The handshake succeeds, and calls of this realm are answered.",
            (false, true) => {
                "The handshake succeeds, since somebody else trusts this chain; calls of this realm are refused (404, \
                 other-realm)."
            }
            (false, false) => "The handshake is refused.",
            (true, false) => {
                "The handshake can be refused, since many realms have CAs of this name: let the client use the realm's \
                 own host."
            }
        };
        SharedView {
            host: host.to_owned(),
            handshake,
            calls: own && handshake,
            sentence: sentence.to_owned(),
        }
    }

    /// The realm's pipelines on the mtls gateway.
    fn calls(&self, realm: &Realm, client: &Verified) -> Vec<CallView> {
        let deployed = realm.deployments.values().filter(|deployed| {
            let trigger = &deployed.pipeline.trigger;
            deployed.key.environment == self.environment && trigger.publication.on(Gateway::Mtls)
        });
        deployed
            .map(|deployed| {
                let key = &deployed.key.pipeline;
                let rule = deployed.pipeline.trigger.client_rule.as_ref();
                let objection = rule.and_then(|rule| admission::objection(rule, key, client));
                CallView {
                    pipeline: key.name.to_string(),
                    major: key.major,
                    allowed: objection.is_none(),
                    rule: rule.is_some(),
                    sentence: objection,
                }
            })
            .collect()
    }

    fn issuers(&self, sounding: &Sounding) -> Vec<IssuerView> {
        let links = sounding.trace.links();
        let view = |link: &Link| {
            let (child, issuer) = (link.child.facts(), link.issuer.facts());
            let stated = child.authority_key_id.is_some() && issuer.subject_key_id.is_some();
            IssuerView {
                certificate: named(&child.subject),
                issuer: named(&issuer.subject),
                fingerprint: link.issuer.fingerprint().to_string(),
                origin: self.origin(link.role, &link.issuer),
                key_ids: match (stated, key_ids_differ(&link.child, &link.issuer)) {
                    (false, _) => "not-stated",
                    (true, false) => "same",
                    (true, true) => "different",
                },
                signature: match link.proof {
                    Proof::Signed => "holds",
                    Proof::NotSigned => "wrong",
                    Proof::AlgorithmNotAccepted => "algorithm-not-accepted",
                    Proof::KeyNotAccepted => "key-not-accepted",
                    Proof::Exhausted => "not-checked",
                },
            }
        };
        links.iter().map(view).collect()
    }

    fn paths(&self, sounding: &Sounding, set: &TrustSet) -> Vec<PathView> {
        let paths = sounding.trace.paths();
        let certificate = |(role, one): (Role, &Certificate)| {
            let facts = one.facts();
            let anchor = set.anchor(&one.fingerprint());
            OnPathView {
                subject: named(&facts.subject),
                serial: facts.serial.clone(),
                fingerprint: one.fingerprint().to_string(),
                origin: self.origin(role, one),
                account: anchor
                    .filter(|_| role == Role::Anchor)
                    .map(|anchor| anchor.account.to_string()),
                not_before: Time(facts.not_before),
                not_after: Time(facts.not_after),
            }
        };
        let view = |traced: &TracedPath| PathView {
            accepted: traced.accepted,
            certificates: traced.path.certificates().map(certificate).collect(),
            steps: traced.steps.iter().map(step).collect(),
            lists: traced
                .answers
                .iter()
                .map(|(certificate, list)| ListView {
                    certificate: named(&certificate.facts().subject),
                    issuer: named(&list.facts().issuer),
                    fingerprint: list.fingerprint().to_string(),
                    this_update: Time(list.facts().this_update),
                    next_update: list.facts().next_update.map(Time),
                })
                .collect(),
        };
        paths.iter().map(view).collect()
    }

    fn origin(&self, role: Role, certificate: &Certificate) -> &'static str {
        match role {
            Role::Anchor => "anchor",
            Role::Client => "sent",
            Role::Intermediate => {
                let sent = self.chain.iter().any(|der| der == certificate.der());
                if sent { "sent" } else { "helper" }
            }
        }
    }
}

fn sentence(verdict: &Result<Verified, Distrust>) -> String {
    match verdict {
        Ok(verified) => {
            let identity = &verified.identity;
            format!(
                "The client certificate {} is trusted: its chain ends at the trust anchor {} of the account {}.",
                named(&identity.subject),
                named(&identity.anchor_subject),
                identity.account
            )
        }
        Err(distrust) => distrust.detail.clone(),
    }
}

fn anchor(verified: &Verified) -> AnchorView {
    AnchorView {
        subject: verified.identity.anchor_subject.clone(),
        fingerprint: verified.anchor.to_string(),
        account: verified.identity.account.to_string(),
    }
}

fn next(turn: &Turn) -> NextView {
    let reason = turn.verdict.as_ref().err().map(|distrust| distrust.reason);
    NextView {
        at: Time(turn.at),
        trusted: turn.verdict.is_ok(),
        reason: reason.map(Reason::as_str),
        sentence: sentence(&turn.verdict),
    }
}

fn step(step: &Step) -> StepView {
    let (outcome, finding) = match &step.outcome {
        Outcome::Held => ("ok", None),
        Outcome::Failed(finding) => ("failed", Some(finding)),
        Outcome::NotAsked => ("not-asked", None),
    };
    StepView {
        check: step.check.as_str(),
        words: step.check.words(),
        place: step.place,
        outcome,
        reason: finding.map(|finding| finding.reason.as_str()),
        sentence: finding.map(|finding| finding.detail.clone()),
    }
}
