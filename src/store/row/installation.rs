//! The row of an installation, with the exact certificates that it pins.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::domain::environment::Environment;
use crate::domain::installation::{
    Installation, InstallationId, InstallationOrigin, InstallationState,
};
use crate::domain::key_proof::{Challenge, KeyProof, ProofWay};
use crate::domain::name::AccountName;
use crate::pki::certificate::Certificate;
use crate::pki::fingerprint::Fingerprint;
use crate::store::row::codec::{self, Bytes, RowError};
use crate::store::seal::RowSeal;

const VERSION: u8 = 2;

/// As it was before CAs' keys were proven: read, and written no more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InstallationRowV1<'a> {
    environment: &'a str,
    account: &'a str,
    account_revision: u64,
    #[serde(borrow)]
    certificates: Vec<Bytes<'a>>,
    #[serde(borrow)]
    helpers: Vec<Bytes<'a>>,
    #[serde(borrow)]
    state: StateV1<'a>,
    requested_at: i64,
    requested_by: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum StateV1<'a> {
    Requested,
    Installed {
        at: i64,
        by: &'a str,
    },
    Rejected {
        at: i64,
        by: &'a str,
        reason: &'a str,
    },
    Removed {
        at: i64,
        by: &'a str,
        superseded_by: Option<u64>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InstallationRowV2<'a> {
    environment: &'a str,
    account: &'a str,
    account_revision: u64,
    #[serde(borrow)]
    certificates: Vec<Bytes<'a>>,
    #[serde(borrow)]
    helpers: Vec<Bytes<'a>>,
    #[serde(borrow)]
    state: StateV2<'a>,
    requested_at: i64,
    requested_by: &'a str,
    origin: OriginV2,
    #[serde(borrow)]
    challenge: Option<Bytes<'a>>,
    #[serde(borrow)]
    proofs: Vec<ProofV2<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum StateV2<'a> {
    Requested,
    Installed {
        at: i64,
        by: &'a str,
    },
    Retiring {
        installed_at: i64,
        installed_by: &'a str,
        at: i64,
        by: &'a str,
        until: Option<i64>,
    },
    Rejected {
        at: i64,
        by: &'a str,
        reason: &'a str,
    },
    Removed {
        at: i64,
        by: &'a str,
        superseded_by: Option<u64>,
        installed_at: Option<i64>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OriginV2 {
    Request,
    Promotion(u64),
    Restoration(u64),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofV2<'a> {
    #[serde(borrow)]
    anchor: Bytes<'a>,
    way: WayV2,
    at: i64,
    by: &'a str,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WayV2 {
    Signature,
    Certificate,
}

impl<'a> From<InstallationRowV1<'a>> for InstallationRowV2<'a> {
    fn from(row: InstallationRowV1<'a>) -> Self {
        Self {
            environment: row.environment,
            account: row.account,
            account_revision: row.account_revision,
            certificates: row.certificates,
            helpers: row.helpers,
            state: match row.state {
                StateV1::Requested => StateV2::Requested,
                StateV1::Installed { at, by } => StateV2::Installed { at, by },
                StateV1::Rejected { at, by, reason } => StateV2::Rejected { at, by, reason },
                StateV1::Removed {
                    at,
                    by,
                    superseded_by,
                } => StateV2::Removed {
                    at,
                    by,
                    superseded_by,
                    // Only what was at work was superseded. When that began was not written down: after it was asked for.
                    installed_at: superseded_by.map(|_| row.requested_at),
                },
            },
            requested_at: row.requested_at,
            requested_by: row.requested_by,
            origin: OriginV2::Request,
            challenge: None,
            proofs: Vec::new(),
        }
    }
}

/// Certificates read so far. What is stored in several rows, as an account's are in its installations, is decoded and
/// kept in memory once.
#[derive(Default)]
pub(crate) struct Certificates(HashMap<Fingerprint, Certificate>);

impl Certificates {
    /// Reads certificates from DER.
    pub(crate) fn read_all(&mut self, all: &[Bytes<'_>]) -> Result<Vec<Certificate>, RowError> {
        all.iter().map(|der| self.read(&der.0)).collect()
    }

    /// Reads one certificate from DER.
    pub(crate) fn read(&mut self, der: &[u8]) -> Result<Certificate, RowError> {
        let fingerprint = Fingerprint::of(der);
        if let Some(known) = self.0.get(&fingerprint) {
            return Ok(known.clone());
        }
        let certificate = Certificate::from_der(der)?;
        self.0.insert(fingerprint, certificate.clone());
        Ok(certificate)
    }
}

/// Certificates as rows have them.
pub(crate) fn der(certificates: &[Certificate]) -> Vec<Bytes<'_>> {
    certificates
        .iter()
        .map(|certificate| Bytes::of(certificate.der()))
        .collect()
}

/// The row of an installation.
pub(crate) fn encode(of: &Installation, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let row = InstallationRowV2 {
        environment: of.environment.as_str(),
        account: of.account.as_str(),
        account_revision: of.account_revision,
        certificates: der(&of.certificates),
        helpers: der(&of.helpers),
        state: state_row(&of.state),
        requested_at: of.requested_at.unix_millis(),
        requested_by: &of.requested_by,
        origin: match of.origin {
            InstallationOrigin::Request => OriginV2::Request,
            InstallationOrigin::Promotion(id) => OriginV2::Promotion(id.0),
            InstallationOrigin::Restoration(id) => OriginV2::Restoration(id.0),
        },
        challenge: of.challenge.as_ref().map(|random| Bytes::of(&random.0)),
        proofs: of.proofs.iter().map(proof_row).collect(),
    };
    codec::encode(VERSION, &row, seal)
}

fn state_row(state: &InstallationState) -> StateV2<'_> {
    match state {
        InstallationState::Requested => StateV2::Requested,
        InstallationState::Installed { at, by } => StateV2::Installed {
            at: at.unix_millis(),
            by,
        },
        InstallationState::Retiring {
            installed_at,
            installed_by,
            at,
            by,
            until,
        } => StateV2::Retiring {
            installed_at: installed_at.unix_millis(),
            installed_by,
            at: at.unix_millis(),
            by,
            until: until.map(Moment::unix_millis),
        },
        InstallationState::Rejected { at, by, reason } => StateV2::Rejected {
            at: at.unix_millis(),
            by,
            reason,
        },
        InstallationState::Removed {
            at,
            by,
            superseded_by,
            installed_at,
        } => StateV2::Removed {
            at: at.unix_millis(),
            by,
            superseded_by: superseded_by.map(|id| id.0),
            installed_at: installed_at.map(Moment::unix_millis),
        },
    }
}

fn proof_row(proof: &KeyProof) -> ProofV2<'_> {
    ProofV2 {
        anchor: Bytes::of(proof.anchor.as_bytes()),
        way: match proof.way {
            ProofWay::Signature => WayV2::Signature,
            ProofWay::Certificate => WayV2::Certificate,
        },
        at: proof.at.unix_millis(),
        by: &proof.by,
    }
}

/// The installation of a row.
pub(crate) fn decode(
    id: u64,
    row: &[u8],
    seal: &RowSeal<'_>,
    certificates: &mut Certificates,
) -> Result<Installation, RowError> {
    let (version, body) = codec::open(VERSION, row, seal)?;
    let row: InstallationRowV2<'_> = match version {
        ..=1 => codec::decode::<InstallationRowV1<'_>>(body)?.into(),
        2.. => codec::decode(body)?,
    };
    let challenge = row.challenge.map(|random| random.0.as_ref().try_into());
    Ok(Installation {
        id: InstallationId(id),
        environment: Environment::parse(row.environment)?,
        account: AccountName::parse(row.account)?,
        account_revision: row.account_revision,
        certificates: certificates.read_all(&row.certificates)?,
        helpers: certificates.read_all(&row.helpers)?,
        state: state(&row.state),
        requested_at: codec::moment(row.requested_at),
        requested_by: row.requested_by.to_owned(),
        origin: match row.origin {
            OriginV2::Request => InstallationOrigin::Request,
            OriginV2::Promotion(id) => InstallationOrigin::Promotion(InstallationId(id)),
            OriginV2::Restoration(id) => InstallationOrigin::Restoration(InstallationId(id)),
        },
        challenge: challenge
            .transpose()
            .map_err(|_| RowError::Range { field: "challenge" })?
            .map(Challenge),
        proofs: row.proofs.iter().map(proof).collect::<Result<_, _>>()?,
    })
}

fn state(row: &StateV2<'_>) -> InstallationState {
    match *row {
        StateV2::Requested => InstallationState::Requested,
        StateV2::Installed { at, by } => InstallationState::Installed {
            at: codec::moment(at),
            by: by.to_owned(),
        },
        StateV2::Retiring {
            installed_at,
            installed_by,
            at,
            by,
            until,
        } => InstallationState::Retiring {
            installed_at: codec::moment(installed_at),
            installed_by: installed_by.to_owned(),
            at: codec::moment(at),
            by: by.to_owned(),
            until: until.map(codec::moment),
        },
        StateV2::Rejected { at, by, reason } => InstallationState::Rejected {
            at: codec::moment(at),
            by: by.to_owned(),
            reason: reason.to_owned(),
        },
        StateV2::Removed {
            at,
            by,
            superseded_by,
            installed_at,
        } => InstallationState::Removed {
            at: codec::moment(at),
            by: by.to_owned(),
            superseded_by: superseded_by.map(InstallationId),
            installed_at: installed_at.map(codec::moment),
        },
    }
}

fn proof(row: &ProofV2<'_>) -> Result<KeyProof, RowError> {
    let anchor: [u8; 32] = row
        .anchor
        .0
        .as_ref()
        .try_into()
        .map_err(|_| RowError::Range { field: "anchor" })?;
    Ok(KeyProof {
        anchor: Fingerprint::from_bytes(anchor),
        way: match row.way {
            WayV2::Signature => ProofWay::Signature,
            WayV2::Certificate => ProofWay::Certificate,
        },
        at: codec::moment(row.at),
        by: row.by.to_owned(),
    })
}
