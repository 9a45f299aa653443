//! One call in the access log: what is told of it, and the line of JSON that tells it.

use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Moment;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::name::RealmName;
use crate::domain::pipeline::PipelineKey;
use crate::telemetry::counters::Handshake;
use crate::telemetry::json::{push_hex, push_number, push_string, push_thousandths};
use crate::trust::identity::ClientIdentity;
use crate::trust::reason::Reason;

const REQUEST_ID_BYTES_MAX: usize = 64;
const METHOD_BYTES_MAX: usize = 32;
const PATH_BYTES_MAX: usize = 512;
const SUBJECT_BYTES_MAX: usize = 1024;
const LINE_BYTES_USUAL: usize = 768;

/// What is told of one call. Texts are borrowed: making a record copies nothing.
#[derive(Clone, Copy, Debug)]
pub struct AccessRecord<'a> {
    /// When the request's head had arrived.
    pub at: Moment,
    /// The identifier that the caller was told.
    pub request_id: &'a str,
    /// The realm that was called, where there is one.
    pub realm: Option<&'a RealmName>,
    /// The environment that the handshake was made for.
    pub environment: Environment,
    /// The gateway that the handshake was made for.
    pub gateway: Gateway,
    /// The pipeline that was called, where one was found.
    pub pipeline: Option<&'a PipelineKey>,
    /// The request's method.
    pub method: &'a str,
    /// The request's path. A query, which may hold secrets, is left out of the line.
    pub path: &'a str,
    /// The answer's status; `None` where none was sent.
    pub status: Option<u16>,
    /// Why the call was refused, where it was.
    pub reason: Option<Reason>,
    /// Bytes of the request's body that were read.
    pub bytes_in: u64,
    /// Bytes of the answer's body that were sent.
    pub bytes_out: u64,
    /// From the request's head to the end of the answer's body.
    pub duration: Duration,
    /// Where the client called from.
    pub address: IpAddr,
    /// The version of TLS, such as `TLSv1.3`.
    pub tls: &'static str,
    /// Whether the connection's session was resumed.
    pub handshake: Handshake,
    /// The version of HTTP, such as `h2`.
    pub protocol: &'static str,
    /// Who the client is, where a certificate was verified.
    pub client: Option<&'a ClientIdentity>,
    /// Whether the answer reached its end.
    pub ending: Ending,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The answer was sent whole.
    Complete,
    /// The client went away, or the connection broke, before the answer's end.
    Aborted,
}

/// The last second that was written, as text: most records share theirs with the one before.
#[derive(Clone, Debug, Default)]
pub struct SecondText {
    unix_seconds: i64,
    text: String,
}

impl SecondText {
    /// Adds a moment as RFC 3339, UTC, always with milliseconds.
    pub fn push(&mut self, out: &mut Vec<u8>, at: Moment) {
        let unix_seconds = at.unix_millis().div_euclid(1000);
        if self.unix_seconds != unix_seconds || self.text.is_empty() {
            self.text = Moment::from_unix_seconds(unix_seconds).to_string();
            self.text.truncate(self.text.trim_end_matches('Z').len());
            self.unix_seconds = unix_seconds;
        }
        out.extend_from_slice(self.text.as_bytes());
        out.push(b'.');
        push_thousandths(out, at.unix_millis().rem_euclid(1000).unsigned_abs());
        out.push(b'Z');
    }
}

/// Adds the record's line, with its end, to `out`.
pub fn push_line(out: &mut Vec<u8>, second: &mut SecondText, record: &AccessRecord<'_>) {
    out.reserve(LINE_BYTES_USUAL);
    out.extend_from_slice(b"{\"time\":\"");
    second.push(out, record.at);
    out.extend_from_slice(b"\",\"requestId\":");
    push_string(out, record.request_id, REQUEST_ID_BYTES_MAX);
    if let Some(realm) = record.realm {
        push_word(out, b",\"realm\":\"", realm.as_str());
    }
    push_word(out, b",\"environment\":\"", record.environment.as_str());
    push_word(out, b",\"gateway\":\"", record.gateway.as_str());
    if let Some(pipeline) = record.pipeline {
        push_word(out, b",\"pipeline\":\"", pipeline.name.as_str());
        push_figure(out, b",\"major\":", u64::from(pipeline.major));
    }
    out.extend_from_slice(b",\"method\":");
    push_string(out, record.method, METHOD_BYTES_MAX);
    out.extend_from_slice(b",\"path\":");
    push_string(out, without_query(record.path), PATH_BYTES_MAX);
    if let Some(status) = record.status {
        push_figure(out, b",\"status\":", u64::from(status));
    }
    if let Some(reason) = record.reason {
        push_word(out, b",\"reason\":\"", reason.as_str());
    }
    push_figure(out, b",\"bytesIn\":", record.bytes_in);
    push_figure(out, b",\"bytesOut\":", record.bytes_out);
    let micros = u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX);
    push_figure(out, b",\"durationMs\":", micros / 1000);
    out.push(b'.');
    push_thousandths(out, micros);
    out.extend_from_slice(b",\"address\":\"");
    push_address(out, record.address);
    push_word(out, b"\",\"tls\":\"", record.tls);
    if record.handshake == Handshake::Resumed {
        out.extend_from_slice(b",\"resumed\":true");
    }
    push_word(out, b",\"protocol\":\"", record.protocol);
    if let Some(client) = record.client {
        out.extend_from_slice(b",\"client\":{\"subject\":");
        push_string(out, &client.subject, SUBJECT_BYTES_MAX);
        out.extend_from_slice(b",\"fingerprint\":\"");
        push_hex(out, client.fingerprint.as_bytes());
        out.extend_from_slice(b"\"}");
    }
    if record.ending == Ending::Aborted {
        out.extend_from_slice(b",\"aborted\":true");
    }
    out.extend_from_slice(b"}\n");
}

/// Adds the line that tells of records that were lost, the last of them about `at`.
pub fn push_dropped_line(
    out: &mut Vec<u8>,
    second: &mut SecondText,
    at: Moment,
    records_dropped: u64,
) {
    out.extend_from_slice(b"{\"time\":\"");
    second.push(out, at);
    push_figure(out, b"\",\"dropped\":", records_dropped);
    out.extend_from_slice(
        b",\"message\":\"Access records were lost because they could not be written fast enough\"}\n",
    );
}

/// Adds `key`, which ends with an opening quotation mark, and a word of ours that needs no escape.
fn push_word(out: &mut Vec<u8>, key: &[u8], word: &str) {
    out.extend_from_slice(key);
    out.extend_from_slice(word.as_bytes());
    out.push(b'"');
}

fn push_figure(out: &mut Vec<u8>, key: &[u8], number: u64) {
    out.extend_from_slice(key);
    push_number(out, number);
}

fn push_address(out: &mut Vec<u8>, address: IpAddr) {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, rest @ ..] = address.octets();
            push_number(out, u64::from(first));
            for octet in rest {
                out.push(b'.');
                push_number(out, u64::from(octet));
            }
        }
        // Writing to a vector cannot fail.
        IpAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

fn without_query(path: &str) -> &str {
    path.split_once('?').map_or(path, |(before, _)| before)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::domain::name::PipelineName;
    use crate::pki::fingerprint::Fingerprint;

    fn client(subject: &str) -> ClientIdentity {
        ClientIdentity {
            subject: subject.to_owned(),
            sans: vec![],
            issuer: "CN=Acme Root".to_owned(),
            serial: "0a".to_owned(),
            fingerprint: Fingerprint::from_bytes([0xa5; 32]),
            anchor: Fingerprint::from_bytes([0; 32]),
            anchor_subject: "CN=Acme Root".to_owned(),
            account: Arc::from("dgb-mtls-autocorp"),
            not_before: Moment::EPOCH,
            not_after: Moment::MAX,
        }
    }

    fn refused() -> AccessRecord<'static> {
        AccessRecord {
            at: Moment::from_unix_millis(1_801_483_200_007),
            request_id: "0192-1",
            realm: None,
            environment: Environment::Prod,
            gateway: Gateway::External,
            pipeline: None,
            method: "GET",
            path: "/pipeline/nobody/v1/orders?api-key=secret",
            status: Some(404),
            reason: Some(Reason::NotFound),
            bytes_in: 0,
            bytes_out: 87,
            duration: Duration::from_micros(1_042),
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10)),
            tls: "TLSv1.3",
            handshake: Handshake::Full,
            protocol: "h2",
            client: None,
            ending: Ending::Complete,
        }
    }

    fn line(record: &AccessRecord<'_>) -> String {
        let mut out = Vec::new();
        push_line(&mut out, &mut SecondText::default(), record);
        String::from_utf8(out).unwrap()
    }

    fn parsed(record: &AccessRecord<'_>) -> Value {
        let line = line(record);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn tells_a_refused_call_without_its_query() {
        let expected = r#"{"time":"2027-02-01T12:00:00.007Z","requestId":"0192-1","environment":"prod","gateway":"external","method":"GET","path":"/pipeline/nobody/v1/orders","status":404,"reason":"not-found","bytesIn":0,"bytesOut":87,"durationMs":1.042,"address":"192.0.2.10","tls":"TLSv1.3","protocol":"h2"}"#;
        assert_eq!(line(&refused()).trim_end(), expected);
    }

    #[test]
    fn tells_an_aborted_call_with_its_client() {
        let realm = RealmName::parse("acme").unwrap();
        let pipeline = PipelineKey {
            name: PipelineName::parse("orders").unwrap(),
            major: 2,
        };
        let client = client("CN=client-1,O=Acme");
        let record = AccessRecord {
            realm: Some(&realm),
            gateway: Gateway::Mtls,
            pipeline: Some(&pipeline),
            status: None,
            reason: None,
            address: IpAddr::V6(Ipv6Addr::LOCALHOST),
            client: Some(&client),
            handshake: Handshake::Resumed,
            ending: Ending::Aborted,
            ..refused()
        };
        let expected = json!({
            "time": "2027-02-01T12:00:00.007Z", "requestId": "0192-1", "realm": "acme",
            "environment": "prod", "gateway": "mtls", "pipeline": "orders", "major": 2,
            "method": "GET", "path": "/pipeline/nobody/v1/orders", "bytesIn": 0, "bytesOut": 87,
            "durationMs": 1.042, "address": "::1", "tls": "TLSv1.3", "resumed": true,
            "protocol": "h2",
            "client": {"subject": "CN=client-1,O=Acme", "fingerprint": "a5".repeat(32)},
            "aborted": true,
        });
        assert_eq!(parsed(&record), expected);
    }

    #[test]
    fn what_a_caller_wrote_can_neither_end_the_line_nor_grow_it() {
        let path = format!("/\"}}\r\n{{\"time\":0,\u{1b}[2J{}", "x".repeat(100_000));
        let client = client(&"\u{202e}".repeat(100_000));
        let record = AccessRecord {
            request_id: &"i".repeat(1000),
            method: &"M".repeat(1000),
            path: &path,
            client: Some(&client),
            ..refused()
        };
        let shown = parsed(&record);
        assert!(shown["path"].as_str().unwrap().starts_with("/\"}\r\n{"));
        assert_eq!(shown["time"], "2027-02-01T12:00:00.007Z");
        assert!(line(&record).len() < 5000, "{}", line(&record).len());
        assert!(!line(&record).contains('\u{1b}'));
    }

    #[test]
    fn an_ipv4_address_in_ipv6_clothes_is_told_as_ipv4() {
        let record = AccessRecord {
            address: "::ffff:10.0.0.1".parse().unwrap(),
            ..refused()
        };
        assert_eq!(parsed(&record)["address"], "10.0.0.1");
    }

    #[test]
    fn the_second_that_is_kept_follows_the_records() {
        let mut second = SecondText::default();
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (999, "1970-01-01T00:00:00.999Z"),
            (1000, "1970-01-01T00:00:01.000Z"),
            (999, "1970-01-01T00:00:00.999Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_801_483_200_007, "2027-02-01T12:00:00.007Z"),
        ];
        for (millis, expected) in cases {
            let mut out = Vec::new();
            second.push(&mut out, Moment::from_unix_millis(millis));
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn the_line_of_lost_records_is_json_too() {
        let mut out = Vec::new();
        push_dropped_line(&mut out, &mut SecondText::default(), Moment::EPOCH, 12);
        let told: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(told["dropped"], 12);
        assert_eq!(told["time"], "1970-01-01T00:00:00.000Z");
    }
}
