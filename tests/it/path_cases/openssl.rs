//! Some of the cases once more, with openssl as the client: what it sends is not made by our own TLS library.

use std::io::Write;
use std::process::{Command, Stdio};

use realmgate::pki::certificate::to_pem;

use crate::path_cases::all;
use crate::path_cases::case::{Case, Expected};
use crate::path_cases::run::{alert, host, install_all, realm};
use crate::support::server::Server;

/// By their names: what openssl sends as it was told, odd as it is.
const TRIED: [&str; 8] = [
    "an anchor, one intermediate and a client",
    "the client certificate's signature is damaged",
    "P-521 keys all along the path",
    "an RSA key signs with PSS and SHA-256",
    "the client certificate has expired",
    "two intermediates in reverse order",
    "the only intermediate is missing",
    "a client certificate for server authentication only",
];

#[test]
fn openssl_meets_with_the_same_verdicts() {
    let cases = all();
    let places: Vec<usize> = (0..cases.len())
        .filter(|place| TRIED.contains(&cases[*place].name))
        .collect();
    assert_eq!(places.len(), TRIED.len(), "a name has changed");
    let server = Server::start();
    let (_, wrong) = install_all(&server, &cases, &places);
    assert!(wrong.is_empty(), "{wrong:?}");
    for place in places {
        for version in ["-tls1_2", "-tls1_3"] {
            let told = s_client(&server, &realm(place), &cases[place], version);
            let wanted = match cases[place].expected {
                Expected::Refused(reason) => {
                    format!("SSL alert number {}", u8::from(alert(reason)))
                }
                Expected::Accepted | Expected::NotInstalled(_) => "HTTP/1.1 200".to_owned(),
            };
            let name = cases[place].name;
            assert!(
                told.contains(&wanted),
                "{name}, {version}: {wanted}: {told}"
            );
        }
    }
}

fn s_client(server: &Server, realm: &str, case: &Case, version: &str) -> String {
    let pems =
        |all: &[Vec<u8>]| -> String { all.iter().map(|der| to_pem("CERTIFICATE", der)).collect() };
    let own = server.write("own.pem", pems(&case.sent[..1]));
    let others = server.write("others.pem", pems(&case.sent[1..]));
    let key = to_pem("PRIVATE KEY", case.key.pkcs8().unwrap());
    let key = server.write("key.pem", key);
    let address = server.ready["gateways"]["mtls"]["addr"].as_str().unwrap();
    let host = host(realm);
    let mut command = Command::new("openssl");
    command
        .args(["s_client", "-quiet", "-ign_eof", version])
        .args(["-connect", address, "-servername", &host])
        .args(["-cert", &own, "-key", &key]);
    if case.sent.len() > 1 {
        command.args(["-cert_chain", &others]);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is installed");
    let request = format!(
        "GET /pipeline/{realm}/v1/hello HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    );
    // A refused client cannot write any more: that is for the output to tell.
    let _ = child.stdin.take().unwrap().write_all(request.as_bytes());
    let output = child.wait_with_output().unwrap();
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
