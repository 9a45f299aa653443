//! The reserved realm of `realmgate prove`: made for one run, and removed however the run ends.
//!
//! It goes the way of every change (applied, compiled, stored with its audit, published), but for one thing: nobody but
//! a [`Proof`] may touch it, and nobody sees it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use crate::control::authorise;
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::executing::Done;
use crate::control::impact::Cutting;
use crate::control::view::refusal::RefusalView;
use crate::domain::command::{Command, ProofOutcome};
use crate::domain::name::RealmName;
use crate::domain::token::Actor;

/// An attack on ourselves that is going on. Dropping it removes the reserved realm, as [`Proof::end`] does.
pub struct Proof {
    control: Arc<Control>,
    actor: Actor,
    over: bool,
}

impl Control {
    /// Makes the reserved realm and, in the same transaction, what `commands` put into it. There is one at a time.
    ///
    /// # Errors
    /// [`ControlError`]; nothing is left behind then.
    pub async fn begin_proof(
        self: &Arc<Self>,
        actor: Actor,
        commands: Vec<Command>,
    ) -> Result<Proof, ControlError> {
        let control = Arc::clone(self);
        // Made on the other side: where nobody waits for it any more, it is dropped there, and clears away.
        tokio::task::spawn_blocking(move || control.begin(actor, &commands))
            .await
            .map_err(|_| ControlError::Interrupted)?
    }

    fn begin(self: Arc<Self>, actor: Actor, commands: &[Command]) -> Result<Proof, ControlError> {
        authorise::appliance(&actor, "proof.run")?;
        if self.proving.swap(true, Ordering::AcqRel) {
            return Err(ControlError::ProofRunning);
        }
        let mut all = Vec::with_capacity(commands.len().saturating_add(2));
        // What a run could not remove is in the way of the next.
        if self.has_reserved_realm() {
            let outcome = ProofOutcome::LeftOver;
            all.push(Command::EndProof { outcome });
        }
        all.push(Command::BeginProof);
        all.extend_from_slice(commands);
        if let Err(error) = self.in_a_proof(&actor, &all) {
            self.proving.store(false, Ordering::Release);
            return Err(error);
        }
        Ok(Proof {
            control: self,
            actor,
            over: false,
        })
    }

    fn in_a_proof(&self, actor: &Actor, commands: &[Command]) -> Result<Done, ControlError> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.carry_out(actor, commands, Cutting::Confirmed, self.clock.now())
    }

    /// Removes the reserved realm, where it is there.
    fn clear_away(&self, actor: &Actor, outcome: ProofOutcome) -> Result<(), ControlError> {
        let cleared = if self.has_reserved_realm() {
            self.in_a_proof(actor, &[Command::EndProof { outcome }])
                .map(drop)
        } else {
            Ok(())
        };
        self.proving.store(false, Ordering::Release);
        cleared
    }

    fn has_reserved_realm(&self) -> bool {
        let reserved = RealmName::reserved();
        self.catalog.load().realms.contains_key(&reserved)
    }
}

impl Proof {
    /// The engine.
    pub const fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Changes something inside of the reserved realm.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn carry_out(&self, commands: Vec<Command>) -> Result<Done, ControlError> {
        let actor = self.actor.clone();
        self.control
            .blocking(move |control| control.in_a_proof(&actor, &commands))
            .await
    }

    /// The refused clients of the reserved realm, newest first.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn refusals(&self, limit: usize) -> Result<Vec<RefusalView>, ControlError> {
        self.control
            .blocking(move |control| control.refusals_of(Some(&RealmName::reserved()), None, limit))
            .await
    }

    /// Removes the reserved realm and records what came of it.
    ///
    /// # Errors
    /// [`ControlError`]; the next run, or the next start, removes it then.
    pub async fn end(mut self, outcome: ProofOutcome) -> Result<(), ControlError> {
        let actor = self.actor.clone();
        self.over = true;
        self.control
            .blocking(move |control| control.clear_away(&actor, outcome))
            .await
    }
}

impl Drop for Proof {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let (control, actor) = (Arc::clone(&self.control), self.actor.clone());
        // It blocks, and whoever drops this may be about to end.
        std::thread::spawn(move || {
            if let Err(error) = control.clear_away(&actor, ProofOutcome::Interrupted) {
                tracing::error!(%error, "what 'realmgate prove' made could not be removed: restart realmgate");
            }
        });
    }
}
