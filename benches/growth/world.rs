//! Catalogs of any size, and the snapshots that the compiler makes of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use realmgate::clock::{Clock, Moment};
use realmgate::domain::catalog::Catalog;
use realmgate::domain::deployment::{Deployment, DeploymentKey};
use realmgate::domain::endpoint::{HostLabels, NamePlan};
use realmgate::domain::environment::Environment;
use realmgate::domain::identity::{IdentityCertificate, IdentitySlot, Origin, ServerIdentity};
use realmgate::domain::installation::{
    Installation, InstallationId, InstallationOrigin, InstallationState,
};
use realmgate::domain::name::{AccountName, PipelineName, RealmName};
use realmgate::domain::pipeline::{Handler, Pipeline, PipelineKey};
use realmgate::domain::realm::Realm;
use realmgate::domain::template::JsonTemplate;
use realmgate::domain::trigger::{
    MethodSet, Publication, RequestSizeMb, RoutePattern, TimeoutMs, Trigger,
};
use realmgate::pki::authority::{Authority, AuthorityRequest};
use realmgate::pki::certificate::Certificate;
use realmgate::pki::key::KeyChoice;
use realmgate::snapshot::compile::Compiler;
use realmgate::snapshot::live::Live;
use realmgate::trust::limits::TrustLimits;

use crate::pool::Pool;

/// The realm that is called, in every catalog.
pub const OURS: &str = "ours";
/// Its own host.
pub const OWN_HOST: &str = "ours.api2.gate.localhost";
/// The shared mTLS host.
pub const SHARED_HOST: &str = "api2.gate.localhost";

const HOUR: Duration = Duration::from_secs(3600);

/// What the catalogs have in common.
pub struct World {
    /// The certificates.
    pub pool: Pool,
    /// The moment of all measurements.
    pub now: Moment,
    /// The clock that stands there.
    pub clock: Clock,
    /// Issued the server's certificate.
    pub authority: Authority,
    identity: IdentityCertificate,
}

/// The names of all hosts.
pub fn names() -> NamePlan {
    NamePlan::new("gate.localhost", &HostLabels::default()).unwrap()
}

/// A name of a realm.
pub fn realm_name(text: &str) -> RealmName {
    RealmName::parse(text).unwrap()
}

impl World {
    /// Reads the certificates.
    pub fn read(directory: &Path, various: usize) -> Self {
        // Clients look at the machine's clock.
        let now = Clock::system().now();
        let authority = Authority::self_signed(&AuthorityRequest {
            common_name: "Server CA".to_owned(),
            organization: None,
            not_before: now.minus(HOUR),
            not_after: now.plus(HOUR * 24),
            path_length: None,
            key: KeyChoice::EcP256,
        })
        .unwrap();
        let hosts = [OWN_HOST, SHARED_HOST].map(str::to_owned);
        let leaf = authority.issue_server(&hosts, now.minus(HOUR), now.plus(HOUR * 24));
        let leaf = leaf.unwrap();
        Self {
            pool: Pool::read(directory, various),
            now,
            clock: Clock::manual(now),
            authority,
            identity: IdentityCertificate {
                chain: vec![leaf.certificate],
                key: leaf.key,
            },
        }
    }

    /// Compiles a catalog of these realms. Nothing is remembered of clients that were let in before.
    pub fn live(&self, realms: impl IntoIterator<Item = Realm>) -> Live {
        let mut catalog = Catalog::default();
        for slot in IdentitySlot::all() {
            let identity = ServerIdentity {
                slot: slot.clone(),
                origin: Origin::Generated,
                certificates: vec![self.identity.clone()],
                updated: self.now,
            };
            catalog.server_identities.insert(slot, Arc::new(identity));
        }
        for realm in realms {
            catalog.realms.insert(realm.name.clone(), Arc::new(realm));
        }
        let limits = TrustLimits {
            verdicts_max: 0,
            ..TrustLimits::default()
        };
        let compiler = Compiler::new(names(), self.clock.clone(), limits, HOUR).unwrap();
        Live::new(compiler.compile_all(&catalog).unwrap())
    }

    /// A realm with these anchors in `prod`.
    pub fn realm(&self, name: &str, anchors: &[Certificate]) -> Realm {
        let mut realm = Realm::new(realm_name(name), self.now);
        let installation = Installation {
            id: InstallationId(1),
            environment: Environment::Prod,
            account: AccountName::parse("dgb-mtls-account").unwrap(),
            account_revision: 1,
            certificates: anchors.to_vec(),
            helpers: Vec::new(),
            state: InstallationState::Installed {
                at: self.now,
                by: "somebody".to_owned(),
            },
            requested_at: self.now,
            requested_by: "somebody".to_owned(),
            origin: InstallationOrigin::Request,
            challenge: None,
            proofs: Vec::new(),
        };
        let installation = Arc::new(installation);
        realm.installations.insert(installation.id, installation);
        realm
    }

    /// So many realms, ours among them with the first of the anchors, the others with one of them each.
    pub fn realms(&self, anchors: &[Certificate]) -> Vec<Realm> {
        let realm = |(place, anchor)| {
            let name = if place == 0 {
                OURS.to_owned()
            } else {
                format!("realm-{place}")
            };
            self.realm(&name, std::slice::from_ref(anchor))
        };
        anchors.iter().enumerate().map(realm).collect()
    }

    /// Deploys pipelines that answer with a document in our realm, so that there are so many routes.
    pub fn deploy(&self, realm: &mut Realm, routes: usize) {
        const ROUTES_EACH: usize = 10;
        for place in 0..routes.div_ceil(ROUTES_EACH) {
            // The pipeline's own path is the first.
            let more = (routes - place * ROUTES_EACH).min(ROUTES_EACH) - 1;
            let below = (0..more).map(|route| format!("/items/kind-{route}/:id"));
            let trigger = Trigger {
                kind: realmgate::domain::trigger::TriggerKind::Rest,
                methods: MethodSet::ALL,
                timeout: TimeoutMs::new(30_000).unwrap(),
                request_size: RequestSizeMb::new(1).unwrap(),
                response_headers: Vec::new(),
                publication: Publication {
                    external: false,
                    internal: false,
                    mtls: true,
                },
                routes: below
                    .map(|text| RoutePattern::parse(&text).unwrap())
                    .collect(),
                client_rule: None,
            };
            let key = PipelineKey {
                name: PipelineName::parse(&pipeline(place)).unwrap(),
                major: 1,
            };
            let document = serde_json::json!({ "orders": [] });
            let pipeline = Arc::new(Pipeline {
                key: key.clone(),
                revision: 1,
                trigger,
                handler: Handler::Mock(JsonTemplate::parse(document).unwrap()),
                updated: self.now,
            });
            let deployment = Deployment {
                key: DeploymentKey {
                    environment: Environment::Prod,
                    pipeline: key.clone(),
                },
                pipeline: Arc::clone(&pipeline),
                at: self.now,
                by: "somebody".to_owned(),
            };
            realm.pipelines.insert(key, pipeline);
            let deployment = Arc::new(deployment);
            realm.deployments.insert(deployment.key.clone(), deployment);
        }
    }
}

/// The name of the pipeline at a place. All are as long, so that paths are.
pub fn pipeline(place: usize) -> String {
    format!("orders-{place:05}")
}
