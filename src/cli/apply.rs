//! `realmgate apply`: brings the server to the state of manifests.

use std::path::{Path as FilePath, PathBuf};

use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::session::{Asking, Session, say, warnings_in_words};
use crate::cli::show;
use crate::cli::table::{Table, plain};
use crate::client::path::Path;
use crate::manifest::document::Document;
use crate::manifest::{inline, read};

/// Manifests and what to do with them.
#[derive(Clone, Debug, clap::Args)]
pub struct Apply {
    /// The manifests (TOML); '-' is standard input
    #[arg(required = true, value_name = "FILE")]
    manifests: Vec<PathBuf>,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
    /// Remove what the manifests do not name, inside the realms that they name
    #[arg(long)]
    prune: bool,
    /// How the server is asked.
    #[command(flatten)]
    asking: Asking,
}

/// Carries it out: plans, shows the plan, asks where something would be removed, switched off or trusted, and applies all
/// of it or nothing.
///
/// # Errors
/// [`CliError`].
pub fn run(apply: &Apply) -> Result<(), CliError> {
    let documents = apply
        .manifests
        .iter()
        .map(|path| document(path))
        .collect::<Result<Vec<_>, _>>()?;
    let session = Session::open(&apply.asking)?;
    let planned = session.post(
        &Path::of(&["apply"]),
        &json!({ "documents": documents, "dryRun": true, "prune": apply.prune }),
    )?;
    if apply.dry_run {
        return session.print(&planned, |answer| {
            format!(
                "{}Nothing was changed (--dry-run).\n",
                plan_in_words(answer)
            )
        });
    }
    let steps = Steps::of(&planned);
    if !session.json() {
        say(&plan_in_words(&planned))?;
    }
    let weighty = weighty(&planned);
    if !weighty.is_empty() {
        let deed = format!(
            "carry out a plan with {} steps that remove, switch off or trust something",
            weighty.len()
        );
        let asked = apply.asking.yes.confirm(&deed, &weighty);
        asked.map_err(|error| {
            if matches!(error, CliError::NeedsYes { .. }) {
                CliError::PlanUnseen {
                    steps: weighty.join("; "),
                }
            } else {
                error
            }
        })?;
    }
    // What was shown is what was confirmed: where anything changed since, the server refuses.
    let answer = session.post(
        &Path::of(&["apply"]),
        &json!({
            "documents": documents,
            "prune": apply.prune,
            "confirmed": true,
            "revision": planned.get("revision"),
        }),
    )?;
    session.print(&answer, |answer| {
        if steps.changed() == 0 {
            "Nothing to do.\n".to_owned()
        } else {
            format!(
                "Applied: {} (revision {}).\n",
                steps.in_words(),
                show::text(answer, "/revision")
            )
        }
    })
}

/// Reads a manifest, with the files that it names put into it.
///
/// # Errors
/// [`CliError`].
pub(crate) fn document(path: &FilePath) -> Result<Value, CliError> {
    let text = files::text(path)?;
    let mut document: Document = read::toml(&text).map_err(|source| CliError::Document {
        path: path.to_owned(),
        source,
    })?;
    let folder = path.parent().unwrap_or_else(|| FilePath::new(""));
    inline::files(&mut document, |file| files::of_disk(&folder.join(file))).map_err(|source| {
        CliError::Inline {
            path: path.to_owned(),
            source: Box::new(source),
        }
    })?;
    serde_json::to_value(&document).map_err(|source| CliError::Encode { source })
}

/// How many steps of each kind a plan has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Steps {
    created: usize,
    changed: usize,
    deleted: usize,
    unchanged: usize,
}

impl Steps {
    fn of(answer: &Value) -> Self {
        let plan = show::items(answer, "/plan");
        let count = |verb: &str| {
            plan.iter()
                .filter(|step| show::text(step, "/verb") == verb)
                .count()
        };
        Self {
            created: count("create"),
            changed: count("change"),
            deleted: count("delete"),
            unchanged: count("unchanged"),
        }
    }

    const fn changed(self) -> usize {
        self.created
            .saturating_add(self.changed)
            .saturating_add(self.deleted)
    }

    fn in_words(self) -> String {
        format!(
            "{} created, {} changed, {} deleted, {} unchanged",
            self.created, self.changed, self.deleted, self.unchanged
        )
    }
}

/// The steps that somebody must have seen before they are done, a line each.
fn weighty(answer: &Value) -> Vec<String> {
    let weighs = |step: &&Value| {
        let told = step.get("needsConfirmation") == Some(&Value::Bool(true));
        told || show::text(step, "/verb") == "delete"
    };
    let in_words = |step: &Value| {
        let words = [
            "/verb",
            "/noun",
            "/name",
            "/realm",
            "/environment",
            "/detail",
        ];
        let there = words
            .iter()
            .filter_map(|pointer| show::some_text(step, pointer));
        let there: Vec<String> = there.filter(|word| !word.is_empty()).collect();
        plain(&there.join(" "))
    };
    let plan = show::items(answer, "/plan");
    plan.iter().filter(weighs).map(in_words).collect()
}

/// The steps that do something, as a table, then how many there are of each kind, then what there is to know.
fn plan_in_words(answer: &Value) -> String {
    let mut table = Table::new(&["", "WHAT", "REALM", "NAME", "ENVIRONMENT", "DETAIL"]);
    for step in show::items(answer, "/plan") {
        let verb = show::text(step, "/verb");
        if verb != "unchanged" {
            let cells = ["/noun", "/realm", "/name", "/environment"]
                .map(|pointer| show::text(step, pointer));
            table.push(
                [verb]
                    .into_iter()
                    .chain(cells)
                    .chain([show::some_text(step, "/detail").unwrap_or_default()]),
            );
        }
    }
    let rows = if table.is_empty() {
        String::new()
    } else {
        table.to_text()
    };
    format!(
        "{rows}Plan: {}.\n{}",
        plain(&Steps::of(answer).in_words()),
        warnings_in_words(answer)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_shows_what_changes_and_counts_the_rest() {
        let answer = json!({
            "plan": [
                {"verb": "create", "noun": "realm", "realm": "acme", "name": "acme", "environment": null, "detail": ""},
                {"verb": "unchanged", "noun": "account", "realm": "acme", "name": "a", "environment": null, "detail": ""},
                {"verb": "delete", "noun": "deployment", "realm": "acme", "name": "p v1", "environment": "prod", "detail": "not named"}
            ],
            "applied": false, "revision": 1, "warnings": ["mTLS is off in test"]
        });
        let expect = "        WHAT        REALM  NAME  ENVIRONMENT  DETAIL\n\
                      create  realm       acme   acme  -\n\
                      delete  deployment  acme   p v1  prod         not named\n\
                      Plan: 1 created, 0 changed, 1 deleted, 1 unchanged.\n\
                      Note: mTLS is off in test\n";
        assert_eq!(plan_in_words(&answer), expect);
        assert_eq!(Steps::of(&answer).changed(), 2);
    }

    #[test]
    fn what_removes_or_needs_confirmation_is_asked_for() {
        let answer = json!({ "plan": [
            {"verb": "create", "noun": "realm", "realm": "acme", "name": "acme", "environment": null, "detail": ""},
            {"verb": "change", "noun": "installation", "realm": "acme", "name": "a", "environment": "prod",
             "detail": "installed: CN=Root (SHA-256 00)", "needsConfirmation": true},
            {"verb": "delete", "noun": "deployment", "realm": "acme", "name": "p v1", "environment": "prod", "detail": "not named", "needsConfirmation": false}
        ]});
        assert_eq!(
            weighty(&answer),
            [
                "change installation a acme prod installed: CN=Root (SHA-256 00)",
                "delete deployment p v1 acme prod not named"
            ]
        );
    }
}
