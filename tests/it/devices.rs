//! Constrained devices: clients built on GnuTLS and mbedTLS, with keys and memory as such devices have them.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::support::server::{Server, text};
use crate::support::wait;

const HOST: &str = "acme.api2.gate.localhost";
const PATH: &str = "/pipeline/acme/v1/hello";

const AUTHORITY: [&str; 2] = [
    "basicConstraints=critical,CA:TRUE",
    "keyUsage=critical,keyCertSign",
];
const CLIENT: [&str; 2] = ["basicConstraints=CA:FALSE", "extendedKeyUsage=clientAuth"];
const SERVER: [&str; 3] = [
    "basicConstraints=CA:FALSE",
    "extendedKeyUsage=serverAuth",
    "subjectAltName=DNS:api2.gate.localhost,DNS:*.api2.gate.localhost",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    P256,
    Rsa2048,
}

impl Key {
    const ALL: [Self; 2] = [Self::P256, Self::Rsa2048];

    const fn name(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::Rsa2048 => "rsa2048",
        }
    }

    /// For `openssl req -newkey`.
    const fn openssl(self) -> &'static [&'static str] {
        match self {
            Self::P256 => &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            Self::Rsa2048 => &["rsa:2048"],
        }
    }

    /// Has gnutls-cli take server certificates of this kind only.
    const fn gnutls(self) -> &'static str {
        match self {
            Self::P256 => "-SIGN-ALL:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SECP256R1-SHA256",
            Self::Rsa2048 => "-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-ECDSA-SHA256",
        }
    }

    /// The same for mbedTLS.
    const fn ciphersuite(self) -> &'static str {
        match self {
            Self::P256 => "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256",
            Self::Rsa2048 => "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256",
        }
    }
}

/// A client program in one version of TLS.
#[derive(Clone, Copy, Debug)]
enum Device {
    Gnutls12,
    Gnutls13,
    Mbedtls,
    /// mbedTLS in TLS 1.2 without memory for records of more than 2,048 bytes.
    Small,
}

/// The directory of mbedTLS's clients, built at first use.
fn mbedtls(program: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("mbedtls");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mbedtls");
        let built = Command::new(script).arg(&directory).output().unwrap();
        assert!(
            built.status.success(),
            "mbedTLS's client cannot be built: {}",
            text(&built.stderr)
        );
        directory
    });
    directory.join(program)
}

/// A realm that trusts a CA of each kind of key, with a server certificate of each kind.
struct World {
    server: Server,
    port: String,
}

impl World {
    fn new() -> Self {
        let server = Server::start();
        let address = server.ready["gateways"]["mtls"]["addr"].as_str().unwrap();
        let port = address.rsplit(':').next().unwrap().to_owned();
        let world = Self { server, port };
        for key in Key::ALL {
            for owner in ["acme", "stranger"] {
                let ca = format!("{owner}-{}-ca", key.name());
                world.certify(key, &ca, None, &AUTHORITY);
                let client = format!("{owner}-{}-client", key.name());
                world.certify(key, &client, Some(&ca), &CLIENT);
            }
            world.certify(
                key,
                &format!("server-{}", key.name()),
                Some("acme-p256-ca"),
                &SERVER,
            );
        }
        world.take_in();
        world
    }

    fn file(&self, name: &str) -> String {
        self.server.path(name).display().to_string()
    }

    /// Makes `NAME.pem` and `NAME.key` with openssl.
    fn certify(&self, key: Key, name: &str, issuer: Option<&str>, extensions: &[&str]) {
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-nodes", "-days", "2", "-newkey"]);
        command.args(key.openssl());
        command.args(["-subj", &format!("/CN={name}")]);
        for extension in extensions {
            command.args(["-addext", extension]);
        }
        command.args(["-out", &self.file(&format!("{name}.pem"))]);
        command.args(["-keyout", &self.file(&format!("{name}.key"))]);
        if let Some(issuer) = issuer {
            command.args(["-CA", &self.file(&format!("{issuer}.pem"))]);
            command.args(["-CAkey", &self.file(&format!("{issuer}.key"))]);
        }
        let made = command.output().expect("openssl is installed");
        assert!(made.status.success(), "{}", text(&made.stderr));
    }

    fn take_in(&self) {
        for key in Key::ALL {
            let name = format!("server-{}", key.name());
            let (chain, secret) = (
                self.file(&format!("{name}.pem")),
                self.file(&format!("{name}.key")),
            );
            self.server.line(&format!(
                "server-identity save mtls-prod --chain {chain} --key-file {secret}"
            ));
        }
        let anchors = ["acme-p256-ca.pem", "acme-rsa2048-ca.pem"];
        let anchors = anchors.map(|name| std::fs::read_to_string(self.server.path(name)).unwrap());
        self.server.write("anchors.pem", anchors.concat());
        let manifest = format!(
            r#"
[[realm]]
name = "acme"
[[realm.account]]
name = "dgb-mtls-devices"
type = "certificate-chain"
prod.chain-file = "anchors.pem"
[[realm.installation]]
account = "dgb-mtls-devices"
environment = "prod"
[[realm.pipeline]]
name = "hello"
major = 1
trigger = {{ type = "rest", mtls = true, external = false }}
handler = {{ type = "mock", document = {{ filling = "{filling}", end = "of it" }} }}
[[realm.deployment]]
pipeline = "hello"
major = 1
environments = ["prod"]
"#,
            filling = "0123456789".repeat(2_000)
        );
        let manifest = self.server.write("acme.toml", manifest);
        self.server.ok(&["apply", &manifest]);
    }

    /// What a device prints of its call; `client` is the name of a certificate's file.
    fn call(&self, device: Device, key: Key, client: Option<&str>) -> String {
        let mut command = match device {
            Device::Gnutls12 => {
                self.gnutls(&format!("NORMAL:-VERS-ALL:+VERS-TLS1.2:{}", key.gnutls()))
            }
            Device::Gnutls13 => {
                self.gnutls(&format!("NORMAL:-VERS-ALL:+VERS-TLS1.3:{}", key.gnutls()))
            }
            Device::Mbedtls | Device::Small => return self.mbedtls(device, key, client),
        };
        if let Some(client) = client {
            command.args(["--x509certfile", &self.file(&format!("{client}.pem"))]);
            command.args(["--x509keyfile", &self.file(&format!("{client}.key"))]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gnutls-cli is installed");
        let request = format!("GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
        // At the end of its input it closes the connection, so that end is kept back. One that is refused at once cannot
        // write any more: that is for its output to tell.
        let mut input = child.stdin.take().unwrap();
        let _ = input.write_all(request.as_bytes());
        let output = child.wait_with_output().unwrap();
        drop(input);
        format!("{}{}", text(&output.stdout), text(&output.stderr))
    }

    fn gnutls(&self, priority: &str) -> Command {
        let mut command = Command::new("gnutls-cli");
        command.args(["--port", &self.port, "--sni-hostname", HOST]);
        command.args(["--verify-hostname", HOST, "--priority", priority]);
        command.args(["--x509cafile", &self.file("acme-p256-ca.pem"), "127.0.0.1"]);
        command
    }

    fn mbedtls(&self, device: Device, key: Key, client: Option<&str>) -> String {
        let program = match device {
            Device::Small => "ssl_client2-small",
            Device::Gnutls12 | Device::Gnutls13 | Device::Mbedtls => "ssl_client2",
        };
        // Its request ends with ` HTTP/1.0` and headers of its own, which become the value of ours.
        let page = format!("{PATH} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nX-Rest:");
        let mut command = Command::new(mbedtls(program));
        command.args([
            "server_addr=127.0.0.1".to_owned(),
            format!("server_port={}", self.port),
        ]);
        command.args([
            format!("server_name={HOST}"),
            format!("request_page={page}"),
        ]);
        command.args([format!("ca_file={}", self.file("acme-p256-ca.pem"))]);
        command.args([format!("force_ciphersuite={}", key.ciphersuite())]);
        let (certificate, secret) = match client {
            Some(client) => (
                self.file(&format!("{client}.pem")),
                self.file(&format!("{client}.key")),
            ),
            None => ("none".to_owned(), "none".to_owned()),
        };
        command.args([
            format!("crt_file={certificate}"),
            format!("key_file={secret}"),
        ]);
        command.args(["min_version=tls12", "debug_level=1"]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        format!("{}{}", text(&output.stdout), text(&output.stderr))
    }

    /// The reason of the latest refusal.
    fn refusal(&self) -> String {
        let told = self.server.json("refusals list --realm acme --limit 1");
        told["refusals"][0]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

#[test]
fn devices_are_served_and_refused_in_both_versions_with_both_kinds_of_keys() {
    let world = World::new();
    for device in [Device::Gnutls12, Device::Gnutls13, Device::Mbedtls] {
        for key in Key::ALL {
            let told = format!("{device:?} {key:?}");
            let client = |owner: &str| format!("{owner}-{}-client", key.name());
            let said = world.call(device, key, Some(&client("acme")));
            assert!(
                said.contains("HTTP/1.1 200") && said.contains("of it"),
                "{told}: {said}"
            );
            let said = world.call(device, key, Some(&client("stranger")));
            assert!(!said.contains("HTTP/1.1"), "{told}: {said}");
            wait::until(&format!("{told}: a stranger's refusal"), 10, || {
                world.refusal() == "unknown-issuer"
            });
            let said = world.call(device, key, None);
            assert!(!said.contains("HTTP/1.1"), "{told}: {said}");
            wait::until(&format!("{told}: the refusal of nobody"), 10, || {
                world.refusal() == "no-certificate"
            });
        }
    }
}

#[test]
fn a_device_with_little_memory_is_served_once_the_realm_sends_small_records() {
    let world = World::new();
    for key in Key::ALL {
        let client = format!("acme-{}-client", key.name());
        let call = || world.call(Device::Small, key, Some(&client));
        let said = call();
        assert!(!said.contains("of it"), "{key:?}: {said}");
        world
            .server
            .line("trust set --realm acme --environment prod --record-bytes 2048");
        let said = call();
        assert!(
            said.contains("HTTP/1.1 200") && said.contains("of it"),
            "{key:?}: {said}"
        );
        world
            .server
            .line("trust set --realm acme --environment prod --record-bytes default");
    }
}
