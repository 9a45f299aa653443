//! Client rules from outside: saved with the command line, deployed, and met by clients with curl and Python.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::json;

use crate::support::clients::{Call, Reply};
use crate::support::demo::{Client, Demo};

fn save(demo: &Demo, pipeline: &str, rule: &str) {
    let flags = ["--realm", "acme", "--client-rule", rule];
    demo.cli_ok(&[&["pipeline", "save", pipeline], flags.as_slice()].concat());
}

fn deploy(demo: &Demo, pipeline: &str) {
    let place = ["--realm", "acme", "--environment", "prod"];
    demo.cli_ok(&[&["deployment", "create", pipeline], place.as_slice()].concat());
}

fn hosts(demo: &Demo) -> [String; 2] {
    ["mtlsHost", "sharedMtlsHost"].map(|host| demo.text("acme", "prod", host))
}

/// The clients of the demo that every realm's CA vouches for.
fn client(demo: &Demo, name: &str) -> Client {
    let one = demo.client("acme", "prod", "accepted");
    let of = |path: &str| path.replace("client-1", name);
    Client {
        cert: of(&one.cert),
        key: of(&one.key),
        chain: of(&one.chain),
        ..one
    }
}

fn call(demo: &Demo, host: &str, pipeline: &str, client: &Client, version: &str) -> Reply {
    Call::new(demo, "mtls", host, &Demo::path("acme", pipeline))
        .by(client)
        .with(&[version])
        .send()
}

#[test]
fn a_rule_lets_in_whom_it_names_on_both_hosts_and_both_versions() {
    let demo = Demo::start();
    let [one, two] = ["client-1", "client-2"].map(|name| client(&demo, name));
    save(&demo, "hello", r#"client.cn.exists(cn, cn == "client-2")"#);
    save(
        &demo,
        "echo",
        r#"client.organizational_units[0] == "Payments""#,
    );
    for pipeline in ["hello", "echo"] {
        deploy(&demo, pipeline);
    }
    for host in hosts(&demo) {
        for version in ["--http1.1", "--http2"] {
            let reply = call(&demo, &host, "hello", &two, version);
            assert_eq!(reply.status, 200, "{host} {version}: {reply:?}");
            for (pipeline, client) in [("hello", &one), ("echo", &one), ("echo", &two)] {
                let reply = call(&demo, &host, pipeline, client, version);
                assert_eq!(reply.status, 403, "{host} {version}: {reply:?}");
                let body = reply.json();
                assert_eq!(body["reason"], "client-rule");
                let message = body["message"].as_str().unwrap();
                assert!(
                    message.starts_with("Your certificate is trusted but"),
                    "{message}"
                );
                assert_eq!(body["requestId"].as_str(), reply.header("x-request-id"));
            }
        }
    }
    // The external gateway and what has no rule are as they were.
    let external = demo.text("acme", "prod", "externalHost");
    let reply = Call::new(&demo, "external", &external, &Demo::path("acme", "hello")).send();
    assert_eq!(reply.status, 200, "{reply:?}");
    let orders = format!("{}/items/1", Demo::path("acme", "orders"));
    let reply = Call::new(&demo, "mtls", &hosts(&demo)[0], &orders)
        .by(&one)
        .send();
    assert_eq!(reply.status, 200, "{reply:?}");

    let told = demo.api("GET", "/api/v1/realms/acme/refusals", None).text();
    for sentence in [
        "The client rule of hello v1 does not admit the client CN=client-1",
        "The client rule of echo v1 has no answer for the client CN=client-2",
    ] {
        assert!(told.contains(sentence), "{told}");
    }
    let others = demo
        .api("GET", "/api/v1/realms/globex/refusals", None)
        .text();
    assert!(!others.contains("client-rule"), "{others}");
}

/// A connection that is kept open between calls.
struct Open {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Open {
    fn to(demo: &Demo, host: &str, client: &Client) -> Self {
        let python = format!(
            r#"
import http.client, socket, ssl, sys
context = ssl.create_default_context(cafile={ca:?})
context.load_cert_chain({chain:?}, {key:?})
connection = http.client.HTTPSConnection({host:?}, {port}, context=context)
connection.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", {port})), server_hostname={host:?})
connection.auto_open = 0
for path in sys.stdin:
    connection.request("GET", path.strip())
    answer = connection.getresponse()
    answer.read()
    print(answer.status, flush=True)
"#,
            ca = demo.server_ca(),
            chain = client.chain,
            key = client.key,
            port = demo.port("mtls"),
        );
        let mut child = Command::new("python3")
            .args(["-c", &python])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    fn get(&mut self, path: &str) -> String {
        writeln!(self.input, "{path}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_rule_that_is_deployed_anew_holds_on_connections_that_are_open() {
    let demo = Demo::start();
    let (one, path) = (client(&demo, "client-1"), Demo::path("acme", "hello"));
    let mut open = hosts(&demo).map(|host| Open::to(&demo, &host, &one));
    let mut check = |expect: &str| {
        for connection in &mut open {
            for _ in 0..2 {
                assert_eq!(connection.get(&path), expect);
            }
        }
    };
    check("200");
    save(&demo, "hello", "'client-2' in client.cn");
    check("200");
    deploy(&demo, "hello");
    check("403");
    save(&demo, "hello", "'client-1' in client.cn");
    deploy(&demo, "hello");
    check("200");
    save(&demo, "hello", "client.cn == []");
    deploy(&demo, "hello");
    check("403");
    save(&demo, "hello", "");
    deploy(&demo, "hello");
    check("200");
}

#[test]
fn what_is_no_rule_is_not_saved_and_what_is_one_is_shown_and_survives() {
    let mut demo = Demo::start();
    let path = "/api/v1/realms/acme/pipelines/hello/v1";
    let before = demo.api("GET", path, None).json();
    let with = |rule: &str, mtls: bool| {
        let mut trigger = before["trigger"].clone();
        trigger["mtls"] = json!(mtls);
        trigger["client-rule"] = json!(rule);
        json!({"trigger": trigger, "handler": before["handler"]})
    };
    for (rule, mtls, told) in [
        ("client.cn ==", true, "line 1, column 13"),
        ("client.name == 'x'", true, "there is no 'client.name'"),
        ("client.cn", true, "has to say true or false"),
        ("true", false, "has no effect without mTLS"),
    ] {
        let reply = demo.api("PUT", path, Some(&with(rule, mtls)));
        assert!((400..500).contains(&reply.status), "{reply:?}");
        assert!(reply.text().contains(told), "{rule}: {}", reply.text());
    }
    assert_eq!(demo.api("GET", path, None).json(), before);
    let refused = demo.cli(&[
        "pipeline",
        "save",
        "hello",
        "--realm",
        "acme",
        "--client-rule",
        "1",
    ]);
    assert!(!refused.status.success());
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("has to say true or false"), "{told}");

    let rule = "client.cn == ['client-2'] // until March";
    save(&demo, "hello", rule);
    // A flag changes what it names and nothing else.
    demo.cli_ok(&[
        "pipeline",
        "save",
        "hello",
        "--realm",
        "acme",
        "--timeout-ms",
        "1234",
    ]);
    let shown = demo.cli_ok(&["pipeline", "show", "hello", "--realm", "acme"]);
    assert!(shown.contains(rule) && shown.contains("1234"), "{shown}");
    deploy(&demo, "hello");
    demo.kill_and_restart();
    assert_eq!(
        demo.api("GET", path, None).json()["trigger"]["client-rule"],
        rule
    );
    let [own, _] = hosts(&demo);
    let call = |name| call(&demo, &own, "hello", &client(&demo, name), "--http1.1").status;
    assert_eq!((call("client-1"), call("client-2")), (403, 200));

    // A manifest that changes nothing but the rule changes the pipeline, and says who is let in by one without.
    let manifest = |rule: &str| {
        let text = format!(
            "[[realm]]\nname = 'acme'\n[[realm.pipeline]]\nname = 'ruled'\nmajor = 1\nhandler.type = 'echo'\n\
             trigger = {{ type = 'rest', mtls = true, external = false{rule} }}\n"
        );
        demo.file("ruled.toml", text.as_bytes());
        let path = demo.directory().join("ruled.toml");
        demo.cli_ok(&["apply", path.to_str().unwrap(), "--yes"])
    };
    manifest(", client-rule = \"'a' in client.cn\"");
    let told = manifest(", client-rule = \"'b' in client.cn\"");
    assert!(told.contains("change") && told.contains("ruled"), "{told}");
    let told = manifest("");
    assert!(told.contains("has no client rule any more"), "{told}");
}
