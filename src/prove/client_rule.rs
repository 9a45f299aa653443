//! Client rules: a client that a pipeline's rule leaves out is trusted by the realm, and gets no further.

use crate::domain::environment::{Environment, Gateway};
use crate::prove::board::Rows;
use crate::prove::run::ProveError;
use crate::prove::stage::{CHOOSY, CHOSEN, Stage};
use crate::prove::throwaway::{client_request, showing};
use crate::prove::tls::Version;

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let Some(at) = stage.door(Gateway::Mtls, rows) else {
        return Ok(());
    };
    let ca = &stage.main(Environment::Prod).authority;
    let path = stage.path(CHOOSY);
    let names = [
        (CHOSEN, true),
        ("somebody-else", false),
        ("CHOSEN-BY-THE-RULE", false),
        ("x,CN=chosen-by-the-rule", false),
        ("chosen-by-the-rule\0", false),
        ("chosen-by-the-rule ", false),
        ("' || true || '", false),
    ];
    for host in [stage.host(), stage.shared_host(Gateway::Mtls)] {
        for (name, let_in) in names {
            let leaf = ca.issue_client(&client_request(name, stage.validity()))?;
            let shows = showing(&leaf, &[]);
            let came = stage
                .get(at, &host, Some(&shows), Version::V13, &path)
                .await?;
            let (who, status) = if let_in {
                ("that the rule lets in", "200")
            } else {
                ("that the rule leaves out", "403")
            };
            let tried = format!("{host}: a trusted client {who}, called {name:?}");
            if let_in {
                rows.served(tried, status, &came, came.is_status(&[200]));
            } else {
                // A certificate that cannot be read is refused before any rule is asked.
                rows.turned_away(tried, status, &came);
            }
        }
    }
    Ok(())
}
