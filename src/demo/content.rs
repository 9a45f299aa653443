//! What the demo's realms hold, as a manifest that the admin API applies.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::demo::error::DemoError;
use crate::demo::pki;

/// The account that is each realm's trust source.
pub const ACCOUNT: &str = "dgb-mtls-demo";
/// The connection to the demo's own service.
pub const CONNECTION: &str = "orders-backend";

/// A pipeline of the demo; each realm has all of them, in both environments.
#[derive(Clone, Copy, Debug)]
pub struct Pipeline {
    /// Its name.
    pub name: &'static str,
    /// What answers.
    pub handler: &'static str,
    /// Whether the external gateway has it.
    pub external: bool,
    /// Whether the internal gateway has it.
    pub internal: bool,
}

/// The pipelines; the mtls gateway has all of them.
pub const PIPELINES: [Pipeline; 3] = [
    Pipeline {
        name: "hello",
        handler: "mock",
        external: true,
        internal: false,
    },
    Pipeline {
        name: "echo",
        handler: "echo",
        external: false,
        internal: false,
    },
    Pipeline {
        name: "orders",
        handler: "upstream",
        external: false,
        internal: true,
    },
];

/// The manifest of both realms. `service` is where the demo's own service listens.
///
/// # Errors
/// [`DemoError::Read`] where a CA's certificate cannot be read.
pub fn manifest(directory: &Path, service: SocketAddr) -> Result<Value, DemoError> {
    let realms = pki::REALMS
        .iter()
        .map(|realm| self::realm(directory, realm, service));
    Ok(json!({ "realm": realms.collect::<Result<Vec<_>, _>>()? }))
}

/// What the connection leads to, as the admin API takes it.
pub fn connection(service: SocketAddr) -> Value {
    json!({ "base-url": format!("http://{service}") })
}

fn realm(directory: &Path, realm: &str, service: SocketAddr) -> Result<Value, DemoError> {
    let path = pki::of_realm(directory, realm).ca_cert;
    let chain =
        std::fs::read_to_string(&path).map_err(|source| DemoError::Read { path, source })?;
    let pipelines: Vec<Value> = PIPELINES.iter().map(self::pipeline).collect();
    let deployments: Vec<Value> = PIPELINES
        .iter()
        .map(|pipeline| json!({ "pipeline": pipeline.name, "major": 1, "environments": ["test", "prod"] }))
        .collect();
    Ok(json!({
        "name": realm,
        "account": [{
            "name": ACCOUNT, "type": "certificate-chain", "test": { "chain": chain }, "prod": { "chain": chain },
        }],
        "installation": [
            { "account": ACCOUNT, "environment": "test", "state": "installed" },
            { "account": ACCOUNT, "environment": "prod", "state": "installed" },
        ],
        "connection": [{ "name": CONNECTION, "base-url": format!("http://{service}") }],
        "pipeline": pipelines,
        "deployment": deployments,
    }))
}

fn pipeline(pipeline: &Pipeline) -> Value {
    let handler = match pipeline.handler {
        "mock" => json!({ "type": "mock", "document": {
            "hello": "{{ message.client.subject }}", "pipeline": "{{ metadata.pipeline.name }}", "method": "{{ message.method }}",
        } }),
        "upstream" => {
            json!({ "type": "upstream", "connection": CONNECTION, "readable-identity-headers": true })
        }
        _ => json!({ "type": "echo" }),
    };
    let routes: &[&str] = if pipeline.handler == "upstream" {
        &["/items/:id", "/mirror", "/bytes/:count"]
    } else {
        &[]
    };
    json!({
        "name": pipeline.name,
        "major": 1,
        "trigger": {
            "type": "rest", "external": pipeline.external, "internal": pipeline.internal, "mtls": true, "routes": routes,
        },
        "handler": handler,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::manifest::document::Document;

    #[test]
    fn the_manifest_is_one() {
        let folder = tempfile::tempdir().unwrap();
        pki::prepare(folder.path(), Moment::parse("2027-01-31").unwrap()).unwrap();
        let manifest = manifest(folder.path(), "127.0.0.1:9000".parse().unwrap()).unwrap();
        let document: Document = serde_json::from_value(manifest).unwrap();
        assert_eq!(document.realm.len(), pki::REALMS.len());
    }
}
