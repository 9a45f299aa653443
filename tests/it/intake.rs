//! How trust comes in and goes, with the real binary and the real openssl: keys that are proven, trust that retires, is
//! promoted and comes back.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::server::Server;
use crate::support::wait;

/// A kind of key: its name, and how openssl makes one.
const KINDS: [(&str, &[&str]); 5] = [
    (
        "rsa",
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    ),
    (
        "p256",
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ),
    (
        "p384",
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    ),
    (
        "p521",
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    ),
    ("ed25519", &["-algorithm", "ED25519"]),
];
const EC: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const PIPELINE: &str = r#"
[[realm.pipeline]]
name = "hello"
major = 1
trigger = { type = "rest", mtls = true, external = false }
handler = { type = "echo" }
[[realm.deployment]]
pipeline = "hello"
major = 1
environments = ["test", "prod"]
"#;

/// A server, and a directory of certificates beside it.
struct House(Server);

impl House {
    fn with(setting: &str) -> Self {
        let mut server = Server::start();
        let mut settings = std::fs::read_to_string(server.configuration()).unwrap();
        settings.push_str(setting);
        server.stop();
        server.write("realmgate.toml", settings);
        server.start_again();
        Self(server)
    }

    fn openssl(&self, arguments: &[&str]) {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(self.0.path(""))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told}");
    }

    /// A CA: `NAME.key` and `NAME.pem`.
    fn ca(&self, name: &str, kind: &[&str]) {
        let (key, pem, subject) = (
            format!("{name}.key"),
            format!("{name}.pem"),
            format!("/CN={name}"),
        );
        self.openssl(&[&["genpkey"], kind, &["-out", &key]].concat());
        let constraints = "basicConstraints=critical,CA:TRUE";
        self.openssl(&[
            "req",
            "-x509",
            "-new",
            "-key",
            &key,
            "-subj",
            &subject,
            "-days",
            "2",
            "-addext",
            constraints,
            "-out",
            &pem,
        ]);
    }

    /// A certificate with that common name, signed by the CA: `FILE.key` and `FILE.pem`.
    fn issue(&self, ca: &str, common_name: &str, file: &str, extensions: &str) -> String {
        let (key, csr, pem) = (
            format!("{file}.key"),
            format!("{file}.csr"),
            format!("{file}.pem"),
        );
        let subject = format!("/CN={common_name}");
        self.openssl(&[&["genpkey"], EC, &["-out", &key]].concat());
        self.openssl(&["req", "-new", "-key", &key, "-subj", &subject, "-out", &csr]);
        self.0.write("proof.ext", extensions);
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &csr,
            "-CA",
            &format!("{ca}.pem"),
            "-CAkey",
            &format!("{ca}.key"),
            "-CAcreateserial",
            "-days",
            "1",
            "-extfile",
            "proof.ext",
            "-out",
            &pem,
        ]);
        self.file(&pem)
    }

    fn file(&self, name: &str) -> String {
        self.0.path(name).display().to_string()
    }

    fn apply(&self, manifest: &str) {
        let file = self.0.write("manifest.toml", manifest);
        self.0.line(&format!("apply {file} --yes"));
    }

    /// The challenge to an account's only CA; its text stands in the file that is answered with.
    fn challenge(&self, place: &str) -> (String, Value) {
        let _ = std::fs::remove_dir_all(self.0.path("asked"));
        let out = self.file("asked");
        let told = self
            .0
            .json(&format!("installation challenge {place} --out {out}"));
        let anchor = told["anchors"][0].clone();
        let short = &anchor["fingerprint"].as_str().unwrap()[..16];
        (format!("{out}/challenge-{short}.txt"), anchor)
    }

    /// Signs a file as the steps say; answers with the signature's file.
    fn sign(&self, key: &str, kind: &str, file: &str) -> String {
        let key = format!("{key}.key");
        if kind == "ed25519" {
            self.openssl(&[
                "pkeyutl",
                "-sign",
                "-rawin",
                "-inkey",
                &key,
                "-in",
                file,
                "-out",
                "proof.sig",
            ]);
        } else {
            self.openssl(&["dgst", "-sha256", "-sign", &key, "-out", "proof.sig", file]);
        }
        self.file("proof.sig")
    }

    /// What a call of `client` comes to: a status line, or the alert.
    fn call(&self, host: &str, client: &str) -> String {
        let address = self.0.ready["gateways"]["mtls"]["addr"].as_str();
        let mut child = Command::new("openssl")
            .args(["s_client", "-quiet", "-connect", address.unwrap()])
            .args(["-servername", host, "-cert", &format!("{client}.pem")])
            .args(["-key", &format!("{client}.key"), "-CAfile"])
            .arg(self.0.data("server-ca.pem"))
            .current_dir(self.0.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let request = format!(
            "GET /pipeline/acme/v1/hello HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        );
        // A refused client cannot write any more: that is for the output to tell.
        let _ = child.stdin.as_mut().unwrap().write_all(request.as_bytes());
        let output = child.wait_with_output().unwrap();
        let both = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&both).into_owned()
    }

    fn is_served(&self, environment: &str, client: &str) -> bool {
        let label = if environment == "prod" {
            "api2"
        } else {
            "test2"
        };
        let told = self.call(&format!("acme.{label}.gate.localhost"), client);
        assert!(
            told.contains("HTTP/1.1 200") || told.contains("alert"),
            "{told}"
        );
        told.contains("HTTP/1.1 200")
    }

    fn state(&self, place: &str) -> String {
        let told = self.0.json(&format!("installation show {place}"));
        told["state"].as_str().unwrap().to_owned()
    }

    fn killed(&mut self) {
        self.0.kill();
        self.0.start_again();
    }
}

/// An account with certificates in both environments, and a request in each.
fn account(name: &str, files: &str) -> String {
    format!(
        "[[realm.account]]\nname = \"dgb-mtls-{name}\"\ntype = \"certificate-chain\"\ntest.chain-file = \"{files}\"\n\
         prod.chain-file = \"{files}\"\n"
    )
}

fn installation(name: &str, environment: &str, state: &str) -> String {
    format!(
        "[[realm.installation]]\naccount = \"dgb-mtls-{name}\"\nenvironment = \"{environment}\"\n{state}\n"
    )
}

#[test]
fn each_kind_of_key_is_proven_with_a_signature_or_a_certificate_before_it_is_trusted() {
    let house = House::with("ca_key_proof = \"all\"\n");
    let mut manifest = "[[realm]]\nname = \"acme\"\n".to_owned();
    for (name, kind) in KINDS {
        house.ca(name, kind);
        manifest.push_str(&account(name, &format!("{name}.pem")));
    }
    for (name, _) in KINDS {
        for environment in ["test", "prod"] {
            manifest.push_str(&installation(name, environment, "state = \"requested\""));
        }
    }
    house.apply(&manifest);
    for (name, _) in KINDS {
        let test = format!("--realm acme --environment test --account dgb-mtls-{name}");
        let install = format!("installation install {test} --revision 1");
        let told = house.0.refused(&install);
        assert!(
            told.contains(&format!("holds the key of CN={name}: ")),
            "{told}"
        );
        let words = house.0.line(&format!("installation challenge {test}"));
        assert!(words.contains("Without that it is not installed here"));
        let (file, anchor) = house.challenge(&test);
        assert!(words.contains(anchor["token"].as_str().unwrap()));
        let signature = house.sign(name, name, &file);
        house.0.line(&format!(
            "installation prove-key {test} --signature {signature}"
        ));
        house.0.line(&install);
        assert_eq!(house.state(&test), "installed");

        let prod = format!("--realm acme --environment prod --account dgb-mtls-{name}");
        let (_, anchor) = house.challenge(&prod);
        let token = anchor["token"].as_str().unwrap();
        let (common_name, extensions) = if name == "rsa" {
            let uri = format!("subjectAltName=URI:urn:realmgate:challenge:{token}\n");
            ("proof", format!("basicConstraints=CA:FALSE\n{uri}"))
        } else {
            (token, "basicConstraints=CA:FALSE\n".to_owned())
        };
        let pem = house.issue(name, common_name, "proof", &extensions);
        let install = format!("installation install {prod} --revision 1");
        house.0.refused(&install);
        let sha256 = anchor["fingerprint"].as_str().unwrap();
        house.0.line(&format!(
            "installation prove-key {prod} --certificate {pem} --ca {sha256}"
        ));
        let shown = house.0.json(&format!("installation show {prod}"));
        assert_eq!(shown["proven"][0], sha256);
        house.0.line(&install);
    }
    let audit = house.0.json("audit --realm acme --limit 100");
    let proven = audit["records"].as_array().unwrap().iter();
    let proven = proven.filter(|record| record["action"] == "installation.prove-key");
    assert_eq!(proven.count(), 2 * KINDS.len());
}

#[test]
fn a_proof_counts_for_its_own_key_realm_and_revision_only() {
    let house = House::with("ca_key_proof = \"prod\"\n");
    house.ca("own", EC);
    house.ca("other", EC);
    let realm = |name: &str| {
        format!(
            "[[realm]]\nname = \"{name}\"\n{}{}",
            account("own", "own.pem"),
            installation("own", "prod", "state = \"requested\"")
        )
    };
    house.apply(&(realm("acme") + &realm("globex")));
    let place = "--realm acme --environment prod --account dgb-mtls-own";
    let prove = |way: &str, file: &str| format!("installation prove-key {place} {way} {file}");
    let refused = |way: &str, file: &str, expect: &str| {
        let told = house.0.refused(&prove(way, file));
        assert!(told.contains(expect), "{told}");
    };
    let asked = house.file("own.pem");
    refused("--signature", &asked, "has no challenge in prod");
    let (file, anchor) = house.challenge(place);
    refused(
        "--signature",
        &house.sign("other", "p256", &file),
        "the signature does not hold",
    );
    let elsewhere = "--realm globex --environment prod --account dgb-mtls-own";
    let (other_file, _) = house.challenge(elsewhere);
    refused(
        "--signature",
        &house.sign("own", "p256", &other_file),
        "the signature does not hold",
    );
    let token = anchor["token"].as_str().unwrap();
    let plain = "basicConstraints=CA:FALSE\n";
    let no_token = house.issue("own", "client-1", "client", plain);
    refused("--certificate", &no_token, "does not bear the challenge");
    let other_issuer = house.issue("other", token, "proof", plain);
    refused(
        "--certificate",
        &other_issuer,
        "was not signed with the CA's key",
    );
    let a_ca = house.issue("own", token, "proof", "basicConstraints=critical,CA:TRUE\n");
    refused("--certificate", &a_ca, "is itself a CA's");
    refused(
        "--certificate",
        &house.file("own.key"),
        "there is no certificate in it",
    );
    let unknown = format!("{} --ca {}", no_token, "00".repeat(32));
    refused(
        "--certificate",
        &unknown,
        "has no certificate with the SHA-256",
    );
    // Nothing of all that was stored, and no operator's manifest gets around it.
    let shown = house.0.json(&format!("installation show {place}"));
    assert_eq!(shown["proven"].as_array().unwrap().len(), 0);
    let installed = format!(
        "[[realm]]\nname = \"acme\"\n{}{}",
        account("own", "own.pem"),
        installation("own", "prod", "")
    );
    let manifest = house.0.write("installed.toml", &installed);
    let told = house.0.refused(&format!("apply {manifest} --yes"));
    assert!(told.contains("holds the key of CN=own"), "{told}");
    // A good one is good once: a changed account is asked anew.
    let (file, _) = house.challenge(place);
    let signature = house.sign("own", "p256", &file);
    house.0.line(&prove("--signature", &signature));
    let told = house.0.line(&prove("--signature", &signature));
    assert!(told.starts_with("Nothing to do"), "{told}");
    let both = std::fs::read_to_string(house.file("own.pem")).unwrap()
        + &std::fs::read_to_string(house.file("other.pem")).unwrap();
    house.0.write("both.pem", both);
    let changed = realm("acme").replace("own.pem", "both.pem");
    house.apply(&changed);
    refused("--signature", &signature, "has no challenge in prod");
    let told = house
        .0
        .refused(&format!("installation install {place} --revision 2"));
    assert!(told.contains("key of CN=own and of CN=other"), "{told}");
    let (file, anchor) = house.challenge(place);
    refused("--signature", &signature, "the signature does not hold");
    let kept = house.0.write("kept.txt", std::fs::read(&file).unwrap());
    house
        .0
        .line(&prove("--signature", &house.sign("own", "p256", &kept)));
    let told = house
        .0
        .refused(&format!("installation install {place} --revision 2"));
    assert!(told.contains("key of CN=other: "), "{told}");
    assert_eq!(anchor["subject"], "CN=own");
}

#[test]
fn what_retires_is_served_and_what_was_removed_comes_back_after_kill_9_too() {
    let mut house = House::with("");
    house.ca("root", EC);
    house.ca("next", EC);
    let plain = "basicConstraints=CA:FALSE\n";
    house.issue("root", "client-1", "client", plain);
    house.issue("next", "client-2", "newcomer", plain);
    let manifest = |chain: &str, state: &str| {
        format!(
            "[[realm]]\nname = \"acme\"\n{}{}{PIPELINE}",
            account("root", chain),
            installation("root", "prod", state)
        )
    };
    house.apply(&manifest("root.pem", ""));
    let place = "--realm acme --environment prod --account dgb-mtls-root";
    assert!(house.is_served("prod", "client"));
    house.0.line(&format!(
        "installation retire {place} --until 2100-01-31T00:00:00Z"
    ));
    house.killed();
    assert_eq!(house.state(place), "retiring");
    let list = house
        .0
        .line("installation list --realm acme --state retiring");
    assert!(list.contains("2100-01-31T00:00:00"), "{list}");
    assert!(house.is_served("prod", "client"));
    house.0.line(&format!("installation keep {place}"));
    assert_eq!(house.state(place), "installed");
    let past = house.0.refused(&format!(
        "installation retire {place} --until 2020-01-01T00:00:00Z"
    ));
    assert!(past.contains("is no time to come"), "{past}");
    house.apply(&manifest(
        "root.pem",
        "state = \"retiring\"\nuntil = \"2100-01-31T00:00:00Z\"",
    ));
    assert_eq!(house.state(place), "retiring");
    house.apply(&manifest("root.pem", "state = \"requested\""));
    assert_eq!(house.state(place), "retiring");
    let file = house.0.write(
        "manifest.toml",
        manifest("root.pem", "until = \"2100-01-31\""),
    );
    let told = house.0.refused(&format!("apply {file} --yes"));
    assert!(
        told.contains("'until' goes with state = \"retiring\" only"),
        "{told}"
    );

    house.apply(&manifest("next.pem", ""));
    assert!(!house.is_served("prod", "client") && house.is_served("prod", "newcomer"));
    let restore = "installation restore --realm acme --environment prod";
    let shown = house.0.line(&format!("{restore} --dry-run"));
    assert!(
        shown.contains("+ CN=root (SHA-256 ") && shown.contains("- CN=next (SHA-256 "),
        "{shown}"
    );
    assert!(
        shown.contains("holds other certificates in prod"),
        "{shown}"
    );
    let unsure = house.0.refused(restore);
    assert!(unsure.contains("--yes"), "{unsure}");
    house.0.line(&format!("{restore} --yes"));
    house.killed();
    assert!(house.is_served("prod", "client") && !house.is_served("prod", "newcomer"));
    house
        .0
        .line(&format!("{restore} --account dgb-mtls-root --yes"));
    assert!(!house.is_served("prod", "client") && house.is_served("prod", "newcomer"));
    let history = house
        .0
        .json("installation list --realm acme --environment prod");
    assert_eq!(history["installations"][0]["restores"], 2);
    let nothing = house
        .0
        .refused("installation restore --realm acme --environment test --yes");
    assert!(nothing.contains("has no former state in test"), "{nothing}");
}

#[test]
fn prod_asks_for_handshakes_in_test_and_takes_exactly_what_is_installed_there() {
    let house = House::with("prod_handshakes_required = 2\n");
    house.ca("root", EC);
    house.issue("root", "client-1", "client", "basicConstraints=CA:FALSE\n");
    house.apply("[[realm]]\nname = \"acme\"\n");
    let promote = "installation promote --realm acme";
    let nothing = house.0.refused(&format!("{promote} --yes"));
    assert!(
        nothing.contains("has nothing installed in test"),
        "{nothing}"
    );
    let manifest = format!(
        "[[realm]]\nname = \"acme\"\n[[realm.account]]\nname = \"dgb-mtls-root\"\ntype = \"certificate-chain\"\n\
         test.chain-file = \"root.pem\"\n{}{PIPELINE}",
        installation("root", "test", "")
    );
    house.apply(&manifest);
    let shown = house.0.line(&format!("{promote} --dry-run"));
    assert!(
        shown.contains("+ CN=root (SHA-256 ") && shown.contains("CN=root has 0 of 2"),
        "{shown}"
    );
    let told = house.0.refused(&format!("{promote} --yes"));
    assert!(told.contains("CN=root has 0 of 2"), "{told}");
    let direct = format!(
        "[[realm]]\nname = \"acme\"\n{}{}",
        account("root", "root.pem"),
        installation("root", "prod", "")
    );
    let file = house.0.write("direct.toml", direct);
    let told = house.0.refused(&format!("apply {file} --yes"));
    assert!(told.contains("CN=root has 0 of 2"), "{told}");
    assert!(house.is_served("test", "client"));
    assert!(house.is_served("test", "client"));
    wait::until("both handshakes to be counted", 10, || {
        house.0.json(&format!("{promote} --dry-run"))["hindrance"].is_null()
    });
    house
        .0
        .line(&format!("{promote} --account dgb-mtls-root --yes"));
    assert!(house.is_served("prod", "client"));
    let again = house.0.line(&format!("{promote} --yes"));
    assert!(again.contains("Nothing to do"), "{again}");
    let account = house.0.json("account show --realm acme dgb-mtls-root");
    assert!(!account["prod"].is_null(), "{account}");
    let place = "--realm acme --environment prod --account dgb-mtls-root";
    let shown = house.0.json(&format!("installation show {place}"));
    assert_eq!(
        (&shown["promotes"], &shown["savedRevision"]),
        (&Value::from(1), &shown["accountRevision"])
    );
}
