//! Our own server identity, as it is told.

use serde::Serialize;

use crate::clock::Moment;
use crate::control::authorise::{self, Matter};
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::executing::Done;
use crate::control::identities;
use crate::control::view::certificate::CertificateView;
use crate::control::view::time::Time;
use crate::domain::change::Warning;
use crate::domain::command::Command;
use crate::domain::environment::{Environment, Gateway, InvalidWord};
use crate::domain::identifying;
use crate::domain::identity::{IdentityCertificate, IdentitySlot, Origin, ServerIdentity};
use crate::domain::name::RealmName;
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::token::Actor;
use crate::pki::certificate::Certificate;
use crate::pki::secret::Secret;
use crate::pki::upload::{self, InvalidUpload};

/// What a listener shows to clients.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerIdentityView {
    /// Whose: `admin`, or gateway and environment, such as `mtls-prod`.
    pub slot: String,
    /// The realm whose own host shows it; absent where a listener shows it to all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// `generated` or `provided`.
    pub origin: &'static str,
    /// The first leaf's subject.
    pub subject: String,
    /// When that leaf ends.
    pub not_after: Option<Time>,
    /// SHA-256 of that leaf.
    pub fingerprint: String,
    /// When it was put in place.
    pub updated: Time,
    /// All certificates of all chains, each leaf first.
    pub certificates: Vec<CertificateView>,
}

/// Reads whose identity it is: `admin`, or gateway and environment, such as `mtls-prod`.
///
/// # Errors
/// [`InvalidWord`] for any other text.
pub fn parse_slot(text: &str) -> Result<IdentitySlot, InvalidWord> {
    let wrong = InvalidWord {
        what: "server identity",
        allowed: "admin, or a gateway and an environment, like mtls-prod, external-test or internal-prod",
    };
    if text == "admin" {
        return Ok(IdentitySlot::Admin);
    }
    let (gateway, environment) = text.split_once('-').ok_or_else(|| wrong.clone())?;
    match (Gateway::parse(gateway), Environment::parse(environment)) {
        (Ok(gateway), Ok(environment)) => Ok(IdentitySlot::Public(gateway, environment)),
        (Err(_), _) | (_, Err(_)) => Err(wrong),
    }
}

/// The text that [`parse_slot`] reads; of a realm's own, that of the gateway in whose place it is shown.
pub fn slot_text(slot: &IdentitySlot) -> String {
    match slot {
        IdentitySlot::Admin => "admin".to_owned(),
        IdentitySlot::Public(gateway, environment) => format!("{gateway}-{environment}"),
        IdentitySlot::Realm(_, environment) => format!("{}-{environment}", Gateway::Mtls),
    }
}

impl Control {
    /// What every listener shows, and after that what realms' own hosts do.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`] for a realm's admins.
    pub fn server_identities(&self, actor: &Actor) -> Result<Vec<ServerIdentityView>, Rejection> {
        authorise::read(actor, Matter::ServerIdentities)?;
        let catalog = self.catalog.load();
        let listeners = catalog.server_identities.values();
        let own = catalog.realms.values().flat_map(|realm| own_views(realm));
        Ok(listeners
            .map(|identity| view(identity))
            .chain(own)
            .collect())
    }

    /// What one realm's own host shows where it has an identity of its own.
    ///
    /// # Errors
    /// [`Rejection::NoRealm`].
    pub fn realm_identities(
        &self,
        actor: &Actor,
        realm: &RealmName,
    ) -> Result<Vec<ServerIdentityView>, Rejection> {
        authorise::read(actor, Matter::Realm(realm))?;
        Ok(own_views(self.catalog.load().realm(realm)?).collect())
    }

    /// The certificate of the server's own authority, as PEM; `None` before the first start is over.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn server_ca(&self, actor: &Actor) -> Result<Option<String>, Rejection> {
        authorise::read(actor, Matter::ServerAuthority)?;
        Ok(self.server_ca_pem())
    }

    /// The same, for the program itself: it writes it beside the store.
    pub fn server_ca_pem(&self) -> Option<String> {
        self.catalog
            .load()
            .server_authority
            .as_ref()
            .map(|authority| authority.certificate.to_pem())
    }

    /// Puts a real server certificate and its key in place; it is shown from the next handshake on. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn provide_server_identity(
        &self,
        actor: &Actor,
        slot: IdentitySlot,
        chain: &str,
        key: &Secret,
    ) -> Result<Done, ControlError> {
        authorise::identity(actor, &slot, "server-identity.provide")?;
        let unreadable =
            |field| move |source: InvalidUpload| ControlError::Upload { field, source };
        let chain = upload::read(chain.as_bytes(), None).map_err(unreadable("chain"))?;
        let given = upload::read(key.expose(), None).map_err(unreadable("key"))?;
        let key = given.key.or(chain.key).ok_or(ControlError::KeyMissing)?;
        let certificate = IdentityCertificate {
            chain: chain.certificates,
            key,
        };
        let hosts = match slot {
            IdentitySlot::Admin => {
                identities::host_names(&slot, &self.rules.names, &self.admin_names)
            }
            IdentitySlot::Public(..) | IdentitySlot::Realm(..) => Vec::new(),
        };
        let locked_out = certificate
            .chain
            .first()
            .is_some_and(|leaf| !hosts.is_empty() && identifying::names_none(leaf, &hosts));
        let mut done = self.execute_blocking(
            actor,
            &[Command::ProvideServerIdentity { slot, certificate }],
        )?;
        if locked_out {
            done.warnings
                .push(Warning::AdminNotCovered { names: hosts });
        }
        Ok(done)
    }

    /// Goes back to a generated certificate, made anew; where a generated one is shown, it stays. A realm's own host goes
    /// back to what the mtls gateway shows. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn reset_server_identity(
        &self,
        actor: &Actor,
        slot: &IdentitySlot,
    ) -> Result<Done, ControlError> {
        authorise::identity(actor, slot, "server-identity.reset")?;
        let (names, admin_names) = (&self.rules.names, &self.admin_names);
        self.change(actor, |catalog, now| {
            identities::reset(catalog, slot, names, admin_names, now)
        })
    }
}

fn view(identity: &ServerIdentity) -> ServerIdentityView {
    let chains = identity.certificates.iter().map(|of| of.chain.as_slice());
    ServerIdentityView {
        origin: match identity.origin {
            Origin::Generated => "generated",
            Origin::Provided => "provided",
        },
        ..shown(&identity.slot, chains, identity.updated)
    }
}

/// A chain that cannot be decoded any more is left out.
fn own_views(realm: &Realm) -> impl Iterator<Item = ServerIdentityView> {
    let own = realm.server_identities.iter();
    own.filter_map(|(environment, own)| {
        let own = own.as_ref()?;
        let kept = own.certificates.iter();
        let chains: Vec<_> = kept.filter_map(|kept| kept.decode().ok()).collect();
        let slot = IdentitySlot::Realm(realm.name.clone(), environment);
        let chains = chains.iter().map(Vec::as_slice);
        Some(shown(&slot, chains, own.updated))
    })
}

/// As provided; generated ones are told apart by whoever knows.
fn shown<'a>(
    slot: &IdentitySlot,
    chains: impl Iterator<Item = &'a [Certificate]> + Clone,
    updated: Moment,
) -> ServerIdentityView {
    let leaf = chains.clone().next().and_then(<[Certificate]>::first);
    ServerIdentityView {
        slot: slot_text(slot),
        realm: slot.realm().map(ToString::to_string),
        origin: "provided",
        subject: leaf
            .map(|leaf| leaf.facts().subject.clone())
            .unwrap_or_default(),
        not_after: leaf.map(|leaf| Time(leaf.facts().not_after)),
        fingerprint: leaf
            .map(|leaf| leaf.fingerprint().to_string())
            .unwrap_or_default(),
        updated: Time(updated),
        certificates: chains.flat_map(CertificateView::all).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_is_read_as_it_is_written() {
        for slot in IdentitySlot::all() {
            assert_eq!(parse_slot(&slot_text(&slot)), Ok(slot));
        }
        for wrong in ["", "mtls", "mtls/prod", "mtls-live", "Admin", "prod-mtls"] {
            assert!(parse_slot(wrong).is_err(), "{wrong}");
        }
    }
}
