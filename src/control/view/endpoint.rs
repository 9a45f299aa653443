//! The endpoint sheet: all that somebody needs to call a realm's pipelines in one environment.

use serde::Serialize;

use crate::control::address::{Addresses, Reach};
use crate::control::engine::Control;
use crate::control::view::call::{Calls, Example, ServerCa};
use crate::control::view::time::Time;
use crate::domain::catalog::Catalog;
use crate::domain::deployment::Deployment;
use crate::domain::endpoint::NamePlan;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::identity::{IdentitySlot, Origin, RealmIdentity, ServerIdentity};
use crate::domain::name::RealmName;
use crate::domain::publishing::base_path;
use crate::domain::realm::{Realm, RealmState};
use crate::domain::rejection::Rejection;
use crate::domain::token::Actor;
use crate::domain::trigger::Method;
use crate::pki::certificate::Certificate;

/// The endpoints of a realm in one environment, to be handed to those who call.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointSheet {
    /// Which.
    pub environment: &'static str,
    /// Whether the realm's mTLS endpoints exist.
    pub mtls: bool,
    /// The realm's own mTLS host, once it exists.
    pub mtls_host: Option<String>,
    /// The mTLS host that all realms share, once the realm is let in there.
    pub shared_mtls_host: Option<String>,
    /// The host of the external gateway.
    pub external_host: String,
    /// The host of the internal gateway.
    pub internal_host: String,
    /// Where the gateways listen.
    pub addresses: AddressesView,
    /// What the server shows: on the mTLS hosts once they exist, until then on the external one.
    pub server_certificate: Option<ServerCertificateView>,
    /// The certificate that clients must trust, where the server's is of its own authority; else `null`.
    pub server_ca_pem: Option<String>,
    /// What is deployed, with its URLs.
    pub pipelines: Vec<PipelineEndpoint>,
    /// Calls to paste, once there are mTLS endpoints.
    pub calls: Option<Calls>,
    /// Where the realm's own host does not resolve: a line for the hosts file.
    pub hosts_file_line: Option<String>,
    /// The same as a flag of curl.
    pub resolve_flag: Option<String>,
    /// What there is to know.
    pub note: Option<String>,
}

/// Where the gateways listen, as `address:port`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressesView {
    /// The mtls gateway.
    pub mtls: Option<String>,
    /// The external gateway.
    pub external: Option<String>,
    /// The internal gateway.
    pub internal: Option<String>,
}

/// What the server shows.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerCertificateView {
    /// Its subject.
    pub subject: String,
    /// SHA-256 of it, lower-case hexadecimal.
    pub fingerprint: String,
    /// The same in pairs with colons.
    pub fingerprint_colons: String,
    /// When it ends.
    pub not_after: Time,
    /// It and the issuers that come with it.
    pub chain_pem: String,
}

/// A deployed pipeline with its URLs.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineEndpoint {
    /// Its name.
    pub name: String,
    /// Its major version.
    pub major: u16,
    /// What answers.
    pub handler: &'static str,
    /// Admitted methods.
    pub methods: Vec<&'static str>,
    /// Additional routes below each URL.
    pub routes: Vec<String>,
    /// On the realm's own mTLS host.
    pub mtls_url: Option<String>,
    /// On the shared mTLS host.
    pub shared_mtls_url: Option<String>,
    /// On the external gateway.
    pub external_url: Option<String>,
    /// On the internal gateway.
    pub internal_url: Option<String>,
}

impl Control {
    /// The endpoint sheets of a realm: of one environment, or of both.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn endpoints(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Option<Environment>,
    ) -> Result<Vec<EndpointSheet>, Rejection> {
        let realm = self.seen_realm(actor, realm)?;
        let catalog = self.catalog.load();
        let addresses = **self.addresses.load();
        let site = Site {
            names: &self.rules.names,
            addresses,
            catalog: &catalog,
            realm: &realm,
        };
        let wanted = Environment::ALL
            .into_iter()
            .filter(|one| environment.is_none_or(|wanted| wanted == *one));
        Ok(wanted.map(|environment| site.sheet(environment)).collect())
    }
}

/// What a sheet is written from.
struct Site<'a> {
    names: &'a NamePlan,
    addresses: Addresses,
    catalog: &'a Catalog,
    realm: &'a Realm,
}

impl Site<'_> {
    fn sheet(&self, environment: Environment) -> EndpointSheet {
        let mtls = self.realm.has_mtls(environment);
        let own_host = self.names.realm_host(environment, &self.realm.name);
        let host = |gateway| self.names.shared_host(gateway, environment).to_owned();
        let shown_on = if mtls {
            Gateway::Mtls
        } else {
            Gateway::External
        };
        let own = self.realm.server_identities.get(environment).as_ref();
        let own = own.filter(|_| mtls);
        let identity = self
            .catalog
            .server_identities
            .get(&IdentitySlot::Public(shown_on, environment));
        let server_trust = match identity.map(|identity| identity.origin) {
            _ if own.is_some() => ServerCa::Provided,
            Some(Origin::Provided) => ServerCa::Provided,
            Some(Origin::Generated) | None => ServerCa::Own,
        };
        let certificate = match own {
            Some(own) => own_certificate(own),
            None => identity.and_then(|identity| server_certificate(identity)),
        };
        let authority = self
            .catalog
            .server_authority
            .as_ref()
            .filter(|_| server_trust == ServerCa::Own);
        let deployed: Vec<&Deployment> = self.deployed(environment).collect();
        let example = mtls.then(|| self.example(&own_host, &deployed, server_trust));
        EndpointSheet {
            environment: environment.as_str(),
            mtls,
            mtls_host: mtls.then(|| own_host.clone()),
            shared_mtls_host: mtls.then(|| host(Gateway::Mtls)),
            external_host: host(Gateway::External),
            internal_host: host(Gateway::Internal),
            addresses: self.addresses_view(),
            server_certificate: certificate,
            server_ca_pem: authority.map(|authority| authority.certificate.to_pem()),
            pipelines: deployed
                .iter()
                .map(|deployment| self.pipeline(deployment, &own_host, mtls))
                .collect(),
            calls: example.as_ref().map(Calls::of),
            hosts_file_line: example
                .as_ref()
                .map(|of| format!("{} {}", of.hosts_line(), host(Gateway::Mtls))),
            resolve_flag: example.as_ref().map(Example::resolve_flag),
            note: self.note(environment, &deployed),
        }
    }

    fn deployed(&self, environment: Environment) -> impl Iterator<Item = &Deployment> {
        self.realm
            .deployments
            .values()
            .filter(move |of| of.key.environment == environment)
            .map(AsRef::as_ref)
    }

    fn addresses_view(&self) -> AddressesView {
        let told = |gateway| {
            self.addresses
                .of(gateway)
                .map(|reach| std::net::SocketAddr::new(reach.address, reach.port).to_string())
        };
        AddressesView {
            mtls: told(Gateway::Mtls),
            external: told(Gateway::External),
            internal: told(Gateway::Internal),
        }
    }

    fn pipeline(&self, deployment: &Deployment, own_host: &str, mtls: bool) -> PipelineEndpoint {
        let pipeline = &deployment.pipeline;
        let path = base_path(self.realm.name.as_str(), &pipeline.key);
        let shared = |gateway| self.names.shared_host(gateway, deployment.key.environment);
        let url = |gateway, host: &str| {
            let there =
                pipeline.trigger.publication.on(gateway) && (gateway != Gateway::Mtls || mtls);
            there.then(|| self.addresses.url(gateway, host, &path))
        };
        PipelineEndpoint {
            name: pipeline.key.name.to_string(),
            major: pipeline.key.major,
            handler: pipeline.handler.as_str(),
            methods: pipeline
                .trigger
                .methods
                .iter()
                .map(Method::as_str)
                .collect(),
            routes: pipeline
                .trigger
                .routes
                .iter()
                .map(ToString::to_string)
                .collect(),
            mtls_url: url(Gateway::Mtls, own_host),
            shared_mtls_url: url(Gateway::Mtls, shared(Gateway::Mtls)),
            external_url: url(Gateway::External, shared(Gateway::External)),
            internal_url: url(Gateway::Internal, shared(Gateway::Internal)),
        }
    }

    /// The first pipeline that answers on the mTLS host, by GET where it can; else a place holder.
    fn example(&self, own_host: &str, deployed: &[&Deployment], server_trust: ServerCa) -> Example {
        let reach = self.addresses.of(Gateway::Mtls);
        let local = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
        let called = deployed
            .iter()
            .find(|of| of.pipeline.trigger.publication.mtls);
        let method = called
            .map(|of| of.pipeline.trigger.methods)
            .map_or(Method::Get, |methods| {
                let first = if methods.contains(Method::Get) {
                    None
                } else {
                    methods.iter().next()
                };
                first.unwrap_or(Method::Get)
            });
        let realm = self.realm.name.as_str();
        let path = called.map_or_else(
            || format!("/pipeline/{realm}/v1/PIPELINE"),
            |of| base_path(realm, &of.pipeline.key),
        );
        Example {
            host: own_host.to_owned(),
            port: reach.map_or(443, |reach| reach.port),
            path,
            method,
            address: reach.as_ref().map_or(local, Reach::local),
            server_trust,
        }
    }

    fn note(&self, environment: Environment, deployed: &[&Deployment]) -> Option<String> {
        let realm = &self.realm.name;
        if self.realm.state == RealmState::Suspended {
            return Some(format!(
                "Realm {realm} is suspended: nothing of it answers until an operator resumes it."
            ));
        }
        if !self.realm.has_mtls(environment) {
            return Some(format!(
                "mTLS is off in {environment}: realm {realm} has no installation there. Save the CA's certificate in an \
                 account, then ask for it with 'realmgate installation request'."
            ));
        }
        if !deployed
            .iter()
            .any(|of| of.pipeline.trigger.publication.mtls)
        {
            return Some(format!(
                "No pipeline of realm {realm} that is deployed in {environment} has mTLS enabled: the calls name a \
                 pipeline that is yet to come."
            ));
        }
        let everywhere = self
            .addresses
            .mtls
            .is_some_and(|reach| reach.address.is_unspecified());
        everywhere.then(|| {
            "The server listens on all of its addresses: from another machine, write that of the server in place of \
             127.0.0.1."
                .to_owned()
        })
    }
}

fn server_certificate(identity: &ServerIdentity) -> Option<ServerCertificateView> {
    certificate_view(&identity.certificates.first()?.chain)
}

fn own_certificate(identity: &RealmIdentity) -> Option<ServerCertificateView> {
    let chain = identity.certificates.first()?.decode().ok()?;
    certificate_view(&chain)
}

fn certificate_view(chain: &[Certificate]) -> Option<ServerCertificateView> {
    let leaf = chain.first()?;
    Some(ServerCertificateView {
        subject: leaf.facts().subject.clone(),
        fingerprint: leaf.fingerprint().to_string(),
        fingerprint_colons: leaf.fingerprint().colons(),
        not_after: Time(leaf.facts().not_after),
        chain_pem: chain.iter().map(Certificate::to_pem).collect(),
    })
}
