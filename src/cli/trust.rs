//! `realmgate trust …`

use std::collections::BTreeMap;

use clap::{ArgGroup, Subcommand};
use http::Method;
use serde_json::Value;

use crate::cli::error::CliError;
use crate::cli::flag;
use crate::cli::session::{Asking, Session};
use crate::cli::show;
use crate::cli::table::{Table, plain};
use crate::client::path::Path;
use crate::domain::trust_policy::{HandshakePolicy, Pin, RevocationScope, Signatures, TrustPolicy};
use crate::manifest::document::{AnchorDocument, TrustBody};
use crate::manifest::text::Text;
use crate::manifest::trust::{self, OutOfDateDocument, RecordBytesDocument};
use crate::pki::fingerprint::Fingerprint;

/// What to do with trust policies.
#[derive(Clone, Debug, Subcommand)]
pub enum TrustVerb {
    /// Show what a realm asks of its clients
    Show {
        /// Where.
        #[command(flatten)]
        place: Place,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Change what a realm asks of its clients; what is not given stays as it is
    Set(Box<Set>),
}

/// A realm's environment.
#[derive(Clone, Debug, clap::Args)]
pub struct Place {
    /// Whose
    #[arg(long, value_parser = flag::realm)]
    realm: String,
    /// Where
    #[arg(long, value_parser = ["test", "prod"])]
    environment: String,
}

impl Place {
    /// The path of what `noun` names there.
    pub(crate) fn path(&self, noun: &str) -> Path {
        Path::of(&["realms", &self.realm, noun, &self.environment])
    }

    /// The path of one of the things that `noun` names there.
    pub(crate) fn path_of(&self, noun: &str, one: &str) -> Path {
        Path::of(&["realms", &self.realm, noun, &self.environment, one])
    }

    /// A path in the realm, whatever the environment.
    pub(crate) fn path_in_realm(&self, below: &[&str]) -> Path {
        let segments: Vec<&str> = ["realms", &self.realm]
            .into_iter()
            .chain(below.iter().copied())
            .collect();
        Path::of(&segments)
    }

    /// The path of what is below one of the things that `noun` names there.
    pub(crate) fn path_below(&self, noun: &str, one: &str, below: &str) -> Path {
        Path::of(&["realms", &self.realm, noun, &self.environment, one, below])
    }

    /// The place as it is given on the command line.
    pub(crate) fn flags(&self) -> String {
        format!("--realm {} --environment {}", self.realm, self.environment)
    }

    /// The place in words.
    pub(crate) fn told(&self) -> String {
        format!("realm {} in {}", self.realm, self.environment)
    }
}

/// What is to change.
#[derive(Clone, Debug, clap::Args)]
#[command(group(
    ArgGroup::new("change")
        .required(true)
        .multiple(true)
        .args(["revocation", "crl_out_of_date", "signatures", "ca_names", "handshake", "record_bytes", "pin", "clear_pins", "unpin", "clear_anchor"])
))]
pub struct Set {
    /// Where.
    #[command(flatten)]
    place: Place,
    /// Which certificates are looked up in revocation lists: none, the client's own, or all but the anchor
    #[arg(long, value_name = "off|leaf|chain", value_parser = flag::revocation)]
    revocation: Option<RevocationScope>,
    /// What a list is worth after its nextUpdate: nothing (refuse), as much as before for so many hours (24h), or for
    /// good (allow)
    #[arg(long, value_name = "refuse|Nh|allow", value_parser = flag::out_of_date)]
    crl_out_of_date: Option<OutOfDateDocument>,
    /// Let these two hold for the clients of one anchor (its SHA-256), rather than of all
    #[arg(long, value_name = "SHA256", value_parser = flag::sha256)]
    anchor: Option<Fingerprint>,
    /// Let the clients of this anchor be like those of all others again
    #[arg(long, value_name = "SHA256", value_parser = flag::sha256)]
    clear_anchor: Vec<Fingerprint>,
    /// How certificates may be signed: modern (SHA-2), or strict (without RSA PKCS#1 v1.5 and short RSA keys)
    #[arg(long, value_name = "modern|strict", value_parser = flag::signatures)]
    signatures: Option<Signatures>,
    /// Whether the realm's own host tells clients the names of its anchors
    #[arg(long, value_name = "true|false")]
    ca_names: Option<bool>,
    /// What becomes of the handshake of a client that is not let in, on the realm's own host: it fails (strict), or it is
    /// completed and each request is told why, with 403 (explain)
    #[arg(long, value_name = "strict|explain", value_parser = flag::handshake)]
    handshake: Option<HandshakePolicy>,
    /// How much content a TLS record has at most that the realm's own host sends: 512 to 16384 bytes
    #[arg(long, value_name = "N|default", value_parser = flag::record_bytes)]
    record_bytes: Option<RecordBytesDocument>,
    /// Expect this client too, and nobody without a pin: certificate:SHA256 or key:SHA256; may be repeated
    #[arg(long, value_name = "PIN", value_parser = flag::pin)]
    pin: Vec<Pin>,
    /// Expect this client no more; may be repeated
    #[arg(long, value_name = "PIN", value_parser = flag::pin, conflicts_with = "clear_pins")]
    unpin: Vec<Pin>,
    /// Drop all present pins
    #[arg(long)]
    clear_pins: bool,
    /// How the server is asked.
    #[command(flatten)]
    asking: Asking,
}

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &TrustVerb) -> Result<(), CliError> {
    match verb {
        TrustVerb::Show { place, asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&place.path("trust"))?;
            session.print(&answer, in_words)
        }
        TrustVerb::Set(set) => {
            set.check()?;
            let session = Session::open(&set.asking)?;
            let path = set.place.path("trust");
            let present = present(&session.get(&path)?)?;
            let body = set.change(&present);
            set.confirm(&body, &present)?;
            let body = serde_json::to_value(&body).map_err(|source| CliError::Encode { source })?;
            let deed = format!("change the trust policy of {}", set.place.told());
            let answer =
                session.change_asking((&Method::PUT, &path, &body), set.asking.yes, &deed)?;
            let done = format!("the trust policy of {} is saved", set.place.told());
            session.print_change(&answer, &done)
        }
    }
}

/// The policy that the server tells of.
fn present(answer: &Value) -> Result<TrustBody, CliError> {
    let mut told = answer.clone();
    if let Some(fields) = told.as_object_mut() {
        for field in ["realm", "environment", "crls", "denials", "notInstalled"] {
            fields.remove(field);
        }
    }
    serde_json::from_value(told).map_err(|source| CliError::Encode { source })
}

impl Set {
    /// Refuses what one anchor cannot have for itself.
    fn check(&self) -> Result<(), CliError> {
        let others = self.signatures.is_some()
            || self.ca_names.is_some()
            || self.handshake.is_some()
            || self.record_bytes.is_some()
            || self.clear_pins
            || !self.pin.is_empty()
            || !self.unpin.is_empty();
        if self.anchor.is_some() && others {
            return Err(CliError::NotOfAnAnchor);
        }
        Ok(())
    }

    /// The keys that change.
    fn change(&self, present: &TrustBody) -> TrustBody {
        let for_all = self.anchor.is_none();
        TrustBody {
            revocation: self.revocation.filter(|_| for_all).map(Text),
            crl_out_of_date: self.crl_out_of_date.filter(|_| for_all),
            signatures: self.signatures.map(Text),
            pins: self.pins(present),
            ca_names: self.ca_names,
            handshake: self.handshake.map(Text),
            record_bytes: self.record_bytes,
            anchor: self.anchors(present),
        }
    }

    fn pins(&self, present: &TrustBody) -> Option<Vec<Text<Pin>>> {
        if self.pin.is_empty() && self.unpin.is_empty() && !self.clear_pins {
            return None;
        }
        let mut pins = present.pins.clone().unwrap_or_default();
        if self.clear_pins {
            pins.clear();
        }
        pins.retain(|pin| !self.unpin.contains(&pin.0));
        pins.extend(self.pin.iter().copied().map(Text));
        Some(pins)
    }

    fn anchors(&self, present: &TrustBody) -> Option<Vec<AnchorDocument>> {
        if self.anchor.is_none() && self.clear_anchor.is_empty() {
            return None;
        }
        let anchors = present.anchor.clone().unwrap_or_default().into_iter();
        let mut anchors: BTreeMap<Fingerprint, AnchorDocument> = anchors
            .map(|anchor| (anchor.sha256.0, anchor))
            .filter(|(sha256, _)| !self.clear_anchor.contains(sha256))
            .collect();
        if let Some(sha256) = self.anchor {
            let anchor = anchors.entry(sha256).or_insert(AnchorDocument {
                sha256: Text(sha256),
                revocation: None,
                crl_out_of_date: None,
            });
            if let Some(scope) = self.revocation {
                anchor.revocation = Some(Text(scope));
            }
            anchor.crl_out_of_date = self.crl_out_of_date.or(anchor.crl_out_of_date);
        }
        Some(anchors.into_values().collect())
    }

    /// Asks before something is asked of clients no more.
    fn confirm(&self, body: &TrustBody, present: &TrustBody) -> Result<(), CliError> {
        // The server judges for itself what it is sent: where this does not hold together, it says why.
        let policies = trust::policy(present, &TrustPolicy::default()).and_then(|before| {
            let after = trust::policy(body, &before)?;
            Ok((before, after))
        });
        let Ok((before, after)) = policies else {
            return Ok(());
        };
        if !after.loosens(&before) {
            return Ok(());
        }
        let difference = after.difference(&before).into_iter();
        let told: Vec<String> = difference
            .map(|(name, words)| format!("{name}: {words}"))
            .collect();
        let deed = format!("ask less of the clients of {}", self.place.told());
        self.asking.yes.confirm(&deed, &told)
    }
}

fn in_words(answer: &Value) -> String {
    let rows = [
        ("realm", "/realm"),
        ("environment", "/environment"),
        ("revocation", "/revocation"),
        ("out-of-date lists", "/crl-out-of-date"),
        ("lists", "/crls"),
        ("deny list", "/denials"),
        ("signatures", "/signatures"),
        ("tells names of CAs", "/ca-names"),
        ("handshake", "/handshake"),
        ("record bytes", "/record-bytes"),
    ];
    let mut text = show::sheet(answer, &rows, 0);
    let anchors = show::items(answer, "/anchor");
    if !anchors.is_empty() {
        let mut table = Table::new(&["ANCHOR", "REVOCATION", "OUT-OF-DATE LISTS", "STATE"]);
        for anchor in anchors {
            let [sha256, revocation, lists] = ["/sha256", "/revocation", "/crl-out-of-date"]
                .map(|pointer| show::text(anchor, pointer));
            let mut missing = show::items(answer, "/notInstalled").iter();
            let is_missing = missing.any(|missing| missing.as_str() == Some(sha256.as_str()));
            let state = if is_missing {
                "not installed"
            } else {
                "installed"
            };
            table.push([sha256, revocation, lists, state.to_owned()]);
        }
        text.push('\n');
        text.push_str(&table.to_text());
    }
    let pins = show::items(answer, "/pins");
    if pins.is_empty() {
        text.push_str(
            "\nThere are no pins: every client is let in whose chain ends at an anchor, but for those on the deny list.\n",
        );
    } else {
        text.push_str("\nOnly clients with one of these pins are let in:\n");
        for pin in pins {
            text.push_str(&format!("  {}\n", plain(pin.as_str().unwrap_or_default())));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::cli::args::{Arguments, Command};

    const A: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const B: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// What is sent where `flags` are given and `stored` is there.
    fn sent(flags: &str, stored: &Value) -> Value {
        let line = format!("realmgate trust set --realm acme --environment prod {flags}");
        let parsed = Arguments::try_parse_from(line.split(' ')).unwrap();
        let Command::Trust(TrustVerb::Set(set)) = parsed.command else {
            panic!("{line}");
        };
        let body = set.change(&present(stored).unwrap());
        serde_json::to_value(&body).unwrap()
    }

    #[test]
    fn only_what_is_given_is_sent() {
        let stored = json!({"realm": "acme", "environment": "prod", "crls": 0, "revocation": "leaf",
            "pins": [format!("key:{A}")], "anchor": [{"sha256": A, "revocation": "off"}]});
        let cases = [
            ("--revocation chain", json!({"revocation": "chain"})),
            (
                "--crl-out-of-date 24h",
                json!({"crl-out-of-date": {"allow-hours": 24}}),
            ),
            (
                "--signatures strict --ca-names true",
                json!({"signatures": "strict", "ca-names": true}),
            ),
            (
                "--handshake explain --record-bytes 1024",
                json!({"handshake": "explain", "record-bytes": 1024}),
            ),
            (
                "--handshake strict --record-bytes default",
                json!({"handshake": "strict", "record-bytes": "default"}),
            ),
            (
                &format!("--pin key:{B}"),
                json!({"pins": [format!("key:{A}"), format!("key:{B}")]}),
            ),
            (
                &format!("--clear-pins --pin key:{B}"),
                json!({"pins": [format!("key:{B}")]}),
            ),
            (&format!("--unpin key:{A}"), json!({"pins": []})),
            (
                &format!("--anchor {A} --crl-out-of-date allow"),
                json!({"anchor": [{"sha256": A, "revocation": "off", "crl-out-of-date": "allow"}]}),
            ),
            (
                &format!("--anchor {B} --revocation chain --clear-anchor {A}"),
                json!({"anchor": [{"sha256": B, "revocation": "chain"}]}),
            ),
        ];
        for (flags, expect) in cases {
            assert_eq!(sent(flags, &stored), expect, "{flags}");
        }
    }

    #[test]
    fn what_holds_for_the_whole_realm_is_refused_for_one_anchor() {
        let refused = |flags: &str| {
            let line = format!("realmgate trust set --realm acme --environment prod {flags}");
            let parsed = Arguments::try_parse_from(line.split(' ')).unwrap();
            let Command::Trust(TrustVerb::Set(set)) = parsed.command else {
                panic!("{line}");
            };
            set.check().is_err()
        };
        let anchor = format!("--anchor {A} --revocation off");
        for others in [
            "--signatures strict".to_owned(),
            "--ca-names true".to_owned(),
            "--handshake explain".to_owned(),
            "--record-bytes 512".to_owned(),
            "--clear-pins".to_owned(),
            format!("--pin key:{A}"),
            format!("--unpin key:{A}"),
        ] {
            assert!(refused(&format!("{anchor} {others}")), "{others}");
            assert!(!refused(&format!("--revocation off {others}")), "{others}");
        }
        assert!(!refused(&anchor));
    }

    #[test]
    fn the_policy_is_shown_with_its_exceptions_and_pins() {
        let text = in_words(
            &json!({"realm": "acme", "environment": "prod", "crls": 2, "revocation": "leaf",
            "crl-out-of-date": {"allow-hours": 24}, "signatures": "modern", "ca-names": false,
            "notInstalled": [B],
            "pins": [format!("key:{A}")], "anchor": [{"sha256": B, "revocation": "off"}]}),
        );
        for expect in [
            "revocation          leaf\n",
            "out-of-date lists   allow-hours=24\n",
            &format!("{B}  off         -                  not installed\n"),
            &format!("  key:{A}\n"),
        ] {
            assert!(text.contains(expect), "{expect}\n{text}");
        }
    }
}
