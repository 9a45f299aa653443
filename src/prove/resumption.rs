//! Resumption: a session is worth nothing where it was not made, and nothing once its trust is gone.

use std::sync::Arc;

use rustls::client::{ClientSessionStore, Resumption};

use crate::domain::command::Command;
use crate::domain::environment::{Environment, Gateway};
use crate::prove::board::Rows;
use crate::prove::entrance::Entrance;
use crate::prove::renegotiation;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, OPEN, Stage, get};
use crate::prove::tls::{Sessions, Shows, Version};
use crate::prove::wire::{self, Came, Dial, Split};

const RESUMED: &str = "the session was resumed";
const NO_TICKET: &str = "no ticket was offered";
const NOT_RESUMED: &str = "no ticket, or a handshake from the beginning";

/// A client that takes its sessions along.
struct Traveller {
    sessions: Arc<Sessions>,
    dial: Dial,
}

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let Some(at) = stage.door(Gateway::Mtls, rows) else {
        return Ok(());
    };
    for version in Version::ALL {
        taken_elsewhere(stage, rows, at, version).await?;
        from_a_regular_gateway(stage, rows, at, version).await?;
    }
    early_data(stage, rows, at).await?;
    renegotiation::attack(stage, rows, at).await?;
    after_removal(stage, rows, at).await
}

/// A session of the reserved realm's host, offered to other hosts.
async fn taken_elsewhere(
    stage: &Stage,
    rows: &mut Rows,
    at: Entrance,
    version: Version,
) -> Result<(), ProveError> {
    let home = stage.host();
    let traveller = Traveller::new(stage, at, Some(stage.good()), version)?;
    let names = stage.names();
    let (real, _) = stage.hosts();
    let mut targets: Vec<(Entrance, String)> = Vec::new();
    targets.extend(real.first().map(|real| (at, real.host.clone())));
    targets.push((at, names.realm_host(Environment::Test, stage.realm())));
    targets.push((at, stage.shared_host(Gateway::Mtls)));
    for gateway in [Gateway::External, Gateway::Internal] {
        targets.extend(
            stage
                .doors(gateway)
                .next()
                .map(|at| (at, stage.shared_host(gateway))),
        );
    }
    for (at, target) in targets {
        let tried = format!(
            "a session of {home}, offered to {target} ({})",
            version.as_str()
        );
        traveller
            .take_to(stage, rows, &home, (at, &target), tried)
            .await;
    }
    Ok(())
}

/// A session that was made without a certificate.
async fn from_a_regular_gateway(
    stage: &Stage,
    rows: &mut Rows,
    mtls: Entrance,
    version: Version,
) -> Result<(), ProveError> {
    let Some(at) = stage.door(Gateway::External, rows) else {
        return Ok(());
    };
    let home = stage.shared_host(Gateway::External);
    let traveller = Traveller::new(stage, at, None, version)?;
    for target in [stage.host(), stage.shared_host(Gateway::Mtls)] {
        let tried = format!(
            "a session of {home}, offered to {target} ({})",
            version.as_str()
        );
        traveller
            .take_to(stage, rows, &home, (mtls, &target), tried)
            .await;
    }
    Ok(())
}

async fn early_data(stage: &Stage, rows: &mut Rows, at: Entrance) -> Result<(), ProveError> {
    let home = stage.host();
    let traveller = Traveller::new(stage, at, Some(stage.good()), Version::V13)?;
    let came = traveller.visit(stage, at, &home).await;
    let tried = format!("early data for {home}");
    if came.is_status(&[200]) {
        let offered = traveller.sessions.early_data();
        let told = if offered { "offered" } else { "not offered" };
        rows.tell(tried, "not offered", told, !offered);
    } else {
        rows.not_tried(tried, &came.to_string());
    }
    Ok(())
}

/// A session whose anchor is removed before it is offered again, to the host that it was made for.
async fn after_removal(stage: &Stage, rows: &mut Rows, at: Entrance) -> Result<(), ProveError> {
    let home = stage.host();
    let leaving = stage.leaving();
    let mut travellers = Vec::new();
    for version in Version::ALL {
        let traveller = Traveller::new(stage, at, Some(&leaving.client), version)?;
        let came = traveller.visit(stage, at, &home).await;
        travellers.push((version, traveller, came));
    }
    let removal = Command::RemoveInstallation {
        realm: stage.realm().clone(),
        environment: Environment::Prod,
        account: leaving.account.clone(),
    };
    stage.proof().carry_out(vec![removal]).await?;
    for (version, traveller, before) in travellers {
        let tried = format!(
            "a session of {home}, offered again after its anchor was removed ({})",
            version.as_str()
        );
        if !before.is_status(&[200]) {
            rows.not_tried(tried, &format!("there was no session to take: {before}"));
            continue;
        }
        let expected = "a handshake from the beginning, and alert unknown_ca";
        match wire::open_in_time(&traveller.to(at, &home)).await {
            Ok(open) if open.is_resumed() => rows.tell(tried, expected, RESUMED, false),
            Ok(mut open) => {
                let came = open.ask(&get(&home, &stage.path(CLOSED))).await;
                rows.refused(tried, expected, &came);
            }
            Err(came) => rows.refused(tried, expected, &came),
        }
    }
    Ok(())
}

impl Traveller {
    fn new(
        stage: &Stage,
        at: Entrance,
        shows: Option<&Shows>,
        version: Version,
    ) -> Result<Self, ProveError> {
        let sessions = Arc::new(Sessions::default());
        let mut config = stage.client(shows, version)?;
        config.resumption = Resumption::store(Arc::clone(&sessions) as Arc<dyn ClientSessionStore>);
        config.enable_early_data = true;
        Ok(Self {
            sessions,
            dial: Dial {
                at,
                name: stage.host(),
                config: Arc::new(config),
                split: Split::No,
            },
        })
    }

    /// Calls a host, with the sessions that it has.
    async fn visit(&self, stage: &Stage, at: Entrance, host: &str) -> Came {
        let dial = self.to(at, host);
        wire::call(&dial, &get(host, &stage.path(pipeline(stage, host)))).await
    }

    fn to(&self, at: Entrance, host: &str) -> Dial {
        Dial {
            at,
            name: host.to_owned(),
            ..self.dial.clone()
        }
    }

    /// Gets a session at home and offers it to another host.
    async fn take_to(
        &self,
        stage: &Stage,
        rows: &mut Rows,
        home: &str,
        (at, target): (Entrance, &str),
        tried: String,
    ) {
        self.sessions.forget();
        let came = self.visit(stage, self.dial.at, home).await;
        if !came.is_status(&[200]) {
            rows.not_tried(tried, &format!("there was no session to take: {came}"));
            return;
        }
        if !self.sessions.any() {
            rows.tell(tried, NOT_RESUMED, NO_TICKET, true);
            return;
        }
        match wire::open_in_time(&self.to(at, target)).await {
            Ok(open) if open.is_resumed() => {
                rows.tell(tried, NOT_RESUMED, RESUMED, false);
            }
            Ok(_) => rows.tell(tried, NOT_RESUMED, "a handshake from the beginning", true),
            Err(came) => rows.refused(tried, NOT_RESUMED, &came),
        }
    }
}

fn pipeline(stage: &Stage, host: &str) -> &'static str {
    let regular = [Gateway::External, Gateway::Internal]
        .into_iter()
        .any(|gateway| stage.shared_host(gateway) == host);
    if regular { OPEN } else { CLOSED }
}
