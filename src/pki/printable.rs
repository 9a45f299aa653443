//! Texts from certificates, made fit to be shown: bounded, and without anything that could steer a terminal, a page or
//! a reader's eye.

/// The longest text that is made of a name, in characters, the mark of omission included.
pub const CHARS_MAX: usize = 1024;

/// A text that stops growing at [`CHARS_MAX`] characters; what did not fit is marked by a final `…`.
#[derive(Debug, Default)]
pub struct Bounded {
    text: String,
    chars: usize,
    full: bool,
}

impl Bounded {
    /// Adds `piece` whole, or marks the omission where it does not fit any more.
    pub fn push(&mut self, piece: &str) {
        if self.full {
            return;
        }
        let chars = self.chars.saturating_add(piece.chars().count());
        if chars < CHARS_MAX {
            self.text.push_str(piece);
            self.chars = chars;
        } else {
            self.text.push('…');
            self.full = true;
        }
    }

    /// Adds the octets in hexadecimal digits.
    pub fn push_hex(&mut self, octets: &[u8]) {
        for octet in octets {
            if self.full {
                return;
            }
            self.push(&format!("{octet:02x}"));
        }
    }

    /// Adds a character as the octets of its UTF-8 form, each written as a backslash and two digits (RFC 4514, 2.4).
    pub fn push_escaped(&mut self, character: char) {
        let mut buffer = [0; 4];
        let octets = character.encode_utf8(&mut buffer).bytes();
        self.push(
            &octets
                .map(|octet| format!("\\{octet:02X}"))
                .collect::<String>(),
        );
    }

    /// Whether nothing more will be added.
    pub const fn is_full(&self) -> bool {
        self.full
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.text
    }
}

/// A text that stands alone, to be compared: backslash and whatever [`is_unsafe`] are escaped, and `#` where it comes
/// first, which is left to values that are no text.
pub fn alone(text: &str) -> String {
    let mut out = Bounded::default();
    for (place, character) in text.chars().enumerate() {
        match character {
            '\\' => out.push("\\\\"),
            '#' if place == 0 => out.push("\\#"),
            hidden if is_unsafe(hidden) => out.push_escaped(hidden),
            plain => out.push(plain.encode_utf8(&mut [0; 4])),
        }
        if out.is_full() {
            break;
        }
    }
    out.into_text()
}

/// Whether a character must not be shown as it is: controls, line and paragraph separators, marks that turn the
/// direction of the text, and characters that cannot be seen.
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// A text for a list: backslash, comma, quotation mark and whatever [`is_unsafe`] are escaped, so that no item can
/// pass for two.
pub fn item(text: &str) -> String {
    let mut out = Bounded::default();
    item_into(text, &mut out);
    out.into_text()
}

/// As [`item`], added to `out`.
pub fn item_into(text: &str, out: &mut Bounded) {
    for character in text.chars() {
        match character {
            '\\' | ',' | '"' => out.push(&format!("\\{character}")),
            hidden if is_unsafe(hidden) => out.push_escaped(hidden),
            plain => out.push(plain.encode_utf8(&mut [0; 4])),
        }
        if out.is_full() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_could_deceive() {
        let cases = [
            ("a.example", "a.example"),
            ("a, DNS:b", r"a\, DNS:b"),
            ("x\"y\\z", r#"x\"y\\z"#),
            ("a\r\nb\0c\u{1b}[31m", r"a\0D\0Ab\00c\1B[31m"),
            ("gpj\u{202e}exe", r"gpj\E2\80\AEexe"),
            ("zero\u{200b}width\u{85}", r"zero\E2\80\8Bwidth\C2\85"),
            ("Zürich 東京", "Zürich 東京"),
        ];
        for (text, expected) in cases {
            assert_eq!(item(text), expected);
        }
    }

    #[test]
    fn escapes_no_more_than_it_has_to_where_a_text_stands_alone() {
        let cases = [
            ("Acme, \"Inc.\" + Co", "Acme, \"Inc.\" + Co"),
            (r"a\b#", r"a\\b#"),
            ("#3000", r"\#3000"),
            ("a\0b\r\n", r"a\00b\0D\0A"),
            ("gpj\u{202e}exe", r"gpj\E2\80\AEexe"),
        ];
        for (text, expected) in cases {
            assert_eq!(alone(text), expected);
        }
        assert!(alone(&"a".repeat(2000)).ends_with('…'));
    }

    #[test]
    fn stops_at_the_limit_and_says_so() {
        assert_eq!(item(&"a".repeat(1023)), "a".repeat(1023));
        assert_eq!(item(&"a".repeat(1024)), format!("{}…", "a".repeat(1023)));
        assert_eq!(item(&"ä".repeat(9000)).chars().count(), 1024);
        let escaped = item(&"\0".repeat(9000));
        assert!(
            escaped.ends_with("\\00…") && escaped.chars().count() <= 1024,
            "{escaped}"
        );
    }
}
