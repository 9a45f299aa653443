//! Holds the house rules of `docs/architecture.md` to the code: who imports whom, who reads a clock, how long a file
//! may be. Each violation is told with its file and line.

mod rooms;
mod source;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use rooms::{EVERYWHERE, NEVER, ONE_ROW, ROOMS, Room, room};
use source::Source;

const LINES_OF_CODE_MAX: usize = 500;

#[test]
fn the_code_keeps_the_house_rules() {
    let sources = project();
    assert!(
        sources.len() > 20,
        "only {} files were found",
        sources.len()
    );
    let broken = violations(&sources, &dependencies(&read("Cargo.toml")));
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn rooms_of_the_table_import_from_floors_below_only() {
    for room in ROOMS {
        for name in room.rooms {
            let below =
                rooms::room(name).unwrap_or_else(|| panic!("{}: no room {name}", room.name));
            let one_row = ONE_ROW.contains(&room.name) && ONE_ROW.contains(name);
            assert!(
                below.floor < room.floor || one_row,
                "{} imports {name}",
                room.name
            );
        }
    }
    for (name, never) in NEVER {
        for other in *never {
            assert!(
                !room(name).unwrap().rooms.contains(other),
                "{name} imports {other}"
            );
        }
    }
}

/// All violations, each as `file:line: what is wrong`.
fn violations(sources: &[Source], dependencies: &HashSet<String>) -> Vec<String> {
    let mut broken = Vec::new();
    for source in sources {
        forbidden_marks(source, &mut broken);
        if !source.path.starts_with("src/") {
            continue;
        }
        clock_reads(source, &mut broken);
        long_file(source, &mut broken);
        faces(source, &mut broken);
        match room(room_name(&source.path)) {
            Some(room) => imports(source, room, dependencies, &mut broken),
            None => tell(
                &mut broken,
                source,
                0,
                "this room is not in the table of tests/it/tidy/rooms.rs",
            ),
        }
    }
    broken
}

/// `src/pki/pem.rs` and `src/pki.rs` both belong to `pki`.
fn room_name(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside
        .split('/')
        .next()
        .unwrap_or(inside)
        .trim_end_matches(".rs")
}

fn imports(source: &Source, own: &Room, dependencies: &HashSet<String>, broken: &mut Vec<String>) {
    let local = source.local_names();
    for path in source.paths() {
        let tested = source.in_tests(path.at);
        match path.segments.as_slice() {
            [first, other, ..] if first == "crate" => {
                // A name without a room is an item of the crate's root, such as a macro.
                let allowed = room(other).is_none_or(|other| own.may_import(other, tested));
                if !allowed {
                    let what = format!("the room {} may not import crate::{other}", own.name);
                    tell(broken, source, path.at, &what);
                }
            }
            [first, other, ..] if first == "realmgate" => {
                let allowed = own.name == "main" && own.rooms.contains(&other.as_str());
                if !allowed {
                    let what = format!("the room {} may not import realmgate::{other}", own.name);
                    tell(broken, source, path.at, &what);
                }
            }
            [first, ..] if first == "super" && !tested => {
                tell(
                    broken,
                    source,
                    path.at,
                    "write the whole path, from crate:: on",
                );
            }
            [first, ..] if dependencies.contains(first) && !local.contains(first) && !tested => {
                let named = path.segments.join("::");
                let mut allowed = EVERYWHERE.iter().chain(own.crates);
                let within =
                    |part: &&str| named == *part || named.starts_with(&format!("{part}::"));
                if !allowed.any(within) {
                    let what = format!("the room {} may not use {named}", own.name);
                    tell(broken, source, path.at, &what);
                }
            }
            _ => {}
        }
    }
}

/// tokio's `Instant` is let through: deadlines of timers are set by it, and nothing that is recorded.
fn clock_reads(source: &Source, broken: &mut Vec<String>) {
    if source.path == "src/clock.rs" {
        return;
    }
    let timers = source
        .paths()
        .iter()
        .any(|path| path.segments == ["tokio", "time", "Instant"]);
    let reads = [
        "SystemTime::now",
        "Instant::now",
        "now_utc",
        "now_local",
        "Utc::now",
        "Local::now",
    ];
    for read in reads {
        for at in source.find(read) {
            let of_timers = read == "Instant::now"
                && (timers
                    || source
                        .find("tokio::time::Instant::now")
                        .iter()
                        .any(|own| own + 13 == at));
            if !of_timers {
                tell(
                    broken,
                    source,
                    at,
                    &format!("{read} reads a clock: take the time as a parameter"),
                );
            }
        }
    }
}

fn long_file(source: &Source, broken: &mut Vec<String>) {
    let lines = source.lines_of_code();
    if lines > LINES_OF_CODE_MAX {
        let what = format!("{lines} lines of code, tests not counted; at most {LINES_OF_CODE_MAX}");
        tell(broken, source, 0, &what);
    }
}

fn forbidden_marks(source: &Source, broken: &mut Vec<String>) {
    for mark in ["todo!", "unimplemented!", "dbg!", "#[ignore"] {
        for at in source.find(mark) {
            tell(broken, source, at, &format!("{mark} was left behind"));
        }
    }
}

/// A `mod.rs` is documentation and `pub mod` lines; nothing is exported from two places; rooms have telling names.
fn faces(source: &Source, broken: &mut Vec<String>) {
    if source.path.ends_with("/mod.rs") {
        for (at, item) in source.top_level_items() {
            let is_mod = item.starts_with("pub mod ") && item.ends_with(';');
            if !is_mod && !item.starts_with('#') && !source.in_tests(at) {
                tell(
                    broken,
                    source,
                    at,
                    "a mod.rs holds documentation and pub mod lines only",
                );
            }
        }
    }
    for visibility in ["pub use", "pub(crate) use", "pub(super) use"] {
        for at in source.find(visibility) {
            tell(
                broken,
                source,
                at,
                "nothing is re-exported: import it by its whole path",
            );
        }
    }
    let vague = |part: &str| {
        matches!(
            part.trim_end_matches(".rs"),
            "utils" | "util" | "common" | "types" | "prelude" | "helpers"
        )
    };
    if source.path.split('/').any(vague) {
        tell(
            broken,
            source,
            0,
            "the name says nothing: name the file after what is in it",
        );
    }
}

fn tell(broken: &mut Vec<String>, source: &Source, at: usize, what: &str) {
    broken.push(format!("{}:{}: {what}", source.path, source.line(at)));
}

/// The names under which the dependencies are known in code.
fn dependencies(manifest: &str) -> HashSet<String> {
    let manifest: toml::Table = manifest.parse().unwrap();
    let names = manifest["dependencies"].as_table().unwrap().keys();
    let mut names: HashSet<_> = names.map(|name| name.replace('-', "_")).collect();
    // The one whose library is called otherwise.
    if names.remove("rustls_webpki") {
        names.insert("webpki".to_owned());
    }
    names
}

/// Every Rust file under `src` and `tests`.
fn project() -> Vec<Source> {
    let mut sources = Vec::new();
    for folder in ["src", "tests"] {
        collect(folder, &mut sources);
    }
    let test_modules: Vec<_> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        source.is_test |= test_modules.iter().any(|place| source.is_within(place));
    }
    sources
}

fn collect(folder: &str, sources: &mut Vec<Source>) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut entries: Vec<_> = fs::read_dir(top.join(folder))
        .unwrap()
        .map(|entry| entry.unwrap())
        .collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&path, sources);
        } else if path.ends_with(".rs") {
            sources.push(Source::new(&path, &read(&path)));
        }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The violations of one file, as `line: what`.
fn told_of(path: &str, text: &str) -> Vec<String> {
    let dependencies = [
        "tokio",
        "rustls",
        "redb",
        "thiserror",
        "time",
        "axum",
        "webpki",
    ];
    let dependencies = dependencies.into_iter().map(str::to_owned).collect();
    let broken = violations(&[Source::new(path, text)], &dependencies);
    let prefix = format!("{path}:");
    broken
        .iter()
        .map(|told| told.strip_prefix(&prefix).unwrap().to_owned())
        .collect()
}

#[test]
fn an_import_that_the_table_does_not_allow_is_told_with_its_line() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("src/gateway/a.rs", "use crate::snapshot::live::Live;", &[]),
        (
            "src/gateway/a.rs",
            "\nuse crate::store::db::Store;",
            &["2: the room gateway may not import crate::store"],
        ),
        (
            "src/gateway/a.rs",
            "fn f() { crate::control::run() }",
            &["1: the room gateway may not import crate::control"],
        ),
        (
            "src/gateway/a.rs",
            "use crate::{\n    domain::name::RealmName,\n    store::{db::Store, error},\n};",
            &[
                "3: the room gateway may not import crate::store",
                "3: the room gateway may not import crate::store",
            ],
        ),
        (
            "src/trust/a.rs",
            "macro_rules! m { () => { $crate::domain::x() } }",
            &["1: the room trust may not import crate::domain"],
        ),
        (
            "src/app.rs",
            "use crate::cli::run;",
            &["1: the room app may not import crate::cli"],
        ),
        ("src/cli/a.rs", "use crate::demo::run;", &[]),
        (
            "src/pki/a.rs",
            "#[cfg(test)]\nmod tests {\n    use crate::store::db::Store;\n}",
            &["3: the room pki may not import crate::store"],
        ),
        (
            "src/pki/a.rs",
            "// crate::store\n/* use crate::store; */ const A: &str = \"crate::store::x\";",
            &[],
        ),
        (
            "src/pki/a.rs",
            "use super::pem;",
            &["1: write the whole path, from crate:: on"],
        ),
        (
            "src/pki/a.rs",
            "#[cfg(test)]\nmod tests {\n    use super::*;\n}",
            &[],
        ),
        (
            "src/attic/a.rs",
            "",
            &["1: this room is not in the table of tests/it/tidy/rooms.rs"],
        ),
    ];
    for (path, text, expected) in cases {
        assert_eq!(told_of(path, text), *expected, "{text}");
    }
}

#[test]
fn a_foreign_crate_that_the_table_does_not_allow_is_told() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "src/domain/a.rs",
            "#[derive(thiserror::Error)]\nstruct A;",
            &[],
        ),
        (
            "src/domain/a.rs",
            "use tokio::time;\nfn f() { time::sleep() }",
            &["1: the room domain may not use tokio::time"],
        ),
        (
            "src/domain/a.rs",
            "fn f() { ::tokio::spawn(g()) }",
            &["1: the room domain may not use tokio::spawn"],
        ),
        (
            "src/domain/a.rs",
            "fn f<'a>(c: char) -> bool { c == '\"' || tokio::f('\\'') }",
            &["1: the room domain may not use tokio::f"],
        ),
        (
            "src/domain/a.rs",
            "fn f() { let _ = r#\"tokio::spawn \"inside\" \"#; std::time::f() }",
            &[],
        ),
        (
            "src/domain/a.rs",
            "use std::time;\nfn f() -> time::Duration { x.tokio::<u8>() }",
            &[],
        ),
        (
            "src/domain/a.rs",
            "#[cfg(test)]\nmod tests {\n    use tokio::spawn;\n}",
            &[],
        ),
        (
            "src/domain/a.rs",
            "#[cfg(test)]\nuse a::{b, c};\nuse tokio::spawn;",
            &["3: the room domain may not use tokio::spawn"],
        ),
        ("src/pki/a.rs", "use rustls::pki_types::PrivateKeyDer;", &[]),
        (
            "src/pki/a.rs",
            "use rustls::{ServerConfig, pki_types::A};",
            &["1: the room pki may not use rustls::ServerConfig"],
        ),
        (
            "src/snapshot/a.rs",
            "tokio::task_local! {}\nuse tokio::sync::watch;\nuse tokio::net::TcpStream;",
            &["3: the room snapshot may not use tokio::net::TcpStream"],
        ),
    ];
    for (path, text, expected) in cases {
        assert_eq!(told_of(path, text), *expected, "{text}");
    }
}

#[test]
fn what_is_left_behind_or_in_the_wrong_place_is_told() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "src/pki/a.rs",
            "fn f() {\n    Instant::now();\n}",
            &["2: Instant::now reads a clock: take the time as a parameter"],
        ),
        ("src/clock.rs", "fn f() { Instant::now(); }", &[]),
        (
            "src/gateway/a.rs",
            "use tokio::time::Instant;\nfn f() { Instant::now(); }",
            &[],
        ),
        (
            "src/gateway/a.rs",
            "fn f() { tokio::time::Instant::now(); }",
            &[],
        ),
        ("src/gateway/a.rs", "fn f() { MyInstant::now(); }", &[]),
        (
            "src/pki/a.rs",
            "fn f() { todo!() }",
            &["1: todo! was left behind"],
        ),
        (
            "tests/it/a.rs",
            "#[test]\n#[ignore = \"later\"]\nfn f() {}",
            &["2: #[ignore was left behind"],
        ),
        (
            "src/pki/mod.rs",
            "//! Words.\n\npub mod a;\n#[cfg(test)]\nmod tests;",
            &[],
        ),
        (
            "src/pki/mod.rs",
            "pub mod a;\nfn f() {}",
            &["2: a mod.rs holds documentation and pub mod lines only"],
        ),
        (
            "src/pki/mod.rs",
            "pub use a::B;",
            &[
                "1: a mod.rs holds documentation and pub mod lines only",
                "1: nothing is re-exported: import it by its whole path",
            ],
        ),
        (
            "src/pki/utils.rs",
            "",
            &["1: the name says nothing: name the file after what is in it"],
        ),
    ];
    for (path, text, expected) in cases {
        assert_eq!(told_of(path, text), *expected, "{text}");
    }
}

#[test]
fn comments_blank_lines_and_tests_are_no_lines_of_code() {
    let code = "fn f() {\n\n    // why\n    let a = \"\n    text\n\";\n}\n";
    let tests = "#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n";
    let source = Source::new("src/pki/a.rs", &format!("{code}{tests}"));
    assert_eq!(source.lines_of_code(), 5);
    let long = "fn f() {}\n".repeat(LINES_OF_CODE_MAX + 1);
    assert_eq!(
        told_of("src/pki/a.rs", &format!("{long}{tests}")),
        ["1: 501 lines of code, tests not counted; at most 500"]
    );
}

#[test]
fn a_module_that_another_file_declares_as_its_tests_is_test_code() {
    let text = "#[cfg(test)]\n#[allow(x)]\nmod samples;\nmod other;\n#[cfg(test)]\nmod here {}";
    let cases = [
        ("src/pki/pem.rs", "src/pki/pem/samples"),
        ("src/pki/mod.rs", "src/pki/samples"),
        ("src/lib.rs", "src/samples"),
    ];
    for (path, expected) in cases {
        assert_eq!(Source::new(path, text).test_modules(), [expected]);
    }
    for (path, expected) in [
        ("src/pki/pem/samples.rs", true),
        ("src/pki/pem/samples/mod.rs", true),
        ("src/pki/pem/samples/odd/names.rs", true),
        ("src/pki/pem/samples_of_keys.rs", false),
        ("src/pki/pem.rs", false),
    ] {
        assert_eq!(
            Source::new(path, "").is_within("src/pki/pem/samples"),
            expected
        );
    }
}
