//! What a command did: which rows it touched, what the audit says of it, and what its sender should know.

use crate::clock::Moment;
use crate::domain::audit::AuditFact;
use crate::domain::deployment::DeploymentKey;
use crate::domain::environment::Environment;
use crate::domain::identity::IdentitySlot;
use crate::domain::installation::InstallationId;
use crate::domain::name::{AccountName, ConnectionName, CrlSourceName, RealmName, TokenName};
use crate::domain::pipeline::PipelineKey;
use crate::pki::fingerprint::Fingerprint;

/// One row that is to be written, or removed where the catalog has it no more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touched {
    /// A realm.
    Realm(RealmName),
    /// An account.
    Account(RealmName, AccountName),
    /// An installation.
    Installation(RealmName, InstallationId),
    /// The trust policy of an environment.
    TrustPolicy(RealmName, Environment),
    /// A revocation list, by its SHA-256.
    Crl(RealmName, Environment, Fingerprint),
    /// A denial, by its id.
    Denial(RealmName, Environment, Fingerprint),
    /// What revocation lists are fetched from.
    CrlSource(RealmName, Environment, CrlSourceName),
    /// A pipeline.
    Pipeline(RealmName, PipelineKey),
    /// A deployment.
    Deployment(RealmName, DeploymentKey),
    /// A connection.
    Connection(RealmName, ConnectionName),
    /// A token.
    Token(TokenName),
    /// The server's authority.
    ServerAuthority,
    /// A server identity.
    ServerIdentity(IdentitySlot),
}

impl Touched {
    /// The realm whose compiled form the row is part of.
    pub const fn realm(&self) -> Option<&RealmName> {
        match self {
            Self::ServerIdentity(slot) => slot.realm(),
            Self::Realm(realm)
            | Self::Account(realm, _)
            | Self::Installation(realm, _)
            | Self::TrustPolicy(realm, _)
            | Self::Crl(realm, _, _)
            | Self::Denial(realm, _, _)
            | Self::CrlSource(realm, _, _)
            | Self::Pipeline(realm, _)
            | Self::Deployment(realm, _)
            | Self::Connection(realm, _) => Some(realm),
            Self::Token(_) | Self::ServerAuthority => None,
        }
    }
}

/// What was done, and what to know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The rows.
    pub touched: Vec<Touched>,
    /// For the audit; `None` where the command found everything as it asked.
    pub audit: Option<AuditFact>,
    /// What its sender should know.
    pub warnings: Vec<Warning>,
}

impl Change {
    /// Nothing had to be done.
    pub const fn nothing() -> Self {
        Self {
            touched: Vec::new(),
            audit: None,
            warnings: Vec::new(),
        }
    }
}

/// Something that is allowed, and that its sender should know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The mTLS flag without an installation.
    #[error(
        "'mtls' of {pipeline} has no effect in {environment} yet: realm {realm} has no installation there; request one with 'realmgate installation request'"
    )]
    MtlsWithoutInstallation {
        /// Whose.
        realm: RealmName,
        /// Which pipeline.
        pipeline: PipelineKey,
        /// Where.
        environment: Environment,
    },
    /// The mTLS flag where there is no installation at all.
    #[error(
        "'mtls' of {pipeline} has no effect yet: realm {realm} has no installation; request one with 'realmgate installation request'"
    )]
    MtlsNowhere {
        /// Whose.
        realm: RealmName,
        /// Which pipeline.
        pipeline: PipelineKey,
    },
    /// The external gateway was switched on.
    #[error(
        "{pipeline} is now published on the external gateway, which it was not before: once deployed, it is open to everybody at {prod} (prod) and {test} (test)"
    )]
    NowExternal {
        /// Which pipeline.
        pipeline: PipelineKey,
        /// Its external URL in prod.
        prod: String,
        /// Its external URL in test.
        test: String,
    },
    /// The internal gateway was switched on.
    #[error(
        "{pipeline} is now published on the internal gateway, which it was not before: once deployed, it is open to everybody who reaches that gateway"
    )]
    NowInternal {
        /// Which pipeline.
        pipeline: PipelineKey,
    },
    /// The mtls gateway was switched on.
    #[error(
        "{pipeline} is now published on the mtls gateway, which it was not before: once deployed, it is open to the clients of every installed CA"
    )]
    NowMtls {
        /// Which pipeline.
        pipeline: PipelineKey,
    },
    /// The client rule was taken away.
    #[error(
        "{pipeline} has no client rule any more: once deployed, it is open to the clients of every installed CA"
    )]
    NoClientRule {
        /// Which pipeline.
        pipeline: PipelineKey,
    },
    /// mTLS and an open external gateway.
    #[error("{pipeline} is also open to everybody at {url}")]
    AlsoOpen {
        /// Which pipeline.
        pipeline: PipelineKey,
        /// Its external URL.
        url: String,
    },
    /// Published nowhere.
    #[error("{pipeline} is published on no gateway: switch on external, internal or mtls")]
    PublishedNowhere {
        /// Which pipeline.
        pipeline: PipelineKey,
    },
    /// What was saved differs from what serves.
    #[error("{pipeline} serves its former form in {environment} until it is deployed there again")]
    NotDeployedYet {
        /// Which pipeline.
        pipeline: PipelineKey,
        /// Where.
        environment: Environment,
    },
    /// A saved trust source whose installed certificates differ.
    #[error(
        "the trust in {environment} is unchanged: account {account} was saved, and a new request waits for an operator"
    )]
    TrustUnchanged {
        /// Which account.
        account: AccountName,
        /// Where.
        environment: Environment,
    },
    /// A remark on a certificate.
    #[error("{0}")]
    Certificate(crate::domain::review::Remark),
    /// Something uses what was changed.
    #[error("account {account} is used by {user}, which the change affects")]
    AccountInUse {
        /// Which account.
        account: AccountName,
        /// By what.
        user: String,
    },
    /// The last installation of a realm went.
    #[error(
        "realm {realm} has no installation in {environment} any more: its mTLS endpoints are gone"
    )]
    LastInstallation {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
    },
    /// What was restored is not what its account holds.
    #[error(
        "account {account} holds other certificates in {environment} than those that are installed now: save it as you want it, or leave it; trust changes only by an installation"
    )]
    AccountDiffers {
        /// Which account.
        account: AccountName,
        /// Where.
        environment: Environment,
    },
    /// Revocation was switched off.
    #[error(
        "revocation is off for realm {realm} in {environment} now: revoked clients are let in until 'realmgate trust set' switches it on again"
    )]
    RevocationOff {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
    },
    /// The last pin went.
    #[error(
        "realm {realm} has no pins in {environment} any more: every client is let in whose chain ends at an installed anchor"
    )]
    PinsEmptied {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
    },
    /// Revocation is on, and there is nothing to decide by.
    #[error(
        "realm {realm} asks for revocation lists in {environment}, but has none there: its clients are refused until one is added with 'realmgate crl add'"
    )]
    NoCrl {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
    },
    /// Revocation is on for an anchor that no list speaks of.
    #[error(
        "realm {realm} asks for revocation lists in {environment}, and has none of {issuer}: clients with certificates that it issued are refused until its list is added with 'realmgate crl add FILE --realm {realm} --environment {environment}'"
    )]
    NoCrlOfAnchor {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// The anchor's subject.
        issuer: String,
    },
    /// An exception for an anchor that is not there.
    #[error(
        "realm {realm} has no installed anchor with the SHA-256 {sha256} in {environment}: what was saved for it has no effect until there is one; 'realmgate installation show' tells the SHA-256 of each"
    )]
    AnchorNotInstalled {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Which.
        sha256: Fingerprint,
    },
    /// A list that none of the known keys signed.
    #[error(
        "realm {realm} in {environment}: the revocation list of {issuer} was signed by none of the keys known for that name, so that it never counts: download it again, or check the account's certificates; the one that signs it has to allow cRLSign where it states a key usage, and the signature has to be one that is accepted (SHA-2)"
    )]
    CrlNotSigned {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// The list's issuer.
        issuer: String,
    },
    /// A list of an issuer that is not known.
    #[error(
        "realm {realm} in {environment}: no certificate of {issuer} is known, so that its revocation list counts only for clients that send that certificate along: save it as a helper of the trust account"
    )]
    CrlIssuerUnknown {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// The list's issuer.
        issuer: String,
    },
    /// An earlier edition of a list that is there, left out.
    #[error(
        "realm {realm} in {environment}: the revocation list of {issuer} (number {number}) is older than the stored one (number {stored_number}), which stays"
    )]
    CrlOlder {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// The list's issuer.
        issuer: String,
        /// The number of the one that was given.
        number: String,
        /// The number of the one that is there.
        stored_number: String,
    },
    /// A list that is not in force yet.
    #[error(
        "realm {realm} in {environment}: the revocation list of {issuer} is not in force before {this_update}, and does not count until then"
    )]
    CrlNotYet {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// The list's issuer.
        issuer: String,
        /// When it begins.
        this_update: Moment,
    },
    /// A list that is out of date already.
    #[error("{}", out_of_date(realm, *environment, issuer, *next_update))]
    CrlOutOfDate {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// The list's issuer.
        issuer: String,
        /// When the next one was to be expected, where it says so.
        next_update: Option<Moment>,
    },
    /// A list that says something that is not understood.
    #[error(
        "realm {realm} in {environment}: the revocation list of {issuer} has the critical extension {oid}, which is not understood here, so that it never counts"
    )]
    CrlUnknownCritical {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// The list's issuer.
        issuer: String,
        /// The extension.
        oid: String,
    },
    /// An anchor is on the deny list, and all of its clients with it.
    #[error(
        "the deny list of realm {realm} in {environment} now bars the installed anchor {anchor} itself: no client of it is let in"
    )]
    AnchorDenied {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// The anchor's subject.
        anchor: String,
    },
    /// An admin certificate by which no client of this machine finds its way.
    #[error(
        "the certificate for admin names none of {}: the command line is refused until admin_url names a host that the certificate bears; 'realmgate server-identity reset admin' goes back to the generated one", names.join(", ")
    )]
    AdminNotCovered {
        /// The names that clients use.
        names: Vec<String>,
    },
    /// The certificates of an identity stand in an order that others may not follow.
    #[error(
        "the chain of account {account} in {environment} is out of order: certificate {position}, {subject}, did not issue the one before it; give the leaf first, then its issuer, then that one's issuer"
    )]
    ChainOrder {
        /// Which account.
        account: AccountName,
        /// Where.
        environment: Environment,
        /// The place of the first certificate that stands wrong, from 1.
        position: usize,
        /// Its subject.
        subject: String,
    },
    /// A server identity that does not cover the names it is shown for.
    #[error("the certificate for {slot} does not name {host}: clients will refuse it there")]
    NameNotCovered {
        /// Whose identity.
        slot: IdentitySlot,
        /// The missing name.
        host: String,
    },
}

fn out_of_date(
    realm: &RealmName,
    environment: Environment,
    issuer: &str,
    next_update: Option<Moment>,
) -> String {
    let since = match next_update {
        Some(end) => format!("is out of date since {end}"),
        None => "has no nextUpdate, so that it is always out of date".to_owned(),
    };
    format!(
        "realm {realm} in {environment}: the revocation list of {issuer} {since}; what that is worth is said by \
         'crl-out-of-date' of the trust policy"
    )
}
