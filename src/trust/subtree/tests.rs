use proptest::prelude::*;

use super::Place::{Inside, OtherKind, Outside, Unclear};
use super::*;

fn place(side: Side, name: &GeneralName, base: &GeneralName) -> Place {
    Base::of(base).place(side, &Name::of(name))
}

/// Checks bases and names of one kind, for both sides.
fn check(kind: fn(String) -> GeneralName, cases: &[(&str, &str, Place)]) {
    for (base, name, expected) in cases {
        let (base, name) = (kind((*base).to_owned()), kind((*name).to_owned()));
        for side in [Side::Permitted, Side::Excluded] {
            assert_eq!(place(side, &name, &base), *expected, "{base:?} {name:?}");
        }
    }
}

#[test]
fn dns_names_lie_below_whole_labels() {
    let long = format!("{}.example", "a".repeat(64));
    check(
        GeneralName::Dns,
        &[
            ("example.com", "example.com", Inside),
            ("example.com", "a.example.com", Inside),
            ("example.com", "b.a.example.com", Inside),
            ("Example.COM", "A.exAMPLE.com", Inside),
            ("example.com", "badexample.com", Outside),
            ("example.com", "example.org", Outside),
            ("example.com", "com", Outside),
            ("com", "example.com", Inside),
            (".example.com", "example.com", Outside),
            (".example.com", "a.example.com", Inside),
            (".example.com", "badexample.com", Outside),
            ("", "example.com", Inside),
            ("", "localhost", Inside),
            ("xn--bcher-kva.example", "a.XN--BCHER-KVA.example", Inside),
            ("_x.example", "a._x.example", Inside),
            ("example.com", "a.example.com.", Unclear),
            ("example.com", "", Unclear),
            ("example.com", " ", Unclear),
            ("example.com", "a..example.com", Unclear),
            ("example.com", ".example.com", Unclear),
            ("example.com", "a*.example.com", Unclear),
            ("example.com", "*.*.example.com", Unclear),
            ("example.com", "*", Unclear),
            ("example.com", "evil.com\0.example.com", Unclear),
            ("example.com", "a/b.example.com", Unclear),
            ("example", &long, Unclear),
            ("", "a b", Unclear),
            ("example.com.", "a.example.com", Unclear),
            ("*.example.com", "a.example.com", Unclear),
            (".", "a.example.com", Unclear),
            ("..example.com", "a.example.com", Unclear),
        ],
    );
}

#[test]
fn a_wildcard_is_permitted_as_a_whole_and_excluded_in_any_part() {
    let cases = [
        ("example.com", "*.example.com", Inside, Inside),
        (".example.com", "*.example.com", Inside, Inside),
        ("example.com", "*.a.example.com", Inside, Inside),
        ("", "*.example.com", Inside, Inside),
        ("com", "*.com", Inside, Inside),
        ("a.example.com", "*.example.com", Outside, Inside),
        (".a.example.com", "*.example.com", Outside, Outside),
        ("b.a.example.com", "*.example.com", Outside, Outside),
        ("example.com", "*.com", Outside, Inside),
        ("example.com", "*.badexample.com", Outside, Outside),
        ("badexample.com", "*.example.com", Outside, Outside),
        ("example.org", "*.example.com", Outside, Outside),
    ];
    for (base, name, permitted, excluded) in cases {
        let (base, name) = (
            GeneralName::Dns(base.to_owned()),
            GeneralName::Dns(name.to_owned()),
        );
        let found = [Side::Permitted, Side::Excluded].map(|side| place(side, &name, &base));
        assert_eq!(found, [permitted, excluded], "{base:?} {name:?}");
    }
}

#[test]
fn mail_addresses_lie_in_mailboxes_hosts_and_domains() {
    check(
        GeneralName::Email,
        &[
            ("a@example.com", "a@example.com", Inside),
            ("a@example.com", "a@EXAMPLE.com", Inside),
            ("a@example.com", "A@example.com", Outside),
            ("a@example.com", "b@example.com", Outside),
            ("a@example.com", "a@b.example.com", Outside),
            ("example.com", "a@example.com", Inside),
            ("example.com", "a@Example.com", Inside),
            ("example.com", "a@b.example.com", Outside),
            ("example.com", "a@badexample.com", Outside),
            (".example.com", "a@b.example.com", Inside),
            (".example.com", "a@c.b.Example.com", Inside),
            (".example.com", "a@example.com", Outside),
            ("", "a@example.com", Inside),
            ("example.com", "a+b.c@example.com", Inside),
            ("example.com", "\"a\"@example.com", Unclear),
            ("example.com", "\"a@b\"@example.com", Unclear),
            ("example.com", "example.com", Unclear),
            ("example.com", "@example.com", Unclear),
            ("example.com", "a@", Unclear),
            ("example.com", "a@*.example.com", Unclear),
            ("example.com", "a@[10.0.0.1]", Unclear),
            ("example.com", "a <a@example.com>", Unclear),
            ("example.com", "a@example.com, b@c.example", Unclear),
            ("@example.com", "a@example.com", Unclear),
            ("a@", "a@example.com", Unclear),
        ],
    );
}

#[test]
fn uris_are_compared_by_their_host() {
    check(
        GeneralName::Uri,
        &[
            ("example.com", "https://example.com", Inside),
            ("example.com", "https://Example.com/a?b#c", Inside),
            ("example.com", "https://u:p@example.com:443/", Inside),
            ("example.com", "spiffe://example.com/x", Inside),
            ("example.com", "https://example.com?x@evil.example", Inside),
            ("example.com", "https://a.example.com", Outside),
            ("example.com", "https://evil.example/example.com", Outside),
            ("example.com", "https://example.com@evil.example", Outside),
            (".example.com", "https://a.example.com", Inside),
            (".example.com", "https://b.a.example.com:80/", Inside),
            (".example.com", "https://example.com", Outside),
            (".example.com", "https://badexample.com", Outside),
            ("", "ldap://directory/", Inside),
            ("example.com", "urn:uuid:1", Unclear),
            ("example.com", "mailto:a@example.com", Unclear),
            ("example.com", "/example.com", Unclear),
            ("example.com", "https:example.com", Unclear),
            ("example.com", "https:///example.com", Unclear),
            ("example.com", "https://10.0.0.1/", Unclear),
            ("example.com", "https://[2001:db8::1]/", Unclear),
            ("example.com", "https://0x7f.1/", Unclear),
            ("example.com", "https://example.com./", Unclear),
            ("example.com", "https://example%2ecom/", Unclear),
            ("example.com", "https://example.com:x/", Unclear),
            ("example.com", "ht tp://example.com", Unclear),
            ("https://example.com", "https://example.com", Unclear),
        ],
    );
}

#[test]
fn a_uri_that_may_be_read_in_two_ways_has_no_host() {
    let legal = [
        "http://u@good.com/",
        "http://@good.com/",
        "http://:@good.com/",
        "http://u:p:q@good.com/",
        "http://a-b.c_d~e!$&'()*+,;=@good.com/",
        "http://evil.com%5c%40@good.com/",
        "http://good.com/@x@y:[]?a@b/c?d#e",
    ];
    let not = [
        "http://evil.com\\@good.com/",
        "http://evil.com @good.com/",
        "http://a@evil.com@good.com/",
        "http://evil.com[@good.com/",
        "http://evil.com%@good.com/",
        "http://evil.com%5@good.com/",
        "http://evil.com%5g@good.com/",
        "http://good.com\\.evil.com/",
        "http://good.com/a b",
        "http://good.com/a\\b",
        "http://good.com/<",
        "http://good.com/>",
        "http://good.com/\"",
        "http://good.com/^",
        "http://good.com/`",
        "http://good.com/{",
        "http://good.com/|",
        "http://good.com/}",
        "http://good.com/%",
        "http://good.com/\t",
        "http://good.com/\0",
        "http://good.com/\u{7f}",
        "http://good.com/\u{e9}",
        " http://good.com/",
        "://good.com/",
        "1http://good.com/",
    ];
    let legal = legal.map(|uri| ("good.com", uri, Inside));
    let not = not.map(|uri| ("good.com", uri, Unclear));
    check(GeneralName::Uri, &legal);
    check(GeneralName::Uri, &not);
}

#[test]
fn addresses_lie_in_networks_of_their_own_length() {
    let v6 = |start: &[u8], prefix: usize| {
        let mut octets = vec![0; 32];
        octets[..start.len()].copy_from_slice(start);
        octets[16..16 + prefix].fill(0xff);
        octets
    };
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1];
    let cases: [(Vec<u8>, &[u8], Place); 9] = [
        (vec![10, 0, 0, 0, 255, 0, 0, 0], &[10, 9, 8, 7], Inside),
        (vec![10, 0, 0, 0, 255, 0, 0, 0], &[11, 0, 0, 1], Outside),
        (vec![10, 16, 0, 0, 255, 240, 0, 0], &[10, 31, 0, 1], Inside),
        (vec![10, 16, 0, 0, 255, 240, 0, 0], &[10, 32, 0, 1], Outside),
        (vec![10, 0, 0, 9, 255, 0, 0, 0], &[10, 0, 0, 1], Inside),
        (vec![0; 8], &[1, 2, 3, 4], Inside),
        (vec![0; 8], &mapped, Outside),
        (v6(&mapped[..12], 12), &mapped, Inside),
        (v6(&[0x20, 1, 0x0d, 0xb8], 4), &mapped, Outside),
    ];
    for (base, name, expected) in cases {
        let (base, name) = (GeneralName::Ip(base), GeneralName::Ip(name.to_vec()));
        assert_eq!(place(Side::Permitted, &name, &base), expected);
        assert_eq!(place(Side::Excluded, &name, &base), expected);
    }
}

#[test]
fn other_kinds_cannot_be_compared_with_their_own_and_have_nothing_to_do_with_others() {
    let other = |kind| GeneralName::Other(kind, vec![0x2a]);
    for kind in [0, 3, 5, 8] {
        assert_eq!(place(Side::Excluded, &other(kind), &other(kind)), Unclear);
    }
    assert_eq!(place(Side::Permitted, &other(0), &other(8)), OtherKind);
    let dns = GeneralName::Dns("a.example".to_owned());
    assert_eq!(place(Side::Permitted, &other(0), &dns), OtherKind);
    assert_eq!(place(Side::Permitted, &dns, &other(0)), OtherKind);
    let uri = GeneralName::Uri("https://a.example".to_owned());
    assert_eq!(place(Side::Permitted, &uri, &dns), OtherKind);
}

#[test]
fn knows_which_common_names_look_like_dns_names() {
    for (text, expected) in [
        ("a.example", true),
        ("*.example", true),
        ("A-1.Example.com", true),
        ("localhost", false),
        ("10.0.0.1", false),
        ("Acme Client", false),
        ("a@b.example", false),
        ("a.example.", false),
    ] {
        assert_eq!(Name::common_name(text).is_some(), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn no_texts_make_it_panic(name in "\\PC{0,40}", base in "[a-z@.*:/\\[\\]]{0,20}") {
        for kind in [GeneralName::Dns, GeneralName::Email, GeneralName::Uri] {
            let (name, base) = (kind(name.clone()), kind(base.clone()));
            let _ = place(Side::Permitted, &name, &base);
            let _ = place(Side::Excluded, &base, &name);
        }
    }

    #[test]
    fn whatever_is_below_a_permitted_wildcard_is_permitted(
        label in "[a-z]{1,3}", parent in "[a-c]{1,2}(\\.[a-c]{1,2}){0,3}", base in "\\.?[a-c]{1,2}(\\.[a-c]{1,2}){0,3}",
    ) {
        let dns = |text: String| GeneralName::Dns(text);
        let (wildcard, one, base) =
            (dns(format!("*.{parent}")), dns(format!("{label}.{parent}")), dns(base));
        if place(Side::Permitted, &wildcard, &base) == Inside {
            prop_assert_eq!(place(Side::Permitted, &one, &base), Inside);
        }
        if place(Side::Excluded, &one, &base) == Inside {
            prop_assert_eq!(place(Side::Excluded, &wildcard, &base), Inside);
        }
    }
}
