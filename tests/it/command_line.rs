//! The command line, noun by noun, against a server of its own.

use std::io::Write;
use std::process::{Command, Stdio};

use realmgate::clock::Clock;
use realmgate::pki::authority::{Authority, AuthorityRequest};
use realmgate::pki::key::KeyChoice;
use serde_json::json;

use crate::support::server::{Server, mode, text};

fn root(name: &str) -> Authority {
    let now = Clock::system().now();
    let day = std::time::Duration::from_secs(86_400);
    let request = AuthorityRequest {
        common_name: name.into(),
        organization: Some("Acme".into()),
        not_before: now.minus(day),
        not_after: now.plus(400 * day),
        path_length: None,
        key: KeyChoice::EcP256,
    };
    Authority::self_signed(&request).unwrap()
}

/// A server with the realm `acme`, whose root is saved in prod and asked for.
fn with_request() -> Server {
    let server = Server::start();
    server.line("realm create acme");
    let chain = server.write("root.pem", root("Acme Root").certificate.to_pem());
    server.line(&format!(
        "account save dgb-mtls-acme --realm acme --environment prod --chain {chain}"
    ));
    server.line("installation request --realm acme --environment prod --account dgb-mtls-acme");
    server
}

#[test]
fn the_main_story_from_an_empty_server() {
    let server = with_request();
    let waiting = server.line("installation list --realm acme --state requested");
    assert!(
        waiting.contains("prod") && waiting.contains("CN=Acme Root,O=Acme"),
        "{waiting}"
    );
    let sheet =
        server.line("installation show --realm acme --environment prod --account dgb-mtls-acme");
    for word in [
        "subject",
        "CN=Acme Root,O=Acme",
        "CA ",
        "keyCertSign",
        "SHA-256",
        "valid until",
        "EC P-256",
    ] {
        assert!(sheet.contains(word), "{word} in {sheet}");
    }
    let paste = sheet
        .lines()
        .find(|line| line.contains("installation install"))
        .expect("the command to paste");
    server.line(paste.trim().strip_prefix("realmgate ").unwrap());
    let installed = server.json("installation list --realm acme --state installed");
    assert_eq!(installed["installations"].as_array().unwrap().len(), 1);

    let told = server.ok(&[
        "pipeline",
        "save",
        "hello",
        "--realm",
        "acme",
        "--handler",
        "mock",
        "--mtls",
        "--external",
        "true",
        "--document",
        r#"{"hello": "{{ message.client.subject }}"}"#,
        "--route",
        "/items/:id",
        "--response-header",
        "X-Served-By: {{ metadata.pipeline.name }}",
        "--methods",
        "GET,POST",
        "--timeout-ms",
        "5000",
        "--request-size-mb",
        "2",
    ]);
    assert!(
        told.contains("Note: ") && told.contains("also open to everybody"),
        "{told}"
    );
    let shown = server.json("pipeline show hello --realm acme");
    assert_eq!(shown["trigger"]["routes"], json!(["/items/:id"]));
    assert_eq!(shown["trigger"]["request-size-mb"], json!(2));
    server.line("deployment create hello --realm acme --environment prod");
    let urls = server.line("endpoint list --realm acme --environment prod");
    assert!(
        urls.contains("/pipeline/acme/v1/hello")
            && urls.contains("https://acme.api2.gate.localhost:"),
        "{urls}"
    );
    let sheet = server.line("endpoint show --realm acme --environment prod");
    for word in [
        "-- curl --",
        "-- openssl --",
        "-- python --",
        "-- node --",
        "-- java --",
        "-- go --",
        "-- dotnet --",
        "--resolve",
    ] {
        assert!(sheet.contains(word), "{word} in {sheet}");
    }
    assert!(server.line("deployment list --realm acme").contains("none"));
    let told = server.refused("pipeline delete hello --realm acme --yes");
    assert!(told.contains("deployed"), "{told}");
    server.line("deployment delete hello --realm acme --environment prod --yes");
    server.line("pipeline delete hello --realm acme --yes");
    server
        .line("installation remove --realm acme --environment prod --account dgb-mtls-acme --yes");
    server.line("account delete dgb-mtls-acme --realm acme --yes");
    server.line("realm delete acme --yes");
    assert!(
        server
            .line("realm list")
            .contains("There are no realms yet")
    );
    let audit = server.line("audit");
    for action in [
        "realm.create",
        "account.save",
        "installation.install",
        "deployment.deploy",
        "realm.delete",
    ] {
        assert!(audit.contains(action), "{action} in {audit}");
    }
    assert!(server.line("audit list --limit 1").contains("realm.delete"));
}

#[test]
fn what_destroys_asks_first_and_does_nothing_where_nobody_answers() {
    let server = with_request();
    server.line("token create ci --role auditor");
    let before = server.json("status")["revision"].clone();
    for line in [
        "realm delete acme",
        "realm suspend acme",
        "account delete dgb-mtls-acme --realm acme",
        "installation remove --realm acme --environment prod --account dgb-mtls-acme",
        "pipeline delete hello --realm acme",
        "deployment delete hello --realm acme --environment prod",
        "connection delete backend --realm acme",
        "token delete ci",
    ] {
        let told = server.refused(line);
        assert!(told.contains("add --yes"), "{line}: {told}");
    }
    assert_eq!(server.json("status")["revision"], before);
}

#[test]
fn secrets_come_from_files_or_stdin_and_are_never_told() {
    let server = with_request();
    let mut child = server
        .command(&[
            "account",
            "save",
            "backend",
            "--realm",
            "acme",
            "--environment",
            "prod",
            "--type",
            "basic",
            "--username",
            "u",
            "--password-file",
            "-",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"very secret\n")
        .unwrap();
    assert!(child.wait().unwrap().success());
    let bearer = server.write("bearer", "even more secret\n");
    server.line(&format!(
        "account save token --realm acme --environment test --environment prod --type oauth-bearer --bearer-token-file {bearer}"
    ));
    for line in [
        "account show backend --realm acme",
        "account show token --realm acme --json",
        "audit",
    ] {
        let told = server.line(line);
        assert!(
            !told.contains("very secret") && !told.contains("more secret"),
            "{told}"
        );
    }
    assert_eq!(
        server.json("account show backend --realm acme")["prod"]["username"],
        "u"
    );
    let twice = server.refused(
        "account save x --realm acme --environment prod --type private-key --key-file - --passphrase-file -",
    );
    assert!(twice.contains("standard input"), "{twice}");
}

#[test]
fn applying_shows_a_plan_and_twice_changes_nothing() {
    let server = Server::start();
    server.write("root.pem", root("Acme Root").certificate.to_pem());
    let manifest = |pipelines: &str| {
        let text = format!(
            "[[realm]]\nname = \"acme\"\n[[realm.account]]\nname = \"dgb-mtls-acme\"\ntype = \"certificate-chain\"\n\
             [realm.account.prod]\nchain-file = \"root.pem\"\n[[realm.installation]]\naccount = \"dgb-mtls-acme\"\n\
             environment = \"prod\"\n{pipelines}"
        );
        server.write("acme.toml", text)
    };
    let pipeline = "[[realm.pipeline]]\nname = \"hello\"\nmajor = 1\n[realm.pipeline.trigger]\ntype = \"rest\"\nmtls = true\n\
                    external = false\n[realm.pipeline.handler]\ntype = \"echo\"\n[[realm.deployment]]\npipeline = \"hello\"\n\
                    major = 1\nenvironments = [\"prod\"]\n";
    let file = manifest(pipeline);
    let planned = server.line(&format!("apply {file} --dry-run"));
    assert!(
        planned.contains("create  realm") && planned.contains("Nothing was changed"),
        "{planned}"
    );
    assert!(
        server
            .line("realm list")
            .contains("There are no realms yet")
    );
    let applied = server.line(&format!("apply {file}"));
    assert!(
        applied.contains("Applied: 5 created, 0 changed, 0 deleted"),
        "{applied}"
    );
    let revision = server.json("status")["revision"].clone();
    let again = server.line(&format!("apply {file}"));
    assert!(again.contains("Nothing to do"), "{again}");
    assert_eq!(server.json("status")["revision"], revision);
    let file = manifest("");
    assert!(
        server
            .line(&format!("apply {file}"))
            .contains("Nothing to do"),
        "what is not named stays"
    );
    let told = server.refused(&format!("apply {file} --prune"));
    assert!(told.contains("add --yes"), "{told}");
    assert_eq!(server.json("status")["revision"], revision);
    let pruned = server.line(&format!("apply {file} --prune --yes"));
    assert!(pruned.contains("2 deleted"), "{pruned}");
    assert!(
        server
            .line("pipeline list --realm acme")
            .contains("There are no pipelines yet")
    );
}

#[test]
fn documents_of_pipelines_and_connections_name_the_key_that_is_wrong() {
    let server = with_request();
    let good = server.write(
        "orders.toml",
        "[trigger]\ntype = \"rest\"\nmtls = true\nexternal = false\n[handler]\ntype = \"upstream\"\nconnection = \"backend\"\n",
    );
    server.line("connection save backend --realm acme --base-url-prod http://192.0.2.1:9 --connect-timeout-ms 700");
    server.line(&format!(
        "pipeline save orders --realm acme --file {good} --major 3"
    ));
    assert!(
        server
            .line("pipeline show orders --major 3 --realm acme")
            .contains("backend")
    );
    assert!(
        server
            .line("connection show backend --realm acme")
            .contains("700")
    );
    let typo = server.write("typo.toml", "[trigger]\ntype = \"rest\"\nmtsl = true\n");
    let told = server.refused(&format!("pipeline save x --realm acme --file {typo}"));
    assert!(
        told.contains("typo.toml, line 3") && told.contains("mtsl"),
        "{told}"
    );
    let typo = server.write("typo.json", "{\"base-url\": \"http://a\",\n \"colour\": 1}");
    let told = server.refused(&format!("connection save x --realm acme --file {typo}"));
    assert!(
        told.contains("typo.json, line 2") && told.contains("colour"),
        "{told}"
    );
}

#[test]
fn a_realm_admin_sees_and_changes_one_realm_and_installs_nothing() {
    let server = with_request();
    server.line("realm create globex");
    let file = server.path("acme.token");
    server.line(&format!(
        "token create people --role realm-admin --realm acme --expires 30d --out {}",
        file.display()
    ));
    assert_eq!(mode(&file), 0o600);
    let people = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let output = server
            .command(&words)
            .env("REALMGATE_TOKEN_FILE", &file)
            .output()
            .unwrap();
        (
            output.status.success(),
            text(&output.stdout) + &text(&output.stderr),
        )
    };
    let (_, listed) = people("realm list");
    assert!(
        listed.contains("acme") && !listed.contains("globex"),
        "{listed}"
    );
    let foreign = people("account list --realm globex").1;
    let unknown = people("account list --realm nobody").1;
    assert_eq!(
        foreign.replace("globex", "X"),
        unknown.replace("nobody", "X")
    );
    let install =
        "installation install --realm acme --environment prod --account dgb-mtls-acme --revision 1";
    for line in [
        install,
        "realm suspend acme --yes",
        "realm create third",
        "token list",
    ] {
        let (done, told) = people(line);
        assert!(!done, "{line}: {told}");
    }
    assert!(people("pipeline save mine --realm acme --handler echo --external true").0);
    server.line("token delete people --yes");
    let (_, told) = people("realm list");
    assert!(
        told.contains("acme.token") && told.contains("revoked"),
        "{told}"
    );
}

#[test]
fn saving_again_keeps_what_is_not_given() {
    let server = with_request();
    let told = server.refused("pipeline save hello --realm acme --mtls --handler echo");
    assert!(told.contains("--external false"), "{told}");
    let told = server.refused("pipeline save hello --realm acme --internal");
    assert!(told.contains("--handler"), "{told}");
    server.line(
        "pipeline save hello --realm acme --handler mock --document {} --mtls --external false --route /a --methods GET \
         --response-header X-A:b --timeout-ms 700",
    );
    let body = |line: &str| {
        let shown = server.json(line);
        json!({ "trigger": shown["trigger"], "handler": shown["handler"] })
    };
    let show = "pipeline show hello --realm acme";
    let mut expect = body(show);
    server.line(
        "pipeline save hello --realm acme --handler mock --document {\"a\":1} --request-size-mb 20",
    );
    expect["handler"]["document"] = json!({"a": 1});
    expect["trigger"]["request-size-mb"] = json!(20);
    assert_eq!(body(show), expect);
    assert_eq!(expect["trigger"]["external"], json!(false));
    server.line("pipeline save hello --realm acme --mtls=false --internal");
    expect["trigger"]["mtls"] = json!(false);
    expect["trigger"]["internal"] = json!(true);
    assert_eq!(body(show), expect);

    server.line("pipeline save hello --realm acme --type http --request-content-types a/b,c/*");
    expect["trigger"]["type"] = json!("http");
    expect["trigger"]["request-content-types"] = json!(["a/b", "c/*"]);
    expect["trigger"]["response-content-types"] = json!(["application/json"]);
    assert_eq!(body(show), expect);
    server.line("pipeline save hello --realm acme --type rest");
    let of_rest = expect["trigger"].as_object_mut().unwrap();
    of_rest.insert("type".to_owned(), json!("rest"));
    of_rest.remove("request-content-types");
    of_rest.remove("response-content-types");
    assert_eq!(body(show), expect);
    let told =
        server.refused("pipeline save hello --realm acme --type rest --request-content-types a/b");
    assert!(told.contains("type = \"http\""), "{told}");

    server.line(
        "connection save c --realm acme --base-url http://192.0.2.1:9 --connect-timeout-ms 700",
    );
    server.line(
        "connection save c --realm acme --base-url-test http://192.0.2.2:9 --idle-timeout-ms 5",
    );
    let shown = server.json("connection show c --realm acme");
    let urls = json!({"test": "http://192.0.2.2:9", "prod": "http://192.0.2.1:9"});
    assert_eq!(shown["base-url"], urls);
    assert_eq!(shown["connect-timeout-ms"], json!(700));
    assert_eq!(shown["idle-timeout-ms"], json!(5));
}

#[test]
fn a_token_is_made_only_where_it_can_be_kept() {
    let mut server = Server::start();
    let names = |server: &Server| server.json("token list")["tokens"].clone();
    let before = names(&server);
    let nowhere = server.path("nowhere/x").display().to_string();
    let told = server.refused(&format!("token create ci --role auditor --out {nowhere}"));
    assert!(told.contains("cannot write"), "{told}");
    let present = server.write("present", "precious");
    let told = server.refused(&format!("token create ci --role auditor --out {present}"));
    assert!(told.contains("replace the file"), "{told}");
    assert_eq!(std::fs::read(&present).unwrap(), b"precious");
    let fresh = server.path("fresh");
    let told = server.refused(&format!(
        "token create ci --role auditor --out {} --realm acme",
        fresh.display()
    ));
    assert!(told.contains("realm") && !fresh.exists(), "{told}");
    assert_eq!(names(&server), before);
    server.line(&format!(
        "token create ci --role auditor --out {present} --yes"
    ));
    assert!(
        std::fs::read_to_string(&present)
            .unwrap()
            .starts_with("rgt_")
    );

    let before = names(&server);
    server.stop();
    let configuration = server.configuration().display().to_string();
    for (file, word) in [(&nowhere, "cannot write"), (&present, "there already")] {
        let told = server.refused(&format!(
            "token recover --config {configuration} --out {file}"
        ));
        assert!(told.contains(word), "{told}");
    }
    server.start_again();
    assert_eq!(names(&server), before);
    server.line("token create other --role operator");
    let ended = server.cli(&["token", "delete", "first-operator", "--yes"]);
    let told = text(&ended.stderr);
    assert!(told.contains("operator.token holds the token"), "{told}");
}

#[test]
fn the_configuration_is_printed_as_a_file_that_is_right() {
    let server = Server::start();
    let printed = Command::new(crate::support::demo::BINARY)
        .args(["config", "print"])
        .output()
        .unwrap();
    let live = text(&printed.stdout).replace("\n#", "\n");
    let keys: String = live
        .lines()
        .filter(|line| line.contains(" = ") && !line.starts_with(' '))
        .map(|l| format!("{l}\n"))
        .collect();
    let file = server.write("printed.toml", keys);
    server.line(&format!("config check --config {file}"));
}

#[test]
fn a_wrong_address_of_the_admin_api_is_told_so() {
    let server = Server::start();
    let mtls = server.ready["gateways"]["mtls"]["addr"].as_str().unwrap();
    for (url, word) in [
        (
            "http://127.0.0.1:7443".to_owned(),
            "is no address of an admin API",
        ),
        ("127.0.0.1:7443".to_owned(), "is no address of an admin API"),
        (
            "https://127.0.0.1:1".to_owned(),
            "nothing answers at https://127.0.0.1:1",
        ),
        (
            "https://nowhere.invalid:1".to_owned(),
            "'nowhere.invalid' leads nowhere",
        ),
        (format!("https://{mtls}"), "admin_listen"),
    ] {
        let told = server.refused(&format!("status --admin-url {url}"));
        assert!(told.contains(word), "{url}: {told}");
    }
}
