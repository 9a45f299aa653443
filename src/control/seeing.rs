//! Clients that were let in: from the data plane into the store.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::domain::seen::SeenClient;
use crate::telemetry::seen::Sighting;

/// The most alternative names that are kept of a client.
const SANS_MAX: usize = 32;
const DAY: Duration = Duration::from_secs(24 * 3600);

impl Control {
    /// Moves what the data plane saw of clients into the store. Blocks.
    ///
    /// # Errors
    /// [`ControlError::Store`]; what waited is lost then.
    pub fn note_clients(&self) -> Result<(), ControlError> {
        let _noting = self.noting.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.clients_seen.drain();
        let unseen = self.clients_seen.take_unseen();
        if unseen > 0 {
            tracing::warn!(
                handshakes = unseen,
                "too many clients came at once to note them all: those of open connections are known all the same"
            );
        }
        let seen: Vec<SeenClient> = waiting.into_iter().filter_map(of_sighting).collect();
        let most = self.clients_seen_limits.per_realm_max;
        Ok(self.store.add_clients_seen(&seen, most)?)
    }

    /// Notes that the clients of open connections are still there. Blocks.
    ///
    /// # Errors
    /// [`ControlError::Store`].
    pub fn note_open_clients(&self) -> Result<(), ControlError> {
        let _noting = self.noting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut present = BTreeSet::new();
        for open in self.open.all() {
            let fingerprint = open.verified.identity.fingerprint;
            let realms = match &open.realm {
                Some(realm) => vec![realm.clone()],
                None => open.called(),
            };
            let of_realms = realms
                .into_iter()
                .filter(|realm| !realm.is_reserved())
                .map(|realm| (realm, open.environment, fingerprint));
            present.extend(of_realms);
        }
        let present: Vec<_> = present.into_iter().collect();
        Ok(self.store.touch_clients_seen(&present, self.now())?)
    }

    /// Forgets the clients that were not seen for as long as the setting says. Blocks.
    ///
    /// # Errors
    /// [`ControlError::Store`].
    pub fn forget_clients(&self) -> Result<(), ControlError> {
        let life = DAY.saturating_mul(self.clients_seen_limits.days);
        Ok(self.store.forget_clients_seen(self.now().minus(life))?)
    }
}

/// `None` where the certificate cannot be decoded, which has been done before.
fn of_sighting(sighting: Sighting) -> Option<SeenClient> {
    let leaf = sighting.verified.leaf()?;
    let identity = &sighting.verified.identity;
    Some(SeenClient {
        realm: sighting.realm,
        environment: sighting.environment,
        fingerprint: identity.fingerprint,
        subject: identity.subject.clone(),
        sans: identity.sans.iter().take(SANS_MAX).cloned().collect(),
        issuer: identity.issuer.clone(),
        serial: identity.serial.clone(),
        spki_sha256: leaf.facts().spki_sha256,
        not_after: identity.not_after,
        anchor: identity.anchor,
        anchor_subject: identity.anchor_subject.clone(),
        account: identity.account.to_string(),
        chain: sighting
            .verified
            .chain
            .iter()
            .map(|der| der.to_vec())
            .collect(),
        chain_cut: sighting.chain_cut,
        first: sighting.first,
        last: sighting.last,
        handshakes: sighting.handshakes,
        full_handshakes: sighting.full_handshakes,
        address: sighting.address,
        tls: sighting.tls.to_owned(),
        protocol: sighting.protocol.to_owned(),
    })
}
