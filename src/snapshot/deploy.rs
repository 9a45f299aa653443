//! Deployments → routes.

use std::sync::Arc;

use http::HeaderValue;

use crate::domain::deployment::Deployment;
use crate::domain::environment::Environment;
use crate::domain::media_type::MediaRange;
use crate::domain::pipeline::Handler;
use crate::domain::publishing::base_path;
use crate::domain::realm::Realm;
use crate::domain::trigger::{Method, MethodSet, TriggerKind};
use crate::snapshot::admission::Answers;
use crate::snapshot::client_tls::Targets;
use crate::snapshot::compile_error::CompileError;
use crate::snapshot::realm::RealmEnvironment;
use crate::snapshot::route::{AddedHeader, CallCounters, CompiledHandler, Deployed, RouteTable};

/// The routes of all that `realm` has deployed in `environment`. What was deployed before keeps its counters.
pub(crate) fn route_table(
    realm: &Realm,
    environment: Environment,
    former: Option<&RealmEnvironment>,
    targets: &Targets,
) -> Result<Arc<RouteTable>, CompileError> {
    let mut routes = RouteTable::default();
    let deployments = realm
        .deployments
        .values()
        .filter(|deployment| deployment.key.environment == environment);
    for deployment in deployments {
        let deployed = Arc::new(deployed(realm, deployment, former, targets)?);
        let conflict = |source| CompileError::Route {
            realm: realm.name.clone(),
            source,
        };
        routes.add(&deployed).map_err(conflict)?;
    }
    if routes.deployed().is_empty() {
        return Ok(RouteTable::none());
    }
    Ok(Arc::new(routes))
}

fn deployed(
    realm: &Realm,
    deployment: &Deployment,
    former: Option<&RealmEnvironment>,
    targets: &Targets,
) -> Result<Deployed, CompileError> {
    let pipeline = &deployment.pipeline;
    let environment = deployment.key.environment;
    let handler = match &pipeline.handler {
        Handler::Echo => CompiledHandler::Echo,
        Handler::Mock(document) => CompiledHandler::Mock(document.clone()),
        Handler::Upstream {
            connection,
            identity_headers,
        } => {
            let target =
                targets
                    .find(connection, environment)
                    .ok_or_else(|| CompileError::NoTarget {
                        realm: realm.name.clone(),
                        connection: connection.clone(),
                        environment,
                    })?;
            CompiledHandler::Upstream {
                target: Arc::clone(target),
                identity_headers: *identity_headers,
            }
        }
    };
    let base_path = base_path(realm.name.as_str(), &pipeline.key);
    let counters = former
        .and_then(|former| {
            former
                .routes
                .find(&base_path)
                .map(|found| Arc::clone(&found.deployed.counters))
        })
        .unwrap_or_else(|| Arc::new(CallCounters::default()));
    Ok(Deployed {
        realm: realm.name.clone(),
        environment,
        key: pipeline.key.clone(),
        revision: pipeline.revision,
        base_path,
        trigger: pipeline.trigger.clone(),
        rule_answers: Answers::default(),
        allow: allow(pipeline.trigger.methods),
        accept: accept(&pipeline.trigger.kind),
        response_headers: pipeline
            .trigger
            .response_headers
            .iter()
            .filter_map(AddedHeader::compile)
            .collect(),
        handler,
        counters,
    })
}

/// The value of `Accept`: what a client could send instead (RFC 9110 §15.5.16).
fn accept(kind: &TriggerKind) -> Option<HeaderValue> {
    let types = kind.content_types()?;
    let names: Vec<&str> = types.requests.iter().map(MediaRange::as_str).collect();
    // Media ranges are visible ASCII.
    let value = HeaderValue::from_str(&names.join(", ")).ok();
    value.filter(|value| !value.is_empty())
}

/// The value of `Allow`: HEAD goes with GET.
fn allow(methods: MethodSet) -> HeaderValue {
    if methods == MethodSet::ALL {
        // The usual case, in memory once.
        return HeaderValue::from_static("POST, PUT, GET, PATCH, DELETE, OPTIONS, HEAD");
    }
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if methods.contains(Method::Get) {
        names.push("HEAD");
    }
    HeaderValue::from_str(&names.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}
