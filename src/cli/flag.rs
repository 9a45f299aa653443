//! What flags may say, by the rules of the domain: wrong ones are told before anything is sent.

use crate::clock::{InvalidMoment, Moment};
use crate::domain::address::{BaseUrl, InvalidBaseUrl};
use crate::domain::crl_source::{CrlUrl, InvalidCrlUrl};
use crate::domain::environment::InvalidWord;
use crate::domain::identity::IdentitySlot;
use crate::domain::media_type::{InvalidMediaRange, MediaRange};
use crate::domain::name::{
    AccountName, ConnectionName, CrlSourceName, InvalidName, PipelineName, RealmName, TokenName,
};
use crate::domain::trigger::{InvalidTrigger, Method, RequestSizeMb, RoutePattern, TimeoutMs};
use crate::domain::trust_policy::{
    HandshakePolicy, Hours, InvalidPin, OutOfDate, Pin, RecordBytes, RevocationScope, Signatures,
};
use crate::manifest::trust::{OutOfDateDocument, RecordBytesDocument};
use crate::pki::fingerprint::{Fingerprint, InvalidFingerprint};
use crate::rule::client_rule::ClientRule;

/// A realm's name.
///
/// # Errors
/// [`InvalidName`].
pub fn realm(text: &str) -> Result<String, InvalidName> {
    RealmName::parse(text).map(|_| text.to_owned())
}

/// An account's name.
///
/// # Errors
/// [`InvalidName`].
pub fn account(text: &str) -> Result<String, InvalidName> {
    AccountName::parse(text).map(|_| text.to_owned())
}

/// A pipeline's name.
///
/// # Errors
/// [`InvalidName`].
pub fn pipeline(text: &str) -> Result<String, InvalidName> {
    PipelineName::parse(text).map(|_| text.to_owned())
}

/// A connection's name.
///
/// # Errors
/// [`InvalidName`].
pub fn connection(text: &str) -> Result<String, InvalidName> {
    ConnectionName::parse(text).map(|_| text.to_owned())
}

/// The name of a source of revocation lists.
///
/// # Errors
/// [`InvalidName`].
pub fn crl_source(text: &str) -> Result<String, InvalidName> {
    CrlSourceName::parse(text).map(|_| text.to_owned())
}

/// The URL of a source of revocation lists.
///
/// # Errors
/// [`InvalidCrlUrl`].
pub fn crl_url(text: &str) -> Result<String, InvalidCrlUrl> {
    CrlUrl::parse(text).map(|_| text.to_owned())
}

/// Which certificates are looked up in revocation lists.
///
/// # Errors
/// [`InvalidWord`].
pub fn revocation(text: &str) -> Result<RevocationScope, InvalidWord> {
    RevocationScope::parse(text)
}

/// How certificates may be signed.
///
/// # Errors
/// [`InvalidWord`].
pub fn signatures(text: &str) -> Result<Signatures, InvalidWord> {
    Signatures::parse(text)
}

/// What becomes of the handshake of a client that is not let in: `strict` or `explain`.
///
/// # Errors
/// [`InvalidWord`].
pub fn handshake(text: &str) -> Result<HandshakePolicy, InvalidWord> {
    HandshakePolicy::parse(text)
}

/// How much content a TLS record has at most: a number of bytes, or `default`.
///
/// # Errors
/// What to write, in words.
pub fn record_bytes(text: &str) -> Result<RecordBytesDocument, String> {
    if text == "default" {
        return Ok(RecordBytesDocument(None));
    }
    let bytes = text.parse().unwrap_or(0);
    RecordBytes::new(bytes)
        .map(|bytes| RecordBytesDocument(Some(bytes)))
        .map_err(|invalid| invalid.to_string())
}

/// What an out-of-date revocation list is worth: `refuse`, `allow`, or hours, such as `24h`.
///
/// # Errors
/// What to write, in words.
pub fn out_of_date(text: &str) -> Result<OutOfDateDocument, String> {
    let worth = match text {
        "refuse" => OutOfDate::Refuse,
        "allow" => OutOfDate::Allow,
        _ => {
            let hours = text
                .strip_suffix('h')
                .and_then(|hours| hours.parse().ok())
                .ok_or("write refuse, allow, or hours, such as 24h")?;
            OutOfDate::AllowHours(Hours::new(hours).map_err(|wrong| wrong.to_string())?)
        }
    };
    Ok(OutOfDateDocument(worth))
}

/// A SHA-256 fingerprint.
///
/// # Errors
/// [`InvalidFingerprint`].
pub fn sha256(text: &str) -> Result<Fingerprint, InvalidFingerprint> {
    Fingerprint::parse(text)
}

/// A client's certificate that is expected.
///
/// # Errors
/// [`InvalidPin`].
pub fn pin(text: &str) -> Result<Pin, InvalidPin> {
    Pin::parse(text)
}

/// A moment, as RFC 3339 text or a day.
///
/// # Errors
/// [`InvalidMoment`].
pub fn moment(text: &str) -> Result<String, InvalidMoment> {
    Moment::parse(text).map(|_| text.to_owned())
}

/// A token's name.
///
/// # Errors
/// [`InvalidName`].
pub fn token(text: &str) -> Result<String, InvalidName> {
    TokenName::parse(text).map(|_| text.to_owned())
}

/// A connection's base URL.
///
/// # Errors
/// [`InvalidBaseUrl`].
pub fn base_url(text: &str) -> Result<String, InvalidBaseUrl> {
    BaseUrl::parse(text).map(|_| text.to_owned())
}

/// A client rule; an empty text takes it away.
///
/// # Errors
/// [`InvalidTrigger`].
pub fn client_rule(text: &str) -> Result<String, InvalidTrigger> {
    if !text.is_empty() {
        ClientRule::parse(text)?;
    }
    Ok(text.to_owned())
}

/// A method that a trigger can admit.
///
/// # Errors
/// [`InvalidTrigger::Method`].
pub fn method(text: &str) -> Result<String, InvalidTrigger> {
    Method::parse(text).map(|_| text.to_owned())
}

/// A content type, or a range of them.
///
/// # Errors
/// [`InvalidMediaRange`].
pub fn media_range(text: &str) -> Result<String, InvalidMediaRange> {
    MediaRange::parse(text).map(|_| text.to_owned())
}

/// An additional route.
///
/// # Errors
/// [`InvalidTrigger`].
pub fn route(text: &str) -> Result<String, InvalidTrigger> {
    RoutePattern::parse(text).map(|_| text.to_owned())
}

/// What shows a server identity: `admin`, or a gateway and an environment.
///
/// # Errors
/// What there is, in words.
pub fn slot(text: &str) -> Result<String, String> {
    let all: Vec<String> = IdentitySlot::all()
        .map(|slot| slot.to_string().replace('/', "-"))
        .collect();
    if all.iter().any(|slot| slot == text) {
        Ok(text.to_owned())
    } else {
        Err(format!("write one of {}", all.join(", ")))
    }
}

/// Any name at all: the server knows which ones there are.
///
/// # Errors
/// What to write, in words.
pub fn some_name(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        Err("it is empty: write a name")
    } else {
        Ok(text.to_owned())
    }
}

/// How long an answer may take, in milliseconds.
///
/// # Errors
/// What is wrong with it, in words.
pub fn timeout_ms(text: &str) -> Result<u32, String> {
    let millis = number(text)?;
    let checked = TimeoutMs::new(millis).map_err(|wrong| wrong.to_string());
    checked.map(TimeoutMs::millis)
}

/// How large a request body may be, in MB of 1,048,576 bytes.
///
/// # Errors
/// What is wrong with it, in words.
pub fn request_size_mb(text: &str) -> Result<u32, String> {
    let megabytes = number(text)?;
    let checked = RequestSizeMb::new(megabytes).map_err(|wrong| wrong.to_string());
    checked.map(RequestSizeMb::megabytes)
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "write a whole number".to_owned())
}
