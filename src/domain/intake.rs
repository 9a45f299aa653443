//! Why trust does not come in, move or come back.

use crate::clock::Moment;
use crate::domain::environment::Environment;
use crate::domain::key_proof::Unproven;
use crate::domain::name::{AccountName, RealmName};
use crate::domain::rejection::RejectionKind;
use crate::pki::fingerprint::Fingerprint;

/// Why trust does not come in, move or come back. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntakeObjection {
    /// A CA whose key nobody has shown to hold.
    #[error(
        "account '{account}' cannot be installed in {environment} before it is proven that its registrant holds the key of {}: 'realmgate installation challenge --realm {realm} --environment {environment} --account {account}' tells how (setting ca_key_proof)", subjects.join(" and of ")
    )]
    KeyNotProven {
        /// Whose.
        realm: RealmName,
        /// Which account.
        account: AccountName,
        /// Where.
        environment: Environment,
        /// The subjects of the CAs.
        subjects: Vec<String>,
    },
    /// A proof that proves nothing.
    #[error("that is no proof of the key of {}: {source}", subjects.join(" or of "))]
    NoProof {
        /// The subjects of the CAs that it could have been a proof of.
        subjects: Vec<String>,
        /// Why.
        source: Unproven,
    },
    /// A proof before there is a challenge.
    #[error(
        "account '{account}' has no challenge in {environment}, or a new one is needed since it was changed: ask for it with 'realmgate installation challenge', and answer that one"
    )]
    NoChallenge {
        /// Which account.
        account: AccountName,
        /// Where.
        environment: Environment,
    },
    /// A CA that is not among the certificates.
    #[error(
        "account '{account}' has no certificate with the SHA-256 {sha256} in {environment}: 'realmgate installation show' tells the SHA-256 of each"
    )]
    NoSuchCa {
        /// Which account.
        account: AccountName,
        /// Where.
        environment: Environment,
        /// Which.
        sha256: Fingerprint,
    },
    /// A CA whose clients have not been seen enough in `test`.
    #[error(
        "account '{account}' cannot be installed in prod before clients of each of its CAs have connected {required} times in test: {} (setting prod_handshakes_required)", counted(seen, *required)
    )]
    TooFewHandshakes {
        /// Which account.
        account: AccountName,
        /// How many there have to be.
        required: u64,
        /// The subjects of the CAs that are short of them, and how many each has.
        seen: Vec<(String, u64)>,
    },
    /// A retirement that would be over already.
    #[error("{until} is no time to come: say until when the certificates are to stay at work")]
    RetiredInThePast {
        /// The time that was given.
        until: Moment,
    },
    /// Nothing at work in `test`.
    #[error(
        "realm {realm} has nothing installed in test that could be promoted: install it there first"
    )]
    NothingToPromote {
        /// Whose.
        realm: RealmName,
    },
    /// No former state.
    #[error(
        "{} of realm {realm} has no former state in {environment} that could be restored: 'realmgate installation list' shows what was installed when", subject(account.as_ref())
    )]
    NothingToRestore {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Of one account only.
        account: Option<AccountName>,
    },
}

fn counted(seen: &[(String, u64)], required: u64) -> String {
    let each = seen
        .iter()
        .map(|(subject, has)| format!("{subject} has {has} of {required}"));
    each.collect::<Vec<_>>().join(", ")
}

fn subject(account: Option<&AccountName>) -> String {
    account.map_or_else(
        || "the trust".to_owned(),
        |account| format!("account '{account}'"),
    )
}

impl IntakeObjection {
    /// What kind of refusal it is.
    pub const fn kind(&self) -> RejectionKind {
        match self {
            Self::KeyNotProven { .. }
            | Self::TooFewHandshakes { .. }
            | Self::NoChallenge { .. } => RejectionKind::Conflict,
            Self::NoSuchCa { .. }
            | Self::NothingToPromote { .. }
            | Self::NothingToRestore { .. } => RejectionKind::NotFound,
            Self::NoProof { .. } | Self::RetiredInThePast { .. } => RejectionKind::Invalid,
        }
    }

    /// A stable kebab-case code for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::KeyNotProven { .. } => "key-not-proven",
            Self::NoProof { .. } => "no-proof",
            Self::NoChallenge { .. } => "no-challenge",
            Self::NoSuchCa { .. } => "no-such-ca",
            Self::TooFewHandshakes { .. } => "too-few-handshakes",
            Self::RetiredInThePast { .. } => "retired-in-the-past",
            Self::NothingToPromote { .. } => "nothing-to-promote",
            Self::NothingToRestore { .. } => "nothing-to-restore",
        }
    }
}
