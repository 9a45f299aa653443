//! `realmgate installation promote` and `restore`: what changes is shown, then carried out as it was shown.

use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::session::{Asking, Session, say, warnings_in_words};
use crate::cli::show;
use crate::cli::table::plain;
use crate::client::path::Path;

/// Installs in `prod` what is installed in `test`.
///
/// # Errors
/// [`CliError`].
pub fn promote(
    realm: &str,
    account: Option<&str>,
    dry_run: bool,
    asking: &Asking,
) -> Result<(), CliError> {
    let path = Path::of(&["realms", realm, "promote"]);
    let deed = format!("change whom realm {realm} trusts in prod");
    carry_out(&path, json!({ "account": account }), &deed, dry_run, asking)
}

/// Brings back what was installed before the latest change.
///
/// # Errors
/// [`CliError`].
pub fn restore(
    realm: &str,
    environment: &str,
    account: Option<&str>,
    dry_run: bool,
    asking: &Asking,
) -> Result<(), CliError> {
    let path = Path::of(&["realms", realm, "restore"]);
    let deed = format!("change whom realm {realm} trusts in {environment}");
    let wanted = json!({ "environment": environment, "account": account });
    carry_out(&path, wanted, &deed, dry_run, asking)
}

fn carry_out(
    path: &Path,
    mut wanted: Value,
    deed: &str,
    dry_run: bool,
    asking: &Asking,
) -> Result<(), CliError> {
    let session = Session::open(asking)?;
    set(&mut wanted, "dryRun", json!(true));
    let planned = session.post(path, &wanted)?;
    if dry_run {
        return session.print(&planned, |answer| {
            format!("{}Nothing was changed (--dry-run).\n", in_words(answer))
        });
    }
    if !session.json() {
        say(&in_words(&planned))?;
    }
    asking.yes.confirm(deed, &changes(&planned))?;
    // What was shown is what was confirmed: where anything changed since, the server refuses.
    set(&mut wanted, "dryRun", json!(false));
    set(&mut wanted, "confirmed", json!(true));
    let revision = planned.get("revision").cloned().unwrap_or_default();
    set(&mut wanted, "revision", revision);
    let answer = session.post(path, &wanted)?;
    session.print(&answer, |answer| {
        if show::items(answer, "/accounts").is_empty() {
            "Nothing to do.\n".to_owned()
        } else {
            format!("Done (revision {}).\n", show::text(answer, "/revision"))
        }
    })
}

fn set(body: &mut Value, key: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(key.to_owned(), value);
    }
}

/// What changes, account by account, then what stands in the way and what there is to know.
fn in_words(answer: &Value) -> String {
    let mut text = String::new();
    for account in show::items(answer, "/accounts") {
        text.push_str(&format!(
            "Account {} in {}:\n",
            plain(&show::text(account, "/account")),
            show::text(answer, "/environment")
        ));
        for (sign, pointer) in [("+", "/added"), ("-", "/removed"), (" ", "/unchanged")] {
            for anchor in show::items(account, pointer) {
                text.push_str(&format!("  {sign} {}\n", told(anchor)));
            }
        }
    }
    if text.is_empty() {
        text.push_str("No installation changes.\n");
    }
    if let Some(hindrance) = show::some_text(answer, "/hindrance") {
        text.push_str(&format!("Not possible now: {}\n", plain(&hindrance)));
    }
    text.push_str(&warnings_in_words(answer));
    text
}

/// Who is affected, a line each.
fn changes(answer: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for account in show::items(answer, "/accounts") {
        for anchor in show::items(account, "/added") {
            lines.push(format!("clients of {} are let in", told(anchor)));
        }
        for anchor in show::items(account, "/removed") {
            lines.push(format!("clients of {} are let in no more", told(anchor)));
        }
    }
    lines
}

fn told(anchor: &Value) -> String {
    format!(
        "{} (SHA-256 {})",
        plain(&show::text(anchor, "/subject")),
        show::text(anchor, "/fingerprint")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_goes_and_stays_is_told_apart() {
        let anchor = |name: &str| json!({"subject": format!("CN={name}"), "fingerprint": "00"});
        let answer = json!({
            "environment": "prod",
            "accounts": [{"account": "dgb-mtls-a", "added": [anchor("New")], "removed": [anchor("Old")],
                          "unchanged": [anchor("Same")]}],
            "hindrance": "CN=New has 2 of 10", "warnings": ["mind the gap"]
        });
        let expect = "Account dgb-mtls-a in prod:\n  + CN=New (SHA-256 00)\n  - CN=Old (SHA-256 00)\n    CN=Same (SHA-256 00)\n\
                      Not possible now: CN=New has 2 of 10\nNote: mind the gap\n";
        assert_eq!(in_words(&answer), expect);
        assert_eq!(
            changes(&answer),
            [
                "clients of CN=New (SHA-256 00) are let in",
                "clients of CN=Old (SHA-256 00) are let in no more"
            ]
        );
        assert_eq!(in_words(&json!({})), "No installation changes.\n");
    }
}
