//! Split ClientHello: the name must be found however the bytes come, and nobody be served as somebody without a name.

use crate::domain::environment::Gateway;
use crate::prove::board::Rows;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, Stage, get};
use crate::prove::tls::Version;
use crate::prove::wire::{self, Split};

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let Some(at) = stage.door(Gateway::Mtls, rows) else {
        return Ok(());
    };
    let (real, _) = stage.hosts();
    let host = real
        .iter()
        .find(|real| !real.explains)
        .map_or_else(|| stage.host(), |real| real.host.clone());
    let ways = [
        ("one byte a segment", Split::Segments(1)),
        ("5 bytes a segment", Split::Segments(5)),
        ("100 bytes a segment", Split::Segments(100)),
        ("one byte a record", Split::Records(1)),
        ("4 bytes a record", Split::Records(4)),
        ("100 bytes a record", Split::Records(100)),
    ];
    for (how, split) in ways {
        for version in Version::ALL {
            let mut dial = stage.dial(at, &host, None, version)?;
            dial.split = split;
            let came = wire::call(&dial, &get(&host, &stage.path(CLOSED))).await;
            let tried = format!("{host}: no certificate, {how} ({})", version.as_str());
            rows.refused(tried, "alert certificate_required", &came);
        }
        let host = stage.host();
        let mut dial = stage.dial(at, &host, Some(stage.good()), Version::V13)?;
        dial.split = split;
        let came = wire::call(&dial, &get(&host, &stage.path(CLOSED))).await;
        let held = came.is_status(&[200]);
        let tried = format!("{host}: a trusted certificate, {how}");
        rows.served(tried, "200", &came, held);
    }
    Ok(())
}
