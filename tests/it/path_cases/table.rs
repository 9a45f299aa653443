//! The table of all cases, as `docs/trust-cases.md` has it.

use std::collections::BTreeSet;
use std::path::Path;

use crate::path_cases::TOPICS;
use crate::path_cases::case::{Case, Expected};

const HEAD: &str = "# Certificate paths that are tried

Each row is one client that calls the real executable in a real handshake, in TLS 1.2 and in TLS 1.3, in a realm of its
own. *Clause* is where RFC 5280 decides, unless another document is named; *stricter* marks what RFC 5280 would let in
and realmgate does not. *Reason* is the code that the realm's people are told (`docs/troubleshooting.md`), or what is said
to those who want to install it.

This page is written by the cases themselves: `tests/it/path_cases/`.
";

/// The page.
fn page() -> String {
    let mut text = HEAD.to_owned();
    let mut number = 0;
    for (title, cases) in TOPICS {
        text += &format!("\n## {title}\n\n| # | case | clause | verdict | reason |\n");
        text += "| --- | --- | --- | --- | --- |\n";
        for case in cases() {
            number += 1;
            text += &row(number, &case);
        }
    }
    text
}

fn row(number: usize, case: &Case) -> String {
    let (verdict, reason) = match case.expected {
        Expected::Accepted => ("accepted", String::new()),
        Expected::Refused(reason) => ("refused", format!("`{reason}`")),
        Expected::NotInstalled(told) => ("not installed", format!("\u{201c}{told}\u{201d}")),
    };
    format!(
        "| {number} | {} | {} | {verdict} | {reason} |\n",
        case.name, case.clause
    )
}

#[test]
fn the_table_of_cases_is_the_one_in_the_documents() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/trust-cases.md");
    let page = page();
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page,
        "docs/trust-cases.md is not up to date: run this test with WRITE_DOCS=1"
    );
}

#[test]
fn there_are_enough_cases_and_no_two_have_the_same_name() {
    let cases = crate::path_cases::all();
    assert!(cases.len() >= 150, "only {}", cases.len());
    let mut seen = BTreeSet::new();
    for case in &cases {
        assert!(seen.insert(case.name), "twice: {}", case.name);
    }
}
