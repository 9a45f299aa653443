//! The stage of a run: the reserved realm with its throw-away PKI, the doors that lead in, and the real realms' hosts.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;

use crate::clock::Moment;
use crate::control::address::Listener;
use crate::control::engine::Control;
use crate::control::proving::Proof;
use crate::domain::account::{AccountType, AccountValues};
use crate::domain::catalog::Catalog;
use crate::domain::command::{Command, ValueChange};
use crate::domain::deployment::DeploymentKey;
use crate::domain::endpoint::NamePlan;
use crate::domain::environment::{Environment, Gateway, PerEnvironment};
use crate::domain::name::{AccountName, PipelineName, RealmName};
use crate::domain::pipeline::{Handler, PipelineKey};
use crate::domain::realm::RealmState;
use crate::domain::token::Actor;
use crate::domain::trigger::{
    Method, MethodSet, Publication, RequestSizeMb, TIMEOUT_MS_DEFAULT, TimeoutMs, Trigger,
    TriggerKind,
};
use crate::domain::trust_policy::HandshakePolicy;
use crate::pki::authority::Authority;
use crate::pki::certificate::Certificate;
use crate::prove::board::Rows;
use crate::prove::entrance::Entrance;
use crate::prove::run::ProveError;
use crate::prove::throwaway::{Validity, ca_request, client_request, showing};
use crate::prove::tls::{Clients, Shows, Version};
use crate::prove::wire::{self, Came, Dial, Split, request};
use crate::rule::client_rule::ClientRule;

/// The pipeline of the reserved realm that the mtls gateway alone has.
pub const CLOSED: &str = "closed";
/// The pipeline of the reserved realm that the regular gateways alone have.
pub const OPEN: &str = "open";
/// The pipeline of the reserved realm that has a client rule; the mtls gateway alone has it.
pub const CHOOSY: &str = "choosy";
/// The one client that its rule lets in.
pub const CHOSEN: &str = "chosen-by-the-rule";
/// How many hosts of real realms strangers are sent to, so that a run has an end.
const HOSTS_MAX: usize = 12;

/// A trust source of the reserved realm, with a client of its own.
#[derive(Clone, Debug)]
pub struct Source {
    /// The account.
    pub account: AccountName,
    /// The CA that it installs.
    pub authority: Authority,
    /// A client that the CA issued.
    pub client: Shows,
}

/// The mTLS host of a real realm.
#[derive(Clone, Debug)]
pub struct RealHost {
    /// The realm.
    pub realm: RealmName,
    /// The environment.
    pub environment: Environment,
    /// The host.
    pub host: String,
    /// One of the anchors that it trusts.
    pub anchor: Certificate,
    /// Whether it tells refused clients why, rather than failing their handshakes.
    pub explains: bool,
}

/// A way in that was seen to be open.
#[derive(Clone, Copy, Debug)]
struct Door {
    gateway: Gateway,
    at: Entrance,
}

/// All that the classes need.
pub struct Stage {
    proof: Proof,
    now: Moment,
    clients: Clients,
    names: NamePlan,
    realm: RealmName,
    main: PerEnvironment<Source>,
    /// In prod, to be removed by the class that is about sessions.
    leaving: Source,
    /// In prod, to be removed by the class that is about changes.
    cut: Source,
    /// In prod, for the class that is about revocation.
    revoking: Source,
    /// In prod, for the class that is about the deny list.
    denying: Source,
    hosts: Vec<RealHost>,
    hosts_left_out: usize,
    without: Option<String>,
    listeners: Arc<Vec<Listener>>,
    doors: Vec<Door>,
    shut: Vec<(Gateway, String)>,
}

impl Stage {
    /// Makes the reserved realm, and looks which ways lead in.
    ///
    /// # Errors
    /// [`ProveError`].
    pub async fn set(control: &Arc<Control>, actor: Actor) -> Result<Self, ProveError> {
        let now = control.now();
        let validity = Validity::around(now);
        let prefix = control.trust_account_prefix();
        let source = |name: &str| source(&format!("{prefix}{name}"), name, validity);
        let main = PerEnvironment {
            test: source_of("prove", prefix, "test", validity)?,
            prod: source_of("prove", prefix, "prod", validity)?,
        };
        let (leaving, cut) = (source("prove-leaving")?, source("prove-cut")?);
        let revoking = source("prove-revoking")?;
        let denying = source("prove-denying")?;
        let commands = commands(&main, &[&leaving, &cut, &revoking, &denying])?;
        let catalog = control.catalog();
        let clients = Clients::pinning(shown(&catalog));
        let (hosts, hosts_left_out) = real_hosts(&catalog, control.names());
        let without = without_installation(&catalog, control.names());
        let proof = control.begin_proof(actor, commands).await?;
        let mut stage = Self {
            proof,
            now,
            clients,
            names: control.names().clone(),
            realm: RealmName::reserved(),
            main,
            leaving,
            cut,
            revoking,
            denying,
            hosts,
            hosts_left_out,
            without,
            listeners: control.listeners(),
            doors: Vec::new(),
            shut: Vec::new(),
        };
        stage.try_doors().await?;
        Ok(stage)
    }

    /// The run's hold on `control`.
    pub const fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Gives the hold back, to end it.
    pub fn into_proof(self) -> Proof {
        self.proof
    }

    /// What certificates are valid for at present.
    pub fn validity(&self) -> Validity {
        Validity::around(self.now)
    }

    /// What certificates are not valid for any more.
    pub fn validity_past(&self) -> Validity {
        Validity::past(self.now)
    }

    /// What certificates are not valid for yet.
    pub fn validity_ahead(&self) -> Validity {
        Validity::ahead(self.now)
    }

    /// The host names.
    pub const fn names(&self) -> &NamePlan {
        &self.names
    }

    /// The reserved realm.
    pub const fn realm(&self) -> &RealmName {
        &self.realm
    }

    /// Its own host in prod.
    pub fn host(&self) -> String {
        self.names.realm_host(Environment::Prod, &self.realm)
    }

    /// The shared host of a gateway in prod.
    pub fn shared_host(&self, gateway: Gateway) -> String {
        self.names
            .shared_host(gateway, Environment::Prod)
            .to_owned()
    }

    /// The path of one of its pipelines.
    pub fn path(&self, pipeline: &str) -> String {
        format!("/pipeline/{}/v1/{pipeline}", self.realm)
    }

    /// What it trusts in an environment.
    pub const fn main(&self, environment: Environment) -> &Source {
        self.main.get(environment)
    }

    /// The client that it trusts in prod.
    pub const fn good(&self) -> &Shows {
        &self.main.prod.client
    }

    /// The source that leaves before a session is tried again.
    pub const fn leaving(&self) -> &Source {
        &self.leaving
    }

    /// The source whose removal cuts open connections.
    pub const fn cut(&self) -> &Source {
        &self.cut
    }

    /// The source of which lists are asked for.
    pub const fn revoking(&self) -> &Source {
        &self.revoking
    }

    /// The source some of whose clients are denied.
    pub const fn denying(&self) -> &Source {
        &self.denying
    }

    /// When the run began.
    pub const fn now(&self) -> Moment {
        self.now
    }

    /// Hosts of real realms, and how many more there are.
    pub fn hosts(&self) -> (&[RealHost], usize) {
        (&self.hosts, self.hosts_left_out)
    }

    /// The host that a real realm would have if it had an installation, where there is one without.
    pub fn without_installation(&self) -> Option<&str> {
        self.without.as_deref()
    }

    /// Every address that is listened on.
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// The first way into a gateway. Where there is none, the class's rows say so.
    pub fn door(&self, gateway: Gateway, rows: &mut Rows) -> Option<Entrance> {
        let found = self.doors(gateway).next();
        if found.is_none() {
            rows.not_tried(
                format!("everything at the {gateway} gateway"),
                &self.why_shut(gateway),
            );
        }
        found
    }

    /// Every way into a gateway.
    pub fn doors(&self, gateway: Gateway) -> impl Iterator<Item = Entrance> {
        self.doors
            .iter()
            .filter(move |door| door.gateway == gateway)
            .map(|door| door.at)
    }

    /// Why there is no way into a gateway.
    pub fn why_shut(&self, gateway: Gateway) -> String {
        let told = self.shut.iter().find(|(of, _)| *of == gateway);
        told.map_or_else(
            || format!("the {gateway} gateway does not listen"),
            |(_, why)| why.clone(),
        )
    }

    /// The configuration of a client.
    ///
    /// # Errors
    /// [`ProveError`].
    pub fn client(
        &self,
        shows: Option<&Shows>,
        version: Version,
    ) -> Result<ClientConfig, ProveError> {
        Ok(self.clients.client(shows, version)?)
    }

    /// A connection to be made.
    ///
    /// # Errors
    /// [`ProveError`].
    pub fn dial(
        &self,
        at: Entrance,
        name: &str,
        shows: Option<&Shows>,
        version: Version,
    ) -> Result<Dial, ProveError> {
        Ok(Dial {
            at,
            name: name.to_owned(),
            config: Arc::new(self.client(shows, version)?),
            split: Split::No,
        })
    }

    /// A GET of `path` on `host`, by a connection that is made for it.
    ///
    /// # Errors
    /// [`ProveError`].
    pub async fn get(
        &self,
        at: Entrance,
        host: &str,
        shows: Option<&Shows>,
        version: Version,
        path: &str,
    ) -> Result<Came, ProveError> {
        let dial = self.dial(at, host, shows, version)?;
        Ok(wire::call(&dial, &get(host, path)).await)
    }

    /// Calls every gateway on every address as it is meant to be called. What refuses a good client shows nothing about
    /// bad ones.
    async fn try_doors(&mut self) -> Result<(), ProveError> {
        let listeners = Arc::clone(&self.listeners);
        for listener in listeners.iter() {
            for gateway in &listener.gateways {
                let (gateway, at) = (*gateway, Entrance::to(listener));
                let (host, shows, path) = match gateway {
                    Gateway::Mtls => (self.host(), Some(self.good()), self.path(CLOSED)),
                    Gateway::External | Gateway::Internal => {
                        (self.shared_host(gateway), None, self.path(OPEN))
                    }
                };
                let came = self.get(at, &host, shows, Version::V13, &path).await?;
                if came.is_status(&[200]) {
                    self.doors.push(Door { gateway, at });
                } else if let Some(source) = at.barred(listener, gateway) {
                    let why = format!(
                        "the network rule keeps this machine out of the {gateway} gateway, which it calls from {source}: \
                         see 'internal_networks'"
                    );
                    self.shut.push((gateway, why));
                } else {
                    let why = format!(
                        "a good client does not get in at {at} either ({came}): a network rule, or another limit, keeps \
                         this machine out"
                    );
                    self.shut.push((gateway, why));
                }
            }
        }
        Ok(())
    }
}

/// A GET without anything special.
pub fn get(host: &str, path: &str) -> Vec<u8> {
    request("GET", path, &[&format!("Host: {host}")], "")
}

fn source_of(
    name: &str,
    prefix: &str,
    environment: &str,
    validity: Validity,
) -> Result<Source, ProveError> {
    source(
        &format!("{prefix}{name}"),
        &format!("{name} {environment}"),
        validity,
    )
}

fn source(account: &str, name: &str, validity: Validity) -> Result<Source, ProveError> {
    let authority = Authority::self_signed(&ca_request(name, validity))?;
    let leaf = authority.issue_client(&client_request("prove-client", validity))?;
    Ok(Source {
        account: AccountName::parse(account).map_err(|_| ProveError::Name)?,
        client: showing(&leaf, &[]),
        authority,
    })
}

/// What puts the reserved realm to work: its accounts, installed, and its pipelines, deployed.
fn commands(main: &PerEnvironment<Source>, others: &[&Source]) -> Result<Vec<Command>, ProveError> {
    let realm = RealmName::reserved();
    let value = |source: &Source| {
        ValueChange::Set(AccountValues::CertificateChain {
            certificates: vec![source.authority.certificate.clone()],
            helpers: Vec::new(),
            key: None,
        })
    };
    let save = |name: &AccountName, values| Command::SaveAccount {
        realm: realm.clone(),
        name: name.clone(),
        account_type: AccountType::CertificateChain,
        values,
    };
    let both = PerEnvironment {
        test: value(&main.test),
        prod: value(&main.prod),
    };
    let mut commands = vec![save(&main.prod.account, both)];
    let mut installed: Vec<(&AccountName, Environment)> = Environment::ALL
        .into_iter()
        .map(|environment| (&main.prod.account, environment))
        .collect();
    for other in others {
        let prod_only = PerEnvironment {
            test: ValueChange::Keep,
            prod: value(other),
        };
        commands.push(save(&other.account, prod_only));
        installed.push((&other.account, Environment::Prod));
    }
    for (account, environment) in installed {
        commands.push(Command::RequestInstallation {
            realm: realm.clone(),
            environment,
            account: account.clone(),
        });
        commands.push(Command::Install {
            realm: realm.clone(),
            environment,
            account: account.clone(),
            revision: 1,
        });
    }
    let rule = format!("client.cn == ['{CHOSEN}']");
    let rule = ClientRule::parse(&rule).map_err(|_| ProveError::Name)?;
    for (name, mtls, client_rule) in [
        (CLOSED, true, None),
        (OPEN, false, None),
        (CHOOSY, true, Some(rule)),
    ] {
        let key = PipelineKey {
            name: PipelineName::parse(name).map_err(|_| ProveError::Name)?,
            major: 1,
        };
        commands.push(Command::SavePipeline {
            realm: realm.clone(),
            key: key.clone(),
            trigger: Trigger {
                client_rule,
                ..trigger(mtls)?
            },
            handler: Handler::Echo,
        });
        commands.extend(
            Environment::ALL
                .into_iter()
                .map(|environment| Command::Deploy {
                    realm: realm.clone(),
                    key: DeploymentKey {
                        environment,
                        pipeline: key.clone(),
                    },
                }),
        );
    }
    Ok(commands)
}

/// On the mtls gateway alone, or on the others alone.
fn trigger(mtls: bool) -> Result<Trigger, ProveError> {
    Ok(Trigger {
        kind: TriggerKind::Rest,
        methods: MethodSet::of([Method::Get, Method::Post]).map_err(|_| ProveError::Name)?,
        timeout: TimeoutMs::new(TIMEOUT_MS_DEFAULT).map_err(|_| ProveError::Name)?,
        request_size: RequestSizeMb::new(1).map_err(|_| ProveError::Name)?,
        response_headers: Vec::new(),
        publication: Publication {
            external: !mtls,
            internal: !mtls,
            mtls,
        },
        routes: Vec::new(),
        client_rule: None,
    })
}

/// The certificates that our listeners show, each identity's own first.
fn shown(catalog: &Catalog) -> Vec<CertificateDer<'static>> {
    let certificates = catalog
        .server_identities
        .values()
        .flat_map(|identity| &identity.certificates);
    let of_listeners = certificates
        .filter_map(|certificate| certificate.chain.first())
        .map(Certificate::der);
    let realms = catalog.realms.values();
    let own = realms
        .flat_map(|realm| realm.server_identities.iter())
        .filter_map(|(_, own)| own.as_ref())
        .flat_map(|own| &own.certificates)
        .filter_map(|kept| kept.chain.first())
        .map(AsRef::as_ref);
    of_listeners
        .chain(own)
        .map(|leaf| CertificateDer::from(leaf.to_vec()))
        .collect()
}

/// The mTLS hosts of realms that serve, up to [`HOSTS_MAX`], and how many more there are.
fn real_hosts(catalog: &Catalog, names: &NamePlan) -> (Vec<RealHost>, usize) {
    let realms = catalog
        .realms
        .values()
        .filter(|realm| realm.state == RealmState::Active && !realm.name.is_reserved());
    let mut left_out: usize = 0;
    let mut hosts = Vec::new();
    for realm in realms {
        for environment in Environment::ALL {
            let anchors = realm
                .installed(environment)
                .filter_map(|installation| installation.certificates.first());
            let Some(anchor) = anchors.into_iter().next() else {
                continue;
            };
            if hosts.len() >= HOSTS_MAX {
                left_out = left_out.saturating_add(1);
                continue;
            }
            hosts.push(RealHost {
                realm: realm.name.clone(),
                environment,
                host: names.realm_host(environment, &realm.name),
                anchor: anchor.clone(),
                explains: realm.trust_policies.get(environment).handshake
                    == HandshakePolicy::Explain,
            });
        }
    }
    (hosts, left_out)
}

fn without_installation(catalog: &Catalog, names: &NamePlan) -> Option<String> {
    let mut realms = catalog.realms.values();
    realms.find_map(|realm| {
        let mut environments = Environment::ALL.into_iter();
        let without = environments.find(|environment| !realm.has_mtls(*environment))?;
        Some(names.realm_host(without, &realm.name))
    })
}
