//! Who may do and see what: the one place that decides it.
//!
//! Operators may do everything. A realm's admins may do everything inside of their realm, but install trust; any other
//! realm does not exist for them. Auditors see everything and change nothing.

use crate::domain::command::Command;
use crate::domain::identity::IdentitySlot;
use crate::domain::name::RealmName;
use crate::domain::rejection::Rejection;
use crate::domain::token::{Actor, Role};

/// Something that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matter<'a> {
    /// One realm and what is in it, its refusals and audit included.
    Realm(&'a RealmName),
    /// That the server runs, and how.
    Status,
    /// The certificate of the server's own authority, which is handed out to clients.
    ServerAuthority,
    /// What the listeners show.
    ServerIdentities,
    /// Access tokens.
    Tokens,
    /// The audit of everything.
    Audit,
    /// Refusals that belong to no realm.
    OwnRefusals,
}

impl Matter<'_> {
    const fn action(self) -> &'static str {
        match self {
            Self::Realm(_) => "realm.read",
            Self::Status => "status.read",
            Self::ServerAuthority => "server-authority.read",
            Self::ServerIdentities => "server-identity.read",
            Self::Tokens => "token.read",
            Self::Audit => "audit.read",
            Self::OwnRefusals => "refusal.read",
        }
    }
}

/// Whether `actor` may ask for `command`.
///
/// # Errors
/// [`Rejection::Forbidden`], [`Rejection::NoRealm`] where the realm does not exist for the actor, or
/// [`Rejection::RealmReserved`].
pub fn command(actor: &Actor, command: &Command) -> Result<(), Rejection> {
    if let Some(realm) = command.realm() {
        unreserved(realm)?;
    }
    let forbidden = || Rejection::Forbidden {
        role: actor.role.as_str(),
        action: command.action(),
    };
    match &actor.role {
        Role::Operator => Ok(()),
        Role::Auditor => Err(forbidden()),
        // It is no secret that others exist who make realms.
        Role::RealmAdmin(_) if matches!(command, Command::CreateRealm { .. }) => Err(forbidden()),
        Role::RealmAdmin(own) => match command.realm() {
            Some(realm) if realm != own => Err(Rejection::NoRealm {
                realm: realm.clone(),
            }),
            Some(_) if command.realm_admin_may() => Ok(()),
            Some(_) | None => Err(forbidden()),
        },
    }
}

/// Whether `actor` may change anything inside of `realm`, whose commands are still to be made; `action` is what it is
/// called.
///
/// # Errors
/// As [`command`].
pub fn inside(actor: &Actor, realm: &RealmName, action: &'static str) -> Result<(), Rejection> {
    unreserved(realm)?;
    match &actor.role {
        Role::Operator => Ok(()),
        Role::Auditor => Err(Rejection::Forbidden {
            role: actor.role.as_str(),
            action,
        }),
        Role::RealmAdmin(own) if own == realm => Ok(()),
        Role::RealmAdmin(_) => Err(Rejection::NoRealm {
            realm: realm.clone(),
        }),
    }
}

/// Whether `actor` may change the appliance itself, by a command that is still to be made; `action` is what it is called.
///
/// # Errors
/// [`Rejection::Forbidden`].
pub fn appliance(actor: &Actor, action: &'static str) -> Result<(), Rejection> {
    match &actor.role {
        Role::Operator => Ok(()),
        Role::Auditor | Role::RealmAdmin(_) => Err(Rejection::Forbidden {
            role: actor.role.as_str(),
            action,
        }),
    }
}

/// Whether `actor` may put this server identity in place or take it away, by a command that is still to be made; `action` is
/// what it is called.
///
/// # Errors
/// As [`command`].
pub fn identity(actor: &Actor, slot: &IdentitySlot, action: &'static str) -> Result<(), Rejection> {
    if let Some(realm) = slot.realm() {
        unreserved(realm)?;
        read(actor, Matter::Realm(realm))?;
    }
    appliance(actor, action)
}

/// Whether `actor` may see `matter`.
///
/// # Errors
/// [`Rejection::Forbidden`], or [`Rejection::NoRealm`] where the realm does not exist for the actor.
pub fn read(actor: &Actor, matter: Matter<'_>) -> Result<(), Rejection> {
    match (&actor.role, matter) {
        (Role::Operator | Role::Auditor, _)
        | (Role::RealmAdmin(_), Matter::Status | Matter::ServerAuthority) => Ok(()),
        (Role::RealmAdmin(own), Matter::Realm(realm)) if own == realm => Ok(()),
        (Role::RealmAdmin(_), Matter::Realm(realm)) => Err(Rejection::NoRealm {
            realm: realm.clone(),
        }),
        (
            Role::RealmAdmin(_),
            Matter::ServerIdentities | Matter::Tokens | Matter::Audit | Matter::OwnRefusals,
        ) => Err(Rejection::Forbidden {
            role: actor.role.as_str(),
            action: matter.action(),
        }),
    }
}

/// The reserved realm belongs to `realmgate prove`, which does not ask here.
fn unreserved(realm: &RealmName) -> Result<(), Rejection> {
    if realm.is_reserved() {
        return Err(Rejection::RealmReserved {
            realm: realm.clone(),
        });
    }
    Ok(())
}

/// Whether `actor` sees that `realm` exists.
pub fn sees(actor: &Actor, realm: &RealmName) -> bool {
    if realm.is_reserved() {
        return false;
    }
    match &actor.role {
        Role::Operator | Role::Auditor => true,
        Role::RealmAdmin(own) => own == realm,
    }
}

#[cfg(test)]
mod tests;
