//! What goes on by itself: refusals into the store each second, server certificates renewed in time.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::clock::Moment;
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::identities;
use crate::domain::token::Actor;

/// How often refusals are stored: so many may be lost in a crash.
const DRAIN_EVERY: Duration = Duration::from_secs(1);
/// How often the ends of revocation lists are looked at.
const WARN_EVERY: Duration = Duration::from_secs(60);
/// How often clients of open connections count as seen.
const NOTE_OPEN_EVERY: Duration = Duration::from_secs(60);
/// How often the server certificates are looked at.
const RENEW_EVERY: Duration = Duration::from_secs(24 * 3600);

impl Control {
    /// Does what has to be done by itself until `stop` turns true or is dropped, and a last time then.
    pub async fn upkeep(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut ticks = interval(DRAIN_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut renewed = self.now();
        let mut noted = renewed;
        let mut warned: Option<(Moment, u64)> = None;
        self.warn_of_overdue_retirements();
        loop {
            let stopped = tokio::select! {
                _ = ticks.tick() => false,
                stopped = stop.wait_for(|stop| *stop) => { drop(stopped); true }
            };
            if self.journal.waiting() > 0 {
                report(
                    "refusals could not be stored",
                    self.blocking(Self::drain_refusals).await,
                );
            }
            if !self.cuts.is_empty() {
                report(
                    "whom was cut could not be stored",
                    self.blocking(Self::store_cuts).await,
                );
            }
            if self.clients_seen.waiting() > 0 {
                report(
                    "clients that were seen could not be stored",
                    self.blocking(Self::note_clients).await,
                );
            }
            if stopped {
                return;
            }
            // By the wall clock: a machine that slept for a month must not wait for another day.
            let now = self.now();
            if is_over(noted, now, NOTE_OPEN_EVERY) {
                noted = now;
                report(
                    "clients that are connected could not be noted",
                    self.blocking(Self::note_open_clients).await,
                );
            }
            // A change brings lists and takes them away, so that it is looked at sooner then.
            let revision = self.revision();
            if warned.is_none_or(|(at, of)| of != revision || is_over(at, now, WARN_EVERY)) {
                warned = Some((now, revision));
                let warning = self.blocking(|control| {
                    control.warn_of_ending_crls(control.crl_warn_before());
                    Ok(())
                });
                report(
                    "the ends of revocation lists could not be looked at",
                    warning.await,
                );
            }
            if is_over(renewed, now, RENEW_EVERY) {
                renewed = now;
                self.warn_of_overdue_retirements();
                report(
                    "clients that were not seen for long could not be forgotten",
                    self.blocking(Self::forget_clients).await,
                );
                let renewal = self.blocking(|control| control.renew_identities().map(|_| ()));
                report(
                    "the server certificates could not be renewed",
                    renewal.await,
                );
            }
        }
    }

    /// Moves what waits in the refusal journal into the store. Blocks.
    ///
    /// # Errors
    /// [`ControlError::Store`]; what waited is lost then.
    pub fn drain_refusals(&self) -> Result<(), ControlError> {
        let _draining = self.draining.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.journal.drain();
        if waiting.is_empty() {
            return Ok(());
        }
        Ok(self
            .store
            .add_refusals(&waiting, self.refusals_per_realm_max)?)
    }

    /// Makes generated server certificates anew where it is time. Answers whether any were. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn renew_identities(&self) -> Result<bool, ControlError> {
        let names = &self.rules.names;
        let done = self.change(&Actor::system(), |catalog, now| {
            identities::due(catalog, names, &self.admin_names, now)
        })?;
        Ok(done.changed)
    }
}

fn is_over(last: Moment, now: Moment, every: Duration) -> bool {
    now < last || now.since(last) >= every
}

fn report(what: &str, outcome: Result<(), ControlError>) {
    if let Err(error) = outcome {
        tracing::error!(%error, "{what}");
    }
}
