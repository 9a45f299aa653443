//! Asks client rules: which of the clients that a realm trusts may call a pipeline.
//!
//! Here so that the gateway, which lets them in, and those who only want to know ask the very same question.

use std::sync::{Arc, OnceLock};

use crate::domain::pipeline::PipelineKey;
use crate::pki::certificate::Certificate;
use crate::pki::fingerprint::Fingerprint;
use crate::pki::general_name::{GeneralName, NAMES_MAX};
use crate::pki::{name, printable};
use crate::rule::client_rule::{ClientRule, Verdict};
use crate::rule::facts::{Facts, Names};
use crate::trust::cache::Cache;
use crate::trust::finding::named;
use crate::trust::identity::ClientIdentity;
use crate::trust::judge::Verified;

/// How many clients' answers a deployed pipeline keeps, about.
const ANSWERS_MAX: usize = 1_024;

/// What the rule of one deployed pipeline said of clients that came before. To ask it takes a tenth of a handshake, and
/// most clients come again.
///
/// A rule is a pure function of the client's certificate, of its anchor and of the account that brought that: an answer
/// is kept under all three, and goes with what is deployed.
#[derive(Debug, Default)]
pub struct Answers(OnceLock<Box<Cache<Option<Arc<str>>>>>);

impl Answers {
    /// As [`objection`], without asking the rule where its answer is remembered. All questions must be of the same rule.
    pub fn objection(
        &self,
        rule: &ClientRule,
        pipeline: &PipelineKey,
        client: &Verified,
    ) -> Option<Arc<str>> {
        let kept = self.0.get_or_init(|| Box::new(Cache::new(ANSWERS_MAX)));
        let key = key(&client.identity);
        if let Some(answer) = kept.get(&key) {
            return answer;
        }
        let answer: Option<Arc<str>> = objection(rule, pipeline, client).map(Into::into);
        kept.put(key, answer.clone());
        answer
    }
}

/// What an answer is remembered by. The account's name comes last, since it is the only part without a fixed length.
fn key(client: &ClientIdentity) -> Fingerprint {
    let parts: [&[u8]; 3] = [
        client.fingerprint.as_bytes(),
        client.anchor.as_bytes(),
        client.account.as_bytes(),
    ];
    Fingerprint::of(&parts.concat())
}

/// Why the rule of a pipeline keeps a client out, in a sentence; `None` where it does not.
pub fn objection(rule: &ClientRule, pipeline: &PipelineKey, client: &Verified) -> Option<String> {
    let subject = named(&client.identity.subject);
    let leaf = client.leaf();
    let facts = leaf.as_ref().map(Certificate::facts);
    let names = facts.and_then(|facts| names(&facts.raw_subject, &facts.alternative_names));
    let Some(names) = names else {
        return Some(format!(
            "The client rule of {pipeline} cannot be asked of the client {subject}: its names cannot be decoded."
        ));
    };
    match verdict(rule, client, &names) {
        Verdict::Admitted => None,
        Verdict::NotAdmitted => Some(format!(
            "The client rule of {pipeline} does not admit the client {subject}."
        )),
        Verdict::Failed(failure) => Some(format!(
            "The client rule of {pipeline} has no answer for the client {subject}, which is a refusal: {failure}."
        )),
    }
}

fn verdict(rule: &ClientRule, client: &Verified, names: &Names) -> Verdict {
    let identity = &client.identity;
    rule.admits(&Facts {
        subject: &identity.subject,
        sans: &identity.sans,
        issuer: &identity.issuer,
        serial: &identity.serial,
        fingerprint: &identity.fingerprint.to_string(),
        anchor: &identity.anchor.to_string(),
        anchor_subject: &identity.anchor_subject,
        account: &identity.account,
        names,
    })
}

/// The single names of a certificate, whose subject is the DER of its Name; `None` where that cannot be decoded.
fn names(subject: &[u8], alternative: &[GeneralName]) -> Option<Names> {
    let of_subject = |kind| name::printed_values(subject, kind).map(bounded);
    let mut names = Names {
        common_names: of_subject("2.5.4.3")?,
        organizations: of_subject("2.5.4.10")?,
        organizational_units: of_subject("2.5.4.11")?,
        ..Names::default()
    };
    for name in alternative {
        match name {
            GeneralName::Dns(text) => {
                names.dns.push(printable::alone(&text.to_ascii_lowercase()));
            }
            GeneralName::Email(text) => names.emails.push(printable::alone(text)),
            GeneralName::Uri(text) => names.uris.push(printable::alone(text)),
            GeneralName::Ip(_) | GeneralName::Directory(_) | GeneralName::Other(..) => {}
        }
    }
    for list in [&mut names.dns, &mut names.emails, &mut names.uris] {
        *list = bounded(std::mem::take(list));
    }
    Some(names)
}

/// At most so many names as are told elsewhere; the mark of omission keeps rules from being asked of them.
fn bounded(mut names: Vec<String>) -> Vec<String> {
    if names.len() > NAMES_MAX {
        names.truncate(NAMES_MAX);
        names.push("…".to_owned());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::der::{self, tag};

    fn attribute(oid: &[u8], string_tag: u8, value: &[u8]) -> Vec<u8> {
        let kind = der::encode(tag::OID, &[oid]);
        let value = der::encode(string_tag, &[value]);
        der::encode(tag::SET, &[&der::encode(tag::SEQUENCE, &[&kind, &value])])
    }

    #[test]
    fn names_are_read_one_by_one_and_none_of_them_is_raw() {
        const CN: &[u8] = &[0x55, 0x04, 0x03];
        const O: &[u8] = &[0x55, 0x04, 0x0a];
        const OU: &[u8] = &[0x55, 0x04, 0x0b];
        let utf16: Vec<u8> = "svc-\u{202e}a"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        let sets = [
            attribute(O, 0x0c, b"Acme, Inc.,CN=admin"),
            attribute(OU, 0x0c, b"Pay\0ments"),
            attribute(OU, 0x0c, b"<b>\r\nX: y</b>"),
            attribute(CN, 0x1e, &utf16),
            attribute(CN, 0x0c, b"\xff"),
            attribute(CN, 0x0c, b"#0c01ff"),
            attribute(CN, 0x0c, b"back\\slash"),
        ];
        let sets: Vec<&[u8]> = sets.iter().map(Vec::as_slice).collect();
        let subject = der::encode(tag::SEQUENCE, &sets);
        let alternative = [
            GeneralName::Dns("Client-1.ACME.example".to_owned()),
            GeneralName::Email("a\r\n@b".to_owned()),
            GeneralName::Uri("https://a/b,c?d".to_owned()),
            GeneralName::Ip(vec![10, 0, 0, 1]),
            GeneralName::Dns("a\0.example".to_owned()),
        ];
        let read = names(&subject, &alternative).unwrap();
        assert_eq!(read.organizations, ["Acme, Inc.,CN=admin"]);
        assert_eq!(
            read.organizational_units,
            [r"Pay\00ments", r"<b>\0D\0AX: y</b>"]
        );
        let common_names = [r"svc-\E2\80\AEa", "#0c01ff", r"\#0c01ff", r"back\\slash"];
        assert_eq!(read.common_names, common_names);
        assert_eq!(read.dns, ["client-1.acme.example", r"a\00.example"]);
        assert_eq!(read.emails, [r"a\0D\0A@b"]);
        assert_eq!(read.uris, ["https://a/b,c?d"]);
        assert_eq!(names(b"no name", &[]), None);
    }

    #[test]
    fn more_names_than_are_told_are_marked_so_that_no_rule_is_asked_of_them() {
        let subject = der::encode(tag::SEQUENCE, &[]);
        let many = |count: usize| vec![GeneralName::Dns("a.example".to_owned()); count];
        let read = names(&subject, &many(NAMES_MAX)).unwrap();
        assert_eq!(read.dns.len(), NAMES_MAX);
        let read = names(&subject, &many(NAMES_MAX + 1)).unwrap();
        assert_eq!(read.dns.last().map(String::as_str), Some("…"));
    }
}
