//! Publishing: pipelines, deployments and connections.

use std::sync::Arc;

use crate::domain::account::AccountType;
use crate::domain::address::BaseUrl;
use crate::domain::audit::AuditFact;
use crate::domain::catalog::Circumstances;
use crate::domain::change::{Change, Touched, Warning};
use crate::domain::connection::{Connection, ConnectionLimits, ServerTrust};
use crate::domain::deployment::{Deployment, DeploymentKey};
use crate::domain::environment::{Environment, Gateway, PerEnvironment};
use crate::domain::name::ConnectionName;
use crate::domain::pipeline::{Handler, Pipeline, PipelineKey};
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::trigger::Trigger;

/// How many pipelines a realm may have.
const PIPELINES_MAX: usize = 50_000;
/// How many connections a realm may have.
const CONNECTIONS_MAX: usize = 10_000;

/// Makes or changes a pipeline. What is deployed stays as it is.
pub(crate) fn save_pipeline(
    realm: &mut Realm,
    key: &PipelineKey,
    trigger: &Trigger,
    handler: &Handler,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    if key.major == 0 {
        return Err(Rejection::MajorZero);
    }
    trigger.check().map_err(|source| Rejection::Trigger {
        pipeline: key.clone(),
        source,
    })?;
    let (wanted, ceiling) = (
        trigger.request_size.megabytes(),
        around.rules.request_mb_max,
    );
    if wanted > ceiling {
        return Err(Rejection::RequestSizeCeiling {
            pipeline: key.clone(),
            wanted,
            ceiling,
        });
    }
    if let Handler::Upstream { connection, .. } = handler {
        connection_of(realm, connection)?;
    }
    let present = realm.pipelines.get(key);
    if present.is_none() && realm.pipelines.len() >= PIPELINES_MAX {
        return Err(Rejection::TooMany {
            what: "pipelines in a realm",
            most: PIPELINES_MAX,
        });
    }
    let mut warnings = warnings(realm, key, trigger, &Environment::ALL, around);
    if present.is_some_and(|present| present.trigger == *trigger && present.handler == *handler) {
        return Ok(Change {
            warnings,
            ..Change::nothing()
        });
    }
    let installed = Environment::ALL.iter().any(|one| realm.has_mtls(*one));
    if trigger.publication.mtls && !installed {
        warnings.push(Warning::MtlsNowhere {
            realm: realm.name.clone(),
            pipeline: key.clone(),
        });
    }
    if let Some(present) = present {
        warnings.extend(switched_on(realm, present, trigger, around));
        if present.trigger.client_rule.is_some()
            && trigger.client_rule.is_none()
            && trigger.publication.mtls
        {
            warnings.push(Warning::NoClientRule {
                pipeline: key.clone(),
            });
        }
    }
    let revision = present.map_or(1, |present| present.revision.saturating_add(1));
    let pipeline = Pipeline {
        key: key.clone(),
        revision,
        trigger: trigger.clone(),
        handler: handler.clone(),
        updated: around.now,
    };
    realm.pipelines.insert(key.clone(), Arc::new(pipeline));
    for environment in Environment::ALL {
        if realm.deployments.contains_key(&DeploymentKey {
            environment,
            pipeline: key.clone(),
        }) {
            warnings.push(Warning::NotDeployedYet {
                pipeline: key.clone(),
                environment,
            });
        }
    }
    Ok(Change {
        touched: vec![Touched::Pipeline(realm.name.clone(), key.clone())],
        audit: Some(AuditFact {
            action: "pipeline.save",
            realm: Some(realm.name.clone()),
            environment: None,
            object: key.to_string(),
            detail: published(revision, trigger, handler),
        }),
        warnings,
    })
}

/// Removes a pipeline that is deployed nowhere.
pub(crate) fn delete_pipeline(realm: &mut Realm, key: &PipelineKey) -> Result<Change, Rejection> {
    if let Some(deployed) = realm
        .deployments
        .keys()
        .find(|deployed| deployed.pipeline == *key)
    {
        return Err(Rejection::PipelineDeployed {
            pipeline: key.clone(),
            environment: deployed.environment,
        });
    }
    if realm.pipelines.remove(key).is_none() {
        return Err(Rejection::NoPipeline {
            realm: realm.name.clone(),
            pipeline: key.clone(),
        });
    }
    Ok(Change {
        touched: vec![Touched::Pipeline(realm.name.clone(), key.clone())],
        audit: Some(plain_fact("pipeline.delete", realm, None, key.to_string())),
        warnings: Vec::new(),
    })
}

/// Puts a pipeline to work as it is now.
pub(crate) fn deploy(
    realm: &mut Realm,
    key: &DeploymentKey,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    let Some(pipeline) = realm.pipelines.get(&key.pipeline).cloned() else {
        return Err(Rejection::NoPipeline {
            realm: realm.name.clone(),
            pipeline: key.pipeline.clone(),
        });
    };
    if let Handler::Upstream { connection, .. } = &pipeline.handler {
        let target = connection_of(realm, connection)?;
        if target.base_url.get(key.environment).is_none() {
            return Err(Rejection::ConnectionLeadsNowhere {
                connection: connection.clone(),
                environment: key.environment,
                user: key.pipeline.clone(),
            });
        }
    }
    let mut warnings = warnings(
        realm,
        &key.pipeline,
        &pipeline.trigger,
        &[key.environment],
        around,
    );
    let present = realm.deployments.get(key);
    if present.is_some_and(|present| present.pipeline.revision == pipeline.revision) {
        return Ok(Change {
            warnings,
            ..Change::nothing()
        });
    }
    if pipeline.trigger.publication.mtls && !realm.has_mtls(key.environment) {
        warnings.push(Warning::MtlsWithoutInstallation {
            realm: realm.name.clone(),
            pipeline: key.pipeline.clone(),
            environment: key.environment,
        });
    }
    let mut audit = plain_fact(
        "deployment.deploy",
        realm,
        Some(key.environment),
        key.pipeline.to_string(),
    );
    audit.detail = published(pipeline.revision, &pipeline.trigger, &pipeline.handler);
    let deployment = Deployment {
        key: key.clone(),
        pipeline,
        at: around.now,
        by: around.actor.name.clone(),
    };
    realm.deployments.insert(key.clone(), Arc::new(deployment));
    Ok(Change {
        touched: vec![Touched::Deployment(realm.name.clone(), key.clone())],
        audit: Some(audit),
        warnings,
    })
}

/// Takes a pipeline out of work.
pub(crate) fn undeploy(realm: &mut Realm, key: &DeploymentKey) -> Result<Change, Rejection> {
    if realm.deployments.remove(key).is_none() {
        return Err(Rejection::NotDeployed { key: key.clone() });
    }
    Ok(Change {
        touched: vec![Touched::Deployment(realm.name.clone(), key.clone())],
        audit: Some(plain_fact(
            "deployment.undeploy",
            realm,
            Some(key.environment),
            key.pipeline.to_string(),
        )),
        warnings: Vec::new(),
    })
}

/// Makes or changes a connection; what is deployed uses it at once.
pub(crate) fn save_connection(
    realm: &mut Realm,
    name: &ConnectionName,
    base_url: &PerEnvironment<Option<BaseUrl>>,
    trust: &ServerTrust,
    limits: ConnectionLimits,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    if let ServerTrust::Account(account) = trust {
        check_server_trust(realm, account, base_url)?;
    }
    for deployment in realm.deployments.values() {
        let uses = matches!(&deployment.pipeline.handler, Handler::Upstream { connection, .. } if connection == name);
        if uses && base_url.get(deployment.key.environment).is_none() {
            return Err(Rejection::ConnectionLeadsNowhere {
                connection: name.clone(),
                environment: deployment.key.environment,
                user: deployment.key.pipeline.clone(),
            });
        }
    }
    let present = realm.connections.get(name);
    if present.is_none() && realm.connections.len() >= CONNECTIONS_MAX {
        return Err(Rejection::TooMany {
            what: "connections in a realm",
            most: CONNECTIONS_MAX,
        });
    }
    let unchanged = |present: &Arc<Connection>| {
        present.base_url == *base_url && present.trust == *trust && present.limits == limits
    };
    if present.is_some_and(unchanged) {
        return Ok(Change::nothing());
    }
    let revision = present.map_or(1, |present| present.revision.saturating_add(1));
    let connection = Connection {
        name: name.clone(),
        revision,
        base_url: base_url.clone(),
        trust: trust.clone(),
        limits,
        updated: around.now,
    };
    realm.connections.insert(name.clone(), Arc::new(connection));
    let mut audit = plain_fact("connection.save", realm, None, name.to_string());
    for (environment, url) in base_url.iter() {
        audit.detail.extend(
            url.as_ref()
                .map(|url| (environment.as_str(), url.to_string())),
        );
    }
    Ok(Change {
        touched: vec![Touched::Connection(realm.name.clone(), name.clone())],
        audit: Some(audit),
        warnings: Vec::new(),
    })
}

/// Removes a connection that no pipeline, saved or deployed, uses.
pub(crate) fn delete_connection(
    realm: &mut Realm,
    name: &ConnectionName,
) -> Result<Change, Rejection> {
    let leads_there = |handler: &Handler| matches!(handler, Handler::Upstream { connection, .. } if connection == name);
    let saved = realm
        .pipelines
        .values()
        .map(|pipeline| (pipeline, "pipeline"));
    let deployed = realm
        .deployments
        .values()
        .map(|deployment| (&deployment.pipeline, "the deployment of"));
    if let Some((pipeline, how)) = saved
        .chain(deployed)
        .find(|(pipeline, _)| leads_there(&pipeline.handler))
    {
        return Err(Rejection::ConnectionInUse {
            connection: name.clone(),
            user: format!("{how} {}", pipeline.key),
        });
    }
    if realm.connections.remove(name).is_none() {
        return Err(Rejection::NoConnection {
            realm: realm.name.clone(),
            connection: name.clone(),
        });
    }
    Ok(Change {
        touched: vec![Touched::Connection(realm.name.clone(), name.clone())],
        audit: Some(plain_fact(
            "connection.delete",
            realm,
            None,
            name.to_string(),
        )),
        warnings: Vec::new(),
    })
}

fn connection_of<'a>(
    realm: &'a Realm,
    name: &ConnectionName,
) -> Result<&'a Arc<Connection>, Rejection> {
    realm
        .connections
        .get(name)
        .ok_or_else(|| Rejection::NoConnection {
            realm: realm.name.clone(),
            connection: name.clone(),
        })
}

fn check_server_trust(
    realm: &Realm,
    name: &crate::domain::name::AccountName,
    base_url: &PerEnvironment<Option<BaseUrl>>,
) -> Result<(), Rejection> {
    let Some(account) = realm.accounts.get(name) else {
        return Err(Rejection::NoAccount {
            realm: realm.name.clone(),
            account: name.clone(),
        });
    };
    if account.account_type != AccountType::CertificateChain {
        return Err(Rejection::NotACertificateChain {
            account: name.clone(),
            is: account.account_type,
        });
    }
    for (environment, url) in base_url.iter() {
        let has_certificates = account
            .chain(environment)
            .is_some_and(|(certificates, _)| !certificates.is_empty());
        if url.is_some() && !has_certificates {
            return Err(Rejection::NoServerTrust {
                account: name.clone(),
                environment,
            });
        }
    }
    Ok(())
}

/// What the audit tells of a pipeline's form: above all, for whom it is open.
fn published(revision: u64, trigger: &Trigger, handler: &Handler) -> Vec<(&'static str, String)> {
    let gateways: Vec<&str> = Gateway::ALL
        .into_iter()
        .filter(|gateway| trigger.publication.on(*gateway))
        .map(Gateway::as_str)
        .collect();
    let routes: Vec<String> = trigger.routes.iter().map(ToString::to_string).collect();
    let mut told = vec![
        ("revision", revision.to_string()),
        ("trigger", trigger.kind.as_str().to_owned()),
        ("handler", handler.as_str().to_owned()),
        ("gateways", gateways.join(" ")),
        ("routes", routes.join(" ")),
    ];
    let rule = trigger.client_rule.as_ref();
    told.extend(rule.map(|rule| ("client-rule", rule.as_str().to_owned())));
    told
}

/// The gateways that an existing pipeline is published on from now on, and was not before.
fn switched_on(
    realm: &Realm,
    present: &Pipeline,
    trigger: &Trigger,
    around: Circumstances<'_>,
) -> Vec<Warning> {
    let (before, after) = (present.trigger.publication, trigger.publication);
    let path = base_path(realm.name.as_str(), &present.key);
    Gateway::ALL
        .into_iter()
        .filter(|gateway| after.on(*gateway) && !before.on(*gateway))
        .map(|gateway| {
            let pipeline = present.key.clone();
            match gateway {
                Gateway::External => Warning::NowExternal {
                    pipeline,
                    prod: around.rules.external_url(Environment::Prod, &path),
                    test: around.rules.external_url(Environment::Test, &path),
                },
                Gateway::Internal => Warning::NowInternal { pipeline },
                Gateway::Mtls => Warning::NowMtls { pipeline },
            }
        })
        .collect()
}

fn warnings(
    realm: &Realm,
    key: &PipelineKey,
    trigger: &Trigger,
    environments: &[Environment],
    around: Circumstances<'_>,
) -> Vec<Warning> {
    let publication = trigger.publication;
    let mut warnings = Vec::new();
    if !(publication.external || publication.internal || publication.mtls) {
        warnings.push(Warning::PublishedNowhere {
            pipeline: key.clone(),
        });
    }
    for environment in environments.iter().copied().filter(|_| publication.mtls) {
        if publication.external {
            let path = base_path(realm.name.as_str(), key);
            let url = around.rules.external_url(environment, &path);
            warnings.push(Warning::AlsoOpen {
                pipeline: key.clone(),
                url,
            });
        }
    }
    warnings
}

/// The path of a pipeline: `/pipeline/{realm}/v{major}/{pipeline}`.
pub fn base_path(realm: &str, key: &PipelineKey) -> String {
    format!("/pipeline/{realm}/v{}/{}", key.major, key.name)
}

fn plain_fact(
    action: &'static str,
    realm: &Realm,
    environment: Option<Environment>,
    object: String,
) -> AuditFact {
    AuditFact {
        action,
        realm: Some(realm.name.clone()),
        environment,
        object,
        detail: Vec::new(),
    }
}
