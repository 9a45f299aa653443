use proptest::prelude::*;

use super::*;

fn labels(input: &[u8]) -> Vec<(String, usize)> {
    read(input)
        .unwrap()
        .into_iter()
        .map(|block| (block.label, block.line))
        .collect()
}

#[test]
fn reads_blocks_among_other_text() {
    let text = "Bag Attributes\n    friendlyName: x\nsubject=CN = x\n-----BEGIN A-----\naGVs\nbG8=\n-----END A-----\n\
                -----BEGIN B C-----\naGk=\n-----END B C-----";
    let blocks = read(text.as_bytes()).unwrap();
    assert_eq!(blocks.len(), 2);
    assert_eq!(
        (blocks[0].label.as_str(), &**blocks[0].der, blocks[0].line),
        ("A", &b"hello"[..], 4)
    );
    assert_eq!(
        (blocks[1].label.as_str(), &**blocks[1].der, blocks[1].line),
        ("B C", &b"hi"[..], 8)
    );
    assert!(!blocks[0].encrypted);
}

#[test]
fn reads_each_kind_of_line_end_and_indentation() {
    let lines = [
        "x",
        "-----BEGIN A-----",
        "aGVs",
        "bG8=",
        "-----END A-----",
        "",
    ];
    for end in ["\n", "\r\n", "\r", "  \n\t ", "\n\n"] {
        let blocks = read(lines.join(end).as_bytes()).unwrap();
        assert_eq!(
            (&**blocks[0].der, blocks.len()),
            (&b"hello"[..], 1),
            "{end:?}"
        );
    }
    let marked = format!("\u{feff}{}", lines[1..].join("\n"));
    assert_eq!(labels(marked.as_bytes()), [("A".to_owned(), 1)]);
}

#[test]
fn sees_the_headers_of_old_encrypted_keys() {
    let text = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\naGk=\n\
                -----END RSA PRIVATE KEY-----\n";
    let blocks = read(text.as_bytes()).unwrap();
    assert!(blocks[0].encrypted);
    assert_eq!(&**blocks[0].der, b"hi");
}

#[test]
fn does_not_print_what_may_be_a_key() {
    let blocks = read(b"-----BEGIN A-----\naGVsbG8=\n-----END A-----").unwrap();
    assert_eq!(format!("{blocks:?}"), r#"[Block("A", line 1, 5 bytes)]"#);
}

#[test]
fn says_what_is_wrong_and_where() {
    let label = || "A".to_owned();
    let cases: [(&str, InvalidPem); 21] = [
        ("", InvalidPem::NothingFound),
        ("hello", InvalidPem::NothingFound),
        ("x -----BEGIN A-----\naGk=", InvalidPem::NothingFound),
        (
            "\n-----BEGIN A-----\naGk=\n",
            InvalidPem::Truncated {
                line: 2,
                label: label(),
            },
        ),
        (
            "-----BEGIN A-----\naGk=\n-----BEGIN A-----\naGk=\n-----END A-----",
            InvalidPem::Truncated {
                line: 1,
                label: label(),
            },
        ),
        ("-----END A-----", InvalidPem::EndWithoutBegin { line: 1 }),
        (
            "-----BEGIN A-----\naGk=\n-----END A-----\n-----END A-----",
            InvalidPem::EndWithoutBegin { line: 4 },
        ),
        (
            "-----BEGIN A-----\naGk=\n-----END B-----",
            InvalidPem::LabelMismatch {
                line: 3,
                begun: label(),
                ended: "B".to_owned(),
            },
        ),
        (
            "-----BEGIN A-----\n-----END A-----",
            InvalidPem::EmptyBlock {
                line: 1,
                label: label(),
            },
        ),
        (
            "-----BEGIN A-----\naG k=\n-----END A-----",
            InvalidPem::BadBase64 { line: 2 },
        ),
        (
            "-----BEGIN A-----\naGk=\na-k=\n-----END A-----",
            InvalidPem::BadBase64 { line: 3 },
        ),
        (
            "-----BEGIN A-----\naGVs\nbG8\n-----END A-----",
            InvalidPem::BadBase64 { line: 3 },
        ),
        (
            "-----BEGIN A-----\naGk=\naGk=\n-----END A-----",
            InvalidPem::BadBase64 { line: 3 },
        ),
        (
            "-----BEGIN A-----\naGl=\n-----END A-----",
            InvalidPem::BadBase64 { line: 2 },
        ),
        (
            "-----BEGIN A-----aGk=-----END A-----",
            InvalidPem::BadMarker { line: 1 },
        ),
        (
            r"-----BEGIN A-----\naGk=\n-----END A-----\n",
            InvalidPem::BadMarker { line: 1 },
        ),
        ("-----BEGIN A----\naGk=", InvalidPem::BadMarker { line: 1 }),
        ("-----BEGIN -----\naGk=", InvalidPem::BadMarker { line: 1 }),
        (
            "-----BEGIN \u{1b}[0m-----\naGk=",
            InvalidPem::BadMarker { line: 1 },
        ),
        (
            "-----BEGIN A-----\naGk=\n-----END A",
            InvalidPem::BadMarker { line: 3 },
        ),
        (
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n=abcd",
            InvalidPem::OpenPgp { line: 1 },
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text.as_bytes()), Err(expected), "{text}");
    }
    assert_eq!(read(b"\xff\xfe-\0-\0"), Err(InvalidPem::Utf16));
    assert_eq!(read(b"\xfe\xff\0-\0-"), Err(InvalidPem::Utf16));
    let endless = format!("-----BEGIN {}-----\naGk=", "A".repeat(65));
    assert_eq!(
        read(endless.as_bytes()),
        Err(InvalidPem::BadMarker { line: 1 })
    );
}

#[test]
fn is_bounded() {
    let limit = INPUT_BYTES_MAX;
    assert_eq!(read(&vec![b' '; limit]), Err(InvalidPem::NothingFound));
    assert_eq!(
        read(&vec![b' '; limit + 1]),
        Err(InvalidPem::TooLarge {
            bytes: limit + 1,
            limit
        })
    );
    let block = "-----BEGIN A-----\naGk=\n-----END A-----\n";
    assert_eq!(read(block.repeat(256).as_bytes()).unwrap().len(), 256);
    assert_eq!(
        read(block.repeat(257).as_bytes()),
        Err(InvalidPem::TooManyBlocks {
            line: 769,
            limit: 256
        })
    );
}

#[test]
fn a_message_is_one_plain_sentence() {
    let error = InvalidPem::Truncated {
        line: 3,
        label: "CERTIFICATE".to_owned(),
    };
    assert_eq!(
        error.to_string(),
        "line 3: the block CERTIFICATE that begins here has no END line: paste it again, complete"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(input in proptest::collection::vec(any::<u8>(), 0..500)) {
        let _ = read(&input);
    }

    #[test]
    fn no_mixture_of_lines_makes_it_panic(lines in proptest::collection::vec(prop::sample::select(vec![
        "-----BEGIN A-----", "-----END A-----", "-----BEGIN B-----", "-----BEGIN", "-----END", "aGk=", "Proc-Type: 4,ENCRYPTED", "", "\r",
    ]), 0..12)) {
        if let Ok(blocks) = read(lines.join("\n").as_bytes()) {
            prop_assert!(!blocks.is_empty() && blocks.iter().all(|block| !block.der.is_empty()));
        }
    }

    #[test]
    fn reads_what_was_written(der in proptest::collection::vec(any::<u8>(), 1..300)) {
        let text = crate::pki::certificate::to_pem("X", &der);
        prop_assert!(text.lines().all(|line| line.len() <= 64));
        let blocks = read(text.as_bytes()).unwrap();
        prop_assert_eq!(&*blocks[0].der, &der);
    }
}
