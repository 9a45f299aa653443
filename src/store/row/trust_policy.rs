//! The row of a trust policy.

use serde::{Deserialize, Serialize};

use crate::domain::trust_policy::{
    AnchorException, HandshakePolicy, Hours, OutOfDate, Pin, RecordBytes, Revocation,
    RevocationScope, Signatures, TrustPolicy,
};
use crate::pki::fingerprint::Fingerprint;
use crate::store::row::codec::{self, Bytes, RowError};
use crate::store::seal::RowSeal;

/// 2 added what becomes of handshakes and the size of records.
const VERSION: u8 = 2;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrustPolicyRowV1<'a> {
    /// SHA-256 of certificates, one behind the other.
    #[serde(borrow)]
    certificate_pins: Bytes<'a>,
    /// SHA-256 of keys, one behind the other.
    #[serde(borrow)]
    key_pins: Bytes<'a>,
    scope: ScopeV1,
    out_of_date: OutOfDateV1,
    #[serde(borrow)]
    exceptions: Vec<ExceptionV1<'a>>,
    signatures: SignaturesV1,
    ca_names: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrustPolicyRowV2<'a> {
    #[serde(borrow)]
    certificate_pins: Bytes<'a>,
    #[serde(borrow)]
    key_pins: Bytes<'a>,
    scope: ScopeV1,
    out_of_date: OutOfDateV1,
    #[serde(borrow)]
    exceptions: Vec<ExceptionV1<'a>>,
    signatures: SignaturesV1,
    ca_names: bool,
    handshake: HandshakeV2,
    record_bytes: Option<u16>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum HandshakeV2 {
    Strict,
    Explain,
}

impl<'a> From<TrustPolicyRowV1<'a>> for TrustPolicyRowV2<'a> {
    fn from(row: TrustPolicyRowV1<'a>) -> Self {
        let TrustPolicyRowV1 {
            certificate_pins,
            key_pins,
            scope,
            out_of_date,
            exceptions,
            signatures,
            ca_names,
        } = row;
        Self {
            certificate_pins,
            key_pins,
            scope,
            out_of_date,
            exceptions,
            signatures,
            ca_names,
            handshake: HandshakeV2::Strict,
            record_bytes: None,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExceptionV1<'a> {
    #[serde(borrow)]
    anchor: Bytes<'a>,
    scope: Option<ScopeV1>,
    out_of_date: Option<OutOfDateV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ScopeV1 {
    Off,
    Leaf,
    Chain,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OutOfDateV1 {
    Refuse,
    AllowHours(u32),
    Allow,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SignaturesV1 {
    Modern,
    Strict,
}

/// The row of a trust policy.
pub(crate) fn encode(of: &TrustPolicy, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let (mut certificate_pins, mut key_pins) = (Vec::new(), Vec::new());
    for pin in &of.pins {
        match pin {
            Pin::Certificate(pin) => certificate_pins.extend_from_slice(pin.as_bytes()),
            Pin::Key(pin) => key_pins.extend_from_slice(pin.as_bytes()),
        }
    }
    let exceptions = of.exceptions.iter();
    let row = TrustPolicyRowV2 {
        certificate_pins: certificate_pins.into(),
        key_pins: key_pins.into(),
        scope: scope(of.revocation.scope),
        out_of_date: out_of_date(of.revocation.out_of_date),
        exceptions: exceptions
            .map(|(anchor, exception)| ExceptionV1 {
                anchor: Bytes::of(anchor.as_bytes()),
                scope: exception.scope.map(scope),
                out_of_date: exception.out_of_date.map(out_of_date),
            })
            .collect(),
        signatures: match of.signatures {
            Signatures::Modern => SignaturesV1::Modern,
            Signatures::Strict => SignaturesV1::Strict,
        },
        ca_names: of.ca_names,
        handshake: match of.handshake {
            HandshakePolicy::Strict => HandshakeV2::Strict,
            HandshakePolicy::Explain => HandshakeV2::Explain,
        },
        record_bytes: of.record_bytes.map(RecordBytes::get),
    };
    codec::encode(VERSION, &row, seal)
}

/// The trust policy of a row.
pub(crate) fn decode(row: &[u8], seal: &RowSeal<'_>) -> Result<TrustPolicy, RowError> {
    let (version, body) = codec::open(VERSION, row, seal)?;
    let row: TrustPolicyRowV2<'_> = if version < 2 {
        codec::decode::<TrustPolicyRowV1<'_>>(body)?.into()
    } else {
        codec::decode(body)?
    };
    let mut policy = TrustPolicy {
        revocation: Revocation {
            scope: read_scope(&row.scope),
            out_of_date: read_out_of_date(&row.out_of_date)?,
        },
        signatures: match row.signatures {
            SignaturesV1::Modern => Signatures::Modern,
            SignaturesV1::Strict => Signatures::Strict,
        },
        ca_names: row.ca_names,
        handshake: match row.handshake {
            HandshakeV2::Strict => HandshakePolicy::Strict,
            HandshakeV2::Explain => HandshakePolicy::Explain,
        },
        record_bytes: row
            .record_bytes
            .map(|bytes| {
                RecordBytes::new(bytes).map_err(|_| RowError::Range {
                    field: "record_bytes",
                })
            })
            .transpose()?,
        ..TrustPolicy::default()
    };
    let (certificates, keys) = (row.certificate_pins.0.chunks(32), row.key_pins.0.chunks(32));
    for pin in certificates {
        policy.pins.insert(Pin::Certificate(fingerprint(pin)?));
    }
    for pin in keys {
        policy.pins.insert(Pin::Key(fingerprint(pin)?));
    }
    for exception in &row.exceptions {
        let read = AnchorException {
            scope: exception.scope.as_ref().map(read_scope),
            out_of_date: exception
                .out_of_date
                .as_ref()
                .map(read_out_of_date)
                .transpose()?,
        };
        let anchor = fingerprint(&exception.anchor.0)?;
        policy.exceptions.insert(anchor, read);
    }
    Ok(policy)
}

const fn scope(of: RevocationScope) -> ScopeV1 {
    match of {
        RevocationScope::Off => ScopeV1::Off,
        RevocationScope::Leaf => ScopeV1::Leaf,
        RevocationScope::Chain => ScopeV1::Chain,
    }
}

const fn read_scope(of: &ScopeV1) -> RevocationScope {
    match of {
        ScopeV1::Off => RevocationScope::Off,
        ScopeV1::Leaf => RevocationScope::Leaf,
        ScopeV1::Chain => RevocationScope::Chain,
    }
}

const fn out_of_date(of: OutOfDate) -> OutOfDateV1 {
    match of {
        OutOfDate::Refuse => OutOfDateV1::Refuse,
        OutOfDate::AllowHours(hours) => OutOfDateV1::AllowHours(hours.get()),
        OutOfDate::Allow => OutOfDateV1::Allow,
    }
}

fn read_out_of_date(of: &OutOfDateV1) -> Result<OutOfDate, RowError> {
    Ok(match of {
        OutOfDateV1::Refuse => OutOfDate::Refuse,
        OutOfDateV1::AllowHours(hours) => {
            let hours = Hours::new(*hours).map_err(|_| RowError::Range { field: "hours" })?;
            OutOfDate::AllowHours(hours)
        }
        OutOfDateV1::Allow => OutOfDate::Allow,
    })
}

fn fingerprint(bytes: &[u8]) -> Result<Fingerprint, RowError> {
    let bytes = bytes.try_into();
    bytes
        .map(Fingerprint::from_bytes)
        .map_err(|_| RowError::Range {
            field: "fingerprint",
        })
}
