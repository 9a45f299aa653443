//! The documents hold what they promise: a section for each reason, and links that lead somewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Parser;
use realmgate::cli::args::Arguments;
use realmgate::pki::{general_name, printable};
use realmgate::prove::board::Class;
use realmgate::rule::check;
use realmgate::rule::client_rule::{self, ClientRule, Verdict};
use realmgate::rule::facts::{Fact, Facts, Names};
use realmgate::settings::key;
use realmgate::trust::reason::Reason;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    let path = project().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of a document outside of its blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The sections of `text` whose heading is one code, such as `` ### `expired` ``: the code, and what stands below it.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in prose(text) {
        if line.starts_with('#') {
            let heading = line.trim_start_matches('#').trim();
            let code = heading
                .strip_prefix('`')
                .and_then(|rest| rest.strip_suffix('`'));
            open = code.is_some();
            sections.extend(code.map(|code| (code.to_owned(), String::new())));
        } else if let Some((_, body)) = sections.last_mut().filter(|_| open) {
            body.push_str(line);
            body.push('\n');
        }
    }
    sections
}

/// One line of words: quotes and line ends of Markdown play no part.
fn words(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_start_matches('>').trim());
    lines
        .collect::<Vec<_>>()
        .join(" ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn every_reason_has_a_section_and_no_section_names_an_unknown_code() {
    let text = read("docs/troubleshooting.md");
    let named: Vec<String> = sections(&text).into_iter().map(|(code, _)| code).collect();
    let expected: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    let (there, wanted): (BTreeSet<&str>, BTreeSet<&str>) = (
        named.iter().map(String::as_str).collect(),
        expected.iter().copied().collect(),
    );
    let missing: Vec<&&str> = wanted.difference(&there).collect();
    let unknown: Vec<&&str> = there.difference(&wanted).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "no section for {missing:?}; no such code: {unknown:?}"
    );
    assert_eq!(named, expected, "each code once, in the order of the code");
}

#[test]
fn every_class_of_attacks_has_a_section_that_says_what_held_means() {
    let sections = sections(&read("docs/prove.md"));
    let named: Vec<&str> = sections.iter().map(|(class, _)| class.as_str()).collect();
    let expected: Vec<&str> = Class::ALL.iter().map(|class| class.as_str()).collect();
    assert_eq!(named, expected);
    for (class, body) in &sections {
        assert!(body.contains("\nHeld: "), "{class}");
    }
}

#[test]
fn every_section_quotes_the_sentence_that_people_are_told() {
    for (code, body) in sections(&read("docs/troubleshooting.md")) {
        let reason = Reason::parse(&code).unwrap();
        assert!(
            words(&body).contains(reason.advice()),
            "{code}: {}",
            reason.advice()
        );
        for part in ["**The client sees**", "**It means**", "**To do**"] {
            assert!(body.contains(part), "{code} has no {part}");
        }
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents = vec![project().join("README.md")];
    let docs = std::fs::read_dir(project().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    documents
        .extend(docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    let mut broken = Vec::new();
    for document in &documents {
        let text = std::fs::read_to_string(document).unwrap();
        for target in targets(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if let Err(why) = follow(document, target) {
                broken.push(format!("{}: ({target}) {why}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_code_and_the_tests_that_the_security_page_names_are_there() {
    let text = read("docs/security.md");
    let mut code = String::new();
    for folder in ["src", "tests"] {
        gather(&project().join(folder), &mut code);
    }
    let mut missing = Vec::new();
    for name in prose(&text).flat_map(|line| line.split('`').skip(1).step_by(2)) {
        let is_path = name.starts_with("src/") || name.starts_with("tests/");
        let is_test = name.matches('_').count() >= 3
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let is_there = if is_path {
            project().join(name).exists()
        } else {
            !is_test || code.contains(&format!("fn {name}("))
        };
        if !is_there {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_command_of_the_documents_is_one_that_the_program_understands() {
    let mut tried = 0;
    let mut wrong = Vec::new();
    for document in [
        "README.md",
        "docs/client-rules.md",
        "docs/operations.md",
        "docs/prove.md",
        "docs/test-certificate.md",
        "docs/troubleshooting.md",
        "docs/trust-policy.md",
    ] {
        for command in commands(&read(document)) {
            tried += 1;
            if let Err(error) = Arguments::try_parse_from(&command) {
                wrong.push(format!("{document}: {command:?}: {error}"));
            }
        }
    }
    assert!(tried > 30, "only {tried} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A client of whom every example is true, and one of whom nothing is known.
fn two_clients() -> [Names; 2] {
    let texts = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    let known = Names {
        common_names: texts(&["svc-orders", "Warehouse"]),
        organizations: texts(&["Acme"]),
        organizational_units: texts(&["Payments"]),
        dns: texts(&["client-1.acme.example"]),
        emails: vec![],
        uris: vec![],
    };
    [known, Names::default()]
}

#[test]
fn the_examples_of_client_rules_let_in_whom_they_mean_and_nobody_else() {
    let text = read("docs/client-rules.md");
    let examples: Vec<&str> = text
        .split("```cel\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(examples.len() >= 7, "{examples:?}");
    let [known, unknown] = two_clients();
    let sans = ["DNS:client-1.acme.example".to_owned()];
    for example in examples {
        let rule = ClientRule::parse(example).unwrap_or_else(|why| panic!("{example}: {why}"));
        let nobody = Facts {
            subject: "",
            sans: &[],
            issuer: "CN=Acme Issuing CA",
            serial: "01",
            fingerprint: "00",
            anchor: "11",
            anchor_subject: "CN=Acme Root 2019",
            account: "dgb-mtls-other",
            names: &unknown,
        };
        assert_eq!(rule.admits(&nobody), Verdict::NotAdmitted, "{example}");
        let somebody = Facts {
            subject: "CN=svc-orders,OU=Payments,O=Acme",
            sans: &sans,
            fingerprint: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            anchor_subject: "CN=Acme Root 2029",
            account: "dgb-mtls-autocorp",
            names: &known,
            ..nobody
        };
        assert_eq!(rule.admits(&somebody), Verdict::Admitted, "{example}");
    }
}

#[test]
fn the_tables_of_client_rules_tell_every_fact_and_the_bounds() {
    let text = read("docs/client-rules.md");
    let told: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `client."))
        .collect();
    assert_eq!(told.len(), Fact::ALL.len());
    for (line, fact) in told.iter().zip(Fact::ALL) {
        let kind = if fact.is_list() {
            "list of texts"
        } else {
            "text"
        };
        let expected = format!("{}` | {kind} | ", fact.as_str());
        assert!(line.starts_with(&expected), "{line}, not {expected}");
    }
    for bound in [
        format!("| characters | {} |", client_rule::CHARS_MAX),
        format!("counted | {} |", client_rule::BRACKETS_MAX),
        format!("counted | {} |", client_rule::QUESTIONS_MAX),
        format!("| {}, {} |", check::EXPRESSIONS_MAX, check::DEPTH_MAX),
        format!("| {}, {} |", check::LOOPS_MAX, check::LOOP_DEPTH_MAX),
        format!("| {} MiB |", client_rule::WORK_MAX >> 20),
        format!("more than {} names of a kind", general_name::NAMES_MAX),
        format!("more than {} characters", printable::CHARS_MAX),
    ] {
        assert!(text.contains(&bound), "{bound}");
    }
}

#[test]
fn settings_that_the_documents_name_are_there_with_the_defaults_that_they_tell() {
    let mut wrong = Vec::new();
    for document in [
        "README.md",
        "docs/operations.md",
        "docs/troubleshooting.md",
        "docs/security.md",
    ] {
        let text = read(document);
        for line in prose(&text) {
            let named: Vec<&str> = line
                .split('`')
                .skip(1)
                .step_by(2)
                .filter(|span| is_setting(span))
                .collect();
            wrong.extend(
                named
                    .iter()
                    .filter(|name| key::find(name).is_none())
                    .map(|name| format!("{document}: no {name}")),
            );
            // A row of a table: | `name` or names | default or defaults | …
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            if let [names, defaults, _] = cells.as_slice()
                && line.starts_with("| `")
            {
                let names = names.split(", ").map(|name| name.trim_matches('`'));
                for (name, default) in names.zip(defaults.split(", ")) {
                    let Some(key) = key::find(name) else { continue };
                    let plainly = |text: &str| text.replace(['[', ']', '"', '`'], "");
                    if plainly(key.default) != plainly(default) {
                        wrong.push(format!(
                            "{document}: {name} is {default}, not {}",
                            key.default
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether a text looks like the key of a setting; names of tests, which look alike, have more words.
fn is_setting(text: &str) -> bool {
    let words = text.split('_').count();
    (2..=6).contains(&words)
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        && [
            "_ms", "_max", "_bytes", "_min", "_listen", "_names", "_dir", "_log", "_file",
            "_level", "_format", "_allowed",
        ]
        .iter()
        .any(|end| text.ends_with(end))
}

/// The words of each `realmgate …`, in blocks of code and within the text; those with a gap (`…`) are left out.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    let joined = text.replace("\\\n", " ");
    let inline = prose(text).collect::<Vec<_>>().join(" ");
    let spans = inline.split('`').skip(1).step_by(2).map(str::to_owned);
    found.extend(spans.filter(|span| span.starts_with("realmgate ")));
    let mut fenced = false;
    for line in joined.lines().map(str::trim) {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            let command = line.strip_prefix("sudo -u realmgate ").unwrap_or(line);
            found.extend(
                command
                    .starts_with("realmgate ")
                    .then(|| command.to_owned()),
            );
        }
    }
    found.retain(|command| !command.contains('…'));
    found.iter().map(|command| shell_words(command)).collect()
}

/// Splits as a shell does, as far as the documents need it; stops at a comment, a redirection or a pipe.
fn shell_words(command: &str) -> Vec<String> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in command.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '#' | '>' | '|') if word.is_none() => break,
            (None, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// The text of every Rust file below `folder`.
fn gather(folder: &Path, code: &mut String) {
    for entry in std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if entry.is_dir() {
            gather(&entry, code);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            code.push_str(&std::fs::read_to_string(&entry).unwrap());
        }
    }
}

/// What stands between `](` and `)`, outside of code.
fn targets(text: &str) -> Vec<&str> {
    let links = prose(text).flat_map(|line| line.split("](").skip(1));
    links
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .collect()
}

fn follow(document: &Path, target: &str) -> Result<(), &'static str> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path: PathBuf = if file.is_empty() {
        document.to_owned()
    } else {
        document.parent().unwrap().join(file)
    };
    if !path.exists() {
        return Err("there is no such file");
    }
    if anchor.is_empty() {
        return Ok(());
    }
    let text = std::fs::read_to_string(&path).map_err(|_| "it cannot be read")?;
    let headings = prose(&text).filter(|line| line.starts_with('#'));
    let found = headings
        .map(|line| line.trim_start_matches('#').trim())
        .any(|heading| anchor_of(heading) == anchor);
    if found {
        Ok(())
    } else {
        Err("there is no such heading")
    }
}

/// As GitHub makes anchors of headings.
fn anchor_of(heading: &str) -> String {
    let lower = heading.to_lowercase();
    let kept = lower
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
