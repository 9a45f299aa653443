//! Why something was not done.

use crate::control::impact::WouldCut;
use crate::domain::name::RealmName;
use crate::domain::rejection::{Rejection, RejectionKind};
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::key_proof::InvalidKeyProof;
use crate::manifest::step::{Noun, Verb};
use crate::pki::authority::AuthorityError;
use crate::pki::presented::InvalidPresented;
use crate::pki::upload::InvalidUpload;
use crate::snapshot::compile_error::CompileError;
use crate::store::error::StoreError;

/// Why something was not done. Unless the store says otherwise, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The domain, or the actor's role, does not allow it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// A manifest, or one document of it, cannot be carried out.
    #[error(transparent)]
    Manifest(#[from] InvalidManifest),
    /// The plan that somebody said yes to is not the plan any more.
    #[error(
        "something was changed since the plan was made (revision {seen}, now {present}), so your yes may not be meant for what it would do now: look at the plan again"
    )]
    PlanChanged {
        /// The catalog's revision that was planned on.
        seen: u64,
        /// The present one.
        present: u64,
    },
    /// A change that is to be thought through, of one realm, whose manifest tells of another.
    #[error(
        "the change is of realm {realm}, and its manifest tells of realm {other} too: leave that out"
    )]
    ForeseenElsewhere {
        /// The realm that it is about.
        realm: RealmName,
        /// The other one.
        other: RealmName,
    },
    /// A manifest with steps that a person should say yes to.
    #[error(
        "realm {realm}: to {} {noun} '{name}'{} needs your confirmation: look at the plan with \"dryRun\": true, then send it again with \"confirmed\": true",
        verb.as_str(), and_more(*more)
    )]
    ConfirmationNeeded {
        /// Whose is the first of them.
        realm: RealmName,
        /// What becomes of it.
        verb: Verb,
        /// What kind of thing it is.
        noun: Noun,
        /// Its name.
        name: String,
        /// How many more there are.
        more: usize,
    },
    /// A proof of a CA's key that cannot be looked at.
    #[error(transparent)]
    KeyProof(#[from] InvalidKeyProof),
    /// Trust that would be promoted or restored before a person said yes.
    #[error(
        "realm {realm}: to change what it trusts needs your confirmation: look at what would change with \"dryRun\": true, then send it again with \"confirmed\": true"
    )]
    MoveUnconfirmed {
        /// Whose.
        realm: RealmName,
    },
    /// A change that would cut clients that were seen lately, and whose author did not say that they know.
    #[error("{0}")]
    WouldCut(Box<WouldCut>),
    /// A server certificate or key that cannot be read.
    #[error("'{field}': {source}")]
    Upload {
        /// The field that held it.
        field: &'static str,
        /// Why.
        source: InvalidUpload,
    },
    /// A server identity without a private key.
    #[error("'key' holds no private key: give the one that the certificate was made for, as PEM")]
    KeyMissing,
    /// No chain to test, or two.
    #[error(
        "give the certificates to test as PEM in 'chain', or as PEM or DER in 'chainBase64', and not both"
    )]
    ChainNotGiven,
    /// A chain to test that is no base64.
    #[error("'chainBase64' is no base64: encode the file's bytes again")]
    ChainNotBase64,
    /// A chain to test that is none.
    #[error("'{field}': {source}")]
    Chain {
        /// The field that held it.
        field: &'static str,
        /// Why.
        source: InvalidPresented,
    },
    /// What would come of it cannot be put to work.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Our own server identity cannot be made.
    #[error("the server identity cannot be made: {0}")]
    Authority(#[from] AuthorityError),
    /// The machine gave no random bytes.
    #[error("the machine gave no random bytes for a token: check its source of randomness")]
    Random,
    /// A refusal that is not there, or not any more.
    #[error(
        "there is no refusal with the number {sequence}: 'realmgate refusals' lists those that are kept"
    )]
    NoRefusal {
        /// Its number.
        sequence: u64,
    },
    /// A refusal whose client showed nothing, or so much or so long ago that it is not kept.
    #[error(
        "no chain is kept of refusal {sequence}: the client showed none or one that is too large, or newer ones took its place"
    )]
    NoChain {
        /// The refusal's number.
        sequence: u64,
    },
    /// One attack on ourselves at a time.
    #[error("'realmgate prove' is running already: wait until it has ended, at most half a minute")]
    ProofRunning,
    /// One admin of a realm weighs changes already.
    #[error(
        "whom a change of realm {realm} would cut is being worked out already: try again in a moment"
    )]
    WeighingRunning {
        /// Whose.
        realm: RealmName,
    },
    /// The server ends, or the work was lost to a fault of the program.
    #[error("the server is shutting down, or lost this request to a fault: try again")]
    Interrupted,
}

fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!(", and {more} more,"),
    }
}

/// What kind of failure it is; decides the API's status in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// What it is about is not there, or not there for this actor.
    NotFound,
    /// The present state stands against it.
    Conflict,
    /// It can never be carried out as it stands.
    Invalid,
    /// The actor's role does not allow it.
    Forbidden,
    /// Something of ours failed.
    Failed,
    /// It may be carried out later.
    Unavailable,
}

impl ControlError {
    /// What kind of failure it is.
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Rejected(rejection)
            | Self::Manifest(InvalidManifest::Rejected {
                source: rejection, ..
            }) => match rejection.kind() {
                RejectionKind::NotFound => FailureKind::NotFound,
                RejectionKind::Conflict => FailureKind::Conflict,
                RejectionKind::Invalid => FailureKind::Invalid,
                RejectionKind::Forbidden => FailureKind::Forbidden,
            },
            Self::WouldCut(_) => FailureKind::Conflict,
            Self::PlanChanged { .. }
            | Self::ConfirmationNeeded { .. }
            | Self::MoveUnconfirmed { .. }
            | Self::ProofRunning
            | Self::WeighingRunning { .. }
            | Self::Compile(CompileError::Route { .. }) => FailureKind::Conflict,
            Self::Manifest(
                InvalidManifest::Twice { .. }
                | InvalidManifest::StateTwice { .. }
                | InvalidManifest::UntilWithoutRetiring { .. }
                | InvalidManifest::Account { .. }
                | InvalidManifest::Trust { .. }
                | InvalidManifest::Denial { .. }
                | InvalidManifest::Connection { .. }
                | InvalidManifest::Pipeline { .. },
            )
            | Self::Upload { .. }
            | Self::KeyProof(_)
            | Self::KeyMissing
            | Self::ForeseenElsewhere { .. }
            | Self::ChainNotGiven
            | Self::ChainNotBase64
            | Self::Chain { .. }
            | Self::Compile(
                CompileError::Trust { .. }
                | CompileError::Target { .. }
                | CompileError::NoTarget { .. }
                | CompileError::Identity(_),
            ) => FailureKind::Invalid,
            Self::Compile(CompileError::Unreadable { .. })
            | Self::Store(_)
            | Self::Authority(_)
            | Self::Random => FailureKind::Failed,
            Self::NoRefusal { .. } | Self::NoChain { .. } => FailureKind::NotFound,
            Self::Interrupted => FailureKind::Unavailable,
        }
    }

    /// A stable kebab-case code for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Rejected(rejection)
            | Self::Manifest(InvalidManifest::Rejected {
                source: rejection, ..
            }) => rejection.code(),
            Self::Manifest(InvalidManifest::Twice { .. } | InvalidManifest::StateTwice { .. }) => {
                "twice"
            }
            Self::Manifest(InvalidManifest::UntilWithoutRetiring { .. }) => {
                "until-without-retiring"
            }
            Self::Manifest(InvalidManifest::Account { .. }) => "invalid-account",
            Self::Manifest(InvalidManifest::Trust { .. }) => "invalid-trust-policy",
            Self::Manifest(InvalidManifest::Denial { .. }) => "invalid-denial",
            Self::Manifest(InvalidManifest::Connection { .. }) => "invalid-connection",
            Self::Manifest(InvalidManifest::Pipeline { .. }) => "invalid-pipeline",
            Self::PlanChanged { .. } => "plan-changed",
            Self::ForeseenElsewhere { .. } => "change-elsewhere",
            Self::ConfirmationNeeded { .. } => "confirmation-needed",
            Self::MoveUnconfirmed { .. } => "confirmation-needed",
            Self::WouldCut(_) => "would-cut-clients",
            Self::Upload { .. } => "invalid-upload",
            Self::KeyProof(_) => "invalid-key-proof",
            Self::KeyMissing => "key-missing",
            Self::ChainNotGiven | Self::ChainNotBase64 | Self::Chain { .. } => "invalid-chain",
            Self::Compile(CompileError::Unreadable { .. }) => "realm-unreadable",
            Self::Compile(CompileError::Trust { .. }) => "invalid-trust",
            Self::Compile(CompileError::Route { .. }) => "route-conflict",
            Self::Compile(CompileError::Target { .. }) => "invalid-connection",
            Self::Compile(CompileError::NoTarget { .. }) => "connection-leads-nowhere",
            Self::Compile(CompileError::Identity(_)) => "invalid-server-identity",
            Self::Store(_) => "store-failed",
            Self::Authority(_) => "authority-failed",
            Self::Random => "random-failed",
            Self::ProofRunning => "proof-running",
            Self::WeighingRunning { .. } => "weighing-running",
            Self::NoRefusal { .. } => "no-such-refusal",
            Self::NoChain { .. } => "no-chain-kept",
            Self::Interrupted => "interrupted",
        }
    }
}
