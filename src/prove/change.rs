//! Change: connections that are open when their trust goes are cut soon, and no others.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::command::Command;
use crate::domain::environment::{Environment, Gateway};
use crate::prove::board::Rows;
use crate::prove::entrance::Entrance;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, Stage};
use crate::prove::tls::{Shows, Version};
use crate::prove::wire::{self, Came, Open};

/// For the machine, on top of what the settings let a connection finish in.
const CUT_MARGIN: Duration = Duration::from_millis(700);
/// The longest that is waited for a cut: a run has an end.
const CUT_WAIT_MAX: Duration = Duration::from_secs(12);

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let Some(at) = stage.door(Gateway::Mtls, rows) else {
        return Ok(());
    };
    let (own, shared) = (stage.host(), stage.shared_host(Gateway::Mtls));
    let cut = &stage.cut().client;
    let mut open = Vec::new();
    for host in [&own, &shared] {
        for version in Version::ALL {
            let what = format!("{host}: an idle connection ({})", version.as_str());
            open.push((what, idle(stage, at, host, cut, version).await?));
        }
        let what = format!("{host}: a call whose body is still coming");
        open.push((what, busy(stage, at, host, cut).await?));
    }
    let mut staying = idle(stage, at, &own, stage.good(), Version::V13).await?;
    let removal = Command::RemoveInstallation {
        realm: stage.realm().clone(),
        environment: Environment::Prod,
        account: stage.cut().account.clone(),
    };
    stage.proof().carry_out(vec![removal]).await?;
    let removed = Instant::now();
    let grace = stage.proof().control().cut_grace();
    let within = grace.saturating_add(CUT_MARGIN);
    let expected = format!("cut within {} ms", within.as_millis());
    for (what, connection) in open {
        let tried = format!("{what}, whose anchor is removed");
        match connection {
            Ok(_) if within > CUT_WAIT_MAX => {
                let seconds = grace.as_secs();
                let why = format!(
                    "the setting cut_grace_ms leaves it {seconds} s, which is longer than a run can wait"
                );
                rows.not_tried(tried, &why);
            }
            Ok(mut connection) => {
                let end = removed.checked_add(within).unwrap_or(removed);
                let came = tokio::time::timeout_at(end, connection.read_answer())
                    .await
                    .unwrap_or(Came::Silence);
                let held = came.is_refused() || (came.body().is_none() && is_answer(&came));
                rows.add(tried, expected.clone(), &told(came), held);
            }
            Err(came) => rows.not_tried(tried, &came.to_string()),
        }
    }
    let tried = format!("{own}: a connection whose anchor stays");
    match &mut staying {
        Ok(connection) => {
            let came = connection.ask(&keep_alive(&own, &stage.path(CLOSED))).await;
            rows.served(tried, "200", &came, came.is_status(&[200]));
        }
        Err(came) => rows.not_tried(tried, &came.to_string()),
    }
    for host in [&own, &shared] {
        let path = stage.path(CLOSED);
        let came = stage.get(at, host, Some(cut), Version::V13, &path).await?;
        let tried = format!("{host}: a new connection by the anchor that was removed");
        rows.refused(tried, "alert unknown_ca", &came);
    }
    Ok(())
}

/// A connection that was let in, and now says nothing.
async fn idle(
    stage: &Stage,
    at: Entrance,
    host: &str,
    shows: &Shows,
    version: Version,
) -> Result<Result<Open, Came>, ProveError> {
    let dial = stage.dial(at, host, Some(shows), version)?;
    Ok(match wire::open_in_time(&dial).await {
        Ok(mut open) => {
            let came = open.ask(&keep_alive(host, &stage.path(CLOSED))).await;
            if came.is_status(&[200]) {
                Ok(open)
            } else {
                Err(came)
            }
        }
        Err(came) => Err(came),
    })
}

/// A connection with a call in flight.
async fn busy(
    stage: &Stage,
    at: Entrance,
    host: &str,
    shows: &Shows,
) -> Result<Result<Open, Came>, ProveError> {
    Ok(match idle(stage, at, host, shows, Version::V13).await? {
        Ok(mut open) => {
            let path = stage.path(CLOSED);
            let begun =
                format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n\r\nx");
            match open.send(begun.as_bytes()).await {
                Ok(()) => Ok(open),
                Err(error) => Err(Came::Broke(error.to_string())),
            }
        }
        Err(came) => Err(came),
    })
}

fn keep_alive(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

const fn is_answer(came: &Came) -> bool {
    matches!(came, Came::Answer(_))
}

/// The time that was waited here is not that of a whole try.
fn told(came: Came) -> Came {
    match came {
        Came::Silence => Came::Broke("the connection stayed open".to_owned()),
        came @ (Came::Unreachable(_)
        | Came::Alert(_)
        | Came::Closed
        | Came::Broke(_)
        | Came::WentOn { .. }
        | Came::Answer(_)) => came,
    }
}
