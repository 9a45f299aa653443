//! A house to test in: two realms with a CA each, compiled from a catalog, served over streams in memory.

pub(crate) mod tls;

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::clock::{Clock, Moment};
use crate::domain::account::{AccountType, AccountValues};
use crate::domain::address::BaseUrl;
use crate::domain::catalog::{Catalog, Circumstances, Rules};
use crate::domain::command::{Command, ValueChange};
use crate::domain::connection::{ConnectionLimits, ServerTrust};
use crate::domain::deployment::DeploymentKey;
use crate::domain::endpoint::{HostLabels, NamePlan};
use crate::domain::environment::{Environment, Gateway, PerEnvironment};
use crate::domain::identity::{IdentityCertificate, IdentitySlot, Origin, ServerIdentity};
use crate::domain::name::{AccountName, ConnectionName, PipelineName, RealmName};
use crate::domain::pipeline::{Handler, IdentityHeaders, PipelineKey};
use crate::domain::template::JsonTemplate;
use crate::domain::token::Actor;
use crate::domain::trigger::{
    MethodSet, Publication, RequestSizeMb, TimeoutMs, Trigger, TriggerKind,
};
use crate::gateway::exchange;
use crate::gateway::limits::GatewayLimits;
use crate::gateway::peer::{Peer, PeerPlace, Protocol, TlsFacts};
use crate::gateway::request_id::RequestIds;
use crate::gateway::worker::{Chores, Worker};
use crate::outbound::guard::OutgoingGuard;
use crate::outbound::limits::OutboundLimits;
use crate::outbound::pool::Pools;
use crate::pki::authority::{Authority, AuthorityRequest, ClientRequest, Leaf};
use crate::pki::certificate::Certificate;
use crate::pki::key::KeyChoice;
use crate::rule::client_rule::ClientRule;
use crate::snapshot::compile::Compiler;
use crate::snapshot::live::Live;
use crate::telemetry::access::{AccessLimits, AccessLog, AccessTarget};
use crate::telemetry::counters::{Counters, Handshake};
use crate::telemetry::journal::RefusalJournal;
use crate::telemetry::seen::ClientsSeen;
use crate::trust::judge::{self, Verified};
use crate::trust::limits::TrustLimits;
use crate::trust::set::{TrustSet, TrustSource};

/// The moment at which tests happen.
pub(crate) fn now() -> Moment {
    Moment::parse("2027-06-01T12:00:00Z").unwrap()
}

/// A CA, perhaps one below it, and a client's certificate.
pub(crate) struct Pki {
    pub(crate) root: Authority,
    pub(crate) intermediate: Option<Authority>,
    pub(crate) leaf: Leaf,
}

fn authority(name: &str) -> AuthorityRequest {
    AuthorityRequest {
        common_name: name.to_owned(),
        organization: None,
        not_before: Moment::parse("2027-01-01").unwrap(),
        not_after: Moment::parse("2037-01-01").unwrap(),
        path_length: None,
        key: KeyChoice::EcP256,
    }
}

pub(crate) fn client_request(not_after: &str) -> ClientRequest {
    ClientRequest {
        common_name: "client-1".to_owned(),
        organization: Some("Acme".to_owned()),
        sans: vec!["DNS:client-1.acme.example".to_owned()],
        not_before: Moment::parse("2027-01-01").unwrap(),
        not_after: Moment::parse(not_after).unwrap(),
        key: KeyChoice::EcP256,
    }
}

impl Pki {
    pub(crate) fn new() -> Self {
        let root = Authority::self_signed(&authority("Test Root")).unwrap();
        let leaf = root.issue_client(&client_request("2028-01-01")).unwrap();
        Self {
            root,
            intermediate: None,
            leaf,
        }
    }

    pub(crate) fn with_intermediate() -> Self {
        let root = Authority::self_signed(&authority("Test Root")).unwrap();
        let intermediate = root.subordinate(&authority("Test Intermediate")).unwrap();
        let leaf = intermediate
            .issue_client(&client_request("2028-01-01"))
            .unwrap();
        Self {
            root,
            intermediate: Some(intermediate),
            leaf,
        }
    }

    /// What a client with that leaf presents.
    pub(crate) fn chain_of(&self, leaf: &Leaf) -> Vec<CertificateDer<'static>> {
        let issuers = self
            .intermediate
            .iter()
            .map(|issuer| issuer.certificate.der());
        std::iter::once(leaf.certificate.der())
            .chain(issuers)
            .map(|der| CertificateDer::from(der.to_vec()))
            .collect()
    }
}

/// The client of a PKI, as a realm with its root sees it.
pub(crate) fn verified(pki: &Pki) -> Verified {
    let anchors = vec![(pki.root.certificate.clone(), Arc::from("dgb-mtls-acme"))];
    let set = TrustSet::build(TrustSource {
        anchors,
        ..TrustSource::default()
    })
    .unwrap();
    judge::judge(
        &set,
        &pki.chain_of(&pki.leaf),
        now(),
        &TrustLimits::default(),
    )
    .unwrap()
}

/// What a test pipeline is like; the name is the realm's first word of it.
pub(crate) struct Like {
    pub(crate) publication: Publication,
    pub(crate) trigger: fn(&mut Trigger),
    pub(crate) handler: Handler,
    pub(crate) client_rule: Option<ClientRule>,
}

impl Like {
    pub(crate) fn everywhere(handler: Handler) -> Self {
        let publication = Publication {
            external: true,
            internal: false,
            mtls: true,
        };
        Self {
            publication,
            trigger: |_| {},
            handler,
            client_rule: None,
        }
    }

    pub(crate) fn triggered(handler: Handler, trigger: fn(&mut Trigger)) -> Self {
        Self {
            trigger,
            ..Self::everywhere(handler)
        }
    }
}

pub(crate) fn mock(document: Value) -> Handler {
    Handler::Mock(JsonTemplate::parse(document).unwrap())
}

pub(crate) fn upstream() -> Handler {
    let identity_headers = IdentityHeaders {
        readable: true,
        forwarded_client_cert: true,
    };
    Handler::Upstream {
        connection: ConnectionName::parse("target").unwrap(),
        identity_headers,
    }
}

pub(crate) fn realm(name: &str) -> RealmName {
    RealmName::parse(name).unwrap()
}

pub(crate) fn key(name: &str) -> PipelineKey {
    PipelineKey {
        name: PipelineName::parse(name).unwrap(),
        major: 1,
    }
}

/// Two realms, `acme` and `globex`, with mTLS in `prod`, and all that serves them.
pub(crate) struct House {
    pub(crate) acme: Pki,
    pub(crate) globex: Pki,
    pub(crate) clock: Clock,
    pub(crate) worker: Arc<Worker>,
    compiler: Compiler,
    catalog: Catalog,
    rules: Rules,
    log: PathBuf,
    _directory: tempfile::TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with_limits(GatewayLimits::default())
    }

    pub(crate) fn with_limits(limits: GatewayLimits) -> Self {
        Self::with_all_limits(limits, OutboundLimits::default())
    }

    pub(crate) fn with_all_limits(limits: GatewayLimits, outbound: OutboundLimits) -> Self {
        let clock = Clock::manual(now());
        let names = NamePlan::new("gate.localhost", &HostLabels::default()).unwrap();
        let compiler = Compiler::new(
            names.clone(),
            clock.clone(),
            TrustLimits::default(),
            Duration::from_secs(3600),
        )
        .unwrap();
        let rules = Rules {
            external_port: None,
            trust_account_prefix: "dgb-mtls-".to_owned(),
            request_mb_max: 100,
            names,
        };
        let mut catalog = Catalog::default();
        let around = Circumstances {
            actor: &Actor::system(),
            now: now(),
            rules: &rules,
        };
        for identity in identities() {
            catalog
                .apply(&Command::AdoptServerIdentity { identity }, around)
                .unwrap();
        }
        let live = Arc::new(Live::new(compiler.compile_all(&catalog).unwrap()));
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("access.log");
        let counters = Arc::new(Counters::new());
        let access = AccessLog::start(
            &AccessTarget::File(log.clone()),
            AccessLimits::default(),
            Arc::clone(&counters),
        )
        .unwrap();
        let guard = OutgoingGuard::new(vec!["127.0.0.0/8".parse().unwrap()], vec![]);
        let worker = Worker {
            live,
            clock: clock.clone(),
            access: Arc::new(access),
            journal: Arc::new(RefusalJournal::default()),
            clients_seen: Arc::new(ClientsSeen::default()),
            counters,
            open: Arc::default(),
            cuts: Arc::default(),
            pools: Pools::new(outbound, guard, NonZeroUsize::MIN),
            limits,
            network: Arc::default(),
            ids: RequestIds::default(),
            chores: Chores::default(),
        };
        let (acme, globex) = (Pki::with_intermediate(), Pki::new());
        let mut house = Self {
            acme,
            globex,
            clock,
            worker: Arc::new(worker),
            compiler,
            catalog,
            rules,
            log,
            _directory: directory,
        };
        for name in ["acme", "globex"] {
            house.change(&Command::CreateRealm { realm: realm(name) });
            house.install(name);
        }
        house
    }

    /// Carries out a command and publishes what it changed.
    pub(crate) fn change(&mut self, command: &Command) {
        let mut next = self.catalog.clone();
        let around = Circumstances {
            actor: &Actor::system(),
            now: now(),
            rules: &self.rules,
        };
        let change = next.apply(command, around).unwrap();
        let before = self.worker.live.load_full();
        let (snapshot, touched) = self
            .compiler
            .recompile(&before, &next, &change.touched)
            .unwrap();
        self.worker.live.publish(Arc::new(snapshot), &touched);
        self.catalog = next;
    }

    /// Installs a realm's root in `prod`.
    pub(crate) fn install(&mut self, name: &str) {
        let pki = if name == "acme" {
            &self.acme
        } else {
            &self.globex
        };
        let root = pki.root.certificate.clone();
        self.install_as(name, "dgb-mtls-autocorp", root);
    }

    /// Has a realm trust a root, which comes from an account of this name.
    pub(crate) fn install_as(&mut self, name: &str, account: &str, root: Certificate) {
        let certificates = vec![root];
        let account = AccountName::parse(account).unwrap();
        let (realm, environment) = (realm(name), Environment::Prod);
        let values = AccountValues::CertificateChain {
            certificates,
            helpers: vec![],
            key: None,
        };
        let saved = self.catalog.realms[name]
            .accounts
            .get(&account)
            .map_or(0, |account| account.revision);
        if saved == 0 {
            self.change(&Command::SaveAccount {
                realm: realm.clone(),
                name: account.clone(),
                account_type: AccountType::CertificateChain,
                values: PerEnvironment {
                    test: ValueChange::Keep,
                    prod: ValueChange::Set(values),
                },
            });
        }
        self.change(&Command::RequestInstallation {
            realm: realm.clone(),
            environment,
            account: account.clone(),
        });
        let revision = self.catalog.realms[name]
            .accounts
            .get(&account)
            .unwrap()
            .revision;
        self.change(&Command::Install {
            realm,
            environment,
            account,
            revision,
        });
    }

    /// Takes a realm's root out of work.
    pub(crate) fn uninstall(&mut self, name: &str) {
        self.change(&Command::RemoveInstallation {
            realm: realm(name),
            environment: Environment::Prod,
            account: AccountName::parse("dgb-mtls-autocorp").unwrap(),
        });
    }

    /// Deploys a pipeline in `prod`.
    pub(crate) fn pipeline(&mut self, realm_name: &str, name: &str, like: Like) {
        let mut trigger = Trigger {
            kind: TriggerKind::Rest,
            methods: MethodSet::ALL,
            timeout: TimeoutMs::new(30_000).unwrap(),
            request_size: RequestSizeMb::new(1).unwrap(),
            response_headers: vec![],
            publication: like.publication,
            routes: vec![],
            client_rule: like.client_rule,
        };
        (like.trigger)(&mut trigger);
        let (realm, key) = (realm(realm_name), key(name));
        self.change(&Command::SavePipeline {
            realm: realm.clone(),
            key: key.clone(),
            trigger,
            handler: like.handler,
        });
        let key = DeploymentKey {
            environment: Environment::Prod,
            pipeline: key,
        };
        self.change(&Command::Deploy { realm, key });
    }

    /// Saves acme's connection `target`.
    pub(crate) fn target(&mut self, url: &str) {
        self.target_within(url, ConnectionLimits::default());
    }

    /// Saves a realm's connection `target`.
    pub(crate) fn target_of(&mut self, name: &str, url: &str) {
        self.save_target(name, url, ConnectionLimits::default());
    }

    pub(crate) fn target_within(&mut self, url: &str, limits: ConnectionLimits) {
        self.save_target("acme", url, limits);
    }

    fn save_target(&mut self, name: &str, url: &str, limits: ConnectionLimits) {
        let base_url = PerEnvironment {
            test: None,
            prod: Some(BaseUrl::parse(url).unwrap()),
        };
        self.change(&Command::SaveConnection {
            realm: realm(name),
            name: ConnectionName::parse("target").unwrap(),
            base_url,
            trust: ServerTrust::SystemRoots,
            limits,
        });
    }

    /// A connection of acme's client to acme's own host.
    pub(crate) fn acme_at_home(&self) -> Visit {
        self.at_home("acme", &self.acme, &self.acme.leaf)
    }

    pub(crate) fn at_home(&self, name: &str, pki: &Pki, leaf: &Leaf) -> Visit {
        let snapshot = self.worker.live.load();
        let endpoint = snapshot
            .realm(name, Environment::Prod)
            .and_then(|realm| realm.mtls.as_ref())
            .unwrap();
        let client = judge::judge(
            &*endpoint.trust,
            &pki.chain_of(leaf),
            now(),
            &TrustLimits::default(),
        )
        .unwrap();
        let place = PeerPlace::Realm {
            environment: Environment::Prod,
            realm: realm(name),
        };
        self.visit(place, &format!("{name}.api2.gate.localhost"), Some(client))
    }

    /// A connection of a realm's client to the shared mTLS host.
    pub(crate) fn at_the_shared_host(&self, pki: &Pki) -> Visit {
        let snapshot = self.worker.live.load();
        let trust = &*snapshot.shared.get(Environment::Prod).trust;
        let client = judge::judge(
            trust,
            &pki.chain_of(&pki.leaf),
            now(),
            &TrustLimits::default(),
        )
        .unwrap();
        let place = PeerPlace::Shared {
            gateway: Gateway::Mtls,
            environment: Environment::Prod,
        };
        self.visit(place, "api2.gate.localhost", Some(client))
    }

    /// A connection of anybody to the external gateway.
    pub(crate) fn outside(&self) -> Visit {
        let place = PeerPlace::Shared {
            gateway: Gateway::External,
            environment: Environment::Prod,
        };
        self.visit(place, "api.gate.localhost", None)
    }

    fn visit(&self, place: PeerPlace, host: &str, client: Option<Verified>) -> Visit {
        let tls = TlsFacts {
            version: "TLSv1.3",
            protocol: Protocol::H1,
            handshake: Handshake::Full,
        };
        let address = "192.0.2.7:40000".parse().unwrap();
        let peer = Peer::new(place, host.into(), address, tls, client.map(Arc::new), 1);
        Visit {
            worker: Arc::clone(&self.worker),
            peer: Arc::new(peer),
        }
    }

    /// The access records so far; closes the log.
    pub(crate) fn records(&self) -> Vec<Value> {
        assert!(self.worker.access.close());
        let text = std::fs::read_to_string(&self.log).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What the realms' people will read: realm, reason and sentence.
    pub(crate) fn journal(&self) -> Vec<(String, String, String)> {
        let drained = self.worker.journal.drain().into_iter();
        drained
            .map(|record| {
                (
                    record.realm.unwrap().to_string(),
                    record.reason.into_owned(),
                    record.sentence,
                )
            })
            .collect()
    }
}

fn identities() -> impl Iterator<Item = ServerIdentity> {
    let root = Authority::self_signed(&authority("Server CA")).unwrap();
    let (begin, end) = (
        Moment::parse("2027-01-01").unwrap(),
        Moment::parse("2037-01-01").unwrap(),
    );
    let leaf = root
        .issue_server(&["*.gate.localhost".to_owned()], begin, end)
        .unwrap();
    IdentitySlot::all().map(move |slot| ServerIdentity {
        slot,
        origin: Origin::Generated,
        certificates: vec![IdentityCertificate {
            chain: vec![leaf.certificate.clone()],
            key: leaf.key.clone(),
        }],
        updated: now(),
    })
}

/// A connection to the gateway whose handshake is done.
pub(crate) struct Visit {
    pub(crate) worker: Arc<Worker>,
    pub(crate) peer: Arc<Peer>,
}

impl Visit {
    /// The same client over HTTP/2.
    pub(crate) fn over_http2(self) -> Self {
        let Self { worker, peer } = self;
        let tls = TlsFacts {
            version: "TLSv1.3",
            protocol: Protocol::H2,
            handshake: Handshake::Full,
        };
        let peer = Peer::new(
            peer.place.clone(),
            Arc::clone(&peer.host),
            peer.address,
            tls,
            peer.client.clone(),
            1,
        );
        Self {
            worker,
            peer: Arc::new(peer),
        }
    }

    /// The client's end of a new stream that HTTP/1.1 is served on.
    pub(crate) fn stream(&self) -> DuplexStream {
        let (client, server) = tokio::io::duplex(64 * 1024);
        let (worker, peer) = (Arc::clone(&self.worker), Arc::clone(&self.peer));
        let service = service_fn(move |request: Request<Incoming>| {
            let (worker, peer) = (Arc::clone(&worker), Arc::clone(&peer));
            async move { Ok::<_, Infallible>(exchange::serve(&worker, &peer, request).await) }
        });
        match self.peer.tls.protocol {
            Protocol::H1 => {
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(server), service);
                tokio::spawn(async move { drop(connection.await) });
            }
            Protocol::H2 => {
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let connection = builder.serve_connection(TokioIo::new(server), service);
                tokio::spawn(async move { drop(connection.await) });
            }
        }
        client
    }

    /// Sends text as it stands, and reads until the gateway closes.
    pub(crate) async fn raw(&self, text: &str) -> String {
        let mut stream = self.stream();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// Sends a request with a proper HTTP client.
    pub(crate) async fn send<B>(&self, mut request: Request<B>) -> Response<Incoming>
    where
        B: hyper::body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let io = TokioIo::new(self.stream());
        match self.peer.tls.protocol {
            Protocol::H1 => {
                if !request.headers().contains_key("host") {
                    request
                        .headers_mut()
                        .insert("host", self.peer.host.parse().unwrap());
                }
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(io).await.unwrap();
                tokio::spawn(async move { drop(connection.await) });
                let answer = sender.send_request(request).await.unwrap();
                // The connection lives as long as somebody could send on it.
                tokio::spawn(async move { sender.ready().await });
                answer
            }
            Protocol::H2 => {
                let uri = format!("https://{}{}", self.peer.host, request.uri());
                *request.uri_mut() = uri.parse().unwrap();
                let (mut sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                        .await
                        .unwrap();
                tokio::spawn(async move { drop(connection.await) });
                sender.send_request(request).await.unwrap()
            }
        }
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn ask(&self, request: Request<Full<Bytes>>) -> Told {
        let (head, body) = self.send(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Told {
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    /// Asks for a path.
    pub(crate) async fn get(&self, path: &str) -> Told {
        self.ask(Request::get(path).body(Full::default()).unwrap())
            .await
    }

    /// Posts a text.
    pub(crate) async fn post(&self, path: &str, content_type: &str, body: &str) -> Told {
        let request = Request::post(path).header("content-type", content_type);
        self.ask(request.body(Full::from(body.to_owned())).unwrap())
            .await
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn reason(&self) -> String {
        self.json()["reason"].as_str().unwrap().to_owned()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Starts a plain HTTP service that answers with `answer`; its base URL.
pub(crate) async fn service<F, A, B>(answer: F) -> String
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Response<B>> + Send + 'static,
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            let service = service_fn(move |request| {
                let answer = answer(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move { drop(connection.await) });
        }
    });
    format!("http://{address}")
}

/// A body that is fed from outside, frame by frame, and ends when its feeder is dropped.
pub(crate) struct Fed(mpsc::Receiver<Frame<Bytes>>);

/// A body, and what feeds it.
pub(crate) fn fed() -> (mpsc::Sender<Frame<Bytes>>, Fed) {
    let (sender, receiver) = mpsc::channel(1);
    (sender, Fed(receiver))
}

impl hyper::body::Body for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|frame| frame.map(Ok))
    }
}
