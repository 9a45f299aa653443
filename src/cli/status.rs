//! `realmgate status`

use std::time::Duration;

use serde_json::Value;

use crate::cli::error::CliError;
use crate::cli::session::{Asking, Session};
use crate::cli::show;
use crate::client::path::Path;

/// How the server is.
#[derive(Clone, Debug, clap::Args)]
pub struct Status {
    /// How the server is asked.
    #[command(flatten)]
    asking: Asking,
}

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(status: &Status) -> Result<(), CliError> {
    let session = Session::open(&status.asking)?;
    let answer = session.get(&Path::of(&["status"]))?;
    let rows = [
        ("version", "/version"),
        ("domain", "/domain"),
        ("revision", "/revision"),
        ("realms", "/realms"),
        ("closed realms", "/closedRealms"),
        ("sources of CRLs", "/crls/sources"),
        ("of them failing", "/crls/failing"),
        ("CRLs that end", "/crls/warnings"),
        ("up for", "/upFor"),
    ];
    session.print(&answer, |answer| {
        let mut told = answer.clone();
        if let (Some(up), Value::Object(fields)) =
            (answer.get("uptimeMs").and_then(Value::as_u64), &mut told)
        {
            fields.insert(
                "upFor".to_owned(),
                Value::String(lasting(Duration::from_millis(up))),
            );
        }
        show::sheet(&told, &rows, 0)
    })
}

/// A duration in its two largest units.
fn lasting(duration: Duration) -> String {
    let mut left = duration.as_secs();
    let mut parts = Vec::new();
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)] {
        let count = left.checked_div(length).unwrap_or(0);
        left = left.checked_rem(length).unwrap_or(0);
        if count > 0 {
            parts.push(format!("{count} {unit}"));
        }
    }
    parts.truncate(2);
    if parts.is_empty() {
        "less than a second".to_owned()
    } else {
        parts.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_two_units() {
        for (seconds, expect) in [
            (0, "less than a second"),
            (59, "59 s"),
            (61, "1 min 1 s"),
            (90_061, "1 d 1 h"),
            (86_400, "1 d"),
        ] {
            assert_eq!(lasting(Duration::from_secs(seconds)), expect);
        }
    }
}
