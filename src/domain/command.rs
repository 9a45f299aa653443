//! Commands: everything that can be asked for, parsed.

use std::sync::Arc;

use crate::clock::Moment;
use crate::domain::account::{AccountType, AccountValues};
use crate::domain::address::BaseUrl;
use crate::domain::connection::{ConnectionLimits, ServerTrust};
use crate::domain::crl_source::CrlUrl;
use crate::domain::denial::{DenialReason, Denied};
use crate::domain::deployment::DeploymentKey;
use crate::domain::environment::{Environment, PerEnvironment};
use crate::domain::identity::{IdentityCertificate, IdentitySlot, ServerAuthority, ServerIdentity};
use crate::domain::key_proof::{Challenge, GivenProof};
use crate::domain::name::{AccountName, ConnectionName, CrlSourceName, RealmName, TokenName};
use crate::domain::pipeline::{Handler, PipelineKey};
use crate::domain::token::Role;
use crate::domain::trigger::Trigger;
use crate::domain::trust_policy::TrustPolicy;
use crate::domain::trusting::Intake;
use crate::pki::crl::Crl;
use crate::pki::fingerprint::Fingerprint;

/// What is to become of an account's values in one environment.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueChange {
    /// They stay as they are.
    Keep,
    /// They are removed.
    Clear,
    /// They are replaced.
    Set(AccountValues),
}

/// A request for a change.
#[derive(Clone, Debug)]
pub enum Command {
    /// Makes a realm.
    CreateRealm {
        /// Its name.
        realm: RealmName,
    },
    /// Switches a realm off: nothing of it answers any more, open connections are cut.
    SuspendRealm {
        /// Which.
        realm: RealmName,
    },
    /// Switches a suspended realm on again.
    ResumeRealm {
        /// Which.
        realm: RealmName,
    },
    /// Removes a realm and everything in it.
    DeleteRealm {
        /// Which.
        realm: RealmName,
    },
    /// Makes or changes an account.
    SaveAccount {
        /// Whose.
        realm: RealmName,
        /// Its name.
        name: AccountName,
        /// Its type; an existing account's cannot change.
        account_type: AccountType,
        /// What becomes of the values.
        values: PerEnvironment<ValueChange>,
    },
    /// Removes an account that nothing uses.
    DeleteAccount {
        /// Whose.
        realm: RealmName,
        /// Which.
        name: AccountName,
    },
    /// Asks an operator to install an account's certificates.
    RequestInstallation {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Which account.
        account: AccountName,
    },
    /// Installs what was requested.
    Install {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Which account.
        account: AccountName,
        /// The account's revision that was reviewed.
        revision: u64,
    },
    /// Turns a request down.
    RejectInstallation {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Which account.
        account: AccountName,
        /// Why.
        reason: String,
    },
    /// Takes an account's certificates out of work, or withdraws the request for it.
    RemoveInstallation {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Which account.
        account: AccountName,
    },
    /// Announces that an account's certificates will go; they stay at work.
    RetireInstallation {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Which account.
        account: AccountName,
        /// Until when they are to stay, where that is told.
        until: Option<Moment>,
    },
    /// Takes that announcement back.
    KeepInstallation {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Which account.
        account: AccountName,
    },
    /// Gives an installation what the keys of its CAs have to answer, unless it has that.
    ChallengeInstallation {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Which account.
        account: AccountName,
        /// What nobody could have foreseen.
        random: Challenge,
    },
    /// Takes in a proof that the registrant holds a CA's key.
    ProveKey {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Which account.
        account: AccountName,
        /// The SHA-256 of the CA's certificate; `None`: whichever of the account's it is a proof of.
        ca: Option<Fingerprint>,
        /// The proof.
        proof: GivenProof,
    },
    /// Puts the exact certificates that an account has at work in `test` to work in `prod`.
    PromoteInstallation {
        /// Whose.
        realm: RealmName,
        /// Which account.
        account: AccountName,
    },
    /// Brings back what was at work before the latest change.
    RestoreInstallations {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Of which account; `None`: of all.
        account: Option<AccountName>,
    },
    /// Puts a trust policy in place of the present one.
    SaveTrustPolicy {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// The policy, whole.
        policy: Arc<TrustPolicy>,
    },
    /// Takes a revocation list in; a later edition takes the place of earlier ones.
    SaveCrl {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// The list.
        crl: Crl,
        /// How it came.
        intake: Intake,
    },
    /// Removes a revocation list.
    RemoveCrl {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// The SHA-256 of the list.
        sha256: Fingerprint,
    },
    /// Puts something on the deny list, or changes why and until when it is there.
    Deny {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// What.
        what: Denied,
        /// Why.
        reason: DenialReason,
        /// When it ends, where it does.
        until: Option<Moment>,
    },
    /// Takes something off the deny list.
    Allow {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// The denial's id.
        id: Fingerprint,
    },
    /// Approves a URL that revocation lists are fetched from, or changes it.
    SaveCrlSource {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// What it is called.
        name: CrlSourceName,
        /// Where it is.
        url: CrlUrl,
    },
    /// Fetches from a source no more; what it gave stays.
    DeleteCrlSource {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Which.
        name: CrlSourceName,
    },
    /// Makes or changes a pipeline. What is deployed stays as it is.
    SavePipeline {
        /// Whose.
        realm: RealmName,
        /// Its name and major version.
        key: PipelineKey,
        /// How it is called.
        trigger: Trigger,
        /// What answers.
        handler: Handler,
    },
    /// Removes a pipeline that is deployed nowhere.
    DeletePipeline {
        /// Whose.
        realm: RealmName,
        /// Which.
        key: PipelineKey,
    },
    /// Puts a pipeline to work as it is now.
    Deploy {
        /// Whose.
        realm: RealmName,
        /// Which, where.
        key: DeploymentKey,
    },
    /// Takes a pipeline out of work.
    Undeploy {
        /// Whose.
        realm: RealmName,
        /// Which, where.
        key: DeploymentKey,
    },
    /// Makes or changes a connection; what is deployed uses it at once.
    SaveConnection {
        /// Whose.
        realm: RealmName,
        /// Its name.
        name: ConnectionName,
        /// Where it leads.
        base_url: PerEnvironment<Option<BaseUrl>>,
        /// Whom we trust there.
        trust: ServerTrust,
        /// Its bounds.
        limits: ConnectionLimits,
    },
    /// Removes a connection that nothing uses.
    DeleteConnection {
        /// Whose.
        realm: RealmName,
        /// Which.
        name: ConnectionName,
    },
    /// Makes an access token.
    CreateToken {
        /// Its name.
        name: TokenName,
        /// What its bearer may do.
        role: Role,
        /// SHA-256 of its secret.
        hash: Fingerprint,
        /// When it ends, where it does.
        expires: Option<Moment>,
    },
    /// Ends an access token.
    RevokeToken {
        /// Which.
        name: TokenName,
    },
    /// Puts the server's own authority in place; at the first start.
    AdoptServerAuthority {
        /// Its certificate and key.
        authority: ServerAuthority,
    },
    /// Puts a generated identity in place; never over a provided one.
    AdoptServerIdentity {
        /// The identity.
        identity: ServerIdentity,
    },
    /// Puts a generated identity in place of whatever is there.
    ResetServerIdentity {
        /// The identity.
        identity: ServerIdentity,
    },
    /// Puts a real server certificate and key in place, besides those of another kind of key.
    ProvideServerIdentity {
        /// Whose.
        slot: IdentitySlot,
        /// The certificate and its key.
        certificate: IdentityCertificate,
    },
    /// Takes a realm's own server identity away, so that its host shows that of the mtls gateway again.
    RemoveServerIdentity {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
    },
    /// Begins an attack on ourselves: makes the reserved realm.
    BeginProof,
    /// Ends it: removes the reserved realm and everything in it.
    EndProof {
        /// What it came to.
        outcome: ProofOutcome,
    },
}

/// What an attack on ourselves came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofOutcome {
    /// It was carried out.
    Complete {
        /// How many tries were withstood.
        held: usize,
        /// How many were not.
        not_held: usize,
        /// How many could not be made.
        not_tried: usize,
    },
    /// Whoever asked for it went away, or it failed.
    Interrupted,
    /// The process ended in the middle of it.
    LeftOver,
}

impl Command {
    /// What is asked for, as noun and verb: the `action` of its audit record.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::CreateRealm { .. } => "realm.create",
            Self::SuspendRealm { .. } => "realm.suspend",
            Self::ResumeRealm { .. } => "realm.resume",
            Self::DeleteRealm { .. } => "realm.delete",
            Self::SaveAccount { .. } => "account.save",
            Self::DeleteAccount { .. } => "account.delete",
            Self::RequestInstallation { .. } => "installation.request",
            Self::Install { .. } => "installation.install",
            Self::RejectInstallation { .. } => "installation.reject",
            Self::RemoveInstallation { .. } => "installation.remove",
            Self::RetireInstallation { .. } => "installation.retire",
            Self::KeepInstallation { .. } => "installation.keep",
            Self::ChallengeInstallation { .. } => "installation.challenge",
            Self::ProveKey { .. } => "installation.prove-key",
            Self::PromoteInstallation { .. } => "installation.promote",
            Self::RestoreInstallations { .. } => "installation.restore",
            Self::SaveTrustPolicy { .. } => "trust.save",
            Self::SaveCrl { .. } => "crl.save",
            Self::RemoveCrl { .. } => "crl.remove",
            Self::Deny { .. } => "denial.save",
            Self::Allow { .. } => "denial.remove",
            Self::SaveCrlSource { .. } => "crl-source.save",
            Self::DeleteCrlSource { .. } => "crl-source.delete",
            Self::SavePipeline { .. } => "pipeline.save",
            Self::DeletePipeline { .. } => "pipeline.delete",
            Self::Deploy { .. } => "deployment.deploy",
            Self::Undeploy { .. } => "deployment.undeploy",
            Self::SaveConnection { .. } => "connection.save",
            Self::DeleteConnection { .. } => "connection.delete",
            Self::CreateToken { .. } => "token.create",
            Self::RevokeToken { .. } => "token.revoke",
            Self::AdoptServerAuthority { .. } => "server-authority.adopt",
            Self::AdoptServerIdentity { .. } => "server-identity.adopt",
            Self::ResetServerIdentity { .. } => "server-identity.reset",
            Self::ProvideServerIdentity { .. } => "server-identity.provide",
            Self::RemoveServerIdentity { .. } => "server-identity.remove",
            Self::BeginProof => "proof.begin",
            Self::EndProof { .. } => "proof.end",
        }
    }

    /// The realm that it is about; `None` where it is about the whole appliance.
    pub const fn realm(&self) -> Option<&RealmName> {
        match self {
            Self::CreateRealm { realm }
            | Self::SuspendRealm { realm }
            | Self::ResumeRealm { realm }
            | Self::DeleteRealm { realm }
            | Self::SaveAccount { realm, .. }
            | Self::DeleteAccount { realm, .. }
            | Self::RequestInstallation { realm, .. }
            | Self::Install { realm, .. }
            | Self::RejectInstallation { realm, .. }
            | Self::RemoveInstallation { realm, .. }
            | Self::RetireInstallation { realm, .. }
            | Self::KeepInstallation { realm, .. }
            | Self::ChallengeInstallation { realm, .. }
            | Self::ProveKey { realm, .. }
            | Self::PromoteInstallation { realm, .. }
            | Self::RestoreInstallations { realm, .. }
            | Self::SaveTrustPolicy { realm, .. }
            | Self::SaveCrl { realm, .. }
            | Self::RemoveCrl { realm, .. }
            | Self::Deny { realm, .. }
            | Self::Allow { realm, .. }
            | Self::SaveCrlSource { realm, .. }
            | Self::DeleteCrlSource { realm, .. }
            | Self::SavePipeline { realm, .. }
            | Self::DeletePipeline { realm, .. }
            | Self::Deploy { realm, .. }
            | Self::Undeploy { realm, .. }
            | Self::SaveConnection { realm, .. }
            | Self::DeleteConnection { realm, .. }
            | Self::RemoveServerIdentity { realm, .. } => Some(realm),
            Self::ProvideServerIdentity { slot, .. } => slot.realm(),
            Self::CreateToken { .. }
            | Self::RevokeToken { .. }
            | Self::AdoptServerAuthority { .. }
            | Self::AdoptServerIdentity { .. }
            | Self::ResetServerIdentity { .. }
            | Self::BeginProof
            | Self::EndProof { .. } => None,
        }
    }

    /// Whether a realm's own admin may ask for it, inside their realm. Installing, rejecting, promoting and restoring
    /// trust, approving what is fetched from where, and making, removing or resuming realms, is the operator's.
    pub const fn realm_admin_may(&self) -> bool {
        match self {
            Self::SaveAccount { .. }
            | Self::DeleteAccount { .. }
            | Self::RequestInstallation { .. }
            | Self::RemoveInstallation { .. }
            | Self::RetireInstallation { .. }
            | Self::KeepInstallation { .. }
            | Self::ChallengeInstallation { .. }
            | Self::ProveKey { .. }
            | Self::SaveTrustPolicy { .. }
            | Self::SaveCrl { .. }
            | Self::RemoveCrl { .. }
            | Self::Deny { .. }
            | Self::Allow { .. }
            | Self::DeleteCrlSource { .. }
            | Self::SavePipeline { .. }
            | Self::DeletePipeline { .. }
            | Self::Deploy { .. }
            | Self::Undeploy { .. }
            | Self::SaveConnection { .. }
            | Self::DeleteConnection { .. } => true,
            Self::CreateRealm { .. }
            | Self::SuspendRealm { .. }
            | Self::ResumeRealm { .. }
            | Self::DeleteRealm { .. }
            | Self::Install { .. }
            | Self::RejectInstallation { .. }
            | Self::SaveCrlSource { .. }
            | Self::PromoteInstallation { .. }
            | Self::RestoreInstallations { .. }
            | Self::CreateToken { .. }
            | Self::RevokeToken { .. }
            | Self::AdoptServerAuthority { .. }
            | Self::AdoptServerIdentity { .. }
            | Self::ResetServerIdentity { .. }
            | Self::ProvideServerIdentity { .. }
            | Self::RemoveServerIdentity { .. }
            | Self::BeginProof
            | Self::EndProof { .. } => false,
        }
    }
}
