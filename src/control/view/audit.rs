//! The audit, as it is told.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock::Moment;
use crate::control::authorise::{self, Matter};
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::view::time::Time;
use crate::domain::audit::AuditRecord;
use crate::domain::name::RealmName;
use crate::domain::token::Actor;
use crate::store::reading::AuditFilter;

/// The most records that are told at a time.
pub const AUDIT_LIMIT_MAX: usize = 1000;

/// One change.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditView {
    /// Its place, from 1, without gaps.
    pub sequence: u64,
    /// The revision that it made.
    pub revision: u64,
    /// When.
    pub at: Time,
    /// Who.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// From where.
    pub address: Option<String>,
    /// What was done.
    pub action: String,
    /// In which realm.
    pub realm: Option<String>,
    /// In which environment.
    pub environment: Option<&'static str>,
    /// To what.
    pub object: String,
    /// Facts worth keeping.
    pub detail: Map<String, Value>,
}

impl Control {
    /// Changes, newest first: of one realm, or of everything. A realm's admins who name no realm get their own's. Of
    /// records before `before`, at most `limit`, and never more than [`AUDIT_LIMIT_MAX`]. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn audit(
        &self,
        actor: &Actor,
        realm: Option<RealmName>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditView>, ControlError> {
        let realm = realm.or_else(|| actor.role.realm().cloned());
        match &realm {
            Some(realm) => authorise::read(actor, Matter::Realm(realm))?,
            None => authorise::read(actor, Matter::Audit)?,
        }
        let filter = AuditFilter {
            realm,
            before,
            limit: limit.min(AUDIT_LIMIT_MAX),
        };
        let since = self.told_since(actor);
        let told = self.store.audit(&filter)?.into_iter();
        Ok(told.filter(|record| record.at >= since).map(view).collect())
    }

    /// Realm admins are told of their realm as it is: what happened in a former one of the same name is not theirs.
    fn told_since(&self, actor: &Actor) -> Moment {
        let catalog = self.catalog();
        let own = actor.role.realm().and_then(|own| catalog.realms.get(own));
        own.map_or(Moment::from_unix_millis(i64::MIN), |realm| realm.created)
    }
}

fn view(record: AuditRecord) -> AuditView {
    AuditView {
        sequence: record.sequence,
        revision: record.revision,
        at: Time(record.at),
        actor: record.actor,
        role: record.role,
        address: record.address.map(|address| address.to_string()),
        action: record.action,
        realm: record.realm.map(|realm| realm.to_string()),
        environment: record.environment.map(|environment| environment.as_str()),
        object: record.object,
        detail: record
            .detail
            .into_iter()
            .map(|(key, value)| (key, Value::String(value)))
            .collect(),
    }
}
