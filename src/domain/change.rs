//! What a command did: which rows it touched, what the audit says of it, and what its sender should know.

use crate::domain::audit::AuditFact;
use crate::domain::deployment::DeploymentKey;
use crate::domain::environment::Environment;
use crate::domain::identity::IdentitySlot;
use crate::domain::installation::InstallationId;
use crate::domain::name::{AccountName, ConnectionName, RealmName, TokenName};
use crate::domain::pipeline::PipelineKey;

/// One row that is to be written, or removed where the catalog has it no more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touched {
    /// A realm.
    Realm(RealmName),
    /// An account.
    Account(RealmName, AccountName),
    /// An installation.
    Installation(RealmName, InstallationId),
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
            Self::Realm(realm)
            | Self::Account(realm, _)
            | Self::Installation(realm, _)
            | Self::Pipeline(realm, _)
            | Self::Deployment(realm, _)
            | Self::Connection(realm, _) => Some(realm),
            Self::Token(_) | Self::ServerAuthority | Self::ServerIdentity(_) => None,
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
