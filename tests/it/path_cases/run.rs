//! Tries all cases: one server, one manifest with a realm for each case, and then the handshakes.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Method;
use realmgate::client::admin::Client;
use realmgate::client::path::Path;
use realmgate::client::reached::Told;
use realmgate::pki::certificate::to_pem;
use realmgate::trust::reason::Reason;
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, SupportedProtocolVersion};

use crate::path_cases::all;
use crate::path_cases::case::{Case, Expected};
use crate::path_cases::client::{self, Outcome};
use crate::support::server::Server;

const THREADS: usize = 4;
const VERSIONS: [(&str, &SupportedProtocolVersion); 2] = [("1.2", &TLS12), ("1.3", &TLS13)];

#[test]
fn every_case_comes_out_as_it_should_in_both_versions_of_tls() {
    let cases = all();
    let server = Server::start();
    let wrong = Mutex::new(Vec::new());
    let ready = install(&server, &cases, &wrong);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let tester = Tester::new(&server);
                while let Some(place) = ready.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(told) = tester.check(*place, &cases[*place]) {
                        let told = format!("{}: {told}", title(*place, &cases[*place]));
                        wrong.lock().unwrap().push(told);
                    }
                }
            });
        }
    });
    // Its log is long, and tells nothing of what went wrong here.
    drop(server);
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert!(
        wrong.is_empty(),
        "{} of {} cases came out otherwise:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

/// Makes a realm for each case, and answers with the places of those that are there.
fn install(server: &Server, cases: &[Case], wrong: &Mutex<Vec<String>>) -> Vec<usize> {
    let (refused, ready): (Vec<usize>, Vec<usize>) = (0..cases.len())
        .partition(|place| matches!(cases[*place].expected, Expected::NotInstalled(_)));
    for place in refused {
        let case = &cases[place];
        let told = apply(server, &manifest(place, case));
        let Expected::NotInstalled(expected) = case.expected else {
            continue;
        };
        if !told.as_ref().is_err_and(|told| told.contains(expected)) {
            let told = format!("{}: not \"{expected}\" but {told:?}", title(place, case));
            wrong.lock().unwrap().push(told);
        }
    }
    let (installed, told) = install_all(server, cases, &ready);
    wrong.lock().unwrap().extend(told);
    installed
}

/// Makes the realms by one manifest. Where it is refused, tells whose fault it is; the others are made all the same.
pub fn install_all(server: &Server, cases: &[Case], places: &[usize]) -> (Vec<usize>, Vec<String>) {
    let together: String = places
        .iter()
        .map(|place| manifest(*place, &cases[*place]))
        .collect();
    match (apply(server, &together), places) {
        (Ok(()), _) => (places.to_vec(), Vec::new()),
        (Err(told), [place]) => {
            let title = title(*place, &cases[*place]);
            (
                Vec::new(),
                vec![format!("{title}: cannot be installed: {told}")],
            )
        }
        (Err(_), _) => {
            let (first, second) = places.split_at(places.len() / 2);
            let (mut installed, mut wrong) = install_all(server, cases, first);
            let (more_installed, more_wrong) = install_all(server, cases, second);
            installed.extend(more_installed);
            wrong.extend(more_wrong);
            (installed, wrong)
        }
    }
}

fn apply(server: &Server, manifest: &str) -> Result<(), String> {
    let file = server.write("cases.toml", manifest);
    let output = server.cli(&["apply", &file, "--yes"]);
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(told.chars().take(400).collect())
}

fn title(place: usize, case: &Case) -> String {
    format!("{:03} {} [{}]", place + 1, case.name, case.clause)
}

/// The realm of a case.
pub fn realm(place: usize) -> String {
    format!("case-{:03}", place + 1)
}

/// The host of a realm.
pub fn host(realm: &str) -> String {
    format!("{realm}.api2.gate.localhost")
}

/// The manifest of a case's realm.
pub fn manifest(place: usize, case: &Case) -> String {
    let realm = realm(place);
    let pems = |label: &str, all: &[Vec<u8>]| -> String {
        all.iter().map(|der| to_pem(label, der)).collect()
    };
    let helpers = if case.helpers.is_empty() {
        String::new()
    } else {
        let pems = pems("CERTIFICATE", &case.helpers);
        format!("prod.helpers = \"\"\"\n{pems}\"\"\"\n")
    };
    format!(
        r#"
[[realm]]
name = "{realm}"
[[realm.account]]
name = "dgb-mtls-{realm}"
type = "certificate-chain"
prod.chain = """
{anchors}"""
{helpers}[[realm.installation]]
account = "dgb-mtls-{realm}"
environment = "prod"
[[realm.pipeline]]
name = "hello"
major = 1
trigger = {{ type = "rest", mtls = true, external = false }}
handler = {{ type = "mock", document = {{ hello = "{{{{ message.client.subject }}}}" }} }}
[[realm.deployment]]
pipeline = "hello"
major = 1
environments = ["prod"]
{policy}"#,
        anchors = pems("CERTIFICATE", &case.anchors),
        policy = policy(case),
    )
}

fn policy(case: &Case) -> String {
    if !case.has_policy() {
        return String::new();
    }
    let mut text = "[[realm.trust]]\nenvironment = \"prod\"\n".to_owned();
    if let Some(revocation) = case.revocation {
        text += &format!("revocation = \"{revocation}\"\n");
    }
    if let Some(out_of_date) = case.out_of_date {
        text += &format!("crl-out-of-date = {out_of_date}\n");
    }
    if !case.pins.is_empty() {
        text += &format!("pins = {:?}\n", case.pins);
    }
    if !case.crls.is_empty() {
        let lists: Vec<String> = case
            .crls
            .iter()
            .map(|der| format!("\"\"\"\n{}\"\"\"", to_pem("X509 CRL", der)))
            .collect();
        text += &format!("crls = [{}]\n", lists.join(", "));
    }
    text
}

/// Where the server is, and a way to read its journal.
struct Tester {
    address: SocketAddr,
    admin: Client,
}

impl Tester {
    fn new(server: &Server) -> Self {
        let told = Told {
            data_dir: Some(server.path("data")),
            ..Told::default()
        };
        let address = server.ready["gateways"]["mtls"]["addr"].as_str().unwrap();
        Self {
            address: address.parse().unwrap(),
            admin: Client::new(told.find().unwrap()).unwrap(),
        }
    }

    fn check(&self, place: usize, case: &Case) -> Result<(), String> {
        let realm = realm(place);
        let host = host(&realm);
        let path = format!("/pipeline/{realm}/v1/hello");
        let outcomes = VERSIONS.map(|(name, version)| {
            let outcome = client::call(self.address, &host, &path, version, &case.sent, &case.key);
            (name, outcome)
        });
        let (wanted, codes) = match case.expected {
            Expected::Refused(reason) => (
                Outcome::Alert(alert(reason)),
                vec![reason.as_str(); VERSIONS.len()],
            ),
            Expected::Accepted | Expected::NotInstalled(_) => (Outcome::Answered(200), Vec::new()),
        };
        let reasons = self.reasons(&realm);
        let told: Vec<&str> = reasons.iter().map(|(code, _)| code.as_str()).collect();
        if outcomes.iter().all(|(_, outcome)| *outcome == wanted) && told == codes {
            return Ok(());
        }
        let sentence = reasons.first().map_or("", |(_, sentence)| sentence);
        Err(format!(
            "not {:?} but {outcomes:?}, {told:?} {sentence}",
            case.expected
        ))
    }

    /// The reasons that the realm's people are told, each with its sentence.
    fn reasons(&self, realm: &str) -> Vec<(String, String)> {
        let path = Path::of(&["realms", realm, "refusals"]);
        let answer = self.admin.call(&Method::GET, &path, None).unwrap();
        let text = |record: &serde_json::Value, key: &str| {
            record[key].as_str().unwrap_or_default().to_owned()
        };
        answer["refusals"]
            .as_array()
            .or(answer.as_array())
            .unwrap()
            .iter()
            .map(|record| (text(record, "reason"), text(record, "sentence")))
            .collect()
    }
}

/// The alert that a client gets for a reason.
pub fn alert(reason: Reason) -> AlertDescription {
    const ALERTS: [(Reason, AlertDescription); 9] = [
        (Reason::UnknownIssuer, AlertDescription::UnknownCA),
        (Reason::IncompleteChain, AlertDescription::UnknownCA),
        (Reason::Expired, AlertDescription::CertificateExpired),
        (Reason::NotYetValid, AlertDescription::CertificateExpired),
        (Reason::Revoked, AlertDescription::CertificateRevoked),
        (Reason::WrongUsage, AlertDescription::UnsupportedCertificate),
        (
            Reason::MalformedCertificate,
            AlertDescription::BadCertificate,
        ),
        (Reason::BadSignature, AlertDescription::DecryptError),
        (Reason::NotPinned, AlertDescription::AccessDenied),
    ];
    ALERTS
        .iter()
        .find(|(known, _)| *known == reason)
        .map_or(AlertDescription::CertificateUnknown, |(_, alert)| *alert)
}
