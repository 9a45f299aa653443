//! The catalog: the whole configuration, and the one function that changes it.

use std::sync::Arc;

use imbl::OrdMap;

use crate::clock::Moment;
use crate::domain::audit::AuditFact;
use crate::domain::change::{Change, Touched};
use crate::domain::command::{Command, ProofOutcome};
use crate::domain::endpoint::NamePlan;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::identity::{IdentitySlot, ServerAuthority, ServerIdentity};
use crate::domain::name::{RealmName, TokenName};
use crate::domain::realm::{Realm, RealmState};
use crate::domain::rejection::Rejection;
use crate::domain::token::{Actor, Token};
use crate::domain::{
    denying, granting, identifying, installing, keeping, moving, proving, publishing, retiring,
    revocation, sourcing, trusting,
};
use crate::pki::fingerprint::Fingerprint;

/// The appliance's own rules, from its settings.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What the name of a trust source begins with; empty lifts the rule.
    pub trust_account_prefix: String,
    /// The largest request size that a trigger may ask for, in MB of 1,048,576 bytes.
    pub request_mb_max: u32,
    /// The host names, to tell people where things are.
    pub names: NamePlan,
    /// The port that the external gateway listens on, to tell people; `None` where it is 443, or not known yet.
    pub external_port: Option<u16>,
}

impl Rules {
    /// The URL of a path on the external gateway.
    pub fn external_url(&self, environment: Environment, path: &str) -> String {
        let host = self.names.shared_host(Gateway::External, environment);
        match self.external_port {
            Some(port) if port != 443 => format!("https://{host}:{port}{path}"),
            Some(_) | None => format!("https://{host}{path}"),
        }
    }
}

/// What surrounds a command: who asks, when, by which rules.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Who asks.
    pub actor: &'a Actor,
    /// When.
    pub now: Moment,
    /// By which rules.
    pub rules: &'a Rules,
}

/// The whole configuration. Cheap to clone: its maps share their structure.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Counts the transactions that changed it.
    pub revision: u64,
    /// All realms.
    pub realms: OrdMap<RealmName, Arc<Realm>>,
    /// All access tokens.
    pub tokens: OrdMap<TokenName, Arc<Token>>,
    /// Tokens by the SHA-256 of their secrets.
    pub tokens_by_hash: OrdMap<Fingerprint, TokenName>,
    /// The server's own authority; there from the first start on.
    pub server_authority: Option<Arc<ServerAuthority>>,
    /// What the listeners show to clients.
    pub server_identities: OrdMap<IdentitySlot, Arc<ServerIdentity>>,
}

impl Catalog {
    /// Carries out `command`.
    ///
    /// # Errors
    /// A [`Rejection`]. The catalog may then be half changed: apply commands to a clone, and keep it only when all of
    /// them were carried out.
    pub fn apply(
        &mut self,
        command: &Command,
        around: Circumstances<'_>,
    ) -> Result<Change, Rejection> {
        match command {
            Command::CreateRealm { realm } => self.create_realm(realm, around),
            Command::SuspendRealm { realm } => {
                self.set_realm_state(realm, RealmState::Suspended, command)
            }
            Command::ResumeRealm { realm } => {
                self.set_realm_state(realm, RealmState::Active, command)
            }
            Command::DeleteRealm { realm } => self.delete_realm(realm),
            Command::SaveAccount {
                realm,
                name,
                account_type,
                values,
            } => self.in_realm(realm, |realm| {
                keeping::save(realm, name, *account_type, values, around)
            }),
            Command::DeleteAccount { realm, name } => {
                self.in_realm(realm, |realm| keeping::delete(realm, name))
            }
            Command::RequestInstallation {
                realm,
                environment,
                account,
            } => self.in_realm(realm, |realm| {
                installing::request(realm, *environment, account, around)
            }),
            Command::Install {
                realm,
                environment,
                account,
                revision,
            } => self.in_realm(realm, |realm| {
                installing::install(realm, *environment, account, *revision, around)
            }),
            Command::RejectInstallation {
                realm,
                environment,
                account,
                reason,
            } => self.in_realm(realm, |realm| {
                installing::reject(realm, *environment, account, reason, around)
            }),
            Command::RemoveInstallation {
                realm,
                environment,
                account,
            } => self.in_realm(realm, |realm| {
                installing::remove(realm, *environment, account, around)
            }),
            Command::RetireInstallation {
                realm,
                environment,
                account,
                until,
            } => self.in_realm(realm, |realm| {
                retiring::retire(realm, *environment, account, *until, around)
            }),
            Command::KeepInstallation {
                realm,
                environment,
                account,
            } => self.in_realm(realm, |realm| retiring::keep(realm, *environment, account)),
            Command::ChallengeInstallation {
                realm,
                environment,
                account,
                random,
            } => self.in_realm(realm, |realm| {
                proving::challenge(realm, *environment, account, *random)
            }),
            Command::ProveKey {
                realm,
                environment,
                account,
                ca,
                proof,
            } => self.in_realm(realm, |realm| {
                proving::prove(realm, *environment, account, ca.as_ref(), proof, around)
            }),
            Command::PromoteInstallation { realm, account } => {
                self.in_realm(realm, |realm| moving::promote(realm, account, around))
            }
            Command::RestoreInstallations {
                realm,
                environment,
                account,
            } => self.in_realm(realm, |realm| {
                moving::restore(realm, *environment, account.as_ref(), around)
            }),
            Command::SaveTrustPolicy {
                realm,
                environment,
                policy,
            } => self.in_realm(realm, |realm| {
                let before = Arc::clone(realm.trust_policies.get(*environment));
                let mut change = trusting::save_policy(realm, *environment, policy)?;
                let told = revocation::without_anchor(realm, *environment, &before);
                change.warnings.extend(told);
                Ok(change)
            }),
            Command::SaveCrl {
                realm,
                environment,
                crl,
                intake,
            } => self.in_realm(realm, |realm| {
                trusting::save_crl(realm, *environment, crl, *intake, around)
            }),
            Command::RemoveCrl {
                realm,
                environment,
                sha256,
            } => self.in_realm(realm, |realm| {
                trusting::remove_crl(realm, *environment, *sha256)
            }),
            Command::Deny {
                realm,
                environment,
                what,
                reason,
                until,
            } => self.in_realm(realm, |realm| {
                denying::deny(realm, *environment, what, reason, *until, around)
            }),
            Command::Allow {
                realm,
                environment,
                id,
            } => self.in_realm(realm, |realm| denying::allow(realm, *environment, *id)),
            Command::SaveCrlSource {
                realm,
                environment,
                name,
                url,
            } => self.in_realm(realm, |realm| {
                sourcing::save(realm, *environment, name, url, around)
            }),
            Command::DeleteCrlSource {
                realm,
                environment,
                name,
            } => self.in_realm(realm, |realm| sourcing::delete(realm, *environment, name)),
            Command::SavePipeline {
                realm,
                key,
                trigger,
                handler,
            } => self.in_realm(realm, |realm| {
                publishing::save_pipeline(realm, key, trigger, handler, around)
            }),
            Command::DeletePipeline { realm, key } => {
                self.in_realm(realm, |realm| publishing::delete_pipeline(realm, key))
            }
            Command::Deploy { realm, key } => {
                self.in_realm(realm, |realm| publishing::deploy(realm, key, around))
            }
            Command::Undeploy { realm, key } => {
                self.in_realm(realm, |realm| publishing::undeploy(realm, key))
            }
            Command::SaveConnection {
                realm,
                name,
                base_url,
                trust,
                limits,
            } => self.in_realm(realm, |realm| {
                publishing::save_connection(realm, name, base_url, trust, *limits, around)
            }),
            Command::DeleteConnection { realm, name } => {
                self.in_realm(realm, |realm| publishing::delete_connection(realm, name))
            }
            Command::CreateToken {
                name,
                role,
                hash,
                expires,
            } => granting::create(self, name, role, *hash, *expires, around.now),
            Command::RevokeToken { name } => granting::revoke(self, name),
            Command::AdoptServerAuthority { authority } => {
                Ok(identifying::adopt_authority(self, authority))
            }
            Command::AdoptServerIdentity { identity } => Ok(identifying::adopt(self, identity)),
            Command::ResetServerIdentity { identity } => Ok(identifying::reset(self, identity)),
            Command::ProvideServerIdentity { slot, certificate } => match slot {
                IdentitySlot::Realm(realm, environment) => self.in_realm(realm, |realm| {
                    identifying::provide_own(realm, *environment, certificate, around)
                }),
                IdentitySlot::Admin | IdentitySlot::Public(..) => {
                    identifying::provide(self, slot, certificate, around)
                }
            },
            Command::RemoveServerIdentity { realm, environment } => {
                self.in_realm(realm, |realm| identifying::remove_own(realm, *environment))
            }
            Command::BeginProof => {
                let begun = self.add_realm(&RealmName::reserved(), around)?;
                Ok(in_a_proof(begun, command, Vec::new()))
            }
            Command::EndProof { outcome } => {
                let ended = self.delete_realm(&RealmName::reserved())?;
                Ok(in_a_proof(ended, command, told(*outcome)))
            }
        }
    }

    /// The realm of that name.
    ///
    /// # Errors
    /// [`Rejection::NoRealm`].
    pub fn realm(&self, name: &RealmName) -> Result<&Arc<Realm>, Rejection> {
        self.realms.get(name).ok_or_else(|| Rejection::NoRealm {
            realm: name.clone(),
        })
    }

    /// The token with that secret's hash, unless it ended.
    pub fn token_by_hash(&self, hash: &Fingerprint, now: Moment) -> Option<&Arc<Token>> {
        let token = self.tokens.get(self.tokens_by_hash.get(hash)?)?;
        token.expires.is_none_or(|end| now < end).then_some(token)
    }

    fn in_realm(
        &mut self,
        name: &RealmName,
        act: impl FnOnce(&mut Realm) -> Result<Change, Rejection>,
    ) -> Result<Change, Rejection> {
        let realm = self
            .realms
            .get_mut(name)
            .ok_or_else(|| Rejection::NoRealm {
                realm: name.clone(),
            })?;
        readable(realm)?;
        act(Arc::make_mut(realm))
    }

    fn create_realm(
        &mut self,
        name: &RealmName,
        around: Circumstances<'_>,
    ) -> Result<Change, Rejection> {
        if name.is_reserved() {
            return Err(Rejection::RealmReserved {
                realm: name.clone(),
            });
        }
        self.add_realm(name, around)
    }

    fn add_realm(
        &mut self,
        name: &RealmName,
        around: Circumstances<'_>,
    ) -> Result<Change, Rejection> {
        if self.realms.contains_key(name) {
            return Err(Rejection::RealmExists {
                realm: name.clone(),
            });
        }
        self.realms
            .insert(name.clone(), Arc::new(Realm::new(name.clone(), around.now)));
        Ok(of_realm(
            "realm.create",
            name,
            vec![Touched::Realm(name.clone())],
        ))
    }

    fn set_realm_state(
        &mut self,
        name: &RealmName,
        state: RealmState,
        command: &Command,
    ) -> Result<Change, Rejection> {
        let action = command.action();
        self.in_realm(name, |realm| {
            if realm.state == state {
                return Ok(Change::nothing());
            }
            realm.state = state;
            Ok(of_realm(action, name, vec![Touched::Realm(name.clone())]))
        })
    }

    fn delete_realm(&mut self, name: &RealmName) -> Result<Change, Rejection> {
        readable(self.realm(name)?)?;
        let Some(realm) = self.realms.remove(name) else {
            return Err(Rejection::NoRealm {
                realm: name.clone(),
            });
        };
        let mut touched = vec![Touched::Realm(name.clone())];
        touched.extend(
            realm
                .accounts
                .keys()
                .map(|key| Touched::Account(name.clone(), key.clone())),
        );
        touched.extend(
            realm
                .installations
                .keys()
                .map(|key| Touched::Installation(name.clone(), *key)),
        );
        touched.extend(
            realm
                .trust_policies
                .iter()
                .map(|(environment, _)| Touched::TrustPolicy(name.clone(), environment)),
        );
        for (environment, lists) in realm.crls.iter() {
            touched.extend(
                lists
                    .keys()
                    .map(|sha256| Touched::Crl(name.clone(), environment, *sha256)),
            );
        }
        for (environment, denials) in realm.denials.iter() {
            touched.extend(
                denials
                    .keys()
                    .map(|id| Touched::Denial(name.clone(), environment, *id)),
            );
        }
        for (environment, sources) in realm.crl_sources.iter() {
            touched.extend(
                sources
                    .keys()
                    .map(|source| Touched::CrlSource(name.clone(), environment, source.clone())),
            );
        }
        touched.extend(
            realm
                .pipelines
                .keys()
                .map(|key| Touched::Pipeline(name.clone(), key.clone())),
        );
        touched.extend(
            realm
                .deployments
                .keys()
                .map(|key| Touched::Deployment(name.clone(), key.clone())),
        );
        touched.extend(
            realm
                .connections
                .keys()
                .map(|key| Touched::Connection(name.clone(), key.clone())),
        );
        let own = realm.server_identities.iter();
        touched.extend(
            own.filter(|(_, identity)| identity.is_some())
                .map(|(environment, _)| IdentitySlot::Realm(name.clone(), environment))
                .map(Touched::ServerIdentity),
        );
        let confined: Vec<TokenName> = self
            .tokens
            .values()
            .filter(|token| token.role.realm() == Some(name))
            .map(|token| token.name.clone())
            .collect();
        for token in confined {
            granting::drop(self, &token);
            touched.push(Touched::Token(token));
        }
        Ok(of_realm("realm.delete", name, touched))
    }
}

/// The same change, as the audit tells it of an attack on ourselves.
fn in_a_proof(
    mut change: Change,
    command: &Command,
    detail: Vec<(&'static str, String)>,
) -> Change {
    if let Some(audit) = &mut change.audit {
        audit.action = command.action();
        audit.detail = detail;
    }
    change
}

fn told(outcome: ProofOutcome) -> Vec<(&'static str, String)> {
    match outcome {
        ProofOutcome::Complete {
            held,
            not_held,
            not_tried,
        } => vec![
            ("held", held.to_string()),
            ("not-held", not_held.to_string()),
            ("not-tried", not_tried.to_string()),
        ],
        ProofOutcome::Interrupted => vec![("outcome", "interrupted".to_owned())],
        ProofOutcome::LeftOver => vec![("outcome", "left over, removed at the start".to_owned())],
    }
}

/// What cannot be read cannot be changed or removed as a whole.
fn readable(realm: &Realm) -> Result<(), Rejection> {
    match &realm.unreadable {
        None => Ok(()),
        Some(why) => Err(Rejection::RealmUnreadable {
            realm: realm.name.clone(),
            why: Arc::clone(why),
        }),
    }
}

fn of_realm(action: &'static str, name: &RealmName, touched: Vec<Touched>) -> Change {
    let audit = AuditFact {
        action,
        realm: Some(name.clone()),
        environment: None,
        object: name.to_string(),
        detail: Vec::new(),
    };
    Change {
        touched,
        audit: Some(audit),
        warnings: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
