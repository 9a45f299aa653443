//! `realmgate test-certificate`: what would come of a client with a chain.

use std::path::{Path as FilePath, PathBuf};
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::cli::apply;
use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::flag;
use crate::cli::session::{Asking, Session, warnings_in_words};
use crate::cli::show;
use crate::cli::table::plain;
use crate::cli::trust::Place;
use crate::pki::certificate::to_pem;
use crate::pki::presented;
use crate::pki::secret::Secret;

/// What ends with this status could not be tested.
const NOT_TESTED: u8 = 2;

/// Tells what would come of a client with these certificates: every check, the verdict, and until when it is good
///
/// Nothing is changed and nothing is kept. Exit status: 0 where the client is trusted (at --at, or after the change, where
/// one is given); 1 where it is not; 2 where that could not be found out.
#[derive(Clone, Debug, clap::Args)]
pub struct TestCertificate {
    /// Where.
    #[command(flatten)]
    place: Place,
    /// What the client sends: its certificate, then its issuers (PEM; or one certificate in DER); '-' is standard input.
    /// A private key is refused and stays here
    #[arg(value_name = "FILE", required_unless_present = "refusal")]
    chain: Option<PathBuf>,
    /// Test the chain that a refused client of the realm showed, by its number among the refusals
    #[arg(long, value_name = "NUMBER", conflicts_with = "chain")]
    refusal: Option<u64>,
    /// Judge at this moment as well (2027-01-31, or 2027-01-31T12:00:00Z)
    #[arg(long, value_name = "TIME", value_parser = flag::moment)]
    at: Option<String>,
    /// Judge as if this account's certificates were installed
    #[arg(long, value_name = "ACCOUNT", value_parser = flag::account, group = "change")]
    after_install: Option<String>,
    /// Judge as if this account's installation were removed
    #[arg(long, value_name = "ACCOUNT", value_parser = flag::account, group = "change")]
    after_remove: Option<String>,
    /// Judge as if this manifest were applied
    #[arg(long, value_name = "MANIFEST", group = "change")]
    after_change: Option<PathBuf>,
    /// How the server is asked.
    #[command(flatten)]
    asking: Asking,
}

/// Carries it out.
pub fn main(test: &TestCertificate) -> ExitCode {
    match run(test) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("realmgate: {error}");
            ExitCode::from(NOT_TESTED)
        }
    }
}

/// Whether the client is trusted in every way that was asked for.
fn run(test: &TestCertificate) -> Result<bool, CliError> {
    let given = test.chain.as_deref().map(chain).transpose()?;
    let mut body = Map::new();
    if let Some(at) = &test.at {
        body.insert("at".to_owned(), Value::from(at.as_str()));
    }
    let change = test.change()?;
    let has_change = change.is_some();
    if let Some(change) = change {
        body.insert("change".to_owned(), change);
    }
    let session = Session::open(&test.asking)?;
    let chain = match (given, test.refusal) {
        (Some(chain), _) => chain,
        (None, refusal) => {
            let number = refusal.unwrap_or_default().to_string();
            session.get_text(&test.place.path_in_realm(&["refusals", &number, "chain"]))?
        }
    };
    body.insert("chain".to_owned(), Value::from(chain));
    let answer = session.post(&test.place.path("test-certificate"), &Value::Object(body))?;
    session.print(&answer, in_words)?;
    let trusted = |pointer: &str| answer.pointer(pointer).and_then(Value::as_bool);
    // What was asked for decides; else the present.
    let mut asked = Vec::new();
    if test.at.is_some() {
        asked.push(trusted("/at/trusted"));
    }
    if has_change {
        asked.push(trusted("/after/trusted"));
    }
    if asked.is_empty() {
        asked.push(trusted("/now/trusted"));
    }
    Ok(asked.into_iter().all(|trusted| trusted == Some(true)))
}

/// The certificates of a file as PEM, and nothing else of it.
fn chain(path: &FilePath) -> Result<String, CliError> {
    // It may hold a private key by mistake, which is overwritten then.
    let bytes = Secret::from_bytes(files::bytes(path)?);
    let certificates = presented::read(bytes.expose()).map_err(|source| CliError::Presented {
        path: path.to_owned(),
        source,
    })?;
    Ok(certificates
        .iter()
        .map(|der| to_pem("CERTIFICATE", der))
        .collect())
}

impl TestCertificate {
    fn change(&self) -> Result<Option<Value>, CliError> {
        if let Some(account) = &self.after_install {
            return Ok(Some(json!({ "install": [account] })));
        }
        if let Some(account) = &self.after_remove {
            return Ok(Some(json!({ "remove": [account] })));
        }
        let Some(manifest) = &self.after_change else {
            return Ok(None);
        };
        Ok(Some(json!({ "manifest": apply::document(manifest)? })))
    }
}

fn in_words(answer: &Value) -> String {
    let mut text = String::from("Given\n");
    for given in show::items(answer, "/certificates") {
        text.push_str(&given_in_words(given));
    }
    if let Some(now) = answer.pointer("/now") {
        text.push_str(&verdict_in_words("Now", now));
    }
    if let Some(at) = there(answer, "/at") {
        let heading = format!("At {}", show::text(at, "/moment"));
        text.push_str(&verdict_in_words(&heading, at));
    }
    if let Some(after) = there(answer, "/after") {
        text.push_str("\nAfter a change\n");
        for change in show::items(after, "/changes") {
            let line = plain(change.as_str().unwrap_or_default());
            text.push_str(&format!("    {line}\n"));
        }
        text.push_str(&verdict_in_words("Then", after));
        text.push_str(&warnings_in_words(after));
    }
    for note in show::items(answer, "/notes") {
        let line = plain(note.as_str().unwrap_or_default());
        text.push_str(&format!("Note: {line}\n"));
    }
    text
}

fn there<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    value.pointer(pointer).filter(|value| !value.is_null())
}

fn given_in_words(given: &Value) -> String {
    let place = show::text(given, "/place");
    if let Some(problem) = show::some_text(given, "/problem") {
        return format!("  {place}. {}\n", plain(&problem));
    }
    let rows = [
        ("issuer", "/certificate/issuer"),
        ("serial", "/certificate/serial"),
        ("SHA-256", "/certificate/fingerprint"),
        ("valid from", "/certificate/notBefore"),
        ("until", "/certificate/notAfter"),
        ("key", "/certificate/key"),
        ("signed with", "/certificate/signatureAlgorithm"),
    ];
    let subject = plain(&show::text(given, "/certificate/subject"));
    format!("  {place}. {subject}\n{}", show::sheet(given, &rows, 5))
}

fn verdict_in_words(heading: &str, verdict: &Value) -> String {
    let mut text = format!("\n{heading}\n");
    let sent = show::items(verdict, "/sent");
    for step in sent {
        text.push_str(&step_in_words(step, ""));
    }
    for issuer in show::items(verdict, "/issuers") {
        text.push_str(&issuer_in_words(issuer));
    }
    for (place, path) in (1_usize..).zip(show::items(verdict, "/paths")) {
        text.push_str(&path_in_words(place, path));
    }
    let left_out = show::text(verdict, "/pathsLeftOut");
    if !matches!(left_out.as_str(), "0" | "-") {
        text.push_str(&format!("  and {left_out} more paths\n"));
    }
    text.push_str(&outcome_in_words(verdict));
    text
}

fn issuer_in_words(issuer: &Value) -> String {
    let field = |pointer| plain(&show::text(issuer, pointer));
    let origin = match field("/origin").as_str() {
        "anchor" => "the trust anchor",
        "sent" => "sent along:",
        _ => "the helper",
    };
    let (mark, says) = match field("/signature").as_str() {
        "holds" => ("✓", "its signature holds"),
        "wrong" => ("✗", "its signature does not hold"),
        "algorithm-not-accepted" => ("✗", "its signature algorithm is not accepted"),
        "key-not-accepted" => ("✗", "the issuer's key is not accepted"),
        _ => ("–", "its signature was not checked"),
    };
    let key_ids = match field("/keyIds").as_str() {
        "same" => "same key identifier",
        "different" => "other key identifier",
        _ => "no key identifier to compare",
    };
    format!(
        "  {mark} {} issued by {origin} {} (same name, {key_ids}): {says}\n",
        field("/certificate"),
        field("/issuer")
    )
}

fn path_in_words(place: usize, path: &Value) -> String {
    let certificates = show::items(path, "/certificates");
    let mut text = format!("  Path {place}\n");
    for (place, certificate) in certificates.iter().enumerate() {
        let subject = plain(&show::text(certificate, "/subject"));
        let origin = match show::text(certificate, "/origin").as_str() {
            "anchor" => format!(
                "trust anchor of {}",
                plain(&show::text(certificate, "/account"))
            ),
            "helper" => "helper".to_owned(),
            _ => "sent".to_owned(),
        };
        text.push_str(&format!("    {place}. {subject} ({origin})\n"));
    }
    let steps = show::items(path, "/steps");
    let mut rest = steps;
    while let Some(first) = rest.first() {
        let check = show::text(first, "/check");
        let count = rest
            .iter()
            .take_while(|step| show::text(step, "/check") == check)
            .count();
        let (same, others) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        let is_ok = |step: &Value| show::text(step, "/outcome") == "ok";
        if same.iter().all(is_ok) {
            text.push_str(&step_in_words(first, "  "));
        } else {
            let not_ok = same.iter().filter(|step| !is_ok(step));
            text.extend(not_ok.map(|step| step_in_words(step, "  ")));
        }
        rest = others;
    }
    for list in show::items(path, "/lists") {
        let field = |pointer| plain(&show::text(list, pointer));
        text.push_str(&format!(
            "      {} is not in the list of {} of {}\n",
            field("/certificate"),
            field("/issuer"),
            field("/thisUpdate")
        ));
    }
    text
}

fn step_in_words(step: &Value, indent: &str) -> String {
    let words = plain(&show::text(step, "/words"));
    match show::text(step, "/outcome").as_str() {
        "ok" => format!("{indent}  ✓ {words}\n"),
        "failed" => format!(
            "{indent}  ✗ {words}: {}: {}\n",
            plain(&show::text(step, "/reason")),
            plain(&show::text(step, "/sentence"))
        ),
        _ => format!("{indent}  – {words}: not asked for\n"),
    }
}

fn outcome_in_words(verdict: &Value) -> String {
    let field = |pointer| plain(&show::text(verdict, pointer));
    let is_trusted = verdict.pointer("/trusted").and_then(Value::as_bool) == Some(true);
    let mut text = if is_trusted {
        format!("  TRUSTED. {}\n", field("/sentence"))
    } else {
        format!(
            "  NOT TRUSTED: {} (alert {}). {}\n",
            field("/reason"),
            field("/alert"),
            field("/sentence")
        )
    };
    if let Some(next) = there(verdict, "/next") {
        let field = |pointer| plain(&show::text(next, pointer));
        let then = if next.pointer("/trusted").and_then(Value::as_bool) == Some(true) {
            "trusted".to_owned()
        } else {
            field("/reason")
        };
        text.push_str(&format!(
            "  From {} on: {then}. {}\n",
            field("/at"),
            field("/sentence")
        ));
    }
    text.push_str(&format!(
        "  On the shared host {}: {}\n",
        field("/shared/host"),
        field("/shared/sentence")
    ));
    for call in show::items(verdict, "/pipelines") {
        let field = |pointer| plain(&show::text(call, pointer));
        let name = format!("{} v{}", field("/pipeline"), field("/major"));
        text.push_str(&match show::some_text(call, "/sentence") {
            Some(sentence) => format!("  ✗ may not call {name}: {}\n", plain(&sentence)),
            None => format!("  ✓ may call {name}\n"),
        });
    }
    if let Some(advice) = show::some_text(verdict, "/advice") {
        text.push_str(&format!("  What to do: {}\n", plain(&advice)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(check: &str, outcome: &str) -> Value {
        json!({"check": check, "words": format!("{check} words"), "place": 0, "outcome": outcome,
            "reason": "expired", "sentence": "The client certificate CN=a expired."})
    }

    #[test]
    fn checks_that_hold_are_told_once_and_objections_one_by_one() {
        let path = json!({"accepted": false,
            "certificates": [{"subject": "CN=a", "origin": "sent"}, {"subject": "CN=r", "origin": "anchor", "account": "dgb"}],
            "steps": [step("names", "ok"), step("names", "ok"), step("validity", "failed"), step("validity", "ok"),
                step("pins", "not-asked")]});
        assert_eq!(
            path_in_words(1, &path),
            "  Path 1\n    0. CN=a (sent)\n    1. CN=r (trust anchor of dgb)\n    ✓ names words\n    \
             ✗ validity words: expired: The client certificate CN=a expired.\n    – pins words: not asked for\n"
        );
    }

    #[test]
    fn a_verdict_says_what_to_do_at_its_end() {
        let verdict = json!({"trusted": false, "reason": "expired", "alert": "certificate_expired", "sentence": "It is over.",
            "advice": "Renew it.", "next": null, "shared": {"host": "h", "sentence": "The handshake is refused."}});
        let text = verdict_in_words("Now", &verdict);
        assert!(text.contains("NOT TRUSTED: expired (alert certificate_expired). It is over.\n"));
        assert!(text.ends_with("What to do: Renew it.\n"), "{text}");
    }

    #[test]
    fn a_key_stays_here() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("both.pem");
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        std::fs::write(&file, &key).unwrap();
        let told = chain(&file).unwrap_err().to_string();
        assert!(told.contains("there is a private key in it"), "{told}");
        let body: String = key.lines().skip(1).take(1).collect();
        assert!(!told.contains(&body));
    }
}
