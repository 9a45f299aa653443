//! Deny lists.

use serde::Serialize;

use crate::clock::Moment;
use crate::control::authorise;
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::executing::Done;
use crate::control::impact::Cutting;
use crate::control::view::time::Time;
use crate::domain::denial::{Denial, Denied};
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::rejection::Rejection;
use crate::domain::token::Actor;
use crate::manifest::denial::DenyDocument;
use crate::manifest::invalid::InvalidManifest;

/// A denial in words. All texts are escaped and bounded.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DenialView {
    /// What it is removed by: 64 hexadecimal digits, the same for the same thing in every realm.
    pub id: String,
    /// What is denied: `certificate`, `key`, `serial` or `subject`.
    pub what: &'static str,
    /// The SHA-256 of the certificate.
    pub certificate_sha256: Option<String>,
    /// The SHA-256 of the key.
    pub key_sha256: Option<String>,
    /// The serial number.
    pub serial: Option<String>,
    /// Whose serial number; `null` where it is anybody's.
    pub issuer: Option<String>,
    /// The subject.
    pub subject: Option<String>,
    /// Why.
    pub reason: String,
    /// When it ends.
    pub until: Option<Time>,
    /// `active` or `ended`.
    pub state: &'static str,
    /// When it was saved last.
    pub added: Option<Time>,
    /// By whom.
    pub by: String,
}

impl Control {
    /// A realm's deny list in an environment: first what is in force, of that first what was saved last.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn denials(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
    ) -> Result<Vec<DenialView>, Rejection> {
        let (realm, now) = (self.seen_realm(actor, realm)?, self.now());
        let mut denials: Vec<_> = realm.denials.get(environment).iter().collect();
        denials.sort_by_key(|(id, denial)| {
            let latest = std::cmp::Reverse(denial.added);
            (denial.has_ended(now), latest, **id)
        });
        let views = denials.iter().map(|(_, denial)| view(denial, now));
        Ok(views.collect())
    }

    /// Puts something on a deny list. To deny an installed anchor is to deny all of its clients, which `cutting` has to
    /// know of. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn deny(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
        document: &DenyDocument,
        cutting: Cutting,
    ) -> Result<Done, ControlError> {
        authorise::inside(actor, realm, "denial.save")?;
        let command =
            document
                .command(realm, environment)
                .map_err(|source| InvalidManifest::Denial {
                    realm: realm.clone(),
                    environment,
                    source,
                })?;
        self.change_cutting(actor, cutting, |catalog, _| {
            catalog.realm(realm)?;
            Ok::<_, Rejection>(vec![command])
        })
    }
}

fn view(of: &Denial, now: Moment) -> DenialView {
    let mut view = DenialView {
        id: of.what.id().to_string(),
        what: of.what.kind(),
        reason: of.reason.to_string(),
        until: of.until.map(Time),
        state: if of.has_ended(now) { "ended" } else { "active" },
        added: Some(Time(of.added)),
        by: of.by.clone(),
        ..DenialView::default()
    };
    match &of.what {
        Denied::Certificate(of) => view.certificate_sha256 = Some(of.to_string()),
        Denied::Key(of) => view.key_sha256 = Some(of.to_string()),
        Denied::Serial { serial, issuer } => {
            view.serial = Some(serial.to_string());
            view.issuer = issuer.as_ref().map(ToString::to_string);
        }
        Denied::Subject(of) => view.subject = Some(of.to_string()),
    }
    view
}
