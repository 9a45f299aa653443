//! `realmgate prove`

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::session::{Asking, Session, say};
use crate::cli::show;
use crate::cli::table::Table;
use crate::client::path::Path;

/// What ends with this status could not be carried out, so that nothing was shown either way.
const NOT_RUN: u8 = 2;

/// Attacks the running server, from outside, and tells whether it held.
#[derive(Clone, Debug, clap::Args)]
pub struct Prove {
    /// Try this class of attacks only (may be repeated); docs/prove.md describes them
    #[arg(long = "class", value_name = "NAME")]
    classes: Vec<String>,
    /// Show every try, and not only those that were not withstood or could not be made
    #[arg(long)]
    all: bool,
    /// How the server is asked.
    #[command(flatten)]
    asking: Asking,
}

/// Carries it out: exit status 0 where everything that was tried held, 1 where something did not, 2 where it could not
/// be carried out.
pub fn main(prove: &Prove) -> ExitCode {
    match run(prove) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("realmgate: {error}");
            ExitCode::from(NOT_RUN)
        }
    }
}

fn run(prove: &Prove) -> Result<bool, CliError> {
    let session = Session::open(&prove.asking)?;
    let board = session.post(&Path::of(&["prove"]), &json!({ "classes": prove.classes }))?;
    if session.json() {
        say(&format!("{board:#}\n"))?;
    } else {
        say(&in_words(&board, prove.all))?;
    }
    Ok(count(&board, "/notHeld") == 0)
}

/// The board: each class with its counts, then the tries that somebody should look at, then one last line.
fn in_words(board: &Value, all: bool) -> String {
    let rows = show::items(board, "/rows");
    let mut classes: Vec<String> = Vec::new();
    for row in rows {
        let class = show::text(row, "/class");
        if !classes.contains(&class) {
            classes.push(class);
        }
    }
    let mut board_of_classes = Table::new(&["CLASS", "HELD", "NOT HELD", "NOT TRIED"]);
    for class in &classes {
        let count = |verdict: &str| {
            let of_class = rows
                .iter()
                .filter(|row| show::text(row, "/class") == *class);
            of_class
                .filter(|row| show::text(row, "/verdict") == verdict)
                .count()
                .to_string()
        };
        board_of_classes.push([
            class.clone(),
            count("held"),
            count("not-held"),
            count("not-tried"),
        ]);
    }
    let mut tries = Table::new(&["CLASS", "TRIED", "EXPECTED", "CAME BACK", "VERDICT"]);
    for row in rows {
        let verdict = show::text(row, "/verdict").replace('-', " ");
        if all || verdict != "held" {
            let cells = ["/class", "/tried", "/expected", "/cameBack"];
            let cells = cells.map(|cell| show::text(row, cell));
            tries.push(cells.into_iter().chain([verdict]));
        }
    }
    let mut text = board_of_classes.to_text();
    if !tries.is_empty() {
        text.push('\n');
        text.push_str(&tries.to_text());
    }
    text.push_str(&format!("\n{}\n", last_line(board)));
    text
}

fn last_line(board: &Value) -> String {
    let (held, not_held, not_tried) = (
        count(board, "/held"),
        count(board, "/notHeld"),
        count(board, "/notTried"),
    );
    let total = held.saturating_add(not_held);
    let mut line = if not_held == 0 {
        format!("All {total} tries were withstood")
    } else {
        format!("{not_held} of {total} tries were NOT withstood")
    };
    if not_tried > 0 {
        line.push_str(&format!("; {not_tried} could not be made"));
    }
    line.push('.');
    line
}

fn count(board: &Value, pointer: &str) -> u64 {
    board
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(class: &str, verdict: &str) -> Value {
        json!({"class": class, "tried": "a", "expected": "b", "cameBack": "c", "verdict": verdict})
    }

    #[test]
    fn the_board_shows_what_was_not_withstood_and_counts_the_rest() {
        let rows = [
            row("paths", "held"),
            row("names", "not-held"),
            row("names", "not-tried"),
        ];
        let board = json!({"held": 1, "notHeld": 1, "notTried": 1, "rows": rows});
        let expected = "CLASS  HELD  NOT HELD  NOT TRIED\npaths  1     0         0\nnames  0     1         1\n\n\
                        CLASS  TRIED  EXPECTED  CAME BACK  VERDICT\nnames  a      b         c          not held\n\
                        names  a      b         c          not tried\n\n\
                        1 of 2 tries were NOT withstood; 1 could not be made.\n";
        assert_eq!(in_words(&board, false), expected);
    }

    #[test]
    fn the_last_line_tells_that_all_held() {
        let board = json!({"held": 7, "notHeld": 0, "notTried": 0});
        assert_eq!(last_line(&board), "All 7 tries were withstood.");
    }
}
