//! A server without its gateways, and calls to its API.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use realmgate::api::caller::ClientAddress;
use realmgate::api::limits::ApiLimits;
use realmgate::api::router;
use realmgate::clock::{Clock, Moment};
use realmgate::control::engine::{Control, Parts};
use realmgate::control::tokens;
use realmgate::domain::catalog::Rules;
use realmgate::domain::endpoint::{HostLabels, NamePlan};
use realmgate::domain::key_proof::IntakeRules;
use realmgate::domain::name::TokenName;
use realmgate::domain::seen::SeenLimits;
use realmgate::snapshot::compile::Compiler;
use realmgate::store::db::Store;
use realmgate::store::master_key::MasterKey;
use realmgate::telemetry::journal::{JournalLimits, RefusalJournal};
use realmgate::trust::limits::TrustLimits;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower_service::Service;

/// When it is, for the server.
pub(crate) fn now() -> Moment {
    Moment::parse("2030-06-01T12:00:00Z").unwrap()
}

pub(crate) struct Server {
    pub(crate) control: Arc<Control>,
    pub(crate) runtime: Runtime,
    pub(crate) router: Router,
    pub(crate) operator: String,
    _directory: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The error's code; empty where it is none.
    pub(crate) fn code(&self) -> String {
        self.told("code")
    }

    /// The error's message.
    pub(crate) fn message(&self) -> String {
        self.told("message")
    }

    fn told(&self, field: &str) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["error"][field].as_str().unwrap_or_default().to_owned()
    }

    /// The same, where it is a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        let text = String::from_utf8_lossy(&self.body);
        assert!((200..300).contains(&self.status), "{}: {text}", self.status);
        self
    }

    /// That it is an error of this status and code.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(
            (self.status, self.code().as_str()),
            (status, code),
            "{text}"
        );
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with_clock(Clock::manual(now()), ApiLimits::default())
    }

    pub(crate) fn with_clock(clock: Clock, limits: ApiLimits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = MasterKey::generate().unwrap();
        let path = directory.path().join("realmgate.redb");
        let names = NamePlan::new("gate.localhost", &HostLabels::default()).unwrap();
        let control = Control::start(Parts {
            store: Store::open(&path, &key, clock.now()).unwrap(),
            compiler: Compiler::new(
                names.clone(),
                clock.clone(),
                TrustLimits::default(),
                Duration::ZERO,
            )
            .unwrap(),
            clock,
            journal: Arc::new(RefusalJournal::new(JournalLimits::default())),
            open: Arc::default(),
            cuts: Arc::default(),
            rules: Rules {
                external_port: None,
                trust_account_prefix: "dgb-mtls-".to_owned(),
                request_mb_max: 1024,
                names,
            },
            admin_names: Vec::new(),
            intake: IntakeRules::default(),
            refusals_per_realm_max: 1000,
            clients_seen: Arc::default(),
            clients_seen_limits: SeenLimits::default(),
        })
        .unwrap();
        let secret = tokens::generate().unwrap();
        let name = TokenName::parse("first").unwrap();
        control.admit_operator(name, &secret).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        Self {
            router: router::router(Arc::clone(&control), limits),
            control,
            runtime,
            operator: secret.expose_str().unwrap().to_owned(),
            _directory: directory,
        }
    }

    /// Sends any request.
    pub(crate) fn send(&self, mut request: Request<Body>) -> Reply {
        let address = ClientAddress("192.0.2.7".parse().unwrap());
        request.extensions_mut().insert(address);
        self.runtime.block_on(async {
            let response = self.router.clone().call(request).await.unwrap();
            let (parts, body) = response.into_parts();
            Reply {
                status: parts.status.as_u16(),
                headers: parts.headers,
                body: body.collect().await.unwrap().to_bytes().to_vec(),
            }
        })
    }

    /// Calls as the bearer of `token`, `path` below `/api/v1`.
    pub(crate) fn call_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {token}"));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap())
    }

    /// Calls as the operator.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.call_as(&self.operator, method, path, body)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.call("GET", path, None)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Reply {
        self.call("PUT", path, Some(body))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.call("POST", path, Some(body))
    }

    pub(crate) fn delete(&self, path: &str) -> Reply {
        self.call("DELETE", path, None)
    }

    /// Makes a token, and answers with its secret.
    pub(crate) fn token(&self, name: &str, role: &str, realm: Option<&str>) -> String {
        let mut body = json!({ "name": name, "role": role });
        if let Some(realm) = realm {
            body["realm"] = json!(realm);
        }
        let made = self.post("/tokens", &body).ok().json();
        made["token"].as_str().unwrap().to_owned()
    }

    /// Makes a realm.
    pub(crate) fn realm(&self, name: &str) {
        self.call("PUT", &format!("/realms/{name}"), None).ok();
    }
}
