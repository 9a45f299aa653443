//! `realmgate test-certificate`, with the real binary and chains that openssl made.

use std::process::{Command, Stdio};

use realmgate::clock::Moment;
use serde_json::Value;

use crate::support::server::{Server, text};
use crate::support::wait;

const PROD: &str = "test-certificate --realm acme --environment prod";
const TEST: &str = "test-certificate --realm acme --environment test";

/// A server with the realm `acme`: its root is installed in prod, and waits in test.
struct House {
    server: Server,
}

impl House {
    fn new() -> Self {
        let house = Self {
            server: Server::start(),
        };
        house.issue("root", "Root", None, "CA:TRUE", "keyCertSign,cRLSign");
        house.issue("middle", "Middle", Some("root"), "CA:TRUE", "keyCertSign");
        let (leaf, usage) = ("CA:FALSE", "digitalSignature");
        house.issue("leaf", "client-1", Some("middle"), leaf, usage);
        house.issue("stranger", "Stranger", None, "CA:TRUE", "keyCertSign");
        house.issue("lost", "client-2", Some("stranger"), leaf, usage);
        house.join("chain.pem", &["leaf", "middle"]);
        let manifest = r#"
[[realm]]
name = "acme"
[[realm.account]]
name = "dgb-mtls-acme"
type = "certificate-chain"
prod.chain-file = "root.pem"
test.chain-file = "root.pem"
[[realm.installation]]
account = "dgb-mtls-acme"
environment = "prod"
[[realm.pipeline]]
name = "open"
major = 1
trigger = { type = "rest", mtls = true, external = false }
handler = { type = "echo" }
[[realm.pipeline]]
name = "ruled"
major = 1
trigger = { type = "rest", mtls = true, external = false, client-rule = "client.cn == ['somebody']" }
handler = { type = "echo" }
[[realm.deployment]]
pipeline = "open"
major = 1
environments = ["prod"]
[[realm.deployment]]
pipeline = "ruled"
major = 1
environments = ["prod"]
"#;
        let manifest = house.server.write("acme.toml", manifest);
        house.server.line(&format!("apply {manifest} --yes"));
        house
            .server
            .line("installation request --realm acme --environment test --account dgb-mtls-acme");
        house
    }

    fn file(&self, name: &str) -> String {
        self.server.path(name).display().to_string()
    }

    /// Makes a key and a certificate, signed by itself where no issuer is named.
    fn issue(&self, file: &str, name: &str, issuer: Option<&str>, ca: &str, usage: &str) {
        let subject = format!("/O=Acme/CN={name}");
        let (key, out) = (format!("{file}.key"), format!("{file}.pem"));
        let basic = format!("basicConstraints=critical,{ca}");
        let usage = format!("keyUsage=critical,{usage}");
        let mut arguments = vec![
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "30",
            "-subj",
            &subject,
            "-keyout",
            &key,
            "-out",
            &out,
            "-addext",
            &basic,
            "-addext",
            &usage,
        ];
        let (ca, ca_key);
        if let Some(issuer) = issuer {
            (ca, ca_key) = (format!("{issuer}.pem"), format!("{issuer}.key"));
            arguments.extend(["-CA", &ca, "-CAkey", &ca_key]);
        }
        self.openssl(&arguments);
    }

    fn openssl(&self, arguments: &[&str]) {
        let done = Command::new("openssl")
            .args(arguments)
            .current_dir(self.server.path(""))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{arguments:?}: {}",
            text(&done.stderr)
        );
    }

    /// Puts certificates into one file.
    fn join(&self, name: &str, parts: &[&str]) {
        let read = |part: &&str| std::fs::read(self.server.path(&format!("{part}.pem"))).unwrap();
        let whole: Vec<u8> = parts.iter().flat_map(read).collect();
        self.server.write(name, whole);
    }

    /// What is answered, with the exit status.
    fn test(&self, line: &str, file: &str) -> (Value, Option<i32>) {
        let line = format!("{line} --json {}", self.file(file));
        let output = self
            .server
            .cli(&line.split_whitespace().collect::<Vec<_>>());
        let answer = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{line}: {}", text(&output.stderr)));
        (answer, output.status.code())
    }

    /// What is said where nothing can be tested.
    fn refused(&self, line: &str) -> String {
        let output = self
            .server
            .cli(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert_eq!(text(&output.stdout), "", "{line}");
        text(&output.stderr)
    }
}

fn steps<'a>(verdict: &'a Value, check: &str) -> Vec<&'a str> {
    let steps = verdict["paths"][0]["steps"].as_array().unwrap().iter();
    steps
        .filter(|step| step["check"] == check)
        .map(|step| step["outcome"].as_str().unwrap())
        .collect()
}

#[test]
fn a_chain_is_tested_now_at_a_date_and_after_changes() {
    let house = House::new();
    let (answer, code) = house.test(PROD, "chain.pem");
    let now = &answer["now"];
    assert_eq!(code, Some(0), "{answer:#}");
    assert_eq!(now["trusted"], true);
    assert_eq!(now["anchor"]["account"], "dgb-mtls-acme");
    assert_eq!(steps(now, "validity"), ["ok"; 3]);
    assert_eq!(steps(now, "revocation"), ["not-asked"]);
    let origins: Vec<&Value> = now["paths"][0]["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["origin"])
        .collect();
    assert_eq!(origins, ["sent", "sent", "anchor"]);
    assert_eq!(now["shared"]["calls"], true);
    let calls: Vec<(&str, bool)> = now["pipelines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| (call["pipeline"].as_str().unwrap(), call["allowed"] == true))
        .collect();
    assert_eq!(calls, [("open", true), ("ruled", false)]);
    assert_eq!(answer["after"], Value::Null);

    turns_at_the_second(&house, now);
    pending_and_named_changes(&house);
    what_is_wrong_is_told(&house);
    files_that_are_no_chain(&house);
    the_chain_of_a_refused_client(&house);
    words(&house);
}

/// The verdict is good up to the last second of the first certificate to end, and no longer.
fn turns_at_the_second(house: &House, now: &Value) {
    assert_eq!(now["next"]["trusted"], false);
    assert_eq!(now["next"]["reason"], "expired");
    let end = Moment::parse(now["next"]["at"].as_str().unwrap()).unwrap();
    let last = end.minus(std::time::Duration::from_secs(1));
    let first_end = now["paths"][0]["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| Moment::parse(one["notAfter"].as_str().unwrap()).unwrap())
        .min();
    assert_eq!(Some(last), first_end);
    for (at, trusted, exit) in [(last, true, 0), (end, false, 1)] {
        let (answer, code) = house.test(&format!("{PROD} --at {at}"), "chain.pem");
        assert_eq!(
            (&answer["at"]["trusted"], code),
            (&Value::from(trusted), Some(exit))
        );
        assert_eq!(answer["now"]["trusted"], true);
    }
    let (answer, _) = house.test(&format!("{PROD} --at {end}"), "chain.pem");
    assert_eq!(answer["at"]["alert"], "certificate_expired");
    let (answer, _) = house.test(&format!("{PROD} --at 2001-01-01"), "chain.pem");
    assert_eq!(answer["at"]["reason"], "not-yet-valid");
    assert_eq!(
        steps(&answer["at"], "validity"),
        ["failed"; 3],
        "all faults are told"
    );
    assert_eq!(answer["at"]["next"]["trusted"], true);
}

fn pending_and_named_changes(house: &House) {
    let (answer, code) = house.test(TEST, "chain.pem");
    assert_eq!(
        (&answer["now"]["trusted"], code),
        (&Value::Bool(false), Some(1))
    );
    assert_eq!(answer["now"]["alert"], "unrecognized_name");
    assert!(
        answer["notes"][0]
            .as_str()
            .unwrap()
            .contains("Nothing is installed")
    );
    assert_eq!(answer["after"]["trusted"], true, "{answer:#}");
    assert_eq!(
        answer["after"]["changes"][0],
        "The waiting request of dgb-mtls-acme is installed."
    );
    let (answer, code) = house.test(
        &format!("{TEST} --after-install dgb-mtls-acme"),
        "chain.pem",
    );
    assert_eq!(
        (&answer["after"]["trusted"], code),
        (&Value::Bool(true), Some(0))
    );
    let (answer, code) = house.test(&format!("{PROD} --after-remove dgb-mtls-acme"), "chain.pem");
    assert_eq!(
        (&answer["after"]["trusted"], code),
        (&Value::Bool(false), Some(1))
    );
    assert_eq!(answer["after"]["shared"]["handshake"], false);
    assert_eq!(answer["now"]["trusted"], true);
    let pins = format!(
        "[[realm]]\nname = \"acme\"\n[[realm.trust]]\nenvironment = \"prod\"\npins = [\"key:{}\"]\n",
        "0".repeat(64)
    );
    let pins = house.server.write("pins.toml", pins);
    let (answer, code) = house.test(&format!("{PROD} --after-change {pins}"), "chain.pem");
    assert_eq!(
        (&answer["after"]["reason"], code),
        (&Value::from("not-pinned"), Some(1))
    );
    assert_eq!(answer["after"]["alert"], "access_denied");
    // Nothing of all that has come about.
    let (answer, _) = house.test(PROD, "chain.pem");
    assert_eq!(answer["now"]["trusted"], true);
    let line = format!(
        "{PROD} --after-remove dgb-mtls-none {}",
        house.file("chain.pem")
    );
    assert!(house.refused(&line).contains("dgb-mtls-none"));
}

fn what_is_wrong_is_told(house: &House) {
    house.join("lonely.pem", &["leaf"]);
    house.join("reversed.pem", &["middle", "leaf"]);
    house.join("stranger-chain.pem", &["lost", "stranger"]);
    house.join("many.pem", &["leaf"; 20]);
    house.openssl(&[
        "x509", "-in", "leaf.pem", "-outform", "DER", "-out", "leaf.der",
    ]);
    for (file, reason) in [
        ("lonely.pem", "incomplete-chain"),
        ("leaf.der", "incomplete-chain"),
        ("reversed.pem", "wrong-usage"),
        ("stranger-chain.pem", "unknown-issuer"),
        ("many.pem", "certificate-too-large"),
    ] {
        let (answer, code) = house.test(PROD, file);
        assert_eq!(
            (&answer["now"]["reason"], code),
            (&Value::from(reason), Some(1)),
            "{file}"
        );
        assert!(answer["now"]["advice"].is_string(), "{file}");
    }
    let (answer, _) = house.test(PROD, "many.pem");
    assert_eq!(answer["now"]["sent"][0]["outcome"], "failed");
    let garbage = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let leaf = std::fs::read_to_string(house.server.path("leaf.pem")).unwrap();
    let middle = std::fs::read_to_string(house.server.path("middle.pem")).unwrap();
    house
        .server
        .write("among.pem", format!("{leaf}{garbage}{middle}"));
    let (answer, code) = house.test(PROD, "among.pem");
    assert_eq!(
        code,
        Some(0),
        "clients send all kinds of things behind their chain"
    );
    assert!(
        answer["certificates"][1]["problem"]
            .as_str()
            .unwrap()
            .contains("cannot be decoded")
    );
}

fn files_that_are_no_chain(house: &House) {
    let key = std::fs::read_to_string(house.server.path("leaf.key")).unwrap();
    house.server.write("both.pem", {
        let chain = std::fs::read_to_string(house.server.path("chain.pem")).unwrap();
        format!("{chain}{key}")
    });
    house.server.write("nothing.pem", "hello\n");
    house.openssl(&[
        "pkcs12", "-export", "-in", "leaf.pem", "-inkey", "leaf.key", "-passout", "pass:x", "-out",
        "leaf.p12",
    ]);
    let line = |file: &str| format!("{PROD} {}", house.file(file));
    for (file, words) in [
        ("both.pem", "there is a private key in it"),
        ("leaf.key", "there is a private key in it"),
        ("leaf.p12", "this is a PKCS#12 file"),
        ("nothing.pem", "neither PEM nor DER"),
    ] {
        let told = house.refused(&line(file));
        assert!(
            told.contains(words) && told.trim_end().lines().count() == 1,
            "{file}: {told}"
        );
        assert!(!told.contains(key.lines().nth(1).unwrap()));
    }
}

/// A real handshake is refused; the chain that it showed is told the same of, and a way out.
fn the_chain_of_a_refused_client(house: &House) {
    let address = house.server.ready["gateways"]["mtls"]["addr"].as_str();
    let refused = Command::new("openssl")
        .args(["s_client", "-quiet", "-connect", address.unwrap()])
        .args(["-servername", "acme.api2.gate.localhost"])
        .args(["-cert", "lost.pem", "-key", "lost.key"])
        .current_dir(house.server.path(""))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(text(&refused.stderr).contains("unknown ca"));
    let mut refusals = Value::Null;
    wait::until("the refusal to be told", 10, || {
        refusals = house.server.json("refusals --realm acme");
        refusals["refusals"][0].is_object()
    });
    let refusal = &refusals["refusals"][0];
    let line = format!("{PROD} --json --refusal {}", refusal["sequence"]);
    let output = house
        .server
        .cli(&line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["now"]["reason"], refusal["reason"]);
    assert_eq!(answer["now"]["sentence"], refusal["sentence"]);
    assert!(
        house
            .refused(&format!("{PROD} --refusal 99999"))
            .contains("99999")
    );
}

/// Readable, with what to do at the end; from standard input too.
fn words(house: &House) {
    let told = house
        .server
        .line(&format!("{PROD} {}", house.file("chain.pem")));
    for words in [
        "  1. CN=client-1,O=Acme\n",
        "  Path 1\n",
        "    2. CN=Root,O=Acme (trust anchor of dgb-mtls-acme)\n",
        "    ✓ within the validity\n",
        "    – pinned: not asked for\n",
        "  TRUSTED. The client certificate CN=client-1,O=Acme is trusted: its chain ends at the trust anchor CN=Root,O=Acme",
        "on: expired. ",
        "  ✓ may call open v1\n",
        "  ✗ may not call ruled v1: The client rule of ruled v1 does not admit",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    let arguments: Vec<&str> = PROD.split(' ').chain(["-"]).collect();
    let chain = std::fs::File::open(house.server.path("lonely.pem")).unwrap();
    let output = house
        .server
        .command(&arguments)
        .stdin(chain)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    assert!(
        told.contains("NOT TRUSTED: incomplete-chain (alert unknown_ca)."),
        "{told}"
    );
    assert!(
        told.lines().last().unwrap().starts_with("  What to do: "),
        "{told}"
    );
}
