//! A strict PEM reader (RFC 7468) that says on which line something is wrong.
//!
//! Between blocks any text may stand, as OpenSSL writes "Bag Attributes"; inside a block only base64 and, before it, the
//! headers of RFC 1421, by which old OpenSSL versions mark encrypted keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The most bytes that are read.
pub const INPUT_BYTES_MAX: usize = 1024 * 1024;
/// The most blocks that are read.
pub const BLOCKS_MAX: usize = 256;
const LABEL_BYTES_MAX: usize = 64;
const KEY_CHARS_MAX: usize = 2 * crate::pki::key::KEY_BYTES_MAX;

/// One block: what stands between a BEGIN and its END.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    /// What the markers say it is, such as `CERTIFICATE`.
    pub label: String,
    /// The decoded content; overwritten when dropped, since it may be a key.
    pub der: Zeroizing<Vec<u8>>,
    /// The line of its BEGIN, from 1.
    pub line: usize,
    /// Whether headers say that the content is encrypted (RFC 1421's `Proc-Type: 4,ENCRYPTED`).
    pub encrypted: bool,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Block({:?}, line {}, {} bytes)",
            self.label,
            self.line,
            self.der.len()
        )
    }
}

/// What is wrong with a PEM text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPem {
    /// More than may be read, [`INPUT_BYTES_MAX`] where nothing else is said.
    #[error(
        "the text has {bytes} bytes, more than the {limit} that are read: give only the certificates that are needed"
    )]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        limit: usize,
    },
    /// More than [`BLOCKS_MAX`].
    #[error("line {line}: more than {limit} blocks: give only the certificates that are needed")]
    TooManyBlocks {
        /// The line of the first that is too many.
        line: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The text is UTF-16, as Windows sometimes saves it.
    #[error("the text is UTF-16: save it as UTF-8 or ASCII")]
    Utf16,
    /// No BEGIN anywhere.
    #[error(
        "there is no PEM block in it: it has to hold a line such as -----BEGIN CERTIFICATE-----"
    )]
    NothingFound,
    /// A BEGIN or END line that is not in its form.
    #[error(
        "line {line}: a BEGIN or END marker that is not complete and alone on its line: check that no line breaks were lost"
    )]
    BadMarker {
        /// The line.
        line: usize,
    },
    /// A block that does not end.
    #[error(
        "line {line}: the block {label} that begins here has no END line: paste it again, complete"
    )]
    Truncated {
        /// The line of its BEGIN.
        line: usize,
        /// What it is.
        label: String,
    },
    /// An END where no block is open.
    #[error("line {line}: an END line without a BEGIN before it: paste the block again, complete")]
    EndWithoutBegin {
        /// The line.
        line: usize,
    },
    /// A block that ends as something else than it began.
    #[error(
        "line {line}: a block that begins as {begun} ends as {ended}: paste it again, complete"
    )]
    LabelMismatch {
        /// The line of the END.
        line: usize,
        /// The label of the BEGIN.
        begun: String,
        /// The label of the END.
        ended: String,
    },
    /// A block with nothing in it.
    #[error("line {line}: the block {label} that begins here is empty: paste it again, complete")]
    EmptyBlock {
        /// The line of its BEGIN.
        line: usize,
        /// What it is.
        label: String,
    },
    /// Something else than base64.
    #[error(
        "line {line}: this is not base64, so the block was damaged or cut: paste it again, complete"
    )]
    BadBase64 {
        /// The line; for a block with lost or surplus characters, its last.
        line: usize,
    },
    /// OpenPGP's armour, which looks like PEM but is not.
    #[error(
        "line {line}: this is an OpenPGP block, not a certificate: give an X.509 certificate in PEM"
    )]
    OpenPgp {
        /// The line.
        line: usize,
    },
}

/// Reads all blocks, in their order. Lines may end in LF, CRLF or CR and may be indented.
///
/// # Errors
/// [`InvalidPem`]: the first thing that is wrong; there is at least one block in what is returned.
pub fn read(input: &[u8]) -> Result<Vec<Block>, InvalidPem> {
    read_within(input, INPUT_BYTES_MAX)
}

/// As [`read`], with another limit on the bytes.
///
/// # Errors
/// As [`read`].
pub fn read_within(input: &[u8], limit: usize) -> Result<Vec<Block>, InvalidPem> {
    if input.len() > limit {
        return Err(InvalidPem::TooLarge {
            bytes: input.len(),
            limit,
        });
    }
    if input.starts_with(&[0xff, 0xfe]) || input.starts_with(&[0xfe, 0xff]) {
        return Err(InvalidPem::Utf16);
    }
    let mut blocks = Vec::new();
    let mut open: Option<Open> = None;
    for (line, text) in lines(input) {
        match (marker(text, line)?, open.as_mut()) {
            (Line::Begin(_), Some(begun)) => return Err(begun.truncated()),
            (Line::Begin(_), None) if blocks.len() >= BLOCKS_MAX => {
                return Err(InvalidPem::TooManyBlocks {
                    line,
                    limit: BLOCKS_MAX,
                });
            }
            (Line::Begin(label), None) => open = Some(Open::new(label, line)),
            (Line::End(_), None) => return Err(InvalidPem::EndWithoutBegin { line }),
            (Line::End(label), Some(begun)) => {
                blocks.push(begun.close(label, line)?);
                open = None;
            }
            (Line::Text(text), Some(begun)) => begun.take(text, line)?,
            (Line::Text(_), None) => {}
        }
    }
    match open {
        Some(begun) => Err(begun.truncated()),
        None if blocks.is_empty() => Err(InvalidPem::NothingFound),
        None => Ok(blocks),
    }
}

enum Line<'a> {
    Begin(&'a str),
    End(&'a str),
    Text(&'a [u8]),
}

/// A block whose END has not been read yet.
struct Open {
    label: String,
    line: usize,
    last_line: usize,
    body: Zeroizing<Vec<u8>>,
    in_headers: bool,
    encrypted: bool,
}

impl Open {
    fn new(label: &str, line: usize) -> Self {
        // Room for any key that is accepted: growing would leave copies of it behind.
        let body = Zeroizing::new(Vec::with_capacity(KEY_CHARS_MAX));
        Self {
            label: label.to_owned(),
            line,
            last_line: line,
            body,
            in_headers: false,
            encrypted: false,
        }
    }

    fn take(&mut self, text: &[u8], line: usize) -> Result<(), InvalidPem> {
        let first = self.body.is_empty();
        if first && text.contains(&b':') {
            self.in_headers = true;
            self.encrypted |= text.starts_with(b"Proc-Type:") && text.ends_with(b"ENCRYPTED");
        } else if text.is_empty() {
            self.in_headers = false;
        } else if !self.in_headers {
            if !text
                .iter()
                .all(|octet| octet.is_ascii_alphanumeric() || b"+/=".contains(octet))
            {
                return Err(InvalidPem::BadBase64 { line });
            }
            self.body.extend_from_slice(text);
            self.last_line = line;
        }
        Ok(())
    }

    fn close(&self, ended: &str, line: usize) -> Result<Block, InvalidPem> {
        if self.label != ended {
            let (begun, ended) = (self.label.clone(), ended.to_owned());
            return Err(InvalidPem::LabelMismatch { line, begun, ended });
        }
        if self.body.is_empty() {
            return Err(InvalidPem::EmptyBlock {
                line: self.line,
                label: self.label.clone(),
            });
        }
        let decoded = STANDARD
            .decode(&*self.body)
            .map_err(|_| InvalidPem::BadBase64 {
                line: self.last_line,
            })?;
        let der = Zeroizing::new(decoded);
        Ok(Block {
            label: self.label.clone(),
            der,
            line: self.line,
            encrypted: self.encrypted,
        })
    }

    fn truncated(&self) -> InvalidPem {
        InvalidPem::Truncated {
            line: self.line,
            label: self.label.clone(),
        }
    }
}

fn marker(text: &[u8], line: usize) -> Result<Line<'_>, InvalidPem> {
    let (rest, is_begin) = match (
        text.strip_prefix(b"-----BEGIN"),
        text.strip_prefix(b"-----END"),
    ) {
        (Some(rest), _) => (rest, true),
        (_, Some(rest)) => (rest, false),
        (None, None) => return Ok(Line::Text(text)),
    };
    let label = rest
        .strip_prefix(b" ")
        .and_then(|rest| rest.strip_suffix(b"-----"))
        .and_then(|label| std::str::from_utf8(label).ok())
        .filter(|label| is_label(label))
        .ok_or(InvalidPem::BadMarker { line })?;
    if label.starts_with("PGP ") {
        return Err(InvalidPem::OpenPgp { line });
    }
    Ok(if is_begin {
        Line::Begin(label)
    } else {
        Line::End(label)
    })
}

/// Printable ASCII without `-`, which is more than RFC 7468 allows and less than could harm.
fn is_label(label: &str) -> bool {
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label
            .bytes()
            .all(|octet| matches!(octet, b' '..=b'~') && octet != b'-')
}

/// The lines with their numbers from 1, trimmed.
fn lines(input: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    let mut rest = Some(input);
    let lines = std::iter::from_fn(move || {
        let text = rest?;
        match text.iter().position(|octet| matches!(octet, b'\n' | b'\r')) {
            None => {
                rest = None;
                Some(text)
            }
            Some(end) => {
                let (line, after) = text.split_at_checked(end)?;
                rest = after.strip_prefix(b"\r\n").or_else(|| after.get(1..));
                Some(line)
            }
        }
    });
    (1_usize..)
        .zip(lines)
        .map(|(line, text)| (line, text.trim_ascii()))
}

#[cfg(test)]
mod tests;
