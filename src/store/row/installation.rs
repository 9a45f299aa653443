//! The row of an installation, with the exact certificates that it pins.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::domain::environment::Environment;
use crate::domain::installation::{Installation, InstallationId, InstallationState};
use crate::domain::name::AccountName;
use crate::pki::certificate::Certificate;
use crate::pki::fingerprint::Fingerprint;
use crate::store::row::codec::{self, Bytes, RowError};
use crate::store::seal::RowSeal;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
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

#[derive(Serialize, Deserialize)]
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
    let row = InstallationRowV1 {
        environment: of.environment.as_str(),
        account: of.account.as_str(),
        account_revision: of.account_revision,
        certificates: der(&of.certificates),
        helpers: der(&of.helpers),
        state: match &of.state {
            InstallationState::Requested => StateV1::Requested,
            InstallationState::Installed { at, by } => StateV1::Installed {
                at: at.unix_millis(),
                by,
            },
            InstallationState::Rejected { at, by, reason } => StateV1::Rejected {
                at: at.unix_millis(),
                by,
                reason,
            },
            InstallationState::Removed {
                at,
                by,
                superseded_by,
            } => StateV1::Removed {
                at: at.unix_millis(),
                by,
                superseded_by: superseded_by.map(|id| id.0),
            },
        },
        requested_at: of.requested_at.unix_millis(),
        requested_by: &of.requested_by,
    };
    codec::encode(VERSION, &row, seal)
}

/// The installation of a row.
pub(crate) fn decode(
    id: u64,
    row: &[u8],
    seal: &RowSeal<'_>,
    certificates: &mut Certificates,
) -> Result<Installation, RowError> {
    let (_, body) = codec::open(VERSION, row, seal)?;
    let row: InstallationRowV1<'_> = codec::decode(body)?;
    Ok(Installation {
        id: InstallationId(id),
        environment: Environment::parse(row.environment)?,
        account: AccountName::parse(row.account)?,
        account_revision: row.account_revision,
        certificates: certificates.read_all(&row.certificates)?,
        helpers: certificates.read_all(&row.helpers)?,
        state: match row.state {
            StateV1::Requested => InstallationState::Requested,
            StateV1::Installed { at, by } => InstallationState::Installed {
                at: codec::moment(at),
                by: by.to_owned(),
            },
            StateV1::Rejected { at, by, reason } => InstallationState::Rejected {
                at: codec::moment(at),
                by: by.to_owned(),
                reason: reason.to_owned(),
            },
            StateV1::Removed {
                at,
                by,
                superseded_by,
            } => InstallationState::Removed {
                at: codec::moment(at),
                by: by.to_owned(),
                superseded_by: superseded_by.map(InstallationId),
            },
        },
        requested_at: codec::moment(row.requested_at),
        requested_by: row.requested_by.to_owned(),
    })
}
