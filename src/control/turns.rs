//! Turns: each realm has one change weighed at a time.
//!
//! Weighing takes as long as the realm's clients make it take, so that its admins could keep everybody's threads busy
//! otherwise. Operators do not wait for them.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::control::error::ControlError;
use crate::domain::name::RealmName;
use crate::domain::token::Actor;

/// The realms whose admins have a change weighed just now.
#[derive(Debug, Default)]
pub struct Turns(Mutex<BTreeSet<RealmName>>);

/// A realm's turn. It ends with this.
#[derive(Debug)]
pub struct Turn<'a> {
    turns: &'a Turns,
    realm: &'a RealmName,
}

impl Turns {
    /// The turn of an admin's realm; `None` for whom none is needed.
    ///
    /// # Errors
    /// [`ControlError::WeighingRunning`] where the realm's last one is not over.
    pub fn turn_of<'a>(&'a self, actor: &'a Actor) -> Result<Option<Turn<'a>>, ControlError> {
        let Some(realm) = actor.role.realm() else {
            return Ok(None);
        };
        if !self.lock().insert(realm.clone()) {
            return Err(ControlError::WeighingRunning {
                realm: realm.clone(),
            });
        }
        Ok(Some(Turn { turns: self, realm }))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<RealmName>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.lock().remove(self.realm);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::token::Role;

    fn admin(realm: &str) -> Actor {
        Actor {
            name: "admin".to_owned(),
            role: Role::RealmAdmin(RealmName::parse(realm).unwrap()),
            address: None,
        }
    }

    #[test]
    fn a_realm_has_one_turn_at_a_time_and_keeps_nobody_else_waiting() {
        let turns = Turns::default();
        let (acme, globex, operator) = (admin("acme"), admin("globex"), Actor::system());
        let first = turns.turn_of(&acme).unwrap();
        let second = turns.turn_of(&acme);
        assert!(
            matches!(second, Err(ControlError::WeighingRunning { realm }) if realm.as_str() == "acme")
        );
        assert!(turns.turn_of(&globex).unwrap().is_some());
        assert!(turns.turn_of(&operator).unwrap().is_none());
        drop(first);
        assert!(turns.turn_of(&acme).unwrap().is_some());
    }
}
