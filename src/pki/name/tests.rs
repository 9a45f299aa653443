use proptest::prelude::*;

use super::*;

const CN: [u8; 3] = [0x55, 4, 3];
const O: [u8; 3] = [0x55, 4, 10];
const OU: [u8; 3] = [0x55, 4, 11];
const PRINTABLE: u8 = 0x13;
const T61: u8 = 0x14;
const IA5: u8 = 0x16;
const UNIVERSAL: u8 = 0x1c;
const BMP: u8 = 0x1e;
const UTF8: u8 = tag::UTF8_STRING;

fn part(oid: &[u8], kind: u8, value: &[u8]) -> Vec<u8> {
    der::encode(
        tag::SEQUENCE,
        &[&der::encode(tag::OID, &[oid]), &der::encode(kind, &[value])],
    )
}

fn name(sets: &[&[Vec<u8>]]) -> Vec<u8> {
    let sets: Vec<Vec<u8>> = sets
        .iter()
        .map(|parts| der::encode(tag::SET, &[&parts.concat()]))
        .collect();
    der::encode(tag::SEQUENCE, &[&sets.concat()])
}

fn cn(kind: u8, value: &[u8]) -> Vec<u8> {
    name(&[&[part(&CN, kind, value)]])
}

#[test]
fn writes_the_most_specific_part_first() {
    let acme = name(&[
        &[part(&O, PRINTABLE, b"Acme")],
        &[part(&OU, UTF8, b"a"), part(&CN, UTF8, b"client-1")],
    ]);
    assert_eq!(text(&acme), "OU=a+CN=client-1,O=Acme");
    assert_eq!(text(&name(&[])), "");
}

#[test]
fn escapes_values_as_rfc_4514_says() {
    let cases: [(&[u8], &str); 12] = [
        (b"Before\rAfter", r"CN=Before\0DAfter"),
        (b"a\0b\n", r"CN=a\00b\0A"),
        (
            br#"James "Jim" Smith, III"#,
            r#"CN=James \"Jim\" Smith\, III"#,
        ),
        (br"a+b;c<d>e\f=g", r"CN=a\+b\;c\<d\>e\\f=g"),
        (b" leading and trailing ", r"CN=\ leading and trailing\ "),
        (b"#hash # inside", r"CN=\#hash # inside"),
        (b" ", r"CN=\ "),
        (b"", "CN="),
        ("Lučić".as_bytes(), "CN=Lučić"),
        ("x\u{202e}gpj".as_bytes(), r"CN=x\E2\80\AEgpj"),
        (
            "a\u{2028}b\u{85}c\u{200b}d\u{feff}".as_bytes(),
            r"CN=a\E2\80\A8b\C2\85c\E2\80\8Bd\EF\BB\BF",
        ),
        (b"\x1b]0;owned\x07", r"CN=\1B]0\;owned\07"),
    ];
    for (value, expected) in cases {
        assert_eq!(text(&cn(UTF8, value)), expected);
    }
}

#[test]
fn reads_every_kind_of_string() {
    let cases: [(u8, &[u8], &str); 11] = [
        (PRINTABLE, b"Acme*", "CN=Acme*"),
        (PRINTABLE, b"M\xfcller", "CN=Müller"),
        (IA5, b"a@b", "CN=a@b"),
        (T61, b"Z\xfcrich", "CN=Zürich"),
        (BMP, &[0x67, 0x71, 0x4e, 0xac], "CN=東京"),
        (BMP, &[0xd8, 0x3d, 0xde, 0x00], "CN=😀"),
        (BMP, &[0, b'a', 0], "CN=#1e03006100"),
        (BMP, &[0xd8, 0x3d], "CN=#1e02d83d"),
        (UNIVERSAL, &[0, 1, 0xf6, 0], "CN=😀"),
        (UNIVERSAL, &[0, 0x11, 0, 0], "CN=#1c0400110000"),
        (UTF8, &[0xff, 0xfe], "CN=#0c02fffe"),
    ];
    for (kind, value, expected) in cases {
        assert_eq!(text(&cn(kind, value)), expected);
    }
}

#[test]
fn writes_what_it_does_not_know_in_digits() {
    assert_eq!(
        text(&name(&[&[part(&[0x2a, 3, 4], UTF8, b"x")]])),
        "1.2.3.4=#0c0178"
    );
    assert_eq!(text(&cn(tag::INTEGER, &[5])), "CN=#020105");
    assert_eq!(
        text(&name(&[&[part(&[0x80], UTF8, b"x")]])),
        "#060180=#0c0178"
    );
    for broken in [
        &b"\x30\x01"[..],
        b"",
        b"\x31\x00",
        b"\x30\x02\x31\x00",
        b"\x30\x00\x00",
    ] {
        assert_eq!(text(broken), format!("#{}", der::hex(broken)));
    }
}

#[test]
fn is_bounded() {
    let long = cn(UTF8, "ä".repeat(5000).as_bytes());
    let told = text(&long);
    assert_eq!(told.chars().count(), 1024);
    assert!(told.starts_with("CN=ää") && told.ends_with("ä…"));
    let parts: Vec<Vec<u8>> = (0..2000).map(|_| part(&CN, UTF8, b"\0")).collect();
    let told = text(&name(&[&parts]));
    assert!(
        told.ends_with('…') && told.chars().count() <= 1024,
        "{told}"
    );
    let undecoded = text(&vec![0xaa; 60_000]);
    assert_eq!(undecoded.chars().count(), 1024);
}

#[test]
fn equal_names_have_one_normal_form() {
    let plain = cn(UTF8, b"acme root");
    let same = [
        cn(PRINTABLE, b"Acme Root"),
        cn(T61, b"ACME  ROOT"),
        cn(IA5, b"  acme \t root "),
        cn(BMP, b"\0a\0c\0m\0e\0 \0r\0o\0o\0t"),
    ];
    for other in same {
        assert_eq!(normal_form(&other), normal_form(&plain));
    }
    let (one, two) = (part(&CN, UTF8, b"b"), part(&OU, UTF8, b"a"));
    assert_eq!(
        normal_form(&name(&[&[one.clone(), two.clone()]])),
        normal_form(&name(&[&[two, one]]))
    );
    assert_eq!(
        normal_form(&cn(UTF8, "ÄÖ".as_bytes())),
        normal_form(&cn(T61, b"\xe4\xf6"))
    );
    assert_eq!(
        normal_form(&cn(UTF8, "u\u{308}".as_bytes())),
        normal_form(&cn(T61, b"\xfc"))
    );
}

#[test]
fn different_names_have_different_normal_forms() {
    let (one, two) = (part(&CN, UTF8, b"b"), part(&OU, UTF8, b"a"));
    let names = [
        cn(UTF8, b"acme root"),
        cn(UTF8, b"acmeroot"),
        cn(UTF8, b"acme rooT2"),
        cn(UTF8, b"acme root\0"),
        cn(tag::INTEGER, b"acme root"),
        cn(UTF8, b""),
        name(&[]),
        name(&[&[part(&O, UTF8, b"acme root")]]),
        name(&[&[one.clone(), two.clone()]]),
        name(&[std::slice::from_ref(&one), std::slice::from_ref(&two)]),
        name(&[&[two], &[one]]),
    ];
    for (place, first) in names.iter().enumerate() {
        for second in &names[..place] {
            assert_ne!(
                normal_form(first),
                normal_form(second),
                "{} {}",
                text(first),
                text(second)
            );
        }
    }
}

#[test]
fn a_normal_form_of_what_cannot_be_decoded_is_the_thing_itself() {
    for broken in [&b"\x30\x01"[..], b"", b"\x02\x01\x05", b"\x30\x02\x31\x00"] {
        assert_eq!(normal_form(broken), broken);
    }
    assert_eq!(normal_form(&cn(tag::INTEGER, &[5])), cn(tag::INTEGER, &[5]));
    let sentences = cn(UTF8, "\u{fdfa}".repeat(100).as_bytes());
    assert_eq!(normal_form(&sentences), sentences);
    assert_eq!(normal_sets(&sentences), Err(NotDer));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_write_what_is_unsafe(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
        let told = text(&raw);
        prop_assert!(told.chars().count() <= 1024 && !told.chars().any(is_unsafe));
        prop_assert_eq!(normal_form(&normal_form(&raw)), normal_form(&raw));
    }

    #[test]
    fn no_value_makes_it_panic_or_write_what_is_unsafe(
        kind in prop::sample::select(vec![UTF8, PRINTABLE, T61, IA5, UNIVERSAL, BMP, 0x1b, 0x17]),
        value in proptest::collection::vec(any::<u8>(), 0..80),
        text_value in any::<String>(),
    ) {
        for raw in [cn(kind, &value), cn(UTF8, text_value.as_bytes())] {
            let told = text(&raw);
            prop_assert!(told.starts_with("CN=") && !told.chars().any(is_unsafe), "{}", told);
            prop_assert_eq!(normal_form(&normal_form(&raw)), normal_form(&raw));
        }
    }
}
