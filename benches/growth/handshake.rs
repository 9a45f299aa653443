//! The server's side of a TLS handshake, in memory: from the bytes of the ClientHello to our last bytes.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use realmgate::domain::environment::Environment;
use realmgate::snapshot::live::Live;
use realmgate::snapshot::server_tls;
use realmgate::snapshot::state::Snapshot;
use realmgate::snapshot::verifier;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::kx_group::X25519;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::Acceptor;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

use crate::meter;
use crate::world::World;

/// A client that has never been here, with X25519: the hybrid key exchange takes another number of instructions each
/// time.
pub fn client(world: &World) -> Arc<ClientConfig> {
    let provider = CryptoProvider {
        kx_groups: vec![X25519],
        ..server_tls::provider()
    };
    let mut roots = RootCertStore::empty();
    let authority = world.authority.certificate.der().to_vec();
    roots.add(CertificateDer::from(authority)).unwrap();
    let client = &world.pool.client;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(client.key.clone()));
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(client.chain.clone(), key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// A full handshake; the server's steps are measured.
pub fn full(live: &Live, client: &Arc<ClientConfig>, host: &'static str) {
    let name = ServerName::try_from(host).unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), name).unwrap();
    let whole = async {
        let hello = sent(&mut client);
        let (mut accepted, mut answer) = (None, Vec::new());
        meter::step(|| {
            let mut server = accept(live, &hello);
            server.write_tls(&mut answer).unwrap();
            accepted = Some(server);
        });
        let mut server = accepted.unwrap();
        client.read_tls(&mut answer.as_slice()).unwrap();
        client.process_new_packets().unwrap();
        let proof = sent(&mut client);
        answer.clear();
        meter::step(|| {
            server.read_tls(&mut proof.as_slice()).unwrap();
            server.process_new_packets().unwrap();
            server.write_tls(&mut answer).unwrap();
        });
        assert!(!server.is_handshaking() && !client.is_handshaking());
        assert!(server.peer_certificates().is_some());
    };
    // Nothing in it ever waits.
    let watched = pin!(verifier::observe(whole));
    let Poll::Ready(((), observed)) = watched.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("a handshake in memory does not wait");
    };
    assert!(matches!(observed.verdict, Some(Ok(_))));
}

fn sent(client: &mut ClientConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).unwrap();
    }
    bytes
}

fn accept(live: &Live, mut hello: &[u8]) -> ServerConnection {
    let mut acceptor = Acceptor::default();
    acceptor.read_tls(&mut hello).unwrap();
    let Ok(Some(accepted)) = acceptor.accept() else {
        panic!("a whole ClientHello");
    };
    let config = {
        let hello = accepted.client_hello();
        chosen(&live.load(), hello.server_name().unwrap())
    };
    let Ok(server) = accepted.into_connection(config) else {
        panic!("a configuration that takes the client");
    };
    server
}

/// As the gateway chooses it.
fn chosen(snapshot: &Snapshot, name: &str) -> Arc<ServerConfig> {
    let place = snapshot.names.locate(name).unwrap();
    let config = match place.realm {
        None => snapshot.shared.get(place.environment).tls(place.gateway),
        Some(label) => {
            let realm = snapshot.realm(label, place.environment).unwrap();
            realm.mtls.as_ref().unwrap().tls.config()
        }
    };
    Arc::clone(config)
}

/// Whom our realm's own host lets in, and whom the shared one.
pub const ENVIRONMENT: Environment = Environment::Prod;
