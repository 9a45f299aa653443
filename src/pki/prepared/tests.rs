use proptest::prelude::*;

use super::*;

fn check(equal: &[&str]) {
    for text in equal {
        assert_eq!(prepared(text), prepared(equal[0]), "{text:?}");
    }
}

#[test]
fn equal_texts_have_one_form() {
    check(&[
        "M\u{fc}ller",
        "Mu\u{308}ller",
        "MU\u{308}LLER",
        "M\u{dc}ller",
    ]);
    check(&[
        "acme",
        "ACME",
        "\u{ff21}\u{ff43}\u{ff4d}\u{ff25}",
        "\u{24b6}cme",
    ]);
    check(&["office", "o\u{fb03}ce", "O\u{fb00}ice"]);
    check(&[
        "strasse",
        "Stra\u{df}e",
        "STRA\u{1e9e}E",
        "\u{17f}tra\u{df}e",
    ]);
    check(&[
        "\u{3c3}\u{3bf}\u{3c6}\u{3cc}\u{3c2}",
        "\u{3a3}\u{39f}\u{3a6}\u{38c}\u{3a3}",
    ]);
    check(&["\u{30a2}\u{30ac}", "\u{ff71}\u{ff76}\u{ff9e}"]);
    check(&["\u{d55c}", "\u{1112}\u{1161}\u{11ab}"]);
    check(&["\u{212b}", "\u{c5}", "a\u{30a}"]);
    // Two marks in another order, of which only one sits above the letter.
    check(&["q\u{307}\u{323}", "q\u{323}\u{307}"]);
    check(&["\u{1fb3}", "\u{3b1}\u{3b9}", "\u{1fbc}"]);
}

#[test]
fn what_is_invisible_does_not_count() {
    let invisible = [
        '\u{80}',
        '\u{9f}',
        '\u{ad}',
        '\u{34f}',
        '\u{1806}',
        '\u{180b}',
        '\u{180e}',
        '\u{200b}',
        '\u{200d}',
        '\u{202e}',
        '\u{2060}',
        '\u{2063}',
        '\u{206f}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{fffc}',
        '\u{1d173}',
        '\u{e0001}',
        '\u{e007f}',
    ];
    for character in invisible {
        check(&["acme root", &format!("ac{character}me root{character}")]);
        check(&["", &character.to_string()]);
    }
    check(&["\u{e9}", "e\u{200d}\u{301}"]);
}

#[test]
fn all_white_space_is_alike() {
    let spaces = [
        '\t', '\n', '\u{b}', '\u{c}', '\r', '\u{85}', '\u{a0}', '\u{1680}', '\u{2000}', '\u{200a}',
        '\u{2028}', '\u{2029}', '\u{202f}', '\u{205f}', '\u{3000}',
    ];
    for space in spaces {
        check(&[
            "a b",
            &format!("a{space}b"),
            &format!("{space}a {space} b{space}{space}"),
        ]);
    }
    check(&["", " ", "\u{a0}\u{3000}"]);
}

#[test]
fn a_space_with_a_mark_is_no_space() {
    check(&["a\u{a8}b", "a \u{308}b"]);
    assert_eq!(prepared("a  \u{308} b").as_deref(), Some("a  \u{308} b"));
    assert_ne!(prepared("\u{a8}"), prepared("\u{308}"));
}

#[test]
fn different_texts_have_different_forms() {
    let texts = [
        "",
        "acme",
        "ac me",
        "acm\u{e9}",
        "acm\u{e8}",
        // Cyrillic, and looks the same.
        "\u{430}cme",
        "acme\0",
        "acme\u{7f}",
        "acme\0\u{e9}",
        "\u{131}",
        "i",
        "i\u{307}",
        "\u{fffd}",
        "\u{e000}",
    ];
    for (place, first) in texts.iter().enumerate() {
        for second in &texts[..place] {
            assert_ne!(prepared(first), prepared(second), "{first:?} {second:?}");
        }
    }
}

#[test]
fn does_not_let_a_text_grow_much() {
    let sentence = "\u{fdfa}";
    assert_eq!(prepared(sentence).unwrap().chars().count(), 18);
    assert_eq!(prepared(&sentence.repeat(20_000)), None);
    let marks = format!("e{}", "\u{301}\u{323}".repeat(10_000));
    assert!(prepared(&marks).unwrap().len() <= marks.len());
}

#[test]
fn the_form_of_each_character_is_its_own_form() {
    for character in '\0'..='\u{2ffff}' {
        let form = prepared(&character.to_string()).unwrap();
        assert_eq!(prepared(&form).as_ref(), Some(&form), "{character:?}");
    }
}

proptest! {
    #[test]
    fn the_form_of_any_text_is_its_own_form(
        text in any::<String>(),
        marked in "[ Aa\u{df}\u{300}-\u{345}\u{a8}\u{fb00}\u{1100}-\u{11ff}\u{1f80}-\u{1fff}]{0,8}",
    ) {
        for text in [text, marked] {
            let form = prepared(&text).unwrap();
            prop_assert_eq!(prepared(&form), Some(form));
        }
    }
}
