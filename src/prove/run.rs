//! A run: the classes one after another, on a stage that is cleared away whatever happens.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::domain::token::Actor;
use crate::pki::authority::AuthorityError;
use crate::prove::board::{Board, Class, Rows};
use crate::prove::stage::Stage;
use crate::prove::{
    authority, change, client_rule, confusion, deny_list, explain, headers, hostile, names, paths,
    possession, resumption, revocation, second_door, split_hello, strangers,
};

/// How long a run may take. What is not tried by then is told so.
const RUN_TIMEOUT: Duration = Duration::from_secs(28);

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The reserved realm could not be made or changed.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The throw-away PKI could not be made.
    #[error("the throw-away certificates cannot be made: {0}")]
    Pki(#[from] AuthorityError),
    /// A client could not be made.
    #[error("a client for the attack cannot be made: {0}")]
    Tls(#[from] rustls::Error),
    /// The setting of the prefix makes names that cannot be.
    #[error(
        "the reserved realm cannot be described: shorten the setting 'trust_account_prefix' to at most 60 characters"
    )]
    Name,
}

/// Attacks the running gateways through `classes`, or all of them where none is named.
///
/// # Errors
/// [`ProveError`]; nothing is left behind then, nor where the future is dropped.
pub async fn run(
    control: &Arc<Control>,
    actor: Actor,
    classes: &[Class],
) -> Result<Board, ProveError> {
    let begun = Instant::now();
    let end = begun.checked_add(RUN_TIMEOUT).unwrap_or(begun);
    let stage = Stage::set(control, actor).await?;
    let mut all = Vec::new();
    let wanted = |class: &Class| classes.is_empty() || classes.contains(class);
    for class in Class::ALL.into_iter().filter(wanted) {
        let mut rows = Rows::of(class);
        let carried_out = Box::pin(carry_out(class, &stage, &mut rows));
        match tokio::time::timeout_at(end, carried_out).await {
            Ok(outcome) => outcome?,
            Err(_) => rows.not_tried("the rest of the class", "the time of the run was over"),
        }
        all.extend(rows.into_rows());
    }
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let board = Board::of(all, took_ms);
    stage.into_proof().end(board.outcome()).await?;
    Ok(board)
}

async fn carry_out(class: Class, stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    match class {
        Class::Strangers => strangers::attack(stage, rows).await,
        Class::Names => names::attack(stage, rows).await,
        Class::SplitHello => split_hello::attack(stage, rows).await,
        Class::Resumption => resumption::attack(stage, rows).await,
        Class::Authority => authority::attack(stage, rows).await,
        Class::Paths => paths::attack(stage, rows).await,
        Class::HostileCertificates => hostile::attack(stage, rows).await,
        Class::Possession => possession::attack(stage, rows).await,
        Class::ChainConfusion => confusion::attack(stage, rows).await,
        Class::IdentityHeaders => headers::attack(stage, rows).await,
        Class::SecondDoor => second_door::attack(stage, rows).await,
        Class::Revocation => revocation::attack(stage, rows).await,
        Class::DenyList => deny_list::attack(stage, rows).await,
        Class::ClientRules => client_rule::attack(stage, rows).await,
        Class::Change => change::attack(stage, rows).await,
        Class::Explain => explain::attack(stage, rows).await,
    }
}
