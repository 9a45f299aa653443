//! Revocation lists and trust policies, with the real binary: who is refused, who is cut, and what stays.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber,
};
use realmgate::clock::{Clock, Moment};
use realmgate::pki::authority::{Authority, AuthorityRequest, ClientRequest, Leaf};
use realmgate::pki::key::KeyChoice;
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use time::OffsetDateTime;

use crate::support::server::Server;
use crate::support::wait;

pub(crate) const OWN: &str = "acme.api2.gate.localhost";
const SHARED: &str = "api2.gate.localhost";
const PLACE: &str = "--realm acme --environment prod";
const VERSIONS: [&str; 2] = ["-tls1_2", "-tls1_3"];
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn now() -> Moment {
    Clock::system().now()
}

pub(crate) fn ca(common_name: &str) -> Authority {
    Authority::self_signed(&AuthorityRequest {
        common_name: common_name.to_owned(),
        organization: None,
        not_before: now().minus(HOUR * 48),
        not_after: now().plus(HOUR * 48),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}

/// A list of `issuer`: its number, its nextUpdate in hours from now, and whom it revokes.
pub(crate) fn crl(issuer: &Authority, number: u64, ends_in: i64, revoked: &[&Person]) -> String {
    let pem = issuer.key.to_pkcs8_pem();
    let key = KeyPair::from_pem(pem.expose_str().unwrap()).unwrap();
    let certificate = CertificateDer::from(issuer.certificate.der().to_vec());
    let signer = Issuer::from_ca_cert_der(&certificate, key).unwrap();
    let seconds = now().unix_millis() / 1000;
    let at = |hours: i64| OffsetDateTime::from_unix_timestamp(seconds + hours * 3600).unwrap();
    let entries = revoked.iter().map(|person| RevokedCertParams {
        serial_number: SerialNumber::from_slice(&person.leaf.certificate.facts().raw_serial),
        revocation_time: at(-5),
        reason_code: None,
        invalidity_date: None,
    });
    let list = CertificateRevocationListParams {
        // The later the number, the later the list.
        this_update: at(-4) + time::Duration::seconds(number.cast_signed()),
        next_update: at(ends_in),
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: entries.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(&signer).unwrap().pem().unwrap()
}

/// Somebody with a client certificate.
pub(crate) struct Person {
    pub(crate) leaf: Leaf,
    cert: String,
    key: String,
}

/// A server with the realm `acme`, whose clients are those of one CA.
pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) ca: Authority,
}

impl House {
    fn new() -> Self {
        Self::on(Server::start())
    }

    pub(crate) fn on(server: Server) -> Self {
        let ca = ca("Acme CA");
        server.write("acme.pem", ca.certificate.to_pem());
        let manifest = r#"
[[realm]]
name = "acme"
[[realm.account]]
name = "dgb-mtls-acme"
type = "certificate-chain"
prod.chain-file = "acme.pem"
[[realm.installation]]
account = "dgb-mtls-acme"
environment = "prod"
[[realm.pipeline]]
name = "hello"
major = 1
trigger = { type = "rest", mtls = true, external = false }
handler = { type = "echo" }
[[realm.deployment]]
pipeline = "hello"
major = 1
environments = ["prod"]
"#;
        let manifest = server.write("acme.toml", manifest);
        server.line(&format!("apply {manifest} --yes"));
        Self { server, ca }
    }

    pub(crate) fn person(&self, name: &str) -> Person {
        let request = ClientRequest {
            common_name: name.to_owned(),
            organization: None,
            sans: Vec::new(),
            not_before: now().minus(HOUR),
            not_after: now().plus(HOUR),
            key: KeyChoice::EcP256,
        };
        let leaf = self.ca.issue_client(&request).unwrap();
        let key = leaf.key.to_pkcs8_pem();
        Person {
            cert: self
                .server
                .write(&format!("{name}.crt"), leaf.certificate.to_pem()),
            key: self.server.write(&format!("{name}.key"), key.expose()),
            leaf,
        }
    }

    pub(crate) fn set(&self, flags: &str) -> String {
        self.server
            .line(&format!("trust set {PLACE} {flags} --yes"))
    }

    /// Adds a list; answers with what was told.
    fn add(&self, list: &str) -> String {
        let file = self.server.write("list.crl", list);
        self.server.line(&format!("crl add {file} {PLACE}"))
    }

    /// Adds a list that must be refused; answers with the sentence.
    fn refused(&self, list: &[u8]) -> String {
        let file = self.server.write("list.crl", list);
        self.server.refused(&format!("crl add {file} {PLACE}"))
    }

    pub(crate) fn lists(&self) -> Vec<Value> {
        let told = self.server.json(&format!("crl list {PLACE}"));
        told["crls"].as_array().unwrap().clone()
    }

    fn s_client(&self, host: &str, version: &str, person: &Person) -> Child {
        let address = self.server.ready["gateways"]["mtls"]["addr"].as_str();
        Command::new("openssl")
            .args(["s_client", "-quiet", "-connect", address.unwrap()])
            .args(["-servername", host, version, "-cert", &person.cert])
            .args(["-key", &person.key, "-CAfile"])
            .arg(self.server.data("server-ca.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// What a call comes to: a status line, or the alert.
    pub(crate) fn call(&self, host: &str, version: &str, person: &Person) -> String {
        let mut child = self.s_client(host, version, person);
        let request = format!(
            "GET /pipeline/acme/v1/hello HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        );
        // A refused client cannot write any more: that is for the output to tell.
        let _ = child.stdin.as_mut().unwrap().write_all(request.as_bytes());
        let output = child.wait_with_output().unwrap();
        let both = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&both).into_owned()
    }

    /// Checks that calls on each host and in each version come to what is expected.
    fn check(&self, person: &Person, expect: &str) {
        for host in [OWN, SHARED] {
            for version in VERSIONS {
                let told = self.call(host, version, person);
                assert!(told.contains(expect), "{host} {version} {expect}: {told}");
            }
        }
    }
}

pub(crate) const SERVED: &str = "HTTP/1.1 200";
pub(crate) const REVOKED: &str = "alert certificate revoked";

#[test]
fn a_revoked_client_is_refused_on_every_host_and_in_every_version_and_after_a_restart() {
    let mut house = House::new();
    let (good, bad) = (house.person("good"), house.person("bad"));
    house.check(&bad, SERVED);
    house.add(&crl(&house.ca, 1, 1, &[&bad]));
    house.check(&bad, SERVED);
    house.set("--revocation leaf");
    house.check(&bad, REVOKED);
    house.check(&good, SERVED);
    let refusals = house.server.json("refusals --realm acme")["refusals"].to_string();
    assert!(refusals.contains("\"revoked\""), "{refusals}");
    let before = (
        house.lists(),
        house.server.json(&format!("trust show {PLACE}")),
    );
    house.server.stop();
    house.server.start_again();
    let after = (
        house.lists(),
        house.server.json(&format!("trust show {PLACE}")),
    );
    assert_eq!(before, after);
    assert_eq!(after.1["revocation"], "leaf");
    house.check(&bad, REVOKED);
    house.check(&good, SERVED);
}

/// An open connection that was served once.
pub(crate) struct Open {
    child: Child,
    answers: BufReader<ChildStdout>,
    host: &'static str,
}

impl Open {
    pub(crate) fn new(house: &House, host: &'static str, version: &str, person: &Person) -> Self {
        let mut child = house.s_client(host, version, person);
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut open = Self {
            child,
            answers,
            host,
        };
        open.is_served();
        open
    }

    pub(crate) fn is_served(&mut self) {
        let request = format!(
            "GET /pipeline/acme/v1/hello HTTP/1.1\r\nHost: {}\r\n\r\n",
            self.host
        );
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(request.as_bytes()).unwrap();
        stdin.flush().unwrap();
        let mut line = String::new();
        while !line.contains(SERVED) {
            line.clear();
            assert_ne!(self.answers.read_line(&mut line).unwrap(), 0, "it was cut");
        }
    }

    pub(crate) fn is_cut(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_list_cuts_the_open_connections_of_whom_it_revokes_and_nobody_elses() {
    let house = House::new();
    let (good, bad) = (house.person("good"), house.person("bad"));
    house.set("--revocation leaf");
    house.add(&crl(&house.ca, 1, 1, &[]));
    let open = |person: &Person| -> Vec<Open> {
        let places = [OWN, SHARED].map(|host| VERSIONS.map(|version| (host, version)));
        let places = places.into_iter().flatten();
        places
            .map(|(host, version)| Open::new(&house, host, version, person))
            .collect()
    };
    let (mut theirs, mut ours) = (open(&bad), open(&good));
    house.add(&crl(&house.ca, 2, 1, &[&bad]));
    wait::until("the revoked client's connections to be cut", 1, || {
        theirs.iter_mut().all(Open::is_cut)
    });
    for connection in &mut ours {
        assert!(!connection.is_cut());
        connection.is_served();
    }
}

#[test]
fn an_older_a_damaged_and_a_foreign_list_are_refused_and_the_present_one_stays() {
    let house = House::new();
    let bad = house.person("bad");
    house.set("--revocation leaf");
    let second = crl(&house.ca, 2, 1, &[&bad]);
    house.add(&second);
    let kept = house.lists();
    let told = house.refused(crl(&house.ca, 1, 1, &[]).as_bytes());
    assert!(
        told.contains("(number 1, of ") && told.contains("number 2"),
        "{told}"
    );
    let told = house.refused(crl(&ca("Acme CA"), 3, 1, &[]).as_bytes());
    assert!(told.contains("signed by none of the keys"), "{told}");
    let pem = second.as_bytes();
    let cases = [
        b"hello\n".as_slice(),
        b"",
        &pem[..pem.len() / 2],
        &[0x30, 0x82, 0xff, 0xff],
        &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1],
    ];
    for damaged in cases {
        let told = house.refused(damaged);
        assert!(told.contains("list.crl"), "{told}");
        // Whoever speaks to the API has no command line that looks first.
        let body = serde_json::json!({"crls": [String::from_utf8_lossy(damaged)]});
        let file = house.server.write("body.json", body.to_string());
        let status = api(&house.server, "POST", "/realms/acme/crls/prod", &file);
        assert_eq!(status, "422");
    }
    assert_eq!(house.lists(), kept);
    house.check(&bad, REVOKED);
    let file = house.server.write("list.crl", &second);
    let told = house.server.line(&format!("crl add {file} {PLACE}"));
    assert!(told.starts_with("Nothing to do"), "{told}");
}

/// Sends a file to the admin API; answers with the status.
fn api(server: &Server, method: &str, path: &str, file: &str) -> String {
    let token = std::fs::read_to_string(server.data("operator.token")).unwrap();
    let output = Command::new("curl")
        .args([
            "--silent",
            "--max-time",
            "30",
            "--noproxy",
            "*",
            "-o",
            "/dev/null",
        ])
        .args(["-w", "%{http_code}", "-X", method, "--cacert"])
        .arg(server.data("admin-ca.pem"))
        .args(["-H", &format!("Authorization: Bearer {}", token.trim())])
        .args([
            "-H",
            "Content-Type: application/json",
            "-d",
            &format!("@{file}"),
        ])
        .arg(format!(
            "{}/api/v1{path}",
            server.ready["admin"]["url"].as_str().unwrap()
        ))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn without_a_list_nobody_is_let_in_and_an_out_of_date_one_is_worth_what_the_policy_says() {
    let house = House::new();
    let (good, bad) = (house.person("good"), house.person("bad"));
    let told = house.set("--revocation leaf");
    assert!(told.contains("has none there"), "{told}");
    let unknown = "alert certificate unknown";
    house.check(&good, unknown);
    // Over since two hours.
    let told = house.add(&crl(&house.ca, 1, -2, &[&bad]));
    assert!(told.contains("is out of date since"), "{told}");
    assert_eq!(house.lists()[0]["state"], "out-of-date");
    house.check(&good, unknown);
    house.check(&bad, unknown);
    house.set("--crl-out-of-date 1h");
    house.check(&good, unknown);
    let refusals = house.server.json("refusals --realm acme")["refusals"].to_string();
    assert!(refusals.contains("crl-out-of-date") && refusals.contains("revocation-unknown"));
    for allowed in ["3h", "allow"] {
        house.set(&format!("--crl-out-of-date {allowed}"));
        house.check(&good, SERVED);
        house.check(&bad, REVOKED);
    }
    house.set("--crl-out-of-date refuse");
    house.check(&good, unknown);
    // One anchor is excepted.
    let anchor = house.ca.certificate.fingerprint();
    house.set(&format!("--anchor {anchor} --revocation off"));
    house.check(&good, SERVED);
    house.check(&bad, SERVED);
    house.set(&format!("--clear-anchor {anchor}"));
    house.check(&good, unknown);
}

#[test]
fn with_pins_only_the_expected_clients_are_let_in() {
    let house = House::new();
    let (first, second, third) = (
        house.person("first"),
        house.person("second"),
        house.person("third"),
    );
    let denied = "alert access denied";
    let certificate = first.leaf.certificate.fingerprint();
    let key = second.leaf.certificate.facts().spki_sha256;
    house.set(&format!("--pin certificate:{certificate} --pin key:{key}"));
    house.check(&first, SERVED);
    house.check(&second, SERVED);
    house.check(&third, denied);
    house.set(&format!("--unpin certificate:{certificate}"));
    house.check(&first, denied);
    let line = format!("trust set {PLACE} --clear-pins");
    let told = house.server.refused(&line);
    assert!(told.contains("--yes"), "{told}");
    house.set("--clear-pins");
    house.check(&third, SERVED);
}

#[test]
fn lists_are_shown_and_removed_and_the_audit_tells_of_them() {
    let house = House::new();
    let bad = house.person("bad");
    house.add(&crl(&house.ca, 7, 1, &[&bad]));
    let lists = house.lists();
    let list = &lists[0];
    assert_eq!(list["issuer"], "CN=Acme CA");
    assert_eq!(
        (&list["number"], &list["entries"]),
        (&"7".into(), &1.into())
    );
    assert_eq!(
        (&list["state"], &list["signature"]),
        (&"current".into(), &"known".into())
    );
    let table = house.server.line(&format!("crl list {PLACE}"));
    assert!(
        table.contains("CN=Acme CA") && table.contains("current"),
        "{table}"
    );
    let sha256 = list["sha256"].as_str().unwrap();
    let remove = format!("crl remove {PLACE} --sha256 {sha256} --yes");
    house.server.line(&remove);
    assert_eq!(house.lists(), [] as [Value; 0]);
    let told = house.server.refused(&remove);
    assert!(told.contains("has no revocation list"), "{told}");
    house.set("--revocation chain");
    let audit = house.server.json("audit --realm acme").to_string();
    for action in [
        "crl.save",
        "crl.remove",
        "trust.save",
        sha256,
        "off → chain",
    ] {
        assert!(audit.contains(action), "{action}: {audit}");
    }
}

#[test]
fn a_manifest_gives_lists_by_file_and_names_the_file_that_holds_none() {
    let house = House::new();
    let bad = house.person("bad");
    let (first, other) = (crl(&house.ca, 1, 1, &[&bad]), crl(&ca("Sub"), 1, 1, &[]));
    house.server.write("both.crl", format!("{first}{other}"));
    let manifest = |keys: &str| {
        let text = format!(
            "[[realm]]\nname = 'acme'\n[[realm.trust]]\nenvironment = 'prod'\nrevocation = 'leaf'\n{keys}\n"
        );
        house.server.write("trust.toml", text)
    };
    let file = manifest("crl-files = ['both.crl']");
    let told = house.server.line(&format!("apply {file}"));
    assert!(told.contains("no certificate of CN=Sub is known"), "{told}");
    assert_eq!(house.lists().len(), 2);
    house.check(&bad, REVOKED);
    let told = house.server.line(&format!("apply {file}"));
    assert!(told.contains("Nothing to do"), "{told}");
    house.server.write("bad.crl", "hello");
    let file = manifest("crl-files = ['bad.crl']");
    let told = house.server.refused(&format!("apply {file}"));
    assert!(told.contains("'crl-files': bad.crl: "), "{told}");
    let off = house.server.write(
        "off.toml",
        "[[realm]]\nname = 'acme'\n[[realm.trust]]\nenvironment = 'prod'\nrevocation = 'off'\n",
    );
    let told = house.server.refused(&format!("apply {off}"));
    assert!(told.contains("revocation leaf → off"), "{told}");
    house.server.line(&format!("apply {off} --yes"));
    house.check(&bad, SERVED);
}
