//! `realmgate prove`

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::session::{Asking, Session, say};
use crate::cli::show;
use crate::cli::table::Table;
use crate::client::path::Path;

/// What ends with this status could not be carried out, wholly or for a class, so that nothing was shown either way.
const NOT_RUN: u8 = 2;

/// Attacks the running server, from outside, and tells whether it held
///
/// Exit status: 0 where everything that was tried held; 1 where something did not; 2 where the run, or every try of a
/// class that was asked for, could not be made.
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

/// Carries it out: exit status 0 where everything that was tried held, 1 where something did not, 2 where it, or a class
/// of it, could not be carried out.
pub fn main(prove: &Prove) -> ExitCode {
    match run(prove) {
        Ok(board) if count(&board, "/notHeld") > 0 => ExitCode::FAILURE,
        Ok(board) => match nothing_tried(&board) {
            None => ExitCode::SUCCESS,
            Some(sentence) => {
                eprintln!("realmgate: {sentence}");
                ExitCode::from(NOT_RUN)
            }
        },
        Err(error) => {
            eprintln!("realmgate: {error}");
            ExitCode::from(NOT_RUN)
        }
    }
}

fn run(prove: &Prove) -> Result<Value, CliError> {
    let session = Session::open(&prove.asking)?;
    let board = session.post(&Path::of(&["prove"]), &json!({ "classes": prove.classes }))?;
    if session.json() {
        say(&format!("{board:#}\n"))?;
    } else {
        say(&in_words(&board, prove.all))?;
    }
    Ok(board)
}

/// What to say where no try of some class could be made, so that nothing was shown of it.
fn nothing_tried(board: &Value) -> Option<String> {
    let rows = show::items(board, "/rows");
    let empty: Vec<String> = classes(rows)
        .into_iter()
        .filter(|class| {
            let mut of_class = rows
                .iter()
                .filter(|row| show::text(row, "/class") == *class);
            of_class.all(|row| show::text(row, "/verdict") == "not-tried")
        })
        .collect();
    (!empty.is_empty()).then(|| {
        format!(
            "nothing was shown of {}: none of these tries could be made, and the board says why",
            empty.join(", ")
        )
    })
}

/// The classes on a board, in its order.
fn classes(rows: &[Value]) -> Vec<String> {
    let mut classes: Vec<String> = Vec::new();
    for row in rows {
        let class = show::text(row, "/class");
        if !classes.contains(&class) {
            classes.push(class);
        }
    }
    classes
}

/// The board: each class with its counts, then the tries that somebody should look at, then one last line.
fn in_words(board: &Value, all: bool) -> String {
    let rows = show::items(board, "/rows");
    let mut board_of_classes = Table::new(&["CLASS", "HELD", "NOT HELD", "NOT TRIED"]);
    for class in &classes(rows) {
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
    fn a_class_of_which_nothing_could_be_tried_is_named() {
        let rows = [
            row("paths", "held"),
            row("paths", "not-tried"),
            row("names", "not-tried"),
            row("change", "not-tried"),
        ];
        let told = nothing_tried(&json!({ "rows": rows })).unwrap_or_default();
        assert!(told.contains("shown of names, change:"), "{told}");
        assert_eq!(
            nothing_tried(&json!({"rows": [row("paths", "held")]})),
            None
        );
    }

    #[test]
    fn the_last_line_tells_that_all_held() {
        let board = json!({"held": 7, "notHeld": 0, "notTried": 0});
        assert_eq!(last_line(&board), "All 7 tries were withstood.");
    }
}
