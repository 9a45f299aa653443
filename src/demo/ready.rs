//! The ready file: what a test program needs to know of a running server, as JSON. `docs/ready-file.md` documents it;
//! its shape is a promise.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::app::files::{self, PUBLIC};
use crate::app::running::Running;
use crate::demo::content::{ACCOUNT, PIPELINES, Pipeline};
use crate::demo::error::DemoError;
use crate::demo::pki::{self, P12_PASSWORD};
use crate::domain::endpoint::NamePlan;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::name::RealmName;

/// The document.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// The domain of all host names.
    pub domain: String,
    /// The process.
    pub pid: u32,
    /// The admin API.
    pub admin: ReadyAdmin,
    /// The gateways that listen, and where.
    pub gateways: BTreeMap<&'static str, ReadyGateway>,
    /// The certificate that vouches for the gateways' generated identities (PEM).
    pub server_ca: PathBuf,
    /// The demo's realms; empty for `serve`.
    pub realms: Vec<ReadyRealm>,
}

/// How the admin API is reached.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadyAdmin {
    /// Its address.
    pub url: String,
    /// The file of the operator's token.
    pub token_file: PathBuf,
    /// The certificate that vouches for it.
    pub ca: PathBuf,
}

/// A gateway that listens.
#[derive(Clone, Debug, Serialize)]
pub struct ReadyGateway {
    /// Where.
    pub addr: SocketAddr,
}

/// A realm of the demo.
#[derive(Clone, Debug, Serialize)]
pub struct ReadyRealm {
    /// Its name.
    pub name: &'static str,
    /// Its environments, by their names.
    pub environments: BTreeMap<&'static str, ReadyEnvironment>,
}

/// What a realm of the demo has in an environment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadyEnvironment {
    /// The realm's own mTLS host.
    pub mtls_host: String,
    /// The mTLS host that realms share.
    pub shared_mtls_host: String,
    /// The external gateway's host.
    pub external_host: String,
    /// The internal gateway's host.
    pub internal_host: String,
    /// The account that is installed.
    pub account: &'static str,
    /// The root that is trusted.
    pub ca_cert: PathBuf,
    /// Its key.
    pub ca_key: PathBuf,
    /// An intermediate under it, which is not installed: clients send it.
    pub intermediate_cert: PathBuf,
    /// Its key.
    pub intermediate_key: PathBuf,
    /// Clients.
    pub clients: Vec<ReadyClient>,
    /// Pipelines.
    pub pipelines: Vec<ReadyPipeline>,
}

/// A client of the demo.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadyClient {
    /// Its name.
    pub name: &'static str,
    /// Its certificate alone (PEM).
    pub cert: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    /// Its certificate and the intermediates (PEM).
    pub chain: PathBuf,
    /// All of it (PKCS#12).
    pub p12: PathBuf,
    /// The password of that.
    pub p12_password: &'static str,
    /// What becomes of its handshakes: `accepted`, `expired` or `unknown-issuer`.
    pub expect: &'static str,
}

/// A pipeline of the demo.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadyPipeline {
    /// Its name.
    pub name: &'static str,
    /// Its major version.
    pub major: u16,
    /// What answers.
    pub handler: &'static str,
    /// Its URL at the realm's own mTLS host.
    pub mtls_url: String,
    /// Its URL at the mTLS host that realms share.
    pub shared_mtls_url: String,
    /// Its URL at the external gateway, where that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_url: Option<String>,
    /// Its URL at the internal gateway, where that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_url: Option<String>,
}

impl Ready {
    /// What a running server says of itself, without realms.
    pub fn of_server(running: &Running) -> Self {
        let gateways = Gateway::ALL.into_iter().filter_map(|gateway| {
            Some((
                gateway.as_str(),
                ReadyGateway {
                    addr: running.reachable(gateway)?,
                },
            ))
        });
        Self {
            domain: running.names().domain().to_owned(),
            pid: std::process::id(),
            admin: ReadyAdmin {
                url: running.admin_url().to_owned(),
                token_file: running.operator_token_file().to_owned(),
                ca: running.admin_ca_file().to_owned(),
            },
            gateways: gateways.collect(),
            server_ca: running.server_ca_file().to_owned(),
            realms: Vec::new(),
        }
    }

    /// The same with the demo's realms, whose PKI lies in `directory`.
    #[must_use]
    pub fn with_demo(mut self, running: &Running, directory: &Path) -> Self {
        let port = |gateway| {
            running
                .reachable(gateway)
                .map_or(0, |address| address.port())
        };
        let ports = Ports {
            mtls: port(Gateway::Mtls),
            external: port(Gateway::External),
            internal: port(Gateway::Internal),
        };
        for name in pki::REALMS {
            let Ok(realm) = RealmName::parse(name) else {
                continue;
            };
            let environments = Environment::ALL.into_iter().map(|environment| {
                let ready = environment_of(running.names(), &realm, environment, directory, ports);
                (environment.as_str(), ready)
            });
            self.realms.push(ReadyRealm {
                name,
                environments: environments.collect(),
            });
        }
        self
    }

    /// Writes it in one step: who sees the file sees all of it.
    ///
    /// # Errors
    /// [`DemoError`].
    pub fn write(&self, path: &Path) -> Result<(), DemoError> {
        let mut text =
            serde_json::to_string_pretty(self).map_err(|source| DemoError::Encode { source })?;
        text.push('\n');
        let written = files::write(path, text.as_bytes(), PUBLIC);
        written.map_err(|source| DemoError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

#[derive(Clone, Copy)]
struct Ports {
    mtls: u16,
    external: u16,
    internal: u16,
}

fn environment_of(
    names: &NamePlan,
    realm: &RealmName,
    environment: Environment,
    directory: &Path,
    ports: Ports,
) -> ReadyEnvironment {
    let pki = pki::of_realm(directory, &realm.to_string());
    let hosts = Hosts {
        mtls: names.realm_host(environment, realm),
        shared: names.shared_host(Gateway::Mtls, environment).to_owned(),
        external: names.shared_host(Gateway::External, environment).to_owned(),
        internal: names.shared_host(Gateway::Internal, environment).to_owned(),
    };
    ReadyEnvironment {
        account: ACCOUNT,
        ca_cert: pki.ca_cert,
        ca_key: pki.ca_key,
        intermediate_cert: pki.intermediate_cert,
        intermediate_key: pki.intermediate_key,
        clients: pki.clients.into_iter().map(ready_client).collect(),
        pipelines: PIPELINES
            .iter()
            .map(|pipeline| ready_pipeline(pipeline, realm, &hosts, ports))
            .collect(),
        mtls_host: hosts.mtls,
        shared_mtls_host: hosts.shared,
        external_host: hosts.external,
        internal_host: hosts.internal,
    }
}

struct Hosts {
    mtls: String,
    shared: String,
    external: String,
    internal: String,
}

fn ready_client(client: pki::ClientFiles) -> ReadyClient {
    ReadyClient {
        name: client.name,
        cert: client.cert,
        key: client.key,
        chain: client.chain,
        p12: client.p12,
        p12_password: P12_PASSWORD,
        expect: client.expect.as_str(),
    }
}

fn ready_pipeline(
    pipeline: &Pipeline,
    realm: &RealmName,
    hosts: &Hosts,
    ports: Ports,
) -> ReadyPipeline {
    let url = |host: &str, port: u16| {
        format!(
            "https://{host}:{port}/pipeline/{realm}/v1/{}",
            pipeline.name
        )
    };
    ReadyPipeline {
        name: pipeline.name,
        major: 1,
        handler: pipeline.handler,
        mtls_url: url(&hosts.mtls, ports.mtls),
        shared_mtls_url: url(&hosts.shared, ports.mtls),
        external_url: pipeline
            .external
            .then(|| url(&hosts.external, ports.external)),
        internal_url: pipeline
            .internal
            .then(|| url(&hosts.internal, ports.internal)),
    }
}
