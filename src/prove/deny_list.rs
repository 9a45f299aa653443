//! The deny list: who is on it is let in nowhere, whatever vouches for them, and nobody else is the worse for it.

use crate::prove::entrance::Entrance;
use std::sync::Arc;

use rustls::client::{ClientSessionStore, Resumption};

use crate::domain::command::Command;
use crate::domain::denial::{DenialReason, Denied};
use crate::domain::environment::{Environment, Gateway};
use crate::pki::distinguished::DistinguishedName;
use crate::prove::board::Rows;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, Stage, get};
use crate::prove::throwaway::{client_request, showing};
use crate::prove::tls::{Sessions, Shows, Version};
use crate::prove::wire::{self, Came, Dial, Open, Split};

const ALERT: &str = "alert access_denied";

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let Some(at) = stage.door(Gateway::Mtls, rows) else {
        return Ok(());
    };
    let ca = &stage.denying().authority;
    let issue = |name: &str| ca.issue_client(&client_request(name, stage.validity()));
    let (by_key, by_name) = (issue("denied-by-key")?, issue("denied-by-name")?);
    let denied = [
        ("key", showing(&by_key, &[])),
        ("subject", showing(&by_name, &[])),
    ];
    let hosts = [stage.host(), stage.shared_host(Gateway::Mtls)];
    let mut visits = Vec::new();
    for (by, shows) in &denied {
        for host in &hosts {
            for version in Version::ALL {
                let visit = Visit::new(stage, at, host, shows, version).await?;
                let what = format!("{host}: a client that is denied by its {by}");
                visits.push((format!("{what} ({})", version.as_str()), visit));
            }
        }
    }
    let subject = &by_name.certificate.facts().raw_subject;
    let mut commands = vec![deny(
        stage,
        Denied::Key(by_key.certificate.facts().spki_sha256),
    )?];
    let name = DistinguishedName::from_der(subject);
    let name = name.map_err(|_| ProveError::Name)?;
    commands.push(deny(stage, Denied::Subject(name))?);
    stage.proof().carry_out(commands).await?;
    for (what, visit) in visits {
        visit.again(stage, rows, &what).await;
    }
    for host in &hosts {
        let path = stage.path(CLOSED);
        let shows = &stage.denying().client;
        let came = stage
            .get(at, host, Some(shows), Version::V13, &path)
            .await?;
        let tried = format!("{host}: another client of the same CA");
        rows.served(tried, "200", &came, came.is_status(&[200]));
    }
    Ok(())
}

fn deny(stage: &Stage, what: Denied) -> Result<Command, ProveError> {
    Ok(Command::Deny {
        realm: stage.realm().clone(),
        environment: Environment::Prod,
        what,
        reason: DenialReason::parse("realmgate prove").map_err(|_| ProveError::Name)?,
        until: None,
    })
}

/// What a client had before it was denied: a session, and a connection that is open still.
struct Visit {
    host: String,
    dial: Dial,
    open: Result<Open, Came>,
}

impl Visit {
    async fn new(
        stage: &Stage,
        at: Entrance,
        host: &str,
        shows: &Shows,
        version: Version,
    ) -> Result<Self, ProveError> {
        let sessions: Arc<dyn ClientSessionStore> = Arc::new(Sessions::default());
        let mut config = stage.client(Some(shows), version)?;
        config.resumption = Resumption::store(sessions);
        let dial = Dial {
            at,
            name: host.to_owned(),
            config: Arc::new(config),
            split: Split::No,
        };
        let open = match wire::open_in_time(&dial).await {
            Ok(mut open) => {
                let came = open.ask(&keep_alive(stage, host)).await;
                if came.is_status(&[200]) {
                    Ok(open)
                } else {
                    Err(came)
                }
            }
            Err(came) => Err(came),
        };
        Ok(Self {
            host: host.to_owned(),
            dial,
            open,
        })
    }

    /// Tries the open connection, then a new one, which offers the session.
    async fn again(self, stage: &Stage, rows: &mut Rows, what: &str) {
        let on_open = format!("{what}, on a connection that was open");
        let on_new = format!("{what}, on a new connection, with its former session");
        match self.open {
            Ok(mut open) => {
                let came = open.ask(&keep_alive(stage, &self.host)).await;
                rows.turned_away(on_open, "cut, or no pipeline's answer", &came);
                let came = wire::call(&self.dial, &get(&self.host, &stage.path(CLOSED))).await;
                // With few signatures to check, a shared host may leave it to the request: nothing is answered then.
                rows.turned_away(on_new, ALERT, &came);
            }
            Err(came) => {
                let why = format!("it did not get in before it was denied: {came}");
                rows.not_tried(on_open, &why);
                rows.not_tried(on_new, &why);
            }
        }
    }
}

/// A request that leaves the connection open.
fn keep_alive(stage: &Stage, host: &str) -> Vec<u8> {
    let path = stage.path(CLOSED);
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}
