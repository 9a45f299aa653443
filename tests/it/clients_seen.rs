//! Clients that were seen, with the real binary: who came by which anchor, what a change would do to them, and that it
//! does just that.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use realmgate::clock::{Clock, Moment};
use realmgate::pki::authority::{Authority, AuthorityRequest, ClientRequest};
use realmgate::pki::fingerprint::Fingerprint;
use realmgate::pki::key::KeyChoice;
use serde_json::{Value, json};

use crate::support::server::{Server, text};
use crate::support::wait;

const OWN: &str = "acme.api2.gate.localhost";
const SHARED: &str = "api2.gate.localhost";
const PLACE: &str = "--realm acme --environment prod";
const SERVED: &str = "HTTP/1.1 200";
const HOUR: Duration = Duration::from_secs(3600);

fn now() -> Moment {
    Clock::system().now()
}

fn request(common_name: &str) -> AuthorityRequest {
    AuthorityRequest {
        common_name: common_name.to_owned(),
        organization: None,
        not_before: now().minus(HOUR * 48),
        not_after: now().plus(HOUR * 48),
        path_length: None,
        key: KeyChoice::EcP256,
    }
}

fn ca(common_name: &str) -> Authority {
    Authority::self_signed(&request(common_name)).unwrap()
}

/// Somebody with a client certificate.
struct Person {
    name: String,
    sha256: Fingerprint,
    cert: String,
    key: String,
}

/// A server with the realm `acme`, whose accounts each bring one anchor.
struct House {
    server: Server,
}

impl House {
    fn new(accounts: &[(&str, &Authority)]) -> Self {
        let server = Server::start_with(|_| "clients_seen_per_realm_max = 6\n".to_owned());
        let mut manifest = String::from(
            r#"
[[realm]]
name = "acme"
[[realm.pipeline]]
name = "hello"
major = 1
trigger = { type = "rest", mtls = true, external = false }
handler = { type = "echo" }
[[realm.deployment]]
pipeline = "hello"
major = 1
environments = ["prod"]
"#,
        );
        for (account, ca) in accounts {
            server.write(&format!("{account}.pem"), ca.certificate.to_pem());
            manifest.push_str(&format!(
                "[[realm.account]]\nname = \"{account}\"\ntype = \"certificate-chain\"\n\
                 prod.chain-file = \"{account}.pem\"\n\
                 [[realm.installation]]\naccount = \"{account}\"\nenvironment = \"prod\"\n"
            ));
        }
        let manifest = server.write("acme.toml", manifest);
        server.line(&format!("apply {manifest} --yes"));
        Self { server }
    }

    /// Issues a certificate; the client shows `beside` with it.
    fn person(&self, name: &str, issuer: &Authority, beside: &[&Authority]) -> Person {
        let leaf = issuer
            .issue_client(&ClientRequest {
                common_name: name.to_owned(),
                organization: None,
                sans: Vec::new(),
                not_before: now().minus(HOUR),
                not_after: now().plus(HOUR),
                key: KeyChoice::EcP256,
            })
            .unwrap();
        let mut chain = leaf.certificate.to_pem();
        for one in beside {
            chain.push_str(&one.certificate.to_pem());
        }
        let key = leaf.key.to_pkcs8_pem();
        Person {
            name: format!("CN={name}"),
            sha256: leaf.certificate.fingerprint(),
            cert: self.server.write(&format!("{name}.crt"), chain),
            key: self.server.write(&format!("{name}.key"), key.expose()),
        }
    }

    fn s_client(&self, host: &str, person: &Person) -> Child {
        let address = self.server.ready["gateways"]["mtls"]["addr"].as_str();
        Command::new("openssl")
            .args(["s_client", "-quiet", "-connect", address.unwrap()])
            .args(["-servername", host, "-cert", &person.cert])
            .args(["-cert_chain", &person.cert, "-key", &person.key, "-CAfile"])
            .arg(self.server.data("server-ca.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Whether a new connection is served.
    fn serves(&self, host: &str, person: &Person) -> bool {
        let mut child = self.s_client(host, person);
        let request = format!(
            "GET /pipeline/acme/v1/hello HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        );
        let _ = child.stdin.as_mut().unwrap().write_all(request.as_bytes());
        text(&child.wait_with_output().unwrap().stdout).contains(SERVED)
    }

    fn clients(&self, flags: &str) -> Vec<Value> {
        let told = self
            .server
            .json(&format!("client list --realm acme {flags}"));
        told["clients"].as_array().unwrap().clone()
    }

    /// What `realmgate impact` says of a change, and how it ends.
    fn impact(&self, change: &str) -> (Value, Option<i32>) {
        let line = format!("impact {PLACE} {change} --json");
        let output = self
            .server
            .cli(&line.split_whitespace().collect::<Vec<_>>());
        let told = serde_json::from_slice(&output.stdout);
        (
            told.unwrap_or_else(|_| panic!("{}", text(&output.stderr))),
            output.status.code(),
        )
    }

    /// Sends a call of the admin API; answers with its status and body.
    fn api(&self, method: &str, path: &str, body: &Value) -> (String, Value) {
        let token = std::fs::read_to_string(self.server.data("operator.token")).unwrap();
        let url = self.server.ready["admin"]["url"].as_str().unwrap();
        let output = Command::new("curl")
            .args(["--silent", "--max-time", "30", "--noproxy", "*", "-w"])
            .args(["\n%{http_code}", "-X", method, "--cacert"])
            .arg(self.server.data("admin-ca.pem"))
            .args(["-H", &format!("Authorization: Bearer {}", token.trim())])
            .args(["-H", "Content-Type: application/json", "-d"])
            .arg(body.to_string())
            .arg(format!("{url}/api/v1{path}"))
            .output()
            .unwrap();
        let told = text(&output.stdout);
        let (body, status) = told.rsplit_once('\n').unwrap();
        (
            status.to_owned(),
            serde_json::from_str(body).unwrap_or_default(),
        )
    }
}

/// The names in a list of clients.
fn names(clients: &Value) -> BTreeSet<String> {
    let clients = clients.as_array().unwrap().iter();
    clients
        .map(|client| client["subject"].as_str().unwrap().to_owned())
        .collect()
}

/// An open connection that was served once.
struct Open {
    child: Child,
    _answers: BufReader<ChildStdout>,
}

impl Open {
    fn new(house: &House, host: &str, person: &Person) -> Self {
        let mut child = house.s_client(host, person);
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let request = format!("GET /pipeline/acme/v1/hello HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let stdin = child.stdin.as_mut().unwrap();
        stdin.write_all(request.as_bytes()).unwrap();
        stdin.flush().unwrap();
        let mut line = String::new();
        while !line.contains(SERVED) {
            line.clear();
            assert_ne!(answers.read_line(&mut line).unwrap(), 0, "it was cut");
        }
        Self {
            child,
            _answers: answers,
        }
    }

    fn is_cut(&mut self) -> bool {
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
fn what_a_change_is_said_to_do_is_what_it_does() {
    let (root, other, next) = (ca("Root"), ca("Other"), ca("Next"));
    let intermediate = root.subordinate(&request("Intermediate")).unwrap();
    let house = House::new(&[
        ("dgb-mtls-root", &root),
        ("dgb-mtls-nearer", &intermediate),
        ("dgb-mtls-other", &other),
    ]);
    let people = [
        house.person("direct", &root, &[]),
        house.person("pinned", &root, &[]),
        house.person("below", &intermediate, &[&intermediate]),
        house.person("alone", &intermediate, &[]),
        house.person("other", &other, &[]),
    ];
    // The last one of them came once, and is not connected any more.
    assert!(house.serves(OWN, &people[4]));
    let mut open: Vec<(&Person, Open)> = people[..4]
        .iter()
        .flat_map(|person| [OWN, SHARED].map(|host| (person, Open::new(&house, host, person))))
        .collect();
    house
        .server
        .write("dgb-mtls-other.pem", next.certificate.to_pem());
    let pins = house.server.write(
        "pins.toml",
        format!(
            "[[realm]]\nname = \"acme\"\n[[realm.trust]]\nenvironment = \"prod\"\npins = [\"certificate:{}\"]\n",
            people[1].sha256
        ),
    );
    let pem = house.server.path("dgb-mtls-other.pem");
    let changed = format!(
        "account save dgb-mtls-other --realm acme --environment prod --chain {}",
        pem.display()
    );
    let revision = |house: &House| {
        house.server.line(&changed);
        let line = format!("installation request {PLACE} --account dgb-mtls-other");
        house.server.line(&line);
        let line = format!("installation show {PLACE} --account dgb-mtls-other");
        house.server.json(&line)["accountRevision"].clone()
    };
    let revision = revision(&house);
    let remove = |account: &str| {
        (
            format!("--remove {account}"),
            format!("installation remove {PLACE} --account {account} --yes"),
        )
    };
    // Each with how many it cuts, and how many it moves.
    let changes = [
        (remove("dgb-mtls-nearer"), 1, 1),
        (
            (
                "--install dgb-mtls-other".to_owned(),
                format!(
                    "installation install {PLACE} --account dgb-mtls-other --revision {revision} --yes"
                ),
            ),
            1,
            0,
        ),
        (
            (format!("--manifest {pins}"), format!("apply {pins} --yes")),
            2,
            0,
        ),
        (remove("dgb-mtls-root"), 1, 0),
        (remove("dgb-mtls-other"), 0, 0),
    ];
    for ((asked, done), cuts, moves) in changes {
        let served = |house: &House| -> BTreeSet<String> {
            let served = people.iter().filter(|person| house.serves(OWN, person));
            served.map(|person| person.name.clone()).collect()
        };
        let before = served(&house);
        let (told, status) = house.impact(&asked);
        assert_eq!(told["cutCount"], json!(cuts), "{asked}: {told}");
        assert_eq!(told["movedCount"], json!(moves), "{asked}: {told}");
        assert_eq!(status, Some(if cuts == 0 { 0 } else { 3 }), "{asked}");
        let predicted = names(&told["cut"]);
        let ends = u64::try_from(
            open.iter()
                .filter(|(person, _)| predicted.contains(&person.name))
                .count(),
        );
        assert_eq!(told["connectionsCut"], json!(ends.unwrap()), "{asked}");

        house.server.line(&done);
        let after = served(&house);
        let gone: BTreeSet<String> = before.difference(&after).cloned().collect();
        assert_eq!(gone, predicted, "{asked}");
        // On the shared host a connection ends as well where nobody else trusts its client.
        wait::until("the predicted connections to be cut", 3, || {
            open.iter_mut()
                .filter(|(person, _)| predicted.contains(&person.name))
                .all(|(_, connection)| connection.is_cut())
        });
        for (person, connection) in &mut open {
            let stays = !predicted.contains(&person.name);
            assert_eq!(connection.is_cut(), !stays, "{asked}: {}", person.name);
        }
        open.retain(|(person, _)| !predicted.contains(&person.name));
    }
    let (told, _) = house.impact("--install dgb-mtls-root");
    assert_eq!(
        (&told["endpointGoes"], &told["cutCount"]),
        (&json!(false), &json!(0))
    );
}

#[test]
fn clients_are_kept_over_a_restart_and_bounded_and_a_removal_asks_by_name() {
    let (root, other) = (ca("Root"), ca("Other"));
    let mut house = House::new(&[("dgb-mtls-root", &root), ("dgb-mtls-other", &other)]);
    let crowd: Vec<Person> = (0..8)
        .map(|number| house.person(&format!("one-{number}"), &root, &[]))
        .collect();
    for person in &crowd {
        assert!(house.serves(OWN, person));
    }
    let last = &crowd[7];
    assert!(house.serves(SHARED, last) && house.serves(OWN, last));
    let open = Open::new(&house, SHARED, last);
    let told = house.server.json("client connections --realm acme");
    assert_eq!(told["count"], 1);
    let connection = &told["connections"][0];
    assert_eq!(
        (&connection["host"], &connection["account"]),
        (&json!("shared"), &json!("dgb-mtls-root"))
    );
    let of_last = &house.clients("--limit 1")[0];
    assert_eq!(
        (
            &of_last["subject"],
            &of_last["handshakes"],
            &of_last["connections"]
        ),
        (&json!(last.name), &json!(4), &json!(1))
    );

    // What was seen last is kept, in order, also over a restart.
    let known = house.clients("");
    assert_eq!(known.len(), 6);
    drop(open);
    let gone = || house.server.json("client connections --realm acme")["count"] == 0;
    wait::until("the connection to be gone", 5, gone);
    house.server.stop();
    house.server.start_again();
    let again = house.clients("");
    let facts = |clients: &[Value]| -> Vec<(Value, Value, Value)> {
        let facts = ["fingerprint", "last", "handshakes"];
        let facts = clients
            .iter()
            .map(|client| facts.map(|fact| client[fact].clone()));
        facts.map(|[one, two, three]| (one, two, three)).collect()
    };
    assert_eq!(facts(&known), facts(&again));
    let anchor = root.certificate.fingerprint();
    assert_eq!(house.clients(&format!("--anchor {anchor}")).len(), 6);
    let anchor = other.certificate.fingerprint();
    assert!(house.clients(&format!("--anchor {anchor}")).is_empty());

    // To remove what still has clients needs somebody who knows of them.
    let line = format!("installation remove {PLACE} --account dgb-mtls-root");
    house.server.refused(&line);
    let remove = "/realms/acme/installations/prod/dgb-mtls-root/remove";
    for too_few in ["", "?cut=5"] {
        let (status, told) = house.api("POST", &format!("{remove}{too_few}"), &json!({}));
        assert_eq!(status, "409", "{told}");
        assert_eq!(told["error"]["code"], "would-cut-clients");
        let cut = &told["error"]["cut"];
        assert_eq!((&cut["count"], &cut["connections"]), (&json!(6), &json!(0)));
        assert_eq!(names(&cut["clients"]).len(), 6);
        let message = told["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("CN=one-7") && message.contains("cut=6"),
            "{message}"
        );
    }
    assert_eq!(
        house.api("POST", &format!("{remove}?cut=x"), &json!({})).0,
        "400"
    );
    // To deny the CA is to remove it; to deny a client is what denials are for.
    let denials = "/realms/acme/denials/prod";
    let deny = |sha256: String| json!({"certificate-sha256": sha256, "reason": "stolen"});
    let of_ca = deny(root.certificate.fingerprint().to_string());
    let (status, told) = house.api("POST", denials, &of_ca);
    assert_eq!(status, "409", "{told}");
    assert_eq!(told["error"]["cut"]["count"], json!(6));
    assert_eq!(house.api("POST", denials, &deny("ab".repeat(32))).0, "200");
    let other = "/realms/acme/installations/prod/dgb-mtls-other/remove";
    assert_eq!(
        house.api("POST", other, &json!({})).0,
        "200",
        "nobody came by it"
    );

    // Nor is a policy tightened unasked, and a plan names what it cuts.
    let pins = json!({"pins": [format!("certificate:{}", last.sha256)]});
    let trust = "/realms/acme/trust/prod";
    let (status, told) = house.api("PUT", trust, &pins);
    assert_eq!(
        (status.as_str(), &told["error"]["cut"]["count"]),
        ("409", &json!(5))
    );
    let manifest = house.server.write(
        "pins.toml",
        format!(
            "[[realm]]\nname = \"acme\"\n[[realm.trust]]\nenvironment = \"prod\"\npins = [\"certificate:{}\"]\n",
            last.sha256
        ),
    );
    let plan = house.server.json(&format!("apply {manifest} --dry-run"));
    let step = plan["plan"].as_array().unwrap().iter();
    let step = step.clone().find(|step| step["noun"] == "trust").unwrap();
    assert_eq!(step["needsConfirmation"], json!(true));
    assert!(
        step["detail"].as_str().unwrap().contains("5 clients"),
        "{step}"
    );
    house.server.refused(&format!("apply {manifest}"));
    assert_eq!(house.api("PUT", &format!("{trust}?cut=5"), &pins).0, "200");

    // The last client goes with the last anchor, and everything that was seen with the realm.
    let (status, _) = house.api("POST", &format!("{remove}?cut=1"), &json!({}));
    assert_eq!(status, "200");
    assert!(!house.serves(OWN, last));
    house.server.line("realm delete acme --yes");
    house.server.line("realm create acme");
    assert!(house.clients("").is_empty());
}
