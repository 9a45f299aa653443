//! Reads what processes, callgrind and the kernel tell.

use std::path::Path;

/// What a measuring process tells of one measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What was measured.
    pub what: String,
    /// For which number.
    pub number: usize,
    /// How often.
    pub rounds: f64,
    /// The median of the times, in nanoseconds.
    pub nanos: f64,
}

/// Reads lines of four words, with tabs between them.
pub fn told(text: &str) -> Vec<Told> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split('\t').collect();
        let [what, number, rounds, nanos] = words.as_slice() else {
            panic!("a line of four words: {line}");
        };
        Told {
            what: (*what).to_owned(),
            number: number.parse().unwrap(),
            rounds: rounds.parse().unwrap(),
            nanos: nanos.parse().unwrap(),
        }
    };
    text.lines().map(line).collect()
}

/// How many instructions a dump of callgrind counted.
pub fn instructions(dump: &str) -> f64 {
    let totals = dump.lines().find_map(|line| {
        line.strip_prefix("totals:")
            .or_else(|| line.strip_prefix("summary:"))
    });
    let totals = totals.expect("a dump tells its totals");
    first_word(totals)
}

/// The proportional set size in KiB that `/proc/PID/smaps_rollup` tells.
pub fn pss_kib(rollup: &str) -> f64 {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    first_word(line.expect("a line that begins with Pss:"))
}

fn first_word(text: &str) -> f64 {
    text.split_whitespace().next().unwrap().parse().unwrap()
}

/// Writes pieces to a file, each behind its length.
pub fn write_pieces<'a>(path: &Path, pieces: impl IntoIterator<Item = &'a [u8]>) {
    let mut bytes = Vec::new();
    for piece in pieces {
        bytes.extend_from_slice(&u32::try_from(piece.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(piece);
    }
    std::fs::write(path, bytes).unwrap();
}

/// The pieces that such a file holds.
pub fn pieces(path: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(path).unwrap();
    let mut rest = bytes.as_slice();
    let mut pieces = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap();
        let (piece, behind) = behind.split_at(length);
        pieces.push(piece.to_vec());
        rest = behind;
    }
    pieces
}
