//! JSON written by hand, for the one place where building a value first would cost too much: the access log.

/// Adds `text` as a JSON string, cut to at most `bytes_max` bytes of the text (between two characters, a final `…`
/// in place of the rest). Characters that could steer a terminal or turn the direction of the text are written as
/// `\u` escapes (RFC 8259, section 7), like those that JSON asks to be.
pub fn push_string(out: &mut Vec<u8>, text: &str, bytes_max: usize) {
    out.push(b'"');
    if text.len() <= bytes_max {
        push_escaped(out, text);
    } else {
        let mut end = bytes_max;
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        push_escaped(out, text.get(..end).unwrap_or_default());
        out.extend_from_slice("…".as_bytes());
    }
    out.push(b'"');
}

/// Adds a whole number in decimal digits.
pub fn push_number(out: &mut Vec<u8>, number: u64) {
    // 20 digits hold the largest number.
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut used = 0_usize;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' | low_digit(rest);
        rest /= 10;
        used = used.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(
        digits
            .get(digits.len().saturating_sub(used)..)
            .unwrap_or_default(),
    );
}

/// Adds the last three digits of a number, with leading zeros: the part after the point of a fraction in thousandths.
pub fn push_thousandths(out: &mut Vec<u8>, number: u64) {
    let digits = [number / 100, number / 10, number];
    out.extend(digits.map(|digit| b'0' | low_digit(digit)));
}

/// Adds octets in lower-case hexadecimal digits, without quotation marks.
pub fn push_hex(out: &mut Vec<u8>, octets: &[u8]) {
    let mut digits = [0; 64];
    for part in octets.chunks(32) {
        let mut used = 0_usize;
        for (pair, octet) in digits.chunks_exact_mut(2).zip(part) {
            pair.copy_from_slice(&[hex_digit(octet >> 4), hex_digit(octet & 15)]);
            used = used.saturating_add(2);
        }
        out.extend_from_slice(digits.get(..used).unwrap_or_default());
    }
}

fn push_escaped(out: &mut Vec<u8>, text: &str) {
    // Without an early end the compiler looks at many bytes at once; nearly every text is plain.
    if text
        .bytes()
        .fold(true, |plain, byte| plain & is_plain(byte))
    {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            shown if !is_hidden(shown) => {
                out.extend_from_slice(shown.encode_utf8(&mut [0; 4]).as_bytes());
            }
            hidden => {
                for unit in hidden.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(b"\\u");
                    push_hex(out, &unit.to_be_bytes());
                }
            }
        }
    }
}

const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// Controls, separators of lines, and characters that cannot be seen or turn the direction of the text.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The last decimal digit of a number; 0 to 9 always fit.
fn low_digit(number: u64) -> u8 {
    u8::try_from(number % 10).unwrap_or(0)
}

const fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' | nibble
    } else {
        b'W'.wrapping_add(nibble)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_what_could_break_a_line_or_deceive_its_reader() {
        let cases = [
            ("/orders/1", r#""/orders/1""#),
            (r#"a"b\c"#, r#""a\"b\\c""#),
            (
                "a\r\nb\0\u{1b}[31m\u{7f}",
                r#""a\u000d\u000ab\u0000\u001b[31m\u007f""#,
            ),
            ("gpj\u{202e}exe\u{85}", r#""gpj\u202eexe\u0085""#),
            ("\u{e0001}", r#""\udb40\udc01""#),
            ("Zürich 東京", "\"Zürich 東京\""),
        ];
        for (text, expected) in cases {
            assert_eq!(written(|out| push_string(out, text, 100)), expected);
        }
    }

    #[test]
    fn cuts_a_long_text_between_characters() {
        assert_eq!(written(|out| push_string(out, "abcd", 4)), "\"abcd\"");
        assert_eq!(written(|out| push_string(out, "abcde", 4)), "\"abcd…\"");
        assert_eq!(written(|out| push_string(out, "aääb", 4)), "\"aä…\"");
    }

    #[test]
    fn writes_octets_and_thousandths_with_leading_zeros() {
        assert_eq!(
            written(|out| push_hex(out, &[0, 0x0a, 0x9f, 0xff])),
            "000a9fff"
        );
        for (number, expected) in [(0, "000"), (7, "007"), (42, "042"), (12_345, "345")] {
            assert_eq!(written(|out| push_thousandths(out, number)), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_reads_back_as_it_was(text in any::<String>()) {
            let json = written(|out| push_string(out, &text, usize::MAX));
            prop_assert!(!json.contains(char::is_control));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn any_number_reads_back_as_it_was(number in any::<u64>(), shift in 0_u32..64) {
            let number = number >> shift;
            prop_assert_eq!(written(|out| push_number(out, number)), number.to_string());
        }
    }
}
