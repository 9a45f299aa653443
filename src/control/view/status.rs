//! How the server is.

use serde::Serialize;

use crate::control::authorise::{self, Matter};
use crate::control::engine::Control;
use crate::control::view::crl_coverage::FreshnessView;
use crate::control::view::realm::why_closed;
use crate::domain::rejection::Rejection;
use crate::domain::token::Actor;

/// How the server is, as far as the actor may see it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// Its version.
    pub version: &'static str,
    /// The catalog's revision.
    pub revision: u64,
    /// The domain that all hosts lie under.
    pub domain: String,
    /// How many realms there are.
    pub realms: usize,
    /// How long it has run, in milliseconds.
    pub uptime_ms: u64,
    /// Realms of which nothing answers, since they did not compile.
    pub closed_realms: Vec<String>,
    /// How fresh revocation lists are.
    pub crls: FreshnessView,
}

impl Control {
    /// How the server is.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn status(&self, actor: &Actor) -> Result<StatusView, Rejection> {
        authorise::read(actor, Matter::Status)?;
        let catalog = self.catalog.load();
        let snapshot = self.live.load_full();
        let seen = || {
            catalog
                .realms
                .keys()
                .filter(|name| authorise::sees(actor, name))
        };
        Ok(StatusView {
            version: env!("CARGO_PKG_VERSION"),
            revision: catalog.revision,
            domain: self.rules.names.domain().to_owned(),
            realms: seen().count(),
            uptime_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            closed_realms: seen()
                .filter(|name| why_closed(&snapshot, name).is_some())
                .map(ToString::to_string)
                .collect(),
            crls: self.freshness_view(|name| authorise::sees(actor, name)),
        })
    }
}
