//! Aligned tables of plain text.

use crate::pki::printable::is_unsafe;

/// A table: a heading and rows, each as many cells as the heading has.
#[derive(Clone, Debug)]
pub struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(heading: &[&str]) -> Self {
        Self {
            heading: heading.iter().map(|cell| (*cell).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Puts a row at the end.
    pub fn push(&mut self, row: impl IntoIterator<Item = String>) {
        self.rows
            .push(row.into_iter().map(|cell| plain(&cell)).collect());
    }

    /// Whether it has no rows.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text, each line with its end.
    pub fn to_text(&self) -> String {
        let mut widths: Vec<usize> = self.heading.iter().map(|cell| width(cell)).collect();
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = width(cell).max(*widest);
            }
        }
        let mut text = String::new();
        for row in std::iter::once(&self.heading).chain(&self.rows) {
            let mut line = String::new();
            for (cell, widest) in row.iter().zip(&widths) {
                line.push_str(cell);
                let gap = widest.saturating_sub(width(cell)).saturating_add(2);
                line.extend(std::iter::repeat_n(' ', gap));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A text from outside, fit for a terminal: one line, nothing that steers the terminal.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_unsafe(letter) {
            plain.extend(letter.escape_default());
        } else {
            plain.push(letter);
        }
    }
    plain
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["NAME", "STATE", ""]);
        table.push(["acme".into(), "active".into(), String::new()]);
        table.push(["a-long-name".into(), "suspended".into(), "x".into()]);
        assert_eq!(
            table.to_text(),
            "NAME         STATE\nacme         active\na-long-name  suspended  x\n"
        );
    }

    #[test]
    fn nothing_in_a_cell_steers_the_terminal() {
        let mut table = Table::new(&["A"]);
        table.push(["x\u{1b}[31m\ny\u{202e}".into()]);
        assert_eq!(table.to_text(), "A\nx\\u{1b}[31m\\ny\\u{202e}\n");
    }
}
