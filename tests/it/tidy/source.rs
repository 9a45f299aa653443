//! Rust source, read just well enough: comments and texts blanked out, test code told apart, paths collected.

use std::collections::HashSet;
use std::ops::Range;

/// A source file.
pub(crate) struct Source {
    /// Its path from the project's top, with `/`.
    pub(crate) path: String,
    /// Its code. Comments are spaces, and what stands in text and character literals is `"`; the places of
    /// everything are as in the file.
    code: Vec<u8>,
    tests: Vec<Range<usize>>,
    /// Whether all of it is test code, because another file says so.
    pub(crate) is_test: bool,
}

/// A path such as `crate::domain::name::RealmName`, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NamedPath {
    pub(crate) segments: Vec<String>,
    pub(crate) at: usize,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = without_comments_and_texts(text.as_bytes());
        let tests = test_items(&code);
        Self {
            path: path.to_owned(),
            code,
            tests,
            is_test: path.starts_with("tests/"),
        }
    }

    /// The line, from 1, on which a place of the file is.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.code[..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1
    }

    /// Whether a place is in code that only tests contain.
    pub(crate) fn in_tests(&self, at: usize) -> bool {
        self.is_test || self.tests.iter().any(|range| range.contains(&at))
    }

    /// How many lines hold code, outside of tests.
    pub(crate) fn lines_of_code(&self) -> usize {
        let mut at = 0;
        let mut count = 0;
        for line in self.code.split(|byte| *byte == b'\n') {
            if !line.trim_ascii().is_empty() && !self.in_tests(at) {
                count += 1;
            }
            at += line.len() + 1;
        }
        count
    }

    /// Each place where `needle` stands in the code, and is no part of a longer word.
    pub(crate) fn find(&self, needle: &str) -> Vec<usize> {
        let needle = needle.as_bytes();
        let starts = (0..self.code.len()).filter(|at| self.code[*at..].starts_with(needle));
        let whole = |at: &usize| {
            let before = self.code[..*at].last().copied().unwrap_or(b' ');
            let after = self.code.get(at + needle.len()).copied().unwrap_or(b' ');
            let grows_left = is_word(before) && is_word(needle[0]);
            let grows_right = is_word(after) && is_word(needle[needle.len() - 1]);
            !grows_left && !grows_right
        };
        starts.filter(whole).collect()
    }

    /// The statements and blocks of the file's top level, comments left out, each on one line.
    pub(crate) fn top_level_items(&self) -> Vec<(usize, String)> {
        let mut items = Vec::new();
        let mut start = 0;
        while let Some(first) = (start..self.code.len()).find(|at| !is_space(self.code[*at])) {
            let end = if self.code[first] == b'#' {
                attribute_end(&self.code, first)
            } else {
                item_end(&self.code, first)
            };
            let text = String::from_utf8_lossy(&self.code[first..end]);
            items.push((first, text.split_whitespace().collect::<Vec<_>>().join(" ")));
            start = end;
        }
        items
    }

    /// All paths that are named in the code; those of a `use` with braces each in full length.
    pub(crate) fn paths(&self) -> Vec<NamedPath> {
        let mut paths = Vec::new();
        let mut at = 0;
        while at < self.code.len() {
            if !is_word(self.code[at]) || self.code[at].is_ascii_digit() {
                at += 1;
                continue;
            }
            let before = self.code[..at].trim_ascii_end();
            let continues = before.ends_with(b"::") && !starts_absolute(before);
            let (segments, end) = word_path(&self.code, at);
            if continues || before.ends_with(b".") {
                at = end;
                continue;
            }
            if segments == ["use"] {
                let end = at
                    + self.code[at..]
                        .iter()
                        .position(|byte| *byte == b';')
                        .unwrap_or(0);
                tree_paths(&self.code, at + 3..end, &[], &mut paths);
                at = end.max(at + 3);
                continue;
            }
            if segments.len() > 1 {
                paths.push(NamedPath { segments, at });
            }
            at = end;
        }
        paths
    }

    /// The names that `use` and `mod` bring into the file: what begins with one of them is no foreign crate.
    pub(crate) fn local_names(&self) -> HashSet<String> {
        let mut names = HashSet::new();
        for at in self.find("use") {
            let end = at
                + self.code[at..]
                    .iter()
                    .position(|byte| *byte == b';')
                    .unwrap_or(0);
            let mut paths = Vec::new();
            tree_paths(&self.code, at + 3..end, &[], &mut paths);
            let longer = paths.into_iter().filter(|path| path.segments.len() > 1);
            names.extend(longer.filter_map(|mut path| path.segments.pop()));
        }
        for at in self.find("mod") {
            names.extend(word_path(&self.code, skip_spaces(&self.code, at + 3)).0);
        }
        names
    }

    /// The modules in files of their own that hold test code only: `mod name;` under `#[cfg(test)]` is
    /// `src/room/file/name`, which stands for the file `name.rs` and everything in the folder `name/`.
    pub(crate) fn test_modules(&self) -> Vec<String> {
        let folder = match self.path.strip_suffix("/mod.rs") {
            Some(folder) => folder,
            None if self.path == "src/lib.rs" || self.path == "src/main.rs" => "src",
            None => self.path.trim_end_matches(".rs"),
        };
        let items = self.tests.iter().map(|range| &self.code[range.clone()]);
        let modules = items.filter_map(|item| {
            let item = String::from_utf8_lossy(item);
            let words: Vec<_> = item.strip_suffix(';')?.split_whitespace().collect();
            match words.as_slice() {
                [.., "mod", name] => Some(format!("{folder}/{name}")),
                _ => None,
            }
        });
        modules.collect()
    }

    /// Whether the file is the module at `place`, or lies within it.
    pub(crate) fn is_within(&self, place: &str) -> bool {
        let rest = self.path.strip_prefix(place);
        rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }
}

/// Collects the paths of what follows `use`: `a::{b, c::d as e}` is `a::b` and `a::c::e`.
fn tree_paths(code: &[u8], range: Range<usize>, before: &[String], paths: &mut Vec<NamedPath>) {
    let first = skip_spaces(code, range.start);
    let first = if code[first..].starts_with(b"::") {
        skip_spaces(code, first + 2)
    } else {
        first
    };
    if first >= range.end {
        return;
    }
    let (segments, end) = word_path(code, first);
    let mut whole = before.to_vec();
    whole.extend(segments);
    let mut at = skip_spaces(code, end);
    if code[at..].starts_with(b"::") {
        at = skip_spaces(code, at + 2);
    }
    if code[at] == b'{' {
        let close = matching(code, at);
        let mut start = at + 1;
        while start < close {
            let end = branch_end(code, start, close);
            tree_paths(code, start..end, &whole, paths);
            start = end + 1;
        }
        return;
    }
    let rest = String::from_utf8_lossy(&code[at..range.end]);
    if let Some(alias) = rest.trim().strip_prefix("as ") {
        whole.pop();
        whole.push(alias.trim().to_owned());
    }
    if whole.len() > before.len() || rest.trim() == "*" {
        paths.push(NamedPath {
            segments: whole,
            at: first,
        });
    }
}

/// The words joined by `::` that begin at `start`, and where they end.
fn word_path(code: &[u8], start: usize) -> (Vec<String>, usize) {
    let mut segments = Vec::new();
    let mut end = start;
    let mut at = start;
    loop {
        let word = code[at..].iter().take_while(|byte| is_word(**byte)).count();
        if word == 0 {
            return (segments, end);
        }
        segments.push(String::from_utf8_lossy(&code[at..at + word]).into_owned());
        end = at + word;
        let colons = skip_spaces(code, end);
        if !code[colons..].starts_with(b"::") {
            return (segments, end);
        }
        at = skip_spaces(code, colons + 2);
    }
}

/// Whether the `::` at the end of `before` begins a path, as in `::rustls::ServerConfig`.
fn starts_absolute(before: &[u8]) -> bool {
    let earlier = before[..before.len() - 2].trim_ascii_end();
    earlier
        .last()
        .is_none_or(|byte| !is_word(*byte) && !matches!(byte, b'>' | b']' | b')'))
}

fn branch_end(code: &[u8], start: usize, close: usize) -> usize {
    let mut at = start;
    while at < close && code[at] != b',' {
        at = if code[at] == b'{' {
            matching(code, at) + 1
        } else {
            at + 1
        };
    }
    at
}

/// The parts of the code under `#[cfg(test)]`, with their attributes.
fn test_items(code: &[u8]) -> Vec<Range<usize>> {
    let mut items = Vec::new();
    let mut at = 0;
    while at < code.len() {
        if code[at] != b'#' {
            at += 1;
            continue;
        }
        let first = at;
        at = attribute_end(code, first);
        let attribute = code[first..at].iter().filter(|byte| !is_space(**byte));
        if !attribute.eq(b"#[cfg(test)]") {
            continue;
        }
        let mut start = skip_spaces(code, at);
        while code.get(start) == Some(&b'#') {
            start = skip_spaces(code, attribute_end(code, start));
        }
        at = item_end(code, start);
        items.push(first..at);
    }
    items
}

fn attribute_end(code: &[u8], start: usize) -> usize {
    match code[start..].iter().position(|byte| *byte == b'[') {
        Some(open) => matching(code, start + open) + 1,
        None => code.len(),
    }
}

/// Where the item that begins at `start` ends: after its block, or after its semicolon where that comes first. The
/// braces of a `use` are no block.
fn item_end(code: &[u8], start: usize) -> usize {
    let item = &code[start..];
    let is_use = item.starts_with(b"use ") || item.starts_with(b"pub use ");
    let mut at = start;
    while at < code.len() {
        match code[at] {
            b';' => return at + 1,
            b'{' if !is_use => return matching(code, at) + 1,
            b'(' | b'[' | b'{' => at = matching(code, at) + 1,
            _ => at += 1,
        }
    }
    code.len()
}

/// Where the bracket that opens at `open` closes.
fn matching(code: &[u8], open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.iter().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    code.len() - 1
}

fn skip_spaces(code: &[u8], start: usize) -> usize {
    let start = start.min(code.len());
    start
        + code[start..]
            .iter()
            .take_while(|byte| is_space(**byte))
            .count()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

fn without_comments_and_texts(text: &[u8]) -> Vec<u8> {
    let mut code = text.to_vec();
    let mut at = 0;
    while at < text.len() {
        let word_before = at > 0 && is_word(text[at - 1]);
        let (end, blank) = match &text[at..] {
            [b'/', b'/', ..] => (line_end(text, at), b' '),
            [b'/', b'*', ..] => (block_comment_end(text, at), b' '),
            [b'"', ..] => (text_end(text, at), b'"'),
            [b'r', b'"' | b'#', ..] | [b'b' | b'c', b'r', b'"' | b'#', ..] if !word_before => {
                (raw_text_end(text, at), b'"')
            }
            [b'\'', ..] => (character_end(text, at), b'"'),
            _ => (at + 1, 0),
        };
        if blank != 0 && end > at + 1 {
            for byte in &mut code[at..end] {
                if *byte != b'\n' {
                    *byte = blank;
                }
            }
        }
        at = end;
    }
    code
}

fn line_end(text: &[u8], start: usize) -> usize {
    let rest = text[start..].iter().position(|byte| *byte == b'\n');
    rest.map_or(text.len(), |length| start + length)
}

fn block_comment_end(text: &[u8], start: usize) -> usize {
    let mut depth = 0;
    let mut at = start;
    while at < text.len() {
        match &text[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

fn text_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// The end of `r"…"` or `r#"…"#`; of `r#word` the end of `r`.
fn raw_text_end(text: &[u8], start: usize) -> usize {
    let marks_start = start
        + text[start..]
            .iter()
            .take_while(|byte| is_word(**byte))
            .count();
    let marks = text[marks_start..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    if text.get(marks_start + marks) != Some(&b'"') {
        return start + 1;
    }
    let mut close = vec![b'"'];
    close.extend(std::iter::repeat_n(b'#', marks));
    let body = marks_start + marks + 1;
    let length = text[body..]
        .windows(close.len())
        .position(|window| window == close);
    length.map_or(text.len(), |length| body + length + close.len())
}

/// The end of a character literal; of a lifetime the end of its apostrophe.
fn character_end(text: &[u8], start: usize) -> usize {
    let rest = &text[start + 1..];
    let length = match rest {
        [b'\\', _, after @ ..] => after
            .iter()
            .position(|byte| *byte == b'\'')
            .map(|close| close + 2),
        [first, ..] => {
            let width = match first {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            };
            (rest.get(width) == Some(&b'\'')).then_some(width)
        }
        [] => None,
    };
    length.map_or(start + 1, |length| start + length + 2)
}
