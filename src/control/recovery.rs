//! What an operator does with the server stopped and the master key at hand.

use crate::clock::Moment;
use crate::control::error::ControlError;
use crate::control::executing::{self, Prepared};
use crate::control::tokens;
use crate::domain::catalog::{Catalog, Circumstances, Rules};
use crate::domain::command::Command;
use crate::domain::name::TokenName;
use crate::domain::rejection::Rejection;
use crate::domain::token::{Actor, Role};
use crate::pki::secret::Secret;
use crate::store::db::Store;

/// What a recovered token is called.
const NAME: &str = "recovered-operator";
/// How many recovered tokens there can be at a time.
const RECOVERED_MAX: usize = 1000;

/// Makes a new operator's token in the store of a server that does not run, in place of one that was lost. The lost one
/// stays valid until it is revoked. Blocks.
///
/// # Errors
/// [`ControlError`].
pub fn new_operator_token(
    store: &Store,
    rules: &Rules,
    now: Moment,
) -> Result<(TokenName, Secret), ControlError> {
    let catalog = store.load()?;
    let name = free_name(&catalog)?;
    let secret = tokens::generate()?;
    let hash = tokens::hash(&secret);
    let command = Command::CreateToken {
        name: name.clone(),
        role: Role::Operator,
        hash,
        expires: None,
    };
    let actor = Actor {
        name: "recovery".to_owned(),
        role: Role::Operator,
        address: None,
    };
    let around = Circumstances {
        actor: &actor,
        now,
        rules,
    };
    let Prepared {
        next,
        touched,
        audit,
        ..
    } = executing::prepare(&catalog, &[command], around)?;
    store.commit(&next, &touched, &audit, &actor, now)?;
    Ok((name, secret))
}

fn free_name(catalog: &Catalog) -> Result<TokenName, Rejection> {
    let numbered = (2..=RECOVERED_MAX).map(|number| format!("{NAME}-{number}"));
    std::iter::once(NAME.to_owned())
        .chain(numbered)
        .filter_map(|name| TokenName::parse(&name).ok())
        .find(|name| !catalog.tokens.contains_key(name))
        .ok_or(Rejection::TooMany {
            what: "recovered tokens: revoke those that are not used",
            most: RECOVERED_MAX,
        })
}
