//! Renegotiation: a second handshake inside of a TLS 1.2 connection (RFC 5246, 7.4.1.1), which the gateways do not do.
//!
//! rustls cannot be made to ask for it: its keys are taken out of a connection, and the record is sealed here.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rustls::ConnectionTrafficSecrets;

use crate::prove::board::Rows;
use crate::prove::entrance::Entrance;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, Stage};
use crate::prove::tls::Version;
use crate::prove::wire;

/// The types of records (RFC 5246, 6.2.1).
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// Asks for a second handshake on a connection that was let in.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows, at: Entrance) -> Result<(), ProveError> {
    let host = stage.host();
    let tried = format!("{host}: renegotiation (TLS 1.2)");
    let mut config = stage.client(Some(stage.good()), Version::V12)?;
    config.enable_secret_extraction = true;
    let mut dial = stage.dial(at, &host, None, Version::V12)?;
    dial.config = Arc::new(config);
    let mut open = match wire::open_in_time(&dial).await {
        Ok(open) => open,
        Err(came) => {
            rows.not_tried(tried, &came.to_string());
            return Ok(());
        }
    };
    let path = stage.path(CLOSED);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let came = open.ask(request.as_bytes()).await;
    let hello = wire::hello_bytes(&dial.config, host.as_bytes());
    let (true, Some(hello)) = (came.is_status(&[200]), hello) else {
        rows.not_tried(tried, &came.to_string());
        return Ok(());
    };
    let seal =
        |sequence: u64, secrets: &ConnectionTrafficSecrets| sealed(sequence, secrets, &hello);
    let expected = "an alert, or the end of the connection";
    match open.send_sealed(seal).await {
        Ok(ALERT) => rows.tell(tried, expected, "an alert", true),
        Ok(HANDSHAKE) => rows.tell(tried, expected, "a second handshake", false),
        Ok(_) => rows.tell(tried, expected, "another kind of record", false),
        Err(came) => rows.refused(tried, expected, &came),
    }
    Ok(())
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "rustls's ciphers are open to additions; this is for AES-GCM alone"
)]
/// A record with the ClientHello in it, `None` where the connection's cipher is not AES-GCM (RFC 5288, 3).
fn sealed(sequence: u64, secrets: &ConnectionTrafficSecrets, hello: &[u8]) -> Option<Vec<u8>> {
    let (algorithm, key, iv) = match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
        ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
        _ => return None,
    };
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).ok()?);
    // Its own record header, which the connection's takes the place of.
    let mut body = hello.get(5..)?.to_vec();
    let mut nonce: [u8; 12] = iv.as_ref().try_into().ok()?;
    for (byte, mixed) in nonce.iter_mut().skip(4).zip(sequence.to_be_bytes()) {
        *byte ^= mixed;
    }
    let length = u16::try_from(body.len()).ok()?.to_be_bytes();
    let head = [HANDSHAKE, 3, 3];
    let aad = [sequence.to_be_bytes().as_slice(), &head, &length].concat();
    let explicit = nonce.get(4..)?.to_vec();
    key.seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(aad),
        &mut body,
    )
    .ok()?;
    let content = [explicit, body].concat();
    let length = u16::try_from(content.len()).ok()?.to_be_bytes();
    Some([head.as_slice(), &length, &content].concat())
}
