//! The row of a denial.

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::domain::denial::{Denial, DenialReason, Denied};
use crate::pki::distinguished::DistinguishedName;
use crate::pki::fingerprint::Fingerprint;
use crate::pki::serial::SerialNumber;
use crate::store::row::codec::{self, Bytes, RowError};
use crate::store::seal::RowSeal;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DenialRowV1<'a> {
    #[serde(borrow)]
    what: DeniedV1<'a>,
    reason: &'a str,
    until: Option<i64>,
    added: i64,
    by: &'a str,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DeniedV1<'a> {
    /// SHA-256.
    #[serde(borrow)]
    Certificate(Bytes<'a>),
    /// SHA-256.
    Key(Bytes<'a>),
    /// Hexadecimal digits, and the DER of a name.
    Serial(&'a str, Option<Bytes<'a>>),
    /// The DER of a name.
    Subject(Bytes<'a>),
}

/// The row of a denial.
pub(crate) fn encode(of: &Denial, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let row = DenialRowV1 {
        what: match &of.what {
            Denied::Certificate(of) => DeniedV1::Certificate(Bytes::of(of.as_bytes())),
            Denied::Key(of) => DeniedV1::Key(Bytes::of(of.as_bytes())),
            Denied::Serial { serial, issuer } => {
                let issuer = issuer.as_ref().map(|issuer| Bytes::of(issuer.der()));
                DeniedV1::Serial(serial.as_str(), issuer)
            }
            Denied::Subject(of) => DeniedV1::Subject(Bytes::of(of.der())),
        },
        reason: of.reason.text(),
        until: of.until.map(Moment::unix_millis),
        added: of.added.unix_millis(),
        by: &of.by,
    };
    codec::encode(VERSION, &row, seal)
}

/// The denial of a row.
pub(crate) fn decode(row: &[u8], seal: &RowSeal<'_>) -> Result<Denial, RowError> {
    let (_, body) = codec::open(VERSION, row, seal)?;
    let row: DenialRowV1<'_> = codec::decode(body)?;
    let what = match &row.what {
        DeniedV1::Certificate(of) => Denied::Certificate(fingerprint(of)?),
        DeniedV1::Key(of) => Denied::Key(fingerprint(of)?),
        DeniedV1::Serial(serial, issuer) => Denied::Serial {
            serial: SerialNumber::parse(serial).map_err(|_| RowError::Range { field: "serial" })?,
            issuer: issuer
                .as_ref()
                .map(|issuer| DistinguishedName::from_der(&issuer.0))
                .transpose()?,
        },
        DeniedV1::Subject(of) => Denied::Subject(DistinguishedName::from_der(&of.0)?),
    };
    Ok(Denial {
        what,
        reason: DenialReason::parse(row.reason).map_err(|_| RowError::Range { field: "reason" })?,
        until: row.until.map(codec::moment),
        added: codec::moment(row.added),
        by: row.by.to_owned(),
    })
}

fn fingerprint(bytes: &Bytes<'_>) -> Result<Fingerprint, RowError> {
    let bytes = bytes.0.as_ref().try_into();
    bytes
        .map(Fingerprint::from_bytes)
        .map_err(|_| RowError::Range {
            field: "fingerprint",
        })
}
