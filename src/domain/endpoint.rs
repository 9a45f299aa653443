//! Endpoints: the host names of gateways, environments and realms.

use crate::domain::environment::{Environment, Gateway, PerEnvironment};
use crate::domain::name::RealmName;

/// The first label of each gateway's shared host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLabels {
    /// Of the external gateway: `api` and `test`.
    pub external: PerEnvironment<String>,
    /// Of the internal gateway: `api-internal` and `test-internal`.
    pub internal: PerEnvironment<String>,
    /// Of the mtls gateway: `api2` and `test2`.
    pub mtls: PerEnvironment<String>,
}

impl Default for HostLabels {
    fn default() -> Self {
        let labels = |test: &str, prod: &str| PerEnvironment {
            test: test.to_owned(),
            prod: prod.to_owned(),
        };
        Self {
            external: labels("test", "api"),
            internal: labels("test-internal", "api-internal"),
            mtls: labels("test2", "api2"),
        }
    }
}

/// What a host name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The gateway.
    pub gateway: Gateway,
    /// The environment.
    pub environment: Environment,
    /// The realm's label on its own host (mtls only; it may name no realm at all); `None` on a shared host.
    pub realm: Option<&'a str>,
}

/// All host names of an installation: a pure function of the domain and the labels.
#[derive(Clone, Debug)]
pub struct NamePlan {
    domain: String,
    shared: Vec<(String, Gateway, Environment)>,
}

impl NamePlan {
    /// Makes the plan.
    ///
    /// # Errors
    /// [`InvalidNamePlan`] where the domain or a label is no DNS name, or two hosts would have one name.
    pub fn new(domain: &str, labels: &HostLabels) -> Result<Self, InvalidNamePlan> {
        let domain = domain.to_ascii_lowercase();
        if domain.len() > 180 || domain.is_empty() || !domain.split('.').all(is_label) {
            return Err(InvalidNamePlan::Domain { domain });
        }
        let mut shared: Vec<(String, Gateway, Environment)> = Vec::new();
        for gateway in Gateway::ALL {
            let of_gateway = match gateway {
                Gateway::External => &labels.external,
                Gateway::Internal => &labels.internal,
                Gateway::Mtls => &labels.mtls,
            };
            for (environment, label) in of_gateway.iter() {
                if !is_label(label) {
                    return Err(InvalidNamePlan::Label {
                        label: label.clone(),
                        gateway,
                        environment,
                    });
                }
                let host = format!("{label}.{domain}");
                if shared.iter().any(|(other, _, _)| *other == host) {
                    return Err(InvalidNamePlan::Twice { host });
                }
                shared.push((host, gateway, environment));
            }
        }
        Ok(Self { domain, shared })
    }

    /// The domain that all hosts lie under.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The host that all realms share.
    pub fn shared_host(&self, gateway: Gateway, environment: Environment) -> &str {
        self.shared
            .iter()
            .find(|(_, g, e)| *g == gateway && *e == environment)
            .map_or("", |(host, _, _)| host.as_str())
    }

    /// The mTLS host of one realm.
    pub fn realm_host(&self, environment: Environment, realm: &RealmName) -> String {
        format!("{realm}.{}", self.shared_host(Gateway::Mtls, environment))
    }

    /// What `host`, in lower case and without port or trailing dot, leads to.
    pub fn locate<'a>(&self, host: &'a str) -> Option<Place<'a>> {
        if let Some((_, gateway, environment)) =
            self.shared.iter().find(|(shared, _, _)| shared == host)
        {
            return Some(Place {
                gateway: *gateway,
                environment: *environment,
                realm: None,
            });
        }
        let (label, parent) = host.split_once('.')?;
        let (_, gateway, environment) = self
            .shared
            .iter()
            .find(|(shared, gateway, _)| *gateway == Gateway::Mtls && shared == parent)?;
        Some(Place {
            gateway: *gateway,
            environment: *environment,
            realm: Some(label),
        })
    }
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Why host names cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNamePlan {
    /// Not a domain.
    #[error("the domain '{domain}' is no DNS name: write it like gate.example.com")]
    Domain {
        /// What was written.
        domain: String,
    },
    /// Not a host label.
    #[error(
        "the host label '{label}' of the {gateway} gateway in {environment} is no DNS label: use a-z, 0-9 and -"
    )]
    Label {
        /// What was written.
        label: String,
        /// Of which gateway.
        gateway: Gateway,
        /// In which environment.
        environment: Environment,
    },
    /// Two gateways of one name.
    #[error("two gateways would have the host '{host}': give each label once")]
    Twice {
        /// The host.
        host: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_one_place() {
        let plan = NamePlan::new("gate.localhost", &HostLabels::default()).unwrap();
        let place = |gateway, environment, realm| {
            Some(Place {
                gateway,
                environment,
                realm,
            })
        };
        let cases = [
            (
                "api.gate.localhost",
                place(Gateway::External, Environment::Prod, None),
            ),
            (
                "test-internal.gate.localhost",
                place(Gateway::Internal, Environment::Test, None),
            ),
            (
                "api2.gate.localhost",
                place(Gateway::Mtls, Environment::Prod, None),
            ),
            (
                "acme.api2.gate.localhost",
                place(Gateway::Mtls, Environment::Prod, Some("acme")),
            ),
            (
                "acme.test2.gate.localhost",
                place(Gateway::Mtls, Environment::Test, Some("acme")),
            ),
            ("acme.api.gate.localhost", None),
            ("x.acme.api2.gate.localhost", None),
            ("gate.localhost", None),
            ("localhost", None),
            ("", None),
        ];
        for (host, expect) in cases {
            assert_eq!(plan.locate(host), expect, "{host}");
        }
    }

    #[test]
    fn one_name_cannot_lead_to_two_places() {
        let labels = HostLabels {
            mtls: PerEnvironment {
                test: "api".into(),
                prod: "api2".into(),
            },
            ..HostLabels::default()
        };
        assert!(matches!(
            NamePlan::new("a.example", &labels),
            Err(InvalidNamePlan::Twice { .. })
        ));
        assert!(matches!(
            NamePlan::new("a..b", &HostLabels::default()),
            Err(InvalidNamePlan::Domain { .. })
        ));
    }
}
