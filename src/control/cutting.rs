//! What changes of trust cut: told to the data plane before they take hold, and written into the audit afterwards.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::domain::audit::AuditFact;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::token::Actor;
use crate::snapshot::state::Snapshot;
use crate::telemetry::cuts::{Changed, CutRecord};

/// How long after its first cut a cause may have others, besides the grace of what is in flight: connections are judged
/// again within a second, and calls are looked after several times a second.
const OPEN_FOR: Duration = Duration::from_millis(1_750);
/// How many facts of one change are told as the cause.
const FACTS_MAX: usize = 3;

impl Control {
    /// Tells what changes of whom it trusts a commit makes in each of its realms, so that whom they cut is told by cause.
    pub(crate) fn foretell_cuts(
        &self,
        (before, next): (&Snapshot, &Snapshot),
        realms: &[RealmName],
        audit: &[AuditFact],
    ) {
        for realm in realms {
            let epoch = |of: &Snapshot, environment| {
                let realm = of.realms.get(realm)?;
                Some(realm.environments.get(environment).epoch.number())
            };
            for environment in Environment::ALL {
                let was = epoch(before, environment);
                if was.is_some() && was != epoch(next, environment) {
                    self.cuts.changed(Changed {
                        revision: next.revision,
                        realm: realm.clone(),
                        environment,
                        what: what(audit, realm, environment),
                    });
                }
            }
        }
    }

    /// Writes the causes to which nothing can be added any more into the audit. Blocks.
    ///
    /// # Errors
    /// [`ControlError::Store`]; what was to be written is lost then.
    pub fn store_cuts(&self) -> Result<(), ControlError> {
        self.store_cuts_of(OPEN_FOR.saturating_add(self.cut_grace()))
    }

    /// Writes all causes into the audit, when nothing is served any more. Blocks.
    ///
    /// # Errors
    /// As [`Control::store_cuts`].
    pub fn store_last_cuts(&self) -> Result<(), ControlError> {
        self.store_cuts_of(Duration::ZERO)
    }

    fn store_cuts_of(&self, open_for: Duration) -> Result<(), ControlError> {
        let facts: Vec<AuditFact> = self.cuts.take(open_for).into_iter().map(fact).collect();
        let now = self.clock.now();
        Ok(self.store.add_audit(&facts, &Actor::system(), now)?)
    }
}

/// What a commit did in a realm and environment.
fn what(audit: &[AuditFact], realm: &RealmName, environment: Environment) -> Arc<str> {
    let mut text = String::new();
    let mut facts = audit.iter().filter(|fact| {
        fact.realm.as_ref() == Some(realm) && fact.environment.is_none_or(|of| of == environment)
    });
    for fact in facts.by_ref().take(FACTS_MAX) {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}{} {}", fact.action, fact.object);
    }
    let more = facts.count();
    if more > 0 {
        let _ = write!(text, ", and {more} more");
    }
    text.into()
}

fn fact(record: CutRecord) -> AuditFact {
    let CutRecord {
        realm,
        environment,
        object,
        cause,
        reasons,
        connections,
        calls,
        clients,
        left_out,
    } = record;
    let clients: Vec<String> = clients
        .iter()
        .map(|(fingerprint, subject)| format!("{fingerprint} {subject}"))
        .collect();
    let mut detail = vec![
        ("cause", cause),
        ("reason", reasons.join(", ")),
        ("connections", connections.to_string()),
        ("calls", calls.to_string()),
        ("clients", clients.join("\n")),
    ];
    if left_out > 0 {
        detail.push(("clientsLeftOut", left_out.to_string()));
    }
    AuditFact {
        action: "connections.cut",
        realm,
        environment: Some(environment),
        object,
        detail,
    }
}
