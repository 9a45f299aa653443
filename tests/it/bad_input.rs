//! Bad input gets one clear sentence with what to do, a non-zero exit, and changes nothing.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use crate::support::demo::{BINARY, Demo};
use crate::support::wait;

/// Runs a command that must fail with one sentence that holds each of `words`, and must change nothing.
fn refused(demo: &Demo, arguments: &[&str], words: &[&str]) {
    let before = revision(demo);
    says(&demo.cli(arguments), arguments, words);
    assert_eq!(revision(demo), before, "{arguments:?} changed something");
}

fn says(output: &Output, arguments: &[&str], words: &[&str]) {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success(),
        "{arguments:?} succeeded: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(
        told.starts_with("realmgate: ") || told.starts_with("error: "),
        "{arguments:?}: {told}"
    );
    for word in words {
        assert!(
            told.contains(word),
            "{arguments:?}: '{word}' is missing in: {told}"
        );
    }
    assert!(
        !told.contains("panicked") && !told.contains("Error("),
        "{told}"
    );
}

fn revision(demo: &Demo) -> i64 {
    demo.api("GET", "/api/v1/status", None).json()["revision"]
        .as_i64()
        .unwrap()
}

#[test]
fn accounts_that_cannot_be_trust_sources_are_refused() {
    let demo = Demo::start();
    let good = demo.client("acme", "prod", "accepted");
    let ca = std::fs::read_to_string(demo.text("acme", "prod", "caCert")).unwrap();
    let other_ca = std::fs::read_to_string(demo.text("acme", "prod", "intermediateCert")).unwrap();
    let key = std::fs::read_to_string(&good.key).unwrap();
    let path =
        |name: &str, content: &str| demo.file(name, content.as_bytes()).display().to_string();
    let cases: Vec<(String, Vec<&str>)> = vec![
        (path("key.pem", &key), vec!["private key"]),
        (
            path("ca-and-key.pem", &format!("{ca}{key}")),
            vec!["private key"],
        ),
        (path("truncated.pem", &ca[..ca.len() / 2]), vec!["line"]),
        (
            path("twice.pem", &format!("{ca}{other_ca}{ca}")),
            vec!["same as"],
        ),
        (good.cert, vec!["not a CA"]),
        (path("empty.pem", ""), vec!["empty"]),
        (path("text.pem", "hello\n"), vec!["certificate"]),
        (
            "/does/not/exist.pem".to_owned(),
            vec!["/does/not/exist.pem"],
        ),
    ];
    for (file, words) in &cases {
        let save = [
            "account",
            "save",
            "dgb-mtls-new",
            "--realm",
            "acme",
            "--environment",
            "prod",
            "--type",
            "certificate-chain",
            "--chain",
            file,
        ];
        refused(&demo, &save, words);
    }
    let expired = expired_ca(&demo);
    let save = [
        "account",
        "save",
        "dgb-mtls-new",
        "--realm",
        "acme",
        "--environment",
        "prod",
        "--type",
        "certificate-chain",
        "--chain",
        &expired,
    ];
    refused(&demo, &save, &["ended at"]);
    let good_ca = demo.text("acme", "prod", "caCert");
    demo.cli_ok(&[
        "account",
        "save",
        "partner-ca",
        "--realm",
        "acme",
        "--environment",
        "prod",
        "--type",
        "certificate-chain",
        "--chain",
        &good_ca,
    ]);
    let request = [
        "installation",
        "request",
        "--realm",
        "acme",
        "--environment",
        "prod",
        "--account",
        "partner-ca",
    ];
    refused(&demo, &request, &["begins with 'dgb-mtls-'"]);
    refused(
        &demo,
        &["account", "show", "nothing", "--realm", "acme"],
        &["no account 'nothing'"],
    );
    refused(&demo, &["realm", "create", "Bad_Name"], &["a-z, 0-9"]);
    refused(&demo, &["realm", "create", "acme"], &["already"]);
}

fn expired_ca(demo: &Demo) -> String {
    let directory = demo.directory();
    let run = |arguments: &[&str]| {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(directory)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    run(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "old.key",
        "-out",
        "old.pem",
        "-subj",
        "/CN=Old CA",
        "-days",
        "1",
    ]);
    std::fs::write(
        directory.join("ca.ext"),
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n",
    )
    .unwrap();
    run(&[
        "req",
        "-new",
        "-key",
        "old.key",
        "-subj",
        "/CN=Old CA",
        "-out",
        "old.csr",
    ]);
    let faked = Command::new("openssl")
        .args([
            "x509",
            "-req",
            "-in",
            "old.csr",
            "-signkey",
            "old.key",
            "-days",
            "-1",
            "-extfile",
            "ca.ext",
            "-out",
            "older.pem",
        ])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(
        faked.status.success(),
        "{}",
        String::from_utf8_lossy(&faked.stderr)
    );
    directory.join("older.pem").display().to_string()
}

#[test]
fn an_install_of_a_revision_that_changed_since_is_refused() {
    let demo = Demo::start();
    let account = demo.text("acme", "prod", "account");
    let place = [
        "--realm",
        "acme",
        "--environment",
        "prod",
        "--account",
        account.as_str(),
    ];
    let with = |verb: &'static str, more: &[&'static str]| -> Vec<&str> {
        ["installation", verb]
            .into_iter()
            .chain(place)
            .chain(more.iter().copied())
            .collect()
    };
    refused(
        &demo,
        &with("install", &["--revision", "1", "--yes"]),
        &["nothing waits"],
    );
    demo.cli_ok(&with("remove", &["--yes"]));
    demo.cli_ok(&with("request", &[]));
    refused(
        &demo,
        &with("install", &["--revision", "99", "--yes"]),
        &["no revision 99", "only revision"],
    );
    refused(
        &demo,
        &with("reject", &["--reason", " ", "--yes"]),
        &["reason"],
    );
    demo.cli_ok(&with("reject", &["--reason", "wrong CA", "--yes"]));
    let shown = demo.cli_ok(&with("show", &[]));
    assert!(shown.contains("wrong CA"), "{shown}");
}

#[test]
fn a_manifest_with_a_typo_names_the_key_and_the_line() {
    let demo = Demo::start();
    let typo = demo.file(
        "typo.toml",
        b"[[realm]]\nname = \"new\"\n\n[[realm.acount]]\nname = \"x\"\n",
    );
    refused(
        &demo,
        &["apply", &typo.display().to_string(), "--yes"],
        &["acount", "4"],
    );
    let half = demo.file(
        "half.toml",
        b"[[realm]]\nname = \"fine\"\n[[realm]]\nname = \"broken\"\n[[realm.installation]]\naccount = \"dgb-mtls-x\"\nenvironment = \"prod\"\nstate = \"installed\"\n",
    );
    refused(
        &demo,
        &["apply", &half.display().to_string(), "--yes"],
        &["dgb-mtls-x"],
    );
}

#[test]
fn a_wrong_token_or_ca_is_told_what_to_do() {
    let demo = Demo::start();
    let admin = &demo.ready["admin"];
    let wrong_token = demo.file("token", b"rgt_nonsense");
    let run = |token: &str, ca: &str, url: &str| {
        Command::new(BINARY)
            .args(["realm", "list"])
            .env("REALMGATE_ADMIN_URL", url)
            .env("REALMGATE_TOKEN_FILE", token)
            .env("REALMGATE_ADMIN_CA", ca)
            .output()
            .unwrap()
    };
    let (url, ca) = (
        admin["url"].as_str().unwrap(),
        admin["ca"].as_str().unwrap(),
    );
    let token = admin["tokenFile"].as_str().unwrap();
    says(
        &run(&wrong_token.display().to_string(), ca, url),
        &["wrong token"],
        &["token"],
    );
    says(
        &run(token, &demo.text("acme", "prod", "caCert"), url),
        &["wrong ca"],
        &["REALMGATE_ADMIN_CA"],
    );
    says(
        &run(token, ca, "https://127.0.0.1:1"),
        &["nobody there"],
        &["127.0.0.1:1"],
    );
}

/// A configuration for a server of its own in `directory`, on free ports.
fn configuration(directory: &std::path::Path, more: &str) -> String {
    let file = directory.join("realmgate.toml");
    let text = format!(
        "data_dir = {:?}\nadmin_listen = \"127.0.0.1:0\"\nmtls_listen = \"127.0.0.1:0\"\nexternal_listen = \"127.0.0.1:0\"\ninternal_listen = \"127.0.0.1:0\"\n{more}",
        directory.join("data").display().to_string()
    );
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn serve(configuration: &str) -> Output {
    Command::new(BINARY)
        .args(["serve", "--config", configuration])
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Starts a server and waits until it says that it is ready.
///
/// # Panics
/// Where it ends instead, with what it said.
fn serving(directory: &std::path::Path, more: &str) -> (std::process::Child, String) {
    let configuration = configuration(directory, more);
    let ready = directory.join("ready.json");
    let mut server = Command::new(BINARY);
    server
        .args(["serve", "--config", &configuration, "--ready-file"])
        .arg(&ready)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let child = wait::started(&mut server, &ready, &directory.join("stderr"));
    (child, configuration)
}

#[test]
fn a_second_process_on_the_same_data_directory_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, configuration) = serving(directory.path(), "");
    says(
        &serve(&configuration),
        &["second process"],
        &["realmgate.redb"],
    );
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_port_in_use_names_the_address() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let file = configuration(directory.path(), "");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace(
            "mtls_listen = \"127.0.0.1:0\"",
            &format!("mtls_listen = \"{address}\""),
        ),
    )
    .unwrap();
    says(&serve(&file), &["port in use"], &[&address, "in use"]);
}

#[test]
fn a_wrong_or_missing_master_key_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, configuration) = serving(directory.path(), "");
    child.kill().unwrap();
    child.wait().unwrap();
    let key = directory.path().join("data").join("master.key");
    let right = directory.path().join("right.key");
    std::fs::rename(&key, &right).unwrap();
    std::fs::write(&key, "00".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    says(
        &serve(&configuration),
        &["wrong master key"],
        &["master key"],
    );
    std::fs::remove_file(&key).unwrap();
    says(
        &serve(&configuration),
        &["missing master key"],
        &["master key"],
    );
    std::fs::rename(&right, &key).unwrap();
    let (mut child, _) = serving(directory.path(), "");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_unknown_setting_names_the_key_and_the_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = configuration(directory.path(), "hanshake_timeout_ms = 5\n");
    let output = Command::new(BINARY)
        .args(["config", "check", "--config", &file])
        .output()
        .unwrap();
    says(&output, &["config check"], &["hanshake_timeout_ms", "6"]);
}
