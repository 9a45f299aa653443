//! `realmgate deny …`

use std::path::PathBuf;

use clap::{ArgGroup, Subcommand, ValueEnum};
use http::Method;
use serde_json::Value;

use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::flag;
use crate::cli::session::{Asking, Session};
use crate::cli::show;
use crate::cli::table::Table;
use crate::cli::token;
use crate::cli::trust::Place;
use crate::clock::{Clock, Moment};
use crate::domain::denial::DenialReason;
use crate::manifest::denial::DenyDocument;
use crate::manifest::text::Text;
use crate::pki::certificate::Certificate;
use crate::pki::distinguished::DistinguishedName;
use crate::pki::fingerprint::Fingerprint;
use crate::pki::serial::SerialNumber;
use crate::pki::upload;

/// What to do with deny lists.
#[derive(Clone, Debug, Subcommand)]
pub enum DenyVerb {
    /// Let a certificate, a key, a serial number or a subject in no more, from now on
    Add(Box<Add>),
    /// List what a realm lets in no more
    List {
        /// Where.
        #[command(flatten)]
        place: Place,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Take something off the deny list: it is let in again
    Remove {
        /// Where.
        #[command(flatten)]
        place: Place,
        /// Which one ('deny list' names it)
        #[arg(long, value_name = "ID", value_parser = flag::sha256)]
        id: Fingerprint,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
}

/// What is denied, where, why and until when.
#[derive(Clone, Debug, clap::Args)]
#[command(group(
    ArgGroup::new("what")
        .required(true)
        .args(["certificate_sha256", "key_sha256", "serial", "subject", "certificate_file"])
))]
pub struct Add {
    /// Where.
    #[command(flatten)]
    place: Place,
    /// The certificate with this SHA-256
    #[arg(long, value_name = "SHA256", value_parser = flag::sha256)]
    certificate_sha256: Option<Fingerprint>,
    /// Every certificate with this key (SHA-256 of its SubjectPublicKeyInfo)
    #[arg(long, value_name = "SHA256", value_parser = flag::sha256)]
    key_sha256: Option<Fingerprint>,
    /// Every certificate with this serial number (hexadecimal digits)
    #[arg(long, value_name = "HEX", value_parser = SerialNumber::parse)]
    serial: Option<SerialNumber>,
    /// Whose serial number it is; anybody's where it is left out
    #[arg(long, value_name = "NAME", requires = "serial", value_parser = DistinguishedName::parse)]
    issuer: Option<DistinguishedName>,
    /// Every certificate with this subject, as 'refusals' and RFC 4514 write it: CN=client-1,O=Acme
    #[arg(long, value_name = "NAME", value_parser = DistinguishedName::parse)]
    subject: Option<DistinguishedName>,
    /// Read what is denied from this certificate (PEM or DER); '-' is standard input
    #[arg(long, value_name = "FILE", requires = "by")]
    certificate_file: Option<PathBuf>,
    /// What of that certificate is denied: itself, its key, its issuer and serial number, or its subject
    #[arg(
        long,
        requires = "certificate_file",
        conflicts_with_all = ["certificate_sha256", "key_sha256", "serial", "subject"]
    )]
    by: Option<By>,
    /// Why, for the realm's people; clients are not told
    #[arg(long, value_name = "TEXT", value_parser = DenialReason::parse)]
    reason: DenialReason,
    /// When it ends: a number of days like 30d, or a moment like 2027-01-31T12:00:00Z; never where it is left out
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// How the server is asked.
    #[command(flatten)]
    asking: Asking,
}

/// By what of a certificate it is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Itself alone.
    Certificate,
    /// Its key, whatever certificate has it.
    Key,
    /// Its issuer and serial number.
    Serial,
    /// Its subject.
    Subject,
}

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &DenyVerb, clock: &Clock) -> Result<(), CliError> {
    match verb {
        DenyVerb::Add(add) => add.run(clock.now()),
        DenyVerb::List { place, asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&place.path("denials"))?;
            session.print(&answer, |answer| in_words(answer, place))
        }
        DenyVerb::Remove { place, id, asking } => {
            let session = Session::open(asking)?;
            let deed = format!("take something off the deny list of {}", place.told());
            let list = session.get(&place.path("denials"))?;
            let affected = match listed(&list, &id.to_string()) {
                Some(denial) => format!(
                    "whoever is denied by {} ({}) is let in again",
                    value(denial),
                    show::text(denial, "/reason")
                ),
                None => "whoever is denied by it is let in again".to_owned(),
            };
            asking.yes.confirm(&deed, &[affected])?;
            let answer = session.delete(&place.path_of("denials", &id.to_string()))?;
            let done = format!("it is off the deny list of {}", place.told());
            session.print_change(&answer, &done)
        }
    }
}

impl Add {
    fn run(&self, now: Moment) -> Result<(), CliError> {
        let document = self.document(now)?;
        let session = Session::open(&self.asking)?;
        let path = self.place.path("denials");
        self.confirm(&document, &session.get(&path)?, now)?;
        let body = serde_json::to_value(&document).map_err(|source| CliError::Encode { source })?;
        let deed = format!("put a CA on the deny list of {}", self.place.told());
        let sent = (&Method::POST, &path, &body);
        let answer = session.change_asking(sent, self.asking.yes, &deed)?;
        let done = format!("it is on the deny list of {}", self.place.told());
        session.print_change(&answer, &done)
    }

    /// Asks before what is denied already is denied for a shorter time.
    fn confirm(&self, document: &DenyDocument, list: &Value, now: Moment) -> Result<(), CliError> {
        let id = document.what().map(|what| what.id().to_string());
        let Some(stored) = id.ok().and_then(|id| listed(list, &id)) else {
            return Ok(());
        };
        let end = |text: &str| Moment::parse(text).unwrap_or(Moment::MAX);
        let stored_end = end(&show::text(stored, "/until"));
        let until = document.until.as_ref().map_or(Moment::MAX, |until| until.0);
        if stored_end <= now || until >= stored_end {
            return Ok(());
        }
        let deed = format!("shorten a denial of {}", self.place.told());
        let affected = format!("{} is let in again at {until}", value(stored));
        self.asking.yes.confirm(&deed, &[affected])
    }

    fn document(&self, now: Moment) -> Result<DenyDocument, CliError> {
        let until = self
            .until
            .as_deref()
            .map(|text| token::end("--until", text, now));
        let mut document = DenyDocument {
            certificate_sha256: self.certificate_sha256.map(Text),
            key_sha256: self.key_sha256.map(Text),
            serial: self.serial.clone().map(Text),
            subject: self.subject.clone().map(Text),
            issuer: self.issuer.clone().map(Text),
            reason: Text(self.reason.clone()),
            until: until.transpose()?.map(Text),
        };
        if let (Some(path), Some(by)) = (&self.certificate_file, self.by) {
            let not_deniable = |problem: String| CliError::NotDeniable {
                path: path.clone(),
                problem,
            };
            let certificate = only(&files::bytes(path)?).map_err(not_deniable)?;
            let facts = certificate.facts();
            let name = |raw: &[u8]| DistinguishedName::from_der(raw).map(Text);
            let wrong = |error: crate::pki::distinguished::InvalidDistinguishedName| {
                not_deniable(error.to_string())
            };
            match by {
                By::Certificate => {
                    document.certificate_sha256 = Some(Text(certificate.fingerprint()));
                }
                By::Key => document.key_sha256 = Some(Text(facts.spki_sha256)),
                By::Serial => {
                    document.serial = Some(Text(SerialNumber::of(facts)));
                    document.issuer = Some(name(&facts.raw_issuer).map_err(wrong)?);
                }
                By::Subject => document.subject = Some(name(&facts.raw_subject).map_err(wrong)?),
            }
        }
        Ok(document)
    }
}

/// The one certificate of a file: of several it would not be sure which one is meant.
fn only(bytes: &[u8]) -> Result<Certificate, String> {
    let upload = upload::read(bytes, None).map_err(|wrong| wrong.to_string())?;
    match upload.certificates.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err("it holds no certificate: give the one that is to be denied".to_owned()),
        several => Err(format!(
            "it holds {} certificates: give a file with the one that is to be denied alone",
            several.len()
        )),
    }
}

fn listed<'a>(list: &'a Value, id: &str) -> Option<&'a Value> {
    let mut denials = show::items(list, "/denials").iter();
    denials.find(|denial| show::text(denial, "/id") == id)
}

/// What is denied, in a cell.
fn value(denial: &Value) -> String {
    let text = |pointer| show::some_text(denial, pointer);
    let serial = || {
        let issuer = text("/issuer");
        let issuer = issuer.unwrap_or_else(|| "any issuer".to_owned());
        Some(format!("serial {} of {issuer}", text("/serial")?))
    };
    let digest = |what: &str, pointer| Some(format!("{what} {}", text(pointer)?));
    digest("certificate", "/certificateSha256")
        .or_else(|| digest("key", "/keySha256"))
        .or_else(serial)
        .or_else(|| digest("subject", "/subject"))
        .unwrap_or_else(|| "-".to_owned())
}

fn in_words(answer: &Value, place: &Place) -> String {
    let denials = show::items(answer, "/denials");
    if denials.is_empty() {
        return format!(
            "The deny list is empty: put something on it with 'realmgate deny add {}'.\n",
            place.flags()
        );
    }
    let mut table = Table::new(&["DENIED", "REASON", "UNTIL", "STATE", "BY", "SINCE", "ID"]);
    for denial in denials {
        let cell = |pointer| show::text(denial, pointer);
        table.push([
            value(denial),
            cell("/reason"),
            cell("/until"),
            cell("/state"),
            cell("/by"),
            cell("/added"),
            cell("/id"),
        ]);
    }
    table.to_text()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::cli::args::{Arguments, Command};

    const A: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn parsed(flags: &[&str]) -> Result<Add, clap::Error> {
        let line = [
            "realmgate",
            "deny",
            "add",
            "--realm",
            "acme",
            "--environment",
            "prod",
        ];
        let words = line.iter().chain(flags).chain(&["--reason", "lost"]);
        let Command::Deny(DenyVerb::Add(add)) = Arguments::try_parse_from(words)?.command else {
            panic!("{flags:?}");
        };
        Ok(*add)
    }

    #[test]
    fn what_is_given_is_sent() {
        let now = Moment::parse("2027-01-01").unwrap();
        let cases: [(&[&str], Value); 4] = [
            (
                &["--certificate-sha256", A],
                json!({"certificate-sha256": A}),
            ),
            (
                &["--key-sha256", A, "--until", "30d"],
                json!({"key-sha256": A, "until": "2027-01-31T00:00:00Z"}),
            ),
            (
                &["--serial", "0A:3F", "--issuer", "CN=Root,O=Acme\\, Inc."],
                json!({"serial": "0a3f", "issuer": "CN=Root,O=Acme\\, Inc."}),
            ),
            (
                &["--subject", "CN=client-1"],
                json!({"subject": "CN=client-1"}),
            ),
        ];
        for (flags, mut expect) in cases {
            expect["reason"] = json!("lost");
            let document = parsed(flags).unwrap().document(now).unwrap();
            assert_eq!(serde_json::to_value(document).unwrap(), expect);
        }
    }

    #[test]
    fn what_names_nothing_or_too_much_is_a_usage_error() {
        let cases: [&[&str]; 7] = [
            &[],
            &["--serial", "01", "--key-sha256", A],
            &["--issuer", "CN=a"],
            &["--subject", "C=US, O=Acme"],
            &["--certificate-file", "a.pem"],
            &["--by", "key", "--subject", "CN=a"],
            &["--serial", "xyz"],
        ];
        for flags in cases {
            assert_eq!(parsed(flags).unwrap_err().exit_code(), 2, "{flags:?}");
        }
    }

    #[test]
    fn a_list_says_what_is_denied_and_why() {
        let list = json!({"denials": [
            {"id": A, "what": "serial", "serial": "0a", "issuer": null, "reason": "lost",
             "until": null, "state": "active", "by": "ada", "added": "2027-01-01T00:00:00Z"},
            {"id": A, "what": "subject", "subject": "CN=a", "reason": "left", "until":
             "2027-01-02T00:00:00Z", "state": "ended", "by": "ada", "added": "2027-01-01T00:00:00Z"},
        ]});
        let add = parsed(&["--serial", "01"]).unwrap();
        let text = in_words(&list, &add.place);
        for expect in [
            "serial 0a of any issuer  lost    -  ",
            "subject CN=a",
            "ended",
        ] {
            assert!(text.contains(expect), "{expect}\n{text}");
        }
        assert!(in_words(&json!({"denials": []}), &add.place).contains("is empty"));
    }
}
