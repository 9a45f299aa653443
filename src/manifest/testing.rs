//! Certificates and catalogs for tests.

use std::time::Duration;

use crate::clock::Moment;
use crate::domain::catalog::{Catalog, Circumstances, Rules};
use crate::domain::endpoint::{HostLabels, NamePlan};
use crate::domain::token::{Actor, Role};
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::plan::{self, Plan, Unnamed};
use crate::manifest::read;
use crate::pki::authority::{Authority, AuthorityRequest, Leaf};
use crate::pki::key::KeyChoice;

/// When it is, in tests.
pub fn now() -> Moment {
    Moment::parse("2030-06-01T12:00:00Z").unwrap()
}

/// A CA that is valid now.
pub fn authority(name: &str) -> Authority {
    Authority::self_signed(&AuthorityRequest {
        common_name: name.to_owned(),
        organization: None,
        not_before: now().minus(Duration::from_secs(3600)),
        not_after: now().plus(Duration::from_secs(365 * 24 * 3600)),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}

/// A certificate that is no CA's.
pub fn leaf(authority: &Authority) -> Leaf {
    let names = ["a.example".to_owned()];
    let end = now().plus(Duration::from_secs(24 * 3600));
    authority
        .issue_server(&names, now().minus(Duration::from_secs(60)), end)
        .unwrap()
}

/// The rules of an appliance as it is shipped.
pub fn rules() -> Rules {
    Rules {
        external_port: None,
        trust_account_prefix: "dgb-mtls-".to_owned(),
        request_mb_max: 1024,
        names: NamePlan::new("gate.localhost", &HostLabels::default()).unwrap(),
    }
}

/// Plans a manifest for an operator.
pub fn plan(catalog: &Catalog, manifest: &str, unnamed: Unnamed) -> Result<Plan, InvalidManifest> {
    plan_as(&Role::Operator, catalog, manifest, unnamed)
}

/// Plans a manifest.
pub fn plan_as(
    role: &Role,
    catalog: &Catalog,
    manifest: &str,
    unnamed: Unnamed,
) -> Result<Plan, InvalidManifest> {
    let document = read::toml(manifest).unwrap_or_else(|error| panic!("{error}\n{manifest}"));
    plan::plan(catalog, &[document], role, unnamed, &rules(), now())
}

/// The steps of a plan, a line each.
pub fn lines(plan: &Plan) -> Vec<String> {
    let line = |step: &crate::manifest::step::Step| {
        let place = step
            .environment
            .map(|environment| format!(" in {environment}"))
            .unwrap_or_default();
        format!("{} {} {}{place}", step.verb.as_str(), step.noun, step.name)
    };
    plan.steps.iter().map(line).collect()
}

/// The catalog after a plan of an operator was carried out.
pub fn carried_out(catalog: &Catalog, mut plan: Plan) -> Catalog {
    let (mut next, rules) = (catalog.clone(), rules());
    let actor = Actor {
        name: "test".to_owned(),
        role: Role::Operator,
        address: None,
    };
    for command in plan.take_commands() {
        next.apply(
            &command,
            Circumstances {
                actor: &actor,
                now: now(),
                rules: &rules,
            },
        )
        .unwrap();
    }
    next
}
