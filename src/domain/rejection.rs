//! Why a command is refused.

use std::sync::Arc;

use crate::domain::account::AccountType;
use crate::domain::deployment::DeploymentKey;
use crate::domain::environment::Environment;
use crate::domain::intake::IntakeObjection;
use crate::domain::name::{AccountName, ConnectionName, CrlSourceName, RealmName, TokenName};
use crate::domain::pipeline::PipelineKey;
use crate::domain::review::Objection;
use crate::domain::trigger::InvalidTrigger;
use crate::pki::fingerprint::Fingerprint;

/// What kind of refusal it is; decides the API's status in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionKind {
    /// What it is about is not there, or not there for this actor.
    NotFound,
    /// The present state stands against it.
    Conflict,
    /// It can never be carried out as it stands.
    Invalid,
    /// The actor's role does not allow it.
    Forbidden,
}

/// Why a command is refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The role does not allow it.
    #[error("a token of role {role} may not {}: ask an operator", in_words(action))]
    Forbidden {
        /// The actor's role.
        role: &'static str,
        /// What was asked for.
        action: &'static str,
    },
    /// No such realm, or none that the actor may see.
    #[error("there is no realm '{realm}': 'realmgate realm list' names those there are")]
    NoRealm {
        /// Its name.
        realm: RealmName,
    },
    /// The realm is there already.
    #[error("there is a realm '{realm}' already")]
    RealmExists {
        /// Its name.
        realm: RealmName,
    },
    /// The name is not for users.
    #[error("the name '{realm}' is reserved for 'realmgate prove': choose another")]
    RealmReserved {
        /// The name.
        realm: RealmName,
    },
    /// What is stored of the realm cannot be read.
    #[error(
        "realm {realm} is closed and takes no changes, since {why}: stop realmgate and restore its store from a backup"
    )]
    RealmUnreadable {
        /// Its name.
        realm: RealmName,
        /// What cannot be read, and why.
        why: Arc<str>,
    },
    /// No such account.
    #[error(
        "realm {realm} has no account '{account}': 'realmgate account list --realm {realm}' names those there are"
    )]
    NoAccount {
        /// Whose.
        realm: RealmName,
        /// Its name.
        account: AccountName,
    },
    /// An account's type cannot change.
    #[error(
        "account '{account}' is of type {is}, which cannot become {wanted}: make another account"
    )]
    AccountTypeFixed {
        /// Its name.
        account: AccountName,
        /// What it is.
        is: AccountType,
        /// What was asked for.
        wanted: AccountType,
    },
    /// The values are of another type than the account.
    #[error(
        "the values given for {environment} are of type {given}, but account '{account}' is of type {is}"
    )]
    AccountValuesMismatch {
        /// Its name.
        account: AccountName,
        /// Where.
        environment: Environment,
        /// What it is.
        is: AccountType,
        /// What was given.
        given: AccountType,
    },
    /// The account is in use.
    #[error("account '{account}' is in use by {user}: remove that first")]
    AccountInUse {
        /// Its name.
        account: AccountName,
        /// What uses it.
        user: String,
    },
    /// An account that cannot be a trust source.
    #[error("account '{account}' cannot be a trust source in {environment}: {objection}")]
    TrustSource {
        /// Its name.
        account: AccountName,
        /// Where.
        environment: Environment,
        /// Why.
        objection: Objection,
    },
    /// A trust source of the wrong name.
    #[error(
        "the name of an account that serves as trust source begins with '{prefix}': save the certificates as '{prefix}{account}'"
    )]
    TrustSourceName {
        /// Its name.
        account: AccountName,
        /// What it should begin with.
        prefix: String,
    },
    /// An account that holds no certificates there.
    #[error("account '{account}' has no certificates in {environment}: save its chain there first")]
    NoCertificates {
        /// Its name.
        account: AccountName,
        /// Where.
        environment: Environment,
    },
    /// An account that a connection is to trust, without certificates where the connection leads somewhere.
    #[error(
        "account '{account}' has no certificates in {environment}: save its chain there first, or give the connection no base URL in {environment}"
    )]
    NoServerTrust {
        /// Its name.
        account: AccountName,
        /// Where.
        environment: Environment,
    },
    /// An account of another type.
    #[error("account '{account}' is of type {is}; this needs a certificate-chain account")]
    NotACertificateChain {
        /// Its name.
        account: AccountName,
        /// What it is.
        is: AccountType,
    },
    /// Nothing is requested.
    #[error(
        "nothing waits to be installed for account '{account}' in {environment}: request it first"
    )]
    NothingRequested {
        /// Whose certificates.
        account: AccountName,
        /// Where.
        environment: Environment,
    },
    /// Nothing is installed or requested.
    #[error("account '{account}' is neither installed nor requested in {environment}")]
    NothingInstalled {
        /// Whose certificates.
        account: AccountName,
        /// Where.
        environment: Environment,
    },
    /// Exactly these certificates are at work already.
    #[error(
        "exactly these certificates of account '{account}' are installed in {environment} already"
    )]
    AlreadyInstalled {
        /// Whose certificates.
        account: AccountName,
        /// Where.
        environment: Environment,
    },
    /// The account changed since it was shown.
    #[error("{}", other_revision(account, *reviewed, *requested))]
    RevisionChanged {
        /// Whose certificates.
        account: AccountName,
        /// The revision named.
        reviewed: u64,
        /// The revision requested.
        requested: u64,
    },
    /// Trust that does not come in, move or come back.
    #[error(transparent)]
    Intake(IntakeObjection),
    /// A rejection without a reason.
    #[error("a rejection needs a reason of 1 to 1000 characters, for the realm's people to read")]
    ReasonMissing,
    /// A revocation list that says nothing of its end.
    #[error(
        "the revocation list of {issuer} has no nextUpdate, so that nobody could tell when it is out of date: have it issued with one (RFC 5280, 5.1.2.5)"
    )]
    CrlWithoutEnd {
        /// Its issuer.
        issuer: String,
    },
    /// A revocation list that none of the known keys signed.
    #[error(
        "the revocation list of {issuer} was signed by none of the keys known for that name: download it again, or save the certificate that signs it as a helper of the trust account; that certificate has to allow cRLSign where it states a key usage, and the signature has to be one that is accepted (SHA-2)"
    )]
    CrlNotSigned {
        /// Its issuer.
        issuer: String,
    },
    /// An earlier edition of a list that is there.
    #[error(
        "the revocation list of {issuer} (number {number}, of {this_update}) is older than the stored one (number {stored_number}, of {stored_this_update}), which stays: download the latest one"
    )]
    CrlOlder {
        /// Its issuer.
        issuer: String,
        /// The number of the one that was given.
        number: String,
        /// When that one was issued.
        this_update: crate::clock::Moment,
        /// The number of the one that is there.
        stored_number: String,
        /// When that one was issued.
        stored_this_update: crate::clock::Moment,
    },
    /// A later edition that is over already, where the stored one is in force.
    #[error(
        "the revocation list of {issuer} (number {number}) is over since {next_update}, and the stored one (number {stored_number}) is in force and would go: download the latest one, or remove the stored one first with 'realmgate crl remove'"
    )]
    CrlOver {
        /// Its issuer.
        issuer: String,
        /// The number of the one that was given.
        number: String,
        /// Until when that one was to be replaced.
        next_update: String,
        /// The number of the one that is there.
        stored_number: String,
    },
    /// No such revocation list.
    #[error(
        "realm {realm} has no revocation list with the SHA-256 {sha256} in {environment}: 'realmgate crl list --realm {realm} --environment {environment}' names those there are"
    )]
    NoCrl {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Which.
        sha256: Fingerprint,
    },
    /// No such source of revocation lists.
    #[error(
        "realm {realm} fetches no revocation lists from a source '{source_name}' in {environment}: 'realmgate crl source list --realm {realm} --environment {environment}' names those there are"
    )]
    NoCrlSource {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Which.
        source_name: CrlSourceName,
    },
    /// A revocation list that came by itself, of an issuer that nobody knows.
    #[error(
        "no certificate of {issuer} is known in the realm, so that nobody can tell whether the revocation list is theirs: check the URL, or save that certificate as a helper of the trust account"
    )]
    CrlIssuerUnknown {
        /// Its issuer.
        issuer: String,
    },
    /// A revocation list that came by itself, with something that is not understood.
    #[error(
        "the revocation list of {issuer} has the critical extension {oid}, which is not understood here, so that it would never count: ask the CA for one without it"
    )]
    CrlNotUnderstood {
        /// Its issuer.
        issuer: String,
        /// The extension.
        oid: String,
    },
    /// Revocation lists that are too large together.
    #[error(
        "the revocation lists of a realm have at most {most} bytes together in one environment, and with this one they would have {bytes}: remove those that are not needed"
    )]
    CrlsTooLarge {
        /// How large they would be.
        bytes: usize,
        /// How large they may be.
        most: usize,
    },
    /// A denial that would end before it begins.
    #[error("the denial would have ended at {end}: give an end that lies ahead, or none")]
    DenialEnded {
        /// When it would have ended.
        end: crate::clock::Moment,
    },
    /// No such denial.
    #[error(
        "realm {realm} has no denial with the id {id} in {environment}: 'realmgate deny list --realm {realm} --environment {environment}' names those there are"
    )]
    NoDenial {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Which.
        id: Fingerprint,
    },
    /// No such pipeline.
    #[error(
        "realm {realm} has no pipeline {pipeline}: 'realmgate pipeline list --realm {realm}' names those there are"
    )]
    NoPipeline {
        /// Whose.
        realm: RealmName,
        /// Which.
        pipeline: PipelineKey,
    },
    /// A major version of zero.
    #[error("a pipeline's major version begins at 1")]
    MajorZero,
    /// A pipeline that serves.
    #[error("pipeline {pipeline} is deployed in {environment}: undeploy it first")]
    PipelineDeployed {
        /// Which.
        pipeline: PipelineKey,
        /// Where.
        environment: Environment,
    },
    /// A trigger that cannot be.
    #[error("the trigger of {pipeline} cannot be: {source}")]
    Trigger {
        /// Of which pipeline.
        pipeline: PipelineKey,
        /// Why.
        source: InvalidTrigger,
    },
    /// Larger than the appliance allows.
    #[error(
        "the maximum request size of {pipeline}, {wanted} MB, is over this appliance's ceiling of {ceiling} MB: lower it, or raise the setting request_mb_max"
    )]
    RequestSizeCeiling {
        /// Of which pipeline.
        pipeline: PipelineKey,
        /// What was asked for, in MB.
        wanted: u32,
        /// What is allowed, in MB.
        ceiling: u32,
    },
    /// No such deployment.
    #[error("{} is not deployed in {}", key.pipeline, key.environment)]
    NotDeployed {
        /// Which, where.
        key: DeploymentKey,
    },
    /// No such connection.
    #[error("realm {realm} has no connection '{connection}': save it first")]
    NoConnection {
        /// Whose.
        realm: RealmName,
        /// Its name.
        connection: ConnectionName,
    },
    /// A connection that leads nowhere in that environment.
    #[error("connection '{connection}' has no base URL in {environment}, where {user} is deployed")]
    ConnectionLeadsNowhere {
        /// Its name.
        connection: ConnectionName,
        /// Where.
        environment: Environment,
        /// What uses it.
        user: PipelineKey,
    },
    /// A connection in use.
    #[error("connection '{connection}' is in use by {user}: remove that first")]
    ConnectionInUse {
        /// Its name.
        connection: ConnectionName,
        /// What uses it.
        user: String,
    },
    /// No such token.
    #[error("there is no token '{token}': 'realmgate token list' names those there are")]
    NoToken {
        /// Its name.
        token: TokenName,
    },
    /// The token is there already.
    #[error("there is a token '{token}' already: choose another name, or delete it first")]
    TokenExists {
        /// Its name.
        token: TokenName,
    },
    /// A token that would end before it begins.
    #[error("token '{token}' would have ended already: give a time that lies ahead")]
    TokenExpired {
        /// Its name.
        token: TokenName,
    },
    /// The last operator's token.
    #[error(
        "token '{token}' is the last one of an operator that does not end: make another one first"
    )]
    LastOperator {
        /// Its name.
        token: TokenName,
    },
    /// A server key that is not the certificate's.
    #[error(
        "the private key does not belong to the server certificate {subject}: give the key that the certificate was made for"
    )]
    KeyMismatch {
        /// The certificate's subject.
        subject: String,
    },
    /// A server identity without certificates.
    #[error("a server identity needs its certificate chain, leaf first")]
    ChainMissing,
    /// A certificate that no server may show.
    #[error(
        "the certificate {subject} is not made for servers (its extended key usage lacks serverAuth): give a server certificate"
    )]
    NotForServers {
        /// The certificate's subject.
        subject: String,
    },
    /// A server certificate that has ended.
    #[error("the server certificate {subject} ended at {end}: give a valid one")]
    ServerCertificateExpired {
        /// The certificate's subject.
        subject: String,
        /// When it ended.
        end: crate::clock::Moment,
    },
    /// Too many of something.
    #[error("there can be at most {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
}

/// An action, as it stands in the audit, in words.
fn in_words(action: &str) -> String {
    let Some((noun, verb)) = action.split_once('.') else {
        return format!("do {action}");
    };
    let noun = noun.replace('-', " ");
    match (noun.as_str(), verb) {
        ("realm", "create") => "make realms, which only operators do".to_owned(),
        ("refusal", "read") => "read the refusals that belong to no realm".to_owned(),
        ("audit", "read") => "read the audit of all realms".to_owned(),
        ("trust", verb) => format!("{verb} a trust policy"),
        ("denial", verb) => format!("{verb} an entry of a deny list"),
        ("crl", verb) => format!("{verb} a revocation list"),
        ("crl source", "save") => {
            "approve what revocation lists are fetched from, which only operators do".to_owned()
        }
        ("crl source", verb) => format!("{verb} a source of revocation lists"),
        ("manifest", "apply") => "apply a manifest".to_owned(),
        ("server identity", verb) => format!("{verb} server identities"),
        ("server authority", verb) => format!("{verb} the server's own CA"),
        (noun, "create") => format!("make a {noun}"),
        (noun @ ("account" | "installation"), verb) => format!("{verb} an {noun}"),
        (noun, verb) => format!("{verb} a {noun}"),
    }
}

fn other_revision(account: &AccountName, reviewed: u64, requested: u64) -> String {
    if reviewed > requested {
        return format!(
            "no revision {reviewed} of account '{account}' waits to be installed, only revision {requested}: look at it \
             with 'realmgate installation show'"
        );
    }
    format!(
        "account '{account}' was changed since it was reviewed: you name revision {reviewed}, but revision {requested} \
         waits to be installed; look at it again with 'realmgate installation show'"
    )
}

impl Rejection {
    /// What kind of refusal it is.
    pub const fn kind(&self) -> RejectionKind {
        match self {
            Self::Forbidden { .. } => RejectionKind::Forbidden,
            Self::Intake(objection) => objection.kind(),
            Self::NoRealm { .. }
            | Self::NoAccount { .. }
            | Self::NothingRequested { .. }
            | Self::NothingInstalled { .. }
            | Self::NoCrl { .. }
            | Self::NoDenial { .. }
            | Self::NoCrlSource { .. }
            | Self::NoPipeline { .. }
            | Self::NotDeployed { .. }
            | Self::NoToken { .. } => RejectionKind::NotFound,
            Self::RealmExists { .. }
            | Self::RealmReserved { .. }
            | Self::RealmUnreadable { .. }
            | Self::AccountTypeFixed { .. }
            | Self::AccountInUse { .. }
            | Self::AlreadyInstalled { .. }
            | Self::RevisionChanged { .. }
            | Self::CrlOlder { .. }
            | Self::CrlOver { .. }
            | Self::PipelineDeployed { .. }
            | Self::ConnectionInUse { .. }
            | Self::TokenExists { .. }
            | Self::LastOperator { .. } => RejectionKind::Conflict,
            Self::AccountValuesMismatch { .. }
            | Self::TrustSource { .. }
            | Self::TrustSourceName { .. }
            | Self::NoCertificates { .. }
            | Self::NoServerTrust { .. }
            | Self::NotACertificateChain { .. }
            | Self::ReasonMissing
            | Self::CrlWithoutEnd { .. }
            | Self::CrlNotSigned { .. }
            | Self::CrlIssuerUnknown { .. }
            | Self::CrlNotUnderstood { .. }
            | Self::CrlsTooLarge { .. }
            | Self::DenialEnded { .. }
            | Self::MajorZero
            | Self::Trigger { .. }
            | Self::RequestSizeCeiling { .. }
            | Self::NoConnection { .. }
            | Self::ConnectionLeadsNowhere { .. }
            | Self::TokenExpired { .. }
            | Self::KeyMismatch { .. }
            | Self::ChainMissing
            | Self::NotForServers { .. }
            | Self::ServerCertificateExpired { .. }
            | Self::TooMany { .. } => RejectionKind::Invalid,
        }
    }

    /// A stable kebab-case code for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Forbidden { .. } => "forbidden",
            Self::NoRealm { .. } => "no-realm",
            Self::RealmExists { .. } => "realm-exists",
            Self::RealmReserved { .. } => "realm-reserved",
            Self::RealmUnreadable { .. } => "realm-unreadable",
            Self::NoAccount { .. } => "no-account",
            Self::AccountTypeFixed { .. } => "account-type-fixed",
            Self::AccountValuesMismatch { .. } => "account-values-mismatch",
            Self::AccountInUse { .. } => "account-in-use",
            Self::TrustSource { .. } => "trust-source",
            Self::TrustSourceName { .. } => "trust-source-name",
            Self::NoCertificates { .. } | Self::NoServerTrust { .. } => "no-certificates",
            Self::NotACertificateChain { .. } => "not-a-certificate-chain",
            Self::NothingRequested { .. } => "nothing-requested",
            Self::NothingInstalled { .. } => "nothing-installed",
            Self::AlreadyInstalled { .. } => "already-installed",
            Self::RevisionChanged { .. } => "revision-changed",
            Self::Intake(objection) => objection.code(),
            Self::ReasonMissing => "reason-missing",
            Self::CrlWithoutEnd { .. } => "crl-without-end",
            Self::CrlNotSigned { .. } => "crl-not-signed",
            Self::CrlOlder { .. } => "crl-older",
            Self::CrlOver { .. } => "crl-over",
            Self::NoCrl { .. } => "no-crl",
            Self::NoCrlSource { .. } => "no-crl-source",
            Self::CrlIssuerUnknown { .. } => "crl-issuer-unknown",
            Self::CrlNotUnderstood { .. } => "crl-not-understood",
            Self::CrlsTooLarge { .. } => "crls-too-large",
            Self::DenialEnded { .. } => "denial-ended",
            Self::NoDenial { .. } => "no-denial",
            Self::NoPipeline { .. } => "no-pipeline",
            Self::MajorZero => "major-zero",
            Self::PipelineDeployed { .. } => "pipeline-deployed",
            Self::Trigger { .. } => "trigger",
            Self::RequestSizeCeiling { .. } => "request-size-ceiling",
            Self::NotDeployed { .. } => "not-deployed",
            Self::NoConnection { .. } => "no-connection",
            Self::ConnectionLeadsNowhere { .. } => "connection-leads-nowhere",
            Self::ConnectionInUse { .. } => "connection-in-use",
            Self::NoToken { .. } => "no-token",
            Self::TokenExists { .. } => "token-exists",
            Self::TokenExpired { .. } => "token-expired",
            Self::LastOperator { .. } => "last-operator",
            Self::KeyMismatch { .. } => "key-mismatch",
            Self::ChainMissing => "chain-missing",
            Self::NotForServers { .. } => "not-for-servers",
            Self::ServerCertificateExpired { .. } => "server-certificate-expired",
            Self::TooMany { .. } => "too-many",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_role_may_not_do_is_told_in_words() {
        let cases = [
            ("token.read", "may not read a token: "),
            ("account.save", "may not save an account: "),
            (
                "realm.create",
                "may not make realms, which only operators do: ",
            ),
            (
                "server-identity.provide",
                "may not provide server identities: ",
            ),
        ];
        for (action, expect) in cases {
            let told = Rejection::Forbidden {
                role: "auditor",
                action,
            };
            assert!(told.to_string().contains(expect), "{told}");
        }
    }

    #[test]
    fn a_revision_that_is_yet_to_come_is_not_called_a_former_one() {
        let told = |reviewed| {
            let account = AccountName::parse("a").unwrap();
            Rejection::RevisionChanged {
                account,
                reviewed,
                requested: 2,
            }
            .to_string()
        };
        assert!(told(1).contains("was changed since"), "{}", told(1));
        assert!(told(3).starts_with("no revision 3 "), "{}", told(3));
    }
}
