//! Authority: a request is for the host that its handshake was made for, however else it is addressed.

use std::sync::Arc;

use http_body_util::Empty;

use crate::domain::environment::{Environment, Gateway};
use crate::prove::board::Rows;
use crate::prove::entrance::Entrance;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, OPEN, Stage};
use crate::prove::tls::{Shows, Version};
use crate::prove::wire::{self, request};

const MISDIRECTED: &str = "421 or 400";

/// Where a connection was made for.
struct From<'a> {
    gateway: Gateway,
    host: String,
    shows: Option<&'a Shows>,
    path: String,
}

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let mtls = stage.names().shared_host(Gateway::Mtls, Environment::Prod);
    let froms = [
        From {
            gateway: Gateway::Mtls,
            host: stage.host(),
            shows: Some(stage.good()),
            path: stage.path(CLOSED),
        },
        From {
            gateway: Gateway::Mtls,
            host: mtls.to_owned(),
            shows: Some(stage.good()),
            path: stage.path(CLOSED),
        },
        From {
            gateway: Gateway::External,
            host: stage.shared_host(Gateway::External),
            shows: None,
            path: stage.path(OPEN),
        },
    ];
    for from in &froms {
        if let Some(at) = stage.door(from.gateway, rows) {
            elsewhere(stage, rows, from, at).await?;
        }
    }
    Ok(())
}

async fn elsewhere(
    stage: &Stage,
    rows: &mut Rows,
    from: &From<'_>,
    at: Entrance,
) -> Result<(), ProveError> {
    let dial = stage.dial(at, &from.host, from.shows, Version::V13)?;
    let (host, path) = (&from.host, &from.path);
    let others = others(stage, host);
    for other in &others {
        let tries = [
            (
                format!("Host: {other}"),
                request("GET", path, &[&format!("Host: {other}")], ""),
            ),
            (
                format!("Host: {other}:443"),
                request("GET", path, &[&format!("Host: {other}:443")], ""),
            ),
            (
                format!("Host: {host} and Host: {other}"),
                request(
                    "GET",
                    path,
                    &[&format!("Host: {host}"), &format!("Host: {other}")],
                    "",
                ),
            ),
            (
                format!("target https://{other}…, Host: {host}"),
                request(
                    "GET",
                    &format!("https://{other}{path}"),
                    &[&format!("Host: {host}")],
                    "",
                ),
            ),
            (
                format!("target https://{host}…, Host: {other}"),
                request(
                    "GET",
                    &format!("https://{host}{path}"),
                    &[&format!("Host: {other}")],
                    "",
                ),
            ),
            (
                format!("target https://{other}…, Host: {other}"),
                request(
                    "GET",
                    &format!("https://{other}{path}"),
                    &[&format!("Host: {other}")],
                    "",
                ),
            ),
        ];
        for (what, bytes) in tries {
            let came = wire::call(&dial, &bytes).await;
            rows.turned_away(format!("{host}: {what}"), MISDIRECTED, &came);
        }
        over_h2(stage, rows, from, at, other).await?;
    }
    for (what, lines) in [
        ("no Host", vec![]),
        ("two Hosts that agree", vec![host.as_str(), host.as_str()]),
        ("an empty Host", vec![""]),
        ("a Host with user information", vec!["user@host.invalid"]),
    ] {
        let lines: Vec<String> = lines.iter().map(|host| format!("Host: {host}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let came = wire::call(&dial, &request("GET", path, &lines, "")).await;
        rows.turned_away(format!("{host}: {what}"), MISDIRECTED, &came);
    }
    let with_dot = format!("Host: {host}.");
    let came = wire::call(&dial, &request("GET", path, &[&with_dot], "")).await;
    let held = came.is_status(&[200]);
    rows.served(
        format!("{host}: one trailing dot in Host"),
        "200",
        &came,
        held,
    );
    Ok(())
}

/// Coalescing: another host's request on this host's HTTP/2 connection.
async fn over_h2(
    stage: &Stage,
    rows: &mut Rows,
    from: &From<'_>,
    at: Entrance,
    other: &str,
) -> Result<(), ProveError> {
    let mut config = stage.client(from.shows, Version::V13)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut dial = stage.dial(at, &from.host, None, Version::V13)?;
    dial.config = Arc::new(config);
    let (host, path) = (from.host.as_str(), from.path.as_str());
    for (authority, header) in [
        (other, None),
        (host, Some(other)),
        (other, Some(host)),
        (other, Some(other)),
    ] {
        let mut builder = http::Request::get(format!("https://{authority}{path}"));
        if let Some(header) = header {
            builder = builder.header(http::header::HOST, header);
        }
        let told = header.map_or_else(String::new, |header| format!(", host: {header}"));
        let tried = format!("{host}: HTTP/2 :authority {authority}{told}");
        let Ok(request) = builder.body(Empty::new()) else {
            rows.not_tried(tried, "this request cannot be made");
            continue;
        };
        let came = wire::call_h2(&dial, request).await;
        rows.turned_away(tried, MISDIRECTED, &came);
    }
    Ok(())
}

/// Hosts that are not `host`: a real realm's, the other gateways', the other environment's, and nobody's.
fn others(stage: &Stage, host: &str) -> Vec<String> {
    let names = stage.names();
    let (real, _) = stage.hosts();
    let mut others: Vec<String> = real
        .first()
        .map(|real| real.host.clone())
        .into_iter()
        .collect();
    others.push(names.realm_host(Environment::Test, stage.realm()));
    others.push(names.realm_host(Environment::Prod, stage.realm()));
    for gateway in Gateway::ALL {
        others.push(names.shared_host(gateway, Environment::Prod).to_owned());
    }
    others.push("nobody.invalid".to_owned());
    others.retain(|other| other != host);
    others
}
