use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::Stopwatch;
use crate::rule::facts::{Fact, Names};

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn names() -> Names {
    Names {
        common_names: texts(&["svc-orders"]),
        organizations: texts(&["Acme, Inc."]),
        organizational_units: texts(&["Payments"]),
        dns: texts(&["client-1.acme.example", "b.acme.example"]),
        emails: texts(&["ops@acme.example"]),
        uris: vec![],
    }
}

/// What `rule` says of a client with these names.
fn asked_of(rule: &str, names: &Names, sans: &[String]) -> Verdict {
    let facts = Facts {
        subject: "CN=svc-orders,OU=Payments,O=Acme\\, Inc.",
        sans,
        issuer: "CN=Acme Issuing CA",
        serial: "01ab",
        fingerprint: "aa11",
        anchor: "bb22",
        anchor_subject: "CN=Acme Root",
        account: "dgb-mtls-autocorp",
        names,
    };
    let rule = ClientRule::parse(rule).unwrap_or_else(|invalid| panic!("{rule}: {invalid}"));
    rule.admits(&facts)
}

fn asked(rule: &str) -> Verdict {
    asked_of(rule, &names(), &texts(&["DNS:client-1.acme.example"]))
}

fn refused(rule: &str) -> String {
    match ClientRule::parse(rule) {
        Ok(_) => panic!("{rule} was read"),
        Err(invalid) => invalid.to_string(),
    }
}

#[test]
fn rules_are_answered_by_the_facts() {
    for rule in [
        "true",
        "client.cn.exists(cn, cn.startsWith(\"svc-\"))",
        "\"DNS:client-1.acme.example\" in client.sans",
        "client.organizational_units == [\"Payments\"]",
        "client.organizations == ['Acme, Inc.']",
        "client.serial == '01ab' && client.fingerprint == 'aa11' && client.anchor == 'bb22'",
        "client.anchor_subject.endsWith('Root') && client.issuer.contains('Issuing')",
        "client.account == 'dgb-mtls-autocorp' ? size(client.dns) == 2 : false",
        "client.dns.all(d, d.endsWith('.acme.example'))",
        "client.dns.exists_one(d, d.startsWith('b.'))",
        "client.dns.filter(d, d.startsWith('b.')) == ['b.acme.example']",
        "client.dns.exists(d, client.emails.exists(e, e.endsWith('@' + d) || e.endsWith('@acme.example')))",
        "client.cn[0] + '.acme.example' != client.dns[0]",
        "client.uris == [] && !(client.dns == [])",
        "(client.dns + client.emails).exists(n, n == 'ops@acme.example')",
        "client.cn[0].lowerAscii() == 'svc-orders'",
        "client.dns.size() - 1 >= 1 && -1 < 0 && 7 / 2 * 2 % 4 == 2",
        "// a comment\nclient.cn\n  .size() == 1",
    ] {
        assert_eq!(asked(rule), Verdict::Admitted, "{rule}");
    }
    for rule in [
        "false",
        "client.cn == ['other']",
        "'x' in client.uris",
        "client.uris.exists(u, true)",
        "client.subject.startsWith('CN=svc-orders,O=')",
    ] {
        assert_eq!(asked(rule), Verdict::NotAdmitted, "{rule}");
    }
}

#[test]
fn what_cannot_be_answered_fails() {
    for (rule, why) in [
        ("client.uris[0] == 'x'", "no such item"),
        ("client.cn[-1] == 'x'", ""),
        ("client.cn[9223372036854775807] == 'x'", "no such item"),
        ("1 / (size(client.cn) - 1) == 1", "by zero"),
        ("1 % (size(client.cn) - 1) == 1", "by zero"),
        ("9223372036854775807 + size(client.cn) == 1", "Overflow"),
        (
            "(-9223372036854775807 - size(client.cn)) / -1 == 1",
            "Overflow",
        ),
        (
            "(-9223372036854775807 - size(client.cn)) % -1 == 1",
            "Overflow",
        ),
        ("-(-9223372036854775807 - size(client.cn)) == 1", ""),
        ("9223372036854775807 * size(client.dns) == 1", "Overflow"),
    ] {
        match asked(rule) {
            Verdict::Failed(failure) => {
                assert!(failure.to_string().contains(why), "{rule}: {failure}");
            }
            verdict @ (Verdict::Admitted | Verdict::NotAdmitted) => panic!("{rule}: {verdict:?}"),
        }
    }
}

#[test]
fn an_evaluator_that_breaks_down_is_a_refusal() {
    let verdict = guarded(|| panic!("deliberately"));
    assert_eq!(verdict, Verdict::Failed(RuleFailure::Panicked));
    let verdict = guarded(|| Ok(Value::Int(1)));
    assert!(matches!(verdict, Verdict::Failed(_)), "{verdict:?}");
}

#[test]
fn what_is_no_rule_is_told_with_its_place() {
    for (rule, told) in [
        ("", "says nothing"),
        (" \n", "says nothing"),
        ("client.cn ==", "line 1, column 13"),
        ("true &&\n  client.cn == [", "line 2, column "),
        ("client.cn == 'a", "line 1, column 14"),
        ("a b", "line 1, column 3"),
        ("clint.cn == []", "'clint' stands for nothing"),
        ("x == 1", "'x' stands for nothing"),
        ("int == int", "'int' stands for nothing"),
        ("client.dns.exists(d, e == d)", "'e' stands for nothing"),
        (
            "client.common_name == 'x'",
            "there is no 'client.common_name'",
        ),
        ("client == client", "stands alone"),
        ("client['cn'] == []", "stands alone"),
        ("client.exists(k, k == 'cn')", "stands alone"),
        ("client.subject.cn == 'x'", "'.cn' is asked of something"),
        (
            "client.dns.exists(client, client == 'x')",
            "must not be named 'client'",
        ),
        ("client.subject.matches('a+')", "no function 'matches'"),
        (
            "client.subject.replace('a', 'b') == ''",
            "no function 'replace'",
        ),
        ("type(client.subject) == string", "no function 'type'"),
        ("dyn(client.subject) == ''", "no function 'dyn'"),
        ("has(client.cn)", "has()"),
        ("client.dns.map(d, d) == []", "map()"),
        ("client.dns.map(d, d == 'x', client.sans) == []", "map()"),
        ("{'a': 1} == {'a': 1}", "maps"),
        ("client.subject == null", "null"),
        ("1.5 < 2.0", "numbers"),
        ("b'a' == b'a'", "bytes"),
        ("client.?cn == []", "line 1"),
        ("client.`cn` == []", "line 1"),
        ("client.cn == 'svc'", "a list of texts and a text"),
        ("'svc' != client.dns", "as in \"x\" in client.dns"),
        ("client.cn in ['svc']", "as in \"x\" in client.cn"),
        ("client.subject == 5", "a text and a number"),
        ("'x' in client.subject", "cannot be applied"),
        (
            "client.cn.startsWith('x')",
            "'startsWith' cannot be applied to a list of texts and a text",
        ),
        ("client.cn && true", "cannot be applied"),
        ("!client.cn", "cannot be applied"),
        ("client.subject - 'x' == ''", "cannot be applied"),
        ("client.subject > 1", "cannot be applied"),
        (
            "client.subject.exists(c, c == 'x')",
            "cannot be applied to a text",
        ),
        ("client.dns.exists(d, d)", "cannot be applied"),
        ("['a', 1] == []", "of one type"),
        ("client.subject", "this one says a text"),
        ("size(client.cn)", "this one says a number"),
        ("client.cn", "this one says a list of texts"),
        ("[true][0] ? 1 : 2", "this one says a number"),
    ] {
        let why = refused(rule);
        assert!(why.contains(told), "{rule}: {why}");
    }
}

#[test]
fn a_rule_is_bounded_before_it_is_parsed_and_after() {
    let nested = |times: usize| format!("{}true{}", "(".repeat(times), ")".repeat(times));
    for (rule, told) in [
        ("(".repeat(4096), "opening brackets"),
        ("[".repeat(4096), "opening brackets"),
        ("{".repeat(4096), "opening brackets"),
        ("a(".repeat(2048), "opening brackets"),
        ("true?".repeat(819), "question marks"),
        (
            format!("client.subject == '{}'", "(".repeat(300)),
            "opening brackets",
        ),
        ("ä".repeat(4097), "at most 4096 characters"),
        (nested(1500), "opening brackets"),
        ("[".repeat(150), "cannot be read"),
        ("!(".repeat(150), "cannot be read"),
        (
            format!("{}true{}", "!(".repeat(100), ")".repeat(100)),
            "cannot be read",
        ),
        (format!("true{}", " == true".repeat(200)), "32 deep"),
        (format!("client{}", ".a".repeat(2000)), "32 deep"),
        (format!("client.cn{}", "[0]".repeat(190)), "32 deep"),
        (
            format!("'a'{} == 'a'", ".lowerAscii()".repeat(190)),
            "32 deep",
        ),
        (
            format!("true{}", " || true".repeat(400)),
            "at most 500 expressions",
        ),
        (
            format!("1 in [{}]", "1,".repeat(600)),
            "at most 500 expressions",
        ),
        (
            "client.dns.exists(d, true) || ".repeat(5) + "true",
            "at most 4 of",
        ),
        (
            "client.dns.exists(a, client.dns.exists(b, client.dns.exists(c, c == b)))".to_owned(),
            "at most 2 deep",
        ),
    ] {
        let why = refused(&rule);
        assert!(why.contains(told), "{}: {why}", &rule[..40]);
    }
    assert_eq!(asked(&nested(150)), Verdict::Admitted);
    assert_eq!(
        asked(&format!("{}true", "!".repeat(4000))),
        Verdict::Admitted
    );
    assert_eq!(
        asked(&format!("true{}", " || true".repeat(200))),
        Verdict::Admitted
    );
}

/// Rules are parsed and asked on threads with 2 MiB of stack; a quarter of that has to do for the deepest of them.
#[test]
fn the_deepest_rule_needs_little_stack() {
    let deepest = || {
        for rule in [
            format!("true{}", " == true".repeat(28)),
            format!("{}true{}", "!(".repeat(28), ")".repeat(28)),
            format!("{}1{} == 1", "[".repeat(14), "][0]".repeat(14)),
            format!("{}true", "true ? true : ".repeat(28)),
        ] {
            assert_eq!(asked(&rule), Verdict::Admitted, "{rule}");
        }
        for rule in [
            "true?".repeat(31),
            format!("client.cn{}", ".a".repeat(2000)),
        ] {
            refused(&rule);
        }
    };
    let thread = std::thread::Builder::new().stack_size(512 * 1024);
    thread.spawn(deepest).unwrap().join().unwrap();
}

#[test]
fn work_is_bounded_whatever_rule_and_certificate_are() {
    let worst = "client.sans.exists(a, client.sans.exists(b, a + b == b + a + 'x' || a.contains(b + b) && b.endsWith(a)))";
    let long: Vec<String> = (0..100)
        .map(|place| format!("URI:{place}{}", "a".repeat(1000)))
        .collect();
    assert_eq!(
        asked_of(worst, &names(), &long),
        Verdict::Failed(RuleFailure::TooMuchWork)
    );
    // As much as is let through, within a second even without optimisation.
    let fitting = "client.sans.exists(a, client.sans.exists(b, a == b + 'x'))";
    let mut slowest = Duration::ZERO;
    let mut let_through = 0;
    for count in 1..=100 {
        let begun = Stopwatch::start();
        let verdict = asked_of(fitting, &names(), &long[..count]);
        slowest = slowest.max(begun.elapsed());
        let_through += usize::from(verdict == Verdict::NotAdmitted);
    }
    assert!((5..100).contains(&let_through), "{let_through}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    // What occurs in practice is let through: fifty names, and a list of fifty.
    let list: Vec<String> = (0..50)
        .map(|place| format!("'host-{place}.acme.example'"))
        .collect();
    let rule = format!("client.dns.exists(d, d in [{}])", list.join(", "));
    let many = Names {
        dns: (0..50)
            .map(|place| format!("host-{}.acme.example", place + 49))
            .collect(),
        ..names()
    };
    assert_eq!(asked_of(&rule, &many, &[]), Verdict::Admitted);
}

#[test]
fn a_rule_is_not_asked_of_what_was_cut() {
    let cut = Names {
        common_names: vec![format!("{}…", "a".repeat(1023))],
        dns: texts(&["a.example", "… and 5 more"]),
        ..names()
    };
    for (rule, fact) in [
        ("!('b' in client.dns)", "dns"),
        ("!client.cn.exists(c, c.endsWith('b'))", "cn"),
    ] {
        let expected = Verdict::Failed(RuleFailure::Cut { fact });
        assert_eq!(asked_of(rule, &cut, &[]), expected, "{rule}");
    }
    assert_eq!(asked_of("client.uris == []", &cut, &[]), Verdict::Admitted);
}

#[test]
fn every_fact_can_be_asked_for_by_its_name() {
    for fact in Fact::ALL {
        let name = fact.as_str();
        assert_eq!(Fact::named(name), Some(fact));
        let rule = if fact.is_list() {
            format!("client.{name} == client.{name} + []")
        } else {
            format!("client.{name} == client.{name} + ''")
        };
        assert_eq!(asked(&rule), Verdict::Admitted, "{rule}");
    }
}

#[test]
fn rules_are_equal_by_their_text() {
    let rule = |text| ClientRule::parse(text).unwrap();
    assert_eq!(rule("true"), rule("true"));
    assert_ne!(rule("true"), rule("true "));
    assert_eq!(rule("true ").as_str(), "true ");
}

/// Words of the language, put together at random: they get much further into the parser than random characters do.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "client",
        ".",
        "cn",
        "dns",
        "subject",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "?",
        "!",
        "-",
        "==",
        "&&",
        "||",
        "+",
        "/",
        "%",
        "in",
        "'a'",
        "\"",
        "'''",
        "r'",
        "b'",
        "`",
        "\\u",
        "//",
        "\n",
        "exists",
        "all",
        "map",
        "filter",
        "has",
        "size",
        "d",
        "0",
        "1u",
        "1e9",
        "9223372036854775808",
        "true",
        "null",
        "as",
        "💥",
        "\0",
    ]);
    prop::collection::vec(word, 0..120).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn reading_any_text_ends_soon(text in prop_oneof![words(), ".{0,300}", "[(\\[{!?:.a-]{0,4096}"]) {
        let begun = Stopwatch::start();
        if let Ok(rule) = ClientRule::parse(&text) {
            asked(rule.as_str());
        }
        prop_assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }

    #[test]
    fn any_name_is_only_a_text_to_a_rule(name in ".{0,60}") {
        let hostile = Names { common_names: vec![name.clone()], ..names() };
        let verdict = asked_of("client.cn == ['svc-orders']", &hostile, &[]);
        let expected = if name.ends_with('…') || name.starts_with('…') {
            Verdict::Failed(RuleFailure::Cut { fact: "cn" })
        } else {
            Verdict::NotAdmitted
        };
        prop_assert_eq!(verdict, expected);
    }
}
