//! Texts of names, prepared to be compared (RFC 5280, 7.1): the string preparation of LDAP (RFC 4518, 2).

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The text in a form in which texts that count as equal are equal: letters in lower case, white space trimmed and
/// folded, what is invisible left out, letters composed and without variants of width, ligatures and the like (NFKC).
/// A prepared text is its own form.
///
/// `None` where this would make the text much longer: some characters stand for whole sentences, and nobody's name is
/// written with many of them.
///
/// Beyond RFC 4518, ASCII controls count, because a NUL has hidden the rest of a name from too many readers; and the
/// characters that it prohibits are compared like all others.
pub fn prepared(text: &str) -> Option<String> {
    /// How many characters a text may have more than it had octets.
    const GROWTH_MAX: usize = 64;
    if text.is_ascii() {
        return Some(spaces_folded(&text.to_ascii_lowercase()));
    }
    let most = text.len().saturating_add(GROWTH_MAX);
    let normal = bounded(text.chars().filter_map(mapped).nfkc(), most)?;
    let again = bounded(case_folded(&normal).nfkc(), most)?;
    Some(spaces_folded(&again))
}

/// RFC 4518, 2.2, without letters and ASCII: what is invisible or a control is left out, separators are spaces.
fn mapped(character: char) -> Option<char> {
    match character {
        '\u{80}'..='\u{84}'
        | '\u{86}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{6dd}'
        | '\u{70f}'
        | '\u{1806}'
        | '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2063}'
        | '\u{206a}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffc}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0001}'
        | '\u{e0020}'..='\u{e007f}' => None,
        // The property has just the characters that RFC 4518 lists.
        space if space.is_whitespace() => Some(' '),
        other => Some(other),
    }
}

/// RFC 3454, B.2, by which letters are alike if their capitals are: `ß` and `ss`, both small sigmas. But not the dotless
/// i, which is no i.
fn case_folded(text: &str) -> impl Iterator<Item = char> {
    const DOTLESS_I: char = '\u{131}';
    let small = text.chars().flat_map(char::to_lowercase);
    small.flat_map(|small| {
        let (folded, kept) = match small {
            DOTLESS_I => (None, Some(DOTLESS_I)),
            other => (Some(other), None),
        };
        let folded = folded.into_iter().flat_map(char::to_uppercase);
        folded.flat_map(char::to_lowercase).chain(kept)
    })
}

/// The text; `None` where it has more characters than `most`.
fn bounded(characters: impl Iterator<Item = char>, most: usize) -> Option<String> {
    let mut out = String::new();
    for (place, character) in characters.enumerate() {
        if place >= most {
            return None;
        }
        out.push(character);
    }
    Some(out)
}

/// RFC 4518, 2.6.1: no spaces at the ends, one between words. What carries a combining mark is no space.
fn spaces_folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut space = false;
    while let Some(character) = characters.next() {
        let mut is_marked = || {
            characters
                .peek()
                .is_some_and(|next| is_combining_mark(*next))
        };
        if character.is_whitespace() && !is_marked() {
            space = !out.is_empty();
            continue;
        }
        if space {
            out.push(' ');
            space = false;
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests;
