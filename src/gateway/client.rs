//! The verified client as its realm sees it, in the forms that handlers hand on.
//!
//! Each form is made when it is first needed, and kept for as long as the connection is busy.

use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::domain::pipeline::IdentityHeaders;
use crate::trust::identity::ClientIdentity;
use crate::trust::judge::Verified;

/// The longest `Client-Cert-Chain`, in bytes; a longer one is left out, as RFC 9440, 2.3 allows.
pub const CHAIN_HEADER_BYTES_MAX: usize = 16 * 1024;
/// The longest readable header, in bytes.
pub const TEXT_HEADER_BYTES_MAX: usize = 4096;
/// The longest `X-Forwarded-Client-Cert`, in bytes.
pub const ELEMENT_HEADER_BYTES_MAX: usize = 8192;

const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
const CLIENT_CERT_CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");
const VERIFY: HeaderName = HeaderName::from_static("x-client-cert-verify");
const FORWARDED_CLIENT_CERT: HeaderName = HeaderName::from_static("x-forwarded-client-cert");

/// A client that a realm trusts.
#[derive(Debug)]
pub struct Client {
    verified: Arc<Verified>,
    standard: OnceLock<Standard>,
    readable: OnceLock<Vec<(HeaderName, HeaderValue)>>,
    forwarded_client_cert: OnceLock<Option<HeaderValue>>,
    message: OnceLock<Value>,
}

/// The headers of RFC 9440.
#[derive(Debug)]
struct Standard {
    certificate: HeaderValue,
    chain: Option<HeaderValue>,
}

impl Client {
    /// The client that was verified in terms of one realm's trust anchors.
    pub fn new(verified: impl Into<Arc<Verified>>) -> Self {
        Self {
            verified: verified.into(),
            standard: OnceLock::new(),
            readable: OnceLock::new(),
            forwarded_client_cert: OnceLock::new(),
            message: OnceLock::new(),
        }
    }

    /// What was verified.
    pub const fn verified(&self) -> &Arc<Verified> {
        &self.verified
    }

    /// Who it is.
    pub fn identity(&self) -> &ClientIdentity {
        &self.verified.identity
    }

    /// `client` of the message that handlers get.
    pub fn message(&self) -> &Value {
        self.message.get_or_init(|| {
            let identity = self.identity();
            json!({
                "subject": identity.subject,
                "sans": identity.sans,
                "issuer": identity.issuer,
                "serial": identity.serial,
                "fingerprint": identity.fingerprint.to_string(),
                "anchor": identity.anchor.to_string(),
                "account": &*identity.account,
            })
        })
    }

    fn standard(&self) -> &Standard {
        self.standard.get_or_init(|| {
            let leaf = self.verified.chain.first();
            let certificate = value(&leaf.map(|leaf| byte_sequence(leaf)).unwrap_or_default());
            // Of the verified path, not of what was sent: a client can send anything along.
            let issuers = self.verified.intermediates.iter();
            let issuers: Vec<String> = issuers.map(|one| byte_sequence(one)).collect();
            let issuers = issuers.join(", ");
            let fits = !issuers.is_empty() && issuers.len() <= CHAIN_HEADER_BYTES_MAX;
            Standard {
                certificate,
                chain: fits.then(|| value(&issuers)),
            }
        })
    }

    fn readable(&self) -> &[(HeaderName, HeaderValue)] {
        self.readable.get_or_init(|| {
            let identity = self.identity();
            let mut headers = vec![
                (
                    HeaderName::from_static("x-client-cert-subject"),
                    text(&identity.subject),
                ),
                (
                    HeaderName::from_static("x-client-cert-issuer"),
                    text(&identity.issuer),
                ),
                (
                    HeaderName::from_static("x-client-cert-serial"),
                    text(&identity.serial),
                ),
                (
                    HeaderName::from_static("x-client-cert-fingerprint"),
                    text(&identity.fingerprint.to_string()),
                ),
                (
                    HeaderName::from_static("x-client-cert-not-after"),
                    text(&identity.not_after.to_string()),
                ),
                (
                    HeaderName::from_static("x-client-cert-anchor"),
                    text(&identity.anchor.to_string()),
                ),
                (
                    HeaderName::from_static("x-client-cert-account"),
                    text(&identity.account),
                ),
            ];
            let sans = list(&identity.sans);
            headers.extend(sans.map(|sans| (HeaderName::from_static("x-client-cert-sans"), sans)));
            headers
        })
    }

    fn forwarded_client_cert(&self) -> Option<&HeaderValue> {
        self.forwarded_client_cert
            .get_or_init(|| envoy(self.identity()))
            .as_ref()
    }
}

/// Tells an upstream who the client is. `headers` hold no field of these names any more
/// ([`crate::gateway::headers::remove_reserved`]).
///
/// Without a client, as on the regular gateways, nothing is said, but for `X-Client-Cert-Verify: NONE` where the
/// readable headers are switched on.
pub fn introduce(client: Option<&Client>, wanted: IdentityHeaders, headers: &mut HeaderMap) {
    let Some(client) = client else {
        if wanted.readable {
            headers.insert(VERIFY, HeaderValue::from_static("NONE"));
        }
        return;
    };
    let standard = client.standard();
    headers.insert(CLIENT_CERT, standard.certificate.clone());
    if let Some(chain) = &standard.chain {
        headers.insert(CLIENT_CERT_CHAIN, chain.clone());
    }
    if wanted.readable {
        headers.insert(VERIFY, HeaderValue::from_static("SUCCESS"));
        for (name, value) in client.readable() {
            headers.insert(name, value.clone());
        }
    }
    if wanted.forwarded_client_cert
        && let Some(element) = client.forwarded_client_cert()
    {
        headers.insert(FORWARDED_CLIENT_CERT, element.clone());
    }
}

/// RFC 8941, 3.3.5.
fn byte_sequence(der: &[u8]) -> String {
    let mut sequence =
        String::with_capacity(der.len().div_ceil(3).saturating_mul(4).saturating_add(2));
    sequence.push(':');
    STANDARD.encode_string(der, &mut sequence);
    sequence.push(':');
    sequence
}

/// Texts that are made here are visible ASCII, so that this never falls back.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// A readable text: what is not visible ASCII is written as the octets of its UTF-8 form, each a backslash and two
/// hexadecimal digits (RFC 4514, 2.4). What is cut ends with the escaped form of `…`.
fn text(text: &str) -> HeaderValue {
    let mut ascii = String::with_capacity(text.len());
    for character in text.chars() {
        if ascii.len() > TEXT_HEADER_BYTES_MAX {
            push_ascii(&mut ascii, '…');
            break;
        }
        push_ascii(&mut ascii, character);
    }
    value(&ascii)
}

fn push_ascii(ascii: &mut String, character: char) {
    if matches!(character, ' '..='~') {
        ascii.push(character);
        return;
    }
    for octet in character.encode_utf8(&mut [0; 4]).bytes() {
        push_octet(ascii, '\\', octet);
    }
}

fn push_octet(ascii: &mut String, sign: char, octet: u8) {
    let digit = |nibble: u8| {
        char::from_digit(u32::from(nibble), 16)
            .unwrap_or('0')
            .to_ascii_uppercase()
    };
    ascii.push(sign);
    ascii.push(digit(octet >> 4));
    ascii.push(digit(octet & 0xf));
}

/// A list of readable texts, separated by `, `. A comma inside of one is written `\2C`, so that no name can pass for
/// two. `None` where they do not all fit: part of the names could be taken for all.
fn list(texts: &[String]) -> Option<HeaderValue> {
    let mut joined = String::new();
    for one in texts {
        let mut ascii = String::with_capacity(one.len());
        for character in one.chars() {
            match character {
                ',' => push_octet(&mut ascii, '\\', b','),
                other => push_ascii(&mut ascii, other),
            }
        }
        if joined.len().saturating_add(ascii.len()) > TEXT_HEADER_BYTES_MAX {
            return None;
        }
        if !joined.is_empty() {
            joined.push_str(", ");
        }
        joined.push_str(&ascii);
    }
    Some(value(&joined))
}

/// Envoy's `X-Forwarded-Client-Cert`: `Hash`, `Subject` and each `URI` and `DNS` name.
///
/// Envoy's own form escapes quotation marks with a backslash but leaves backslashes alone, so that a name that ends with
/// one could close or reopen a quotation. Here both are percent-encoded, as is what is not visible ASCII. `None` where it does
/// not fit as a whole.
fn envoy(identity: &ClientIdentity) -> Option<HeaderValue> {
    let mut element = format!("Hash={};Subject=", identity.fingerprint);
    push_quoted(&mut element, &identity.subject);
    for san in &identity.sans {
        let (key, name) = match san.split_once(':') {
            Some(("URI", name)) => (";URI=", name),
            Some(("DNS", name)) => (";DNS=", name),
            Some(_) | None => continue,
        };
        element.push_str(key);
        if name.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'/' | b'*')
        }) {
            element.push_str(name);
        } else {
            push_quoted(&mut element, name);
        }
    }
    (element.len() <= ELEMENT_HEADER_BYTES_MAX).then(|| value(&element))
}

fn push_quoted(element: &mut String, text: &str) {
    element.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' | '%' => push_percent(element, character),
            ' '..='~' => element.push(character),
            other => push_percent(element, other),
        }
    }
    element.push('"');
}

fn push_percent(element: &mut String, character: char) {
    for octet in character.encode_utf8(&mut [0; 4]).bytes() {
        push_octet(element, '%', octet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::gateway::testing::{Pki, verified};
    use crate::pki::fingerprint::Fingerprint;

    fn identity(subject: &str, sans: &[&str]) -> ClientIdentity {
        ClientIdentity {
            subject: subject.to_owned(),
            sans: sans.iter().map(|san| (*san).to_owned()).collect(),
            issuer: "CN=Root".to_owned(),
            serial: "0a".to_owned(),
            fingerprint: Fingerprint::from_bytes([1; 32]),
            anchor: Fingerprint::from_bytes([2; 32]),
            anchor_subject: "CN=Root".to_owned(),
            account: Arc::from("dgb-mtls-a"),
            not_before: Moment::EPOCH,
            not_after: Moment::MAX,
        }
    }

    fn shown(value: &HeaderValue) -> &str {
        value.to_str().unwrap()
    }

    #[test]
    fn the_certificate_travels_as_rfc_9440_says() {
        let pki = Pki::with_intermediate();
        let client = Client::new(verified(&pki));
        let mut headers = HeaderMap::new();
        introduce(Some(&client), IdentityHeaders::default(), &mut headers);
        assert_eq!(headers.len(), 2);
        let decoded = |sequence: &str| STANDARD.decode(sequence.trim_matches(':')).unwrap();
        assert_eq!(
            decoded(shown(&headers["client-cert"])),
            pki.leaf.certificate.der()
        );
        let chain = shown(&headers["client-cert-chain"]);
        assert!(chain.starts_with(':') && chain.ends_with(':'), "{chain}");
        let issuers: Vec<_> = chain.split(", ").map(decoded).collect();
        assert_eq!(
            issuers,
            [pki.intermediate.unwrap().certificate.der().to_vec()]
        );
    }

    #[test]
    fn readable_headers_come_where_they_are_switched_on() {
        let client = Client::new(verified(&Pki::new()));
        let mut headers = HeaderMap::new();
        let wanted = IdentityHeaders {
            readable: true,
            forwarded_client_cert: true,
        };
        introduce(Some(&client), wanted, &mut headers);
        let expected = [
            ("x-client-cert-subject", client.identity().subject.clone()),
            ("x-client-cert-sans", "DNS:client-1.acme.example".to_owned()),
            ("x-client-cert-issuer", client.identity().issuer.clone()),
            ("x-client-cert-serial", client.identity().serial.clone()),
            (
                "x-client-cert-fingerprint",
                client.identity().fingerprint.to_string(),
            ),
            (
                "x-client-cert-not-after",
                client.identity().not_after.to_string(),
            ),
            ("x-client-cert-verify", "SUCCESS".to_owned()),
            ("x-client-cert-anchor", client.identity().anchor.to_string()),
            ("x-client-cert-account", "dgb-mtls-acme".to_owned()),
        ];
        for (name, value) in &expected {
            assert_eq!(shown(&headers[*name]), value, "{name}");
        }
        assert!(headers.contains_key("x-forwarded-client-cert"));
        // The leaf was issued by the anchor itself: there is no chain to tell.
        assert_eq!(headers.len(), expected.len() + 2);
    }

    #[test]
    fn without_a_client_the_readable_headers_say_so() {
        let mut headers = HeaderMap::new();
        introduce(None, IdentityHeaders::default(), &mut headers);
        assert!(headers.is_empty());
        introduce(
            None,
            IdentityHeaders {
                readable: true,
                forwarded_client_cert: true,
            },
            &mut headers,
        );
        assert_eq!(shown(&headers["x-client-cert-verify"]), "NONE");
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn texts_are_visible_ascii() {
        assert_eq!(
            shown(&text("CN=Müller,O=東")),
            "CN=M\\C3\\BCller,O=\\E6\\9D\\B1"
        );
        let long = text(&"é".repeat(5000));
        assert!(long.len() < TEXT_HEADER_BYTES_MAX + 30 && shown(&long).ends_with("\\E2\\80\\A6"));
    }

    #[test]
    fn one_name_cannot_pass_for_two() {
        let sans = [
            "DNS:a.example".to_owned(),
            "URI:x, DNS:admin.example".to_owned(),
        ];
        assert_eq!(
            shown(&list(&sans).unwrap()),
            "DNS:a.example, URI:x\\2C DNS:admin.example"
        );
    }

    #[test]
    fn names_that_do_not_all_fit_are_not_told_at_all() {
        let sans =
            |count: usize| -> Vec<String> { (0..count).map(|n| format!("DNS:{n:0>95}")).collect() };
        assert!(list(&sans(40)).is_some());
        assert!(list(&sans(42)).is_none());
        let element = |count| {
            let sans = sans(count);
            let sans: Vec<&str> = sans.iter().map(String::as_str).collect();
            envoy(&identity("CN=a", &sans))
        };
        assert!(element(70).is_some());
        assert!(element(90).is_none());
    }

    #[test]
    fn no_name_breaks_out_of_envoys_quotation() {
        let plain = envoy(&identity(
            "CN=a,O=b",
            &["URI:spiffe://a/b", "DNS:a.example", "IP:10.0.0.1"],
        ))
        .unwrap();
        let hash = "01".repeat(32);
        let expected = format!("Hash={hash};Subject=\"CN=a,O=b\";URI=spiffe://a/b;DNS=a.example");
        assert_eq!(shown(&plain), expected);
        let hostile = envoy(&identity(
            "CN=a\\\\\";URI=x",
            &["URI:x\";DNS=admin", "URI:é"],
        ))
        .unwrap();
        let expected = format!(
            "Hash={hash};Subject=\"CN=a%5C%5C%22;URI=x\";URI=\"x%22;DNS=admin\";URI=\"%C3%A9\""
        );
        assert_eq!(shown(&hostile), expected);
    }
}
